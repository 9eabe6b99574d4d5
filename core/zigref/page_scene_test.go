package zigref_test

import (
	"errors"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/zigref"
)

// runs are runs of pages: start, length, start, length …
type runs []uint64

// pageSituation is a memory of which all pages are the guest's. Some are freed, at the caller's word; then comes a call.
type pageSituation struct {
	name  string
	size  uint64 // pages
	free  runs   // each freed by a call of its own
	call  pageCall
	grown uint64 // the pages that the calls add
	after runs   // what is free in the end
}

func runPageSituations(t *testing.T, situations []pageSituation) {
	t.Helper()
	for _, want := range situations {
		t.Run(want.name, func(t *testing.T) {
			s := newPageScene(t, want.size, 1<<16)
			for i := 0; i < len(want.free); i += 2 {
				freeRun(want.free[i], want.free[i+1])(s)
			}
			want.call(s)
			if got := s.m.NumPages() - want.size; got != want.grown {
				t.Errorf("the memory grew by %d pages, want %d", got, want.grown)
			}
			if got := s.drain(); !slices.Equal(got, want.after) {
				t.Errorf("free in the end: %d, want %d", got, want.after)
			}
		})
	}
}

// pageScene is a page allocator on a memory that moves at every growth.
type pageScene struct {
	t *testing.T
	m *sparseMemory
	a *zigref.PageAllocator
}

func newPageScene(t *testing.T, pages, maxPages uint64) *pageScene {
	m := newSparseMemory(pages, maxPages)
	return &pageScene{t, m, zigref.NewPageAllocator(m)}
}

// drain takes all free pages, one by one, and returns the runs that they were.
func (s *pageScene) drain() (free runs) {
	s.t.Helper()
	s.m.max = s.m.pages
	for taken := uint64(0); ; taken++ {
		if taken > s.m.pages {
			s.t.Fatalf("%d pages were taken of %d, and there are more: %d", taken, s.m.pages, free)
		}
		addr, err := s.a.Alloc(1, 0)
		if err != nil {
			if !errors.Is(err, linmem.ErrOutOfMemory) {
				s.t.Error(err)
			}
			return free
		}
		page := addr / pageSize
		if n := len(free); n > 0 && free[n-2]+free[n-1] == page {
			free[n-1]++
		} else {
			free = append(free, page, 1)
		}
	}
}

// pageCall is something that is done in a scene, with what must come of it.
type pageCall func(*pageScene)

func thenPages(calls ...pageCall) pageCall {
	return func(s *pageScene) {
		for _, call := range calls {
			call(s)
		}
	}
}

// allocPages allocates n pages, which must be at the page want.
func allocPages(n uint64, log2Align uint8, want uint64) pageCall {
	return allocBytes(n*pageSize, log2Align, want)
}

func allocBytes(n uint64, log2Align uint8, want uint64) pageCall {
	return func(s *pageScene) {
		s.t.Helper()
		addr, err := s.a.Alloc(n, log2Align)
		if err != nil || addr != want*pageSize {
			s.t.Errorf("Alloc(%#x, %d) = %#x (page %d), %v, want page %d", n, log2Align, addr, addr/pageSize, err, want)
		}
	}
}

func allocFails(n uint64, log2Align uint8, want error) pageCall {
	return func(s *pageScene) {
		s.t.Helper()
		addr, err := s.a.Alloc(n, log2Align)
		wantError(s.t, err, want, "zigref.PageAllocator.Alloc", 0, n)
		if addr != 0 {
			s.t.Errorf("Alloc(%#x, %d) fails, and is %#x", n, log2Align, addr)
		}
	}
}

func freeRun(page, n uint64) pageCall { return freeBytes(page*pageSize, n*pageSize) }

func freeBytes(addr, n uint64) pageCall {
	return func(s *pageScene) {
		s.t.Helper()
		if err := s.a.Free(addr, n); err != nil {
			s.t.Error(err)
		}
	}
}

// freeFails is for what cannot be an allocation. Resize must see that as well.
func freeFails(addr, n uint64) pageCall {
	return func(s *pageScene) {
		s.t.Helper()
		wantError(s.t, s.a.Free(addr, n), linmem.ErrNotAllocated, "zigref.PageAllocator.Free", addr, n)
		for _, newN := range []uint64{0, 1, n} {
			if s.a.Resize(addr, n, newN) {
				s.t.Errorf("Resize(%#x, %#x, %#x) is true", addr, n, newN)
			}
		}
	}
}

func resizeBytes(page, n, newN uint64, want bool) pageCall {
	return func(s *pageScene) {
		s.t.Helper()
		if got := s.a.Resize(page*pageSize, n, newN); got != want {
			s.t.Errorf("Resize(page %d, %#x, %#x) = %t", page, n, newN, got)
		}
	}
}

// bitmapIs checks that the extended block is in that page, and which pages it calls free; no other page was ever looked at.
func bitmapIs(page uint64, free runs) pageCall {
	return func(s *pageScene) {
		s.t.Helper()
		want := make([]byte, pageSize)
		for i := 0; i < len(free); i += 2 {
			for bit := free[i] - split; bit < free[i]+free[i+1]-split; bit++ {
				want[bit/8] |= 1 << (bit % 8)
			}
		}
		if !slices.Equal(s.m.viewed, []uint64{page}) {
			s.t.Errorf("the pages %d were looked at, want %d only", s.m.viewed, page)
		}
		if got := s.m.guest(page); !slices.Equal(got, want) {
			s.t.Errorf("the bitmap in page %d begins with % x, want % x, or the rest differs", page, got[:32], want[:32])
		}
	}
}

// notLookedAt checks that the allocator did not need the memory's bytes.
func notLookedAt(s *pageScene) {
	s.t.Helper()
	if len(s.m.viewed) > 0 {
		s.t.Errorf("the pages %d were looked at", s.m.viewed)
	}
}
