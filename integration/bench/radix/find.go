package radix

import "github.com/linmem/linmem/integration/bench/internal/wordruns"

// find returns the lowest run of n free pages, and a page below which none is free. It goes down from the root: on each
// level the run either spans a border of entries, or is inside the first entry that can hold it.
func (p *Pages) find(n uint64) (start, low uint64, ok bool) {
	lowest := true // nothing was free before the entries that the search went through
	block := uint64(0)
	entries := p.levels[len(p.levels)-1]
	for l := len(p.levels) - 1; ; l-- {
		log2 := log2Pages(l)
		j := uint64(0)
		if hint := p.low >> log2; hint >= block {
			j = min(hint-block, uint64(len(entries)))
		}
		inside, run := false, uint64(0) // run is the number of free pages right before the entry
		seen := false
		for ; j < uint64(len(entries)); j++ {
			sum := entries[j]
			if sum == 0 {
				run = 0
				continue
			}
			page := (block + j) << log2
			first := lowest && !seen
			if seen = true; first {
				low = page
			}
			s, longest, e := sum.unpack()
			if run+s >= n {
				return page - run, low, true
			}
			if longest >= n {
				inside, lowest = true, first
				break
			}
			if s == 1<<log2 {
				run += s
			} else {
				run = e
			}
		}
		if !inside { // only the root can disappoint
			return 0, 0, false
		}
		if l == 0 {
			i := block + j
			start, first, ok := p.chunk(i).find(n, 0)
			if lowest {
				low = i*chunkPages + first
			}
			return i*chunkPages + start, low, ok
		}
		block = (block + j) * fanout
		entries = p.levels[l-1][block : block+fanout]
	}
}

// alignedSearch is a walk over the free runs that are long enough, in the order of addresses.
type alignedSearch struct {
	p         *Pages
	n         uint64
	log2Align uint8
	free      uint64 // the free run that reaches where the search has come begins here
}

// visit goes through entries of a level, of which the first is number block.
func (s *alignedSearch) visit(level int, entries []summary, block uint64) (start uint64, ok bool) {
	log2 := log2Pages(level)
	for j, sum := range entries {
		i := block + uint64(j)
		page, next := i<<log2, (i+1)<<log2
		if sum == 0 {
			s.free = next
			continue
		}
		head, longest, tail := sum.unpack()
		if page+head >= s.free+s.n {
			if start := wordruns.AlignUp(s.free, 1<<s.log2Align); start+s.n <= page+head {
				return start, true
			}
		}
		if head == next-page {
			continue
		}
		if longest >= s.n {
			if level == 0 {
				start, ok = s.p.chunk(i).findAligned(s.n, s.log2Align, page)
				start += page
			} else {
				below := s.p.levels[level-1][i*fanout:][:fanout]
				start, ok = s.visit(level-1, below, i*fanout)
			}
			if ok {
				return start, true
			}
		}
		s.free = next - tail
	}
	return 0, false
}
