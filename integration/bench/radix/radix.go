// Package radix is a page allocator after the idea of the one in Go's runtime: a bitmap, and a radix tree of summaries
// over it, so that a search need not read the bitmap of what cannot hold the run. It is a measure for others, in
// integration/bench.
//
// # Source
//
// The idea is that of src/runtime/mpagealloc.go and mpallocbits.go of Go 1.26, by Michael Knyszek and others, which
// explain it at length; the code is this package's own. Taken over are the chunk of 512 pages, the 8 children of a node,
// which are one cache line, the summary of 3 times 21 bits, the update that goes up until nothing changes, the search
// that follows the tree down, the hint below which no page is free, and the shortcut to the chunk at the hint. Left out
// is what a linear memory does not need: scavenging, sparse addresses and locks. Where the runtime's root has 16,384
// entries, for 48 bits of addresses, the root here has at most 8, up to 2^24 pages, which only makes it faster.
//
// Aligned requests, which the runtime does not have, go through the tree in the order of addresses, and try each free run
// that is long enough.
//
// # Cost
//
// 1.14 bits a page. Alloc visits at most 8 summaries a level and one chunk. Alloc and Free pass over the run's words,
// summarize the chunks at its ends anew, and merge 8 summaries for each one above that may change. AllocAligned costs
// that and a look into each chunk below the result that has a run of the length, but none at the right place. Nothing is
// checked: to free what is not allocated corrupts the bitmap, or panics past its end.
package radix

import "github.com/linmem/linmem/integration/bench/internal/wordruns"

const (
	log2ChunkPages = 9
	chunkPages     = 1 << log2ChunkPages

	log2Fanout = 3
	fanout     = 1 << log2Fanout

	// maxLevels is where a summary is of as many pages as it can count. A larger memory has a larger root.
	maxLevels = 1 + (sumBits-log2ChunkPages)/log2Fanout
)

// Pages allocates runs of pages from a memory of a fixed size. It is for one goroutine at a time.
type Pages struct {
	free   []uint64    // whole chunks
	levels [][]summary // of the chunks, of 8 chunks each, and so on, to the root; blocks of 8, but for the root
	low    uint64      // no page below is free
	end    uint64      // the size in pages
}

// New returns an allocator of n pages, all of them free.
func New(n uint64) *Pages {
	nChunks := (n + chunkPages - 1) / chunkPages
	p := &Pages{free: make([]uint64, nChunks*chunkPages/64), end: n}
	for size := nChunks; ; size = (size + fanout - 1) / fanout {
		if size <= fanout || len(p.levels) == maxLevels-1 {
			p.levels = append(p.levels, make([]summary, size))
			break
		}
		p.levels = append(p.levels, make([]summary, wordruns.AlignUp(size, fanout)))
	}
	if n > 0 {
		wordruns.Set(p.free, 0, n)
		p.update(0, n, wholeChunk)
	}
	return p
}

// log2Pages is how many pages a summary of a level is about.
func log2Pages(level int) uint8 { return log2ChunkPages + uint8(level)*log2Fanout }

func (p *Pages) chunk(i uint64) *chunk { return (*chunk)(p.free[i*chunkPages/64:]) }

// Alloc returns the start of the lowest run of n free pages, and whether there is one. There is none of 0 pages.
func (p *Pages) Alloc(n uint64) (start uint64, ok bool) {
	if p.low >= p.end || n == 0 || n > p.end {
		return 0, false
	}
	var low uint64
	if i, page := p.low/chunkPages, p.low%chunkPages; n <= chunkPages-page && p.levels[0][i].longest() >= n {
		start, low, ok = p.chunk(i).find(n, page)
		start, low = start+i*chunkPages, low+i*chunkPages
	} else {
		start, low, ok = p.find(n)
	}
	if !ok {
		if n == 1 {
			p.low = p.end
		}
		return 0, false
	}
	p.low = max(p.low, low)
	wordruns.Clear(p.free, start, n)
	p.update(start, n, 0)
	return start, true
}

// AllocAligned is Alloc of a run that starts at a multiple of 1<<log2Align pages, log2Align < 64.
func (p *Pages) AllocAligned(n uint64, log2Align uint8) (start uint64, ok bool) {
	if p.low >= p.end || n == 0 || n > p.end {
		return 0, false
	}
	s := alignedSearch{p: p, n: n, log2Align: log2Align, free: p.low}
	if start, ok = s.visit(len(p.levels)-1, p.levels[len(p.levels)-1], 0); !ok {
		return 0, false
	}
	wordruns.Clear(p.free, start, n)
	p.update(start, n, 0)
	return start, true
}

// Free gives back n pages from start on, at least one.
func (p *Pages) Free(start, n uint64) {
	p.low = min(p.low, start)
	wordruns.Set(p.free, start, n)
	p.update(start, n, wholeChunk)
}

// update brings the summaries up to date after n pages from start on were set or cleared. The chunks between the first
// and the last, if any, are whole, a full or an empty one.
func (p *Pages) update(start, n uint64, whole summary) {
	first, last := start/chunkPages, (start+n-1)/chunkPages
	chunks := p.levels[0]
	if first == last {
		sum := p.chunk(first).summarize()
		if sum == chunks[first] {
			return
		}
		chunks[first] = sum
	} else {
		chunks[first] = p.chunk(first).summarize()
		for i := first + 1; i < last; i++ {
			chunks[i] = whole
		}
		chunks[last] = p.chunk(last).summarize()
	}
	for l := 1; l < len(p.levels); l++ {
		first, last = first/fanout, last/fanout
		level, below, changed := p.levels[l], p.levels[l-1], false
		for i := first; i <= last; i++ {
			if sum := merge((*[fanout]summary)(below[i*fanout:]), log2Pages(l-1)); sum != level[i] {
				level[i], changed = sum, true
			}
		}
		if !changed {
			return
		}
	}
}
