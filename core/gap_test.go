package linmem_test

import (
	"math"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

func TestGap(t *testing.T) {
	gap := linmem.WithGap
	refuse := growth{refuse: true}
	runSituationsOf(t, drawAdopted, []situation{
		{
			name: "FirstGrowth", before: "#", opts: with(gap(2)), call: alloc(1),
			after: "###X", asked: []uint64{3}, told: []string{"grow 1+3"},
		},
		{name: "None", before: "#", opts: with(gap(0)), call: alloc(1), after: "#X", asked: []uint64{1}},
		{
			name: "OnlyTheFirst", before: "#", opts: with(gap(2)),
			call: then(alloc(1), alloc(2)), after: "###XXX", asked: []uint64{3, 2},
		},
		{name: "Reserve", before: "#", opts: with(gap(2)), call: reserve(2), after: "###..", asked: []uint64{4}},
		{name: "Aligned", before: "#", opts: with(gap(2)), call: allocAligned(1, 4), after: "###.X", asked: []uint64{4}},
		{
			name: "AlignedBehindTheGap", before: "#", opts: with(gap(3)),
			call: allocAligned(1, 4), after: "####X", asked: []uint64{4},
		},

		// The gap is the guest's.
		{
			name: "CanBeAdopted", before: "#", opts: with(gap(2)),
			call: then(alloc(1), adopt(1, 2)), after: "#..X", asked: []uint64{3},
		},
		{
			name: "CannotBeFreed", before: "#", opts: with(gap(2)),
			call: then(alloc(1), failing(linmem.ErrNotAllocated, freeRange(1, 2))), after: "###X", asked: []uint64{3},
		},
		{
			name: "IsNotHandedOut", before: "#", opts: with(gap(2)),
			call: then(alloc(1), freeRange(3, 1), alloc(2)), after: "###XX", asked: []uint64{3, 1},
		},

		// It lies behind what the guest has when the growth lands.
		{
			name: "GuestGrewBefore", before: "#??", opts: with(gap(1)), call: alloc(1),
			after: "####X", asked: []uint64{2}, told: []string{"foreign [1,3)", "grow 3+2"},
		},
		{
			name: "GuestGrowsMeanwhile", before: "#", opts: with(gap(1)), script: []growth{{guest: 2}},
			call: alloc(1), after: "####X", asked: []uint64{2}, told: []string{"foreign [1,3)", "grow 3+2"},
		},
		{
			name: "GuestDisplacesTheAlignment", before: "#", opts: with(gap(1)), script: []growth{{guest: 3}},
			call: allocAligned(2, 4), after: "#####...XX", asked: []uint64{5, 1},
		},
		{
			name: "GuestGrewAfterwards", before: "#", opts: with(gap(1)), script: []growth{{}, {guest: 2}},
			call: then(alloc(1), alloc(1)), after: "##X##X", asked: []uint64{2, 1},
		},

		// A growth that is refused leaves it to the next.
		{
			name: "Refused", before: "#", opts: with(gap(2)), script: []growth{refuse}, call: alloc(1),
			asked: []uint64{3}, told: []string{"refused 3: memory.grow returned -1"}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "RefusedOnce", before: "#", opts: with(gap(2)), script: []growth{refuse},
			call: then(failing(linmem.ErrOutOfMemory, alloc(1)), alloc(1)), after: "###X", asked: []uint64{3, 3},
		},
		{
			name: "Frozen", before: "#", opts: with(gap(2)), frozen: true,
			call: then(
				failing(linmem.ErrOutOfMemory, alloc(1)),
				func(s *scene) error { s.pages.Freeze(false); return nil },
				alloc(1),
			),
			after: "###X", asked: []uint64{3},
		},

		// The budget is for what is owned.
		{
			name: "NotCharged", before: "#", opts: with(gap(9), linmem.WithMaxPages(1)),
			call: alloc(1), after: "##########X", asked: []uint64{10},
		},
		{
			name: "BudgetForLess", before: "#", opts: with(gap(9), linmem.WithMaxPages(1)),
			call: alloc(2), err: linmem.ErrOutOfMemory,
		},

		// Adopted pages lie where they lie.
		{name: "AdoptedFits", before: "#..", opts: with(gap(1)), call: alloc(2), after: "#XX"},
		{
			name: "AdoptedFitsAndThenGrows", before: "#..", opts: with(gap(1)),
			call: then(alloc(2), alloc(1)), after: "#XX#X", asked: []uint64{2},
		},
		{
			name: "AdoptedTailDoesNotCount", before: "#..", opts: with(gap(1)),
			call: alloc(3), after: "#..#XXX", asked: []uint64{4},
		},
		{
			name: "AdoptedTailDoesNotCountForAlignment", before: "#a..", opts: with(gap(1)),
			call: allocAligned(3, 4), after: "#a..#...XXX", asked: []uint64{7},
		},
		{name: "ResizeDoesNotReachOver", before: "#a", opts: with(gap(1)), call: resize('a', 3), err: linmem.ErrOutOfMemory},
		{name: "ResizeOfAdopted", before: "#a..", opts: with(gap(1)), call: resize('a', 3), after: "#aaa"},
		{
			name: "ResizeAfterwards", before: "#", opts: with(gap(1)),
			call: then(alloc(1), resizeRange(2, 1, 3)), after: "##XXX", asked: []uint64{2, 2},
		},

		// Page 0 is part of it.
		{name: "EmptyMemory", before: "", opts: with(gap(1)), call: alloc(1), after: "#X", asked: []uint64{2}},
		{name: "EmptyMemoryLarger", before: "", opts: with(gap(3)), call: alloc(1), after: "###X", asked: []uint64{4}},
		{
			name: "EmptyMemoryWithPageZero", before: "", opts: with(gap(1), linmem.WithPageZero()),
			call: alloc(1), after: "#X", asked: []uint64{2},
		},
		{
			name: "EmptyMemoryThatTheGuestTakesFirst", before: "", opts: with(gap(1)), script: []growth{{guest: 1}},
			call: alloc(1), after: "##X", asked: []uint64{2}, told: []string{"foreign [0,1)", "grow 1+2"},
		},
		{
			name: "EmptyMemoryAndBudget", before: "", opts: with(gap(1), linmem.WithMaxPages(1)),
			call: alloc(1), after: "#X", asked: []uint64{2},
		},
		{
			name: "EmptyMemoryOverBudget", before: "", opts: with(gap(1), linmem.WithMaxPages(1)),
			call: alloc(2), err: linmem.ErrOutOfMemory,
		},

		// A growth policy is for the need; the gap comes on top.
		{name: "By", before: "#", opts: with(gap(2), growBy(4)), call: alloc(1), after: "###X...", asked: []uint64{6}},
		{
			name: "Double", before: "#aaa", opts: with(gap(2), growDouble),
			call: alloc(1), after: "#aaa##X..", asked: []uint64{5},
		},
		{
			name: "ByWithinBudget", before: "#", opts: with(gap(2), growBy(4), linmem.WithMaxPages(3)),
			call: alloc(1), after: "###X..", asked: []uint64{5},
		},
		{
			name: "ByRefused", before: "#", opts: with(gap(2), growBy(4)), script: []growth{refuse},
			call: alloc(1), after: "###X", asked: []uint64{6, 3}, told: []string{"grow 1+3"},
		},
		{
			name: "ByRefusedTwice", before: "#", opts: with(gap(2), growBy(4)), script: []growth{refuse, refuse},
			call: then(failing(linmem.ErrOutOfMemory, alloc(1)), alloc(1)), after: "###X...", asked: []uint64{6, 3, 6},
		},
		{
			name: "BestFit", before: "#a.b", opts: with(gap(2), linmem.WithPlacement(linmem.BestFit)),
			call: alloc(2), after: "#a.b##XX", asked: []uint64{4},
		},

		// More than there can be.
		{name: "OfAllTheSpace", before: "#", opts: with(gap(spacePages)), call: alloc(1), err: linmem.ErrOutOfMemory},
		{name: "OfAllNumbers", before: "#", opts: with(gap(math.MaxUint64)), call: alloc(1), err: linmem.ErrOutOfMemory},
		{name: "UpToTheTop", before: "#", opts: with(gap(spacePages - 1)), call: alloc(1), err: linmem.ErrOutOfMemory},
	})
}

// A gap may leave the very last page.
func TestGapUpToTheTop(t *testing.T) {
	mem := &guestMemory{size: spacePages - 5, max: spacePages}
	p, err := linmem.NewPages(mem, linmem.WithGap(4), growBy(8))
	if err != nil {
		t.Fatal(err)
	}
	if r, err := p.Alloc(2); class(err) != linmem.ErrOutOfMemory {
		t.Errorf("Alloc(2) = %v, %v, want %v", r, err, linmem.ErrOutOfMemory)
	}
	want := linmem.Range{Start: spacePages - 1, Len: 1}
	if got, err := p.Alloc(1); err != nil || got != want {
		t.Errorf("Alloc(1) = %v, %v, want %v", got, err, want)
	}
	if want := []uint64{5}; !slices.Equal(mem.asked, want) {
		t.Errorf("asked the memory to grow by %v, want %v", mem.asked, want)
	}
	if err := p.Check(); err != nil {
		t.Error(err)
	}
}
