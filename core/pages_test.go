package linmem_test

import (
	"math"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

func TestAlloc(t *testing.T) {
	runSituations(t, []situation{
		// First fit.
		{name: "ExactFit", before: "#a.b", call: alloc(1), after: "#aXb"},
		{name: "FrontOfLarger", before: "#a...b", call: alloc(2), after: "#aXX.b"},
		{name: "LowestOfTwo", before: "#a.b.c", call: alloc(1), after: "#aXb.c"},
		{name: "LowestNotBest", before: "#a...b.c", call: alloc(1), after: "#aX..b.c"},
		{name: "SkipsTooSmall", before: "#a.b..c", call: alloc(2), after: "#a.bXXc"},
		{name: "HoleBeforeTail", before: "#a..b...", call: alloc(2), after: "#aXXb..."},
		{name: "FrontOfTail", before: "#a...", call: alloc(2), after: "#aXX."},
		{name: "AllFree", before: "#...", call: alloc(3), after: "#XXX"},
		{name: "TwoHolesAreNotOne", before: "#a.b.c", call: alloc(2), after: "#a.b.cXX", asked: []uint64{2}},
		{name: "HolesBesideForeignAreNotOne", before: "#.#.a", call: alloc(2), after: "#.#.aXX", asked: []uint64{2}},
		{name: "FreedNeighboursAreOne", before: "#abcd", call: then(free("bc"), alloc(2)), after: "#aXXd"},

		// Growth by what is missing.
		{name: "FirstPage", before: "#", call: alloc(1), after: "#X", asked: []uint64{1}},
		{name: "NoneFree", before: "#a", call: alloc(3), after: "#aXXX", asked: []uint64{3}},
		{name: "FreeTailCounts", before: "#a..", call: alloc(3), after: "#aXXX", asked: []uint64{1}},
		{name: "FreeTailDownToTheGuest", before: "#..", call: alloc(3), after: "#XXX", asked: []uint64{1}},
		{
			name: "FreeTailThatDoesNotTouchTheEnd", before: "#a..b",
			call: alloc(3), after: "#a..bXXX", asked: []uint64{3},
		},
		{name: "ForeignAtTheEnd", before: "###", call: alloc(2), after: "###XX", asked: []uint64{2}},
		{
			name: "RefusedChangesNothing", before: "#a..", script: []growth{{refuse: true}},
			call: alloc(3), asked: []uint64{1}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "NextCallAfterRefusal", before: "#a..", script: []growth{{refuse: true}},
			call:  then(failing(linmem.ErrOutOfMemory, alloc(4)), alloc(2), alloc(1)),
			after: "#aXXX", asked: []uint64{2, 1},
		},

		// The guest grows its memory too.
		{
			name: "GuestGrewBefore", before: "#a..??", call: alloc(3),
			after: "#a..##XXX", asked: []uint64{1, 2},
		},
		{name: "GuestGrewButAHoleFits", before: "#a..??", call: alloc(2), after: "#aXX??"},
		{name: "GuestGrewAndNoTail", before: "#a??", call: alloc(2), after: "#a##XX", asked: []uint64{2}},
		{
			name: "GuestGrowsMeanwhile", before: "#a..", script: []growth{{guest: 2}},
			call: alloc(3), after: "#a..##XXX", asked: []uint64{1, 2},
		},
		{
			name: "GuestGrowsBeforeAndMeanwhile", before: "#a..?", script: []growth{{guest: 1}},
			call: alloc(3), after: "#a..##XXX", asked: []uint64{1, 2},
		},
		{
			name: "SecondGrowthRefused", before: "#a..", script: []growth{{guest: 2}, {refuse: true}},
			call: alloc(3), after: "#a..##.", asked: []uint64{1, 2}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "SecondGrowthRefusedThenNextCall", before: "#a..", script: []growth{{guest: 2}, {refuse: true}},
			call:  then(failing(linmem.ErrOutOfMemory, alloc(3)), alloc(2), alloc(2)),
			after: "#aXX##XX", asked: []uint64{1, 2, 1},
		},
		{
			name: "SecondGrowthDisplacedToo", before: "#a..", script: []growth{{guest: 1}, {guest: 1}},
			call: alloc(3), after: "#a..#.#XXX..", asked: []uint64{1, 2, 3},
		},
		{
			name: "EveryGrowthDisplaced", before: "#a..", script: []growth{{guest: 1}, {guest: 1}, {guest: 1}, {guest: 1}},
			call: alloc(3), after: "#a..#.#..#XXX", asked: []uint64{1, 2, 3},
		},
		{
			name: "GuestLeavesNothing", before: "#a..", script: []growth{{guest: 2, refuse: true}},
			call: alloc(3), after: "#a..??", asked: []uint64{1}, err: linmem.ErrOutOfMemory,
		},

		// Arguments that can never be right.
		{name: "Zero", before: "#a..", call: alloc(0), err: linmem.ErrInvalid},
		{name: "MoreThanTheSpace", before: "#a..", call: alloc(spacePages + 1), err: linmem.ErrInvalid},
		{name: "BytesOverflow", before: "#a..", call: alloc(math.MaxUint64), err: linmem.ErrInvalid},
		{name: "AllOfTheSpace", before: "#a..", call: alloc(spacePages), err: linmem.ErrOutOfMemory},
	})
}

func TestAllocAligned(t *testing.T) {
	runSituations(t, []situation{
		{name: "ToOnePage", before: "#a.b", call: allocAligned(1, 1), after: "#aXb"},
		{name: "AtFrontOfHole", before: "#aaa..b", call: allocAligned(2, 4), after: "#aaaXXb"},
		{name: "InsideHole", before: "#a......b", call: allocAligned(2, 4), after: "#a..XX..b"},
		{
			name: "SkipsFirst", before: "#a..b...c",
			call: allocAligned(1, 4), after: "#a..b...c...X", asked: []uint64{4},
		},
		{
			name: "HoleTooShortBehindBoundary", before: "#aa.b",
			call: allocAligned(1, 2), after: "#aa.b.X", asked: []uint64{2},
		},
		{name: "EndIsAligned", before: "####", call: allocAligned(2, 4), after: "####XX", asked: []uint64{2}},
		{name: "SkippedPagesAreFree", before: "#", call: allocAligned(1, 4), after: "#...X", asked: []uint64{4}},
		{
			name: "SkippedPagesAreUsed", before: "#",
			call: then(allocAligned(1, 4), alloc(3)), after: "#XXXX", asked: []uint64{4},
		},
		{
			name: "TailHoldsTheBoundary", before: "#a.....",
			call: allocAligned(4, 4), after: "#a..XXXX", asked: []uint64{1},
		},
		{
			name: "TailEndsBelowTheBoundary", before: "#a.",
			call: allocAligned(1, 4), after: "#a..X", asked: []uint64{2},
		},
		{
			name: "Refused", before: "#a.", script: []growth{{refuse: true}},
			call: allocAligned(1, 4), asked: []uint64{2}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "GuestGrowsMeanwhile", before: "#a..", script: []growth{{guest: 1}},
			call: allocAligned(2, 4), after: "#a..#...XX", asked: []uint64{2, 3},
		},
		{
			name: "GuestGrowsUpToTheBoundary", before: "#a..", script: []growth{{guest: 4}},
			call: allocAligned(2, 4), after: "#a..####XX", asked: []uint64{2},
		},
		{
			name: "SecondGrowthRefused", before: "#a..", script: []growth{{guest: 1}, {refuse: true}},
			call: allocAligned(2, 4), after: "#a..#..", asked: []uint64{2, 3}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "EveryGrowthDisplaced", before: "#a..", script: []growth{{guest: 1}, {guest: 2}, {guest: 1}},
			call: allocAligned(2, 4), after: "#a..#..##...#...XX", asked: []uint64{2, 3, 5},
		},
		{name: "ToNothing", before: "#..", call: allocAligned(1, 0), err: linmem.ErrInvalid},
		{name: "ToThree", before: "#..", call: allocAligned(1, 3), err: linmem.ErrInvalid},
		{name: "ToAllBits", before: "#..", call: allocAligned(1, math.MaxUint64), err: linmem.ErrInvalid},
		{name: "ToMoreThanTheSpace", before: "#..", call: allocAligned(1, 2*spacePages), err: linmem.ErrInvalid},
		{name: "ToTheTopBit", before: "#..", call: allocAligned(1, 1<<63), err: linmem.ErrInvalid},
		{name: "ToTheSpace", before: "#..", call: allocAligned(1, spacePages), err: linmem.ErrOutOfMemory},
		{name: "ZeroPages", before: "#..", call: allocAligned(0, 2), err: linmem.ErrInvalid},
	})
}

func TestPageZero(t *testing.T) {
	zero := linmem.WithPageZero()
	runSituations(t, []situation{
		{name: "EmptyMemory", before: "", call: alloc(1), after: "#X", asked: []uint64{2}},
		{name: "EmptyMemoryAligned", before: "", call: allocAligned(1, 4), after: "#...X", asked: []uint64{5}},
		{
			name: "EmptyMemoryRefused", before: "", script: []growth{{refuse: true}},
			call: alloc(1), asked: []uint64{2}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "GuestTakesItFirst", before: "", script: []growth{{guest: 1}},
			call: alloc(2), after: "#XX.", asked: []uint64{3},
		},
		{name: "NotAdopted", before: "##", call: adopt(0, 1), err: linmem.ErrInvalid},
		{name: "NotAdoptedWithOthers", before: "##", call: adopt(0, 2), err: linmem.ErrInvalid},
		{name: "NotFreed", before: "#a", call: freeRange(0, 1), err: linmem.ErrNotAllocated},
		{name: "WithItEmptyMemory", before: "", opts: with(zero), call: alloc(1), after: "X", asked: []uint64{1}},
		{
			name: "WithItAnyAlignment", before: "", opts: with(zero),
			call: allocAligned(2, spacePages), after: "XX", asked: []uint64{2},
		},
		{name: "WithItFree", before: "..a", opts: with(zero), call: alloc(2), after: "XXa"},
		{name: "WithItFreed", before: "ab", opts: with(zero), call: free("a"), after: ".b"},
		{name: "WithItResized", before: "a.b", opts: with(zero), call: resize('a', 2), after: "aab"},
		{name: "WithItAdopted", before: "##a", opts: with(zero), call: adopt(0, 1), after: ".#a"},
		{name: "WithItTheGuests", before: "#", opts: with(zero), call: alloc(1), after: "#X", asked: []uint64{1}},
	})
}

func TestBudget(t *testing.T) {
	budget := linmem.WithMaxPages
	runSituations(t, []situation{
		{name: "UpToIt", before: "#", opts: with(budget(3)), call: alloc(3), after: "#XXX", asked: []uint64{3}},
		{name: "OverIt", before: "#", opts: with(budget(3)), call: alloc(4), err: linmem.ErrOutOfMemory},
		{name: "Spent", before: "#aaa", opts: with(budget(3)), call: alloc(1), err: linmem.ErrOutOfMemory},
		{
			name: "FreePagesAreOwned", before: "#aa.", opts: with(budget(3)),
			call: alloc(2), err: linmem.ErrOutOfMemory,
		},
		{name: "FreePagesAreReused", before: "#aa.", opts: with(budget(3)), call: alloc(1), after: "#aaX"},
		{
			name: "NextCallAfterRefusal", before: "#aa.", opts: with(budget(4)),
			call:  then(failing(linmem.ErrOutOfMemory, alloc(3)), alloc(2)),
			after: "#aaXX", asked: []uint64{1},
		},
		{name: "Zero", before: "#", opts: with(budget(0)), call: alloc(1), err: linmem.ErrOutOfMemory},
		{
			name: "ForeignDoesNotCount", before: "##a#b", opts: with(budget(3)),
			call: alloc(1), after: "##a#bX", asked: []uint64{1},
		},
		{
			name: "AlignmentCounts", before: "#", opts: with(budget(3)),
			call: allocAligned(1, 4), err: linmem.ErrOutOfMemory,
		},
		{
			name: "PageZeroDoesNotCount", before: "", opts: with(budget(1)),
			call: alloc(1), after: "#X", asked: []uint64{2},
		},
		{
			name: "PageZeroCountsWithIt", before: "", opts: with(budget(1), linmem.WithPageZero()),
			call: then(alloc(1), failing(linmem.ErrOutOfMemory, alloc(1))), after: "X", asked: []uint64{1},
		},
		{
			name: "GuestTakesPageZeroFirst", before: "", opts: with(budget(3)), script: []growth{{guest: 2}},
			call: alloc(3), after: "###XXX", asked: []uint64{4},
		},
		{
			name: "SpentByTheDisplacedGrowth", before: "#a..", opts: with(budget(5)), script: []growth{{guest: 1}},
			call: alloc(3), after: "#a..#.", asked: []uint64{1}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "ResizeUpToIt", before: "#a", opts: with(budget(3)),
			call: resize('a', 3), after: "#aaa", asked: []uint64{2},
		},
		{
			name: "ResizeOverIt", before: "#a.", opts: with(budget(3)),
			call: resize('a', 4), err: linmem.ErrOutOfMemory,
		},
		{name: "ReserveOverIt", before: "#a.", opts: with(budget(3)), call: reserve(3), err: linmem.ErrOutOfMemory},
		{name: "AdoptUpToIt", before: "###a", opts: with(budget(3)), call: adopt(1, 2), after: "#..a"},
		{name: "AdoptOverIt", before: "####a", opts: with(budget(3)), call: adopt(1, 3), err: linmem.ErrOutOfMemory},
	})
}

func TestFreeze(t *testing.T) {
	thaw := func(s *scene) error { s.pages.Freeze(false); return nil }
	runSituations(t, []situation{
		{name: "HoleFits", before: "#a.b", frozen: true, call: alloc(1), after: "#aXb"},
		{name: "AllocWouldGrow", before: "#a.b", frozen: true, call: alloc(2), err: linmem.ErrOutOfMemory},
		{
			name: "AlignedWouldGrow", before: "#a.b", frozen: true,
			call: allocAligned(1, 4), err: linmem.ErrOutOfMemory,
		},
		{name: "ReserveFits", before: "#a..b", frozen: true, call: reserve(2)},
		{name: "ReserveWouldGrow", before: "#a.b", frozen: true, call: reserve(2), err: linmem.ErrOutOfMemory},
		{name: "ResizeFits", before: "#a.", frozen: true, call: resize('a', 2), after: "#aa"},
		{name: "ResizeWouldGrow", before: "#a.", frozen: true, call: resize('a', 3), err: linmem.ErrOutOfMemory},
		{name: "FreeAndAdopt", before: "##ab", frozen: true, call: then(free("b"), adopt(1, 1)), after: "#.a."},
		{name: "Thawed", before: "#a", frozen: true, call: then(thaw, alloc(1)), after: "#aX", asked: []uint64{1}},
	})
}

func TestReserve(t *testing.T) {
	freeze := func(s *scene) error { s.pages.Freeze(true); return nil }
	runSituations(t, []situation{
		{name: "NothingFree", before: "#a", call: reserve(3), after: "#a...", asked: []uint64{3}},
		{name: "HoleFits", before: "#a...b", call: reserve(3)},
		{name: "FreeTailCounts", before: "#a..", call: reserve(3), after: "#a...", asked: []uint64{1}},
		{name: "NotInOnePiece", before: "#a..b.", call: reserve(3), after: "#a..b...", asked: []uint64{2}},
		{name: "EmptyMemory", before: "", call: reserve(2), after: "#..", asked: []uint64{3}},
		{name: "Twice", before: "#a", call: then(reserve(3), reserve(3)), after: "#a...", asked: []uint64{3}},
		{
			name: "ThenFrozen", before: "#a",
			call: then(reserve(3), freeze, alloc(3)), after: "#aXXX", asked: []uint64{3},
		},
		{name: "GuestGrewBefore", before: "#a.??", call: reserve(3), after: "#a.##...", asked: []uint64{2, 1}},
		{
			name: "Refused", before: "#a.", script: []growth{{refuse: true}},
			call: reserve(3), asked: []uint64{2}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "SecondGrowthRefused", before: "#a.", script: []growth{{guest: 1}, {refuse: true}},
			call: reserve(3), after: "#a.#..", asked: []uint64{2, 1}, err: linmem.ErrOutOfMemory,
		},
		{name: "Zero", before: "#a.", call: reserve(0), err: linmem.ErrInvalid},
		{name: "MoreThanTheSpace", before: "#a.", call: reserve(spacePages + 1), err: linmem.ErrInvalid},
	})
}
