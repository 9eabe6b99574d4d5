package linmem_test

import (
	"math/rand/v2"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// heapConfigs are what random streams start from.
var heapConfigs = []struct {
	name         string
	config       heapConfig
	seeds, steps uint64
}{
	{"Tiny", heapConfig{start: 1, max: 30, budget: spacePages, sizes: sizesOf(tinySizes)}, 12, 600},
	{"TinyInOnePage", heapConfig{start: 1, max: 2, budget: spacePages, sizes: sizesOf(tinySizes)}, 12, 600},
	{"Small", heapConfig{start: 1, max: 40, budget: spacePages, sizes: sizesOf(smallSizes)}, 12, 600},
	{"SmallEmptyMemory", heapConfig{max: 40, budget: spacePages, sizes: sizesOf(smallSizes)}, 12, 300},
	{"SmallWithPageZero", heapConfig{max: 40, budget: spacePages, sizes: sizesOf(smallSizes), pageZero: true}, 12, 300},
	{"SmallWithBudget", heapConfig{start: 3, max: 40, budget: 5, sizes: sizesOf(smallSizes)}, 12, 400},
	{"SmallWithBudgetOfOne", heapConfig{start: 3, max: 40, budget: 1, sizes: sizesOf(smallSizes)}, 20, 200},
	{"SmallWithNoBudget", heapConfig{start: 3, max: 40, budget: 0, sizes: sizesOf(smallSizes)}, 4, 60},
	{"SmallThatMoves", heapConfig{start: 1, max: 20, budget: spacePages, sizes: sizesOf(smallSizes), moves: true}, 12, 200},
	{"Borders", heapConfig{start: 1, max: 60, budget: spacePages, sizes: sizesOf(borderSizes)}, 16, 400},
	{"BordersWithBudget", heapConfig{start: 1, max: 60, budget: 20, sizes: sizesOf(borderSizes), best: true}, 16, 400},
	{"Mixed", heapConfig{start: 2, max: 80, budget: spacePages, sizes: sizesOf(mixedSizes)}, 12, 400},
	{"MixedInLittle", heapConfig{start: 2, max: 9, budget: spacePages, sizes: sizesOf(mixedSizes)}, 12, 400},
	{"MixedThatMoves", heapConfig{start: 1, max: 40, budget: 30, sizes: sizesOf(mixedSizes), moves: true}, 12, 200},
	{"Pages", heapConfig{start: 1, max: 80, budget: spacePages, sizes: sizesOf(pageSizes)}, 12, 300},
	{"PagesEmptyMemory", heapConfig{max: 50, budget: 40, sizes: sizesOf(pageSizes), pageZero: true}, 12, 300},
	{"Huge", heapConfig{start: 1, max: 150, budget: spacePages, sizes: sizesOf(hugeSizes)}, 6, 200},
	{"HugeWithBudget", heapConfig{start: 1, max: 150, budget: 70, sizes: sizesOf(hugeSizes), best: true}, 6, 200},

	{"Double", heapConfig{start: 1, max: 60, budget: spacePages, sizes: sizesOf(mixedSizes), growth: policy{double: true}}, 10, 300},
	{"ByFour", heapConfig{start: 3, max: 60, budget: 45, sizes: sizesOf(mixedSizes), growth: policy{by: 4}}, 10, 300},
	{"Gap", heapConfig{start: 2, max: 60, budget: spacePages, sizes: sizesOf(mixedSizes), gap: 3}, 10, 200},
	{"Source", heapConfig{start: 2, max: 60, budget: spacePages, sizes: sizesOf(mixedSizes), source: true}, 10, 300},
	{"SourceWithBudget", heapConfig{start: 2, max: 60, budget: 9, sizes: sizesOf(smallSizes), source: true, gap: 4}, 10, 300},
	{"OnPages", heapConfig{start: 2, max: 50, budget: spacePages, sizes: sizesOf(mixedSizes), onPages: true}, 12, 400},
	{"OnPagesSmall", heapConfig{start: 1, max: 20, budget: 15, sizes: sizesOf(smallSizes), onPages: true, best: true}, 12, 400},

	{"SharedTiny", heapConfig{start: 1, max: 20, budget: spacePages, sizes: sizesOf(tinySizes), shared: true}, 12, 600},
	{"SharedSmall", heapConfig{start: 1, max: 20, budget: 9, sizes: sizesOf(smallSizes), shared: true}, 12, 600},
	{"SharedMixed", heapConfig{start: 1, max: 60, budget: spacePages, sizes: sizesOf(mixedSizes), shared: true}, 12, 400},
	{"SharedOnPages", heapConfig{start: 1, max: 40, budget: 30, sizes: sizesOf(borderSizes), shared: true, onPages: true}, 12, 400},
}

// TestHeapModel holds the heap to the contract over random streams of operations.
func TestHeapModel(t *testing.T) {
	total := uint64(0)
	for _, tt := range heapConfigs {
		total += tt.seeds * tt.steps
	}
	more := max(1, (*steps+total-1)/total)
	ran, seen := 0, map[heapOutcome]int{}
	for _, tt := range heapConfigs {
		t.Run(tt.name, func(t *testing.T) {
			ran++
			scratch := make([]byte, tt.config.max*linmem.PageSize)
			seeds := tt.seeds * more
			if testing.Short() {
				seeds = (seeds + 7) / 8
			}
			for seed := range seeds {
				l, err := newHeapLockstep(tt.config, scratch)
				if err != nil {
					t.Fatal(err)
				}
				r := rand.New(rand.NewPCG(seed, tt.config.max))
				for i := uint64(0); i < tt.steps && err == nil; i++ {
					kind := weightedHeapOps[r.IntN(len(weightedHeapOps))]
					err = l.do(l.decode(byte(kind), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())))
				}
				if err != nil {
					t.Fatalf("seed %d: the last step %v\n%s", seed, err, l.story())
				}
				if err := l.finish(); err != nil {
					t.Fatalf("seed %d: in the end %v\n%s", seed, err, l.story())
				}
				for o, n := range l.seen {
					seen[o] += n
				}
			}
		})
	}

	if ran < len(heapConfigs) || testing.Short() {
		return // -run chose some
	}
	// A stream that no longer reaches a case would pass for the wrong reason.
	for _, o := range heapOutcomes {
		if seen[o] < 20 {
			t.Errorf("%v ended in %v only %d times", o.kind, o.err, seen[o])
		}
	}
}

// weightedHeapOps makes the calls that fill and empty a heap more frequent than the others.
var weightedHeapOps = []heapOpKind{
	heapAlloc, heapAlloc, heapAlloc, heapAlloc, heapAlloc, heapAlloc, heapAlloc, heapAlloc, heapAlloc, heapAlloc, heapPut, heapPut,
	heapAllocAligned, heapAllocAligned, heapAllocAligned,
	heapFree, heapFree, heapFree, heapFree, heapFree, heapFree, heapFree, heapFree, heapFree, heapFree, heapFree, heapFree,
	heapResize, heapResize, heapResize, heapRealloc, heapRealloc, heapRealloc, heapSizeOf, heapView, heapView,
	heapReserve, heapReset, heapRestore, heapRestore, heapRestore,
	arenaAlloc, arenaAlloc, arenaAlloc, arenaAllocAligned, arenaPut, arenaResize, arenaReset, arenaFree,
	localClose, pagesAlloc, pagesFree, pagesFreeze,
	guestGrows, guestAmbushes, guestRefuses, guestScribbles,
}

// heapOutcomes are all that a call can end in.
var heapOutcomes = []heapOutcome{
	{heapAlloc, nil},
	{heapAlloc, linmem.ErrOutOfMemory},
	{heapAllocAligned, nil},
	{heapAllocAligned, linmem.ErrOutOfMemory},
	{heapAllocAligned, linmem.ErrInvalid},
	{heapFree, nil},
	{heapFree, linmem.ErrNotAllocated},
	{heapResize, nil},
	{heapResize, linmem.ErrOutOfMemory},
	{heapResize, linmem.ErrNotAllocated},
	{heapRealloc, nil},
	{heapRealloc, linmem.ErrOutOfMemory},
	{heapRealloc, linmem.ErrNotAllocated},
	{heapSizeOf, nil},
	{heapSizeOf, linmem.ErrNotAllocated},
	{heapPut, nil},
	{heapPut, linmem.ErrOutOfMemory},
	{heapView, nil},
	{heapView, linmem.ErrNotAllocated},
	{heapView, linmem.ErrOutOfBounds},
	{heapReserve, nil},
	{heapReserve, linmem.ErrOutOfMemory},
	{heapReset, nil},
	{heapRestore, nil},
	{arenaAlloc, nil},
	{arenaAlloc, linmem.ErrOutOfMemory},
	{arenaAllocAligned, nil},
	{arenaAllocAligned, linmem.ErrOutOfMemory},
	{arenaAllocAligned, linmem.ErrInvalid},
	{arenaPut, nil},
	{arenaPut, linmem.ErrOutOfMemory},
	{arenaResize, nil},
	{arenaResize, linmem.ErrOutOfMemory},
	{arenaReset, nil},
	{arenaFree, nil},
	{localClose, nil},
	{pagesAlloc, nil},
	{pagesAlloc, linmem.ErrOutOfMemory},
	{pagesFree, nil},
}
