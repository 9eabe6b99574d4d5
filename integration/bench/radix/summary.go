package radix

import (
	"math/bits"

	"github.com/linmem/linmem/integration/bench/internal/wordruns"
)

// summary says of a stretch of pages how many at its start are free, how many at its end, and how many there are in the
// longest free run inside: 21 bits each. The zero summary is a stretch without a free page.
type summary uint64

const (
	sumBits = 21
	sumMask = 1<<sumBits - 1

	// allFree stands for 1<<sumBits free pages, one more than 21 bits can hold. Only the root has summaries of so many.
	allFree = summary(1 << 63)

	wholeChunk = summary(chunkPages<<(2*sumBits) | chunkPages<<sumBits | chunkPages)
)

func pack(start, longest, end uint64) summary {
	if longest > sumMask {
		return allFree
	}
	return summary(end<<(2*sumBits) | longest<<sumBits | start)
}

func (s summary) unpack() (start, longest, end uint64) {
	if s&allFree != 0 {
		return 1 << sumBits, 1 << sumBits, 1 << sumBits
	}
	return uint64(s) & sumMask, uint64(s) >> sumBits & sumMask, uint64(s) >> (2 * sumBits)
}

// longest returns the length of the longest free run.
func (s summary) longest() uint64 {
	_, longest, _ := s.unpack()
	return longest
}

// merge summarizes 8 stretches of 1<<log2 pages each, one after the other.
func merge(parts *[fanout]summary, log2 uint8) summary {
	whole := uint64(1) << log2
	start, longest, end := parts[0].unpack()
	for i, part := range parts[1:] {
		s, l, e := part.unpack()
		if start == uint64(i+1)<<log2 {
			start += s
		}
		longest = max(longest, end+s, l)
		if e == whole {
			end += whole
		} else {
			end = e
		}
	}
	return pack(start, longest, end)
}

// chunk is the bitmap of chunkPages pages. A set bit is a free page.
type chunk [chunkPages / 64]uint64

// summarize reads the chunk. Runs over the borders of words come first; only if these leave it open are the words looked
// into.
func (c *chunk) summarize() summary {
	start, longest, run := uint64(0), uint64(0), uint64(0)
	split := false // a used page was seen, so start is known
	for _, w := range c {
		head := uint64(bits.TrailingZeros64(^w))
		run += head
		if head == 64 {
			continue
		}
		if !split {
			start, split = run, true
		}
		longest = max(longest, run)
		run = uint64(bits.LeadingZeros64(^w))
	}
	if !split {
		return wholeChunk
	}
	longest = max(longest, run)
	if longest < 64-2 { // else no run between two used pages of a word is longer
		longest = c.longestInside(longest)
	}
	return pack(start, longest, run)
}

// longestInside returns the length of the longest run between two used pages of the same word, or n < 62 if none is
// longer.
func (c *chunk) longestInside(n uint64) uint64 {
	for _, w := range c {
		w &= w + 1                                        // without the run at the low end
		w &= ^uint64(0) >> (bits.LeadingZeros64(^w) & 63) // and the one at the high end
		// Runs that are not longer than n go, and so much of the others; then the lowest that is left tells how much longer it
		// is.
		for more := n; ; {
			if w = wordruns.Starts(w, more+1); w == 0 {
				break
			}
			more = uint64(bits.TrailingZeros64(^(w >> (bits.TrailingZeros64(w) & 63))))
			n += more
		}
	}
	return n
}

// find returns where the first run of n free pages inside the chunk begins, and the first free page, from the word of
// page from on. There must be one.
func (c *chunk) find(n, from uint64) (start, first uint64, ok bool) {
	run := uint64(0) // free pages right before the word
	first = chunkPages
	for i := from / 64; i < uint64(len(c)); i++ {
		w := c[i]
		if w == 0 {
			run = 0
			continue
		}
		if first == chunkPages {
			first = 64*i + uint64(bits.TrailingZeros64(w))
		}
		if n == 1 {
			return first, first, true
		}
		head := uint64(bits.TrailingZeros64(^w))
		if run+head >= n {
			return 64*i - run, first, true
		}
		if head == 64 {
			run += 64
			continue
		}
		if n <= 64 {
			if s := wordruns.Starts(w, n); s != 0 {
				return 64*i + uint64(bits.TrailingZeros64(s)), first, true
			}
		}
		run = uint64(bits.LeadingZeros64(^w))
	}
	return 0, first, false
}

// findAligned returns where the first run of n free pages inside the chunk begins at a multiple of 1<<log2Align pages,
// the chunk itself being at page base.
func (c *chunk) findAligned(n uint64, log2Align uint8, base uint64) (start uint64, ok bool) {
	if log2Align > log2ChunkPages {
		// Only the chunk's first page can be such a multiple.
		if base&(1<<log2Align-1) != 0 {
			return 0, false
		}
		log2Align = log2ChunkPages
	}
	if n <= 64 {
		return wordruns.FirstAligned(c[:], 0, n, log2Align)
	}
	return wordruns.FirstLong(c[:], 0, n, 1<<log2Align)
}
