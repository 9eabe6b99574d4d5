package zigref_test

import (
	"errors"
	"math"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/zigref"
)

// TestNoGoAllocations holds that no call allocates on the Go heap, nor does a refusal like one before it.
func TestNoGoAllocations(t *testing.T) {
	const p = pageSize
	m := newFlatMemory(2100, 2110)
	pages := zigref.NewPageAllocator(m)
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(pages.Free(1*p, 1000*p))
	must(pages.Free(2050*p, 30*p))
	m2 := newFlatMemory(1, 100)
	heap := zigref.NewAllocator(m2)
	sink := func(addr uint64, err error) uint64 {
		must(err)
		return addr
	}
	fails := func(want error) func(uint64, error) {
		return func(_ uint64, err error) {
			if !errors.Is(err, want) {
				t.Fatalf("%v, want %v", err, want)
			}
		}
	}
	outOfMemory, invalid := fails(linmem.ErrOutOfMemory), fails(linmem.ErrInvalid)
	notAllocated := fails(linmem.ErrNotAllocated)
	grown := newSparseMemory(1, 1<<16)
	growing, growingHeap := zigref.NewPageAllocator(grown), zigref.NewAllocator(grown)
	resize := func(ok bool) {
		if !ok {
			t.Fatal("Resize is false")
		}
	}
	for _, test := range []struct {
		name string
		run  func()
	}{
		{"PageAllocator/conventional", func() { must(pages.Free(sink(pages.Alloc(5*p, 0)), 5*p)) }},
		{"PageAllocator/aligned", func() { must(pages.Free(sink(pages.Alloc(5*p, align64)), 5*p)) }},
		{"PageAllocator/extended", func() {
			addr := sink(pages.Alloc(1000*p, 0))
			must(pages.Free(sink(pages.Alloc(5*p, 0)), 5*p))
			must(pages.Free(addr, 1000*p))
		}},
		{"PageAllocator/growth", func() { sink(growing.Alloc(1, align2)) }},
		{"PageAllocator/resize", func() {
			addr := sink(pages.Alloc(5*p, 0))
			resize(pages.Resize(addr, 5*p, 3*p))
			must(pages.Free(addr, 3*p))
		}},
		{"PageAllocator/refused", func() { outOfMemory(pages.Alloc(2000*p, 0)) }},
		{"PageAllocator/invalid", func() { invalid(pages.Alloc(p, 32)) }},
		{"PageAllocator/not allocated", func() { notAllocated(0, pages.Free(1, p)) }},
		{"Allocator/small", func() { must(heap.Free(sink(heap.Alloc(60, 0)), 60, 0)) }},
		{"Allocator/big", func() { must(heap.Free(sink(heap.Alloc(65528, 0)), 65528, 0)) }},
		{"Allocator/bigger", func() { must(heap.Free(sink(heap.Alloc(131064, 0)), 131064, 0)) }},
		{"Allocator/fresh", func() { sink(growingHeap.Alloc(60, 0)) }},
		{"Allocator/growth", func() { sink(growingHeap.Alloc(65528, 0)) }},
		{"Allocator/resize", func() { resize(heap.Resize(p, 60, 0, 50)) }},
		{"Allocator/refused", func() { outOfMemory(heap.Alloc(100*p, 0)) }},
		{"Allocator/too large", func() { outOfMemory(heap.Alloc(math.MaxUint64, 0)) }},
		{"Allocator/invalid", func() { invalid(heap.Alloc(60, 32)) }},
		{"Allocator/not allocated", func() { notAllocated(0, heap.Free(p+1, 60, 0)) }},
	} {
		if got := testing.AllocsPerRun(100, test.run); got != 0 {
			t.Errorf("%s: %v Go allocations a run", test.name, got)
		}
	}
}
