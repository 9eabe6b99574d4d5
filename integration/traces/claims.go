package traces

import "math/bits"

const (
	claimWords = 1024
	claimBytes = claimWords * 64 // a chunk has a bit for each byte
)

// claims are the bytes that belong to live blocks, a bit each, in chunks of a page; so it takes an eighth of the memory
// that is checked, wherever in the address space that is.
type claims map[uint64]*[claimWords]uint64

// take claims a range. If some of it is claimed already, it claims nothing and returns the first such address.
func (c claims) take(addr, n uint64) (taken uint64, ok bool) {
	ok = true
	c.words(addr, n, func(at uint64, word *uint64, mask uint64) bool {
		if both := *word & mask; both != 0 {
			taken, ok = at+uint64(bits.TrailingZeros64(both)), false
		}
		return ok
	})
	if ok {
		c.words(addr, n, func(_ uint64, word *uint64, mask uint64) bool { *word |= mask; return true })
	}
	return taken, ok
}

func (c claims) release(addr, n uint64) {
	c.words(addr, n, func(_ uint64, word *uint64, mask uint64) bool { *word &^= mask; return true })
}

// words calls yield for each word that has bytes of a range, with the address of its first bit and the bits that are in
// the range.
func (c claims) words(addr, n uint64, yield func(at uint64, word *uint64, mask uint64) bool) {
	for end := addr + n; addr < end; {
		chunk := c[addr/claimBytes]
		if chunk == nil {
			chunk = new([claimWords]uint64)
			c[addr/claimBytes] = chunk
		}
		first := addr % 64
		count := min(64-first, end-addr)
		mask := ^uint64(0) >> (64 - count) << first
		if !yield(addr-first, &chunk[addr/64%claimWords], mask) {
			return
		}
		addr += count
	}
}
