package linmem

import "errors"

// ensure returns the start of a free run of n pages, aligned, having grown the memory if there was none.
//
// Each turn of the loop asks for what is missing behind the free pages at the memory's end. The guest may have put
// pages of its own there since the allocator last looked; that is known only from where the growth landed, and then a
// second turn makes up for the free pages that were cut off. A guest that displaces that one too is growing on another
// thread, and a third growth is large enough wherever it lands.
func (p *Pages) ensure(op string, n, align uint64) (start uint64, err error) {
	if err := checkLen(n); err != nil {
		return 0, p.errs.GetPages(op, 0, n, err)
	}
	if align == 0 || align&(align-1) != 0 || align > maxPages {
		return 0, p.errs.GetPages(op, 0, n, errAlignment)
	}
	if start, ok := p.free.FindRun(n, align, p.end); ok {
		return start, nil
	}
	for turn := 1; ; turn++ {
		tail := p.free.RunBefore(p.end)
		if p.withholds(tail) {
			tail = 1
		}
		start := (tail + align - 1) &^ (align - 1)
		if start > maxPages-n {
			return 0, p.errs.GetPages(op, 0, n, errNoSpace)
		}
		if start+n <= p.end {
			return start, nil
		}
		delta := start + n - p.end
		if turn > 2 {
			delta = n + align - 1
		}
		if err := p.grow(delta); err != nil {
			return 0, p.errs.GetPages(op, 0, n, err)
		}
	}
}

// grow adds delta pages to the memory and to the free set, wherever they land. It returns the bare reason of a failure.
func (p *Pages) grow(delta uint64) error {
	withheld := uint64(0)
	if p.withholds(p.end) {
		withheld = 1
	}
	switch {
	case p.frozen:
		return p.refuse(delta, errFrozen, errFrozen)
	case delta-withheld > p.budget():
		return p.refuse(delta, errBudget, errBudget)
	}
	prev, err := p.g.Grow(delta)
	switch {
	case errors.Is(err, ErrClosed):
		return p.refuse(delta, ErrClosed, err)
	case err != nil:
		return p.refuse(delta, errRefused, err)
	case prev < p.end:
		return errWentBack
	case delta > maxPages || prev > maxPages-delta:
		return errGrewTooFar
	}
	end := prev + delta
	p.meet(prev)
	if p.withholds(prev) {
		p.addForeign(1)
	}
	if over := end - p.end; over > p.budget() {
		// The growth was to bring page 0, which is free of charge, and the guest took that one first.
		p.addForeign(end - p.budget())
	}
	p.own(end)
	p.nGrows++
	if f := p.opts.observer.Grow; f != nil {
		f(prev, delta)
	}
	return nil
}

// refuse counts and reports a growth that was not had, and returns why.
func (p *Pages) refuse(delta uint64, reason, cause error) error {
	p.nRefused++
	if f := p.opts.observer.GrowRefused; f != nil {
		f(delta, cause)
	}
	return reason
}

// withholds reports whether page is the null page that nobody gets.
func (p *Pages) withholds(page uint64) bool { return page == 0 && !p.opts.pageZero }

// owned returns the number of pages that the budget counts.
func (p *Pages) owned() uint64 { return p.end - p.nForeign }

// budget returns how many more pages may be owned.
func (p *Pages) budget() uint64 { return p.opts.maxPages - min(p.owned(), p.opts.maxPages) }

// own moves the known end of the memory up to end; the pages up to it are free.
func (p *Pages) own(end uint64) {
	start, n := p.end, end-p.end
	p.starts.Reserve(start, n)
	p.end = end
	p.give(start, n)
}

// ask returns the memory's size, which is not below what it was known to be: a closed memory has 0 pages, and only Grow
// says why.
func (p *Pages) ask() (size uint64, err error) {
	size = p.g.NumPages()
	switch {
	case size > maxPages:
		return 0, errGrewTooFar
	case size >= p.end:
		return size, nil
	}
	if _, err := p.g.Grow(0); errors.Is(err, ErrClosed) {
		return 0, ErrClosed
	}
	return 0, errWentBack
}

// meet notes that the guest has grown the memory to size, if it has.
func (p *Pages) meet(size uint64) {
	start := p.end
	p.addForeign(size)
	if f := p.opts.observer.Foreign; f != nil && start < size {
		f(Range{Page(start), size - start})
	}
}

// addForeign moves the known end of the memory up to end; the pages up to it are foreign.
func (p *Pages) addForeign(end uint64) {
	if end <= p.end {
		return
	}
	r := Range{Page(p.end), end - p.end}
	if p.foreign.push(r) {
		p.starts.Add(p.end, 1)
	}
	p.end = end
	p.nForeign += r.Len
}

// disown turns foreign pages into free ones.
func (p *Pages) disown(r Range) {
	gap := p.foreign.cut(r)
	p.starts.Reserve(uint64(r.Start), r.Len)
	if gap.Start == r.Start {
		p.starts.Remove(uint64(r.Start), 1)
	}
	if gap.End() != r.End() {
		p.starts.Add(uint64(r.End()), 1)
	}
	p.nForeign -= r.Len
	p.give(uint64(r.Start), r.Len)
}
