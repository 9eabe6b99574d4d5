//go:build cgo

package wasmermem_test

import (
	"errors"
	"runtime/debug"
	"syscall"
	"testing"
	"unsafe"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/linmemtest"

	wasmermem "github.com/linmem/linmem/backends/wasmer"
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

// TestFencedAfterClose has a call of each kind notice that the instance is closed, after which views of before fault.
func TestFencedAfterClose(t *testing.T) {
	for name, call := range map[string]func(m *wasmermem.Memory) error{
		"View":     func(m *wasmermem.Memory) error { _, err := m.View(0, 1); return err },
		"Grow(0)":  func(m *wasmermem.Memory) error { _, err := m.Grow(0); return err },
		"NumPages": func(m *wasmermem.Memory) error { m.NumPages(); return nil },
		"Moves":    func(m *wasmermem.Memory) error { m.Moves(); return nil },
		"Discard":  func(m *wasmermem.Memory) error { return m.Discard(0, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuest(t, linmemtest.Module(1, 100), wasmermem.WithFencedViews())
			mustGrow(t, g.mem, 2)
			g.call(t, "grow", 2)
			stale := mustView(t, g.mem, 0, 5*page)
			g.inst.Close()
			if err := call(g.mem); err != nil && (!errors.Is(err, linmem.ErrClosed) || errors.Is(err, linmem.ErrCorrupt)) {
				t.Fatal(err)
			}
			wantFault(t, stale)
		})
	}
}

// TestFencedMemory is that for a Memory without an Instance.
func TestFencedMemory(t *testing.T) {
	inst, err := instantiate(linmemtest.Module(1, 100))
	if err != nil {
		t.Fatal(err)
	}
	m, err := wasmermem.New(inst, "", wasmermem.WithFencedViews())
	if err != nil {
		t.Fatal(err)
	}
	stale := mustView(t, m, 0, page)
	inst.Close()
	m.NumPages()
	wantFault(t, stale)
}

// TestFenceComesTooLate holds that what others have mapped where the memory was is left alone and reported.
func TestFenceComesTooLate(t *testing.T) {
	g := newGuest(t, linmemtest.Module(3, 100), wasmermem.WithFencedViews())
	stale := mustView(t, g.mem, 0, 3*page)
	g.inst.Close()
	at := uintptr(unsafe.Pointer(&stale[page]))
	if errno := mapPage(at); errno != 0 {
		t.Fatalf("the place %#x of before is not free: %v", at, errno)
	}
	defer unmapPage(at)
	stale[page] = 0x33 // which is that of others
	for range 2 {
		if _, err := g.mem.View(0, 1); !errors.Is(err, linmem.ErrClosed) || !errors.Is(err, linmem.ErrCorrupt) {
			t.Errorf("View in a closed instance: %v, want ErrClosed and ErrCorrupt", err)
		}
	}
	wantFault(t, stale[:page])
	wantFault(t, stale[2*page:])
	if stale[page] != 0x33 {
		t.Errorf("what others have there is %#x, want 0x33", stale[page])
	}
}

// TestConformanceFenced holds memories that fence what they leave to the whole suites: they are as any, but for stale views.
func TestConformanceFenced(t *testing.T) {
	openFenced := func(wasm []byte) (guest.Instance, func(), error) {
		instance, err := instantiate(wasm)
		if err != nil {
			return nil, nil, err
		}
		inst, err := wasmermem.NewUninitialized(instance, "memory", wasmermem.WithFencedViews())
		return inst, instance.Close, err
	}
	linmemtest.Run(t, linmemtest.Config{MaxPages: 1024, New: func(maxPages uint64) (linmem.Memory, func(), error) {
		inst, stop, err := openFenced(linmemtest.Module(0, maxPages))
		if err != nil {
			return nil, nil, err
		}
		return linmemtest.NewGuestMemory(inst), stop, nil
	}})
	t.Run("instance", func(t *testing.T) { linmemtest.RunInstance(t, openFenced) })
}
