package pagemap_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// random is a source of steps.
type random struct{ *rand.Rand }

func (r random) pick(n uint64) uint64 { return r.Uint64N(n) }

// outcomes is every way in which a step can end.
var outcomes = []string{
	"Cover first false", "Cover again false", "Cover above false", "Cover below false",
	"Add false", "Remove all false", "Remove front false", "Remove back false", "Remove middle false",
	"Mark false", "Unmark false", "Marked true", "Marked false",
	"Alloc true", "Alloc false", "Find true", "Find false",
	"FindAligned true", "FindAligned false", "FindBest true", "FindBest false",
	"Free run true", "Free anything false", "Free part false", "Free more false",
	"Free interior false", "Free next false", "Free nothing false",
	"Free uncovered false",
	"IsRun run true", "IsRun part false", "IsRun more false", "IsRun interior false",
	"FreeLen false", "StartBefore false", "RunLen false", "Longest false", "NumFreeRuns false",
}

func TestRandom(t *testing.T) {
	seeds, seen := uint64(48), map[string]int{}
	if testing.Short() {
		seeds = 6
	}
	for i, total := range windowSizes {
		steps := []int{600, 500, 300, 150}[i]
		for seed := range seeds {
			t.Run(fmt.Sprintf("%d/%d", total, seed), func(t *testing.T) {
				l, err := play(random{rand.New(rand.NewPCG(seed, total))}, total, func(taken int) bool { return taken == steps })
				if err != nil {
					t.Fatalf("%d pages, seed %d: %v\n%s", total, seed, err, l.story())
				}
				for outcome, n := range l.seen {
					seen[outcome] += n
				}
			})
		}
	}
	for _, outcome := range outcomes {
		if seen[outcome] == 0 {
			t.Errorf("no step ended in %q", outcome)
		}
	}
}
