package wazeromem_test

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// importingShared is (module (import "owner" "memory" (memory 1 1000 shared))).
var importingShared = []byte("\x00asm\x01\x00\x00\x00" + "\x02\x13\x01\x05owner\x06memory\x02\x03\x01\xe8\x07")

// TestSharedGrowsAfterClose has one of the modules that share a memory closed, as when a thread ends: the memory must grow
// as it does without StableMemories, or be refused; not panic.
func TestSharedGrowsAfterClose(t *testing.T) {
	for name, stable := range map[string]*wazeromem.StableMemories{"stable": new(wazeromem.StableMemories), "wazero's own": nil} {
		for _, engine := range []string{"compiler", "interpreter"} {
			t.Run(engine+", "+name, func(t *testing.T) {
				r := newRuntime(t, engines[engine].WithCoreFeatures(api.CoreFeaturesV2|experimental.CoreFeaturesThreads))
				owner := add(t, r, stable, "owner", threads)
				m := mustNew(t, owner)
				thread := add(t, r, stable, "thread", importingShared)
				mustNew(t, thread)
				mustClose(t, thread)
				defer func() {
					if r := recover(); r != nil {
						t.Errorf("Memory.Grow panics: %v", r)
					}
				}()
				if _, err := owner.ExportedFunction("grow").Call(t.Context(), 1); err != nil {
					t.Errorf("growth by the guest: %v", err)
				}
				if _, err := m.Grow(1); err != nil {
					t.Errorf("growth by the host: %v", err)
				}
			})
		}
	}
}

// TestCloseInHostFunction closes a module in a host function that it calls, which wazero's api.Module.CloseWithExitCode says
// is safe; the guest goes on for some instructions. In a process of its own, since that may end it.
func TestCloseInHostFunction(t *testing.T) {
	const asked = "LINMEM_TEST_CLOSE_IN_HOST"
	if os.Getenv(asked) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCloseInHostFunction$")
		cmd.Env = append(os.Environ(), asked+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			first, _, _ := strings.Cut(string(out), "\n\n")
			t.Errorf("the process ends with %v:\n%s", err, first)
		}
		return
	}
	r := newRuntime(t, engines["compiler"])
	closes := func(ctx context.Context, mod api.Module) { _ = mod.CloseWithExitCode(ctx, 3) }
	_, err := r.NewHostModuleBuilder("host").NewFunctionBuilder().WithFunc(closes).Export("close").Instantiate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// (module
	//   (import "host" "close" (func $close))
	//   (memory (export "memory") 1)
	//   (func (export "f") (call $close) (i32.store (i32.const 0) (i32.const 1))))
	mod := add(t, r, new(wazeromem.StableMemories), "", []byte("\x00asm\x01\x00\x00\x00"+"\x01\x04\x01\x60\x00\x00"+
		"\x02\x0e\x01\x04host\x05close\x00\x00"+"\x03\x02\x01\x00"+"\x05\x03\x01\x00\x01"+
		"\x07\x0e\x02\x06memory\x02\x00\x01f\x00\x01"+"\x0a\x0d\x01\x0b\x00\x10\x00\x41\x00\x41\x01\x36\x02\x00\x0b"))
	if _, err := mod.ExportedFunction("f").Call(t.Context()); err == nil {
		t.Error("the call of a module that is closed meanwhile succeeds")
	}
}

// TestRetainedCollected drops a memory that wazero has freed while its owner was open, and the owner with it.
func TestRetainedCollected(t *testing.T) {
	located, waiting := wazeromem.Located(), wazeromem.Waiting()
	func() {
		ctx := new(wazeromem.StableMemories).Context(t.Context())
		r := wazero.NewRuntimeWithConfig(ctx, engines["interpreter"])
		owner, err := r.InstantiateWithConfig(ctx, linmemtest.Module(1, 100), wazero.NewModuleConfig().WithName("owner"))
		if err != nil {
			t.Fatal(err)
		}
		mustNew(t, owner)
		mustClose(t, add(t, r, nil, "importer", importing))
	}()
	settles(t, "a memory whose modules nobody has", nothingLeft(located, waiting))
}

// TestLimitEnds holds what the package doc says of a limit when a module that imports the memory is closed: wazero does
// not ask any more, and the Memory says so.
func TestLimitEnds(t *testing.T) {
	r, stable := newRuntime(t, engines["compiler"]), new(wazeromem.StableMemories)
	owner := add(t, r, stable, "owner", linmemtest.Module(1, 100))
	m := mustNew(t, owner)
	if err := m.LimitPages(0); err != nil {
		t.Fatal(err)
	}
	mustClose(t, add(t, r, stable, "importer", importing))
	if err := growths["guest"](t, owner, 50); err != nil {
		t.Errorf("wazero asks, after all: %v; so the limit can stay", err)
	}
	err := m.LimitPages(0)
	if wantError(t, "LimitPages", err, linmem.ErrUnsupported); err != nil && !strings.Contains(err.Error(), "was closed") {
		t.Errorf("the error does not say why: %v", err)
	}
}

// TestStableUnknownUsers closes the one module that New was called for, and drops it; or what New was called for is a
// caller's own type around a module. Others use the memory on, which nothing has told of.
func TestStableUnknownUsers(t *testing.T) {
	for _, engine := range []string{"compiler", "interpreter"} {
		r, stable := newRuntime(t, engines[engine]), new(wazeromem.StableMemories)
		for name, open := range map[string]func(owner, importer api.Module) (left api.Module){
			"the importer was known": func(owner, importer api.Module) api.Module {
				mustNew(t, importer)
				mustClose(t, importer)
				return owner
			},
			"the owner was known": func(owner, importer api.Module) api.Module {
				mustNew(t, owner)
				mustClose(t, owner)
				return importer
			},
			"a type around the owner was known": func(owner, importer api.Module) api.Module {
				mustNew(t, struct{ api.Module }{owner})
				mustNew(t, &struct{ api.Module }{owner})
				runtime.GC()
				mustClose(t, importer)
				return owner
			},
		} {
			t.Run(engine+", "+name, func(t *testing.T) {
				owner := add(t, r, stable, "owner", linmemtest.Module(2, 100))
				call(t, owner, "store", 5, 50)
				left := open(owner, add(t, r, stable, "importer", importing))
				for range 5 {
					if got := call(t, left, "load", 5); got != 50 {
						t.Fatalf("the module that is left reads %d, want 50", got)
					}
					runtime.GC()
					time.Sleep(time.Millisecond) // while cleanups run
				}
				mustClose(t, left)
			})
		}
	}
}

// TestStableContentsWait closes modules that share their memory, whose contents wait for the collector: it is called
// before they are many.
func TestStableContentsWait(t *testing.T) {
	r, stable := newRuntime(t, engines["compiler"]), new(wazeromem.StableMemories)
	const pages, rounds = 1000, 40
	located, most := wazeromem.Located(), 0
	for range rounds {
		owner := add(t, r, stable, "owner", linmemtest.Module(2, 2*pages))
		importer := add(t, r, stable, "importer", importing)
		mustNew(t, importer)
		mustGrow(t, mustNew(t, owner), pages)
		mustClose(t, importer)
		mustClose(t, owner)
		time.Sleep(time.Millisecond) // while cleanups run
		most = max(most, wazeromem.Located()-located)
	}
	if limit := rounds / 2; most > limit {
		t.Errorf("%d memories of %d pages have waited for the collector at once, want %d at most", most, pages, limit)
	}
}
