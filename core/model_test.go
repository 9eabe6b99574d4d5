package linmem_test

import (
	"flag"
	"math/rand/v2"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// steps has a run that is as long as one likes: go test -run TestModel -args -steps 3000000
var steps = flag.Uint64("steps", 0, "how many random steps the model test takes at least, over all configurations")

// TestModel holds the allocator against the oracle over random streams of operations.
func TestModel(t *testing.T) {
	tests := []struct {
		name         string
		config       config
		seeds, steps uint64
	}{
		{"Empty", config{start: 0, max: 200, budget: spacePages}, 120, 300},
		{"EmptyWithPageZero", config{start: 0, max: 200, budget: spacePages, pageZero: true}, 120, 300},
		{"EmptyWithBudget", config{start: 0, max: 200, budget: 20}, 200, 100},
		{"EmptyWithBudgetOfOne", config{start: 0, max: 20, budget: 1}, 200, 40},
		{"EmptyWithNoBudget", config{start: 0, max: 20, budget: 0}, 20, 40},
		{"OnePage", config{start: 1, max: 100, budget: spacePages}, 120, 300},
		{"OnePageWithPageZero", config{start: 1, max: 100, budget: 60, pageZero: true}, 120, 300},
		{"ThreePages", config{start: 3, max: 40, budget: spacePages}, 200, 200},
		{"ThreePagesThatCannotGrow", config{start: 3, max: 3, budget: spacePages}, 40, 100},
		{"AcrossWord", config{start: 65, max: 300, budget: spacePages, pageZero: true}, 80, 300},
		{"AcrossWordWithBudget", config{start: 65, max: 300, budget: 100}, 80, 300},
		{"BelowChunk", config{start: 4060, max: 4200, budget: spacePages}, 20, 200},
		{"AboveChunk", config{start: 4097, max: 4400, budget: 250, pageZero: true}, 20, 200},

		{"Double", config{start: 1, max: 200, budget: spacePages, growth: policy{double: true}}, 80, 200},
		{"DoubleEmpty", config{max: 100, budget: 70, growth: policy{double: true}}, 80, 200},
		{"DoubleWithBudget", config{start: 3, max: 400, budget: 90, growth: policy{double: true}, best: true}, 80, 200},
		{"ByFour", config{start: 3, max: 150, budget: spacePages, growth: policy{by: 4}}, 80, 200},
		{"ByFourEmpty", config{max: 150, budget: 61, growth: policy{by: 4}}, 80, 200},
		{"BySevenWithPageZero", config{max: 150, budget: 61, growth: policy{by: 7}, pageZero: true}, 80, 200},
		{"ByMoreThanAll", config{start: 2, max: 80, budget: spacePages, growth: policy{by: 1000}}, 40, 200},
		{"BestFit", config{start: 1, max: 200, budget: spacePages, best: true}, 120, 300},
		{"BestFitAcrossWord", config{start: 50, max: 400, budget: 300, best: true, pageZero: true}, 80, 300},
		{"Gap", config{start: 1, max: 100, budget: spacePages, gap: 3}, 200, 40},
		{"GapEmpty", config{max: 100, budget: 30, gap: 1}, 200, 40},
		{"GapEmptyWithPageZero", config{max: 100, budget: 30, gap: 1, pageZero: true}, 200, 40},
		{"GapInManyForeign", config{start: 60, max: 300, budget: 100, gap: 70, best: true}, 100, 60},
		{"GapBy", config{start: 4, max: 100, budget: 50, gap: 2, growth: policy{by: 5}}, 200, 40},
		{"GapOfMoreThanAll", config{start: 30, max: 60, budget: 50, gap: 40}, 40, 100},
		{"Source", config{start: 5, max: 200, budget: spacePages, source: true}, 120, 300},
		{"SourceEmpty", config{max: 60, budget: spacePages, source: true}, 40, 200},
		{"SourceEmptyWithPageZero", config{max: 60, budget: 40, source: true, pageZero: true}, 80, 200},
		{"SourceWithBudget", config{start: 70, max: 300, budget: 50, source: true, growth: policy{by: 4}}, 120, 200},
		{"SourceWithSmallBudget", config{start: 40, max: 300, budget: 9, source: true}, 120, 100},
		{"SourceBest", config{start: 90, max: 400, budget: spacePages, source: true, best: true}, 80, 300},
		{"SourceDouble", config{start: 9, max: 200, budget: 100, source: true, growth: policy{double: true}}, 80, 200},
		{"SourceAndGap", config{start: 9, max: 200, budget: 100, source: true, gap: 3}, 40, 200},

		{"Large", config{start: 1, max: 5000, budget: spacePages, rarely: true}, 2, 3000},
		{"LargeByMany", config{start: 64, max: 9000, budget: 8200, rarely: true, growth: policy{by: 512}}, 2, 3000},
		{"LargeBest", config{start: 5, max: 6000, budget: spacePages, rarely: true, best: true}, 2, 3000},
		{"LargeAdopted", config{start: 40000, max: 40100, budget: spacePages, rarely: true}, 30, 100},
		{"LargeSource", config{start: 3000, max: 7000, budget: 5000, rarely: true, source: true}, 2, 3000},
	}
	total := uint64(0)
	for _, tt := range tests {
		total += tt.seeds * tt.steps
	}
	more := max(1, (*steps+total-1)/total)
	ran, seen, noticed := 0, map[outcome]int{}, map[event]int{}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ran++
			for seed := range tt.seeds * more {
				l, err := newLockstep(tt.config)
				if err != nil {
					t.Fatal(err)
				}
				r := rand.New(rand.NewPCG(seed, tt.config.start))
				for range tt.steps {
					kind := weighted[r.IntN(len(weighted))]
					if err := l.do(l.decode(kind, byte(r.Uint32()), byte(r.Uint32()))); err != nil {
						t.Fatalf("seed %d: the last step %v\n%s", seed, err, l.story())
					}
				}
				if err := l.finish(); err != nil {
					t.Fatalf("seed %d: in the end %v\n%s", seed, err, l.story())
				}
				for o, n := range l.seen {
					seen[o] += n
				}
				for e, n := range l.model.noticed {
					noticed[e] += n
				}
			}
		})
	}

	if ran < len(tests) {
		return // -run chose some
	}
	// A stream that no longer reaches a case would pass for the wrong reason.
	for _, o := range outcomes {
		if seen[o] < 20 {
			t.Errorf("%v ended in %v only %d times", op{kind: o.kind}, o.err, seen[o])
		}
	}
	for _, e := range events {
		if noticed[e] < 20 {
			t.Errorf("only %d times it happened that %s", noticed[e], e)
		}
	}
}

// weighted makes the calls that fill and empty a memory more frequent than those that forbid it.
var weighted = []opKind{
	opAlloc, opAlloc, opAlloc, opAlloc, opAlloc, opAlloc, opAllocAligned, opAllocAligned, opAllocAligned,
	opFree, opFree, opFree, opFree, opFree, opFree, opResize, opResize, opResize, opResize, opResize,
	opAdopt, opAdopt, opReserve, opFreeze, opGuestGrow, opAmbush, opAmbush, opRefuse,
	opOffer, opOffer, opRestore,
}

// outcomes are all that a call can end in while the memory is neither closed nor shrinks.
var outcomes = []outcome{
	{opAlloc, nil},
	{opAlloc, linmem.ErrOutOfMemory},
	{opAlloc, linmem.ErrInvalid},
	{opAllocAligned, nil},
	{opAllocAligned, linmem.ErrOutOfMemory},
	{opAllocAligned, linmem.ErrInvalid},
	{opReserve, nil},
	{opReserve, linmem.ErrOutOfMemory},
	{opReserve, linmem.ErrInvalid},
	{opFree, nil},
	{opFree, linmem.ErrNotAllocated},
	{opResize, nil},
	{opResize, linmem.ErrOutOfMemory},
	{opResize, linmem.ErrInvalid},
	{opResize, linmem.ErrNotAllocated},
	{opAdopt, nil},
	{opAdopt, linmem.ErrOutOfMemory},
	{opAdopt, linmem.ErrInvalid},
	{opAdopt, linmem.ErrOutOfBounds},
	{opRestore, nil},
}
