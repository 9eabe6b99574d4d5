package zigoracle

import (
	"context"
	"fmt"

	linmem "github.com/linmem/linmem/core"
)

// CheckLarge compares the two up to 4 GiB, where the original's size classes run past the end of its array, sums wrap, and
// no memory goes on, and requires that each step comes to what is expected of it. The engine should be one on which pages
// that nobody touches cost nothing.
func CheckLarge(ctx context.Context, open Open, a Allocator) error {
	const maxPages = 1<<16 - 1 // wasmer goes no further
	p, stop, err := openPair(ctx, open, a, Shape{1, maxPages})
	if err != nil {
		return err
	}
	defer stop()
	for i, step := range a.large {
		if err := p.largeStep(ctx, step); err != nil {
			return fmt.Errorf("step %d, %v: %w", i, step, err)
		}
	}
	return p.sameEdges()
}

// largeStep is a step on a large memory. It names a block by its place among the live ones.
type largeStep struct {
	op        string
	block     int
	n         uint32
	log2Align uint8
	want      string // the outcome: an address, or 0; true or false; freed
}

func (p *pair) largeStep(ctx context.Context, s largeStep) error {
	if s.op != "alloc" && s.block >= len(p.live) {
		return fmt.Errorf("%d blocks are live", len(p.live))
	}
	var err error
	switch s.op {
	case "alloc":
		err = p.alloc(ctx, s.n, s.log2Align)
	case "resize":
		err = p.resize(ctx, s.block, s.n)
	case "free":
		err = p.free(ctx, s.block)
	default:
		err = fmt.Errorf("what is %q?", s.op)
	}
	if err == nil {
		err = p.samePages()
	}
	if err == nil && p.outcome != s.want {
		err = fmt.Errorf("both say %s, want %s", p.outcome, s.want)
	}
	return err
}

// sameEdges compares what either allocator may write in a large memory: a bitmap of all pages at the start of a page, or a
// node at its end.
func (p *pair) sameEdges() error {
	const bitmap, node = 1 << 16 / 8, 4
	for page := uint64(1); page < p.originalMemory.NumPages(); page++ {
		addr := page * linmem.PageSize
		if err := p.sameRange(addr, bitmap); err != nil {
			return err
		}
		if err := p.sameRange(addr+linmem.PageSize-node, node); err != nil {
			return err
		}
	}
	return nil
}

const giB = 1 << 30

// largeForPages has the page allocator take memory up to the end, and look for what was freed all over it.
var largeForPages = []largeStep{
	{op: "alloc", n: giB * 3 / 2, log2Align: 4, want: "65536"},
	{op: "alloc", n: giB, log2Align: 20, want: "1611661312"},
	{op: "alloc", n: giB / 2, log2Align: 30, want: "3221225472"},
	{op: "alloc", n: giB, log2Align: 31, want: "0"},
	{op: "alloc", n: 1, log2Align: 31, want: "0"},
	{op: "resize", block: 1, n: giB * 3 / 4, want: "true"},
	{op: "free", block: 2, want: "freed"},
	{op: "free", block: 0, want: "freed"},
	{op: "alloc", n: giB - linmem.PageSize, log2Align: 0, want: "134217728"},
	{op: "alloc", n: giB / 4, log2Align: 28, want: "1207959552"},
	{op: "free", block: 0, want: "freed"},
	{op: "free", block: 0, want: "freed"},
	{op: "free", block: 0, want: "freed"},
	{op: "alloc", n: giB * 2, want: "0"},
	{op: "alloc", n: 1<<32 - linmem.PageSize, want: "0"},
	{op: "alloc", n: 1<<32 - linmem.PageSize + 1, want: "0"},
	{op: "alloc", n: 1<<32 - 1, want: "0"},
}

// largeForBytes has the allocator use the classes past the end of its array, and sizes for which sums wrap.
var largeForBytes = []largeStep{
	{op: "alloc", n: giB - 8, want: "65536"},                    // the last class that the original has room for
	{op: "alloc", n: giB - 7, log2Align: 4, want: "1073807360"}, // one past it: 32,768 pages
	{op: "resize", block: 1, n: giB * 5 / 4, want: "true"},
	{op: "resize", block: 1, n: giB*2 - 9, want: "true"},
	{op: "resize", block: 1, n: giB*2 - 7, want: "false"}, // two past it: 65,536 pages
	{op: "alloc", n: giB*2 - 7, want: "0"},
	{op: "alloc", n: giB*2 - 4, want: "0"},
	{op: "alloc", n: giB*2 - 3, want: "0"},
	{op: "alloc", n: 1, log2Align: 31, want: "0"},
	{op: "alloc", n: 1<<32 - 1, want: "0"},
	{op: "free", block: 1, want: "freed"},
	{op: "alloc", n: giB * 3 / 2, log2Align: 20, want: "1073807360"},
	{op: "free", block: 1, want: "freed"},
	{op: "free", block: 0, want: "freed"},
	{op: "alloc", n: giB / 2, log2Align: 30, want: "1073807360"},
	{op: "alloc", n: 65000, want: "3221291008"},
	{op: "resize", block: 1, n: 1<<32 - 8, want: "false"}, // rounds up to no page
	{op: "resize", block: 1, n: 1<<32 - 7, want: "true"},  // to one page, as it has
	{op: "free", block: 1, want: "freed"},
	{op: "alloc", n: 65528, want: "3221291008"},
	{op: "alloc", n: 0, want: "3221356544"},
}
