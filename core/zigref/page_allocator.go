package zigref

import linmem "github.com/linmem/linmem/core"

const (
	// conventionalPages is the size of the block on the host: 16 segments, which are 128 MiB and more than most guests
	// ever have, for 256 bytes.
	conventionalPages = 16 * segmentPages

	// extendedOffset is the page that the first bit of the extended block stands for.
	extendedOffset = conventionalPages
)

// PageAllocator is Zig's WasmPageAllocator: first fit over a bitmap of free pages. See the package documentation.
type PageAllocator struct {
	m            memory
	conventional [conventionalPages / 8]byte
	extended     usize // page that holds the extended block; 0 until it is stolen
	errs         linmem.ErrorPool
}

// NewPageAllocator returns an allocator that owns no page of m yet; m must not be nil.
func NewPageAllocator(m linmem.Memory) *PageAllocator { return &PageAllocator{m: memory{m}} }

// Alloc returns the address of n bytes, rounded up to pages, growing the memory if no free run is found. Their contents are
// undefined.
//
// The alignment is 1<<log2Align bytes. A free run is tried for it at its start, and where it crosses into another segment
// of 128 pages; growth drops pages until the memory's end is aligned, and these become free. In the extended block the
// alignment is that of the offset from page 2,048, so alignments above 128 MiB are not honored there.
//
// It fails with [linmem.ErrOutOfMemory] if the memory cannot grow, or grew from 0 pages, which the original takes for a
// refusal; with [linmem.ErrInvalid] if log2Align is above 31; and with [linmem.ErrCorrupt] if the memory grew during the
// call, or if the extended block calls pages free that cannot be. In the last case nothing has changed, and the same call
// fails again until the block is mended.
func (a *PageAllocator) Alloc(n uint64, log2Align uint8) (addr uint64, err error) {
	const op = "zigref.PageAllocator.Alloc"
	switch {
	case log2Align > maxLog2Align:
		return 0, a.errs.Get(op, 0, n, errAlignment)
	case n > maxUsize-(pageSize-1): // the rounding up would wrap
		return 0, a.errs.Get(op, 0, n, errTooLarge)
	}
	page, err := a.allocPages(nPages(usize(n)), log2Align)
	if err != nil {
		return 0, a.errs.Get(op, 0, n, err)
	}
	// A pointer to 0 is no result in Zig either. It takes a size of 0 at the end of a full memory to come here.
	if addr := page * pageSize; addr != 0 {
		return uint64(addr), nil
	}
	return 0, a.errs.Get(op, 0, n, errNull)
}

// Resize changes the size of an allocation from n to newN bytes where it is, and reports whether it could. It never grows
// past the pages that n takes. Shrinking by a page or more frees the tail.
//
// It is false, nothing changed, for what Free would refuse.
func (a *PageAllocator) Resize(addr, n, newN uint64) bool {
	start, end, err := a.pages(addr, n)
	if err != nil || newN > uint64(end-start)*pageSize {
		return false
	}
	if newEnd := start + nPages(usize(newN)); newEnd != end {
		return a.freePages(newEnd, end) == nil
	}
	return true
}

// Free frees the n bytes at addr, rounded up to pages. The first time that a page from 2,048 on is freed, the last page of
// that range is stolen for the extended block. The time is proportional to the number of pages.
//
// It fails with [linmem.ErrNotAllocated], nothing changed, for what cannot be an allocation: misaligned, not inside the
// memory, or with the stolen page in it. It keeps no record of allocations, so a double free, or a range that was never
// handed out, is taken at the caller's word, as in Zig. To free 0 bytes where an allocation could be does nothing.
func (a *PageAllocator) Free(addr, n uint64) error {
	const op = "zigref.PageAllocator.Free"
	start, end, err := a.pages(addr, n)
	if err != nil {
		return a.errs.Get(op, addr, n, err)
	}
	if start == end { // the original would steal a page that nobody freed
		return nil
	}
	if err := a.freePages(start, end); err != nil {
		return a.errs.Get(op, addr, n, err)
	}
	return nil
}

func (a *PageAllocator) allocPages(pageCount usize, log2Align uint8) (page usize, err error) {
	conventional := freeBlock(a.conventional[:])
	if page, ok := conventional.findRecycled(pageCount, log2Align); ok {
		conventional.use(page, pageCount)
		return page, nil
	}
	if a.extended != 0 {
		extended, err := a.extendedBlock()
		if err != nil {
			return 0, err
		}
		if page, ok := extended.findRecycled(pageCount, log2Align); ok {
			start := page + extendedOffset
			if a.m.holds(uint64(start)*pageSize, uint64(pageCount)*pageSize) != nil || a.coversExtended(start, pageCount) {
				return 0, errBitmap
			}
			extended.use(page, pageCount)
			return start, nil
		}
	}
	return a.growPages(pageCount, log2Align)
}

// growPages takes the pages from new memory.
func (a *PageAllocator) growPages(pageCount usize, log2Align uint8) (page usize, err error) {
	// The sums wrap at 4 GiB, and past it, where no growth succeeds.
	nextPage := usize(a.m.NumPages())
	nextAddr := nextPage * pageSize
	dropPages := (alignForward(nextAddr, 1<<log2Align) - nextAddr) / pageSize
	prev, err := a.m.grow(dropPages + pageCount)
	switch {
	case err != nil:
		return 0, err
	case prev != nextPage: // asserted in the original
		return 0, errGrewBetween
	case dropPages > 0:
		if err := a.freePages(nextPage, nextPage+dropPages); err != nil {
			return 0, err
		}
	}
	return nextPage + dropPages, nil
}

// freePages frees the pages from start up to end, at least one.
func (a *PageAllocator) freePages(start, end usize) error {
	var extended freeBlock
	newEnd := end
	if end > extendedOffset {
		stolen := a.extended == 0
		if stolen {
			newEnd--
			a.extended = newEnd
		}
		var err error
		if extended, err = a.extendedBlock(); err != nil {
			if stolen {
				a.extended = 0
			}
			return err
		}
		if stolen {
			clear(extended) // no page from 2,048 on was free so far
		}
	}
	if start < extendedOffset {
		freeBlock(a.conventional[:]).recycle(start, min(extendedOffset, end)-start)
	}
	if end > extendedOffset {
		clampedStart := max(extendedOffset, start)
		extended.recycle(clampedStart-extendedOffset, newEnd-clampedStart)
	}
	return nil
}

// extendedBlock returns the block in the stolen page, as the guest has left it.
func (a *PageAllocator) extendedBlock() (freeBlock, error) {
	view, err := a.m.View(uint64(a.extended)*pageSize, pageSize)
	return view, reason(err)
}

// coversExtended reports whether the page that holds the extended block is among these, of which none is page 0.
func (a *PageAllocator) coversExtended(start, n usize) bool {
	return start <= a.extended && a.extended < start+n
}

// pages returns the pages that an allocation of n bytes at addr takes, or why there cannot be one.
func (a *PageAllocator) pages(addr, n uint64) (start, end usize, err error) {
	if addr%pageSize != 0 || n > maxUsize-(pageSize-1) {
		return 0, 0, linmem.ErrNotAllocated
	}
	count := nPages(usize(n))
	if err := a.m.holds(addr, uint64(count)*pageSize); err != nil {
		return 0, 0, err
	}
	if start = usize(addr / pageSize); a.coversExtended(start, count) {
		return 0, 0, linmem.ErrNotAllocated
	}
	return start, start + count, nil
}

// nPages rounds up to pages.
func nPages(nBytes usize) usize { return alignForward(nBytes, pageSize) / pageSize }
