package linmem

// Put allocates len(data) bytes, as Alloc does, and copies data there. What it fails with is Alloc's, or what the memory's
// View returns; nothing is allocated then.
func (h *Heap) Put(data []byte) (addr uint64, err error) {
	const op = "Heap.Put"
	size := uint64(len(data))
	if addr, err = h.place(placeFor(size), size, 1); err != nil {
		return 0, h.errs.Get(op, 0, size, err)
	}
	if err = h.write(addr, data); err != nil {
		_ = h.Free(addr)
		return 0, h.errs.Get(op, addr, size, err)
	}
	return addr, nil
}

// View returns the n bytes at addr, which must lie inside one allocation, of the bytes that SizeOf counts; addr may be
// inside as well. So a host does not run over its own block. For how long the slice is good, see [Memory.View].
//
// It fails with [ErrNotAllocated] if addr is in no live allocation, with [ErrOutOfBounds] if the range runs over the end of
// the one that it is in, and with what the memory's View returns. What lies in an arena is checked against the arena's
// chunk. The cost is constant, but inside a long run that of the words of 64 units before addr; and that of the memory's
// View.
func (h *Heap) View(addr, n uint64) ([]byte, error) {
	b, ok := h.find(addr)
	if !ok {
		return nil, h.notAllocated("Heap.View", addr)
	}
	if n > b.end()-addr {
		return nil, h.misused(h.errs.Get("Heap.View", addr, n, errOverrun))
	}
	return h.mem.View(addr, n)
}

// write copies data to addr.
func (h *Heap) write(addr uint64, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	view, err := h.mem.View(addr, uint64(len(data)))
	if err != nil {
		return err
	}
	copy(view, data)
	return nil
}
