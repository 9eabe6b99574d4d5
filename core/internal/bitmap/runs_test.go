package bitmap_test

import (
	"testing"

	"github.com/linmem/linmem/core/internal/bitmap"
)

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
