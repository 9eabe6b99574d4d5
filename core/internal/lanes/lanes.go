// Package lanes finds the first of many small numbers that is large enough.
//
// A Tree holds an array of numbers, each in a lane of 8, 16 or 32 bits, as many of them in a word of 64 bits as go in.
// Above the array lies a tree: the lane of a word, one level up, is the word's largest number. A query goes down from the
// root, and in each word that it meets compares all lanes with the number wanted in one subtraction: the highest bit of a
// lane is kept clear, and is set before, so that it survives exactly where the lane is not the smaller one. An update goes
// up only as long as the largest number of a word changes.
//
// 8-bit lanes make a tree of fan-out 8: 1.14 bytes a number, and 3 levels over 1,024 numbers.
//
// The comparison is an old one (Warren, Hacker's Delight, section 2-18). Go's runtime finds pages with a tree of the same
// fan-out whose words hold a start, a maximum and an end of one child each.
package lanes

import "math/bits"

// maxRoot is how many words the topmost level has at most: they are scanned, which is quicker than one more level.
const maxRoot = 4

// maxDepth is more levels than 2^33 lanes of 32 bits take, two to a word.
const maxDepth = 33

// Tree is an array of numbers that leave the highest bit of a lane clear, of a fixed length. The zero value has length 0.
// Indices must be below the length.
type Tree struct {
	words  []uint64         // the levels, one after the other; the array itself is level 0
	levels [maxDepth]uint64 // where each begins in words
	depth  int

	each, high uint64 // a word with 1, and with the highest bit, in every lane
	top        uint64 // the largest number that a lane holds
	log2Width  uint8  // of a lane, in bits
	log2FanOut uint8  // lanes in a word
}

// The widths of lanes, as powers of two.
const (
	Bits8  = 3
	Bits16 = 4
	Bits32 = 5
)

// New returns a tree of n > 0 zeros, in lanes of 1<<log2Width bits.
func New(log2Width uint8, n uint64) Tree {
	width := 1 << log2Width
	each := ^uint64(0) / (1<<width - 1)
	t := Tree{
		each:       each,
		high:       each << (width - 1),
		top:        1<<(width-1) - 1,
		log2Width:  log2Width,
		log2FanOut: 6 - log2Width,
	}
	size := uint64(0)
	for n = t.wordsOf(n); ; n = t.wordsOf(n) {
		t.levels[t.depth] = size
		t.depth++
		if size += n; n <= maxRoot {
			break
		}
	}
	t.words = make([]uint64, size)
	return t
}

// wordsOf returns how many words n lanes take.
func (t *Tree) wordsOf(n uint64) uint64 { return (n + 1<<t.log2FanOut - 1) >> t.log2FanOut }

// Size returns the memory that the tree takes, in bytes.
func (t *Tree) Size() uint64 { return uint64(len(t.words)) * 8 }

// Get returns number i.
func (t *Tree) Get(i uint64) uint64 { return t.words[i>>(t.log2FanOut&63)] >> t.shift(i) & t.top }

// shift returns by how many bits number i of a level is shifted in its word.
func (t *Tree) shift(i uint64) uint64 { return i << (t.log2Width & 63) & 63 }

// Max returns the largest number, in constant time.
func (t *Tree) Max() (v uint64) {
	if t.depth > 0 {
		for _, word := range t.words[t.levels[t.depth-1]:] {
			v = max(v, t.largest(word))
		}
	}
	return v
}

// largest returns the largest number in a word.
func (t *Tree) largest(word uint64) (v uint64) {
	for ; word != 0; word >>= 1 << (t.log2Width & 63) & 63 {
		v = max(v, word&t.top)
	}
	return v
}

// Raise makes number i at least v. It costs a step for each level on which a largest number changes.
func (t *Tree) Raise(i, v uint64) {
	for level := range t.depth {
		shift := t.shift(i)
		i >>= t.log2FanOut & 63
		word := &t.words[t.levels[level]+i]
		was := *word >> shift & t.top
		if v <= was {
			return
		}
		*word ^= (was ^ v) << shift
	}
}

// Set makes v number i. It costs a step for each level on which a largest number changes.
func (t *Tree) Set(i, v uint64) {
	log2Width, log2FanOut := t.log2Width&63, t.log2FanOut&63
	shift := i << log2Width & 63
	i >>= log2FanOut
	word := t.words[i]
	old := word >> shift & t.top
	word ^= (old ^ v) << shift
	t.words[i] = word
	for level := 1; level < t.depth; level++ {
		shift = i << log2Width & 63
		i >>= log2FanOut
		parent := &t.words[t.levels[level]+i]
		largest := *parent >> shift & t.top
		if v <= largest {
			if v == largest || old < largest || t.atLeast(word, largest*t.each) != 0 {
				return
			}
			if v < largest-1 {
				v = t.largest(word)
			}
		}
		old = largest
		word = *parent ^ (old^v)<<shift
		*parent = word
	}
}

// First returns the index of the first number that is at least v > 0. It costs a step for each level.
func (t *Tree) First(v uint64) (i uint64, ok bool) {
	if t.depth == 0 {
		return 0, false
	}
	floors := v * t.each
	level := t.depth - 1
	for at, word := range t.words[t.levels[level]:] {
		if found := t.atLeast(word, floors); found != 0 {
			return t.descend(level, uint64(at)<<(t.log2FanOut&63)+t.lane(found), floors), true
		}
	}
	return 0, false
}

// descend returns the index of the first number below lane i of a level that is not below floors. There is one.
func (t *Tree) descend(level int, i, floors uint64) uint64 {
	for level--; level >= 0; level-- {
		found := t.atLeast(t.words[t.levels[level]+i], floors)
		i = i<<(t.log2FanOut&63) + t.lane(found)
	}
	return i
}

// Next returns the index of the first number from index i on that is at least v > 0. It costs two steps a level at most.
func (t *Tree) Next(i, v uint64) (next uint64, ok bool) {
	floors := v * t.each
	for level := 0; level < t.depth; {
		at, end := t.levels[level]+i>>t.log2FanOut, uint64(len(t.words))
		if level+1 < t.depth {
			end = t.levels[level+1]
		}
		if at >= end {
			return 0, false
		}
		if found := t.atLeast(t.words[at], floors) >> t.shift(i) << t.shift(i); found != 0 {
			return t.descend(level, i>>t.log2FanOut<<t.log2FanOut+t.lane(found), floors), true
		}
		i = i>>t.log2FanOut + 1
		if level+1 < t.depth {
			level++
		} else {
			i <<= t.log2FanOut
		}
	}
	return 0, false
}

// Last returns the index of the last number up to index i, included, that is not 0. It costs two steps a level at most.
func (t *Tree) Last(i uint64) (last uint64, ok bool) {
	for level := 0; level < t.depth; {
		above := 64 - t.shift(i) - 1<<t.log2Width // bits in the lanes above i
		if word := t.words[t.levels[level]+i>>t.log2FanOut] << above; word != 0 {
			i -= uint64(bits.LeadingZeros64(word)) >> t.log2Width
			for level--; level >= 0; level-- {
				word := t.words[t.levels[level]+i]
				i = i<<t.log2FanOut + uint64(63-bits.LeadingZeros64(word))>>t.log2Width
			}
			return i, true
		}
		i >>= t.log2FanOut
		if i == 0 {
			return 0, false
		}
		if level+1 < t.depth {
			level++
		} else {
			i <<= t.log2FanOut
		}
		i--
	}
	return 0, false
}

// atLeast returns the highest bit of every lane of word whose number is not below that of floors.
func (t *Tree) atLeast(word, floors uint64) uint64 { return ((word | t.high) - floors) & t.high }

// lane returns the index of the lowest lane with a bit in found, which is not 0.
func (t *Tree) lane(found uint64) uint64 {
	return uint64(bits.TrailingZeros64(found)) >> (t.log2Width & 63)
}
