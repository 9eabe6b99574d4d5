package linmem_test

import (
	"testing"

	linmem "github.com/linmem/linmem/core"
)

func TestFragmentation(t *testing.T) {
	tests := []struct {
		name           string
		picture        string
		largest, count uint64
		want           float64
	}{
		{"Nothing", "", 0, 0, 0},
		{"NothingFree", "#ab#c", 0, 0, 0},
		{"OneHole", "#a..b", 2, 1, 0},
		{"AllFree", "#....", 4, 1, 0},
		{"Halves", "#..a..b", 2, 2, 0.5},
		{"LargestFirst", "#...a.b", 3, 2, 0.25},
		{"LargestLast", "#.a...", 3, 2, 0.25},
		{"Comb", "#.a.b.c.", 1, 4, 0.75},
		{"ForeignBetween", "#.#.#.#.a", 1, 4, 0.75},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := draw(t, tt.picture).pages.Stats()
			if s.LargestFree != tt.largest || s.FreeRuns != tt.count || s.Fragmentation() != tt.want {
				t.Errorf("%d free runs, the longest of %d pages, and a fragmentation of %v; want %d, %d and %v",
					s.FreeRuns, s.LargestFree, s.Fragmentation(), tt.count, tt.largest, tt.want)
			}
		})
	}
	if got := (linmem.PageStats{}).Fragmentation(); got != 0 {
		t.Errorf("the fragmentation of nothing is %v", got)
	}
}

// The longest free run and their number follow what happens to a memory, step by step.
func TestFreeRunsFollow(t *testing.T) {
	s := draw(t, "#a...b..c")
	steps := []struct {
		call           call
		picture        string
		largest, count uint64
	}{
		{alloc(1), "#aX..b..c", 2, 2},
		{alloc(2), "#aXXXb..c", 2, 1},
		{free("b"), "#aXXX...c", 3, 1},
		{alloc(3), "#aXXXXXXc", 0, 0},
		{freeRange(2, 1), "#a.XXXXXc", 1, 1},
		{resizeRange(5, 3, 1), "#a.XXX..c", 2, 2},
		{resize('a', 2), "#aaXXX..c", 2, 1},
		{reserve(4), "#aaXXX..c....", 4, 2},
		{free("c"), "#aaXXX.......", 7, 1},
		{func(s *scene) error { s.mem.guestGrow(3); return s.pages.Adopt(linmem.Range{Start: 13, Len: 2}) }, "#aaXXX.........#", 9, 1},
		{adopt(15, 1), "#aaXXX..........", 10, 1},
	}
	for i, step := range steps {
		if err := step.call(s); err != nil {
			t.Fatalf("step %d: %v", i+1, err)
		}
		if got := s.String(); got != step.picture {
			t.Fatalf("step %d: the pages are %q, want %q", i+1, got, step.picture)
		}
		if got := s.pages.Stats(); got.LargestFree != step.largest || got.FreeRuns != step.count {
			t.Errorf("step %d: in %q there are %d free runs, the longest of %d pages; want %d and %d",
				i+1, step.picture, got.FreeRuns, got.LargestFree, step.count, step.largest)
		}
	}
}
