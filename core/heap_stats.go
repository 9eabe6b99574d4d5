package linmem

// HeapStats describes a [Heap] at one moment, in bytes where the name says no other unit.
type HeapStats struct {
	Live      uint64 // in allocations, as SizeOf counts, chunks of arenas included
	Requested uint64 // of these, what the allocations were asked for: for runs exactly, for slots an estimate, see ClassStats
	Committed uint64 // in pages that the heap holds
	Cached    uint64 // in free slots that a Local has for itself

	Allocs uint64 // live allocations
	Runs   uint64 // of those, runs of whole units, chunks of arenas included
	Chunks uint64 // of those, chunks of arenas

	Classes []ClassStats // ascending by size; those without a span are left out
}

// ClassStats describes a size class. Counts are slots.
type ClassStats struct {
	Size   uint64 // bytes in a slot
	Live   uint64
	Free   uint64
	Cached uint64 // free as well, and a Local's
	Spans  uint64

	// Requested is an estimate of the bytes that live slots were asked for: their number times the mean over all allocations
	// of the class so far. Sizes are not kept slot by slot.
	Requested uint64
}

// InsideWaste returns the bytes that allocations have and were not asked for; an estimate as Requested is.
func (s HeapStats) InsideWaste() uint64 { return s.Live - min(s.Requested, s.Live) }

// BetweenWaste returns the bytes of the heap's pages that are in no allocation: free slots, the ends of spans, and free
// units.
func (s HeapStats) BetweenWaste() uint64 { return s.Committed - s.Live }

// Stats returns the heap's counters, without asking the memory. The cost is that of the number of classes.
func (h *Heap) Stats() HeapStats {
	s := HeapStats{
		Live:      h.runUnits << unitShift,
		Requested: h.runBytes,
		Committed: h.nHeld * PageSize,
		Allocs:    h.nRuns,
		Runs:      h.nRuns,
		Chunks:    h.nChunks,
	}
	var classes [maxClasses]ClassStats
	for i := range h.classes {
		c := &h.classes[i]
		classes[i] = ClassStats{Size: c.size, Live: c.live(), Free: c.nSlots - c.live(), Spans: c.nSpans}
	}
	h.countLent(&s, &classes)
	for i, k := range classes {
		if k.Spans == 0 {
			continue
		}
		k.Requested = share(h.classes[i].asked, k.Live, h.classes[i].allocs)
		s.Live += k.Live * k.Size
		s.Requested += k.Requested
		s.Allocs += k.Live
		s.Classes = append(s.Classes, k)
	}
	return s
}

// share returns x*part/all.
func share(x, part, all uint64) uint64 {
	if all == 0 {
		return 0
	}
	return uint64(float64(x) * (float64(part) / float64(all)))
}
