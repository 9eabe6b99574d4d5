package pagemap_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/linmem/linmem/core/internal/pagemap"
)

const (
	space   = 1 << 48 // pages
	maxHole = 4096    // between extents that are merged
)

// covered returns those of the pages that are covered.
func covered(m *pagemap.Map, pages []uint64) (yes []uint64) {
	for _, page := range pages {
		if m.Covered(page) {
			yes = append(yes, page)
		}
	}
	return yes
}

func TestCover(t *testing.T) {
	tests := []struct {
		name    string
		cover   []span
		ask     []uint64
		covered []uint64
	}{
		{"Nothing", nil, []uint64{0, 1, 63, 64, space - 1}, nil},
		{"NoPages", []span{{0, 0}, {100, 0}, {space, 0}}, []uint64{0, 63, 64, 100, space - 1}, nil},
		{"NoPagesFarBehind", []span{{0, 64}, {1 << 30, 0}}, []uint64{0, 64, 1 << 30}, []uint64{0}},
		{"OnePage", []span{{100, 1}}, []uint64{0, 63, 64, 100, 127, 128}, []uint64{64, 100, 127}},
		{"AcrossWord", []span{{127, 2}}, []uint64{63, 64, 127, 128, 191, 192}, []uint64{64, 127, 128, 191}},
		{"Again", []span{{64, 64}, {64, 64}, {100, 1}}, []uint64{63, 64, 127, 128}, []uint64{64, 127}},
		{"RightAbove", []span{{64, 64}, {128, 1}}, []uint64{63, 64, 127, 128, 191, 192}, []uint64{64, 127, 128, 191}},
		{"OverlapsAbove", []span{{64, 128}, {100, 200}}, []uint64{63, 64, 299, 320}, []uint64{64, 299}},
		{"RightBelow", []span{{8192, 64}, {8191, 1}}, []uint64{8191, 8192, 8255, 8256}, []uint64{8191, 8192, 8255}},
		{"Around", []span{{8192, 64}, {8000, 1000}}, []uint64{8000, 8192, 8255, 8999, 9024}, []uint64{8000, 8192, 8255, 8999}},
		{"MergesHole", []span{{0, 64}, {64 + maxHole, 1}}, []uint64{0, 63, 64, 4159, 4160, 4224}, []uint64{0, 63, 64, 4159, 4160}},
		{"MergesHoleOfOneMore", []span{{0, 64}, {65 + maxHole, 1}}, []uint64{64, 4160, 4161}, []uint64{64, 4160, 4161}},
		{"LeavesHole", []span{{0, 64}, {128 + maxHole, 1}}, []uint64{0, 63, 64, 4223, 4224, 4287, 4288}, []uint64{0, 63, 4224, 4287}},
		{"MergesHoleBelow", []span{{8192, 64}, {4032, 64}}, []uint64{4032, 4095, 4096, 8191}, []uint64{4032, 4095, 4096, 8191}},
		{"LeavesHoleBelow", []span{{8192, 64}, {3968, 64}}, []uint64{3968, 4031, 4032, 8191, 8192}, []uint64{3968, 4031, 8192}},
		{"MergesHoleInSpareWords", []span{{0, 1 << 17}, {1<<17 + maxHole, 1}}, []uint64{1 << 17, 1<<17 + maxHole}, []uint64{1 << 17, 1<<17 + maxHole}},
		{"LeavesHoleInSpareWords", []span{{0, 1 << 17}, {1<<17 + maxHole + 64, 1}}, []uint64{1 << 17, 1<<17 + maxHole + 64}, []uint64{1<<17 + maxHole + 64}},
		{"LeavesFarHole", []span{{0, 64}, {space / 2, 1}}, []uint64{63, 64, 1 << 46, space / 2}, []uint64{63, space / 2}},
		{"LeavesFarHoleBelow", []span{{space / 2, 64}, {0, 1}}, []uint64{0, 1 << 46, space / 2}, []uint64{0, space / 2}},
		{"FillsHole", []span{{0, 64}, {20000, 64}, {64, 19936}}, []uint64{0, 64, 19999, 20000}, []uint64{0, 64, 19999, 20000}},
		{
			"FillsHoleToExtentBelow",
			[]span{{4160, 64}, {1 << 30, 64}, {8000, 1}},
			[]uint64{4096, 4159, 4160, 4224, 7999, 8000, 8064},
			[]uint64{4160, 4224, 7999, 8000},
		},
		{
			"InHole",
			[]span{{0, 64}, {1 << 30, 64}, {1 << 20, 64}},
			[]uint64{0, 64, 1 << 20, 1<<20 + 64, 1<<20 + 8192, 1<<30 - 1, 1 << 30},
			[]uint64{0, 1 << 20, 1 << 30},
		},
		{
			"AcrossTwoExtents",
			[]span{{0, 64}, {1 << 20, 64}, {2 << 20, 64}, {1 << 19, 1 << 20}},
			[]uint64{0, 64, 1 << 19, 1 << 20, 1<<20 + 64, 3<<19 - 1, 2<<20 - 1, 2 << 20},
			[]uint64{0, 1 << 19, 1 << 20, 1<<20 + 64, 3<<19 - 1, 2 << 20},
		},
		{"Top", []span{{space - 1, 1}}, []uint64{0, space - 65, space - 64, space - 1, space}, []uint64{space - 64, space - 1}},
		{
			"TopAndBottom",
			[]span{{space - 1, 1}, {0, 1}, {space - 65, 1}},
			[]uint64{0, 64, space - 65, space - 1, space},
			[]uint64{0, space - 65, space - 1},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m pagemap.Map
			for _, c := range tt.cover {
				m.Cover(c.page, c.n)
				if err := m.Check(); err != nil {
					t.Fatalf("after Cover(%d, %d): %v", c.page, c.n, err)
				}
			}
			if got := covered(&m, tt.ask); !slices.Equal(got, tt.covered) {
				t.Errorf("covered are %d, want %d", got, tt.covered)
			}
			if n := m.NumFreeRuns(); n != 0 || m.Longest() != 0 {
				t.Errorf("%d runs of covered pages are free", n)
			}
		})
	}
}

func TestZeroMap(t *testing.T) {
	m := &memory{}
	m.expect(t, nil)
	if got := m.Size(); got != 0 {
		t.Errorf("it takes %d bytes", got)
	}
	for _, n := range []uint64{1, 2, 64, 127, 128, 32767, 32768, 1 << 31, 1 << 48} {
		for _, align := range []uint64{1, 2, 64, 1 << 20} {
			if got := m.findAligned(n, align); got != none {
				t.Errorf("FindAligned(%d, %d) = %v", n, align, got)
			}
			if got := m.findBest(n, align); got != none {
				t.Errorf("FindBest(%d, %d) = %v", n, align, got)
			}
		}
		if m.find(n) != none || m.alloc(n) != none {
			t.Errorf("there are %d free pages", n)
		}
		if m.Free(n, 1) || m.IsRun(n, 1) || m.FreeLen(n) != 0 || m.StartBefore(n) != n {
			t.Errorf("page %d is in use", n)
		}
	}
	if got := m.StartBefore(0); got != 0 {
		t.Errorf("StartBefore(0) = %d", got)
	}
}

// Pages that are not covered cannot be taken, given or looked at as runs.
func TestUncoveredPanics(t *testing.T) {
	m := newMemory(1<<15, nil)
	calls := map[string]func(page uint64){
		"Add":    func(page uint64) { m.Add(page, 1) },
		"Remove": func(page uint64) { m.Remove(page, 1) },
		"RunLen": func(page uint64) { m.RunLen(page) },
	}
	for name, call := range calls {
		for _, page := range []uint64{0, 1<<15 - 1, 1<<15 + size, space - 1} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s of page %d, which is not covered, does not panic", name, page)
					}
				}()
				call(page)
			}()
		}
	}
	m.expect(t, nil)
}

// far lists places that are apart. Page and position differ by something else in each, so that no two have the alignment of
// their pages in common.
var far = []uint64{0, 3<<20 + 64, 1<<30 + 192, 1<<31 + 8*4096 + 320, 1 << 40, 1<<47 - 1<<14 - 448, space - 1<<17}

// extentLayout is what each of those places has, relative to it.
var extentLayout = []span{{0, 1}, {3, 60}, {70, 200}, {1000, 24}, {2049, 35000}, {40000, 64}}

// The state of every page is the same before and after each Cover, in whatever order extents come.
func TestCoverKeepsBits(t *testing.T) {
	orders := [][]int{{0, 1, 2, 3, 4, 5, 6}, {6, 5, 4, 3, 2, 1, 0}, {3, 6, 0, 5, 1, 4, 2}, {2, 4, 1, 5, 0, 6, 3}}
	for _, order := range orders {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			m := &memory{}
			var free []span
			var marks []uint64
			for _, i := range order {
				base := far[i]
				m.Cover(base, 40064) // in one piece, or
				m.Cover(base+40064, 1)
				m.Cover(base-min(base, 1), 1) // a page above and one below it
				for _, r := range extentLayout {
					m.Add(base+r.page, r.n)
					m.Mark(base + r.end())
					free = append(free, span{base + r.page, r.n})
					marks = append(marks, base+r.end())
				}
				slices.SortFunc(free, func(a, b span) int { return cmp.Compare(a.page, b.page) })
				slices.Sort(marks)
				m.expect(t, free)
				if got := m.marks(); !slices.Equal(got, marks) {
					t.Errorf("marked are %d, want %d", got, marks)
				}
			}
			for log2 := range maxAlignLog2 + 1 {
				checkAligned(t, m, free, 1<<log2)
			}
			m.expect(t, free)
		})
	}
}

// A memory that grows page by page is the same as one that is there at once.
func TestCoverPageByPage(t *testing.T) {
	const base, pages = 1<<20 + 5, 3000
	m := &memory{base: base}
	var want []span
	for i := range uint64(pages) {
		m.Cover(base+i, 1)
		switch i % 100 {
		case 0:
			m.Mark(base + i)
			want = append(want, span{i + 1, 0})
		default:
			m.Add(base+i, 1)
			want[len(want)-1].n++
			if got, want := m.FreeLen(base+i-(i%100)+1), i%100; got != want {
				t.Fatalf("%d pages are free, want %d", got, want)
			}
		}
	}
	m.expect(t, want)
}

// Free pages at the end of an extent and at the beginning of the next are no run, though their positions are close.
func TestExtentsAreApart(t *testing.T) {
	for _, n := range []uint64{1, 63, 64, 65, 127, 128, 1000, 32767, 32768} {
		for _, hole := range []uint64{maxHole + 64, 1 << 20, 1 << 46} {
			m := &memory{base: 1 << 20}
			end := (n + 63) &^ 63
			next := end + hole
			m.Cover(m.base, n)
			m.Cover(m.base+next, n)
			// The last pages of the first extent, and the first of the second one.
			m.Add(m.base+end-n, n)
			m.Add(m.base+next, n)
			m.Mark(m.base + next + n)
			runs := []span{{end - n, n}, {next, n}}
			m.expect(t, runs)
			if got := m.StartBefore(m.base+next) - m.base; got != next {
				t.Errorf("the run before page %d starts at %d", next, got)
			}
			for _, more := range []uint64{n + 1, 2 * n, 2*n + 64, next} {
				if got := m.find(max(more, n+1)); got != none {
					t.Errorf("Find(%d) = %v with two runs of %d", more, got, n)
				}
				if got := m.findAligned(max(more, n+1), 2); got != none {
					t.Errorf("FindAligned(%d, 2) = %v with two runs of %d", more, got, n)
				}
			}
			for _, r := range runs {
				if got := m.alloc(n); got != at(r.page) {
					t.Errorf("Alloc(%d) = %v, want %d", n, got, r.page)
				}
			}
			for _, r := range runs {
				if m.Free(m.base+r.page, 2*n) || m.Free(m.base+r.page, n+1) || !m.Free(m.base+r.page, n) {
					t.Errorf("%v is not all of a run", r)
				}
			}
			m.expect(t, runs)
		}
	}
}

// When a hole between two extents is covered, what is free there joins what is free beside it.
func TestCoverJoinsExtents(t *testing.T) {
	m := &memory{}
	m.Cover(0, 6400)
	m.Cover(64000, 6400)
	m.Add(0, 6400)
	m.Add(64000, 6400)
	m.Cover(6400, 57600)
	m.expect(t, []span{{0, 6400}, {64000, 6400}})
	m.Add(6400, 57600)
	m.expect(t, []span{{0, 70400}})
}

func TestTopOfSpace(t *testing.T) {
	m := &memory{base: space - 200}
	m.Cover(space-200, 200)
	m.Add(space-200, 200)
	m.expect(t, []span{{0, 200}})
	if got := m.findAligned(64, 64); got != at(200-192) {
		t.Errorf("FindAligned(64, 64) = %v", got)
	}
	if got := m.findAligned(1, 1<<20); got != none {
		t.Errorf("FindAligned(1, 1<<20) = %v, want none", got)
	}
	if got := m.alloc(199); got != at(0) {
		t.Fatalf("Alloc(199) = %v", got)
	}
	if got := m.alloc(1); got != at(199) {
		t.Fatalf("Alloc(1) = %v", got)
	}
	if got := m.RunLen(space - 1); got != 1 {
		t.Errorf("the last run has %d pages", got)
	}
	if m.Free(space-1, 2) || m.IsRun(space-1, 2) || !m.Free(space-1, 1) || !m.Free(space-200, 199) {
		t.Error("the last run has other pages than it should")
	}
	m.expect(t, []span{{0, 200}})
}
