package linmem

import "errors"

// find returns where n pages are to be placed, with ok = false if no free run holds them.
func (p *Pages) find(n, align uint64) (start uint64, ok bool) {
	if p.opts.placement == BestFit {
		return p.m.FindBest(n, align)
	}
	return p.m.FindAligned(n, align)
}

// obtain grows the memory, or asks the source, so that there is a free run of n pages, aligned, and returns where it starts.
func (p *Pages) obtain(op string, n, align uint64) (start uint64, err error) {
	if (p.frozen || p.budget() == 0) && p.opts.observer.GrowRefused == nil && n+align+p.end+p.gap() < maxPages {
		p.nRefused++ // nobody is to be told by how many pages
		why := errBudget
		if p.frozen {
			why = errFrozen
		}
		return 0, p.errs.refusal(op, n, why)
	}
	if start, err = p.bring(n, align); err != nil {
		return 0, p.errs.GetPages(op, 0, n, err)
	}
	return start, nil
}

// bring is obtain, and returns the bare reason of a failure.
func (p *Pages) bring(n, align uint64) (start uint64, err error) {
	if p.opts.source == nil {
		return p.growFor(n, align)
	}
	if err = p.fromSource(n + align - 1); err != nil {
		return 0, err
	}
	start, _ = p.find(n, align)
	return start, nil
}

// growFor grows the memory until it has n free pages, aligned, at its end, and returns where they start. It returns the
// bare reason of a failure.
//
// Each turn of the loop asks for what is missing behind the free pages at the memory's end. The guest may have put
// pages of its own there since the allocator last looked; that is known only from where the growth landed, and then a
// second turn makes up for the free pages that were cut off. A guest that displaces that one too is growing on another
// thread, and a third growth is large enough wherever it lands.
func (p *Pages) growFor(n, align uint64) (start uint64, err error) {
	for turn := 1; ; turn++ {
		gap := p.gap()
		if gap > maxPages-p.end {
			return 0, errNoSpace
		}
		from := p.end + gap // where pages begin that a growth would bring
		tail := from
		if gap == 0 {
			tail = p.m.StartBefore(p.end)
		}
		if p.withholds(tail) {
			tail = 1
		}
		start := (tail + align - 1) &^ (align - 1)
		if start > maxPages-n {
			return 0, errNoSpace
		}
		if start+n <= p.end {
			return start, nil
		}
		need := start + n - from
		if turn > 2 {
			need = n + align - 1
		}
		if err := p.grow(need); err != nil {
			return 0, err
		}
	}
}

// grow adds need pages or more to the memory and to the free set, wherever they land, behind the gap that is to be left. It
// returns the bare reason of a failure.
func (p *Pages) grow(need uint64) error {
	gap, withheld := p.gap(), uint64(0)
	if gap == 0 && p.withholds(p.end) {
		withheld = 1
	}
	switch {
	case p.frozen:
		return p.refuse(gap+need, errFrozen, errFrozen)
	case need-withheld > p.budget():
		return p.refuse(gap+need, errBudget, errBudget)
	}
	delta := gap + need + p.surplus(need, min(p.budget()+withheld, maxPages-p.end-gap))
	prev, err := p.g.Grow(delta)
	if err != nil && delta > gap+need && !errors.Is(err, ErrClosed) {
		delta = gap + need
		prev, err = p.g.Grow(delta)
	}
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
	p.addForeign(prev + gap)
	if p.withholds(p.end) {
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

// surplus returns how many pages are to be had at once besides need, of room at most in all.
func (p *Pages) surplus(need, room uint64) uint64 {
	return max(need, min(p.opts.growth.extend(need, p.owned()), room)) - need
}

// refuse counts and reports a growth that was not had, and returns why.
func (p *Pages) refuse(delta uint64, reason, cause error) error {
	p.nRefused++
	if f := p.opts.observer.GrowRefused; f != nil {
		f(delta, cause)
	}
	return reason
}

// gap returns how many pages the next growth leaves to the guest: the first one does.
func (p *Pages) gap() uint64 {
	if p.nGrows > 0 {
		return 0
	}
	return p.opts.gap
}

// withholds reports whether page is the null page that nobody gets.
func (p *Pages) withholds(page uint64) bool { return page == 0 && !p.opts.pageZero }

// owned returns the number of pages that the budget counts.
func (p *Pages) owned() uint64 { return p.end - p.nForeign }

// budget returns how many more pages may be owned.
func (p *Pages) budget() uint64 { return p.opts.maxPages - min(p.owned(), p.opts.maxPages) }

// fromSource has the source bring need pages or more, which become free. It returns the bare reason of a failure.
func (p *Pages) fromSource(need uint64) error {
	switch {
	case need > maxPages:
		return errNoSpace
	case p.frozen:
		return p.refuse(need, errFrozen, errFrozen)
	case need > p.budget():
		return p.refuse(need, errBudget, errBudget)
	}
	n := need + p.surplus(need, p.budget())
	r, err := p.opts.source(n)
	if err != nil && n > need && !errors.Is(err, ErrClosed) {
		n = need
		r, err = p.opts.source(n)
	}
	switch {
	case errors.Is(err, ErrClosed):
		return p.refuse(n, ErrClosed, err)
	case err != nil:
		return p.refuse(n, errSource, err)
	case r.Len < n || p.checkAdopt(r) != nil:
		return errBadSource
	}
	r.Len = min(r.Len, p.budget())
	p.disown(r)
	p.nGrows++
	if f := p.opts.observer.Source; f != nil {
		f(r)
	}
	return nil
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
	if p.closed() {
		return 0, ErrClosed
	}
	return 0, errWentBack
}

// closed reports whether the memory's owner was closed.
func (p *Pages) closed() bool {
	_, err := p.g.Grow(0)
	return errors.Is(err, ErrClosed)
}

// meet notes that the guest has grown the memory to size, if it has.
func (p *Pages) meet(size uint64) {
	start := p.end
	p.addForeign(size)
	if f := p.opts.observer.Foreign; f != nil && start < size {
		f(Range{Page(start), size - start})
	}
}
