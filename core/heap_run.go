package linmem

// allocRun allocates whole units as a run of a class, or a chunk. It returns the bare reason of a failure.
func (h *Heap) allocRun(id classID, size, align uint64) (addr uint64, err error) {
	n := unitsFor(size)
	first, err := h.takeUnits(n, max(1, align>>unitShift))
	if err != nil {
		return 0, err
	}
	pos, _ := h.m.Position(first)
	h.setHead(pos, head(id))
	h.units[pos].live = max(size, 1)
	h.nRuns++
	h.runUnits += n
	h.runBytes += max(size, 1)
	if id == classChunk {
		h.nChunks++
	}
	return first << unitShift, nil
}

// freeRun frees the run or chunk at a position.
func (h *Heap) freeRun(pos uint64) {
	size := h.units[pos].live
	n := unitsFor(size)
	if h.units[pos].head.class() == classChunk {
		h.nChunks--
	}
	h.setHead(pos, 0)
	h.units[pos].live = 0
	h.nRuns--
	h.runUnits -= n
	h.runBytes -= size
	h.freeUnits(h.m.PageAt(pos), n)
}

// resizeRun changes the size of the run at a position in place. It returns the bare reason of a failure.
func (h *Heap) resizeRun(pos, size uint64) error {
	size = max(size, 1)
	first, n, was := h.m.PageAt(pos), unitsFor(size), unitsFor(h.units[pos].live)
	end, want := first+was, first+n
	switch {
	case want > maxPages*unitsPerPage:
		return errNoSpace
	case n > was:
		if err := h.extendUnits(end, want); err != nil {
			return err
		}
		h.m.Remove(end, want-end)
		h.nWhole -= h.m.WholeWords(end, want-end)
		pos, _ = h.m.Position(first)
	}
	h.runUnits += n - was
	h.runBytes += size - h.units[pos].live
	h.units[pos].live = size
	if n < was {
		h.giveUnits(want, was-n)
	}
	return nil
}

// extendUnits makes the units [end, want) free, where end is the end of a run, and grows the memory for it if the units up
// to the memory's end are free. It returns the bare reason of a failure, and has taken no page then.
func (h *Heap) extendUnits(end, want uint64) error {
	reach := h.reach(end, want)
	if reach < want && h.reclaim() {
		reach = h.reach(end, want)
	}
	if reach < want {
		if reach != h.p.end*unitsPerPage {
			return errNoRoom
		}
		if err := h.p.reach(h.p.m.StartBefore(h.p.end), pagesFor(want)); err != nil {
			return err
		}
	}
	for at := end + h.m.FreeLen(end); at < want; at = end + h.m.FreeLen(end) {
		border := at / unitsPerPage
		h.gain(border, min(h.p.m.FreeLen(border), pagesFor(want)-border))
	}
	return nil
}

// reach returns how far units are free from end on, those of free pages included, if not to want.
func (h *Heap) reach(end, want uint64) uint64 {
	for at := end; ; {
		was := at
		at += h.m.FreeLen(at)
		if at%unitsPerPage == 0 && !h.holds(at/unitsPerPage) {
			at += h.p.m.FreeLen(at/unitsPerPage) * unitsPerPage
		}
		if at == was || at >= want {
			return at
		}
	}
}

// takeUnits makes a run of n units that were free, at a multiple of align units, and returns the first. It returns the bare
// reason of a failure.
func (h *Heap) takeUnits(n, align uint64) (first uint64, err error) {
	for {
		if first, ok := h.fitUnits(n, align); ok {
			return first, nil
		}
		// This may have to be done twice: the unit at address 0 is nobody's, so that page 0 may not do.
		if err := h.obtain(n, align); err != nil {
			return 0, err
		}
	}
}

// fitUnits makes a run of n units that are free, with ok = false if there is none.
func (h *Heap) fitUnits(n, align uint64) (first uint64, ok bool) {
	if align == 1 {
		first, ok = h.m.Alloc(n)
	} else if first, ok = h.m.FindAligned(n, align); ok {
		h.m.Remove(first, n)
		h.m.Mark(first)
	}
	if ok {
		h.nWhole -= h.m.WholeWords(first, n)
	}
	return first, ok
}

// freeUnits gives back all units of a run.
func (h *Heap) freeUnits(first, n uint64) {
	if !h.m.Free(first, n) {
		panic("linmem: the units of an allocation are not one run")
	}
	h.nWhole += h.m.WholeWords(first, n)
	h.tidy()
}

// giveUnits gives back the last units of a run.
func (h *Heap) giveUnits(first, n uint64) {
	h.m.Add(first, n)
	h.nWhole += h.m.WholeWords(first, n)
	h.tidy()
}
