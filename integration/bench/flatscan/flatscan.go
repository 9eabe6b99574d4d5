// Package flatscan is the page allocator that one would write first and would find hard to beat on a small memory: one
// bit a page in a flat array, searched word by word from the lowest free page on. It is a measure for cleverer ones, in
// integration/bench.
//
// It is address-ordered first fit. A set bit is a free page. Up to 64 pages are found by joining a word with itself
// shifted (package wordruns), and a run over a border of words by carrying over the ones at the end of the last word;
// more pages by counting whole words. A hint names a word below which no page is free.
//
// # Cost
//
// One bit a page. A search costs about a nanosecond for each 64 pages from the hint to the result, and Free one pass over
// the run's words. Nothing is checked: to free what is not allocated corrupts the bitmap, or panics past its end.
package flatscan

import (
	"math/bits"

	"github.com/linmem/linmem/integration/bench/internal/wordruns"
)

// Pages allocates runs of pages from a memory of a fixed size. It is for one goroutine at a time.
type Pages struct {
	free []uint64
	low  uint64 // no page is free in a word below
}

// New returns an allocator of n pages, all of them free.
func New(n uint64) *Pages {
	p := &Pages{free: make([]uint64, (n+63)/64)}
	if n > 0 {
		wordruns.Set(p.free, 0, n)
	}
	return p
}

// Alloc returns the start of the lowest run of n free pages, and whether there is one. There is none of 0 pages.
func (p *Pages) Alloc(n uint64) (start uint64, ok bool) {
	for p.low < uint64(len(p.free)) && p.free[p.low] == 0 {
		p.low++
	}
	switch {
	case n-1 >= 64:
		if start, ok = p.findLong(n, 1); !ok {
			return 0, false
		}
	case n == 1:
		if p.low == uint64(len(p.free)) {
			return 0, false
		}
		w := p.free[p.low]
		p.free[p.low] = w & (w - 1)
		return 64*p.low + uint64(bits.TrailingZeros64(w)), true
	default:
		if start, ok = p.find(n); !ok {
			return 0, false
		}
	}
	wordruns.Clear(p.free, start, n)
	return start, true
}

// AllocAligned is Alloc of a run that starts at a multiple of 1<<log2Align pages, log2Align < 64.
func (p *Pages) AllocAligned(n uint64, log2Align uint8) (start uint64, ok bool) {
	for p.low < uint64(len(p.free)) && p.free[p.low] == 0 {
		p.low++
	}
	if n-1 < 64 {
		start, ok = wordruns.FirstAligned(p.free, p.low, n, log2Align)
	} else {
		start, ok = p.findLong(n, 1<<log2Align)
	}
	if ok {
		wordruns.Clear(p.free, start, n)
	}
	return start, ok
}

// Free gives back n pages from start on, at least one.
func (p *Pages) Free(start, n uint64) {
	i, bit := start/64, start%64
	p.low = min(p.low, i)
	if bit+n <= 64 { // saves a call
		p.free[i] |= wordruns.Ones(n) << bit
		return
	}
	wordruns.Set(p.free, start, n)
}

// find returns the lowest run of 2 to 64 free pages.
func (p *Pages) find(n uint64) (start uint64, ok bool) {
	run := uint64(0) // free pages right before the word
	for i, w := range p.free[p.low:] {
		if w == 0 {
			run = 0
			continue
		}
		page := 64 * (p.low + uint64(i))
		if run+uint64(bits.TrailingZeros64(^w)) >= n {
			return page - run, true
		}
		if s := wordruns.Starts(w, n); s != 0 {
			return page + uint64(bits.TrailingZeros64(s)), true
		}
		run = uint64(bits.LeadingZeros64(^w))
	}
	return 0, false
}

// findLong is find for any other number, aligned.
func (p *Pages) findLong(n, align uint64) (start uint64, ok bool) {
	if n-1 >= 64*uint64(len(p.free)) { // 0, or more than there are
		return 0, false
	}
	return wordruns.FirstLong(p.free, p.low, n, align)
}
