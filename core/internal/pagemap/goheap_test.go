package pagemap_test

import "testing"

// Once pages are covered, and an alignment has its index, nothing takes memory of Go's.
func TestNoGoAllocations(t *testing.T) {
	onBases(t, "", []span{{0, size}}, func(t *testing.T, m *memory) {
		m.Cover(m.base+1<<30, 4096) // a second extent
		m.Add(m.base+1<<30, 4096)
		m.FindAligned(1, 16)
		m.FindAligned(1, 4096)
		calls := map[string]func(){
			"Alloc":       func() { page, _ := m.Alloc(3); m.Free(page, 3) },
			"AllocLong":   func() { page, _ := m.Alloc(70000); m.Free(page, 70000) },
			"AllocFails":  func() { m.Alloc(size + 1) },
			"FreeFails":   func() { m.Free(m.base+5, 3) },
			"FindAligned": func() { m.FindAligned(100, 16) },
			"TakeAligned": func() {
				page, _ := m.FindAligned(100, 4096)
				m.Remove(page, 100)
				m.Mark(page)
				m.Free(page, 100)
			},
			"FindAlignedFails": func() { m.FindAligned(size+1, 16) },
			"FindBest":         func() { m.FindBest(5000, 16) },
			"Longest":          func() { m.Longest() },
			"Add":              func() { m.Remove(m.base+1000, 1000); m.Add(m.base+1000, 1000) },
			"Lengths":          func() { m.FreeLen(m.base); m.StartBefore(m.base + 5) },
			"CoverAgain":       func() { m.Cover(m.base, size) },
			"FarAndNear":       func() { m.FreeLen(m.base + 1<<30); m.FreeLen(m.base) },
			"FreeRuns": func() {
				for range m.FreeRuns() {
					continue
				}
			},
			"Marks": func() {
				for range m.Marks() {
					continue
				}
			},
			"Check": func() { _ = m.Check() },
		}
		for name, call := range calls {
			if got := testing.AllocsPerRun(20, call); got != 0 {
				t.Errorf("%s allocates %v times", name, got)
			}
		}
		if err := m.Check(); err != nil {
			t.Error(err)
		}
	})
}

// An index of an alignment lasts when more is covered.
func TestNoGoAllocationsAfterCover(t *testing.T) {
	m := newMemory(64, []span{{0, size}})
	m.FindAligned(1, 16)
	m.FindAligned(1, 4096)
	for _, page := range []uint64{1 << 20, 1 << 30, 1 << 19} { // behind all, far behind, and between
		m.Cover(page, 1<<18)
		if got := testing.AllocsPerRun(1, func() { m.FindAligned(size+1, 16); m.FindAligned(1, 4096) }); got != 0 {
			t.Errorf("after Cover of page %d, FindAligned allocates %v times", page, got)
		}
	}
}

// A memory that grows page by page is copied a few times, not once for each.
func TestCoverIsAmortized(t *testing.T) {
	const pages = 1 << 16
	var m memory
	got := testing.AllocsPerRun(1, func() {
		m = memory{}
		for page := range uint64(pages) {
			m.Cover(page, 1)
		}
	})
	// 16 times for each doubling, of the words, three trees and the list of extents, and a few for what is small.
	if limit := 16.0 * 10 * 5 * 2; got > limit {
		t.Errorf("covering %d pages, one by one, allocates %v times, want %v at most", pages, got, limit)
	}
}

// A memory that grows downwards page by page is copied once for 4,096 pages.
func TestCoverBelowIsNotForEachWord(t *testing.T) {
	const pages = 1 << 16
	var m memory
	got := testing.AllocsPerRun(1, func() {
		m = memory{}
		for page := range uint64(pages) {
			m.Cover(1<<30-1-page, 1)
		}
	})
	if limit := float64(pages / maxHole * 10); got > limit {
		t.Errorf("covering %d pages, one by one, allocates %v times, want %v at most", pages, got, limit)
	}
	if m.Covered(1<<30) || !m.Covered(1<<30-1) || !m.Covered(1<<30-pages) || m.Covered(1<<30-pages-maxHole) {
		t.Error("other pages are covered than should be")
	}
}
