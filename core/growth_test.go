package linmem_test

import (
	"math"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

var (
	growDouble = linmem.WithGrowth(linmem.GrowDouble)
	growBy     = func(n uint64) linmem.Option { return linmem.WithGrowth(linmem.GrowBy(n)) }
)

func TestGrowth(t *testing.T) {
	exact := linmem.WithGrowth(linmem.GrowExact)
	runSituationsOf(t, drawAdopted, []situation{
		{name: "ExactIsTheDefault", before: "#aaaa", call: alloc(1), after: "#aaaaX", asked: []uint64{1}},
		{name: "Exact", before: "#aaaa", opts: with(exact), call: alloc(1), after: "#aaaaX", asked: []uint64{1}},
		{
			name: "LastOneWins", before: "#aaaa", opts: with(growDouble, exact),
			call: alloc(1), after: "#aaaaX", asked: []uint64{1},
		},

		{name: "DoubleOfNothing", before: "#", opts: with(growDouble), call: alloc(3), after: "#XXX", asked: []uint64{3}},
		{name: "Double", before: "#aaaa", opts: with(growDouble), call: alloc(1), after: "#aaaaX...", asked: []uint64{4}},
		{name: "DoubleIsTheNeed", before: "#aa", opts: with(growDouble), call: alloc(2), after: "#aaXX", asked: []uint64{2}},
		{
			name: "DoubleBelowTheNeed", before: "#aa", opts: with(growDouble),
			call: alloc(5), after: "#aaXXXXX", asked: []uint64{5},
		},
		{
			name: "DoubleOfFreePagesToo", before: "#.a.b", opts: with(growDouble),
			call: alloc(2), after: "#.a.bXX..", asked: []uint64{4},
		},
		{
			name: "DoubleNotOfForeign", before: "####a", opts: with(growDouble),
			call: alloc(1), after: "####aX", asked: []uint64{1},
		},
		{
			name: "DoubleAndFreeTail", before: "#aa..", opts: with(growDouble),
			call: alloc(3), after: "#aaXXX...", asked: []uint64{4},
		},
		{
			name: "DoubleAgain", before: "#a", opts: with(growDouble),
			call: then(alloc(1), alloc(1), alloc(1), alloc(1)), after: "#aXXXX...", asked: []uint64{1, 2, 4},
		},
		{
			name: "DoubleReserve", before: "#aaaa", opts: with(growDouble),
			call: reserve(3), after: "#aaaa....", asked: []uint64{4},
		},
		{
			name: "DoubleResize", before: "#aaaa", opts: with(growDouble),
			call: resize('a', 5), after: "#aaaaa...", asked: []uint64{4},
		},
		{name: "HoleFits", before: "#aaa.b", opts: with(growDouble), call: alloc(1), after: "#aaaXb"},

		{name: "ByNothing", before: "#aaaa", opts: with(growBy(0)), call: alloc(3), after: "#aaaaXXX", asked: []uint64{3}},
		{name: "ByOne", before: "#aaaa", opts: with(growBy(1)), call: alloc(3), after: "#aaaaXXX", asked: []uint64{3}},
		{name: "ByFour", before: "#a", opts: with(growBy(4)), call: alloc(1), after: "#aX...", asked: []uint64{4}},
		{name: "ByFourForFour", before: "#a", opts: with(growBy(4)), call: alloc(4), after: "#aXXXX", asked: []uint64{4}},
		{
			name: "ByFourForFive", before: "#a", opts: with(growBy(4)),
			call: alloc(5), after: "#aXXXXX...", asked: []uint64{8},
		},
		{
			name: "ByFourForWhatIsMissing", before: "#a..", opts: with(growBy(4)),
			call: alloc(6), after: "#aXXXXXX", asked: []uint64{4},
		},
		{name: "ByThree", before: "#a", opts: with(growBy(3)), call: alloc(4), after: "#aXXXX..", asked: []uint64{6}},
		{
			name: "ByEightAligned", before: "#", opts: with(growBy(8)),
			call: allocAligned(2, 4), after: "#...XX...", asked: []uint64{8},
		},
		{name: "ByFourReserve", before: "#a", opts: with(growBy(4)), call: reserve(2), after: "#a....", asked: []uint64{4}},
		{
			name: "ByFourResize", before: "#a.", opts: with(growBy(4)),
			call: resize('a', 4), after: "#aaaa..", asked: []uint64{4},
		},

		// Page 0 is withheld, and free of charge.
		{name: "EmptyMemory", before: "", opts: with(growBy(4)), call: alloc(1), after: "#X..", asked: []uint64{4}},
		{name: "EmptyMemoryDouble", before: "", opts: with(growDouble), call: alloc(1), after: "#X", asked: []uint64{2}},
		{
			name: "EmptyMemoryWithPageZero", before: "", opts: with(growBy(4), linmem.WithPageZero()),
			call: alloc(1), after: "X...", asked: []uint64{4},
		},
		{
			name: "EmptyMemoryAndBudget", before: "", opts: with(growBy(4), linmem.WithMaxPages(2)),
			call: alloc(1), after: "#X.", asked: []uint64{3},
		},
		{
			name: "EmptyMemoryAndBudgetForNoMore", before: "", opts: with(growBy(4), linmem.WithMaxPages(1)),
			call: alloc(1), after: "#X", asked: []uint64{2},
		},
		{
			name: "EmptyMemoryThatTheGuestTakesFirst", before: "", opts: with(growBy(4), linmem.WithMaxPages(2)),
			script: []growth{{guest: 1}}, call: alloc(1), after: "##X.", asked: []uint64{3},
		},
	})
}

func TestGrowthWithinBudget(t *testing.T) {
	budget := linmem.WithMaxPages
	runSituationsOf(t, drawAdopted, []situation{
		{
			name: "Wide", before: "#aaaa", opts: with(growDouble, budget(8)),
			call: alloc(1), after: "#aaaaX...", asked: []uint64{4},
		},
		{
			name: "Cut", before: "#aaaa", opts: with(growDouble, budget(6)),
			call: alloc(1), after: "#aaaaX.", asked: []uint64{2},
		},
		{
			name: "CutToTheNeed", before: "#aaaa", opts: with(growDouble, budget(5)),
			call: alloc(1), after: "#aaaaX", asked: []uint64{1},
		},
		{
			name: "BelowTheNeed", before: "#aaaa", opts: with(growDouble, budget(5)), call: alloc(2),
			told: []string{"refused 2: out of memory"}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "CutByFour", before: "#aaaa", opts: with(growBy(4), budget(7)),
			call: alloc(2), after: "#aaaaXX.", asked: []uint64{3},
		},
		{
			name: "CutResize", before: "#aaaa", opts: with(growBy(4), budget(7)),
			call: resize('a', 6), after: "#aaaaaa.", asked: []uint64{3},
		},
		{
			name: "CutReserve", before: "#aaaa", opts: with(growBy(4), budget(7)),
			call: reserve(1), after: "#aaaa...", asked: []uint64{3},
		},
		{
			name: "CutAndRefused", before: "#aaaa", opts: with(growDouble, budget(6)), script: []growth{{refuse: true}},
			call: alloc(1), after: "#aaaaX", asked: []uint64{2, 1}, told: []string{"grow 5+1"},
		},
		{
			name: "CutToTheNeedAndRefused", before: "#aaaa", opts: with(growDouble, budget(5)),
			script: []growth{{refuse: true}}, call: alloc(1), asked: []uint64{1},
			told: []string{"refused 1: memory.grow returned -1"}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "Frozen", before: "#aaaa", opts: with(growDouble), frozen: true, call: alloc(1),
			told: []string{"refused 1: out of memory"}, err: linmem.ErrOutOfMemory,
		},
	})
}

// A memory that refuses the larger growth may still have what is needed.
func TestGrowthRefused(t *testing.T) {
	refuse := growth{refuse: true}
	shut := func(s *scene) error { s.mem.closed = true; return nil }
	runSituationsOf(t, drawAdopted, []situation{
		{
			name: "Larger", before: "#aaaa", opts: with(growDouble), script: []growth{refuse},
			call: alloc(1), after: "#aaaaX", asked: []uint64{4, 1}, told: []string{"grow 5+1"},
		},
		{
			name: "Both", before: "#aaaa", opts: with(growDouble), script: []growth{refuse, refuse},
			call: alloc(1), asked: []uint64{4, 1},
			told: []string{"refused 1: memory.grow returned -1"}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "TheOneThatIsBoth", before: "#aa", opts: with(growDouble), script: []growth{refuse},
			call: alloc(2), asked: []uint64{2},
			told: []string{"refused 2: memory.grow returned -1"}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "NextCallIsGenerousAgain", before: "#aaaa", opts: with(growDouble), script: []growth{refuse, refuse},
			call:  then(failing(linmem.ErrOutOfMemory, alloc(1)), alloc(1)),
			after: "#aaaaX...", asked: []uint64{4, 1, 4},
		},
		{
			name: "LargerOfReserve", before: "#a", opts: with(growBy(4)), script: []growth{refuse},
			call: reserve(2), after: "#a..", asked: []uint64{4, 2}, told: []string{"grow 2+2"},
		},
		{
			name: "LargerOfResize", before: "#a", opts: with(growBy(4)), script: []growth{refuse},
			call: resize('a', 2), after: "#aa", asked: []uint64{4, 1}, told: []string{"grow 2+1"},
		},
		{
			name: "BothOfResize", before: "#a", opts: with(growBy(4)), script: []growth{refuse, refuse},
			call: resize('a', 2), asked: []uint64{4, 1},
			told: []string{"refused 1: memory.grow returned -1"}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "OfAllTheSpace", before: "#a", opts: with(growBy(spacePages)), script: []growth{refuse},
			call: alloc(1), after: "#aX", asked: []uint64{spacePages - 2, 1}, told: []string{"grow 2+1"},
		},
		{
			name: "OfMoreThanTheSpace", before: "#a", opts: with(growBy(math.MaxUint64)), script: []growth{refuse},
			call: alloc(1), after: "#aX", asked: []uint64{spacePages - 2, 1}, told: []string{"grow 2+1"},
		},
		{
			name: "OfHalfOfAllNumbers", before: "#a", opts: with(growBy(1 << 63)), script: []growth{refuse},
			call: alloc(1), after: "#aX", asked: []uint64{spacePages - 2, 1}, told: []string{"grow 2+1"},
		},
		{
			name: "Closed", before: "#aaaa", opts: with(growDouble), call: then(shut, alloc(1)),
			asked: []uint64{4}, err: linmem.ErrClosed,
		},
		{
			name: "ClosedResize", before: "#aaaa", opts: with(growDouble), call: then(shut, resize('a', 5)),
			asked: []uint64{4}, err: linmem.ErrClosed,
		},
	})
}

// The guest grows its memory just before the host does.
func TestGrowthDisplaced(t *testing.T) {
	runSituationsOf(t, drawAdopted, []situation{
		{
			name: "LargerHoldsItWhereItLands", before: "#aa..", opts: with(growDouble), script: []growth{{guest: 1}},
			call: alloc(3), after: "#aa..#XXX.", asked: []uint64{4}, told: []string{"foreign [5,6)", "grow 6+4"},
		},
		{
			name: "LargerDoesNot", before: "#a....", opts: with(growBy(2)), script: []growth{{guest: 1}},
			call: alloc(5), after: "#a....#XXXXX.", asked: []uint64{2, 4},
		},
		{
			name: "WhileItRefusesTheLarger", before: "#aaaa.", opts: with(growDouble),
			script: []growth{{guest: 1, refuse: true}}, call: alloc(2), after: "#aaaa.#XX.....", asked: []uint64{5, 1, 6},
		},
		{
			name: "Resize", before: "#aaaa", opts: with(growDouble), script: []growth{{guest: 1}},
			call: resize('a', 5), after: "#aaaa#....", asked: []uint64{4}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "SeenBefore", before: "#aaaa??", opts: with(growBy(3)),
			call: alloc(2), after: "#aaaa##XX.", asked: []uint64{3}, told: []string{"foreign [5,7)", "grow 7+3"},
		},
	})
}

// No growth goes past the end of the address space.
func TestGrowthAtTheTop(t *testing.T) {
	tests := []struct {
		name  string
		left  uint64 // pages between the memory's end and the top
		opt   linmem.Option
		call  call
		err   error
		asked []uint64
		free  uint64
	}{
		{"Cut", 5, growBy(8), alloc(3), nil, []uint64{5}, 2},
		{"CutToTheNeed", 5, growBy(8), alloc(5), nil, []uint64{5}, 0},
		{"BelowTheNeed", 5, growBy(8), alloc(6), linmem.ErrOutOfMemory, nil, 0},
		{"Double", 5, growDouble, then(alloc(3), alloc(1)), nil, []uint64{3, 2}, 1},
		{"Reserve", 5, growBy(8), reserve(3), nil, []uint64{5}, 5},
		{"Aligned", 5, growBy(64), allocAligned(1, 4), nil, []uint64{5}, 4},
		{"Exactly", 8, growBy(8), alloc(3), nil, []uint64{8}, 5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mem := &guestMemory{size: spacePages - tt.left, max: spacePages}
			p, err := linmem.NewPages(mem, tt.opt)
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.call(&scene{mem: mem, pages: p}); class(err) != tt.err {
				t.Errorf("returned the error %v, want %v", err, tt.err)
			}
			if !slices.Equal(mem.asked, tt.asked) {
				t.Errorf("asked the memory to grow by %v, want %v", mem.asked, tt.asked)
			}
			if got := p.Stats().Free; got != tt.free {
				t.Errorf("%d pages are free, want %d", got, tt.free)
			}
			if err := p.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}
