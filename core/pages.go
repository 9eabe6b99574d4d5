package linmem

import (
	"github.com/linmem/linmem/core/internal/bitmap"
	"github.com/linmem/linmem/core/internal/freeset"
)

// Pages allocates runs of pages in a linear memory: address-ordered first fit, and growth when nothing fits. See the
// package's documentation for the model.
//
// Every page below the known end of the memory is in one of three states. A free page is in the set free. An
// allocated page belongs to a run whose first page is in the set starts. A foreign page is the guest's; the ranges
// of foreign pages are listed in foreign, and the first page of each is in starts too, so that the end of a run is
// found without asking whose the next page is. An interior page of a run is in neither set.
//
// Costs below are in words of 64 pages. Nothing allocates on the Go heap, except that metadata (two bits a page, in
// chunks of 4,096 pages) is added when the memory grows.
//
// A Pages is for one goroutine at a time.
type Pages struct {
	g      Grower
	opts   options
	frozen bool

	end     uint64 // the memory's size when last seen; pages past it are nobody's yet
	free    freeset.Set
	starts  bitmap.Set
	foreign ranges

	nFree, nForeign uint64 // pages; what is left of end is allocated
	nRuns           uint64 // live allocations
	nGrows          uint64 // growths that succeeded
	nRefused        uint64 // growths needed and not had

	errs ErrorPool
}

// NewPages returns an allocator that owns no page of g yet. The pages that exist are the guest's. It fails with
// [ErrInvalid] if g is nil.
//
// It takes [WithMaxPages], [WithPageZero] and [WithObserver].
func NewPages(g Grower, opts ...Option) (*Pages, error) {
	if g == nil {
		return nil, &Error{Op: "NewPages", Err: errNilGrower}
	}
	p := &Pages{g: g, opts: newOptions(opts)}
	size, err := p.ask()
	if err != nil {
		return nil, &Error{Op: "NewPages", Err: err}
	}
	p.meet(size)
	return p, nil
}

// Alloc returns the lowest run of n free pages, growing the memory if there is none. The pages hold whatever was last
// written there; pages that the memory just grew by are zero.
//
// A growth asks for what is missing and no more: free pages that touch the memory's end count. If the guest has grown
// its memory meanwhile they no longer touch it, and a second growth makes up for them; if that one is refused, what
// the first one brought stays in the free set. A guest that gets in between again, on a thread of its own, is answered
// by a growth that does with no other pages.
//
// It fails with [ErrInvalid] for 0 pages or more than the address space has, and with [ErrOutOfMemory] for a refused
// growth, a spent budget, or while frozen; what the memory had to say to a refusal goes to the [Observer]. The cost is
// that of the words below the result.
func (p *Pages) Alloc(n uint64) (Range, error) {
	return p.alloc("Pages.Alloc", n, 1)
}

// AllocAligned is Alloc of a run whose first page is a multiple of align, a power of two in pages ([ErrInvalid]
// otherwise). Pages that a growth skips for the alignment join the free set. The cost is that of the words and the free
// runs below the result.
func (p *Pages) AllocAligned(n, align uint64) (Range, error) {
	return p.alloc("Pages.AllocAligned", n, align)
}

func (p *Pages) alloc(op string, n, align uint64) (Range, error) {
	start, err := p.ensure(op, n, align)
	if err != nil {
		return Range{}, err
	}
	p.take(start, n)
	p.starts.Add(start, 1)
	p.nRuns++
	return Range{Page(start), n}, nil
}

// Free gives back a run exactly as Alloc or Resize returned it. Anything else (a run freed already, a part of one, a
// page that is not the allocator's) is [ErrNotAllocated]. The cost is one pass over the run's words.
func (p *Pages) Free(r Range) error {
	if !p.isRun(r) {
		return p.errs.GetPages("Pages.Free", r.Addr(), r.Len, ErrNotAllocated)
	}
	p.starts.Remove(uint64(r.Start), 1)
	p.give(uint64(r.Start), r.Len)
	p.nRuns--
	return nil
}

// Resize changes the length of a run to n pages in place and returns the new range. Shrinking frees the tail;
// extending takes the free pages behind the run, and grows the memory when these reach its end.
//
// On failure it returns r: [ErrNotAllocated] if r is not a live run, [ErrInvalid] as for Alloc, [ErrOutOfMemory] if the
// pages behind are taken or the growth is refused. If the guest has grown its memory meanwhile, the growth lands
// behind the guest's pages: it joins the free set, and the call fails. The cost is that of the words of both runs.
func (p *Pages) Resize(r Range, n uint64) (Range, error) {
	const op = "Pages.Resize"
	if !p.isRun(r) {
		return r, p.errs.GetPages(op, r.Addr(), r.Len, ErrNotAllocated)
	}
	if err := checkLen(n); err != nil {
		return r, p.errs.GetPages(op, r.Addr(), n, err)
	}
	end, want := uint64(r.End()), uint64(r.Start)+n
	switch {
	case want <= end:
		p.give(want, end-want)
		return Range{r.Start, n}, nil
	case want > maxPages:
		return r, p.errs.GetPages(op, r.Addr(), n, errNoSpace)
	}
	reach := p.free.NextAbsent(end, min(want, p.end))
	if reach < want {
		if reach < p.end {
			return r, p.errs.GetPages(op, r.Addr(), n, errNoRoom)
		}
		before := p.end
		if err := p.grow(want - before); err != nil {
			return r, p.errs.GetPages(op, r.Addr(), n, err)
		}
		if p.free.NextAbsent(before, want) < want {
			return r, p.errs.GetPages(op, r.Addr(), n, errDisplaced)
		}
	}
	p.take(end, want-end)
	return Range{r.Start, n}, nil
}

// Adopt puts foreign pages into the free set: the caller owns them and gives them to the allocator. They may lie
// anywhere in the memory, below its first owned page too.
//
// It fails with [ErrInvalid] if some page is not foreign, or is page 0 without [WithPageZero], with [ErrOutOfBounds] if
// the memory ends before the range does, and with [ErrOutOfMemory] if the budget does not allow it. The cost is that
// of the range's words and of the list of foreign ranges. It asks the memory for its size, and takes note of what the
// guest has added, also when it fails.
func (p *Pages) Adopt(r Range) error {
	const op = "Pages.Adopt"
	fail := func(err error) error { return p.errs.GetPages(op, r.Addr(), r.Len, err) }
	switch {
	case r.Len == 0:
		return fail(errZeroPages)
	case !r.inSpace():
		return fail(errTooLarge)
	case r.Start == 0 && !p.opts.pageZero:
		return fail(errPageZero)
	}
	size, err := p.ask()
	if err != nil {
		return fail(err)
	}
	p.meet(size)
	switch {
	case uint64(r.End()) > p.end:
		return fail(ErrOutOfBounds)
	case !p.foreign.contains(r):
		return fail(errOwned)
	case r.Len > p.budget():
		return fail(errBudget)
	}
	p.disown(r)
	return nil
}

// Reserve makes sure that a run of n pages can be had without growing, and grows the memory now if that is not so. It
// fails as Alloc would.
func (p *Pages) Reserve(n uint64) error {
	_, err := p.ensure("Pages.Reserve", n, 1)
	return err
}

// Freeze forbids growth while on: what would need it fails with [ErrOutOfMemory]. Together with [Pages.Reserve] it keeps
// the memory from moving, and the runtime from being called.
func (p *Pages) Freeze(on bool) { p.frozen = on }

// checkLen returns why a run of n pages can never be.
func checkLen(n uint64) error {
	switch {
	case n == 0:
		return errZeroPages
	case n > maxPages:
		return errTooLarge
	}
	return nil
}

// isRun reports whether r is exactly one live allocation.
func (p *Pages) isRun(r Range) bool {
	if !r.inSpace() {
		return false
	}
	start, end := uint64(r.Start), uint64(r.End())
	return end <= p.end && p.starts.Has(start) && p.runEnd(start, min(end+1, p.end)) == end && !p.foreign.has(start)
}

// runEnd returns the end of the run of allocated or foreign pages that begins at start, or limit if it is not below.
func (p *Pages) runEnd(start, limit uint64) uint64 {
	return p.free.Next(start+1, p.starts.Next(start+1, limit))
}

// take removes [start, start+n) from the free set.
func (p *Pages) take(start, n uint64) {
	p.free.Remove(start, n)
	p.nFree -= n
}

// give adds [start, start+n) to the free set.
func (p *Pages) give(start, n uint64) {
	if n == 0 {
		return
	}
	p.free.Add(start, n)
	p.nFree += n
}
