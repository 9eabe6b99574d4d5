package linmem

import (
	"math/bits"
	"sync/atomic"

	"github.com/linmem/linmem/core/internal/bitset"
)

// unit is what a heap knows of a unit of its memory, besides whether it is free.
//
// In the first unit of a span, live has a bit for each slot in use, and in that of a run or chunk it is the size that was
// asked for. In all others it is 0.
type unit struct {
	live uint64
	head head
}

// head says what a unit belongs to. It is one word so that it can be read while another goroutine writes it.
//
//	bits 0-5    the class
//	bit  6      the span is lent
//	bits 8-15   how many units of the span lie before this one
//	bits 16-23  slots in the span
//	bits 24-31  units in the span
//	bits 32-43  the Local that it is lent to
//	bits 44-62  its index there
//	bit  63     the unit is the first of a page that the heap holds
type head uint64

const (
	headLent head = 1 << 6
	headHeld head = 1 << 63

	ownerShift = 32
	ownerBits  = 12
	indexShift = ownerShift + ownerBits
	indexBits  = 63 - indexShift
)

func spanHead(id classID, slots, units uint64) head {
	return head(id) | head(slots)<<16 | head(units)<<24
}

func (x head) class() classID { return classID(x % maxClasses) }
func (x head) back() uint64   { return uint64(x >> 8 & 0xff) }
func (x head) slots() uint64  { return uint64(x >> 16 & 0xff) }
func (x head) units() uint64  { return uint64(x >> 24 & 0xff) }
func (x head) owner() uint64  { return uint64(x >> ownerShift & (1<<ownerBits - 1)) }
func (x head) index() uint64  { return uint64(x >> indexShift & (1<<indexBits - 1)) }

// isSpan reports whether the unit belongs to a span that is not lent.
func (x head) isSpan() bool { return uint8(x)-uint8(classSlots) < uint8(numClasses)-uint8(classSlots) }

// full returns the live bits of a span in which every slot is in use.
func (x head) full() uint64 { return ^uint64(0) >> ((maxSlots - x.slots()) & (maxSlots - 1)) }

// class is the state of a size class. What Alloc and Free of a slot touch fills the first cache line.
type class struct {
	// The span that slots are taken from: the lowest one that has a free slot, or had when it became that.
	cur  uint64 // its position
	base uint64 // address of its first slot
	full uint64 // its live bits when all slots are in use; 0 if there is no such span

	size  uint64 // bytes in a slot
	magic uint64 // see slotOf

	allocs uint64 // so far
	frees  uint64 // so far
	asked  uint64 // bytes that the allocations so far were asked for

	// open has the spans with a free slot, by position; also cur, and spans that were cur, when they have become full.
	open bitset.Set

	// spare is the position of a span that was kept when it became empty, as long as no slot of it is in use; 0 if none.
	spare uint64

	nSpans uint64
	nSlots uint64 // in all spans
	id     classID

	_ [256 - 8*8 - 19*8 - 4*8]byte // up to a multiple of cache lines
}

// live returns the number of slots in use.
func (c *class) live() uint64 { return c.allocs - c.frees }

// slotOf returns the index of the slot at an offset in a span, rounded down. A product with the reciprocal is a division:
// offsets are below 2^16, so that the error, below one part in 2^16 of a slot, does not show.
func (c *class) slotOf(offset uint64) uint64 { return offset * c.magic >> 32 }

// take takes the lowest slot of the current span, with ok = false if it has none.
func (h *Heap) take(c *class, size uint64) (addr uint64, ok bool) {
	u := &h.units[c.cur]
	free := c.full &^ u.live
	if free == 0 {
		return 0, false
	}
	u.live |= free & -free
	c.allocs++
	c.asked += size
	return c.base + uint64(bits.TrailingZeros64(free))*c.size, true
}

// allocSlot allocates a slot where the current span has none. It returns the bare reason of a failure.
func (h *Heap) allocSlot(c *class, size uint64) (addr uint64, err error) {
	for {
		if c.full != 0 {
			c.open.Remove(c.cur)
		}
		pos, ok := c.open.First()
		if !ok {
			if pos, err = h.newSpan(c, c.wanted(), maxSpan); err != nil {
				c.full = 0
				return 0, err
			}
		}
		h.makeCurrent(c, pos)
		if addr, ok := h.take(c, size); ok {
			return addr, nil
		}
	}
}

// makeCurrent makes the span at pos the one that slots are taken from.
func (h *Heap) makeCurrent(c *class, pos uint64) {
	c.cur = pos
	c.base = h.m.PageAt(pos) << unitShift
	c.full = h.units[pos].head.full()
}

// wanted returns for about how many slots a class is to get its next span. A class that has few slots in use gets few more,
// so that a small program does not hold a page for each of its sizes; and large slots come in small spans, so that these
// become empty now and then.
func (c *class) wanted() uint64 { return 1 + c.live()*unitSize/(c.size+unitSize)/2 }

// newSpan makes a span of about so many slots, in most units or less, or in as few as hold a slot. The units are free, or of
// a memory that grows. It returns the bare reason of a failure.
func (h *Heap) newSpan(c *class, want, most uint64) (pos uint64, err error) {
	level := min(bits.Len64(want)-1, spanLevels-1)
	for level > 0 && uint64(tables.spans[c.id][level]) > most {
		level--
	}
	n := uint64(tables.spans[c.id][level])
	first, err := h.takeUnits(n, 1)
	if err != nil {
		// A span of a page at most needs a page, whatever its length; a short one may find room without.
		n = uint64(tables.spans[c.id][0])
		var ok bool
		if first, ok = h.fitUnits(n, 1); !ok {
			return 0, err
		}
	}
	pos, _ = h.m.Position(first)
	h.initSpan(c, pos, spanHead(c.id, slotsIn(n, c.size), n))
	c.open.Add(pos)
	return pos, nil
}

// initSpan has the units from pos on belong to a span.
func (h *Heap) initSpan(c *class, pos uint64, x head) {
	for i := range x.units() {
		h.setHead(pos+i, x|head(i)<<8)
	}
	c.nSpans++
	c.nSlots += x.slots()
}

// reopened notes that a slot has become free in the span at pos, which was full.
func (h *Heap) reopened(c *class, pos uint64) {
	c.open.Add(pos)
	if c.full == 0 || pos < c.cur {
		h.makeCurrent(c, pos)
	}
}

// emptied notes that no slot is in use any more in the span at pos. Each class keeps one such span, the lowest, so that a
// slot that comes and goes at a span's border does not make and unmake a span each time (BenchmarkHeap/SpanBorder).
func (h *Heap) emptied(c *class, pos uint64) {
	spare := h.spareSpan(c)
	if spare == 0 || spare == pos {
		c.spare = pos
	} else {
		c.spare = min(pos, spare)
		h.releaseSpan(c, max(pos, spare))
	}
	h.vacate()
}

// spareSpan returns the position of the empty span that a class keeps, 0 if there is none.
func (h *Heap) spareSpan(c *class) uint64 {
	if c.spare == 0 || h.units[c.spare].live != 0 {
		c.spare = 0
	}
	return c.spare
}

// reclaim gives back the units of all empty spans that classes keep, and reports whether there was one.
func (h *Heap) reclaim() (found bool) {
	for i := range h.classes {
		c := &h.classes[i]
		if pos := h.spareSpan(c); pos != 0 {
			h.releaseSpan(c, pos)
			found = true
		}
	}
	return found
}

// releaseSpan gives back the units of a span of which no slot is in use.
func (h *Heap) releaseSpan(c *class, pos uint64) {
	x := h.units[pos].head
	c.open.Remove(pos)
	if c.spare == pos {
		c.spare = 0
	}
	c.nSpans--
	c.nSlots -= x.slots()
	h.leave(c, pos)
	n := x.units()
	for i := range n {
		h.setHead(pos+i, 0)
	}
	h.freeUnits(h.m.PageAt(pos), n)
}

// leave has slots taken from another span than the one at pos, which is not open any more.
func (h *Heap) leave(c *class, pos uint64) {
	if c.cur != pos {
		return
	}
	c.cur, c.full = 0, 0
	if next, ok := c.open.First(); ok {
		h.makeCurrent(c, next)
	}
}

// setHead says what the unit at a position belongs to.
func (h *Heap) setHead(pos uint64, x head) { h.storeHead(pos, h.units[pos].head&headHeld|x) }

// storeHead is setHead, and says whether the heap holds the page that begins there.
func (h *Heap) storeHead(pos uint64, x head) {
	if !h.shared {
		h.units[pos].head = x
		return
	}
	atomic.StoreUint64((*uint64)(&h.units[pos].head), uint64(x))
}
