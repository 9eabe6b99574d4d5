// Package lanes finds the first of many small numbers that is large enough.
//
// A Tree holds an array of numbers, each in a lane of 8, 16 or 32 bits, as many of them in a word of 64 bits as go in.
// Above the array lies a tree: the lane of a word, one level up, is the word's largest number. A query goes down from the
// root, and in each word that it meets compares all lanes with the number wanted in one subtraction: the highest bit of a
// lane is kept clear, and is set before, so that it survives exactly where the lane is not the smaller one. An update goes
// up only as long as the largest number of a word changes.
//
// 8-bit lanes make a tree of fan-out 8: 1.14 bytes a number, and 4 levels over 1,024 numbers.
//
// The comparison is an old one (Warren, Hacker's Delight, section 2-18). Go's runtime finds pages with a tree of the same
// fan-out whose words hold a start, a maximum and an end of one child each.
package lanes

import "math/bits"

// Lane is the width of the lanes.
type Lane interface{ uint8 | uint16 | uint32 }

// Top returns the largest number that a lane holds: all of its bits but the highest.
func Top[L Lane]() uint64 { return uint64(^L(0) >> 1) }

// maxDepth is the number of levels that 2^33 lanes of 32 bits take, two to a word.
const maxDepth = 33

// Tree is an array of numbers up to [Top], of a fixed length. The zero value has length 0. Indices must be below the
// length.
type Tree[L Lane] struct {
	words  []uint64         // the levels, one after the other; the array itself is level 0, and the last is one word
	levels [maxDepth]uint64 // where each begins in words
	depth  int
}

// New returns a tree of n zeros.
func New[L Lane](n uint64) Tree[L] {
	var t Tree[L]
	size := uint64(0)
	for last := n == 0; !last; last = n == 1 {
		n = (n + fanOut[L]() - 1) / fanOut[L]()
		t.levels[t.depth] = size
		t.depth++
		size += n
	}
	t.words = make([]uint64, size)
	return t
}

// Size returns the memory that the tree takes, in bytes.
func (t *Tree[L]) Size() uint64 { return uint64(len(t.words)) * 8 }

// Get returns number i.
func (t *Tree[L]) Get(i uint64) uint64 { return t.words[i/fanOut[L]()] >> shift[L](i) & Top[L]() }

// Max returns the largest number, in constant time.
func (t *Tree[L]) Max() uint64 {
	if t.depth == 0 {
		return 0
	}
	return largest[L](t.words[t.levels[t.depth-1]])
}

// Set makes v number i. It costs a step for each level on which a largest number changes.
func (t *Tree[L]) Set(i, v uint64) {
	word := &t.words[i/fanOut[L]()]
	old := *word >> shift[L](i) & Top[L]()
	*word ^= (old ^ v) << shift[L](i)
	for level := 1; level < t.depth; level++ {
		i /= fanOut[L]()
		parent := &t.words[t.levels[level]+i/fanOut[L]()]
		was := *parent >> shift[L](i) & Top[L]()
		if v < was {
			if old < was {
				return // another number is the largest
			}
			v = largest[L](*word)
		}
		if v == was {
			return
		}
		*parent ^= (was ^ v) << shift[L](i)
		word, old = parent, was
	}
}

// Raise makes number i at least v.
func (t *Tree[L]) Raise(i, v uint64) {
	if t.Get(i) < v {
		t.Set(i, v)
	}
}

// First returns the index of the first number that is at least v > 0. It costs a step for each level.
func (t *Tree[L]) First(v uint64) (i uint64, ok bool) {
	if t.depth == 0 {
		return 0, false
	}
	level := t.depth - 1
	found := atLeast[L](t.words[t.levels[level]], v)
	if found == 0 {
		return 0, false
	}
	return t.descend(level, lowest[L](found), v), true
}

// descend returns the index of the first number, below lane i of a level, that is at least v. There is one.
func (t *Tree[L]) descend(level int, i, v uint64) uint64 {
	for level--; level >= 0; level-- {
		i = i*fanOut[L]() + lowest[L](atLeast[L](t.words[t.levels[level]+i], v))
	}
	return i
}

// Next returns the index of the first number from index i on that is at least v > 0. It costs two steps a level at most.
func (t *Tree[L]) Next(i, v uint64) (next uint64, ok bool) {
	for level := range t.depth {
		at := t.levels[level] + i/fanOut[L]()
		if level+1 < t.depth && at >= t.levels[level+1] || at >= uint64(len(t.words)) {
			return 0, false
		}
		if found := atLeast[L](t.words[at], v) >> shift[L](i) << shift[L](i); found != 0 {
			return t.descend(level, i&^(fanOut[L]()-1)+lowest[L](found), v), true
		}
		i = i/fanOut[L]() + 1
	}
	return 0, false
}

// Last returns the index of the last number up to index i, included, that is not 0. It costs two steps a level at most.
func (t *Tree[L]) Last(i uint64) (last uint64, ok bool) {
	for level := range t.depth {
		// Lanes above i are shifted out.
		up := 63 - (shift[L](i) + width[L]() - 1)
		if word := t.words[t.levels[level]+i/fanOut[L]()] << up; word != 0 {
			i -= uint64(bits.LeadingZeros64(word)) / width[L]()
			for level--; level >= 0; level-- {
				word := t.words[t.levels[level]+i]
				i = i*fanOut[L]() + (63-uint64(bits.LeadingZeros64(word)))/width[L]()
			}
			return i, true
		}
		i /= fanOut[L]()
		if i == 0 {
			return 0, false
		}
		i--
	}
	return 0, false
}

// width returns the number of bits in a lane. The compiler knows its value, and those of the next four.
func width[L Lane]() uint64 { return uint64(bits.Len64(uint64(^L(0)))) }

// fanOut returns the number of lanes in a word.
func fanOut[L Lane]() uint64 { return 64 / width[L]() }

// each returns a word with 1 in every lane.
func each[L Lane]() uint64 { return ^uint64(0) / uint64(^L(0)) }

// high returns a word with the highest bit of every lane.
func high[L Lane]() uint64 { return each[L]() << (width[L]() - 1) }

// shift returns by how many bits number i is shifted in its word.
func shift[L Lane](i uint64) uint64 { return i % fanOut[L]() * width[L]() }

// atLeast returns the highest bit of every lane whose number is at least v.
func atLeast[L Lane](word, v uint64) uint64 { return ((word | high[L]()) - v*each[L]()) & high[L]() }

// lowest returns the index of the lowest lane with a bit in found, which is not 0.
func lowest[L Lane](found uint64) uint64 { return uint64(bits.TrailingZeros64(found)) / width[L]() }

// largest returns the largest number in a word.
func largest[L Lane](word uint64) (v uint64) {
	for ; word != 0; word >>= width[L]() {
		v = max(v, word&Top[L]())
	}
	return v
}
