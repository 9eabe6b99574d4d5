// Package bitset is a set of small numbers that tells its least one in a few steps.
//
// A number is a bit. Above the array of bits lies a tree of fan-out 64: a bit of one level says that a word of the level
// below is not 0. So the least number is found from the root down with one count of trailing zeros a level, and adding or
// removing one goes up only from words that become or cease to be 0, mostly none: 3 levels hold 262,144 numbers.
package bitset

import "math/bits"

const (
	log2WordBits = 6
	wordBits     = 1 << log2WordBits

	// maxLevels is enough for numbers below 2^36.
	maxLevels = 6
)

// Set is a set of numbers below 2^36. The zero value is empty. It takes 1.02 bits for each number up to the largest that was
// ever added, and a few words.
type Set struct {
	levels [maxLevels][]uint64
	height int // levels in use; the last has one word
}

// Has reports whether i is in the set.
func (s *Set) Has(i uint64) bool {
	w := i / wordBits
	return w < uint64(len(s.levels[0])) && s.levels[0][w]>>(i%wordBits)&1 != 0
}

// Add puts i into the set; it may be there already. It costs a step for each level on which a word ceases to be 0, and
// allocates only for numbers above all that were ever added.
func (s *Set) Add(i uint64) {
	if i/wordBits >= uint64(len(s.levels[0])) {
		s.grow(i)
	}
	for level := range s.height {
		w := &s.levels[level][i/wordBits]
		was := *w
		*w |= 1 << (i % wordBits)
		if was != 0 {
			return
		}
		i /= wordBits
	}
}

// Remove takes i out of the set; it may not be there. It costs a step for each level on which a word becomes 0.
func (s *Set) Remove(i uint64) {
	if !s.Has(i) {
		return
	}
	for level := range s.height {
		w := &s.levels[level][i/wordBits]
		*w &^= 1 << (i % wordBits)
		if *w != 0 {
			return
		}
		i /= wordBits
	}
}

// First returns the least number in the set, with ok = false if there is none. It costs a step for each level.
func (s *Set) First() (i uint64, ok bool) {
	for level := s.height - 1; level >= 0; level-- {
		w := s.levels[level][i]
		if w == 0 {
			return 0, false // only at the root
		}
		i = i*wordBits + uint64(bits.TrailingZeros64(w))
	}
	return i, s.height > 0
}

// All yields the numbers in the set, ascending.
func (s *Set) All() func(yield func(i uint64) bool) {
	return func(yield func(i uint64) bool) {
		for w, x := range s.levels[0] {
			for ; x != 0; x &= x - 1 {
				if !yield(uint64(w)*wordBits + uint64(bits.TrailingZeros64(x))) {
					return
				}
			}
		}
	}
}

// Clear makes the set empty and keeps its room.
func (s *Set) Clear() {
	for level := range s.height {
		clear(s.levels[level])
	}
}

// grow makes room for i, and for a quarter more than was there.
func (s *Set) grow(i uint64) {
	n := max(i/wordBits+1, uint64(len(s.levels[0]))*5/4)
	for level := 0; ; level++ {
		was := s.levels[level]
		s.levels[level] = make([]uint64, n)
		copy(s.levels[level], was)
		if level > 0 && level >= s.height {
			for w, x := range s.levels[level-1] {
				if x != 0 {
					s.levels[level][w/wordBits] |= 1 << (w % wordBits)
				}
			}
		}
		if n == 1 {
			s.height = level + 1
			return
		}
		n = (n + wordBits - 1) / wordBits
	}
}
