package bitmap_test

import (
	"testing"

	"github.com/linmem/linmem/core/internal/bitmap"
)

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
		change func(s *bitmap.Set)
		want   uint64
	}{
		{"Unchanged", func(*bitmap.Set) {}, 100},
		{"AddBelow", func(s *bitmap.Set) { s.Add(7, 1) }, 7},
		{"AddInLowerChunk", func(s *bitmap.Set) { s.Remove(0, chunk); s.Add(far+9, 1); s.Add(63, 2) }, 63},
		{"RemoveLowest", func(s *bitmap.Set) { s.Remove(100, 1) }, 101},
		{"RemoveAllAndAddBack", func(s *bitmap.Set) { s.Remove(100, 50); s.FindRun(1, 1, top); s.Add(120, 1) }, 120},
		{"FailedSearchForMore", func(s *bitmap.Set) { s.FindRun(51, 1, top) }, 100},
		{"FailedSearchBelowALimit", func(s *bitmap.Set) { s.FindRun(1, 1, 50) }, 100},
		{"SearchOfNothingBelowALimit", func(s *bitmap.Set) { s.Remove(100, 50); s.FindRun(1, 1, 90); s.Add(95, 1) }, 95},
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

func TestRuns(t *testing.T) {
	runs := []span{{0, 1}, {63, 2}, {chunk - 1, 2}, {3 * chunk, chunk}, {far - 1, 2}}
	tests := []struct {
		name  string
		limit uint64
		want  []span
	}{
		{"All", top, runs},
		{"LimitZero", 0, nil},
		{"LimitInsideRun", 64, []span{{0, 1}, {63, 1}}},
		{"LimitAtRunEnd", 65, []span{{0, 1}, {63, 2}}},
		{"LimitAtChunk", chunk, []span{{0, 1}, {63, 2}, {chunk - 1, 1}}},
		{"LimitInMissingChunk", far / 2, runs[:4]},
	}
	s := newSet(runs)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := diff(runsOf(s, tt.limit), tt.want); d != "" {
				t.Error(d)
			}
			var n uint64
			for _, r := range tt.want {
				n += r.n
			}
			if got := s.Len(tt.limit); got != n {
				t.Errorf("Len(%d) = %d, want %d", tt.limit, got, n)
			}
		})
	}
	t.Run("Break", func(t *testing.T) {
		var seen []span
		for start, n := range s.Runs(top) {
			seen = append(seen, span{start, n})
			if len(seen) == 2 {
				break
			}
		}
		if d := diff(seen, runs[:2]); d != "" {
			t.Error(d)
		}
	})
}

// Every interval that begins and ends at or beside a border of words and chunks, asked about at each of these places.
func TestBorders(t *testing.T) {
	var points []uint64
	for _, border := range []uint64{64, 128, chunk - 64, chunk, chunk + 64, 2 * chunk} {
		points = append(points, border-1, border, border+1)
	}
	points = append([]uint64{0, 1}, points...)
	for _, base := range []uint64{0, 7 * chunk, far} {
		for i, a := range points {
			for _, b := range points[i+1:] {
				checkInterval(t, base, base+a, base+b, points)
			}
		}
	}
}

// checkInterval asks a set of [a, b) about base plus each of the points.
func checkInterval(t *testing.T, base, a, b uint64, points []uint64) {
	t.Helper()
	s := newSet([]span{{a, b - a}})
	equal := func(got, want uint64, call string, args ...any) {
		t.Helper()
		if got != want {
			t.Errorf("[%d,%d).%s%v = %d, want %d", a, b, call, args, got, want)
		}
	}
	for _, x := range points {
		x += base
		in := x >= a && x < b
		if s.Has(x) != in {
			t.Errorf("[%d,%d).Has(%d) = %v", a, b, x, !in)
		}
		next, absent, before := uint64(top), x, x
		if x < b {
			next = max(x, a)
		}
		if in {
			absent = b
		}
		if x > a && x <= b {
			before = a
		}
		equal(s.Next(x, top), next, "Next", x)
		equal(s.NextAbsent(x, top), absent, "NextAbsent", x)
		equal(s.RunBefore(x), before, "RunBefore", x)
		equal(s.Len(x), min(max(x, a), b)-a, "Len", x)
		if x > a {
			start, ok := s.FindRun(x-a, 1, top)
			if ok != (x <= b) || ok && start != a {
				t.Errorf("[%d,%d).FindRun(%d) = %d, %v", a, b, x-a, start, ok)
			}
		}
	}
}

func TestReserve(t *testing.T) {
	var s bitmap.Set
	s.Reserve(far-1, chunk+2)
	s.Reserve(3, 0)
	if runs := runsOf(&s, top); runs != nil {
		t.Errorf("Reserve added %v", runs)
	}
	if n := testing.AllocsPerRun(100, func() {
		s.Add(far-1, chunk+2)
		s.Remove(far-1, chunk+2)
	}); n != 0 {
		t.Errorf("Add in a reserved range allocates %v times", n)
	}
	if d := diff(runsOf(&s, top), nil); d != "" {
		t.Error(d)
	}
}

// Removing members must not make room for them: a set may be asked to forget much more than it holds.
func TestRemoveAllocatesNothing(t *testing.T) {
	var s bitmap.Set
	s.Add(far, 1)
	if n := testing.AllocsPerRun(10, func() { s.Remove(0, 1000*chunk) }); n != 0 {
		t.Errorf("Remove allocates %v times", n)
	}
}

// A member high in the space costs its chunk and the list that holds it, not what lies below.
func TestSparseCost(t *testing.T) {
	n := testing.AllocsPerRun(10, func() {
		var s bitmap.Set
		s.Add(far, 1)
		s.Add(far<<20, 1)
	})
	if n > 4 {
		t.Errorf("two far members take %v Go allocations, want 4 at most", n)
	}
}
