package linmem

import (
	"math/bits"
	"sync/atomic"
)

// lent is a span that a [Local] has for itself: nobody else takes slots there. Anybody may free them, so the bits are
// atomic; they are nowhere else, so that a slot that is freed twice is noticed by its bit alone.
//
// The heap keeps the span's head, with the number of the Local and the index of the lent there.
type lent struct {
	live  atomic.Uint64 // slots in use; of the heap's Free and the owner's, one clears a bit
	state atomic.Uint32 // a loan
	id    classID
	full  uint64
	base  uint64 // address of the first slot
	size  uint64 // of a slot
	magic uint64 // see slotOf
	index uint64 // in the owner's table

	_ [8]byte // up to a cache line, so that two owners do not disturb each other
}

// loan is the state of a lent span.
type loan = uint32

const (
	// loanActive: the owner takes slots from it, or will.
	loanActive loan = iota

	// loanIdle: all slots were in use when the owner last took one. Whoever frees one next has it: the owner, which makes it
	// active, or the heap, which ends the loan.
	loanIdle

	// loanEnded: it is the heap's again.
	loanEnded

	// loanRevoked: everything was freed. All slots look as if they were in use, so that none is taken.
	loanRevoked
)

// A span that is made to be lent has about minLentSlots slots at least, for each loan takes the lock, and maxLentSpan units
// at most.
const (
	minLentSlots = 8
	maxLentSpan  = 16
)

// lend gives a Local a span of a class with a free slot, or a new one. It returns the bare reason of a failure.
func (h *Heap) lend(l *Local, c *class) (*lent, error) {
	index, ok := l.vacancy()
	if !ok || l.number >= 1<<ownerBits {
		return nil, errManySpans
	}
	for {
		pos, ok := c.open.First()
		if !ok {
			var err error
			if pos, err = h.newSpan(c, max(minLentSlots, l.slots[c.id]/2), maxLentSpan); err != nil {
				return nil, err
			}
		}
		c.open.Remove(pos)
		h.leave(c, pos)
		u := &h.units[pos]
		if u.live == u.head.full() {
			continue // it was current, and not since
		}
		if c.spare == pos {
			c.spare = 0
		}
		s := &lent{
			id: c.id, full: u.head.full(), base: h.m.PageAt(pos) << unitShift, size: c.size, magic: c.magic, index: index,
		}
		s.live.Store(u.live)
		c.nSpans--
		c.nSlots -= u.head.slots()
		l.slots[c.id] += u.head.slots()
		c.frees += uint64(bits.OnesCount64(u.live)) // they are counted where they are
		u.live = 0
		h.markLent(pos, headLent|head(l.number)<<ownerShift|head(index)<<indexShift)
		l.keep(s)
		h.nLent++
		return s, nil
	}
}

// endLoan makes a span that is lent the heap's.
func (h *Heap) endLoan(l *Local, s *lent) {
	s.state.Store(loanEnded)
	pos, _ := h.m.Position(s.base >> unitShift)
	c := &h.classes[s.id]
	u := &h.units[pos]
	h.markLent(pos, 0)
	// The owner may be freeing a slot; it finds no bit from here on, and asks the heap.
	u.live = s.live.Swap(0)
	l.vacate(s.index)
	h.nLent--
	c.nSpans++
	c.nSlots += u.head.slots()
	l.slots[c.id] -= u.head.slots()
	c.frees -= uint64(bits.OnesCount64(u.live))
	if u.live == u.head.full() {
		return
	}
	h.reopened(c, pos)
	if u.live == 0 {
		h.emptied(c, pos)
	}
}

// revokeLoans forgets the spans of all Locals.
func (h *Heap) revokeLoans() {
	for _, l := range h.locals {
		if l == nil {
			continue
		}
		for _, s := range l.spans {
			if s.lentOut() {
				s.state.Store(loanRevoked)
				s.live.Store(s.full)
				l.vacate(s.index)
			}
		}
		l.slots = [maxClasses]uint64{}
	}
	h.nLent = 0
}

// lentOut reports whether a span is its Local's.
func (s *lent) lentOut() bool { return s.state.Load() <= loanIdle }

// markLent writes the part of the heads of a span that says whose it is.
func (h *Heap) markLent(pos uint64, loan head) {
	for i := range h.units[pos].head.units() {
		x := h.units[pos+i].head
		h.storeHead(pos+i, x&(headHeld|1<<ownerShift-1)&^headLent|loan)
	}
}

// lentAt returns the span at pos, which is lent, and whose it is.
func (h *Heap) lentAt(pos uint64) (*Local, *lent) {
	x := h.units[pos].head
	l := h.locals[x.owner()]
	return l, l.spans[x.index()]
}

// freeLent frees a slot of a span that is lent, and reports whether it was in use.
func (h *Heap) freeLent(b block) bool {
	l, s := h.lentAt(b.pos)
	bit := uint64(1) << ((b.addr - s.base) / s.size)
	if s.live.And(^bit)&bit == 0 {
		return false // its owner has just freed it
	}
	if s.state.CompareAndSwap(loanIdle, loanEnded) {
		h.endLoan(l, s)
	}
	return true
}

// countLent adds the spans that are lent to the counters of their classes.
func (h *Heap) countLent(s *HeapStats, classes *[maxClasses]ClassStats) {
	for _, l := range h.locals {
		if l == nil {
			continue
		}
		for _, span := range l.spans {
			if !span.lentOut() {
				continue
			}
			live := uint64(bits.OnesCount64(span.live.Load()))
			free := uint64(bits.OnesCount64(span.full)) - live
			k := &classes[span.id]
			k.Live += live
			k.Free += free
			k.Cached += free
			k.Spans++
			s.Cached += free * span.size
		}
	}
}
