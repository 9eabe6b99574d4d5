package zigref_test

import (
	"errors"
	"math/bits"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/zigref"
)

// TestPagesDiffers does the same to Zig's page allocator and to linmem.Pages, and holds what DESIGN.md says of which pages
// they find. The steps are in pages; a step that allocates tells the page that each is expected to return.
func TestPagesDiffers(t *testing.T) {
	type alloc struct{ n, align, zig, pages uint64 }
	for _, tt := range []struct {
		why   string
		size  uint64                      // of the memory, before
		first uint64                      // length of a run that is allocated and freed, so that its pages are free
		keep  uint64                      // how many of them are then allocated again
		alloc alloc                       // what is asked for then, and where it is
		sizes struct{ zig, pages uint64 } // of the memories, after
	}{
		{
			why:  "alignment is tried at the start of a free run: pages 3 to 34 are free, and an aligned run is inside",
			size: 3, first: 32,
			alloc: alloc{n: 16, align: 16, zig: 48, pages: 16},
			sizes: struct{ zig, pages uint64 }{64, 35},
		},
		{
			why:  "no run crosses page 2,048: 8 pages are free before it, and 7 after it, the 8th being stolen",
			size: 2040, first: 16,
			alloc: alloc{n: 10, align: 1, zig: 2056, pages: 2040},
			sizes: struct{ zig, pages uint64 }{2066, 2056},
		},
		{
			why:  "the last page that is freed past 2,048 never comes back",
			size: 2048, first: 4,
			alloc: alloc{n: 4, align: 1, zig: 2052, pages: 2048},
			sizes: struct{ zig, pages uint64 }{2056, 2052},
		},
		{
			why:  "growth is by all that is asked for, though free pages touch the end",
			size: 1, first: 10, keep: 2,
			alloc: alloc{n: 12, align: 1, zig: 11, pages: 3},
			sizes: struct{ zig, pages uint64 }{23, 15},
		},
	} {
		t.Run(tt.why, func(t *testing.T) {
			for _, a := range []struct {
				name       string
				addr, size uint64
				open       func(linmem.Memory) pageCalls
			}{
				{"zigref", tt.alloc.zig, tt.sizes.zig, newZigCalls},
				{"linmem", tt.alloc.pages, tt.sizes.pages, newPagesCalls},
			} {
				m := newFlatMemory(tt.size, tt.size+100)
				calls := a.open(m)
				first, err := calls.alloc(tt.first, 1)
				if err != nil || first != tt.size {
					t.Fatalf("%s: the run is at %d, %v, want %d", a.name, first, err, tt.size)
				}
				if err := calls.free(first, tt.first); err != nil {
					t.Fatalf("%s: %v", a.name, err)
				}
				if tt.keep > 0 {
					if _, err := calls.alloc(tt.keep, 1); err != nil {
						t.Fatalf("%s: %v", a.name, err)
					}
				}
				if got, err := calls.alloc(tt.alloc.n, tt.alloc.align); err != nil || got != a.addr {
					t.Errorf("%s: %d pages are at %d, %v, want %d", a.name, tt.alloc.n, got, err, a.addr)
				}
				if got := m.NumPages(); got != a.size {
					t.Errorf("%s: the memory has %d pages, want %d", a.name, got, a.size)
				}
			}
		})
	}
}

// TestPagesChecks holds that what Zig's page allocator takes at the caller's word, or at the guest's, Pages does not.
func TestPagesChecks(t *testing.T) {
	t.Run("a run freed twice, and allocated in between", func(t *testing.T) {
		for name, open := range map[string]func(linmem.Memory) pageCalls{"zigref": newZigCalls, "linmem": newPagesCalls} {
			calls := open(newFlatMemory(1, 20))
			must := func(page uint64, err error) uint64 {
				t.Helper()
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				return page
			}
			first := must(calls.alloc(2, 1))
			must(0, calls.free(first, 2))
			second := must(calls.alloc(1, 1))
			err := calls.free(first, 2)
			third := must(calls.alloc(1, 1))
			switch {
			case name == "zigref" && (err != nil || third != second):
				t.Errorf("%s: %v, pages %d and %d; want them to be the same", name, err, second, third)
			case name == "linmem" && (!errors.Is(err, linmem.ErrNotAllocated) || third == second):
				t.Errorf("%s: %v, pages %d and %d; want them apart, and ErrNotAllocated", name, err, second, third)
			}
		}
	})
	t.Run("a guest that fills its free pages with ones", func(t *testing.T) {
		for name, open := range map[string]func(linmem.Memory) pageCalls{"zigref": newZigCalls, "linmem": newPagesCalls} {
			m := newFlatMemory(2048, 2100)
			calls := open(m)
			used, err := calls.alloc(1, 1)
			if err != nil {
				t.Fatal(err)
			}
			freed, err := calls.alloc(2, 1)
			if err == nil {
				err = calls.free(freed, 2)
			}
			if err != nil {
				t.Fatal(err)
			}
			for addr := freed * linmem.PageSize; addr < (freed+2)*linmem.PageSize; addr++ {
				m.data[addr] = 0xff
			}
			got, err := calls.alloc(1, 1)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if wrong := got == used; wrong != (name == "zigref") {
				t.Errorf("%s: page %d is handed out, and %d is in use", name, got, used)
			}
		}
	})
}

// TestPagesDoesMore holds the rest of what DESIGN.md says of the two.
func TestPagesDoesMore(t *testing.T) {
	t.Run("Resize extends into free pages and by growth, and Zig's only shrinks", func(t *testing.T) {
		zig := zigref.NewPageAllocator(newFlatMemory(1, 20))
		if addr, err := zig.Alloc(2*pageSize, 0); err != nil ||
			zig.Resize(addr, 2*pageSize, 2*pageSize+1) || !zig.Resize(addr, 2*pageSize, pageSize) {
			t.Errorf("zigref extends, or does not shrink: %v", err)
		}
		pages, err := linmem.NewPages(newFlatMemory(1, 20))
		if err != nil {
			t.Fatal(err)
		}
		r, err := pages.Alloc(2)
		if err != nil {
			t.Fatal(err)
		}
		next, err := pages.Alloc(2)
		if err != nil {
			t.Fatal(err)
		}
		if err := pages.Free(next); err != nil {
			t.Fatal(err)
		}
		for _, n := range []uint64{4, 6, 3} { // into free pages, by growth, and smaller
			if r, err = pages.Resize(r, n); err != nil || r != (linmem.Range{Start: 1, Len: n}) {
				t.Errorf("linmem: %v, %v, want %d pages at 1", r, err, n)
			}
		}
	})
	t.Run("a page of the guest's is not given away by Free", func(t *testing.T) {
		for name, open := range map[string]func(linmem.Memory) pageCalls{"zigref": newZigCalls, "linmem": newPagesCalls} {
			calls := open(newFlatMemory(5, 20))
			err := calls.free(3, 1)
			got, _ := calls.alloc(1, 1)
			switch {
			case name == "zigref" && (err != nil || got != 3):
				t.Errorf("%s: %v, and page %d; want 3", name, err, got)
			case name == "linmem" && (!errors.Is(err, linmem.ErrNotAllocated) || got != 5):
				t.Errorf("%s: %v, and page %d; want ErrNotAllocated, and 5", name, err, got)
			}
		}
	})
	t.Run("memories of more than 4 GiB", func(t *testing.T) {
		const last = 1<<16 - 1
		for name, open := range map[string]func(linmem.Memory) pageCalls{"zigref": newZigCalls, "linmem": newPagesCalls} {
			calls := open(newSparseMemory(last, 1<<20))
			first, err := calls.alloc(1, 1)
			if err != nil || first != last {
				t.Errorf("%s: page %d, %v, want %d", name, first, err, last)
			}
			second, err := calls.alloc(1, 1)
			switch {
			case name == "zigref" && !errors.Is(err, linmem.ErrOutOfMemory):
				t.Errorf("%s: page %d, %v, want ErrOutOfMemory", name, second, err)
			case name == "linmem" && (err != nil || second != last+1):
				t.Errorf("%s: page %d, %v, want %d", name, second, err, last+1)
			}
		}
	})
}

// pageCalls is either page allocator, in pages.
type pageCalls interface {
	alloc(n, align uint64) (page uint64, err error)
	free(page, n uint64) error
}

type zigCalls struct{ *zigref.PageAllocator }

func newZigCalls(m linmem.Memory) pageCalls { return zigCalls{zigref.NewPageAllocator(m)} }

func (c zigCalls) alloc(n, align uint64) (uint64, error) {
	addr, err := c.Alloc(n*linmem.PageSize, uint8(bits.Len64(align*linmem.PageSize)-1))
	return addr / linmem.PageSize, err
}

func (c zigCalls) free(page, n uint64) error { return c.Free(page*linmem.PageSize, n*linmem.PageSize) }

type pagesCalls struct{ *linmem.Pages }

func newPagesCalls(m linmem.Memory) pageCalls {
	p, err := linmem.NewPages(m)
	if err != nil {
		panic(err)
	}
	return pagesCalls{p}
}

func (c pagesCalls) alloc(n, align uint64) (uint64, error) {
	r, err := c.AllocAligned(n, align)
	return uint64(r.Start), err
}

func (c pagesCalls) free(page, n uint64) error {
	return c.Free(linmem.Range{Start: linmem.Page(page), Len: n})
}
