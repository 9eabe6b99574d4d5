package linmem_test

import (
	"testing"
)

// maxFuzzSteps keeps one input short: a longer one finds nothing that its parts do not.
const maxFuzzSteps = 100

// FuzzPages reads an input as a configuration (three bytes) and a stream of operations (three bytes each), and holds
// the allocator against the oracle after each.
func FuzzPages(f *testing.F) {
	for _, seed := range fuzzSeeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if l, err := play(data); err != nil {
			t.Fatalf("the last step %v\n%s", err, l.story())
		}
	})
}

// The seeds are where fuzzing starts; a plain test runs them, and the corpus in testdata/fuzz.
func TestFuzzSeedsReachEveryOutcome(t *testing.T) {
	seen := map[outcome]bool{}
	for _, seed := range fuzzSeeds {
		l, err := play(seed)
		if err != nil {
			t.Fatalf("the last step %v\n%s", err, l.story())
		}
		for o := range l.seen {
			seen[o] = true
		}
	}
	for _, o := range outcomes {
		if !seen[o] {
			t.Errorf("no seed has %v end in %v", op{kind: o.kind}, o.err)
		}
	}
}

// play runs an input, and returns the first difference.
func play(data []byte) (*lockstep, error) {
	if len(data) < 3 {
		data = make([]byte, 3)
	}
	l, err := newLockstep(decodeConfig(data[0], data[1], data[2]))
	for data = data[3:]; err == nil && len(data) >= 3 && len(l.log) < maxFuzzSteps; data = data[3:] {
		err = l.do(l.decode(opKind(data[0]), data[1], data[2]))
	}
	return l, err
}

// decodeConfig makes a configuration out of three bytes, whatever they are.
func decodeConfig(start, room, flags byte) config {
	starts := []uint64{0, 1, 3, 65, 4097, 4090}
	c := config{start: starts[int(start)%len(starts)], budget: spacePages, pageZero: flags&1 != 0}
	c.max = c.start + uint64(room)
	if flags&2 != 0 {
		c.budget = uint64(flags >> 2)
	}
	return c
}

// fuzzSeeds reach every operation and every error, most of them on purpose.
var fuzzSeeds = [][]byte{
	fuzzInput(config{}, 0, 0),
	// Fill, free a hole, fill it, free twice, run out.
	fuzzInput(config{}, 0, 12, opAlloc, 2, 0, opAlloc, 2, 0, opAlloc, 2, 0, opFree, 1, 0, opFree, 1, 200,
		opAlloc, 0, 0, opAlloc, 7, 0),
	// The guest comes in between: once, twice, and so that the second growth is refused.
	fuzzInput(config{}, 1, 100, opAlloc, 1, 0, opAlloc, 2, 0, opFree, 1, 0, opAmbush, 1, 0, opAlloc, 5, 0),
	fuzzInput(config{}, 1, 100, opAlloc, 2, 0, opFree, 0, 0, opAmbush, 0, 0, opAmbush, 0, 0,
		opAllocAligned, 4, 2),
	fuzzInput(config{}, 3, 100, opAlloc, 2, 0, opFree, 0, 0, opAmbush, 2, 0, opRefuse, 0, 0, opAlloc, 6, 0,
		opAlloc, 2, 0),
	// Alignment, and what it leaves behind.
	fuzzInput(config{}, 3, 200, opAllocAligned, 0, 4, opAllocAligned, 0, 3, opAlloc, 0, 0,
		opAllocAligned, 1, 238, opAllocAligned, 1, 240),
	// Resize: shrink, extend into free pages, into the end, against a run, against the guest, not a run.
	fuzzInput(config{}, 1, 60, opAlloc, 5, 0, opResize, 0, 2, opResize, 0, 4, opResize, 0, 11, opAlloc, 0, 0,
		opResize, 0, 10, opResize, 1, 9, opAmbush, 0, 0, opResize, 1, 11, opResize, 0, 240, opResize, 0, 253,
		opResize, 1, 239),
	// Adopt: the guest's, half of it, past the end, page 0, owned pages, over budget.
	fuzzInput(config{pageZero: true}, 3, 30, opAdopt, 0, 0, opAdopt, 0, 9, opAdopt, 3, 255, opGuestGrow, 2, 0,
		opAdopt, 0, 15, opAdopt, 1, 254, opAdopt, 0, 244),
	fuzzInput(config{budget: 4}, 3, 30, opAdopt, 0, 9, opAdopt, 0, 16, opAlloc, 1, 0, opAlloc, 2, 0,
		opGuestGrow, 4, 0, opAdopt, 1, 7),
	// Page 0 is free of charge, and the guest takes it first.
	fuzzInput(config{budget: 3}, 0, 30, opAmbush, 2, 0, opAlloc, 2, 0, opFree, 0, 0, opAlloc, 2, 0),
	// Reserve and freeze.
	fuzzInput(config{}, 1, 30, opReserve, 5, 0, opFreeze, 1, 1, opAlloc, 3, 0, opAlloc, 3, 0, opResize, 0, 9,
		opFreeze, 0, 0, opAlloc, 3, 0, opReserve, 3, 250, opReserve, 100, 230),
	// Across a chunk of the bitmap.
	fuzzInput(config{}, 5, 250, opAlloc, 4, 0, opAlloc, 4, 0, opFree, 0, 0, opFree, 0, 0, opAlloc, 7, 0,
		opAllocAligned, 3, 6),
	fuzzInput(config{}, 4, 250, opAdopt, 0, 7, opAlloc, 4, 0, opAlloc, 100, 230, opFree, 1, 200, opFree, 1, 0),
	// Impossible lengths, and ranges that overflow.
	fuzzInput(config{}, 1, 30, opAlloc, 0, 255, opAlloc, 2, 255, opAlloc, 5, 255, opAlloc, 0, 0, opFree, 0, 206,
		opFree, 0, 203, opFree, 0, 202, opFree, 0, 205, opFree, 0, 204),
}

// fuzzInput encodes an input: the start of [decodeConfig] by its index, the pages that the memory may grow by, and the
// operations as kind, x and y.
func fuzzInput(c config, start, room byte, ops ...opKind) []byte {
	var flags byte
	if c.pageZero {
		flags |= 1
	}
	if c.budget > 0 {
		flags |= 2 | byte(c.budget)<<2
	}
	data := []byte{start, room, flags}
	for _, b := range ops {
		data = append(data, byte(b))
	}
	return data
}
