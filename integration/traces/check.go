package traces

import "fmt"

// Allocator is what Check holds to a trace; linmem's Heap is one. Addresses and sizes are in bytes.
type Allocator interface {
	// Alloc returns a block for a size from 0 up, at a multiple of DefaultAlign(size), which shares no byte with any
	// other. A block of 0 bytes has an address that is in no other block.
	Alloc(size uint64) (addr uint64, err error)

	// AllocAligned is Alloc at a multiple of align, a power of two.
	AllocAligned(size, align uint64) (addr uint64, err error)

	// Realloc gives a block another size, here or elsewhere, with what was in it as far as it fits. Its new address is a
	// multiple of DefaultAlign(size).
	Realloc(addr, size uint64) (newAddr uint64, err error)

	Free(addr uint64) error

	// View returns n bytes at addr, of a live block. They are used until the next call only.
	View(addr, n uint64) ([]byte, error)
}

// Check replays the trace on an allocator that has no other user, and frees what is left at the end. It returns the first
// thing that is wrong, with the operation's line in the trace: an error, a bad alignment, a block that has bytes of
// another live one, contents that changed.
//
// Every block is filled at once with a pattern of its own, read again before it is resized or freed, and its kept part
// after it is resized; then it is filled with another. So it is noticed if the allocator writes into a live block, copies
// too little, or returns a view of the wrong place. That blocks do not overlap follows from their contents only at the
// end and only likely (a byte has 256 values, and a block of 0 bytes none), so the ranges are kept as well, and compared
// at once.
//
// It touches each byte of each block three times, and needs an eighth of the memory on top: a test, not a benchmark.
func (t *Trace) Check(a Allocator) error {
	c := checker{a: a, blocks: make([]block, t.MaxLive), claimed: claims{}}
	for i, op := range t.Ops {
		if err := c.step(i, op); err != nil {
			return fmt.Errorf("traces: %s: line %d, %q: %w", t.Name, t.Line(i), op, err)
		}
	}
	for id := range c.blocks {
		if !c.blocks[id].live {
			continue
		}
		if err := c.free(&c.blocks[id]); err != nil {
			return fmt.Errorf("traces: %s: after the end, block %d: %w", t.Name, id, err)
		}
	}
	return nil
}

// Line returns the line on which an operation stands in the trace's text, from 1. op is an index into Ops.
func (t *Trace) Line(op int) int { return 1 + len(t.Comments) + 1 + op }

type checker struct {
	a       Allocator
	blocks  []block // by ID
	claimed claims
}

type block struct {
	addr, size uint64
	contents   pattern
	live       bool
}

// claim is how many bytes the block keeps others from: one at least, since blocks of 0 bytes have addresses of their own.
func (b *block) claim() uint64 { return max(1, b.size) }

func (c *checker) step(i int, op Op) error {
	b := &c.blocks[op.ID]
	switch op.Kind {
	case Alloc:
		return c.alloc(b, op, newPattern(op.ID, i))
	case Realloc:
		return c.realloc(b, op, newPattern(op.ID, i))
	default:
		return c.free(b)
	}
}

func (c *checker) alloc(b *block, op Op, contents pattern) (err error) {
	align := op.Align()
	var addr uint64
	if align == 0 {
		align = DefaultAlign(op.Size)
		addr, err = c.a.Alloc(op.Size)
	} else {
		addr, err = c.a.AllocAligned(op.Size, align)
	}
	if err != nil {
		return fmt.Errorf("refused: %w", err)
	}
	return c.place(b, block{addr, op.Size, contents, true}, align)
}

func (c *checker) realloc(b *block, op Op, contents pattern) error {
	if err := c.verify(b, b.size); err != nil {
		return fmt.Errorf("before the resize: %w", err)
	}
	addr, err := c.a.Realloc(b.addr, op.Size)
	if err != nil {
		return fmt.Errorf("refused, at %#x: %w", b.addr, err)
	}
	c.claimed.release(b.addr, b.claim())
	old := *b
	b.addr = addr
	if err := c.verify(b, min(old.size, op.Size)); err != nil {
		return fmt.Errorf("after the resize from %d bytes at %#x: %w", old.size, old.addr, err)
	}
	return c.place(b, block{addr, op.Size, contents, true}, DefaultAlign(op.Size))
}

func (c *checker) free(b *block) error {
	if err := c.verify(b, b.size); err != nil {
		return fmt.Errorf("before the free: %w", err)
	}
	if err := c.a.Free(b.addr); err != nil {
		return fmt.Errorf("refused, at %#x: %w", b.addr, err)
	}
	c.claimed.release(b.addr, b.claim())
	b.live = false
	return nil
}

// place holds a new place for a block to the rules, and fills it.
func (c *checker) place(b *block, now block, align uint64) error {
	if now.addr%align != 0 {
		return fmt.Errorf("address %#x is no multiple of %d", now.addr, align)
	}
	if now.addr+now.claim() < now.addr {
		return fmt.Errorf("address %#x is too high for %d bytes", now.addr, now.size)
	}
	if taken, ok := c.claimed.take(now.addr, now.claim()); !ok {
		return fmt.Errorf("address %#x: byte %#x belongs to %s", now.addr, taken, c.owner(b, taken))
	}
	view, err := c.view(now.addr, now.size)
	if err != nil {
		return err
	}
	now.contents.fill(view)
	*b = now
	return nil
}

// owner describes the live block, other than not, that has an address. It looks at all of them, since it is called once.
func (c *checker) owner(not *block, addr uint64) string {
	for id := range c.blocks {
		b := &c.blocks[id]
		if b != not && b.live && addr-b.addr < b.claim() {
			return fmt.Sprintf("block %d, of %d bytes at %#x", id, b.size, b.addr)
		}
	}
	return "no block" // the claims are wrong
}

// verify reads the first n bytes of a block.
func (c *checker) verify(b *block, n uint64) error {
	view, err := c.view(b.addr, n)
	if err != nil {
		return err
	}
	if at, want := b.contents.differs(view); at >= 0 {
		return fmt.Errorf("address %#x: byte %d of %d is %#02x instead of %#02x", b.addr, at, n, view[at], want)
	}
	return nil
}

func (c *checker) view(addr, n uint64) ([]byte, error) {
	view, err := c.a.View(addr, n)
	if err != nil {
		return nil, fmt.Errorf("no view of %d bytes at %#x: %w", n, addr, err)
	}
	if uint64(len(view)) != n {
		return nil, fmt.Errorf("a view of %d bytes at %#x has %d", n, addr, len(view))
	}
	return view, nil
}
