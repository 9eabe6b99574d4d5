package linmem

// Resize changes the size of an allocation in place: addr then has size bytes, and what it had of these is unchanged. A
// smaller size always fits; a larger one fits in what [Heap.SizeOf] says, and in a run of whole units as long as those
// behind it are free or can be had by growth.
//
// It fails with [ErrNotAllocated] as Free does, and with [ErrOutOfMemory] if it does not fit; nothing has changed then. The
// cost is constant, or for a run that of [Pages.Resize].
func (h *Heap) Resize(addr, size uint64) error {
	const op = "Heap.Resize"
	b, ok := h.allocated(addr)
	if !ok {
		return h.notAllocated(op, addr)
	}
	if err := h.resize(b, size); err != nil {
		return h.errs.Get(op, addr, size, err)
	}
	return nil
}

// resize returns the bare reason of a failure.
func (h *Heap) resize(b block, size uint64) error {
	switch {
	case b.id == classRun:
		return h.resizeRun(b.pos, size)
	case size > b.size:
		return errSlotFull
	}
	return nil
}

// allocated returns the live allocation whose first byte is at addr. A chunk of an arena is none.
func (h *Heap) allocated(addr uint64) (b block, ok bool) {
	b, ok = h.find(addr)
	return b, ok && b.addr == addr && b.id != classChunk
}

// Realloc changes the size of an allocation, in place or by moving it: what it had of size bytes is copied, and the old
// address is free. It moves only what does not fit where it is, or would waste half of its place, and then to the alignment
// of [Heap.Alloc].
//
// It fails with [ErrNotAllocated] as Free does, and with [ErrOutOfMemory] or what the memory's View returns if it cannot
// move; the allocation is as it was then. A smaller size never fails. The cost is that of Resize, or of Alloc, copying and
// Free.
func (h *Heap) Realloc(addr, size uint64) (newAddr uint64, err error) {
	const op = "Heap.Realloc"
	b, ok := h.allocated(addr)
	if !ok {
		return addr, h.notAllocated(op, addr)
	}
	if b.id != classRun && size <= b.size && size > b.size/2 {
		return addr, nil // most often
	}
	if newAddr, err = h.realloc(b, size); err != nil {
		return addr, h.errs.Get(op, addr, size, err)
	}
	return newAddr, nil
}

// realloc returns the bare reason of a failure.
func (h *Heap) realloc(b block, size uint64) (addr uint64, err error) {
	room := b.size
	if b.id == classRun {
		room = min(room, unitsFor(size)<<unitShift)
	}
	if size <= room/2 {
		if addr, err = h.moveTo(b, size); err == nil {
			return addr, nil
		}
		b, _ = h.find(b.addr) // pages may have come, and its position moved
	}
	if h.resize(b, size) == nil {
		return b.addr, nil
	}
	return h.moveTo(b, size)
}

// moveTo moves an allocation to a new place, unless it is of the same class.
func (h *Heap) moveTo(b block, size uint64) (addr uint64, err error) {
	id := placeFor(size)
	if id == b.id && id != classRun {
		return b.addr, nil
	}
	if addr, err = h.place(id, size, 1); err != nil {
		return 0, err
	}
	if err = h.copy(addr, b.addr, min(size, b.size)); err != nil {
		_ = h.Free(addr)
		return 0, err
	}
	if err = h.Free(b.addr); err != nil {
		_ = h.Free(addr) // the owner has freed it meanwhile
		return 0, err
	}
	return addr, nil
}

// copy copies n bytes between two allocations. It asks for one view of all that lies between them: a view costs more than it
// spans where the runtime is in C.
func (h *Heap) copy(to, from, n uint64) error {
	if n == 0 {
		return nil
	}
	low := min(to, from)
	view, err := h.mem.View(low, max(to, from)-low+n)
	if err != nil {
		return err
	}
	copy(view[to-low:][:n], view[from-low:])
	return nil
}

// SizeOf returns how many bytes an allocation may use: those that it was asked for, or more. It fails with [ErrNotAllocated]
// as Free does.
func (h *Heap) SizeOf(addr uint64) (usable uint64, err error) {
	b, ok := h.allocated(addr)
	if !ok {
		return 0, h.notAllocated("Heap.SizeOf", addr)
	}
	return b.size, nil
}
