package guest

import (
	"context"
	"errors"
	"fmt"
	"math"

	linmem "github.com/linmem/linmem/core"
)

// regions are where a heap's pages come from, if not from its own growth: each time that it needs some, it gets a region
// with canaries at both ends.
type regions struct {
	mem      *memory
	canaries *canaries

	// take gets n pages of room, which need not begin at a page, and the bytes for canaries on both sides.
	take func(nPages uint64) (byteRange, error)

	all     []byteRange
	refused error // why there was none, the last time
}

var errPinned = fmt.Errorf("%w: the memory is pinned: Reserve before Pin, or Unpin it first", linmem.ErrOutOfMemory)

// regionPages is what the size of a region is a multiple of, in pages, unless the caller has another growth or the guest has
// no more: each region costs a call, and a page or two for canaries.
const regionPages = 16

// minCanary is how many bytes of canaries a region has at each end at least.
const minCanary = 64

// source is a [linmem.WithSource].
func (s *regions) source(n uint64) (linmem.Range, error) {
	r, err := s.get(n)
	s.refused = err
	return r, err
}

// get takes a region of n whole pages.
func (s *regions) get(n uint64) (linmem.Range, error) {
	switch {
	case s.mem.closed.Load():
		return linmem.Range{}, linmem.ErrClosed
	case s.mem.IsPinned(): // to take some would call the guest, or the runtime
		return linmem.Range{}, errPinned
	}
	taken, err := s.take(n)
	if err != nil {
		return linmem.Range{}, err
	}
	s.all = append(s.all, taken)
	for _, other := range s.all[:len(s.all)-1] {
		if taken.overlaps(other) {
			return linmem.Range{}, fmt.Errorf("%w: the region %v that is to be the host's overlaps another, %v",
				linmem.ErrCorrupt, taken, other)
		}
	}
	first := (taken.addr + minCanary + linmem.PageSize - 1) / linmem.PageSize
	end := (taken.end - minCanary) / linmem.PageSize
	r := linmem.Range{Start: linmem.Page(first), Len: end - first}
	inner := pagesOf(r)
	if err := s.canaries.add(byteRange{taken.addr, inner.addr}); err != nil {
		return linmem.Range{}, err
	}
	return r, s.canaries.add(byteRange{inner.end, taken.end})
}

// fromAllocator takes regions from the guest's own allocator. What that returns is not taken at its word: a guest may export
// something else by the name of an allocator.
func fromAllocator(ctx context.Context, inst Instance, r *Report, a *Allocator) func(nPages uint64) (byteRange, error) {
	low := r.DataEnd
	if r.HeapBase != nil {
		low = max(low, *r.HeapBase)
	}
	return func(nPages uint64) (byteRange, error) {
		// Whatever the address, a page more than n holds n whole pages.
		if nPages > math.MaxUint64/linmem.PageSize-2 {
			return byteRange{}, linmem.ErrOutOfMemory
		}
		size := (nPages+1)*linmem.PageSize + 2*minCanary
		addr, err := a.alloc(ctx, inst, size)
		if err == nil && addr < low {
			err = fmt.Errorf("%w: the guest's %q returned %#x, and its static data ends at %#x",
				linmem.ErrCorrupt, a.Alloc.Name, addr, low)
		}
		return byteRange{addr, addr + size}, err
	}
}

// fromGrowth takes regions by growing the memory, with a page for canaries at each end.
func fromGrowth(mem linmem.Grower) func(nPages uint64) (byteRange, error) {
	return func(nPages uint64) (byteRange, error) {
		prev, err := mem.Grow(nPages + 2)
		return byteRange{prev * linmem.PageSize, (prev + nPages + 2) * linmem.PageSize}, err
	}
}

// fromFrozenGrowth is fromGrowth for a memory that is kept from growing otherwise.
func fromFrozenGrowth(mem linmem.Grower, l Limiter) func(nPages uint64) (byteRange, error) {
	take := fromGrowth(mem)
	return func(nPages uint64) (taken byteRange, err error) {
		err = l.LimitPages(mem.NumPages() + nPages + 2)
		if err == nil {
			taken, err = take(nPages)
		}
		return taken, errors.Join(err, l.LimitPages(mem.NumPages()))
	}
}

// once takes one region, which is there already, and no other.
func once(region byteRange) func(nPages uint64) (byteRange, error) {
	isTaken := false
	return func(nPages uint64) (byteRange, error) {
		size := region.end - region.addr
		if isTaken || nPages+2 > size/linmem.PageSize {
			return byteRange{}, fmt.Errorf("%w: the host has %d pages, two for canaries, and can have no others: raise WithHostPages",
				linmem.ErrOutOfMemory, size/linmem.PageSize)
		}
		isTaken = true
		return region, nil
	}
}
