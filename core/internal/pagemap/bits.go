package pagemap

import "math/bits"

const (
	log2WordBits = 6
	wordBits     = 1 << log2WordBits
)

// trailingZeros returns the index of the lowest set bit, 64 if there is none.
func trailingZeros(x uint64) uint64 { return uint64(bits.TrailingZeros64(x)) }

// leadingZeros returns the number of clear bits at the high end.
func leadingZeros(x uint64) uint64 { return uint64(bits.LeadingZeros64(x)) }

// trailingOnes returns the number of set bits at the low end.
func trailingOnes(x uint64) uint64 { return uint64(bits.TrailingZeros64(^x)) }

// leadingOnes returns the number of set bits at the high end.
func leadingOnes(x uint64) uint64 { return uint64(bits.LeadingZeros64(^x)) }

// runsOf returns the bits at which n consecutive ones begin, for n from 1 to 64. Each step doubles the length of which the
// beginnings are known.
func runsOf(x, n uint64) uint64 {
	for known := uint64(1); known < n; {
		step := min(known, n-known)
		x &= x >> (step & 63)
		known += step
	}
	return x
}

// longestOnes returns the length of the longest run of ones that begins at a bit of at. It doubles the length as long as
// there is one, and then finds what lies in between by halves.
func longestOnes(x, at uint64) (n uint64) {
	if x&at == 0 {
		return 0
	}
	for n = 1; n < wordBits; n *= 2 {
		twice := x & (x >> (n & 63))
		if twice&at == 0 {
			break
		}
		x = twice
	}
	for step := n / 2; step > 0; step /= 2 {
		if more := x & (x >> (step & 63)); more&at != 0 {
			x = more
			n += step
		}
	}
	return n
}
