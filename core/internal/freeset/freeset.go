// Package freeset keeps the free pages of a memory and finds runs among them: the search behind linmem.Pages.
//
// The pages are a [bitmap.Set]. [Set.FindRun] goes from run to run with trailing-zero counts, so it costs what the words
// and runs below its result cost; a hint to the lowest free page keeps a full low end out of that. It is the plain scan
// that a faster structure will be measured against, and the only package that one has to replace.
package freeset

import (
	"iter"

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

// FindRun returns the lowest start of n free pages that is a multiple of align, a power of two, with ok = false if there
// is none below limit.
func (s *Set) FindRun(n, align, limit uint64) (start uint64, ok bool) {
	s.low = s.pages.Next(s.low, limit)
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
