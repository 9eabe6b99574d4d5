package measure_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/linmem/linmem/integration/internal/measure"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 9, 2}, 3}} {
		if got := measure.Median(c.values); got != c.want {
			t.Errorf("median of %v: %v; want %v", c.values, got, c.want)
		}
	}
}

func TestGeometricMean(t *testing.T) {
	if got := measure.GeometricMean([]float64{2, 8, 0.5}); math.Abs(got-2) > 1e-12 {
		t.Errorf("%v; want 2", got)
	}
}

func TestGoal(t *testing.T) {
	atLeast := measure.Goal{Figure: "a/b", Limit: 15}
	atMost := measure.Goal{Figure: "b/a", AtMost: true, Limit: 2.2}
	for _, c := range []struct {
		goal   measure.Goal
		figure float64
		text   string
		want   string
	}{
		{atLeast, 15, "a/b ≥ 15", "reached"},
		{atLeast, 14.9, "a/b ≥ 15", "MISSED"},
		{atMost, 2.2, "b/a ≤ 2.2", "reached"},
		{atMost, 2.3, "b/a ≤ 2.2", "MISSED"},
		{atMost, math.NaN(), "b/a ≤ 2.2", "MISSED"},
	} {
		if text, got := c.goal.String(), c.goal.Verdict(c.figure); text != c.text || got != c.want {
			t.Errorf("%v: %s %s; want %s %s", c.figure, text, got, c.text, c.want)
		}
	}
}

// sleeper takes a while for each turn, and counts them.
type sleeper struct {
	takes time.Duration
	turns int
	err   error
}

func (s *sleeper) Turns(n int) error {
	s.turns += n
	time.Sleep(time.Duration(n) * s.takes)
	return s.err
}

func TestRounds(t *testing.T) {
	quick, slow := &sleeper{takes: 100 * time.Microsecond}, &sleeper{takes: 20 * time.Millisecond}
	lanes := []*measure.Lane{measure.NewLane("quick", quick), measure.NewLane("slow", slow)}
	if err := measure.Rounds(lanes, 3, 5*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if slow.turns != 4 { // one to warm up
		t.Errorf("%d turns of one that is slower than a measurement; want 4", slow.turns)
	}
	for i, s := range []*sleeper{quick, slow} {
		if got := lanes[i].Median(); got < float64(s.takes) {
			t.Errorf("%s takes %v ns; want %v at least", lanes[i].Name, got, s.takes)
		}
	}
	broken := errors.New("broken")
	lanes = append(lanes, measure.NewLane("broken", &sleeper{err: broken}))
	if err := measure.Rounds(lanes, 1, time.Millisecond); !errors.Is(err, broken) {
		t.Errorf("%v; want %v", err, broken)
	}
}
