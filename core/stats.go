package linmem

import "iter"

// FreeRanges yields the maximal runs of free pages, ascending. The allocator must not be changed meanwhile.
func (p *Pages) FreeRanges() iter.Seq[Range] {
	return func(yield func(Range) bool) {
		for start, n := range p.free.Runs(p.end) {
			if !yield(Range{Page(start), n}) {
				return
			}
		}
	}
}

// Allocated yields the live allocations, ascending. The allocator must not be changed meanwhile.
func (p *Pages) Allocated() iter.Seq[Range] {
	return func(yield func(Range) bool) {
		for start := p.starts.Next(0, p.end); start < p.end; start = p.starts.Next(start+1, p.end) {
			if p.foreign.has(start) {
				continue
			}
			if !yield(Range{Page(start), p.runEnd(start, p.end) - start}) {
				return
			}
		}
	}
}

// PageStats describes a [Pages] at one moment. Counts are pages, except for the last three.
type PageStats struct {
	Size      uint64 // the memory's size when last seen: Owned + Foreign
	Owned     uint64 // Free + Allocated; what WithMaxPages limits
	Free      uint64
	Allocated uint64
	Foreign   uint64 // the guest's, and a page 0 that is withheld
	Runs      uint64 // live allocations
	Grows     uint64 // growths of the memory by this allocator
	Refused   uint64 // growths that it needed and did not have: refused, over budget or frozen
}

// Stats returns the allocator's counters, in constant time and without asking the memory.
func (p *Pages) Stats() PageStats {
	return PageStats{
		Size:      p.end,
		Owned:     p.owned(),
		Free:      p.nFree,
		Allocated: p.owned() - p.nFree,
		Foreign:   p.nForeign,
		Runs:      p.nRuns,
		Grows:     p.nGrows,
		Refused:   p.nRefused,
	}
}
