// Package freeset keeps the free pages of a memory and finds runs among them: the search behind linmem.Pages.
//
// The pages are a [bitmap.Set], and the search is a plain scan from a hint to the lowest free page. A word of 64 pages
// takes a few instructions, whatever is in it (Pages/CombNeverFits in integration/bench): the run that comes in from the
// words below is counted, and runs inside are found with shifts. Aligned requests go from run to run instead. It is the
// scan that a faster structure will be measured against, and the only package that one has to replace.
package freeset

import (
	"iter"
	"math/bits"

	"github.com/linmem/linmem/core/internal/bitmap"
)

// Set is a set of pages below 2^48. The zero value is empty.
type Set struct {
	pages bitmap.Set
	low   uint64 // no free page is below it
}

// Add puts [start, start+n) into the set, and makes room for it.
func (s *Set) Add(start, n uint64) {
	s.pages.Add(start, n)
	s.low = min(s.low, start)
}

// Remove takes [start, start+n) out of the set.
func (s *Set) Remove(start, n uint64) { s.pages.Remove(start, n) }

// Has reports whether the page is free.
func (s *Set) Has(page uint64) bool { return s.pages.Has(page) }

// Next returns the lowest free page in [from, limit), or limit.
func (s *Set) Next(from, limit uint64) uint64 { return s.pages.Next(from, limit) }

// NextAbsent returns the lowest page in [from, limit) that is not free, or limit.
func (s *Set) NextAbsent(from, limit uint64) uint64 { return s.pages.NextAbsent(from, limit) }

// RunBefore returns the first page of the free run that ends just below end, or end if there is none.
func (s *Set) RunBefore(end uint64) uint64 { return s.pages.RunBefore(end) }

// Runs yields every maximal run of free pages below limit as start and length, ascending.
func (s *Set) Runs(limit uint64) iter.Seq2[uint64, uint64] { return s.pages.Runs(limit) }

// FindRun returns the lowest start of n > 0 free pages that is a multiple of align, a power of two, with ok = false if
// there is none below limit.
func (s *Set) FindRun(n, align, limit uint64) (start uint64, ok bool) {
	s.low = s.pages.Next(s.low, limit)
	if align > 1 {
		return s.findAligned(n, align, limit)
	}
	before := uint64(0) // pages of the run that ends where the word begins
	for at := s.low &^ 63; at < limit; at += 64 {
		word := s.pages.Word(at)
		if limit-at < 64 {
			word &= 1<<(limit-at) - 1
		}
		switch word {
		case 0:
			before = 0
			next := s.pages.Next(at, limit) // holes may be wide
			if next == limit {
				return 0, false
			}
			at = next&^63 - 64
			continue
		case ^uint64(0):
			if before += 64; before >= n {
				return at + 64 - before, true
			}
			continue
		}
		if before+uint64(bits.TrailingZeros64(^word)) >= n {
			return at - before, true
		}
		if n < 64 {
			if starts := runs(word, n); starts != 0 {
				return at + uint64(bits.TrailingZeros64(starts)), true
			}
		}
		before = uint64(bits.LeadingZeros64(^word))
	}
	return 0, false
}

// runs returns the bits at which n consecutive ones of word begin, for n in [1, 64). Each step doubles the length of
// which the beginnings are known.
func runs(word, n uint64) (starts uint64) {
	starts = word
	for known := uint64(1); known < n; {
		step := min(known, n-known)
		starts &= starts >> step
		known += step
	}
	return starts
}

// findAligned visits every run below the one that it returns.
func (s *Set) findAligned(n, align, limit uint64) (start uint64, ok bool) {
	for run := s.low; run < limit; {
		start = (run + align - 1) &^ (align - 1)
		end := s.pages.NextAbsent(run, limit)
		if start < end && n <= end-start {
			return start, true
		}
		run = s.pages.Next(end, limit)
	}
	return 0, false
}
