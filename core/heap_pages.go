package linmem

import (
	"errors"
	"iter"

	"github.com/linmem/linmem/core/internal/pagemap"
)

// A heap returns pages to its Pages when it has more than minWhole, and an eighth of what it holds, of which no unit is in
// use; it keeps half of that.
const (
	minWhole   = 2
	wholeShare = 8
)

// fewRuns is at how many free runs of Pages a call looks for one that is long enough with the free units around it, before
// it grows the memory.
const fewRuns = 64

// obtain gets pages so that a run of n units, aligned, is free, or would be but for the unit at address 0. It returns the
// bare reason of a failure.
func (h *Heap) obtain(n, align uint64) error {
	if h.gainFree(n, align) {
		return nil
	}
	err := h.grow(n, align)
	if err != nil && h.gainBetween(n, align, h.p.nFree) {
		return nil
	}
	return err
}

// gainFree makes a run of n units free, aligned, without growing, with ok = false if that cannot be. Pages that are free
// come first. Then the heap gives up what it only keeps, empty spans and whole pages, so that all that is free lies
// together.
func (h *Heap) gainFree(n, align uint64) (ok bool) {
	if h.gainRun(n, align) || h.gainBetween(n, align, fewRuns) {
		return true
	}
	if h.reclaim() {
		if _, ok := h.m.FindAligned(n, align); ok {
			return true
		}
	} else if h.nWhole == 0 {
		return false
	}
	h.returnWhole(0)
	return h.gainRun(n, align) || h.gainBetween(n, align, fewRuns)
}

// gainRun takes a run of pages that holds n units, with ok = false if there is none.
func (h *Heap) gainRun(n, align uint64) (ok bool) {
	nPages := pagesFor(n)
	if nPages > h.p.nFree {
		return false
	}
	start, ok := h.p.find(nPages, max(1, align/unitsPerPage))
	if ok {
		h.gain(start, nPages)
	}
	return ok
}

// gainBetween takes a run of pages that holds n units together with the free units on both sides, with ok = false if there
// is none among so many runs that may be long enough, the lowest ones.
func (h *Heap) gainBetween(n, align, most uint64) (ok bool) {
	// Less than a page is to be had on either side: whole pages are given back first.
	least := max(pagesFor(n), 3) - 2
	if least > h.p.nFree {
		return false
	}
	for start, length := range h.p.m.FreeRunsOf(least) {
		end := (start + length) * unitsPerPage
		first := (h.m.StartBefore(start*unitsPerPage) + align - 1) &^ (align - 1)
		if reach := end + h.m.FreeLen(end); first < end && first+n <= reach {
			h.gain(start, length)
			return true
		}
		if most--; most == 0 {
			break
		}
	}
	return false
}

// pagesFor returns how many pages hold n units.
func pagesFor(n uint64) uint64 { return (n + unitsPerPage - 1) / unitsPerPage }

// grow gets pages by growth, so that a run of n units, aligned, is free. Units that are free at the end of the memory count.
// It returns the bare reason of a failure.
func (h *Heap) grow(n, align uint64) error {
	end := h.p.m.StartBefore(h.p.end) // the pages from here on are free, or do not exist yet
	if end > 0 && h.holds(end-1) {
		first := h.m.StartBefore(end * unitsPerPage)
		first = (first + align - 1) &^ (align - 1)
		if first < end*unitsPerPage && first <= maxPages*unitsPerPage-n {
			want := pagesFor(first + n)
			err := h.p.reach(end, want)
			if err == nil {
				h.gain(end, want-end)
			}
			if !errors.Is(err, errNoRoom) && !errors.Is(err, errDisplaced) {
				return err
			}
		}
	}
	nPages := pagesFor(n)
	start, err := h.p.bring(nPages, max(1, align/unitsPerPage))
	if err != nil {
		return err
	}
	h.gain(start, nPages)
	return nil
}

// gain takes n pages at start, which are free in Pages; their units are free.
func (h *Heap) gain(start, n uint64) {
	h.p.takeEach(start, n)
	h.cover(start*unitsPerPage, (start+n)*unitsPerPage)
	h.hold(start, n)
	h.nWhole += n
	if start == 0 {
		h.nWhole--
	}
	if f := h.obs.HeapGained; f != nil {
		f(Range{Page(start), n})
	}
}

// hold makes n pages from start on the heap's, which are covered. Their units are free.
func (h *Heap) hold(start, n uint64) {
	first, end := start*unitsPerPage, (start+n)*unitsPerPage
	for u := first; u < end; u += unitsPerPage {
		pos, _ := h.m.Position(u)
		h.storeHead(pos, headHeld)
		h.m.Unmark(u)
	}
	h.m.Add(first, end-first)
	if !h.holds(start + n) {
		h.m.Mark(end) // if it is covered: the end of the last run
	}
	if start == 0 {
		h.m.Remove(0, 1)
		h.m.Mark(0) // address 0 is null to most guests
	}
	h.nHeld += n
}

// cover makes room for what is to be known of the units [first, end).
func (h *Heap) cover(first, end uint64) {
	before, behind := h.m.Layout(), h.m.End()
	h.m.Cover(first, end-first)
	last, _ := h.m.Position(end - 1)
	switch {
	case h.m.Moved(before):
		h.move(before, last+1)
	case last >= uint64(len(h.units)):
		h.units = append(h.units, make([]unit, last+1-uint64(len(h.units)))...)
	}
	// What lies behind an allocation may be covered only now, and is its end.
	h.m.Mark(behind)
	for w := range before.All() {
		if !h.holds((w.Page + w.N) / unitsPerPage) {
			h.m.Mark(w.Page + w.N)
		}
	}
	h.near = window{}
}

// move follows the map to new positions, n of them at least.
func (h *Heap) move(before pagemap.Layout, n uint64) {
	was, nWas := h.units, uint64(len(h.units))
	for w := range before.All() {
		pos, _ := h.m.Position(w.Page)
		n = max(n, pos+min(w.Pos+w.N, nWas)-min(w.Pos, nWas))
	}
	h.units = make([]unit, n)
	for w := range before.All() {
		pos, _ := h.m.Position(w.Page)
		copy(h.units[pos:], was[min(w.Pos, nWas):min(w.Pos+w.N, nWas)])
	}
	h.reopenAll()
}

// reopenAll finds anew which spans have free slots, after positions have changed.
func (h *Heap) reopenAll() {
	for i := range h.classes {
		c := &h.classes[i]
		c.open.Clear()
		c.cur, c.full, c.spare = 0, 0, 0
	}
	for first := range h.m.Marks() {
		pos, _ := h.m.Position(first)
		if pos >= uint64(len(h.units)) {
			continue
		}
		u := h.units[pos]
		if !u.head.isSpan() {
			continue
		}
		c := &h.classes[u.head.class()]
		if u.live == 0 {
			c.spare = pos
		}
		if u.live != u.head.full() {
			c.open.Add(pos)
			if c.full == 0 {
				h.makeCurrent(c, pos)
			}
		}
	}
}

// holds reports whether a page is the heap's.
func (h *Heap) holds(page uint64) bool {
	pos, ok := h.m.Position(page * unitsPerPage)
	return ok && pos < uint64(len(h.units)) && h.units[pos].head&headHeld != 0
}

// vacate gives back the empty spans that classes keep if nothing at all is in use, and the heap holds more than a few pages.
func (h *Heap) vacate() {
	if h.nHeld <= minWhole || h.nRuns > 0 || h.nLent > 0 {
		return
	}
	for i := range h.classes {
		if h.classes[i].live() > 0 {
			return
		}
	}
	h.reclaim()
}

// tidy returns pages to Pages if there are too many of which no unit is in use: the highest ones. What is too many depends
// on what is left, so that it may take a few rounds.
func (h *Heap) tidy() {
	for h.nWhole > h.mayKeep() {
		h.returnWhole(h.mayKeep() / 2)
	}
}

// mayKeep returns how many pages of which no unit is in use the heap keeps at most. Page 0 is never one of them.
func (h *Heap) mayKeep() uint64 {
	n := max(minWhole, h.nHeld/wholeShare)
	if h.p.opts.pageZero && h.holds(0) {
		n--
	}
	return n
}

// returnWhole returns pages of which no unit is in use to Pages, but for the lowest ones, as many as it is to keep.
func (h *Heap) returnWhole(keep uint64) {
	if h.nWhole <= keep {
		return
	}
	h.whole = h.whole[:0]
	for r := range h.wholePages() {
		skip := min(keep, r.Len)
		keep -= skip
		if r.Len > skip {
			h.whole = append(h.whole, Range{r.Start + Page(skip), r.Len - skip})
		}
	}
	for _, r := range h.whole {
		h.giveBack(r)
	}
}

// wholePages yields the pages of which no unit is in use, ascending.
func (h *Heap) wholePages() iter.Seq[Range] {
	return func(yield func(Range) bool) {
		for first, n := range h.m.FreeRunsOf(unitsPerPage) {
			start, end := pagesFor(first), (first+n)/unitsPerPage
			if end > start && !yield(Range{Page(start), end - start}) {
				return
			}
		}
	}
}

// giveBack returns pages of which no unit is in use to Pages. What they were is marked page by page, as long as they are
// not the heap's, so that the run before them has an end.
func (h *Heap) giveBack(r Range) {
	first := uint64(r.Start) * unitsPerPage
	h.m.Remove(first, r.Len*unitsPerPage)
	for page := range r.Len {
		pos, _ := h.m.Position(first + page*unitsPerPage)
		h.storeHead(pos, 0)
		h.m.Mark(first + page*unitsPerPage)
	}
	h.nHeld -= r.Len
	h.nWhole -= r.Len
	h.p.freeEach(r)
	if f := h.obs.HeapReturned; f != nil {
		f(r)
	}
}
