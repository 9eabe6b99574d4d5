package linmem

import "github.com/linmem/linmem/core/internal/pagemap"

// Pages allocates runs of pages in a linear memory: address-ordered first fit, and growth when nothing fits. See the
// package's documentation for the model.
//
// Every page below the known end of the memory is in one of three states: free; allocated, that is part of a run; or
// foreign, the guest's. The map m has a bit for a free page, and one that marks the first page of a run; foreign ranges
// are runs in that sense, and are listed in foreign. So is the page at the end, so that the end of a run is found without
// asking whose the next page is.
//
// Costs below name the length of a run in words, of 64 pages each; for what does not depend on it, the README has figures.
// Nothing allocates on the Go heap, except that metadata (at most 3 bits a page) is added when pages become the allocator's,
// and for the first use of an alignment. Holes of up to 4,096 pages between owned ones count as pages in that.
//
// A Pages is for one goroutine at a time.
type Pages struct {
	g      Grower
	opts   options
	frozen bool

	end     uint64 // the memory's size when last seen; pages past it are nobody's yet
	m       pagemap.Map
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
// It takes all options but those that say otherwise.
func NewPages(g Grower, opts ...Option) (*Pages, error) {
	p, size, err := openPages("NewPages", g, opts)
	if err != nil {
		return nil, err
	}
	p.meet(size)
	return p, nil
}

// openPages returns an allocator that knows of no page yet, and the size of its memory.
func openPages(op string, g Grower, opts []Option) (p *Pages, size uint64, err error) {
	if g == nil {
		return nil, 0, &Error{Op: op, Err: errNilGrower}
	}
	p = &Pages{g: g, opts: newOptions(opts)}
	size, err = p.ask()
	if err != nil {
		return nil, 0, &Error{Op: op, Err: err}
	}
	return p, size, nil
}

// Alloc returns the lowest run of n free pages, or the one that [WithPlacement] says, growing the memory if there is none.
// The pages hold whatever was last written there; pages that the memory just grew by are zero.
//
// A growth asks for what is missing and no more, unless [WithGrowth] says so: free pages that touch the memory's end count.
// If the guest has grown its memory meanwhile they no longer touch it, and a second growth makes up for them; if that one is
// refused, what the first one brought stays in the free set. A guest that gets in between again, on a thread of its own, is
// answered by a growth that does with no other pages.
//
// It fails with [ErrInvalid] for 0 pages or more than the address space has, and with [ErrOutOfMemory] for a refused
// growth, a spent budget, or while frozen; what the memory had to say to a refusal goes to the [Observer]. The cost does
// not depend on the number of runs; it is that of a way down a tree, three steps in a full 32-bit memory, and of one pass
// over the run's words.
func (p *Pages) Alloc(n uint64) (Range, error) {
	const op = "Pages.Alloc"
	if n-1 >= maxPages || p.opts.placement != FirstFit {
		return p.alloc(op, n, 1)
	}
	start, ok := p.m.Alloc(n)
	if !ok {
		return p.allocObtained(op, n, 1)
	}
	p.nFree -= n
	p.nRuns++
	return Range{Page(start), n}, nil
}

// AllocAligned is Alloc of a run whose first page is a multiple of align, a power of two in pages ([ErrInvalid]
// otherwise). Pages that a growth skips for the alignment join the free set.
//
// The cost is that of Alloc, and of a visit to each block of 512 pages, or of align pages if that is more, that looks as if
// it held the run, and is found not to; after that it does not look so until a run in it appears or changes. So calls
// together cost no more than the changes between them, however many runs miss the alignment; of runs above 32,767 pages, one
// block each is visited in every call. The first call with an alignment makes an index for it on the Go heap: 0.04 bits a
// page, less for alignments above 512 pages. From then on that index is kept up to date, a few nanoseconds for each change
// of a run that holds an aligned page.
func (p *Pages) AllocAligned(n, align uint64) (Range, error) {
	return p.alloc("Pages.AllocAligned", n, align)
}

func (p *Pages) alloc(op string, n, align uint64) (Range, error) {
	if err := checkRequest(n, align); err != nil {
		return Range{}, p.errs.GetPages(op, 0, n, err)
	}
	if start, ok := p.find(n, align); ok {
		return p.place(start, n), nil
	}
	return p.allocObtained(op, n, align)
}

// allocObtained is alloc where no free run holds the request, which is valid.
func (p *Pages) allocObtained(op string, n, align uint64) (Range, error) {
	start, err := p.obtain(op, n, align)
	if err != nil {
		return Range{}, err
	}
	return p.place(start, n), nil
}

// place makes a run of free pages.
func (p *Pages) place(start, n uint64) Range {
	p.take(start, n)
	p.m.Mark(start)
	p.nRuns++
	return Range{Page(start), n}
}

// Free gives back a run exactly as Alloc or Resize returned it. Anything else (a run freed already, a part of one, a
// page that is not the allocator's) is [ErrNotAllocated]. The cost is two passes over the run's words, one to see that they
// are one run.
func (p *Pages) Free(r Range) error {
	start := uint64(r.Start)
	if start >= p.end || start < p.foreign.end() && p.foreign.has(start) || !p.m.Free(start, r.Len) {
		return p.errs.GetPages("Pages.Free", r.Addr(), r.Len, ErrNotAllocated)
	}
	p.nFree += r.Len
	p.nRuns--
	return nil
}

// Resize changes the length of a run to n pages in place and returns the new range. Shrinking frees the tail;
// extending takes the free pages behind the run, and grows the memory when these reach its end.
//
// On failure it returns r: [ErrNotAllocated] if r is not a live run, [ErrInvalid] as for Alloc, [ErrOutOfMemory] if the
// pages behind are taken or the growth is refused. If the guest has grown its memory meanwhile, the growth lands
// behind the guest's pages: it joins the free set, and the call fails. With [WithSource], and before a [WithGap] was left,
// it never grows. The cost is that of the words of both runs.
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
	if err := p.reach(end, want); err != nil {
		return r, p.errs.GetPages(op, r.Addr(), n, err)
	}
	p.take(end, want-end)
	return Range{r.Start, n}, nil
}

// reach makes sure that [end, want) is free, where end is the end of a run, growing if free pages reach from there to the
// memory's end. It returns the bare reason of a failure.
func (p *Pages) reach(end, want uint64) error {
	reach := end + p.m.FreeLen(end)
	if reach < want {
		if reach < p.end || p.opts.source != nil || p.gap() > 0 {
			return errNoRoom
		}
		if err := p.grow(want - p.end); err != nil {
			return err
		}
		if end+p.m.FreeLen(end) < want {
			return errDisplaced
		}
	}
	return nil
}

// Adopt puts foreign pages into the free set: the caller owns them and gives them to the allocator. They may lie
// anywhere in the memory, below its first owned page too.
//
// It fails with [ErrInvalid] if some page is not foreign, or is page 0 without [WithPageZero], with [ErrOutOfBounds] if
// the memory ends before the range does, and with [ErrOutOfMemory] if the budget does not allow it. The cost is that
// of the range's words and of the list of foreign ranges; for pages that are not near those that the allocator knows, also
// that of all words that it has. It asks the memory for its size, and takes note of what the guest has added, also when it
// fails.
func (p *Pages) Adopt(r Range) error {
	err := p.checkAdopt(r)
	if err == nil && r.Len > p.budget() {
		err = errBudget
	}
	if err != nil {
		return p.errs.GetPages("Pages.Adopt", r.Addr(), r.Len, err)
	}
	p.disown(r)
	return nil
}

// checkAdopt returns why a range cannot become the allocator's, budget aside. It takes note of what the guest has added.
func (p *Pages) checkAdopt(r Range) error {
	switch {
	case r.Len == 0:
		return errZeroPages
	case !r.inSpace():
		return errTooLarge
	case r.Start == 0 && !p.opts.pageZero:
		return errPageZero
	}
	size, err := p.ask()
	if err != nil {
		return err
	}
	p.meet(size)
	switch {
	case uint64(r.End()) > p.end:
		return ErrOutOfBounds
	case !p.foreign.contains(r):
		return errOwned
	}
	return nil
}

// Reserve makes sure that a run of n pages can be had without growing, and grows the memory now if that is not so. It
// fails as Alloc would.
func (p *Pages) Reserve(n uint64) error {
	const op = "Pages.Reserve"
	if err := checkLen(n); err != nil {
		return p.errs.GetPages(op, 0, n, err)
	}
	if _, ok := p.m.Find(n); ok {
		return nil
	}
	_, err := p.obtain(op, n, 1)
	return err
}

// Freeze forbids growth while on: what would need it fails with [ErrOutOfMemory]. Together with [Pages.Reserve] it keeps
// the memory from moving, and the runtime from being called.
func (p *Pages) Freeze(on bool) { p.frozen = on }

// checkRequest returns why no run of n pages, aligned, can ever be.
func checkRequest(n, align uint64) error {
	if err := checkLen(n); err != nil {
		return err
	}
	if align == 0 || align&(align-1) != 0 || align > maxPages {
		return errAlignment
	}
	return nil
}

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
	return p.mayOwn(uint64(r.Start)) && p.m.IsRun(uint64(r.Start), r.Len)
}

// mayOwn reports whether a run that begins at page is not the guest's. Mostly the guest's pages lie all below. Free has this
// written out, since the compiler does not inline it (Pages/Empty).
func (p *Pages) mayOwn(page uint64) bool {
	return page < p.end && (page >= p.foreign.end() || !p.foreign.has(page))
}

// takeEach makes each page of [start, start+n), which are free, a run of its own.
func (p *Pages) takeEach(start, n uint64) {
	p.take(start, n)
	for page := start; page < start+n; page++ {
		p.m.Mark(page)
	}
	p.nRuns += n
}

// freeEach is the opposite of takeEach. A page that is not such a run any more stays what it is.
func (p *Pages) freeEach(r Range) {
	for page := r.Start; page < r.End(); page++ {
		_ = p.Free(Range{page, 1})
	}
}

// take removes [start, start+n) from the free set.
func (p *Pages) take(start, n uint64) {
	p.m.Remove(start, n)
	p.nFree -= n
}

// give adds [start, start+n) to the free set.
func (p *Pages) give(start, n uint64) {
	if n == 0 {
		return
	}
	p.m.Add(start, n)
	p.nFree += n
}
