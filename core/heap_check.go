package linmem

import (
	"fmt"
	"math/bits"
)

// Check walks everything that the heap and its [Pages] know and returns an [ErrCorrupt] that names the first contradiction,
// or nil; a closed memory is [ErrClosed]. It costs time in proportion to the pages held and those that Pages owns. It is
// meant for tests, and for a program that suspects a stray write of its own.
func (h *Heap) Check() error {
	if err := h.p.Check(); err != nil {
		return err
	}
	addr, reason := h.check()
	if reason == "" {
		return nil
	}
	return &Error{Op: "Heap.Check", Addr: addr, Err: fmt.Errorf("%w: %s", ErrCorrupt, reason)}
}

// tally is what a walk counts.
type tally struct {
	held, whole              uint64
	runs, chunks             uint64
	runUnits, runBytes       uint64
	live, slots, spans, open [maxClasses]uint64
	empty                    [maxClasses]uint64 // position of the empty span
}

// check returns the first contradiction, and the address that it is about; "" if there is none.
func (h *Heap) check() (addr uint64, reason string) {
	if err := h.m.Check(); err != nil {
		return 0, err.Error()
	}
	var t tally
	for w := range h.m.Layout().All() {
		for u := w.Page; u < w.Page+w.N; {
			n, reason := h.checkAt(&t, u)
			if reason != "" {
				return u << unitShift, reason
			}
			u += n
		}
	}
	got := [...]uint64{t.held, t.whole, t.runs, t.chunks, t.runUnits, t.runBytes}
	want := [...]uint64{h.nHeld, h.nWhole, h.nRuns, h.nChunks, h.runUnits, h.runBytes}
	if got != want {
		return 0, fmt.Sprintf("counted %d pages held, whole pages, runs, chunks, units and bytes in runs, where the counters say %d", got, want)
	}
	for i := range h.classes {
		if reason := h.checkClass(&t, &h.classes[i]); reason != "" {
			return 0, fmt.Sprintf("class of %d bytes: %s", h.classes[i].size, reason)
		}
	}
	return 0, ""
}

// checkAt checks what begins at a unit, and returns how many units it has. It is a page that is not the heap's, or in one
// that is, free units, a span, a run or a chunk.
func (h *Heap) checkAt(t *tally, u uint64) (n uint64, reason string) {
	if u%unitsPerPage == 0 && !h.holds(u/unitsPerPage) {
		return unitsPerPage, h.checkForeign(u)
	}
	pos, _ := h.m.Position(u)
	x := h.units[pos].head &^ headHeld
	switch free := h.m.FreeLen(u); {
	case free > 0:
		n = free
		if x != 0 || h.units[pos].live != 0 {
			return n, "free units belong to something"
		}
	case u == 0 && x == 0 && h.m.Marked(0):
		n = 1 // address 0
	case !h.m.Marked(u):
		return 0, "units are neither free nor of an allocation"
	case x.class() == classRun || x.class() == classChunk:
		n = unitsFor(h.units[pos].live)
		t.runs++
		t.runUnits += n
		t.runBytes += h.units[pos].live
		if x.class() == classChunk {
			t.chunks++
		}
	default:
		n = x.units()
		reason = h.checkSpan(t, pos)
	}
	if reason == "" && n == 0 {
		reason = "an allocation has no units"
	}
	if free := h.m.FreeLen(u); reason == "" && free == 0 && h.m.RunLen(u) != n {
		reason = fmt.Sprintf("an allocation of %d units takes %d", n, h.m.RunLen(u))
	}
	for page := (u + unitsPerPage - 1) / unitsPerPage; reason == "" && page*unitsPerPage < u+n; page++ {
		t.held++
		switch {
		case !h.holds(page):
			reason = fmt.Sprintf("page %d is in use, and not held", page)
		case !h.p.isRun(Range{Page(page), 1}):
			reason = fmt.Sprintf("page %d is held, and no allocation of Pages", page)
		}
		if h.m.FreeLen(u) > 0 && (page+1)*unitsPerPage <= u+n {
			t.whole++
		}
	}
	return n, reason
}

// checkForeign checks a page that is not the heap's.
func (h *Heap) checkForeign(u uint64) (reason string) {
	for i := range uint64(unitsPerPage) {
		pos, _ := h.m.Position(u + i)
		if pos < uint64(len(h.units)) && h.units[pos] != (unit{}) || i > 0 && h.m.Marked(u+i) || h.m.FreeLen(u+i) > 0 {
			return "a page that is not held is in use"
		}
	}
	if u > 0 && h.holds(u/unitsPerPage-1) && !h.m.Marked(u) {
		return "the run before has no end"
	}
	return ""
}

// checkSpan checks the span at a position, and counts it.
func (h *Heap) checkSpan(t *tally, pos uint64) (reason string) {
	x := h.units[pos].head &^ headHeld
	id := x.class()
	if int(id) >= numClasses || id < classSlots {
		return fmt.Sprintf("there is no class %d", id)
	}
	c := &h.classes[id]
	if x.back() != 0 || x.units() == 0 || x.units() > maxSpan || x.slots() != slotsIn(x.units(), c.size) {
		return fmt.Sprintf("a span of %d bytes has %d slots in %d units", c.size, x.slots(), x.units())
	}
	for i := range x.units() {
		u := h.units[pos+i]
		if u.head&^headHeld != x|head(i)<<8 || i > 0 && u.live != 0 {
			return "a unit does not know its span"
		}
	}
	live := h.liveBits(pos)
	if live&^x.full() != 0 {
		return "slots past the end of a span are in use"
	}
	if x&headLent != 0 {
		if _, s := h.lentAt(pos); s.base>>unitShift != h.m.PageAt(pos) || s.id != id || c.open.Has(pos) || h.units[pos].live != 0 {
			return "a span is lent, and its Local does not know"
		}
		return ""
	}
	t.spans[id]++
	t.slots[id] += x.slots()
	t.live[id] += uint64(bits.OnesCount64(live))
	if live != x.full() {
		t.open[id]++
		if !c.open.Has(pos) {
			return "a span with a free slot is not to be found"
		}
	}
	if live == 0 {
		if t.empty[id] != 0 || c.spare != pos {
			return "an empty span is not the one that its class keeps"
		}
		t.empty[id] = pos
	}
	return ""
}

// checkClass checks a class after all spans were counted.
func (h *Heap) checkClass(t *tally, c *class) (reason string) {
	got := [...]uint64{t.spans[c.id], t.slots[c.id], t.live[c.id]}
	if want := [...]uint64{c.nSpans, c.nSlots, c.live()}; got != want {
		return fmt.Sprintf("counted %d spans, slots and slots in use, where the counters say %d", got, want)
	}
	open := uint64(0)
	for pos := range c.open.All() {
		if h.units[pos].head.class() != c.id || h.units[pos].head.back() != 0 {
			return "a span with free slots is none"
		}
		if h.liveBits(pos) != h.units[pos].head.full() {
			open++
		}
	}
	if open != t.open[c.id] {
		return fmt.Sprintf("%d spans have free slots, known are %d", t.open[c.id], open)
	}
	least, ok := c.open.First()
	switch {
	case ok != (c.full != 0), ok && least != c.cur:
		return "slots are not taken from the lowest span"
	case ok && (c.base != h.m.PageAt(c.cur)<<unitShift || c.full != h.units[c.cur].head.full()):
		return "slots are not taken from where the current span is"
	}
	return ""
}
