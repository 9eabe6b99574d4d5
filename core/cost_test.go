package linmem_test

import (
	"math"
	"runtime"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// comb returns an allocator over size owned pages behind a foreign one, of which every second page is used.
func comb(tb testing.TB, size uint64) *linmem.Pages {
	tb.Helper()
	p, err := linmem.NewPages(&toyMemory{size: 1, max: 1 + size})
	if err != nil {
		tb.Fatal(err)
	}
	for range size {
		if _, err := p.Alloc(1); err != nil {
			tb.Fatal(err)
		}
	}
	for i := uint64(0); i < size; i += 2 {
		if err := p.Free(linmem.Range{Start: linmem.Page(1 + i), Len: 1}); err != nil {
			tb.Fatal(err)
		}
	}
	return p
}

func TestNoGoAllocations(t *testing.T) {
	p := comb(t, 1000) // pages 1, 3, 5 … are free, 2, 4, 6 … are used
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	mustFail := func(err error) {
		if err == nil {
			t.Fatal("did not fail")
		}
	}
	tests := []struct {
		name string
		run  func()
	}{
		{"AllocAndFree", func() {
			r, err := p.Alloc(1)
			must(err)
			must(p.Free(r))
		}},
		{"AllocAlignedAndFree", func() {
			must(p.Free(linmem.Range{Start: 8, Len: 1}))
			r, err := p.AllocAligned(1, 8)
			must(err)
			if r.Start != 8 {
				t.Fatalf("got %v", r)
			}
		}},
		{"AllocRefused", func() {
			_, err := p.Alloc(2)
			mustFail(err)
		}},
		{"AllocInvalid", func() {
			_, err := p.Alloc(0)
			mustFail(err)
		}},
		{"AllocFrozen", func() {
			p.Freeze(true)
			_, err := p.Alloc(2)
			mustFail(err)
			p.Freeze(false)
		}},
		{"Resize", func() {
			r, err := p.Resize(linmem.Range{Start: 2, Len: 1}, 2)
			must(err)
			_, err = p.Resize(r, 1)
			must(err)
		}},
		{"ResizeNoRoom", func() {
			_, err := p.Resize(linmem.Range{Start: 2, Len: 1}, 3)
			mustFail(err)
		}},
		{"ResizeRefused", func() {
			_, err := p.Resize(linmem.Range{Start: 1000, Len: 1}, 9)
			mustFail(err)
		}},
		{"FreeTwice", func() { mustFail(p.Free(linmem.Range{Start: 1, Len: 1})) }},
		{"FreeForeign", func() { mustFail(p.Free(linmem.Range{Start: 0, Len: 1})) }},
		{"AdoptOwned", func() { mustFail(p.Adopt(linmem.Range{Start: 1, Len: 1})) }},
		{"ReserveAtHand", func() { must(p.Reserve(1)) }},
		{"Stats", func() { p.Stats() }},
		{"Check", func() { must(p.Check()) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { noGoAllocations(t, tt.run) })
	}
}

// noGoAllocations fails if f allocates on the Go heap, first calls aside.
func noGoAllocations(t *testing.T, f func()) {
	t.Helper()
	// AllocsPerRun rounds down, so that what happens once in many calls shows only in a run of many.
	if n := testing.AllocsPerRun(5, func() {
		for range 200 {
			f()
		}
	}); n != 0 {
		t.Errorf("%v Go allocations in 200 calls, want none", n)
	}
}

// Failures that take turns, as those of an allocator that is asked for a few sizes do, cost nothing at all.
func TestFailuresThatTakeTurns(t *testing.T) {
	p := comb(t, 100)
	fail := func() {
		for n := range uint64(3) {
			if _, err := p.Alloc(2 + n); err == nil {
				t.Fatal("did not fail")
			}
		}
		if p.Free(linmem.Range{Start: 0, Len: 1}) == nil {
			t.Fatal("did not fail")
		}
	}
	fail()
	if got := bytesAllocated(func() {
		for range 1000 {
			fail()
		}
	}); got > 0 {
		t.Errorf("4,000 failures of four kinds allocate %d bytes", got)
	}
}

// The room for what is known of pages is made when they become the allocator's, and not when they are used.
func TestMetadataIsMadeWithThePages(t *testing.T) {
	const n = 3 * 4096 // chunks of the bitmaps that nothing was in before
	for name, own := range map[string]func(p *linmem.Pages) error{
		"Reserve": func(p *linmem.Pages) error { return p.Reserve(n) },
		"Adopt":   func(p *linmem.Pages) error { return p.Adopt(linmem.Range{Start: 4096, Len: n}) },
	} {
		t.Run(name, func(t *testing.T) {
			mem := &toyMemory{size: 4096 + n, max: 1 << 20}
			p, err := linmem.NewPages(mem)
			if err != nil {
				t.Fatal(err)
			}
			if err := own(p); err != nil {
				t.Fatal(err)
			}
			p.Freeze(true)
			var runs [n]linmem.Range
			if got := bytesAllocated(func() {
				for i := range runs {
					runs[i], err = p.Alloc(1)
					if err != nil {
						t.Fatal(err)
					}
				}
				for _, r := range runs {
					if err := p.Free(r); err != nil {
						t.Fatal(err)
					}
				}
			}); got > 0 {
				t.Errorf("%d allocations of one page, and their end, allocate %d bytes", n, got)
			}
		})
	}
}

// Failures that differ each time must differ as values too, so they cost memory, but not a Go allocation each.
func TestFailuresThatDiffer(t *testing.T) {
	p := comb(t, 100)
	n := testing.AllocsPerRun(1, func() {
		for i := range uint64(6400) {
			if _, err := p.Alloc(2 + i); err == nil {
				t.Fatal("did not fail")
			}
		}
	})
	if n > 100 {
		t.Errorf("6,400 failures cost %v Go allocations, want 100 at most", n)
	}
}

// bytesAllocated returns how many bytes of Go heap f allocates: the least of several times, since the runtime
// allocates for itself now and then.
func bytesAllocated(f func()) uint64 {
	least := uint64(math.MaxUint64)
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

// Metadata is for the pages that are owned, wherever they lie.
func TestForeignPagesCostNothing(t *testing.T) {
	cost := func(prefix uint64) uint64 {
		return bytesAllocated(func() {
			p, err := linmem.NewPages(&toyMemory{size: prefix, max: spacePages})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Alloc(3); err != nil {
				t.Fatal(err)
			}
			if err := p.Adopt(linmem.Range{Start: linmem.Page(prefix / 2), Len: 2}); err != nil {
				t.Fatal(err)
			}
			if err := p.Check(); err != nil {
				t.Fatal(err)
			}
		})
	}
	if small, large := cost(1<<10), cost(1<<40); large > small+4<<10 {
		t.Errorf("a foreign prefix of 2^40 pages costs %d bytes, one of 2^10 pages %d", large, small)
	}
}

// 65,536 pages are a full 32-bit memory: what a host with many guests pays for each.
func TestMetadataPerPage(t *testing.T) {
	const size = 1 << 16
	bytes := bytesAllocated(func() {
		p, err := linmem.NewPages(&toyMemory{max: size + 1}, linmem.WithPageZero())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Alloc(size); err != nil {
			t.Fatal(err)
		}
	})
	if limit := uint64(size * 3 / 8); bytes > limit {
		t.Errorf("%d pages cost %d bytes, want %d at most: 3 bits a page", size, bytes, limit)
	}
}
