package wazeromem_test

import (
	"runtime"
	"runtime/debug"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// faults reports whether f ends in a fault, and at which address.
func faults(t *testing.T, f func()) (addr uintptr, ok bool) {
	t.Helper()
	switch runtime.GOOS {
	case "js", "wasip1", "plan9", "aix":
		t.Skip("the platform has no memory that can be taken away: see nativemem.Memory.Revoke")
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			fault, isFault := r.(interface {
				runtime.Error
				Addr() uintptr
			})
			if !isFault {
				t.Fatalf("panic %v is no fault", r)
			}
			addr, ok = fault.Addr(), true
		}
	}()
	f()
	return 0, false
}

// sink keeps what was read, so that the compiler does not leave it out.
var sink byte

// holdsFenced holds that no byte of a stale view can be read or written.
func holdsFenced(t *testing.T, what string, view []byte) {
	t.Helper()
	for i := 0; i < len(view); i += linmem.PageSize / 2 {
		for _, at := range []int{i, i + linmem.PageSize/2 - 1} {
			want := addressOf(view) + uintptr(at)
			if addr, ok := faults(t, func() { sink = view[at] }); !ok || addr != want {
				t.Errorf("reading byte %d of a view from before %s: fault %t at %#x, want one at %#x", at, what, ok, addr, want)
			}
			if addr, ok := faults(t, func() { view[at] = 1 }); !ok || addr != want {
				t.Errorf("writing byte %d of a view from before %s: fault %t at %#x, want one at %#x", at, what, ok, addr, want)
			}
		}
	}
}

// TestFenceViews uses views from before each growth and from before the end: each use is a fault, at once and for good. What
// host and guest have written stays.
func TestFenceViews(t *testing.T) {
	const page = linmem.PageSize
	for engine, end := range map[string]func(r wazero.Runtime, mod api.Module) api.Closer{
		"compiler":    func(_ wazero.Runtime, mod api.Module) api.Closer { return mod },
		"interpreter": func(r wazero.Runtime, _ api.Module) api.Closer { return r },
	} {
		t.Run(engine, func(t *testing.T) {
			stable := &wazeromem.StableMemories{FenceViews: true}
			r := newRuntime(t, engines[engine])
			mod := add(t, r, stable, "", linmemtest.Module(0, 100))
			m := mustNew(t, mod)
			var stale [][]byte
			for i, by := range []string{"host", "guest", "guest", "host", "guest"} {
				size := m.NumPages()
				view := mustView(t, m, 0, size*page)
				if err := growths[by](t, mod, 2); err != nil {
					t.Fatal(err)
				}
				if m.Stable() || m.Moves() != uint64(i+1) || m.Moves() != uint64(i+1) {
					t.Errorf("after %d growths Stable() = %t, Moves() = %d", i+1, m.Stable(), m.Moves())
				}
				stale = append(stale, view)
				for _, v := range stale {
					holdsFenced(t, "growth", v)
				}
				now := mustView(t, m, 0, (size+2)*page)
				for at := range size * page {
					if want := byte(at/page/2 + 1); now[at] != want {
						t.Fatalf("byte %#x is %d after growth by the %s, want %d", at, now[at], by, want)
					}
				}
				for at := size * page; at < (size+2)*page; at++ {
					if now[at] != 0 {
						t.Fatalf("byte %#x of a new page is %d", at, now[at])
					}
					now[at] = byte(i + 1)
				}
				agree(t, mod, now[(size+2)*page-1:], (size+2)*page-1)
			}
			if _, err := m.Grow(91); err == nil {
				t.Error("the memory grows past its maximum")
			}
			mustGrow(t, m, 0)
			last := mustView(t, m, 0, 10*page)
			if m.Moves() != 5 || last[0] != 1 {
				t.Errorf("refused growth, or growth by nothing, moves the memory: Moves() = %d, want 5", m.Moves())
			}
			mustClose(t, end(r, mod))
			for _, v := range append(stale, last) {
				holdsFenced(t, "the end", v)
			}
		})
	}
}

// TestFencedPlacesStay holds that nothing else comes to where a fenced memory was: a stale view is never a window on that.
func TestFencedPlacesStay(t *testing.T) {
	stable := &wazeromem.StableMemories{FenceViews: true}
	r := newRuntime(t, engines["compiler"])
	var stale [][]byte
	for range 50 {
		mod := add(t, r, stable, "", linmemtest.Module(1, 10))
		m := mustNew(t, mod)
		stale = append(stale, mustView(t, m, 0, linmem.PageSize))
		mustGrow(t, m, 1)
		stale = append(stale, mustView(t, m, 0, 2*linmem.PageSize))
		mustClose(t, mod)
	}
	for _, v := range stale {
		holdsFenced(t, "the end", v)
	}
}

// TestMoves counts where a memory moves without StableMemories: wherever wazero copies it.
func TestMoves(t *testing.T) {
	for name, v := range variants() {
		t.Run(name, func(t *testing.T) {
			m := v.mustOpen(t, linmemtest.Module(1, 1000)).Memory().(*wazeromem.Memory)
			moved := uint64(0)
			at := addressOf(mustView(t, m, 0, 1))
			for range 20 {
				mustGrow(t, m, 20)
				if now := addressOf(mustView(t, m, 0, 1)); now != at {
					at = now
					moved++
				}
				if got := m.Moves(); got != moved {
					t.Fatalf("Moves() = %d, want %d", got, moved)
				}
			}
			moves := v.stable == nil && name != "compiler-capacity" || v.stable != nil && v.stable.FenceViews
			if (moved > 0) != moves {
				t.Errorf("the memory moves %d times in 20 growths, want some: %t", moved, moves)
			}
		})
	}
}
