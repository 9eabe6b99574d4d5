package pagemap

import (
	"fmt"
	"testing"
)

// misses returns a map in which every run of free pages holds n pages, and none holds n at a multiple of 1<<log2: each
// begins one page behind such a multiple, and ends one too early.
func misses(log2 uint8, n, blocks uint64) *Map {
	align := uint64(1) << log2
	period := (align + n - 1 + align) &^ (align - 1)
	m := new(Map)
	m.Cover(0, blocks*period)
	for i := range blocks {
		m.Add(i*period+1, align+n-2)
	}
	return m
}

// reaching returns how many blocks the next search for n pages of an alignment visits, at most.
func reaching(a *alignedIndex, n uint64) (blocks int) {
	floor := min(n, maxLeft)
	for block, ok := a.left.First(floor); ok; block, ok = a.left.Next(block+1, floor) {
		blocks++
	}
	return blocks
}

// A search that has failed is not made twice: the second one finds at the root of its tree that no block can have what it
// looks for. That is so for runs that are long enough and misplaced, as many as there are, at each alignment.
func TestFailedSearchIsNotRepeated(t *testing.T) {
	for log2 := uint8(1); log2 <= 20; log2++ {
		align := uint64(1) << log2
		for _, n := range []uint64{2, 3, align/2 + 1, align, 2 * align, 1000} {
			if n < 2 || n >= maxLeft {
				continue // longer than a bound can tell
			}
			t.Run(fmt.Sprintf("%d/%d", align, n), func(t *testing.T) {
				m := misses(log2, n, max(4, 1<<16/(align+n)))
				if _, ok := m.Find(n); !ok {
					t.Fatal("there is no run that is long enough")
				}
				if page, ok := m.FindAligned(n, align); ok {
					t.Fatalf("found page %d", page)
				}
				if got := reaching(&m.aligned[0], n); got != 0 {
					t.Errorf("the next search visits %d blocks", got)
				}
				if err := m.Check(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// What changes in one block has that block visited again, and no other.
func TestSearchVisitsWhatHasChanged(t *testing.T) {
	for log2 := uint8(1); log2 <= 14; log2++ {
		align := uint64(1) << log2
		t.Run(fmt.Sprint(align), func(t *testing.T) {
			const blocks = 40
			m := misses(log2, align, blocks)
			m.FindAligned(align, align)
			a := &m.aligned[0]
			for i := range uint64(blocks) {
				// The run of this period reaches down to the multiple.
				m.Add(i*2*align, 1)
				if got := reaching(a, align); got != 1 {
					t.Fatalf("the next search visits %d blocks", got)
				}
				if page, ok := m.FindAligned(align, align); !ok || page != i*2*align {
					t.Fatalf("found %d, %v, want %d", page, ok, i*2*align)
				}
				m.Remove(i*2*align, 1)
				if page, ok := m.FindAligned(align, align); ok {
					t.Fatalf("found %d", page)
				}
				if got := reaching(a, align); got != 0 {
					t.Fatalf("the search after a failed one visits %d blocks", got)
				}
			}
		})
	}
}

// A new index knows nothing, and takes any block for one that may have the longest run.
func TestNewIndexBoundsNothing(t *testing.T) {
	m := misses(4, 16, 1000)
	a := m.alignedTo(16)
	if got, blocks := reaching(a, maxLeft), len(m.words)*wordBits>>a.shift+1; got != blocks {
		t.Errorf("the first search visits %d blocks of %d", got, blocks)
	}
	m.FindAligned(16, 16)
	m.Cover(m.extents[0].end()+1<<30, 64)
	if len(m.aligned) != 1 {
		t.Fatalf("Cover leaves %d indexes", len(m.aligned))
	}
	if got, blocks := reaching(m.alignedTo(16), maxLeft), len(m.words)*wordBits>>a.shift+1; got != blocks {
		t.Errorf("after Cover, the first search visits %d blocks of %d", got, blocks)
	}
	if len(m.aligned) != 1 {
		t.Errorf("there are %d indexes for one alignment", len(m.aligned))
	}
}

// A run that is longer than a bound can tell is visited again by every search that it fails, but in one block, and not in
// each that it covers.
func TestLongRunKeepsOneBlock(t *testing.T) {
	const n = 1 << 17
	for _, align := range []uint64{2, 64, 512, 1024} {
		var m Map
		m.Cover(0, 2*n)
		m.Add(1, n)
		if page, ok := m.FindAligned(n, align); ok {
			t.Fatalf("%d pages fit at %d", n, page)
		}
		a, full := m.alignedTo(align), 0
		for block, ok := a.left.First(maxLeft); ok; block, ok = a.left.Next(block+1, maxLeft) {
			full++
		}
		if full != 1 {
			t.Errorf("alignment %d: %d blocks are to be visited again, want 1", align, full)
		}
	}
}
