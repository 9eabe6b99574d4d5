package zigref_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/linmem/linmem/core/zigref"
)

// TestPageMistakes has a caller free what cannot be an allocation, or ask for what cannot be.
func TestPageMistakes(t *testing.T) {
	const p, size, stolen = uint64(pageSize), 2100, 2094
	for _, test := range []struct {
		name    string
		addr, n uint64
	}{
		{"Misaligned", 10*p + 1, p},
		{"MisalignedByHalf", 10*p + p/2, p},
		{"MisalignedForNothing", 10*p + 1, 0},
		{"Null", 0, p},
		{"NullForNothing", 0, 0},
		{"FromPage0", 0, 20 * p},
		{"JustOutside", size * p, 1},
		{"OutsideForNothing", (size + 1) * p, 0},
		{"SticksOut", (size - 1) * p, p + 1},
		{"FarOutside", 1 << 31, p},
		{"AllOfMemoryAndMore", p, size * p},
		{"AddressOf33Bits", gib4 + 10*p, p},
		{"HighestAddress", highest, p},
		{"AddressPlusSizeWraps", highest, 11 * p},
		{"SizeThatRoundsUpTo4GiB", 10 * p, gib4 - p + 1},
		{"SizeOf33Bits", 10 * p, gib4 + p},
		{"SizeWrapsTo0", 10 * p, tooManyBytes},
		{"SizeWraps", 10 * p, highest - 8*p},
		{"StolenPage", stolen * p, p},
		{"StolenPageByOneByte", (stolen - 1) * p, p + 1},
		{"AcrossTheStolenPage", 2040 * p, 60 * p},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newPageScene(t, size, 1<<16)
			freeRun(2090, 5)(s)
			freeFails(test.addr, test.n)(s)
			bitmapIs(stolen, runs{2090, 4})(s)
			if got, want := s.drain(), (runs{2090, 4}); !slices.Equal(got, want) {
				t.Errorf("free in the end: %d, want %d", got, want)
			}
		})
	}
	// What the package documents that it does not notice.
	runPageSituations(t, []pageSituation{
		{name: "DoubleFree", size: 64, free: runs{10, 2, 10, 2}, call: allocPages(1, 0, 10), after: runs{11, 1}},
		{
			name: "PartOfAnAllocation", size: 64,
			call: thenPages(allocPages(4, 0, 64), freeRun(65, 2)), grown: 4, after: runs{65, 2},
		},
		{name: "NeverHandedOut", size: 64, free: runs{1, 63}, call: allocPages(63, 0, 1)},
	})
}

// TestHeapMistakes has a caller free what cannot be an allocation.
func TestHeapMistakes(t *testing.T) {
	const p, pages = uint64(pageSize), 20
	const size = pages * p
	for _, test := range []struct {
		name      string
		addr, n   uint64
		log2Align uint8
		want      error
	}{
		{"Null", 0, 60, 0, linmem.ErrNotAllocated},
		{"NullBig", 0, 65528, 0, linmem.ErrNotAllocated},
		{"Misaligned", 8*p + 4, 60, 0, linmem.ErrNotAllocated},
		{"MisalignedByOne", 8*p + 1, 1, 0, linmem.ErrNotAllocated},
		{"SlotOfASmallerClass", 8*p + 64, 61, 0, linmem.ErrNotAllocated},
		{"AlignmentOfALargerClass", 8*p + 64, 60, 7, linmem.ErrNotAllocated},
		{"SmallFreedAsBig", 8*p + 64, 65528, 0, linmem.ErrNotAllocated},
		{"NothingInThePage", 8*p + 64, 0, 0, linmem.ErrNotAllocated},
		{"BigMisaligned", 8*p + 1, 65528, 0, linmem.ErrNotAllocated},
		{"SeveralPagesMisaligned", 8*p + p/2, 65529, 0, linmem.ErrNotAllocated},
		{"JustOutside", size, 60, 0, linmem.ErrNotAllocated},
		{"BigJustOutside", size, 65528, 0, linmem.ErrNotAllocated},
		{"SticksOut", size - p, 65529, 0, linmem.ErrNotAllocated},
		{"SticksOutByOnePage", size - 3*p, 131065, 0, linmem.ErrNotAllocated},
		{"FarOutside", gib4 - 64, 60, 0, linmem.ErrNotAllocated},
		{"LargerThanMemory", 8 * p, 1<<31 - 8, 0, linmem.ErrNotAllocated},
		{"AllMemory", 8 * p, 1<<31 - 4, 0, linmem.ErrNotAllocated},
		{"NoClass", 8 * p, 1 << 31, 0, linmem.ErrNotAllocated},
		{"RoundsUpTo4GiB", 8 * p, gib4 - p - 9, 0, linmem.ErrNotAllocated},
		{"RoundsUpToNoPage", 8 * p, gib4 - p, 0, linmem.ErrNotAllocated},
		{"RoundsUpToNoPageEither", 8 * p, gib4 - 8, 0, linmem.ErrNotAllocated},
		{"AlignmentLargerThanMemory", 8 * p, 60, 31, linmem.ErrNotAllocated},
		{"AddressOf33Bits", gib4 + 8*p, 60, 0, linmem.ErrNotAllocated},
		{"HighestAddress", highest, 65528, 0, linmem.ErrNotAllocated},
		{"SizeOf33Bits", 8 * p, gib4 + 60, 0, linmem.ErrNotAllocated},
		{"AllBytes", 8 * p, tooManyBytes, 0, linmem.ErrNotAllocated},
		{"FreedLast", 10 * p, 60, 0, linmem.ErrNotAllocated},
		{"FreedLastByAnotherSize", 10 * p, 1, 6, linmem.ErrNotAllocated},
		{"PageFreedLast", 12 * p, 65528, 0, linmem.ErrNotAllocated},
		{"RunFreedLast", 14 * p, 65529, 0, linmem.ErrNotAllocated},
		{"AlignmentOf32Bits", 8 * p, 60, 32, linmem.ErrInvalid},
		{"AlignmentOf255Bits", 8 * p, 60, 255, linmem.ErrInvalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newHeapScene(t, newFlatMemory(pages, pages))
			s.free(10*p+64, 60)
			s.free(10*p, 60)
			s.free(12*p, 65528)
			s.free(14*p, 65529)
			before := bytes.Clone(view(t, s.m, 0, size))
			for range 2 {
				s.freeFails(test.addr, test.n, test.log2Align, test.want)
			}
			if !bytes.Equal(view(t, s.m, 0, size), before) {
				t.Error("the memory was changed")
			}
			s.alloc(60, 0, 10*p)
			s.alloc(60, 0, 10*p+64)
			s.alloc(65528, 0, 12*p)
			s.alloc(65529, 0, 14*p)
			for _, n := range []uint64{0, 1, 60, 61, 32764, 65528, 65529, 131065} {
				s.allocFails(n, 0, linmem.ErrOutOfMemory) // no list has got anything
			}
		})
	}
}

// TestPageAllocatorClosed has the memory's owner closed: what needs the memory fails, and nothing panics.
func TestPageAllocatorClosed(t *testing.T) {
	const op = "zigref.PageAllocator."
	const p = uint64(pageSize)
	m := &closableMemory{Memory: newSparseMemory(2100, 3000)}
	a := zigref.NewPageAllocator(m)
	if err := a.Free(2090*p, 5*p); err != nil {
		t.Fatal(err)
	}
	m.closed = true
	for range 2 {
		for _, n := range []uint64{1, p, 4 * p, 1000 * p} {
			addr, err := a.Alloc(n, 0)
			wantError(t, err, linmem.ErrClosed, op+"Alloc", 0, n)
			if addr != 0 {
				t.Errorf("Alloc fails, and is %#x", addr)
			}
		}
		for _, page := range []uint64{1, 100, 2050, 5000} {
			wantError(t, a.Free(page*p, p), linmem.ErrClosed, op+"Free", page*p, p)
			if a.Resize(page*p, 2*p, p) {
				t.Errorf("Resize(page %d) is true", page)
			}
		}
	}
	// Nothing has changed.
	m.closed = false
	for _, want := range []uint64{2090, 2091, 2092, 2093, 2100} {
		if addr, err := a.Alloc(p, 0); err != nil || addr != want*p {
			t.Errorf("Alloc = page %d, %v, want page %d", addr/p, err, want)
		}
	}

	// The page is not stolen from a memory that could not be cleared.
	fresh := &closableMemory{Memory: newSparseMemory(2100, 3000), closed: true}
	a = zigref.NewPageAllocator(fresh)
	_, err := a.Alloc(0, 0)
	wantError(t, err, linmem.ErrClosed, op+"Alloc", 0, 0)
	wantError(t, a.Free(2090*p, p), linmem.ErrClosed, op+"Free", 2090*p, p)
	fresh.closed = false
	if err := a.Free(2080*p, 2*p); err != nil {
		t.Error(err)
	}
	if addr, err := a.Alloc(p, 0); err != nil || addr != 2080*p {
		t.Errorf("Alloc = page %d, %v, want page 2080", addr/p, err)
	}
}

// TestNoView has a memory whose bytes cannot be reached: a page is not stolen from it, and no slot freed.
func TestNoView(t *testing.T) {
	var g struct{ linmem.Grower }
	g.Grower = newSparseMemory(2100, 1<<16)
	m := linmemtest.FailAfter(100, g)
	pages, heap := zigref.NewPageAllocator(m), zigref.NewAllocator(m)
	wantError(t, pages.Free(2046*pageSize, 4*pageSize), linmem.ErrUnsupported,
		"zigref.PageAllocator.Free", 2046*pageSize, 4*pageSize)
	wantError(t, heap.Free(pageSize, 60, 0), linmem.ErrUnsupported, "zigref.Allocator.Free", pageSize, 60)
	// Nothing has changed.
	for _, a := range []zigFunctions{pageFunctions{pages}, heap} {
		if addr, err := a.Alloc(60, 0); err != nil || addr < 2100*pageSize {
			t.Errorf("Alloc = %#x, %v, want fresh memory", addr, err)
		}
	}
	// The pages that an alignment drops cannot be freed either. The memory has grown by then.
	const n = 4096 * pageSize
	_, err := pages.Alloc(n, align64)
	wantError(t, err, linmem.ErrUnsupported, "zigref.PageAllocator.Alloc", 0, n)

	// A memory may have errors of its own.
	heap = zigref.NewAllocator(strangeMemory{newSparseMemory(2, 3)})
	wantError(t, heap.Free(pageSize, 60, 0), errStrange, "zigref.Allocator.Free", pageSize, 60)
}

// strangeMemory has errors that are no *linmem.Error.
type strangeMemory struct{ linmem.Grower }

var errStrange = errors.New("strange")

func (strangeMemory) View(uint64, uint64) ([]byte, error) { return nil, errStrange }

func TestAllocatorClosed(t *testing.T) {
	const op = "zigref.Allocator."
	const p = uint64(pageSize)
	m := &closableMemory{Memory: newFlatMemory(10, 20)}
	a := zigref.NewAllocator(m)
	for _, n := range []uint64{60, 65528, 65529} {
		if err := a.Free(2*p, n, 0); err != nil {
			t.Fatal(err)
		}
	}
	m.closed = true
	for range 2 {
		for _, n := range []uint64{0, 1, 60, 32764, 65528, 65529, 131065} {
			addr, err := a.Alloc(n, 0)
			wantError(t, err, linmem.ErrClosed, op+"Alloc", 0, n)
			if addr != 0 {
				t.Errorf("Alloc fails, and is %#x", addr)
			}
			wantError(t, a.Free(4*p, n, 0), linmem.ErrClosed, op+"Free", 4*p, n)
		}
		if !a.Resize(2*p, 60, 0, 50) || a.Resize(2*p, 60, 0, 61) {
			t.Error("Resize, which does not need the memory, has changed its mind")
		}
	}
	// Nothing has changed.
	m.closed = false
	for _, n := range []uint64{60, 65528, 65529} {
		if addr, err := a.Alloc(n, 0); err != nil || addr != 2*p {
			t.Errorf("Alloc(%d) = %#x, %v, want %#x", n, addr, err, 2*p)
		}
	}
}
