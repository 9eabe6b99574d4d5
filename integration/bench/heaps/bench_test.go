// Every benchmark ends in allocator=NAME, so benchstat can put them side by side.

package heaps_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/linmem/linmem/integration/bench/heaps"
	"github.com/linmem/linmem/integration/bench/heaps/wazerocalls"
	"github.com/linmem/linmem/integration/traces"
)

// kinds returns all that need no cgo: those without a guest, and wazero's.
func kinds() []heaps.Kind {
	all := heaps.Native()
	for _, k := range heaps.OnGuest(wazerocalls.Runtime()) {
		k.Name += "-in-wazero"
		all = append(all, k)
	}
	return all
}

func BenchmarkBytes(b *testing.B) {
	for _, size := range []uint64{64, 4096, 100_000} {
		b.Run(fmt.Sprintf("Pair%d", size), func(b *testing.B) {
			eachKind(b, func(o heaps.Opened) (heaps.Workload, error) { return heaps.Pair(o, size), nil })
		})
	}
	b.Run("Mix", func(b *testing.B) {
		eachKind(b, func(o heaps.Opened) (heaps.Workload, error) { return heaps.Mix(o) })
	})
}

func eachKind(b *testing.B, start func(heaps.Opened) (heaps.Workload, error)) {
	b.Helper()
	for _, k := range kinds() {
		b.Run("allocator="+k.Name, func(b *testing.B) {
			w, err := start(open(b, k))
			if err != nil {
				b.Fatal(err)
			}
			run(b, w)
		})
	}
}

func open(tb testing.TB, k heaps.Kind) heaps.Opened {
	tb.Helper()
	o, err := k.Open()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = o.Close() })
	return o
}

// run does a turn before it measures: the memory grows.
func run(b *testing.B, w heaps.Workload) {
	b.Helper()
	if err := w.Turns(1); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Turns(1); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTrace replays each trace on an allocator that is there already (Warm) and on a new one (Cold).
func BenchmarkTrace(b *testing.B) {
	for _, name := range traces.Names() {
		t := prepare(b, name)
		b.Run("Warm/trace="+name, func(b *testing.B) {
			for _, k := range kinds() {
				b.Run("allocator="+k.Name, func(b *testing.B) {
					run(b, t.Warm(open(b, k).Allocator))
					perCall(b, t)
				})
			}
		})
		b.Run("Cold/trace="+name, func(b *testing.B) {
			for _, k := range heaps.Native() {
				b.Run("allocator="+k.Name, func(b *testing.B) {
					run(b, t.Cold(k))
					perCall(b, t)
				})
			}
		})
	}
}

func prepare(tb testing.TB, name string) *heaps.Trace {
	tb.Helper()
	recorded, err := traces.Load(name)
	if err != nil {
		tb.Fatal(err)
	}
	t, err := heaps.Prepare(recorded, math.MaxInt)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func perCall(b *testing.B, t *heaps.Trace) {
	b.Helper()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(t.Len()), "ns/call")
}
