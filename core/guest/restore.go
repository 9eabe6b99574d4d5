package guest

import (
	"cmp"
	"fmt"
	"slices"

	linmem "github.com/linmem/linmem/core"
)

// Restore has the heap be what it was when a snapshot of it was taken, by Heap.MarshalBinary: for hosts that keep an
// instance for many requests, and something in the heap that all of these need. Heap is another then, and the one of before
// must not be used any more. Pages that it got since the snapshot are kept, and free; it is not frozen. What the bytes were
// is the caller's to know:
//
//	snapshot, err := g.Heap.MarshalBinary()
//	saved := … // the bytes of all that is in g.Heap.All
//	…          // a request
//	err = g.Restore(snapshot)
//	…          // put the bytes back
//
// It fails with [linmem.ErrUnsupported] if the guest allocates from the heap as well, and would lose its blocks; with
// [linmem.ErrInvalid] if the snapshot is of another heap, one that has pages which this does not have; and as
// [linmem.RestoreHeap] does. The heap is as it was before then. The cost is that of RestoreHeap, and of a look at each run
// of pages.
func (g *Guest) Restore(snapshot []byte) error {
	fail := func(err error) error { return &linmem.Error{Op: "Guest.Restore", Err: err} }
	if g.allocates {
		return fail(fmt.Errorf("%w: the guest's own blocks are in the heap too", linmem.ErrUnsupported))
	}
	h, err := linmem.RestoreHeap(g.mem, snapshot, g.options...)
	if err != nil {
		return fail(err)
	}
	had, have := owned(h.Pages()), owned(g.Heap.Pages())
	if lost := without(had, have); len(lost) > 0 {
		return fail(fmt.Errorf("%w: the snapshot is of another heap: this one does not have its pages %d to %d",
			linmem.ErrInvalid, lost[0].Start, lost[0].End()-1))
	}
	for _, r := range without(have, had) {
		if err := h.Pages().Adopt(r); err != nil {
			return fail(err)
		}
	}
	g.Heap = h
	return nil
}

// owned returns the ranges that p has, ascending; no two touch.
func owned(p *linmem.Pages) (ranges []linmem.Range) {
	all := slices.AppendSeq(slices.Collect(p.FreeRanges()), p.Allocated())
	slices.SortFunc(all, func(a, b linmem.Range) int { return cmp.Compare(a.Start, b.Start) })
	for _, r := range all {
		if n := len(ranges); n > 0 && ranges[n-1].End() == r.Start {
			ranges[n-1].Len += r.Len
			continue
		}
		ranges = append(ranges, r)
	}
	return ranges
}

// without returns what is in a and not in b, both as owned returns them.
func without(a, b []linmem.Range) (rest []linmem.Range) {
	for _, r := range a {
		for _, cut := range b {
			if cut.End() <= r.Start || cut.Start >= r.End() {
				continue
			}
			if cut.Start > r.Start {
				rest = append(rest, linmem.Range{Start: r.Start, Len: uint64(cut.Start - r.Start)})
			}
			if cut.End() >= r.End() {
				r.Len = 0
				break
			}
			r = linmem.Range{Start: cut.End(), Len: uint64(r.End() - cut.End())}
		}
		if r.Len > 0 {
			rest = append(rest, r)
		}
	}
	return rest
}
