package linmem

// PageStats describes a [Pages] at one moment. Counts are pages, except for the last four.
type PageStats struct {
	Size        uint64 // the memory's size when last seen: Owned + Foreign
	Owned       uint64 // Free + Allocated; what WithMaxPages limits
	Free        uint64
	Allocated   uint64
	Foreign     uint64 // the guest's, a gap left to it, and a page 0 that is withheld
	LargestFree uint64 // the longest run that can be had without growing

	FreeRuns uint64 // maximal runs of free pages
	Runs     uint64 // live allocations
	Grows    uint64 // growths of the memory by this allocator, or by its source
	Refused  uint64 // growths that it needed and did not have: refused, over budget or frozen
}

// Stats returns the allocator's counters, without asking the memory, and in constant time but for free runs of more than
// 2^31 pages.
func (p *Pages) Stats() PageStats {
	return PageStats{
		Size:        p.end,
		Owned:       p.owned(),
		Free:        p.nFree,
		Allocated:   p.owned() - p.nFree,
		Foreign:     p.nForeign,
		LargestFree: p.m.Longest(),
		FreeRuns:    p.m.NumFreeRuns(),
		Runs:        p.nRuns,
		Grows:       p.nGrows,
		Refused:     p.nRefused,
	}
}

// Fragmentation returns which share of the free pages is not in the longest free run: 0 if all are, or none is free; near 1
// if they are scattered.
func (s PageStats) Fragmentation() float64 {
	if s.Free == 0 {
		return 0
	}
	return 1 - float64(s.LargestFree)/float64(s.Free)
}
