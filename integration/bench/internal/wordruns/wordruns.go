// Package wordruns has what two bitmap allocators need of a word: where in it enough ones in a row begin, and ranges of
// ones. Bit i of word w stands for page 64*w+i, and a set bit is a free page.
//
// To find n ones in a row, a word is joined with itself shifted: what is left are the bits at which 2, 4, 8 … ones begin.
// Go's runtime does the same in findBitRange64 (src/runtime/mpallocbits.go).
package wordruns

import "math/bits"

// Starts returns the bits of w at which n ones in a row begin, 1 <= n <= 64, and end inside w. The cost is log2(n) shifts
// at the most.
func Starts(w, n uint64) uint64 {
	for have := uint64(1); have < n && w != 0; {
		more := min(have, n-have)
		w &= w >> (more & 63) // the mask spares a test for large shifts
		have += more
	}
	return w
}

// StartsAcross is Starts for runs that may go on into the next word.
func StartsAcross(w, next, n uint64) uint64 {
	for have := uint64(1); have < n && w != 0; {
		more := min(have, n-have)
		w &= w>>(more&63) | next<<((64-more)&63)
		next &= next >> (more & 63)
		have += more
	}
	return w
}

// aligned has, for each alignment of 1<<i pages up to a word, the bits at its multiples.
var aligned = [...]uint64{
	^uint64(0), 0x5555_5555_5555_5555, 0x1111_1111_1111_1111, 0x0101_0101_0101_0101, 0x0001_0001_0001_0001,
	0x0000_0001_0000_0001, 1,
}

// FirstAligned returns the first word, and the lowest start in it, at which n ones in a row, 1 <= n <= 64, begin at a
// multiple of 1<<log2Align. Words below low are left out. The run may go on in the next word, and ends inside words.
//
// The cost is that of the words from low to the result, of every 1<<log2Align/64th where that is more than one.
func FirstAligned(words []uint64, low, n uint64, log2Align uint8) (start uint64, ok bool) {
	at, step := aligned[min(log2Align, 6)], uint64(1)
	if log2Align > 6 {
		step = 1 << (log2Align - 6)
		low = AlignUp(low, step)
	}
	for i := low; i < uint64(len(words)); i += step {
		if words[i]&at == 0 {
			continue
		}
		next := uint64(0)
		if i+1 < uint64(len(words)) {
			next = words[i+1]
		}
		if s := StartsAcross(words[i], next, n) & at; s != 0 {
			return 64*i + uint64(bits.TrailingZeros64(s)), true
		}
	}
	return 0, false
}

// FirstLong returns the start of the first run of ones that holds n in a row from a multiple of align on, and that
// multiple. Words below low are left out, and the bit before them counts as a zero. The cost is that of the words from
// low to the end of the result.
func FirstLong(words []uint64, low, n, align uint64) (start uint64, ok bool) {
	run := uint64(0) // ones right before the word
	for i := low; i < uint64(len(words)); i++ {
		head := uint64(bits.TrailingZeros64(^words[i]))
		if run+head >= n {
			if start := AlignUp(64*i-run, align); start+n <= 64*i+head {
				return start, true
			}
		}
		if head == 64 {
			run += 64
		} else {
			run = uint64(bits.LeadingZeros64(^words[i]))
		}
	}
	return 0, false
}

// AlignUp rounds up to a multiple of align, a power of two.
func AlignUp(page, align uint64) uint64 { return (page + align - 1) &^ (align - 1) }

// Ones returns a word of n ones, 1 <= n <= 64, at the low end.
func Ones(n uint64) uint64 { return ^uint64(0) >> ((64 - n) & 63) }

// Set sets n bits from start on, at least one.
func Set(words []uint64, start, n uint64) {
	if i, bit := start/64, start%64; bit+n <= 64 {
		words[i] |= Ones(n) << bit
		return
	}
	setLong(words, start, start+n)
}

// setLong sets the bits from start up to end, in more than one word.
func setLong(words []uint64, start, end uint64) {
	first, last := start/64, (end-1)/64
	words[first] |= ^uint64(0) << (start % 64)
	for i := first + 1; i < last; i++ {
		words[i] = ^uint64(0)
	}
	words[last] |= ^uint64(0) >> (-end % 64)
}

// Clear clears n bits from start on, at least one.
func Clear(words []uint64, start, n uint64) {
	if i, bit := start/64, start%64; bit+n <= 64 {
		words[i] &^= Ones(n) << bit
		return
	}
	clearLong(words, start, start+n)
}

// clearLong clears the bits from start up to end, in more than one word.
func clearLong(words []uint64, start, end uint64) {
	first, last := start/64, (end-1)/64
	words[first] &^= ^uint64(0) << (start % 64)
	clear(words[first+1 : last])
	words[last] &^= ^uint64(0) >> (-end % 64)
}
