package bench_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines/wazeroengine"
	"github.com/linmem/linmem/integration/guests"
)

// BenchmarkOpen compares, in turns, an instance of a guest in Go of 1.8 MB that is initialized with one that guest.Open
// initializes and opens. What is compiled is kept, as in a host that instantiates often. The first figure is how much of the
// time Open adds, in percent.
func BenchmarkOpen(b *testing.B) {
	all := guests.Memory()
	g := all[slices.IndexFunc(all, func(g guests.Guest) bool { return g.Name == "go_reactor" })]
	report, err := guest.Inspect(g.Wasm)
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	engine := wazeroengine.Default()
	instance := func(use func(guest.Instance) error) time.Duration {
		b.Helper()
		begin := time.Now()
		inst, stop, err := engine.Open(ctx, g.Wasm)
		if err != nil {
			b.Fatal(err)
		}
		defer stop()
		if err := use(inst); err != nil {
			b.Fatal(err)
		}
		return time.Since(begin)
	}
	initialize := func(inst guest.Instance) error { return inst.(guest.Initializer).Initialize(ctx) }
	for _, s := range []guest.Strategy{guest.Arena, guest.Donate, guest.Gap} {
		open := func(inst guest.Instance) error {
			_, err := guest.Open(ctx, inst, report, guest.WithStrategy(s), guest.WithAllocator(g.Alloc, g.Free))
			return err
		}
		b.Run(string(s), func(b *testing.B) {
			instance(open)
			var without, with []time.Duration
			for b.Loop() {
				without = append(without, instance(initialize))
				with = append(with, instance(open))
			}
			b.ReportMetric(100*(median(with)/median(without)-1), "%added")
			b.ReportMetric(median(without), "ns/instance")
		})
	}
}

func median(times []time.Duration) float64 {
	slices.Sort(times)
	return float64(times[len(times)/2])
}
