package bench

import (
	"errors"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// TestNever has a workload in which nothing fits find out if something does.
func TestNever(t *testing.T) {
	other := errors.New("something else")
	for name, c := range map[string]struct {
		answer error
		want   bool // whether the workload goes on
	}{
		"Fits":         {nil, false},
		"NoRoom":       {errNoRoom, true},
		"AnotherError": {other, false},
	} {
		w := &never{on{idle{0, c.answer}}, 2, 0}
		if err := w.Turns(3); (err == nil) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSteadyErrors has a workload tell a full memory from a mistake.
func TestSteadyErrors(t *testing.T) {
	for name, c := range map[string]struct {
		answer error
		want   bool
	}{
		"NoRoom":       {linmem.ErrOutOfMemory, true},
		"AnotherError": {linmem.ErrCorrupt, false},
	} {
		w := &steady{on: on{idle{0, c.answer}}, tenants: tenants{8, 0}, live: make([]run, 4)}
		if err := w.Turns(3); (err == nil) != c.want {
			t.Errorf("%s: %v", name, err)
		}
		if c.want && (w.stats.Asked != 3 || w.stats.Refused != 3 || w.stats.UsedPages != 0) {
			t.Errorf("%s: %+v", name, w.stats)
		}
	}
}

// TestFillElsewhere has the making of a scene find out if a run is not where it should be.
func TestFillElsewhere(t *testing.T) {
	if err := fill(idle{}, comb(10)); err == nil {
		t.Error("all runs are at page 1, and that is well")
	}
}

// TestLayouts draws the layouts from page 1 on: a dot is a free page.
func TestLayouts(t *testing.T) {
	const pages = 32
	for name, c := range map[string]struct {
		l    layout
		want string
	}{
		"Comb":         {comb(16), ".#.#.#.#.#.#.#."},
		"CombLastPair": {combLastPair(16), ".#.#.#.#.#.##.."},
		"Runs":         {repeat(16, 3, 1), "...#...#...#..."},
		"SpoiledSlots": {spoiledSlots(pages), "..............................#"},
		"LastSlot":     {lastSlot(2 * pages), "..............................##..............#................"},
		"Around":       {around([]run{{2, 3}, {}, {5, 1}, {9, 2}}, 16), ".####...##....."},
	} {
		got := ""
		for n, free := range c.l {
			for range n {
				got += map[bool]string{true: ".", false: "#"}[free]
			}
		}
		if got != c.want {
			t.Errorf("%s:\n%s; want\n%s", name, got, c.want)
		}
	}
}
