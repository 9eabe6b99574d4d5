package zigoracle

import (
	"context"
	"fmt"

	linmem "github.com/linmem/linmem/core"
)

// CheckLarge compares the two up to 4 GiB, where the original's size classes run past the end of its array, sums wrap, and no
// memory goes on. The engine should be one on which pages that nobody touches cost nothing.
func CheckLarge(ctx context.Context, open Open, a Allocator) error {
	const maxPages = 1<<16 - 1 // wasmer goes no further
	p, stop, err := openPair(ctx, open, a, Shape{1, maxPages})
	if err != nil {
		return err
	}
	defer stop()
	for i, step := range largeSteps {
		if step.block >= len(p.live) {
			continue // the other allocator had room for more
		}
		var err error
		switch step.op {
		case "alloc":
			err = p.alloc(ctx, step.n, step.log2Align)
		case "resize":
			err = p.resize(ctx, step.block, step.n)
		case "free":
			err = p.free(ctx, step.block)
		}
		if err == nil {
			err = p.samePages()
		}
		if err != nil {
			return fmt.Errorf("step %d, %v: %w", i, step, err)
		}
	}
	return nil
}

const giB = 1 << 30

// largeSteps name blocks by their place among the live ones.
var largeSteps = []struct {
	op        string
	block     int
	n         uint32
	log2Align uint8
}{
	{op: "alloc", block: -1, n: giB * 3 / 2, log2Align: 4}, // 32,768 pages for the allocator: the 16th class of 15
	{op: "resize", n: giB*3/2 - linmem.PageSize},
	{op: "resize", n: giB * 5 / 4},
	{op: "resize", n: giB*2 - 9},
	{op: "alloc", block: -1, n: giB*2 - 4, log2Align: 4}, // 65,536 pages: the 17th
	{op: "alloc", block: -1, n: giB * 3 / 2, log2Align: 20},
	{op: "alloc", block: -1, n: giB / 2, log2Align: 31},
	{op: "free"},
	{op: "free"},
	{op: "free"},
	{op: "alloc", block: -1, n: giB * 3 / 2, log2Align: 4},
	{op: "alloc", block: -1, n: giB/2 - 8, log2Align: 4},
	{op: "alloc", block: -1, n: giB / 4, log2Align: 4},
	{op: "free", block: 1},
	{op: "free", block: 1},
	{op: "free"},
	{op: "alloc", block: -1, n: 1<<32 - 1},
	{op: "alloc", block: -1, n: 1<<32 - 4},
	{op: "alloc", block: -1, n: 1<<32 - linmem.PageSize},
	{op: "alloc", block: -1, n: giB * 3},
	{op: "alloc", block: -1, n: giB*2 + 1},
	{op: "alloc", block: -1, n: giB * 2},
	{op: "free"},
	{op: "free"},
	{op: "alloc", block: -1, n: 65000},
	{op: "resize", n: 1<<32 - 8}, // undefined in Zig; compiled, the allocator rounds it up to no page, and says no
	{op: "resize", n: 1<<32 - 7}, // and this to one page, and says yes
	{op: "free"},
	{op: "alloc", block: -1, n: 65000},
	{op: "free"},
	{op: "alloc", block: -1, n: giB - 12},
	{op: "alloc", block: -1, n: giB - 8},
	{op: "alloc", block: -1, n: giB - 4},
}
