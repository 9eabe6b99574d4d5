package zigoracle

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	linmem "github.com/linmem/linmem/core"
)

// choices decides what a stream does next.
type choices interface {
	// choose returns a number below n.
	choose(n uint32) uint32
}

// random chooses at random.
type random struct{ *rand.Rand }

func (r random) choose(n uint32) uint32 { return r.Uint32N(n) }

// maxLive bounds the allocations that are live at a time.
const maxLive = 1000

// streamSteps is the length of one stream.
const streamSteps = 2500

// Check runs streams of n random steps in all on both of an allocator, with memories of their own, and compares the two
// after each step. The first stream has the given seed, the next one the next. It counts what the steps came to; an error
// tells the stream's seed.
func Check(ctx context.Context, open Open, a Allocator, s Shape, seed uint64, n int) (Counts, error) {
	all := Counts{}
	for ; n > 0; n -= streamSteps {
		counts, err := check(ctx, open, a, s, seed, min(n, streamSteps))
		if err != nil {
			return all, fmt.Errorf("seed %d, %w", seed, err)
		}
		all.Add(counts)
		seed++
	}
	return all, nil
}

func check(ctx context.Context, open Open, a Allocator, s Shape, seed uint64, n int) (Counts, error) {
	p, stop, err := openPair(ctx, open, a, s)
	if err != nil {
		return nil, err
	}
	defer stop()
	err = p.stream(ctx, random{rand.New(rand.NewPCG(seed, 0))}, n, nil)
	return p.counts, err
}

// stream takes n steps, compares everything in the end, and logs each step as a line, if log is not nil: what it did, what
// came of it, and the size of the memory, in pages.
func (p *pair) stream(ctx context.Context, c choices, n int, log func(line string)) error {
	habit := newHabit(c, p.Allocator)
	for i := range n {
		if c.choose(500) == 0 {
			habit = newHabit(c, p.Allocator)
		}
		did, err := p.step(ctx, c, habit)
		if err != nil {
			return fmt.Errorf("step %d, %s: %w", i, did, err)
		}
		if log != nil {
			log(fmt.Sprintf("%s = %s %d", did, p.outcome, p.originalMemory.NumPages()))
		}
	}
	if err := p.sameBytes(); err != nil {
		return fmt.Errorf("after %d steps: %w", n, err)
	}
	return nil
}

// habit is what a program does for a while.
type habit struct {
	allocs uint32               // so many allocations out of 20 steps
	size   func(choices) uint32 // what most of them ask for
}

func newHabit(c choices, a Allocator) habit {
	return habit{5 + c.choose(8), a.sizes[c.choose(uint32(len(a.sizes)))]}
}

// step does one thing to both, and compares. It did one of these, in bytes, or in pages where the memory grows from outside:
//
//	alloc n log2Align
//	free addr n log2Align
//	resize addr n log2Align newN
//	grow pages
func (p *pair) step(ctx context.Context, c choices, h habit) (did string, err error) {
	switch op := c.choose(20); {
	case len(p.live) == 0 || op < h.allocs && len(p.live) < maxLive:
		n, log2Align := p.size(c, h), alignment(c)
		did = fmt.Sprintf("alloc %d %d", n, log2Align)
		before := len(p.live)
		if err = p.alloc(ctx, n, log2Align); err == nil && len(p.live) > before {
			err = p.scribble(c, p.live[before])
		}
	case op < 15:
		i := p.pick(c)
		did = fmt.Sprintf("free %v", p.live[i])
		err = p.free(ctx, i)
	case op < 19 || c.choose(8) > 0:
		i := p.pick(c)
		n := p.newSize(c, h, p.live[i].n)
		did = fmt.Sprintf("resize %v %d", p.live[i], n)
		err = p.resize(ctx, i, n)
	default:
		delta := uint64(1 + c.choose(3))
		did = fmt.Sprintf("grow %d", delta)
		err = p.growMemory(delta)
	}
	p.counts[steps]++
	return did, errors.Join(err, p.samePages())
}

// pick returns the place of a live block: the last, the first or any.
func (p *pair) pick(c choices) int {
	switch c.choose(4) {
	case 0:
		return len(p.live) - 1
	case 1:
		return 0
	}
	return int(c.choose(uint32(len(p.live))))
}

// scribble uses a block as its owner would: now and then all of its last page, or else both ends.
func (p *pair) scribble(c choices, b block) error {
	addr, n := uint64(b.addr), uint64(b.n)
	last := min(n, 8)
	if c.choose(8) == 0 {
		last = min(n, linmem.PageSize)
	}
	return errors.Join(p.write(addr, min(n, 8)), p.write(addr+n-last, last))
}

func (p *pair) size(c choices, h habit) uint32 {
	switch c.choose(32) {
	case 0:
		return odd(c)
	case 1, 2, 3, 4:
		return p.sizes[c.choose(uint32(len(p.sizes)))](c)
	}
	return h.size(c)
}

// newSize is any size, or one that is near the old one.
func (p *pair) newSize(c choices, h habit, n uint32) uint32 {
	switch c.choose(4) {
	case 0:
		return n - min(n, c.choose(64))
	case 1:
		return n + c.choose(64)
	case 2:
		return c.choose(max(n, 1))
	}
	return p.size(c, h)
}

// alignment is most often one that programs ask for, up to 1 MiB, and now and then any.
func alignment(c choices) (log2 uint8) {
	switch c.choose(32) {
	case 0:
		return uint8(c.choose(32))
	case 1, 2, 3, 4, 5, 6, 7, 8:
		return uint8(c.choose(21))
	}
	return uint8(c.choose(5))
}

func fewBytes(c choices) uint32 { return 1 + c.choose(64) }

func someBytes(c choices) uint32 { return 1 + c.choose(2*linmem.PageSize) }

// borders are sizes around powers of two, where classes change.
func borders(c choices) uint32 {
	return uint32(1)<<c.choose(27) + c.choose(17) - min(8, c.choose(9))
}

func somePages(c choices) uint32 { return c.choose(4*linmem.PageSize) + c.choose(8)*linmem.PageSize }

func manyPages(c choices) uint32 {
	most := uint32(64)
	switch c.choose(32) {
	case 0:
		most = 4096
	case 1, 2, 3:
		most = 1024
	}
	return (1 + c.choose(most)) * linmem.PageSize
}

// odd are sizes that hardly fit in a memory, or never, and 0.
func odd(c choices) uint32 {
	switch c.choose(8) {
	case 0:
		return 0
	case 1:
		return math.MaxUint32 - c.choose(3*linmem.PageSize)
	case 2:
		return c.choose(math.MaxUint32)
	case 3:
		return math.MaxUint32 - c.choose(12) // where the sums wrap
	}
	return c.choose(4096 * linmem.PageSize)
}
