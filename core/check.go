package linmem

import "fmt"

// Check walks everything that the allocator knows and returns an [ErrCorrupt] that names the first contradiction, or
// nil; a closed memory is [ErrClosed]. It costs time in proportion to the number of owned pages, and asks the
// memory for its size. It is meant for tests, and for a program that suspects a stray write of its own.
func (p *Pages) Check() error {
	if _, err := p.ask(); err != nil {
		return &Error{Op: "Pages.Check", Err: err}
	}
	page, reason := p.check()
	if reason == "" {
		return nil
	}
	return &Error{Op: "Pages.Check", Addr: Page(page).Addr(), Err: fmt.Errorf("%w: %s", ErrCorrupt, reason)}
}

// check returns the first contradiction, and the page that it is about; "" if there is none.
func (p *Pages) check() (page uint64, reason string) {
	if p.owned() > p.opts.maxPages {
		return 0, fmt.Sprintf("%d pages are owned, over the budget of %d", p.owned(), p.opts.maxPages)
	}
	if p.withholds(0) && p.end > 0 && !p.foreign.has(0) {
		return 0, "page 0 is owned"
	}
	nForeign := uint64(0)
	for i, r := range p.foreign {
		if r.Len == 0 || i > 0 && r.Start <= p.foreign[i-1].End() {
			return uint64(r.Start), fmt.Sprintf("foreign pages %v are empty, out of order, or part of a longer range", r)
		}
		nForeign += r.Len
	}
	if err := p.m.Check(); err != nil {
		return 0, err.Error()
	}
	if page, reason = p.checkRuns(); reason != "" {
		return page, reason
	}
	nFree := uint64(0)
	for start, n := range p.m.FreeRuns() {
		if start+n > p.end {
			return start, fmt.Sprintf("pages from %d to %d are free, past the end", start, start+n)
		}
		nFree += n
	}
	if nFree != p.nFree || nForeign != p.nForeign {
		return 0, fmt.Sprintf("counted %d free and %d foreign pages, where the counters say %d and %d",
			nFree, nForeign, p.nFree, p.nForeign)
	}
	return 0, ""
}

// checkRuns walks the pages as the runs that they form: each must begin where the last one ended, and be marked there
// unless it is free; nothing else may be marked but the end.
func (p *Pages) checkRuns() (page uint64, reason string) {
	nRuns, nMarks, foreign := uint64(0), uint64(0), p.foreign
	for at := uint64(0); at < p.end; {
		n, marked := p.m.FreeLen(at), p.m.Marked(at)
		switch {
		case len(foreign) > 0 && uint64(foreign[0].Start) == at:
			if p.m.Covered(at) && !marked {
				return at, fmt.Sprintf("foreign pages %v are not marked as such", foreign[0])
			}
			n, foreign = foreign[0].Len, foreign[1:]
		case n == 0 && marked:
			n = p.m.RunLen(at)
			nRuns++
		case n == 0:
			return at, fmt.Sprintf("page %d is neither free nor part of a run", at)
		}
		if marked {
			nMarks++
		}
		at += n
	}
	if len(foreign) > 0 {
		return uint64(foreign[0].Start), fmt.Sprintf("foreign pages %v are listed, but others are there", foreign[0])
	}
	if p.m.Covered(p.end) {
		if !p.m.Marked(p.end) {
			return p.end, fmt.Sprintf("the memory's end, page %d, is not marked", p.end)
		}
		nMarks++
	}
	last := uint64(0)
	for page := range p.m.Marks() {
		nMarks--
		last = page
	}
	if nMarks != 0 {
		return last, fmt.Sprintf("%d marked pages, up to %d, start nothing", -nMarks, last)
	}
	if nRuns != p.nRuns {
		return 0, fmt.Sprintf("counted %d runs, where the counter says %d", nRuns, p.nRuns)
	}
	return 0, ""
}
