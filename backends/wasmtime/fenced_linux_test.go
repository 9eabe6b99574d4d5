//go:build cgo

package wasmtimemem_test

import (
	"errors"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/bytecodealliance/wasmtime-go/v44"
	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/linmemtest"

	wasmtimemem "github.com/linmem/linmem/backends/wasmtime"
)

// faultAt returns the address at which f faults, or 0 if it does not.
func faultAt(f func()) (addr uintptr) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault, ok := recover().(interface{ Addr() uintptr }); ok {
			addr = fault.Addr()
		}
	}()
	f()
	return 0
}

var readByte byte

// mapPage maps a page at an address where nothing may be mapped, or says why it cannot.
func mapPage(at uintptr) syscall.Errno {
	const fixedNoReplace = 0x100000
	got, _, errno := syscall.Syscall6(syscall.SYS_MMAP, at, page, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON|fixedNoReplace, ^uintptr(0), 0)
	if errno == 0 && got != at {
		return syscall.ENOSYS // as in Linux before 4.17
	}
	return errno
}

func unmapPage(at uintptr) { _, _, _ = syscall.Syscall(syscall.SYS_MUNMAP, at, page, 0) }

// wantFault reads and writes the first and the last byte of a stale view, and holds that nobody can map anything there.
func wantFault(t *testing.T, view []byte) {
	t.Helper()
	first := uintptr(unsafe.Pointer(unsafe.SliceData(view)))
	for at := first; at < first+uintptr(len(view)); at += page {
		if errno := mapPage(at); errno != syscall.EEXIST {
			t.Errorf("to map something at %#x: %v, want that it is taken", at, errno)
			unmapPage(at)
		}
	}
	for _, i := range []int{0, len(view) - 1} {
		want := uintptr(unsafe.Pointer(unsafe.SliceData(view))) + uintptr(i)
		for what, access := range map[string]func(){
			"reading": func() { readByte = view[i] },
			"writing": func() { view[i] = 1 },
		} {
			if got := faultAt(access); got != want {
				t.Errorf("%s byte %d faults at %#x, want %#x", what, i, got, want)
			}
		}
	}
}

func newFenced(t *testing.T) guestOf {
	t.Helper()
	return newGuest(t, newMovingEngine(t), linmemtest.Module(1, 100), wasmtimemem.WithFencedViews())
}

// calls are those of a Memory that notice where it is.
var calls = map[string]func(m *wasmtimemem.Memory) error{
	"View":     func(m *wasmtimemem.Memory) error { _, err := m.View(0, 1); return err },
	"Grow(0)":  func(m *wasmtimemem.Memory) error { _, err := m.Grow(0); return err },
	"NumPages": func(m *wasmtimemem.Memory) error { m.NumPages(); return nil },
	"Moves":    func(m *wasmtimemem.Memory) error { m.Moves(); return nil },
	"Discard":  func(m *wasmtimemem.Memory) error { return m.Discard(0, 0) },
}

func TestFencedAfterGrowthByTheHost(t *testing.T) {
	g := newFenced(t)
	for n := uint64(1); n < 20; n++ {
		stale := mustView(t, g.mem, 0, n*page)
		stale[0], stale[len(stale)-1] = 0x11, 0x22
		mustGrow(t, g.mem, 1)
		wantFault(t, stale)
		now := mustView(t, g.mem, 0, n*page)
		if now[0] != 0x11 || now[len(now)-1] != 0x22 {
			t.Fatalf("the bytes are %#x and %#x after growth %d", now[0], now[len(now)-1], n)
		}
	}
	if got := g.mem.Moves(); got != 19 {
		t.Errorf("%d moves, want 19", got)
	}
}

func TestFencedAfterGrowthByTheGuest(t *testing.T) {
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			g := newFenced(t)
			stale := mustView(t, g.mem, 0, page)
			stale[0] = 0x11
			g.call(t, "grow", 1)
			if err := call(g.mem); err != nil {
				t.Fatal(err)
			}
			wantFault(t, stale)
			if got := mustView(t, g.mem, 0, 1)[0]; got != 0x11 {
				t.Errorf("the byte is %#x after the growth, want 0x11", got)
			}
		})
	}
}

func TestFencedAfterClose(t *testing.T) {
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			g := newFenced(t)
			stale := mustView(t, g.mem, 0, page)
			g.store.Close()
			if err := call(g.mem); err != nil && !errors.Is(err, linmem.ErrClosed) {
				t.Fatal(err)
			}
			wantFault(t, stale)
		})
	}
}

// TestFencedByTwo has two Memories of one memory, each of which fences.
func TestFencedByTwo(t *testing.T) {
	g := newFenced(t)
	other, err := wasmtimemem.Wrap(g.store, g.inst.GetExport(g.store, "memory").Memory(), wasmtimemem.WithFencedViews())
	if err != nil {
		t.Fatal(err)
	}
	stale := mustView(t, other, 0, page)
	mustGrow(t, g.mem, 1)
	mustGrow(t, other, 1)
	wantFault(t, stale)
	stale = mustView(t, g.mem, 0, 3*page)
	g.store.Close()
	for _, m := range []linmem.Memory{g.mem, other} {
		if _, err := m.View(0, 1); !errors.Is(err, linmem.ErrClosed) || errors.Is(err, linmem.ErrCorrupt) {
			t.Errorf("View in a closed store: %v, want ErrClosed", err)
		}
	}
	wantFault(t, stale)
}

// TestFenceOnGrowth holds that a view is stale from the growth on, though nobody has called a Memory, and however often the
// guest grows in one call.
func TestFenceOnGrowth(t *testing.T) {
	wasm, err := wasmtime.Wat2Wasm(`(module
		(memory (export "memory") 1)
		(func (export "grow") (param $n i32)
			(loop $again
				(drop (memory.grow (i32.const 1)))
				(br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))`)
	if err != nil {
		t.Fatal(err)
	}
	for name, opts := range map[string][]wasmtimemem.MemoryOption{"alone": nil, "fenced": {wasmtimemem.WithFencedViews()}} {
		t.Run(name, func(t *testing.T) {
			g := newGuest(t, newEngine(t, wasmtimemem.FenceOnGrowth), wasm, opts...)
			mustView(t, g.mem, 0, page)[page-1] = 0x11
			var stale [][]byte
			for n := uint64(1); n < 10; n++ {
				stale = append(stale, mustView(t, g.mem, 0, g.mem.NumPages()*page))
				g.call(t, "grow", n)
				for _, view := range stale {
					wantFault(t, view)
				}
				if got := mustView(t, g.mem, page-1, 1)[0]; got != 0x11 {
					t.Errorf("the byte is %#x after the growth, want 0x11", got)
				}
				stale = append(stale, mustView(t, g.mem, page, page))
				mustGrow(t, g.mem, 1)
				wantFault(t, stale[len(stale)-1])
			}
			stale = append(stale, mustView(t, g.mem, 0, page))
			g.store.Close()
			for _, view := range stale {
				wantFault(t, view)
			}
			if _, err := g.mem.View(0, 1); !errors.Is(err, linmem.ErrClosed) || errors.Is(err, linmem.ErrCorrupt) {
				t.Errorf("View in a closed store: %v, want ErrClosed", err)
			}
		})
	}
}

// occupy maps a page where the view is, which nobody must have mapped any more.
func occupy(t *testing.T, view []byte) {
	t.Helper()
	at := uintptr(unsafe.Pointer(unsafe.SliceData(view)))
	if errno := mapPage(at); errno != 0 {
		t.Fatalf("the place %#x of before is not free: %v", at, errno)
	}
	t.Cleanup(func() { unmapPage(at) })
}

// TestFenceComesTooLate holds that what others have mapped in a place is left alone and reported, once, by a call that does
// nothing else.
func TestFenceComesTooLate(t *testing.T) {
	for name, call := range map[string]func(m *wasmtimemem.Memory) error{"View": calls["View"], "Grow": func(m *wasmtimemem.Memory) error {
		_, err := m.Grow(1)
		return err
	}} {
		t.Run(name, func(t *testing.T) {
			g := newFenced(t)
			mustGrow(t, g.mem, 2)
			stale := mustView(t, g.mem, 0, 3*page)
			g.call(t, "grow", 1)
			occupy(t, stale[page:2*page])
			stale[page] = 0x33 // which is that of others
			if got := g.mem.NumPages(); got != 4 {
				t.Errorf("%d pages, want 4", got)
			}
			err := call(g.mem)
			if !errors.Is(err, linmem.ErrCorrupt) || !strings.Contains(err.Error(), "mapped by others") {
				t.Errorf("%s: %v, want ErrCorrupt", name, err)
			}
			if got := g.mem.NumPages(); got != 4 {
				t.Errorf("%d pages after the report, want 4", got)
			}
			if err := call(g.mem); err != nil {
				t.Errorf("%s after the report: %v", name, err)
			}
			wantFault(t, stale[:page])
			wantFault(t, stale[2*page:])
			if stale[page] != 0x33 {
				t.Errorf("what others have there is %#x, want 0x33", stale[page])
			}

			stale = mustView(t, g.mem, 0, 3*page)
			g.store.Close()
			occupy(t, stale[page:2*page])
			for range 2 {
				if err := call(g.mem); !errors.Is(err, linmem.ErrClosed) || !errors.Is(err, linmem.ErrCorrupt) {
					t.Errorf("%s in a closed store: %v, want ErrClosed and ErrCorrupt", name, err)
				}
			}
		})
	}
}

// TestConformanceFenced holds memories that move at every growth, and fence what they leave, to the whole suite: they are as
// any, but for stale views.
func TestConformanceFenced(t *testing.T) {
	t.Run("MoveOnGrowth", func(t *testing.T) { holdsFenced(t, newMovingEngine(t)) })
	t.Run("FenceOnGrowth", func(t *testing.T) { holdsFenced(t, newEngine(t, wasmtimemem.FenceOnGrowth)) })
}

func holdsFenced(t *testing.T, engine *wasmtime.Engine) {
	t.Helper()
	linmemtest.Run(t, linmemtest.Config{MaxPages: 1024, New: func(maxPages uint64) (linmem.Memory, func(), error) {
		g := newGuest(t, engine, linmemtest.Module(0, maxPages), wasmtimemem.WithFencedViews())
		return linmemtest.NewGuestMemory(g.guest), g.store.Close, nil
	}})
	t.Run("instance", func(t *testing.T) {
		linmemtest.RunInstance(t, func(wasm []byte) (guest.Instance, func(), error) {
			g := newGuest(t, engine, wasm, wasmtimemem.WithFencedViews())
			inst, err := wasmtimemem.NewUninitialized(g.store, g.inst, "memory", wasmtimemem.WithFencedViews())
			return inst, g.store.Close, err
		})
	})
}
