package linmem

import "fmt"

// Check walks everything that the allocator knows and returns an [ErrCorrupt] that names the first contradiction, or
// nil; a closed memory is [ErrClosed]. It costs time in proportion to the number of runs, and asks the memory for its
// size. It is meant for tests, and for a program that suspects a stray write of its own.
func (p *Pages) Check() error {
	fail := func(page uint64, format string, args ...any) error {
		reason := fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
		return &Error{Op: "Pages.Check", Addr: Page(page).Addr(), Err: reason}
	}
	if _, err := p.ask(); err != nil {
		return &Error{Op: "Pages.Check", Err: err}
	}
	if p.owned() > p.opts.maxPages {
		return fail(0, "%d pages are owned, over the budget of %d", p.owned(), p.opts.maxPages)
	}
	if p.withholds(0) && p.end > 0 && !p.foreign.has(0) {
		return fail(0, "page 0 is owned")
	}
	for i := 1; i < len(p.foreign); i++ {
		if a, b := p.foreign[i-1], p.foreign[i]; b.Start <= a.End() {
			return fail(uint64(b.Start), "foreign pages %v and %v should be one range, or in order", a, b)
		}
	}

	// Walk the pages as the runs that they form; each must begin where the last one ended.
	var free, foreign, runs uint64
	gaps := p.foreign
	for at := uint64(0); at < p.end; {
		next := p.runEnd(at, p.end)
		isStart := p.starts.Has(at)
		switch {
		case len(gaps) > 0 && uint64(gaps[0].Start) == at:
			if p.free.Has(at) || !isStart || next != uint64(gaps[0].End()) {
				return fail(at, "foreign pages %v are not marked as such", gaps[0])
			}
			foreign += gaps[0].Len
			gaps = gaps[1:]
		case p.free.Has(at):
			next = p.free.NextAbsent(at, p.end)
			if start := p.starts.Next(at, next); start < next {
				return fail(start, "page %d is free and starts a run", start)
			}
			free += next - at
		case isStart:
			runs++
		default:
			return fail(at, "page %d is neither free nor part of a run", at)
		}
		at = next
	}
	if len(gaps) > 0 {
		return fail(uint64(gaps[0].Start), "foreign pages %v are listed out of order", gaps[0])
	}
	if n := p.end; p.free.Next(n, maxPages) < maxPages || p.starts.Next(n, maxPages) < maxPages {
		return fail(n, "pages past the end are marked")
	}
	if free != p.nFree || foreign != p.nForeign || runs != p.nRuns {
		return fail(0, "counted %d free, %d foreign pages and %d runs, where the counters say %d, %d and %d",
			free, foreign, runs, p.nFree, p.nForeign, p.nRuns)
	}
	return nil
}
