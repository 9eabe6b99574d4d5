package linmem_test

import (
	"math"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// A view lies inside one live allocation, whole.
func TestHeapView(t *testing.T) {
	h, mem := heapIn(t, 60)
	blocks := map[string]uint64{}
	for name, size := range map[string]uint64{
		"Small": 1, "Slot": 48, "LargeSlot": 3000, "Unit": 1024, "Units": 40_000, "Page": 65_536, "Run": 300_000,
	} {
		blocks[name] = taken(t, h, size)
	}
	for name, addr := range blocks {
		usable, err := h.SizeOf(addr)
		must(t, err)
		inside := []struct{ addr, n uint64 }{
			{addr, 0},
			{addr, 1},
			{addr, usable},
			{addr, usable - 1},
			{addr + 1, usable - 1},
			{addr + 1, 0},
			{addr + usable/2, usable / 4},
			{addr + usable - 1, 1},
			{addr + usable - 1, 0},
		}
		for _, in := range inside {
			view, err := h.View(in.addr, in.n)
			if err != nil || uint64(len(view)) != in.n || uint64(cap(view)) != in.n || view == nil {
				t.Errorf("%s of %d at %#x: View(%#x, %d) returned %d bytes, capacity %d, %v",
					name, usable, addr, in.addr, in.n, len(view), cap(view), err)
			} else if in.n > 0 && &view[0] != &mem.data[in.addr] {
				t.Errorf("%s: View(%#x, %d) returned other bytes", name, in.addr, in.n)
			}
		}
		over := []struct{ addr, n uint64 }{
			{addr, usable + 1},
			{addr + 1, usable},
			{addr + usable - 1, 2},
			{addr, 1 << 40},
			{addr, 1 << 63},
			{addr, math.MaxUint64},
			{addr, -addr},
			{addr + 1, math.MaxUint64},
			{addr + usable/2, math.MaxUint64 - addr - usable/2 + 1},
		}
		for _, out := range over {
			if view, err := h.View(out.addr, out.n); class(err) != linmem.ErrOutOfBounds || view != nil {
				t.Errorf("%s of %d at %#x: View(%#x, %d) returned %d bytes, %v, want the error %v",
					name, usable, addr, out.addr, out.n, len(view), err, linmem.ErrOutOfBounds)
			}
		}
	}
}

func TestHeapViewOfNobodysMemory(t *testing.T) {
	h, mem := heapIn(t, 60)
	gone, run := taken(t, h, 64), taken(t, h, 200_000)
	taken(t, h, 64)
	shrunk := taken(t, h, 500_000)
	must(t, h.Resize(shrunk, 1024))
	must(t, h.Free(gone))
	must(t, h.Free(run))
	for name, addr := range map[string]uint64{
		"Null":          0,
		"Foreign":       100,
		"Freed":         gone,
		"InFreed":       gone + 63,
		"FreedRun":      run,
		"InFreedRun":    run + 150_000,
		"WhatWasShrunk": shrunk + 2*linmem.PageSize,
		"End":           mem.size * linmem.PageSize,
		"Past":          mem.size*linmem.PageSize + 1,
		"Far":           1<<40 + gone,
		"Last":          math.MaxUint64,
	} {
		for _, n := range []uint64{0, 1, 64, 1 << 40, math.MaxUint64} {
			if view, err := h.View(addr, n); class(err) != linmem.ErrNotAllocated || view != nil {
				t.Errorf("%s: View(%#x, %d) returned %d bytes, %v", name, addr, n, len(view), err)
			}
		}
	}
}

// What an arena has may be looked at, and so may what the guest wrote.
func TestHeapViewOfAnArena(t *testing.T) {
	h, mem := heapIn(t, 60)
	a := h.NewArena()
	for _, n := range []uint64{1, 100, 5000, 200_000} {
		addr, err := a.Put(patterned(n))
		must(t, err)
		view, err := h.View(addr, n)
		if err != nil || !filled(view, n) {
			t.Errorf("%d bytes of an arena: %d, %v", n, len(view), err)
		}
		mem.data[addr]++
		if view, err := h.View(addr, 1); err != nil || view[0] != mem.data[addr] {
			t.Errorf("what the guest wrote is not seen: %v, %v", view, err)
		}
	}
	addr, err := a.Alloc(100)
	must(t, err)
	if _, err := h.View(addr, 1<<30); class(err) != linmem.ErrOutOfBounds {
		t.Errorf("past an arena: %v", err)
	}
	must(t, a.Free())
	if _, err := h.View(addr, 1); class(err) != linmem.ErrNotAllocated {
		t.Errorf("of an arena that was freed: %v", err)
	}
}

// After a growth the memory may be elsewhere, and views are of the place where it is then.
func TestHeapViewOfAMemoryThatMoved(t *testing.T) {
	h, mem := heapIn(t, 60)
	mem.moving()
	addr, err := h.Put(patterned(100))
	must(t, err)
	for range 5 {
		taken(t, h, 200_000)
		if view, err := h.View(addr, 100); err != nil || !filled(view, 100) || &view[0] != &mem.data[addr] {
			t.Fatalf("the view is stale, or spoiled: %v", err)
		}
	}
}

func TestHeapViewWithoutView(t *testing.T) {
	mem := &blindMemory{newBytesMemory(1, 10, nil), linmem.ErrClosed}
	h, err := linmem.NewHeap(mem)
	must(t, err)
	addr := taken(t, h, 100)
	if view, err := h.View(addr, 1); class(err) != linmem.ErrClosed || view != nil {
		t.Errorf("of a memory that is closed: %v, %v", view, err)
	}
	if view, err := h.View(addr, 1<<20); class(err) != linmem.ErrOutOfBounds || view != nil {
		t.Errorf("past the block, in a memory that is closed: %v, %v", view, err)
	}
}
