// Package bitmap keeps sets of page indices as bits.
//
// A Set is sharded into chunks of 4,096 bits, kept in order of their index; a chunk that was never asked for does not
// exist, and its bits read as clear. A set that begins high in a 64-bit space, or has wide holes, costs only what it
// holds: 512 bytes a chunk, 1.02 bits a page when dense. Operations go a word of 64 bits at a time.
package bitmap

import (
	"iter"
	"math/bits"
	"slices"
)

const (
	wordBits = 64

	// chunkWords trades the cost of a small set (512 bytes) against the number of chunks to look up in a large one
	// (16 for a full 32-bit memory of 65,536 pages).
	chunkWords = 64
	chunkBits  = chunkWords * wordBits
)

type chunk struct {
	index uint64 // of its first bit, divided by chunkBits
	words [chunkWords]uint64
}

// Set is a set of integers below 2^63. The zero value is empty.
type Set struct {
	chunks []*chunk // ascending by index
}

// Reserve makes room for [start, start+n), so that Add in it allocates nothing.
func (s *Set) Reserve(start, n uint64) {
	if n == 0 {
		return
	}
	for index := start / chunkBits; index <= (start+n-1)/chunkBits; index++ {
		if k, ok := s.search(index); !ok {
			s.chunks = slices.Insert(s.chunks, k, &chunk{index: index})
		}
	}
}

// Add puts [start, start+n) into the set.
func (s *Set) Add(start, n uint64) {
	for n > 0 {
		w, mask, step := s.part(start, n)
		if w == nil {
			s.Reserve(start, n)
			continue
		}
		*w |= mask
		start, n = start+step, n-step
	}
}

// Remove takes [start, start+n) out of the set.
func (s *Set) Remove(start, n uint64) {
	for n > 0 {
		w, mask, step := s.part(start, n)
		if w != nil {
			*w &^= mask
		}
		start, n = start+step, n-step
	}
}

// Has reports whether i is a member.
func (s *Set) Has(i uint64) bool {
	w, mask, _ := s.part(i, 1)
	return w != nil && *w&mask != 0
}

// Word returns the members in [i, i+64), lowest in the lowest bit. i is a multiple of 64.
func (s *Set) Word(i uint64) uint64 {
	k, ok := s.search(i / chunkBits)
	if !ok {
		return 0
	}
	return s.chunks[k].words[i%chunkBits/wordBits]
}

// Next returns the lowest member in [from, limit), or limit.
func (s *Set) Next(from, limit uint64) uint64 {
	k, ok := s.search(from / chunkBits)
	if !ok && k < len(s.chunks) {
		from = max(from, s.chunks[k].index*chunkBits)
	}
	for ; k < len(s.chunks) && from < limit; k++ {
		c := s.chunks[k]
		from = max(from, c.index*chunkBits)
		word := from % chunkBits / wordBits
		mask := ^uint64(0) << (from % wordBits)
		for ; word < chunkWords; word++ {
			if w := c.words[word] & mask; w != 0 {
				return min(limit, c.bit(word)+uint64(bits.TrailingZeros64(w)))
			}
			mask = ^uint64(0)
			if c.bit(word) >= limit {
				return limit
			}
		}
	}
	return limit
}

// NextAbsent returns the lowest integer in [from, limit) that is not a member, or limit.
func (s *Set) NextAbsent(from, limit uint64) uint64 {
	for from < limit {
		w, mask, step := s.part(from, limit-from)
		if w == nil {
			return from
		}
		if absent := ^*w & mask; absent != 0 {
			return from&^(wordBits-1) + uint64(bits.TrailingZeros64(absent))
		}
		from += step
	}
	return limit
}

// RunBefore returns the first member of the run of members that ends just below end, or end if there is none.
func (s *Set) RunBefore(end uint64) uint64 {
	for end > 0 {
		w, mask, step := s.part((end-1)&^(wordBits-1), (end-1)%wordBits+1)
		if w == nil {
			return end
		}
		if absent := ^*w & mask; absent != 0 {
			return (end-1)&^(wordBits-1) + uint64(bits.Len64(absent))
		}
		end -= step
	}
	return 0
}

// Runs yields every maximal run of members below limit as start and length, ascending.
func (s *Set) Runs(limit uint64) iter.Seq2[uint64, uint64] {
	return func(yield func(start, n uint64) bool) {
		for start := s.Next(0, limit); start < limit; {
			end := s.NextAbsent(start, limit)
			if !yield(start, end-start) {
				return
			}
			start = s.Next(end, limit)
		}
	}
}

// bit returns the integer that the word's lowest bit stands for.
func (c *chunk) bit(word uint64) uint64 { return c.index*chunkBits + word*wordBits }

// search returns the position of the chunk with that index, or where it would be. Chunks mostly follow each other, so
// the place is guessed before it is searched for.
func (s *Set) search(index uint64) (k int, ok bool) {
	if len(s.chunks) == 0 || index < s.chunks[0].index {
		return 0, false
	}
	if guess := index - s.chunks[0].index; guess < uint64(len(s.chunks)) && s.chunks[guess].index == index {
		return int(guess), true
	}
	return slices.BinarySearchFunc(s.chunks, index, func(c *chunk, index uint64) int {
		switch {
		case c.index < index:
			return -1
		case c.index > index:
			return 1
		}
		return 0
	})
}

// part returns the word that i lies in, the mask of [i, i+n) in that word, and how many of the n that covers. The word
// is nil, and the step goes to the chunk's end, if the chunk does not exist.
func (s *Set) part(i, n uint64) (w *uint64, mask, step uint64) {
	k, ok := s.search(i / chunkBits)
	if !ok {
		return nil, 0, min(n, chunkBits-i%chunkBits)
	}
	step = min(n, wordBits-i%wordBits)
	mask = ^uint64(0) >> (wordBits - step) << (i % wordBits)
	return &s.chunks[k].words[i%chunkBits/wordBits], mask, step
}
