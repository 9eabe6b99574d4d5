package linmem_test

import (
	"math/rand/v2"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

func TestBestFit(t *testing.T) {
	best := with(linmem.WithPlacement(linmem.BestFit))
	runSituations(t, []situation{
		{name: "ExactFit", before: "#a...b.c", opts: best, call: alloc(1), after: "#a...bXc"},
		{name: "SmallestThatHoldsIt", before: "#a....b.c...d", opts: best, call: alloc(2), after: "#a....b.cXX.d"},
		{name: "LowestOfEqual", before: "#a...b..c..d", opts: best, call: alloc(2), after: "#a...bXXc..d"},
		{name: "FirstIsBest", before: "#a.b..c...d", opts: best, call: alloc(1), after: "#aXb..c...d"},
		{name: "LastIsBest", before: "#a...b....c..d", opts: best, call: alloc(2), after: "#a...b....cXXd"},
		{name: "TailIsBest", before: "#a...b..", opts: best, call: alloc(2), after: "#a...bXX"},
		{name: "HoleIsBetterThanTail", before: "#a..b...", opts: best, call: alloc(1), after: "#aX.b..."},
		{name: "OnlyOne", before: "#a...b", opts: best, call: alloc(2), after: "#aXX.b"},
		{name: "AllFree", before: "#...", opts: best, call: alloc(3), after: "#XXX"},
		{name: "BetweenForeign", before: "#a...#.#b", opts: best, call: alloc(1), after: "#a...#X#b"},
		{
			name: "AfterAnotherBest", before: "#a...b..c.d", opts: best,
			call: then(alloc(1), alloc(1), alloc(1), alloc(2)), after: "#aXX.bXXcXd",
		},
		{name: "FreedNeighborsAreOne", before: "#abcd..e", opts: best, call: then(free("bc"), alloc(2)), after: "#aXXd..e"},
		{name: "FreedHoleIsBest", before: "#a...bcd", opts: best, call: then(free("c"), alloc(1)), after: "#a...bXd"},
		{name: "CutOffTailIsBest", before: "#a...bbc", opts: best, call: then(resize('b', 1), alloc(1)), after: "#a...bXc"},
		{name: "AdoptedIsBest", before: "#a...b#c", opts: best, call: then(adopt(6, 1), alloc(1)), after: "#a...bXc"},
		{name: "FirstFitForComparison", before: "#a...b.c", call: alloc(1), after: "#aX..b.c"},
		{
			name: "FirstFitIfToldSo", before: "#a...b.c",
			opts: with(linmem.WithPlacement(linmem.FirstFit)), call: alloc(1), after: "#aX..b.c",
		},

		// Page    012345678901234567890
		{
			name: "AlignedInTheSmallest", before: "#a........b...c", opts: best,
			call: allocAligned(1, 4), after: "#a........b.X.c",
		},
		{
			name: "AlignedNotInASmaller", before: "#a........b.c..d", opts: best,
			call: allocAligned(1, 4), after: "#a..X.....b.c..d",
		},
		{name: "AlignedLowestInIt", before: "#a.........b", opts: best, call: allocAligned(2, 2), after: "#aXX.......b"},
		{name: "AlignedSkipsTheFront", before: "#aa.......b", opts: best, call: allocAligned(2, 4), after: "#aa.XX....b"},
		{name: "AlignedLowestOfEqual", before: "#aaa..bb..c", opts: best, call: allocAligned(2, 4), after: "#aaaXXbb..c"},
		{name: "AlignedTooShortBehind", before: "#a...b....c", opts: best, call: allocAligned(2, 4), after: "#a...b..XXc"},

		// Growth is as in first fit.
		{name: "NoneFree", before: "#a", opts: best, call: alloc(3), after: "#aXXX", asked: []uint64{3}},
		{name: "FreeTailCounts", before: "#a.b..", opts: best, call: alloc(3), after: "#a.bXXX", asked: []uint64{1}},
		{name: "TwoHolesAreNotOne", before: "#a.b.c", opts: best, call: alloc(2), after: "#a.b.cXX", asked: []uint64{2}},
		{name: "EmptyMemory", before: "", opts: best, call: alloc(1), after: "#X", asked: []uint64{2}},
		{
			name: "AlignedGrowth", before: "#a.", opts: best, call: allocAligned(1, 4),
			after: "#a..X", asked: []uint64{2},
		},
		{
			name: "GuestGrowsMeanwhile", before: "#a..", opts: best, script: []growth{{guest: 2}},
			call: alloc(3), after: "#a..##XXX", asked: []uint64{1, 2},
		},
		{name: "ReserveFits", before: "#a.b...", opts: best, call: reserve(3)},
		{name: "Reserve", before: "#a.b..", opts: best, call: reserve(3), after: "#a.b...", asked: []uint64{1}},
		{name: "Zero", before: "#a.", opts: best, call: alloc(0), err: linmem.ErrInvalid},
		{name: "MoreThanTheSpace", before: "#a.", opts: best, call: alloc(spacePages + 1), err: linmem.ErrInvalid},
		{name: "ToThree", before: "#a.", opts: best, call: allocAligned(1, 3), err: linmem.ErrInvalid},
		{name: "Frozen", before: "#a.b..", opts: best, frozen: true, call: alloc(3), err: linmem.ErrOutOfMemory},
	})
}

// Holes of every length, in any order, across words and chunks of what the allocator keeps: each request gets the hole that
// is as long as it is.
func TestBestFitOfManyHoles(t *testing.T) {
	const longest = 200
	mem := &toyMemory{size: 1, max: 1 << 20}
	p, err := linmem.NewPages(mem, linmem.WithPlacement(linmem.BestFit))
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	holes := map[uint64]linmem.Range{}
	for _, n := range r.Perm(longest) {
		hole, err := p.Alloc(uint64(n) + 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Alloc(1); err != nil {
			t.Fatal(err)
		}
		holes[hole.Len] = hole
	}
	for _, hole := range holes {
		if err := p.Free(hole); err != nil {
			t.Fatal(err)
		}
	}
	p.Freeze(true)
	for _, n := range r.Perm(longest) {
		want := holes[uint64(n)+1]
		if got, err := p.Alloc(want.Len); err != nil || got != want {
			t.Fatalf("Alloc(%d) = %v, %v, want %v", want.Len, got, err, want)
		}
	}
	if s := p.Stats(); s.Free != 0 || s.FreeRuns != 0 || s.LargestFree != 0 {
		t.Errorf("the stats are %+v with nothing free", s)
	}
	if err := p.Check(); err != nil {
		t.Error(err)
	}
}
