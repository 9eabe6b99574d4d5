package bench

import (
	"fmt"
	"iter"
)

// layout is a memory as the lengths of runs in the order of addresses, from page 1 to the end, and whether they are free.
type layout = iter.Seq2[uint64, bool]

// fill brings an allocator of an untouched memory into the state of a layout: it allocates every run, and frees those
// that are to be free. It fails if a run is not placed right behind the one before.
func fill(a Allocator, l layout) error {
	page := uint64(1)
	for n := range l {
		start, err := a.Alloc(n, 0)
		if err != nil {
			return fmt.Errorf("%d pages at %d: %w", n, page, err)
		}
		if start != page {
			return fmt.Errorf("%d pages at %d: they are at %d", n, page, start)
		}
		page += n
	}
	page = 1
	for n, free := range l {
		if free {
			if err := a.Free(page, n); err != nil {
				return fmt.Errorf("free %d pages at %d: %w", n, page, err)
			}
		}
		page += n
	}
	return nil
}

// repeat returns free runs of a length, with used runs of another between them, in a memory of so many pages. What is
// left for a last free run may be shorter.
func repeat(pages, free, used uint64) layout {
	return func(yield func(uint64, bool) bool) {
		for page := uint64(1); page < pages; page += free + used {
			n := min(free, pages-page)
			if !yield(n, true) {
				return
			}
			if page+n < pages && !yield(min(used, pages-page-n), false) {
				return
			}
		}
	}
}

// withLast is a layout with its last pages replaced by other runs, which may cut the run before them.
func withLast(l layout, pages uint64, last ...lastRun) layout {
	cut := pages
	for _, r := range last {
		cut -= r.n
	}
	return func(yield func(uint64, bool) bool) {
		page := uint64(1)
		for n, free := range l {
			if n = min(n, cut-page); n > 0 && !yield(n, free) {
				return
			}
			if page += n; page == cut {
				break
			}
		}
		for _, r := range last {
			if !yield(r.n, r.free) {
				return
			}
		}
	}
}

type lastRun struct {
	n    uint64
	free bool
}
