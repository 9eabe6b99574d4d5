//go:build cgo

package wasmtimemem_test

import (
	"errors"
	"testing"
	"unsafe"

	"github.com/bytecodealliance/wasmtime-go/v44"
	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"

	wasmtimemem "github.com/linmem/linmem/backends/wasmtime"
)

func newMovingEngine(t testing.TB) *wasmtime.Engine {
	t.Helper()
	return newEngine(t, wasmtimemem.MoveOnGrowth)
}

func newEngine(t testing.TB, configure func(*wasmtime.Config) error) *wasmtime.Engine {
	t.Helper()
	cfg := wasmtime.NewConfig()
	if err := configure(cfg); err != nil {
		t.Fatal(err)
	}
	return wasmtime.NewEngineWithConfig(cfg)
}

// TestConformanceMoving holds memories that move at every growth to the whole suite.
func TestConformanceMoving(t *testing.T) {
	engine := newMovingEngine(t)
	linmemtest.Run(t, linmemtest.Config{New: func(maxPages uint64) (linmem.Memory, func(), error) {
		g := newGuest(t, engine, linmemtest.Module(0, maxPages))
		return linmemtest.NewGuestMemory(g.guest), g.store.Close, nil
	}})
}

// TestMoves counts the moves by growth, whoever grows.
func TestMoves(t *testing.T) {
	g := newGuest(t, newMovingEngine(t), linmemtest.Module(0, 100))
	other, err := wasmtimemem.New(g.store, g.inst, "")
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range []struct {
		what  string
		do    func()
		moves uint64
	}{
		{"nothing", func() {}, 0},
		{"growth from 0 pages, where no view was", func() { mustGrow(t, g.mem, 1) }, 0},
		{"growth by the host", func() { mustGrow(t, g.mem, 1) }, 1},
		{"growth by 0", func() { mustGrow(t, g.mem, 0) }, 1},
		{"growth by the guest by 0", func() { g.call(t, "grow", 0) }, 1},
		{"a refused growth", func() { _, _ = g.mem.Grow(100); g.call(t, "grow", 100) }, 1},
		{"growth by the guest", func() { g.call(t, "grow", 1) }, 2},
		{"growth through another Memory", func() { mustGrow(t, other, 3) }, 3},
		{"two growths between looks", func() { mustGrow(t, other, 1); g.call(t, "grow", 1) }, 4},
		{"the end", g.store.Close, 4},
	} {
		step.do()
		if got := g.mem.Moves(); got != step.moves {
			t.Errorf("step %d: %d moves after %s, want %d", i, got, step.what, step.moves)
		}
	}
}

// TestViewAfterMove holds that a view is of where the memory is now, though a look-up is left out where the size is the
// same.
func TestViewAfterMove(t *testing.T) {
	g := newGuest(t, newMovingEngine(t), linmemtest.Module(0, 100))
	other, err := wasmtimemem.New(g.store, g.inst, "")
	if err != nil {
		t.Fatal(err)
	}
	if view := mustView(t, g.mem, 0, 0); view == nil {
		t.Error("a view of an empty memory is nil")
	}
	for i, grow := range []func(){
		func() { mustGrow(t, g.mem, 1) },
		func() { g.call(t, "grow", 1) },
		func() { mustGrow(t, other, 1) },
		func() { mustGrow(t, g.mem, 2) },
		func() { g.call(t, "grow", 2); mustGrow(t, other, 1) },
	} {
		grow()
		for _, m := range []linmem.Memory{g.mem, other, g.mem} {
			last := m.NumPages()*linmem.PageSize - 1
			view := mustView(t, m, last, 1)
			view[0] = byte(0x10 + i)
			if got := g.call(t, "load", last); got != uint64(0x10+i) {
				t.Errorf("growth %d: the guest reads %#x at %#x, want %#x", i, got, last, 0x10+i)
			}
			if _, err := m.View(last, 2); !errors.Is(err, linmem.ErrOutOfBounds) {
				t.Errorf("growth %d: a view past the end: %v, want ErrOutOfBounds", i, err)
			}
		}
	}
}

// TestGrowByZeroStays holds what View relies on: that a growth by nothing, and one that is refused, do not move a memory.
func TestGrowByZeroStays(t *testing.T) {
	g := newGuest(t, newMovingEngine(t), linmemtest.Module(3, 5))
	before := unsafe.SliceData(mustView(t, g.mem, 0, 1))
	for range 100 {
		mustGrow(t, g.mem, 0)
		g.call(t, "grow", 0)
		g.call(t, "grow", 3)
	}
	other, err := wasmtimemem.New(g.store, g.inst, "")
	if err != nil {
		t.Fatal(err)
	}
	if now := unsafe.SliceData(mustView(t, other, 0, 1)); now != before {
		t.Errorf("the memory was at %p, and is at %p", before, now)
	}
}

// TestStaysByDefault holds what the package doc says of a memory of 32 bits in the default configuration, in all of it.
func TestStaysByDefault(t *testing.T) {
	g := newGuest(t, engine, linmemtest.Module(1, 65536))
	for range 15 {
		mustGrow(t, g.mem, 4096)
		if got := g.mem.Moves(); got != 0 {
			t.Fatalf("%d moves at %d pages", got, g.mem.NumPages())
		}
	}
}

func TestMoveOnGrowthRefuses(t *testing.T) {
	for name, configure := range map[string]func(*wasmtime.Config) error{
		"MoveOnGrowth": wasmtimemem.MoveOnGrowth, "FenceOnGrowth": wasmtimemem.FenceOnGrowth,
	} {
		taken, closed := wasmtime.NewConfig(), wasmtime.NewConfig()
		wasmtime.NewEngineWithConfig(taken)
		closed.Close()
		for what, cfg := range map[string]*wasmtime.Config{"nil": nil, "one that an engine has taken": taken, "a closed one": closed} {
			if err := configure(cfg); !errors.Is(err, linmem.ErrInvalid) {
				t.Errorf("%s of %s: %v, want ErrInvalid", name, what, err)
			}
		}
	}
}
