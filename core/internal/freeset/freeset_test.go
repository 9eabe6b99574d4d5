package freeset_test

import (
	"fmt"
	"testing"

	"github.com/linmem/linmem/core/internal/freeset"
)

const (
	chunk = 4096
	far   = 1 << 40 // a chunk border that no dense table of chunks could reach
	top   = 1 << 63 // members are below it
)

// span is [start, start+n).
type span struct{ start, n uint64 }

func (r span) String() string { return fmt.Sprintf("[%d,%d)", r.start, r.start+r.n) }

func newSet(runs []span) *freeset.Set {
	s := new(freeset.Set)
	for _, r := range runs {
		s.Add(r.start, r.n)
	}
	return s
}

func runsOf(s *freeset.Set, limit uint64) []span {
	var runs []span
	for start, n := range s.Runs(limit) {
		runs = append(runs, span{start, n})
	}
	return runs
}

func TestFindRun(t *testing.T) {
	const none = ^uint64(0)
	tests := []struct {
		name     string
		before   []span
		n, align uint64
		limit    uint64
		want     uint64
	}{
		{"NoneFree", nil, 1, 1, top, none},
		{"ExactFit", []span{{10, 4}}, 4, 1, top, 10},
		{"OneTooMany", []span{{10, 4}}, 5, 1, top, none},
		{"FrontOfLarger", []span{{10, 9}}, 4, 1, top, 10},
		{"LowestOfTwo", []span{{10, 4}, {20, 4}}, 4, 1, top, 10},
		{"LowestNotBest", []span{{10, 9}, {20, 4}}, 4, 1, top, 10},
		{"SkipsTooSmall", []span{{10, 3}, {14, 3}, {20, 4}}, 4, 1, top, 20},
		{"TwoSmallRunsAreNotOne", []span{{10, 2}, {13, 2}}, 4, 1, top, none},
		{"AtZero", []span{{0, 1}}, 1, 1, top, 0},
		{"LastBitOfWord", []span{{63, 1}}, 1, 1, top, 63},
		{"FirstBitOfWord", []span{{64, 1}}, 1, 1, top, 64},
		{"WholeWord", []span{{64, 64}}, 64, 1, top, 64},
		{"AllButTheFirstOfWord", []span{{65, 63}}, 63, 1, top, 65},
		{"AllButTheLastOfWord", []span{{64, 63}}, 63, 1, top, 64},
		{"AcrossWord", []span{{63, 2}}, 2, 1, top, 63},
		{"AcrossTwoWords", []span{{63, 66}}, 66, 1, top, 63},
		{"LastBitOfChunk", []span{{chunk - 1, 1}}, 1, 1, top, chunk - 1},
		{"FirstBitOfChunk", []span{{chunk, 1}}, 1, 1, top, chunk},
		{"WholeChunk", []span{{chunk, chunk}}, chunk, 1, top, chunk},
		{"AcrossChunk", []span{{chunk - 1, 2}}, 2, 1, top, chunk - 1},
		{"AcrossTwoChunks", []span{{chunk - 1, chunk + 2}}, chunk + 2, 1, top, chunk - 1},
		{"MissingChunkSplits", []span{{chunk - 2, 2}, {2 * chunk, 2}}, 3, 1, top, none},
		{"FarChunk", []span{{1, 1}, {far - 1, 3}}, 3, 1, top, far - 1},
		{"AlignedAtFront", []span{{16, 4}}, 4, 16, top, 16},
		{"AlignedSkipsFirst", []span{{15, 4}, {32, 4}}, 4, 16, top, 32},
		{"AlignedInsideRun", []span{{10, 12}}, 4, 16, top, 16},
		{"AlignedInsideRunExactly", []span{{10, 10}}, 4, 16, top, 16},
		{"AlignedInsideRunTooShort", []span{{10, 9}}, 4, 16, top, none},
		{"AlignedPastRunEnd", []span{{17, 3}}, 1, 16, top, none},
		{"AlignedJustPastRunEnd", []span{{14, 2}}, 1, 16, top, none},
		{"AlignedToAWord", []span{{1, 127}}, 64, 64, top, 64},
		{"AlignedAboveAChunk", []span{{1, 3 * chunk}}, 5, 2 * chunk, top, 2 * chunk},
		{"AlignedFar", []span{{1, 3}, {far - 1, 2}}, 1, far, top, far},
		{"AlignedAtZero", []span{{0, 3}}, 3, far, top, 0},
		{"LimitCutsRun", []span{{10, 4}}, 4, 1, 13, none},
		{"LimitAtRunEnd", []span{{10, 4}}, 4, 1, 14, 10},
		{"LimitBelowRun", []span{{10, 4}}, 1, 1, 10, none},
		{"LimitAtWord", []span{{60, 10}}, 4, 1, 64, 60},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := newSet(tt.before).FindRun(tt.n, tt.align, tt.limit)
			if ok != (tt.want != none) || ok && got != tt.want {
				t.Errorf("%v.FindRun(%d, %d, %d) = %d, %v; want %d, %v",
					tt.before, tt.n, tt.align, tt.limit, got, ok, tt.want, tt.want != none)
			}
		})
	}
}

// What a search remembers must not hide a member that comes, or comes back, below it.
func TestFindRunAfterChange(t *testing.T) {
	tests := []struct {
		name   string
		change func(s *freeset.Set)
		want   uint64
	}{
		{"Unchanged", func(*freeset.Set) {}, 100},
		{"AddBelow", func(s *freeset.Set) { s.Add(7, 1) }, 7},
		{"AddInLowerChunk", func(s *freeset.Set) { s.Remove(0, chunk); s.Add(far+9, 1); s.Add(63, 2) }, 63},
		{"RemoveLowest", func(s *freeset.Set) { s.Remove(100, 1) }, 101},
		{"RemoveAllAndAddBack", func(s *freeset.Set) { s.Remove(100, 50); s.FindRun(1, 1, top); s.Add(120, 1) }, 120},
		{"FailedSearchForMore", func(s *freeset.Set) { s.FindRun(51, 1, top) }, 100},
		{"FailedSearchBelowALimit", func(s *freeset.Set) { s.FindRun(1, 1, 50) }, 100},
		{"SearchOfNothingBelowALimit", func(s *freeset.Set) { s.Remove(100, 50); s.FindRun(1, 1, 90); s.Add(95, 1) }, 95},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSet([]span{{100, 50}})
			if start, ok := s.FindRun(1, 1, top); start != 100 || !ok {
				t.Fatalf("FindRun = %d, %v before the change", start, ok)
			}
			tt.change(s)
			if start, ok := s.FindRun(1, 1, top); start != tt.want || !ok {
				t.Errorf("FindRun = %d, %v; want %d", start, ok, tt.want)
			}
		})
	}
}

// Every length up to one too many, of a run that begins and ends at or beside a border of words and chunks.
func TestFindRunAtBorders(t *testing.T) {
	var points []uint64
	for _, border := range []uint64{64, 128, chunk - 64, chunk, chunk + 64} {
		points = append(points, border-1, border, border+1)
	}
	for _, base := range []uint64{0, 7 * chunk, far} {
		for i, a := range points {
			for _, b := range points[i+1:] {
				s := newSet([]span{{base + a, b - a}})
				for n := uint64(1); n <= b-a+1; n += max(1, (b-a)/7) {
					start, ok := s.FindRun(n, 1, top)
					if ok != (n <= b-a) || ok && start != base+a {
						t.Errorf("[%d,%d).FindRun(%d) = %d, %v", base+a, base+b, n, start, ok)
					}
				}
			}
		}
	}
}
