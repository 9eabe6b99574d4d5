package zigref_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/linmem/linmem/core/zigref"
)

// split is the first page of the extended block.
const split = 2048

// Alignments, in pages, as logarithms of bytes.
const (
	align1    = 16
	align2    = 17
	align4    = 18
	align64   = 22
	align128  = 23
	align256  = 24
	align2048 = 27
	align4096 = 28
)

func TestPageAllocFirstFit(t *testing.T) {
	runPageSituations(t, []pageSituation{
		{name: "NoneFree", size: 5, call: allocPages(3, 0, 5), grown: 3},
		{name: "OnlyRun", size: 64, free: runs{10, 3}, call: allocPages(3, 0, 10)},
		{name: "FirstOfTwo", size: 64, free: runs{20, 2, 10, 2}, call: allocPages(1, 0, 10), after: runs{11, 1, 20, 2}},
		{name: "FirstNotBest", size: 64, free: runs{10, 5, 20, 2}, call: allocPages(2, 0, 10), after: runs{12, 3, 20, 2}},
		{name: "TooShort", size: 64, free: runs{10, 1, 20, 2}, call: allocPages(2, 0, 20), after: runs{10, 1}},
		{name: "OneUsedBetween", size: 64, free: runs{10, 2, 13, 3}, call: allocPages(3, 0, 13), after: runs{10, 2}},
		{
			name: "AllTooShort", size: 64, free: runs{10, 2, 13, 2},
			call: allocPages(3, 0, 64), grown: 3, after: runs{10, 2, 13, 2},
		},
		{name: "FreedInParts", size: 64, free: runs{12, 1, 10, 1, 11, 1}, call: allocPages(3, 0, 10)},
		{
			name: "MemorysEndIsNotJoined", size: 64, free: runs{62, 2},
			call: allocPages(3, 0, 64), grown: 3, after: runs{62, 2},
		},

		// Segments of 128 pages.
		{name: "LastPageOfSegment", size: 300, free: runs{127, 1}, call: allocPages(1, 0, 127)},
		{name: "AcrossTheBorder", size: 300, free: runs{127, 2}, call: allocPages(2, 0, 127)},
		{name: "MostlyBehindTheBorder", size: 300, free: runs{127, 60}, call: allocPages(60, 0, 127)},
		{name: "OverAWholeSegment", size: 500, free: runs{120, 200}, call: allocPages(200, 0, 120)},
		{
			name: "EnoughPagesButScattered", size: 300, free: runs{10, 2, 20, 2, 200, 4},
			call: allocPages(4, 0, 200), after: runs{10, 2, 20, 2},
		},
		{
			name: "LongerThanASegment", size: 600, free: runs{1, 127, 256, 129},
			call: allocPages(129, 0, 256), after: runs{1, 127},
		},

		// Sizes are rounded up to pages.
		{name: "OneByte", size: 5, call: allocBytes(1, 0, 5), grown: 1},
		{name: "OneByteMore", size: 5, call: allocBytes(pageSize+1, 0, 5), grown: 2},
		{name: "OneByteLess", size: 5, call: allocBytes(2*pageSize-1, 0, 5), grown: 2},
		{name: "FreeRoundsUp", size: 64, call: freeBytes(10*pageSize, pageSize+1), after: runs{10, 2}},
	})
}

// A run never crosses from the conventional block into the extended one, which is tried last.
func TestPageAllocSplit(t *testing.T) {
	// The last page of the first free that reaches past 2,048 is stolen.
	runPageSituations(t, []pageSituation{
		{
			name: "LastConventionalPages", size: 2100, free: runs{2040, 8},
			call: thenPages(notLookedAt, allocPages(8, 0, 2040)),
		},
		{
			name: "RunFitsBelow", size: 2100, free: runs{2040, 20},
			call: thenPages(bitmapIs(2059, runs{2048, 11}), allocPages(8, 0, 2040)), after: runs{2048, 11},
		},
		{
			name: "RunFitsAbove", size: 2100, free: runs{2040, 20},
			call: thenPages(allocPages(9, 0, 2048), bitmapIs(2059, runs{2057, 2})), after: runs{2040, 8, 2057, 2},
		},
		{
			name: "RunFitsAcrossOnly", size: 2100, free: runs{2040, 20},
			call: allocPages(12, 0, 2100), grown: 12, after: runs{2040, 19},
		},
		{
			name: "BelowIsTriedFirst", size: 2100, free: runs{2048, 20, 2047, 1},
			call: allocPages(1, 0, 2047), after: runs{2048, 19},
		},
		{
			name: "OneBelowOneAbove", size: 2100, free: runs{2060, 2, 2047, 2},
			call: allocPages(2, 0, 2100), grown: 2, after: runs{2047, 2, 2060, 1},
		},
		{
			name: "FreeAcross", size: 2100, free: runs{2090, 2, 2046, 4},
			call: bitmapIs(2091, runs{2090, 1, 2048, 2}), after: runs{2046, 4, 2090, 1},
		},
		{
			name: "ShrinkAcross", size: 2100, call: resizeBytes(2040, 20*pageSize, 2*pageSize, true), after: runs{2042, 17},
		},
		{
			name: "AcrossASegmentBorderAbove", size: 2400, free: runs{2048, 200, 2300, 1},
			call:  thenPages(allocPages(127, 0, 2048), allocPages(72, 0, 2175), bitmapIs(2247, runs{2300, 1})),
			after: runs{2300, 1},
		},
	})
}

func TestPageAllocStolenPage(t *testing.T) {
	garbage := func(page uint64) pageCall {
		return func(s *pageScene) {
			b := s.m.guest(page)
			for i := range b {
				b[i] = 0xff
			}
		}
	}
	runPageSituations(t, []pageSituation{
		{name: "NoneForConventionalPages", size: 2100, call: thenPages(freeRun(1, 2047), notLookedAt), after: runs{1, 2047}},
		{
			name: "LastOfTheRange", size: 2200,
			call: thenPages(freeRun(2100, 5), bitmapIs(2104, runs{2100, 4})), after: runs{2100, 4},
		},
		{
			name: "HeldGarbage", size: 2200,
			call: thenPages(garbage(2104), freeRun(2100, 5), bitmapIs(2104, runs{2100, 4})), after: runs{2100, 4},
		},
		{name: "OnlyPage", size: 2200, call: thenPages(freeRun(2100, 1), bitmapIs(2100, nil))},
		{
			name: "OnlyPagePastTheSplit", size: 2200,
			call: thenPages(freeRun(2046, 3), bitmapIs(2048, nil)), after: runs{2046, 2},
		},
		{
			name: "OnlyOnce", size: 2200,
			call: thenPages(
				freeRun(2100, 5), freeRun(2110, 5), freeRun(2048, 1), bitmapIs(2104, runs{2048, 1, 2100, 4, 2110, 5}),
			),
			after: runs{2048, 1, 2100, 4, 2110, 5},
		},
		{
			name: "KeptInTheMiddleOfFreePages", size: 2200,
			call:  thenPages(freeRun(2100, 5), freeRun(2105, 5), allocPages(5, 0, 2105), bitmapIs(2104, runs{2100, 4})),
			after: runs{2100, 4},
		},
		{
			name: "CannotBeFreed", size: 2200,
			call: thenPages(
				freeRun(2100, 5), freeFails(2104*pageSize, pageSize), freeFails(2104*pageSize, 3*pageSize),
				freeFails(2103*pageSize, 2*pageSize),
				freeFails(2040*pageSize, 100*pageSize), bitmapIs(2104, runs{2100, 4}), freeRun(2105, 1), freeRun(2090, 10),
			),
			after: runs{2090, 14, 2105, 1},
		},
		{
			name: "ByShrinking", size: 2200,
			call:  thenPages(resizeBytes(2100, 5*pageSize, 2*pageSize, true), bitmapIs(2104, runs{2102, 2})),
			after: runs{2102, 2},
		},
		{
			name: "NotByShrinkingToTheSame", size: 2200,
			call: thenPages(resizeBytes(2100, 5*pageSize, 4*pageSize+1, true), notLookedAt),
		},
		{
			name: "ByDroppedPages", size: 2050, // up to 2,112
			call: thenPages(allocPages(1, align64, 2112), bitmapIs(2111, runs{2050, 61})), grown: 63, after: runs{2050, 61},
		},
		{
			name: "ByTheOnlyDroppedPage", size: 2049,
			call: thenPages(allocPages(1, align2, 2050), bitmapIs(2049, nil)), grown: 2,
		},
		{
			name: "BytesFollow", size: 2200,
			call: thenPages(
				freeRun(2100, 5), allocPages(2, 0, 2100), bitmapIs(2104, runs{2102, 2}),
				freeRun(2101, 1), bitmapIs(2104, runs{2101, 3}),
				resizeBytes(2100, pageSize, 0, true), bitmapIs(2104, runs{2100, 4}),
			),
			after: runs{2100, 4},
		},
		{
			name: "AllThePagesThereAre", size: 1 << 16,
			call: thenPages(
				freeRun(1, 1<<16-1), bitmapIs(1<<16-1, runs{2048, 1<<16 - 1 - 2048}),
				allocPages(1<<16-1-2048, 0, 2048), bitmapIs(1<<16-1, nil),
			),
			after: runs{1, 2047},
		},
	})
}

// TestPageAllocMovingMemory has the bitmap move away under the allocator, which must look for it again every time.
func TestPageAllocMovingMemory(t *testing.T) {
	m := linmemtest.NewMemory(2100, 2110)
	a := zigref.NewPageAllocator(m)
	if err := a.Free(2050*pageSize, 3*pageSize); err != nil { // steals 2,052
		t.Fatal(err)
	}
	for _, want := range []uint64{2050, 2051, 2100, 2101} { // the last two move it
		if addr, err := a.Alloc(pageSize, 0); err != nil || addr != want*pageSize {
			t.Errorf("Alloc = page %d, %v, want page %d", addr/pageSize, err, want)
		}
	}
	if err := a.Free(2060*pageSize, pageSize); err != nil {
		t.Fatal(err)
	}
	if got := view(t, m, 2052*pageSize, 2)[1]; got != 1<<(2060-2048-8) {
		t.Errorf("the bitmap's byte of pages 2,056 to 2,063 is %#x", got)
	}
}

// Alignment is tried where a run starts, and where it crosses the border of a segment of 128 pages.
func TestPageAllocAlignment(t *testing.T) {
	runPageSituations(t, []pageSituation{
		{name: "StartIsAligned", size: 64, free: runs{4, 4}, call: allocPages(2, align4, 4), after: runs{6, 2}},
		{
			name: "StartIsOnePageOff", size: 64, free: runs{5, 7},
			call: allocPages(2, align2, 64), grown: 2, after: runs{5, 7},
		},
		{name: "LaterRun", size: 64, free: runs{5, 7, 14, 3}, call: allocPages(2, align2, 14), after: runs{5, 7, 16, 1}},
		{
			name: "AlignedRunIsTooShort", size: 64, free: runs{4, 1, 9, 5, 16, 2},
			call: allocPages(2, align4, 16), after: runs{4, 1, 9, 5},
		},
		{name: "AtMostAPage", size: 64, free: runs{5, 7}, call: allocPages(2, align1, 5), after: runs{7, 5}},
		{name: "HalfOfMemory", size: 1100, free: runs{1024, 1}, call: allocPages(1, 26, 1024)},

		{name: "AtTheBorder", size: 300, free: runs{127, 3}, call: allocPages(2, align2, 128), after: runs{127, 1}},
		{
			name: "AtTheBorderOfALongRun", size: 400, free: runs{100, 200},
			call: allocPages(172, align128, 128), after: runs{100, 28},
		},
		{
			name: "AtTheBorderTooShort", size: 400, free: runs{100, 200},
			call: allocPages(173, align128, 512), grown: 285, after: runs{100, 200, 400, 112},
		},
		{
			name: "AtTheBorderMisaligned", size: 300, free: runs{127, 3},
			call: allocPages(1, align256, 512), grown: 213, after: runs{127, 3, 300, 212},
		},
		{
			name: "AtTheNextBorder", size: 400, free: runs{127, 200},
			call: allocPages(2, align256, 256), after: runs{127, 129, 258, 69},
		},
		{
			name: "BehindTheBorder", size: 300, free: runs{127, 13},
			call: allocPages(2, align2, 128), after: runs{127, 1, 130, 10},
		},
		{
			name: "NotBehindTheBorder", size: 400, free: runs{1, 139},
			call: allocPages(13, align64, 448), grown: 61, after: runs{1, 139, 400, 48},
		},
		{
			name: "LongRunPassedOver", size: 128, free: runs{1, 127},
			call: allocPages(1, align2, 128), grown: 1, after: runs{1, 127},
		},

		// In the extended block it is the alignment of the distance from page 2,048.
		{
			name: "Extended", size: 2200, free: runs{2050, 3, 2060, 5},
			call: allocPages(2, align4, 2060), after: runs{2050, 2, 2062, 3},
		},
		{
			name: "ExtendedPassedOver", size: 2176, free: runs{2049, 3},
			call: allocPages(1, align2, 2176), grown: 1, after: runs{2049, 2},
		},
		{name: "ExtendedBorder", size: 2400, free: runs{2175, 6}, call: allocPages(4, align128, 2176), after: runs{2175, 1}},
		{name: "Extended128MiB", size: 2100, free: runs{2048, 2}, call: allocPages(1, align2048, 2048)},
		{name: "Extended256MiBNotHonored", size: 2100, free: runs{2048, 2}, call: allocPages(1, align4096, 2048)},
		{name: "Extended2GiBNotHonored", size: 2100, free: runs{2048, 2}, call: allocPages(1, 31, 2048)},
		{
			name: "Extended256MiBPassedOver", size: 5000, free: runs{4096, 10},
			call: allocPages(1, align4096, 8192), grown: 3193, after: runs{4096, 9, 5000, 3192},
		},
		{name: "Extended256MiBRelative", size: 7000, free: runs{6144, 2}, call: allocPages(1, align4096, 6144)},

		{name: "TooLarge", size: 64, free: runs{5, 1}, call: allocFails(pageSize, 32, linmem.ErrInvalid), after: runs{5, 1}},
		{
			name: "LargestByte", size: 64, free: runs{5, 1},
			call: allocFails(pageSize, 255, linmem.ErrInvalid), after: runs{5, 1},
		},
	})
}

// Growth drops pages until the memory's end is aligned, and frees them.
func TestPageAllocGrowth(t *testing.T) {
	noRoom := func(room uint64, call pageCall) pageCall {
		return func(s *pageScene) {
			s.m.max = s.m.pages + room
			call(s)
		}
	}
	runPageSituations(t, []pageSituation{
		{name: "EndIsAligned", size: 4, call: allocPages(1, align4, 4), grown: 1},
		{name: "OneDropped", size: 7, call: allocPages(2, align4, 8), grown: 3, after: runs{7, 1}},
		{name: "MostDropped", size: 1, call: allocPages(1, align4, 4), grown: 4, after: runs{1, 3}},
		{name: "DroppedPagesAreHadAgain", size: 1, call: thenPages(allocPages(1, align4, 4), allocPages(3, 0, 1)), grown: 4},
		{
			name: "FreePagesAtTheEndAreNotJoined", size: 10, free: runs{8, 2},
			call: allocPages(3, align4, 12), grown: 5, after: runs{8, 4},
		},
		{
			name: "DroppedAcrossTheSplit", size: 2047,
			call: allocPages(1, align4096, 4096), grown: 2050, after: runs{2047, 2048},
		},
		{
			name: "DroppedUpToTheSplit", size: 2047,
			call: thenPages(allocPages(1, align4, 2048), notLookedAt), grown: 2, after: runs{2047, 1},
		},
		{
			name: "DroppedPastTheSplit", size: 2049,
			call: allocPages(1, align2048, 4096), grown: 2048, after: runs{2049, 2046},
		},

		{name: "Refused", size: 5, call: noRoom(2, allocFails(3*pageSize, 0, linmem.ErrOutOfMemory))},
		{name: "AllTheRoom", size: 5, call: noRoom(3, allocPages(3, 0, 5)), grown: 3},
		{name: "RefusedForTheDroppedPages", size: 5, call: noRoom(3, allocFails(pageSize, align4, linmem.ErrOutOfMemory))},
		{
			name: "AllTheRoomWithTheDroppedPages", size: 5,
			call: noRoom(4, allocPages(1, align4, 8)), grown: 4, after: runs{5, 3},
		},
		{
			name: "RefusedThenFree", size: 5, call: thenPages(
				noRoom(0, allocFails(pageSize, 0, linmem.ErrOutOfMemory)), freeRun(3, 1), allocPages(1, 0, 3),
			),
		},
	})
}

// TestPageAllocFromZeroPages holds what the original makes of a growth that returns 0: it failed. Page 0 is null anyway.
func TestPageAllocFromZeroPages(t *testing.T) {
	for _, n := range []uint64{1, 3} {
		s := newPageScene(t, 0, 100)
		allocFails(n*pageSize, 0, linmem.ErrOutOfMemory)(s)
		if s.m.pages != n {
			t.Errorf("the memory has %d pages, want %d", s.m.pages, n)
		}
		allocPages(2, 0, n)(s)
		if free := s.drain(); len(free) != 0 {
			t.Errorf("%d are free", free)
		}
	}
	s := newPageScene(t, 0, 100)
	allocFails(0, 0, linmem.ErrOutOfMemory)(s)
	allocFails(pageSize, align4, linmem.ErrOutOfMemory)(s) // page 0 is as aligned as can be
	if s.m.pages != 1 {
		t.Errorf("the memory has %d pages, want 1", s.m.pages)
	}
}

func TestPageResize(t *testing.T) {
	const p = pageSize
	whole := func(newN uint64, want bool) pageCall { return resizeBytes(10, 3*p, newN, want) }
	runPageSituations(t, []pageSituation{
		{name: "Same", size: 64, call: whole(3*p, true)},
		{name: "ByLessThanAPage", size: 64, call: whole(2*p+1, true)},
		{name: "ByOnePage", size: 64, call: whole(2*p, true), after: runs{12, 1}},
		{name: "ToOneByte", size: 64, call: whole(1, true), after: runs{11, 2}},
		{name: "ToNothing", size: 64, call: whole(0, true), after: runs{10, 3}},
		{name: "WithinTheLastPage", size: 64, call: resizeBytes(10, 2*p+1, 3*p, true)},
		{name: "ByOneByte", size: 64, call: whole(3*p+1, false)},
		{name: "IntoFreePages", size: 64, free: runs{13, 4}, call: whole(4*p, false), after: runs{13, 4}},
		{name: "IntoTheMemorysEnd", size: 13, call: whole(4*p, false)},
		{name: "TailIsHadAgain", size: 64, call: thenPages(whole(p, true), allocPages(2, 0, 11))},
		{name: "AndNotBack", size: 64, call: thenPages(whole(p, true), resizeBytes(10, p, 3*p, false)), after: runs{11, 2}},
		{name: "OfNothing", size: 64, call: resizeBytes(10, 0, 0, true)},
		{name: "OfNothingToSomething", size: 64, call: resizeBytes(10, 0, 1, false)},
		{name: "To4GiB", size: 64, call: whole(gib4, false)},
		{name: "ToAlmost4GiB", size: 64, call: whole(gib4-1, false)},
		{name: "ToAllBytes", size: 64, call: whole(tooManyBytes, false)},
		{name: "OfAlmost4GiB", size: 64, call: resizeBytes(10, gib4-1, 1, false)},
		{name: "OfAllBytes", size: 64, call: resizeBytes(10, tooManyBytes, 1, false)},
	})
}

// Zig's Allocator never asks for 0 bytes. The code gives the first free page for it, and does not take it.
func TestPageAllocNothing(t *testing.T) {
	runPageSituations(t, []pageSituation{
		{
			name: "FirstFreePage", size: 64, free: runs{9, 1, 12, 1},
			call: thenPages(allocBytes(0, 0, 9), allocBytes(0, 0, 9)), after: runs{9, 1, 12, 1},
		},
		{
			name: "FirstAlignedRun", size: 64, free: runs{9, 4, 16, 1},
			call: allocBytes(0, align4, 16), after: runs{9, 4, 16, 1},
		},
		{
			name: "FirstFreePagePastTheSplit", size: 2100, free: runs{2060, 3},
			call: thenPages(allocBytes(0, 0, 2060), bitmapIs(2062, runs{2060, 2})), after: runs{2060, 2},
		},
		{name: "MemorysEnd", size: 64, call: allocBytes(0, 0, 64)},
		{name: "AlignedEnd", size: 5, call: allocBytes(0, align4, 8), grown: 3, after: runs{5, 3}},
		{name: "EndOfAFullMemoryIsNull", size: 1 << 16, call: allocFails(0, 0, linmem.ErrOutOfMemory)},
		{name: "Free", size: 64, call: freeBytes(9*pageSize, 0)},
		{name: "FreePastTheSplit", size: 2100, call: thenPages(freeBytes(2090*pageSize, 0), notLookedAt)},
		{name: "FreeMemorysEnd", size: 64, call: freeBytes(64*pageSize, 0)},
	})
}

// TestPageAllocSizes has sizes around those for which rounding up to pages would wrap.
func TestPageAllocSizes(t *testing.T) {
	const largest = 65535 * pageSize
	for _, test := range []struct {
		n    uint64
		want error
	}{
		{largest, nil},
		{largest - pageSize + 1, nil},
		{largest + 1, linmem.ErrOutOfMemory},
		{gib4 - 1, linmem.ErrOutOfMemory},
		{gib4, linmem.ErrOutOfMemory},
		{gib4 + 1, linmem.ErrOutOfMemory},
		{math.MaxUint64 - pageSize + 2, linmem.ErrOutOfMemory},
		{math.MaxUint64, linmem.ErrOutOfMemory},
	} {
		t.Run(fmt.Sprintf("%#x", test.n), func(t *testing.T) {
			s := newPageScene(t, 1, 1<<20)
			if test.want != nil {
				allocFails(test.n, 0, test.want)(s)
				if s.m.growths != 0 {
					t.Errorf("the memory was asked to grow")
				}
				return
			}
			allocBytes(test.n, 0, 1)(s)
			freeBytes(pageSize, test.n)(s)
			bitmapIs(65535, runs{2048, 65535 - 2048})(s)
		})
		t.Run(fmt.Sprintf("%#x of too few", test.n), func(t *testing.T) {
			s := newPageScene(t, 2, 1<<20)
			allocFails(test.n, 0, linmem.ErrOutOfMemory)(s)
			if s.m.growths != 0 {
				t.Errorf("the memory was asked to grow")
			}
		})
	}
}

// TestPageAllocPast65536Pages is on memories that could go on, or do, where 32-bit addresses end.
func TestPageAllocPast65536Pages(t *testing.T) {
	const all = 1 << 16
	outOfMemory := func(n uint64, log2Align uint8) pageCall { return allocFails(n, log2Align, linmem.ErrOutOfMemory) }
	for _, test := range []struct {
		name      string
		size      uint64
		call      pageCall
		wantPages uint64
	}{
		{"LastPage", all - 1, thenPages(allocPages(1, 0, all-1), outOfMemory(1, 0)), all},
		{"OnePageTooMany", all - 1, outOfMemory(2*pageSize, 0), all - 1},
		{"AlignedLastPages", all - 3, thenPages(allocPages(2, align2, all-2), bitmapIs(all-3, nil)), all},
		{"AlignmentWraps", all - 1, outOfMemory(1, align2), all - 1},
		{"LargestAlignmentWraps", all - 1, outOfMemory(1, 31), all - 1},
		{"Full", all, outOfMemory(1, 0), all},
		{"FullButFree", all, thenPages(freeRun(all-4, 4), allocPages(3, 0, all-4), outOfMemory(1, 0)), all},
		{"Larger", all + 1, outOfMemory(1, 0), all + 1},
		{"LargerForNothing", all + 1, outOfMemory(0, 0), all + 1},
		{"MuchLarger", all + 1<<18, outOfMemory(1, 0), all + 1<<18},
		{"LargerButFree", all + 100, thenPages(freeRun(all-4, 4), allocPages(3, 0, all-4), outOfMemory(1, 0)), all + 100},
		{"FreePast", all + 100, freeFails(all*pageSize, pageSize), all + 100},
		{"FreeAcross", all + 100, freeFails((all-1)*pageSize, 2*pageSize), all + 100},
		{"FreeWraps", all + 100, freeFails((all+5)*pageSize, pageSize), all + 100},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newPageScene(t, test.size, 1<<30)
			test.call(s)
			if s.m.pages != test.wantPages {
				t.Errorf("the memory has %d pages, want %d", s.m.pages, test.wantPages)
			}
			s.m.max = s.m.pages
			for addr, err := s.a.Alloc(1, 0); err == nil; addr, err = s.a.Alloc(1, 0) {
				if addr >= gib4 {
					t.Fatalf("%#x is no 32-bit address", addr)
				}
			}
		})
	}
}

// TestPageAllocGuestGrows has the memory grow between the instructions memory.size and memory.grow, which cannot happen to
// the original on one thread and which it asserts.
func TestPageAllocGuestGrows(t *testing.T) {
	m := newSparseMemory(5, 100)
	guest := uint64(0)
	a := zigref.NewPageAllocator(linmemtest.GuestGrows(func() uint64 { return guest }, m))
	alloc := func(want uint64) {
		t.Helper()
		if addr, err := a.Alloc(pageSize, 0); err != nil || addr != want*pageSize {
			t.Errorf("Alloc = page %d, %v, want page %d", addr/pageSize, err, want)
		}
	}
	alloc(5)
	guest = 3
	_, err := a.Alloc(pageSize, 0)
	wantError(t, err, linmem.ErrCorrupt, "zigref.PageAllocator.Alloc", 0, pageSize)
	guest = 0
	alloc(10)
}

// TestPageAllocRefusals refuses the growth at each point of a run of operations. The refused call changes nothing.
func TestPageAllocRefusals(t *testing.T) {
	for n := range 6 {
		m := newSparseMemory(2047, 3000)
		a := zigref.NewPageAllocator(linmemtest.FailAfter(n, m))
		var got []uint64
		for range 8 {
			before := m.pages
			addr, err := a.Alloc(pageSize, align4)
			switch {
			case err == nil:
				got = append(got, addr/pageSize)
			case m.pages != before:
				t.Errorf("after %d growths: refused, and the memory grew to %d pages", n, m.pages)
			default:
				wantError(t, err, linmem.ErrOutOfMemory, "zigref.PageAllocator.Alloc", 0, pageSize)
			}
		}
		// Each growth is of 4 pages but the first, of 2. The second is the first that drops pages past 2,048: 2,049 to
		// 2,051, the last of them stolen.
		want := []uint64{2048, 2052, 2056, 2060, 2064}[:min(n, 5)]
		if !slices.Equal(got, want) {
			t.Errorf("after %d growths: pages %d, want %d", n, got, want)
		}
	}
}
