package linmem_test

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

	// Growth policies: more, cut by the budget, refused and then exact, both refused, displaced.
	fuzzInput(config{growth: policy{double: true}}, 1, 100, opAlloc, 2, 0, opAlloc, 0, 0, opAlloc, 5, 0, opRefuse, 0, 0,
		opAlloc, 7, 0, opRefuse, 0, 0, opRefuse, 0, 0, opAlloc, 7, 0, opAmbush, 0, 0, opAlloc, 7, 0),
	fuzzInput(config{growth: policy{by: 7}, budget: 10}, 0, 100, opAlloc, 2, 0, opAlloc, 5, 0, opResize, 1, 9),
	fuzzInput(config{growth: policy{by: 4}, budget: 5}, 1, 100, opAlloc, 4, 0, opAlloc, 0, 0),
	// The best of three holes is not the first.
	fuzzInput(config{best: true}, 1, 100, opAlloc, 3, 0, opAlloc, 0, 0, opAlloc, 1, 0, opAlloc, 0, 0, opAlloc, 1, 0,
		opAlloc, 0, 0, opFree, 0, 0, opFree, 1, 0, opFree, 2, 0, opAlloc, 1, 0, opAllocAligned, 0, 1),
	// A gap: owed over a snapshot and a refusal, left behind adopted pages, and not again.
	fuzzInput(config{gap: 3}, 2, 100, opAdopt, 0, 15, opRestore, 0, 0, opRefuse, 0, 0, opAlloc, 4, 0, opAmbush, 1, 0,
		opAlloc, 4, 0, opRestore, 0, 0, opAlloc, 4, 0, opGuestGrow, 3, 0, opRestore, 0, 0),
	fuzzInput(config{gap: 1, growth: policy{by: 4}}, 0, 100, opAlloc, 0, 0, opResize, 0, 9),
	// A source: new pages, a gift, too much for the budget, too little, the allocator's own, none.
	fuzzInput(config{source: true}, 2, 100, opAlloc, 0, 0, opOffer, 0, 3, opAlloc, 0, 0, opOffer, 0, 3, opAlloc, 4, 0,
		opRefuse, 0, 0, opAlloc, 7, 0, opAllocAligned, 1, 2, opGuestGrow, 3, 0, opOffer, 1, 3, opReserve, 1, 0),
	fuzzInput(config{source: true, budget: 4, growth: policy{by: 4}}, 3, 100, opOffer, 0, 3, opAlloc, 1, 0,
		opAlloc, 2, 0, opRestore, 0, 0, opFreeze, 1, 1, opAlloc, 7, 0),
	fuzzInput(config{source: true, growth: policy{by: 4}}, 3, 100, opRefuse, 0, 0, opAlloc, 1, 0),
}
