// Package matrix is one table of cases, run on every engine.
//
// wasmtime-go and wasmer-go cannot share a process, so each runtime has a thin test package of its own below this one
// that calls [Run] with its engines. All of them must agree: on the addresses of a long trace of page operations, and of one
// of heap operations, which are committed in testdata, on what the guest and the host read of each other's bytes, and on how
// a heap goes on that another engine has left. And on each of them package zigref must do, step by step, what Zig's own
// allocators do in a guest.
package matrix

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/guests"
	"github.com/linmem/linmem/integration/zaplog"
	"go.uber.org/zap/zaptest"
)

// ran says that Run was called.
var ran bool

// Main is the TestMain of a package of the matrix. It fails a run of all tests that never comes to call [Run].
func Main(m *testing.M) (exitCode int) {
	flag.Parse()
	all := flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.list").Value.String() == ""
	exitCode = m.Run()
	if all && !ran {
		fmt.Println("FAIL: the package does not run the matrix")
		return 1
	}
	return exitCode
}

// Run runs every case on every engine.
//
// An engine that CGO_ENABLED=0 or the platform leaves out of the build is skipped by name. One that is missing for any
// other reason, like a C compiler that is not there, or that does not open, fails.
func Run(t *testing.T, list ...engines.Engine) {
	t.Helper()
	ran = true
	for _, e := range list {
		t.Run(e.Name, func(t *testing.T) {
			if e.LeftOut == engines.NeedsCgo && os.Getenv("CGO_ENABLED") != "0" {
				t.Fatalf("%s is missing: %s, or leave it out on purpose with CGO_ENABLED=0 in the environment", e.Name, e.LeftOut)
			}
			if e.LeftOut != "" {
				t.Skipf("%s is left out of this build: %s", e.Name, e.LeftOut)
			}
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) { c.run(open(t, e)) })
			}
			if e.Backend != "" && !e.Is64 {
				t.Run("features", func(t *testing.T) { hasFeatures(t, e) })
			}
			if !e.GoGuest && !e.Is64 {
				t.Run("zig", func(t *testing.T) { agreesWithZig(t, e) })
				t.Run("thumbnail", func(t *testing.T) { makesThumbnails(t, e) })
				t.Run("guests", func(t *testing.T) { opensGuests(t, e) })
			}
		})
	}
}

// fixture is a guest, and an allocator on its memory.
type fixture struct {
	*testing.T
	engine engines.Engine
	inst   guest.Instance
	mem    linmem.Memory
	pages  *linmem.Pages
}

// open instantiates the guest and does what is the same in every case: the guest has some bytes of its own, and at the
// end they are as they were and the allocator finds nothing wrong with itself.
func open(t *testing.T, e engines.Engine) *fixture {
	t.Helper()
	wasm := guests.Bytes
	if e.Is64 {
		wasm = guests.Bytes64
	}
	inst, stop, err := e.Open(context.Background(), wasm)
	if err != nil {
		t.Fatalf("%s does not open: %v", e.Name, err)
	}
	t.Cleanup(stop)
	f := &fixture{T: t, engine: e, inst: inst, mem: inst.Memory()}
	f.pages, err = linmem.NewPages(f.mem, linmem.WithObserver(zaplog.Observer(zaptest.NewLogger(t))))
	if err != nil {
		t.Fatal(err)
	}
	own := f.call("own")[0]
	f.fill(own, ownBytes, 0xee)
	before := f.call("fnv1a", own, ownBytes)[0]
	t.Cleanup(func() {
		if after := f.call("fnv1a", own, ownBytes)[0]; after != before {
			t.Error("the guest's own bytes have changed")
		}
		if err := f.pages.Check(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// ownBytes is the size of the guest's own bytes.
const ownBytes = 4096

// call calls the guest, and fails the test if it traps.
func (f *fixture) call(name string, args ...uint64) []uint64 {
	f.Helper()
	results, err := f.inst.Call(context.Background(), name, args...)
	if err != nil {
		f.Fatalf("%s(%d): %v", name, args, err)
	}
	return results
}

// view fetches a fresh view, as one must after each growth and each call.
func (f *fixture) view(addr, n uint64) []byte {
	f.Helper()
	b, err := f.mem.View(addr, n)
	if err != nil {
		f.Fatal(err)
	}
	return b
}

// alloc allocates n pages, and fails the test if there are none.
func (f *fixture) alloc(n uint64) linmem.Range {
	f.Helper()
	r, err := f.pages.Alloc(n)
	if err != nil {
		f.Fatal(err)
	}
	return r
}

func (f *fixture) free(r linmem.Range) {
	f.Helper()
	if err := f.pages.Free(r); err != nil {
		f.Fatal(err)
	}
}

// guestGrow has the guest grow its memory, and reports whether it could.
func (f *fixture) guestGrow(delta uint64) (r linmem.Range, ok bool) {
	f.Helper()
	prev := f.call("grow", delta)[0]
	if prev == math.MaxUint32 || prev == math.MaxUint64 {
		return linmem.Range{}, false
	}
	return linmem.Range{Start: linmem.Page(prev), Len: delta}, true
}

// fill writes a pattern that depends on the seed.
func (f *fixture) fill(addr, n uint64, seed byte) {
	f.Helper()
	b := f.view(addr, n)
	for i := range b {
		b[i] = pattern(seed, i)
	}
}

// holds requires the pattern to be there still.
func (f *fixture) holds(addr, n uint64, seed byte) {
	f.Helper()
	for i, got := range f.view(addr, n) {
		if want := pattern(seed, i); got != want {
			f.Fatalf("byte %d at %#x is %#x, want %#x", i, addr, got, want)
		}
	}
}

func pattern(seed byte, i int) byte { return byte(i*7+i>>8) ^ seed }
