package pagemap_test

import (
	"slices"
	"testing"

	"github.com/linmem/linmem/core/internal/pagemap"
)

func TestPositions(t *testing.T) {
	var m pagemap.Map
	if _, ok := m.Position(0); ok || m.End() != 0 || len(m.Layout()) != 0 {
		t.Error("a map of nothing has positions")
	}
	m.Cover(100_000, 64)
	low := m.Layout()
	m.Cover(100_064, 1) // right behind
	if m.Moved(low) {
		t.Error("pages that come behind move those before")
	}
	before := m.Layout()
	m.Cover(50_000, 64) // far below
	if !m.Moved(before) {
		t.Error("pages that come below move nothing")
	}
	apart := m.Layout()
	m.Cover(50_000, 60_000) // all that lies between: one extent of two
	if !m.Moved(apart) {
		t.Error("extents that become one move nothing")
	}
	last := uint64(0)
	for w := range m.Layout().All() {
		for page := w.Page; page < w.Page+w.N; page++ {
			pos, ok := m.Position(page)
			if !ok || pos <= last || m.PageAt(pos) != page {
				t.Fatalf("page %d is at position %d, %v, which has page %d and follows %d", page, pos, ok, m.PageAt(pos), last)
			}
			last = pos
			if got, ok := m.Window(page); !ok || got != w {
				t.Fatalf("page %d is in window %v, %v, want %v", page, got, ok, w)
			}
		}
	}
	if end := m.End(); m.PageAt(last) != end-1 {
		t.Errorf("the end is %d, and the last page %d", end, m.PageAt(last))
	}
	if _, ok := m.Window(m.End()); ok {
		t.Error("the end is in a window")
	}
}

// Words are 64 pages: [64,128), [128,192) and [192,256).
func TestWholeWords(t *testing.T) {
	tests := []struct {
		name     string
		used     [][2]uint64 // runs that stay, as start and length
		start, n uint64
		want     uint64
	}{
		{"Word", nil, 64, 64, 1},
		{"PartOfAFreeWord", nil, 70, 5, 1},
		{"LastPageOfAFreeWord", nil, 127, 1, 1},
		{"AcrossABorder", nil, 120, 16, 2},
		{"ThreeWords", nil, 64, 192, 3},
		{"BesideOneInUse", [][2]uint64{{64, 1}}, 70, 5, 0},
		{"BeforeOneInUse", [][2]uint64{{127, 1}}, 64, 5, 0},
		{"AcrossABorderBesideOneInUse", [][2]uint64{{64, 1}}, 120, 16, 1},
		{"InTheMiddleOfThree", [][2]uint64{{64, 1}, {255, 1}}, 65, 190, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m pagemap.Map
			m.Cover(64, 192)
			m.Add(64, 192)
			for _, r := range tt.used {
				m.Remove(r[0], r[1])
			}
			if got := m.WholeWords(tt.start, tt.n); got != tt.want {
				t.Errorf("while they are free: %d words, want %d", got, tt.want)
			}
			m.Remove(tt.start, tt.n)
			if got := m.WholeWords(tt.start, tt.n); got != tt.want {
				t.Errorf("while they are in use: %d words, want %d", got, tt.want)
			}
		})
	}
}

func TestRunStart(t *testing.T) {
	var m pagemap.Map
	m.Cover(64, 640)
	m.Add(64, 640)
	for _, r := range [][2]uint64{{70, 1}, {71, 300}, {400, 2}} {
		m.Remove(r[0], r[1])
		m.Mark(r[0])
	}
	m.Remove(600, 3) // marked by nobody
	tests := []struct{ page, want uint64 }{
		{70, 70}, {71, 71}, {72, 71}, {127, 71}, {128, 71}, {370, 71}, {400, 400}, {401, 400},
	}
	for _, tt := range tests {
		if got, ok := m.RunStart(tt.page); !ok || got != tt.want {
			t.Errorf("page %d is in the run that starts at %d, %v, want %d", tt.page, got, ok, tt.want)
		}
	}
	for _, page := range []uint64{0, 64, 69, 371, 402, 600, 602, 10_000} {
		if got, ok := m.RunStart(page); ok {
			t.Errorf("page %d is in a run that starts at %d", page, got)
		}
	}
}

func TestFreeRunsOf(t *testing.T) {
	var m pagemap.Map
	m.Cover(0, 4096)
	want := [][2]uint64{}
	for start, n := uint64(1), uint64(1); start+n < 4096; start, n = start+n+1, n*2%301+1 {
		m.Add(start, n)
		want = append(want, [2]uint64{start, n})
	}
	for _, least := range []uint64{1, 2, 64, 65, 127, 128, 200, 301} {
		var got [][2]uint64
		for start, n := range m.FreeRunsOf(least) {
			got = append(got, [2]uint64{start, n})
		}
		long := slices.DeleteFunc(slices.Clone(want), func(r [2]uint64) bool { return r[1] < least })
		if !slices.Equal(got, long) {
			t.Errorf("runs of %d pages and more are %v, want %v", least, got, long)
		}
	}
}
