package matrix

import (
	"context"
	"flag"
	"fmt"
	"testing"

	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/zigoracle"
)

var (
	zigSteps = flag.Int("zig-steps", 250_000, "random steps for each of Zig's allocators, over all shapes of memories")
	zigSeed  = flag.Uint64("zig-seed", 0, "seed of these steps")
)

// agreesWithZig holds the ports of Zig's allocators to the originals, both on the engine's memories.
func agreesWithZig(t *testing.T, e engines.Engine) {
	steps := *zigSteps / len(zigoracle.Shapes)
	if e.Slow || testing.Short() {
		steps /= 10
	}
	t.Logf("%d steps for each allocator and shape of memory", steps)
	for _, a := range zigoracle.Allocators {
		t.Run(a.Name, func(t *testing.T) {
			counts := zigoracle.Counts{}
			shapes := 0 // that were run, and passed
			for i, s := range zigoracle.Shapes {
				t.Run(fmt.Sprintf("%d-to-%d-pages", s.Pages, s.MaxPages), func(t *testing.T) {
					seed := *zigSeed + uint64(i)<<32 // no two shapes have a stream in common
					c, err := zigoracle.Check(context.Background(), e.Open, a, s, seed, steps)
					if err != nil {
						t.Fatal(err)
					}
					counts.Add(c)
					shapes++
				})
			}
			t.Log(counts)
			if shapes == len(zigoracle.Shapes) {
				for _, missing := range counts.Missing(5000) {
					t.Errorf("the streams no longer reach what they should: %s", missing)
				}
			}
			if e.Lazy {
				t.Run("4-GiB", func(t *testing.T) {
					if err := zigoracle.CheckLarge(context.Background(), e.Open, a); err != nil {
						t.Error(err)
					}
				})
			}
		})
	}
}
