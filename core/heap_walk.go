package linmem

import (
	"iter"
	"math/bits"
	"sync/atomic"
)

// All yields the live allocations, ascending by address, with the bytes that SizeOf counts. The chunks of arenas are not
// among them. The heap must not be changed meanwhile.
func (h *Heap) All() iter.Seq2[uint64, uint64] {
	return func(yield func(addr, usable uint64) bool) {
		for b := range h.spansAndRuns() {
			switch b.id {
			case classChunk:
			case classRun:
				if !yield(b.addr, b.size) {
					return
				}
			default:
				size := h.classes[b.id].size
				for x := h.liveBits(b.pos); x != 0; x &= x - 1 {
					if !yield(b.addr+uint64(bits.TrailingZeros64(x))*size, size) {
						return
					}
				}
			}
		}
	}
}

// spansAndRuns yields all spans, runs and chunks, ascending, each as the block of all its units.
func (h *Heap) spansAndRuns() iter.Seq[block] {
	return func(yield func(block) bool) {
		for first := range h.m.Marks() {
			pos, _ := h.m.Position(first)
			if pos >= uint64(len(h.units)) {
				continue // pages that are not the heap's
			}
			u := h.units[pos]
			b := block{first << unitShift, unitsFor(u.live) << unitShift, pos, u.head.class()}
			if b.id >= classSlots {
				b.size = u.head.units() << unitShift
			}
			if b.id != classNone && !yield(b) {
				return
			}
		}
	}
}

// Reset frees everything, and returns all pages to Pages. What arenas have is freed as well: they are empty then. The cost
// is that of the heap's spans, runs and pages. It never fails.
func (h *Heap) Reset() error {
	h.revokeLoans()
	for b := range h.spansAndRuns() {
		for i := range max(1, h.units[b.pos].head.units()) { // of a run, only the first says so
			h.setHead(b.pos+i, 0)
		}
		h.units[b.pos].live = 0
		h.m.Unmark(b.addr >> unitShift)
		h.m.Add(b.addr>>unitShift, b.size>>unitShift)
	}
	for i := range h.classes {
		c := &h.classes[i]
		c.open.Clear()
		*c = class{id: c.id, size: c.size, magic: c.magic, open: c.open}
	}
	h.nRuns, h.nChunks, h.runUnits, h.runBytes = 0, 0, 0, 0
	if h.holds(0) {
		h.m.Unmark(0)
		h.m.Add(0, 1)
	}
	h.nWhole = h.nHeld
	atomic.AddUint64(&h.resets, 1)
	h.returnWhole(0)
	return nil
}

// Reserve makes sure that a run of n bytes can be had without growing, and grows the memory now if that is not so. It fails
// as Alloc would.
func (h *Heap) Reserve(n uint64) error {
	units := unitsFor(n)
	for {
		if _, ok := h.m.Find(units); ok {
			return nil
		}
		if err := h.obtain(units, 1); err != nil {
			return h.errs.Get("Heap.Reserve", 0, n, err)
		}
	}
}
