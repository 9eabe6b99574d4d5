package pagemap_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/linmem/linmem/core/internal/pagemap"
)

// largeSize is the size of large memories, in pages: 2^24, and less where that takes too long.
func largeSize() uint64 {
	if testing.Short() || raceDetector {
		return 1 << 20
	}
	return 1 << 24
}

// comb makes a run of n pages free at every multiple of period, from base on.
func comb(base, size, period, n uint64) *memory {
	m := &memory{base: base}
	m.Cover(base, size)
	for page := uint64(0); page+n <= size; page += period {
		m.Add(base+page, n)
	}
	return m
}

// A search in a large memory of which nothing, or only the last, fits.
func TestLargeComb(t *testing.T) {
	size := largeSize()
	combs := []struct{ period, n uint64 }{{2, 1}, {4, 3}, {65, 64}, {128, 127}, {129, 128}, {512, 300}, {1 << 16, 1<<16 - 1}}
	for _, c := range combs {
		t.Run(fmt.Sprintf("%d of %d", c.n, c.period), func(t *testing.T) {
			size := size
			if c.period < 64 && c.n > 1 {
				size >>= 2
			}
			m := comb(64, size, c.period, c.n)
			runs := (size + c.period - c.n) / c.period
			for _, align := range []uint64{1, 2, 16, 64, 1 << 16} {
				if got := m.findAligned(c.n+1, align); got != none {
					t.Errorf("FindAligned(%d, %d) = %v, want none", c.n+1, align, got)
				}
			}
			if got := m.findBest(c.n+1, 1); got != none {
				t.Errorf("FindBest(%d, 1) = %v, want none", c.n+1, got)
			}
			if got := m.find(c.n); got != at(0) {
				t.Errorf("Find(%d) = %v, want 0", c.n, got)
			}
			last := (runs - 1) * c.period
			m.Add(m.base+last-1, 1)
			want := at(last - 1)
			if c.period == c.n+1 {
				want = at(last - c.period) // it joins two runs
			}
			if got := m.find(c.n + 1); got != want {
				t.Errorf("Find(%d) = %v, want %v", c.n+1, got, want)
			}
			if got := m.findBest(c.n+1, 1); got != want {
				t.Errorf("FindBest(%d, 1) = %v, want %v", c.n+1, got, want)
			}
			if err := m.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// All of a large memory is one run, is taken, and is given back page by page from both ends.
func TestLargeRun(t *testing.T) {
	size := largeSize()
	m := comb(1<<30, size, size, size)
	if got := m.find(size); got != at(0) || m.Longest() != size || m.find(size+1) != none {
		t.Fatalf("Find(%d) = %v; the longest run has %d pages", size, got, m.Longest())
	}
	if got := m.alloc(size); got != at(0) {
		t.Fatalf("Alloc(%d) = %v", size, got)
	}
	if m.Free(m.base, size-1) || m.Free(m.base, size+1) || m.RunLen(m.base) != size || !m.Free(m.base, size) {
		t.Fatal("the run has other pages than it should")
	}
	for i := range uint64(1000) {
		m.Remove(m.base+i, 1)
		m.Remove(m.base+size-1-i, 1)
		if got, want := m.find(size-2*(i+1)), at(i+1); got != want {
			t.Fatalf("Find(%d) = %v, want %v", size-2*(i+1), got, want)
		}
		if got := m.find(size - 2*i); got != none {
			t.Fatalf("Find(%d) = %v, want none", size-2*i, got)
		}
	}
	if err := m.Check(); err != nil {
		t.Error(err)
	}
}

// The map takes as much memory as its documentation says: three bits a page, and 0.04 for each alignment, rounded.
func TestSize(t *testing.T) {
	size := largeSize()
	var m pagemap.Map
	for page := uint64(0); page < size; page += 1 << 10 {
		m.Cover(page, 1<<10)
		m.Add(page, 1<<10)
	}
	got := m.Size() * 8
	if want := size * 3; got > want || got < size*2 {
		t.Errorf("it takes %.2f bits a page, want 2 to 3", float64(got)/float64(size))
	}
	for i, align := range []uint64{2, 64, 512, 1 << 15} {
		before := m.Size()
		m.FindAligned(1, align)
		const itself = 512 // bytes, whatever the size
		if got := m.Size() - before; got == 0 || got > itself+size*45/1000/8 {
			t.Errorf("index %d takes %d bytes, %.3f bits a page", i, got, float64(got)*8/float64(size))
		}
	}
	var far pagemap.Map
	for i := range uint64(100) {
		far.Cover(i<<41, 1)
	}
	if got := far.Size(); got > 100*4096/8*3 {
		t.Errorf("100 pages that are far apart take %d bytes", got)
	}
}

// A run of more than 2^31 pages is longer than any number in the index can tell.
func TestHugeRun(t *testing.T) {
	switch {
	case testing.Short():
		t.Skip("it takes 700 MB")
	case raceDetector:
		t.Skip("it takes 700 MB, and much more under the race detector")
	case strconv.IntSize < 64:
		t.Skip("it takes 700 MB, which may be more than the address space has left")
	}
	const top = 1<<31 - 1
	const huge, total = 1<<31 + 1<<16, 1<<31 + 1<<20
	began := time.Now()
	m := &memory{base: 64}
	m.Cover(m.base, total)
	m.Add(m.base+100, huge)
	want := []span{{100, huge}}
	m.expect(t, want)
	for _, n := range []uint64{1, 1000, 40000, top - 1, top, top + 1, 1<<31 + 77, huge} {
		if got := m.find(n); got != at(100) {
			t.Errorf("Find(%d) = %v, want 100", n, got)
		}
		if got := m.findBest(n, 1); got != at(100) {
			t.Errorf("FindBest(%d, 1) = %v, want 100", n, got)
		}
	}
	if got := m.find(huge + 1); got != none {
		t.Errorf("Find(%d) = %v, want none", uint64(huge+1), got)
	}
	if got := m.findAligned(1<<31, 1<<10); got != at(1024-64) {
		t.Errorf("FindAligned(1<<31, 1<<10) = %v, want %d", got, 1024-64)
	}
	for i := range uint64(100) { // from its front, within words and out of them
		if got := m.alloc(1 + i); got != at(100+i*(i+1)/2) {
			t.Fatalf("Alloc(%d) = %v, want %d", 1+i, got, 100+i*(i+1)/2)
		}
	}
	m.expectLengths(t, span{100 + 5050, huge - 5050})
	for i := range uint64(100) {
		if !m.Free(m.base+100+i*(i+1)/2, 1+i) {
			t.Fatalf("run %d cannot be freed", i)
		}
	}
	m.expectLengths(t, want...)
	for n := uint64(top + 1); n >= top-1; n-- { // a run that is too long for the index, that is just so, and that is not
		page := m.base + 100 + n
		m.Remove(page, 1)
		m.expectLengths(t, span{100, n}, span{101 + n, huge - n - 1})
		m.Add(page, 1)
		m.Remove(page+5, huge-n-5)
		m.Remove(m.base+100, 5)
		m.expectLengths(t, span{105, n})
		m.Add(m.base+100, 5)
		m.Add(page+5, huge-n-5)
		m.expectLengths(t, want...)
	}
	m.expect(t, want)
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %v", took)
	}
}
