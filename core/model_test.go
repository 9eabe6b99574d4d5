package linmem_test

import (
	"math/rand/v2"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

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
	}
	ran, seen := 0, map[outcome]int{}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ran++
			for seed := range tt.seeds {
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
				for o, n := range l.seen {
					seen[o] += n
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
}

// weighted makes the calls that fill and empty a memory more frequent than those that forbid it.
var weighted = []opKind{
	opAlloc, opAlloc, opAlloc, opAlloc, opAlloc, opAlloc, opAllocAligned, opAllocAligned, opAllocAligned,
	opFree, opFree, opFree, opFree, opFree, opFree, opResize, opResize, opResize, opResize, opResize,
	opAdopt, opAdopt, opReserve, opFreeze, opGuestGrow, opAmbush, opAmbush, opRefuse,
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
}
