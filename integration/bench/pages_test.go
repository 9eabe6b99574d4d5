// Every benchmark ends in allocator=NAME, so benchstat can put them side by side.

package bench_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/integration/bench"
)

const (
	// maxPages is a full 32-bit memory.
	maxPages = bench.MaxPages32

	// largePages is a memory of 1 TiB.
	largePages = 1 << 24
)

func BenchmarkPages(b *testing.B) {
	for _, c := range bench.Cases() {
		b.Run(c.Name, func(b *testing.B) {
			b.Run("pages=65536", func(b *testing.B) { eachPageAllocator(b, c, maxPages) })
			b.Run("pages=16777216", func(b *testing.B) { eachPageAllocator(b, c, largePages) })
		})
	}
	b.Run("4096Pages/pages=4096", func(b *testing.B) {
		eachPageAllocator(b, bench.SteadyCase("4096Pages", 50, 1000, 0), 4096)
	})
	for _, name := range []string{"Growing", "GrowingAligned"} {
		maxLog2Align := map[string]uint32{"GrowingAligned": 5}[name]
		b.Run(name+"/pages=8192", func(b *testing.B) {
			for _, k := range []bench.Kind{bench.Linmem, bench.Zigref} { // the others have all pages from the start
				b.Run("allocator="+k.Name, func(b *testing.B) { growingPages(b, k, 1000, 200, maxLog2Align) })
			}
		})
	}
	b.Run("GuestWritesOnes/pages=65536", func(b *testing.B) {
		for _, k := range []bench.Kind{bench.Linmem, bench.Zigref} { // the others have no guest
			b.Run("allocator="+k.Name, func(b *testing.B) { guestWritesOnes(b, k) })
		}
	})
}

// eachPageAllocator runs a case with each allocator that can have such a memory.
func eachPageAllocator(b *testing.B, c bench.Case, pages uint64) {
	b.Helper()
	var scene *bench.Scene
	for _, k := range bench.Kinds() {
		if pages > k.MaxPages {
			continue
		}
		b.Run("allocator="+k.Name, func(b *testing.B) {
			if scene == nil { // not before one is asked for
				var err error
				if scene, err = c.Prepare(pages); err != nil {
					b.Fatal(err)
				}
			}
			w, err := scene.Start(openPages(b, k, pages))
			if err != nil {
				b.Fatal(err)
			}
			runtime.GC()
			b.ReportAllocs()
			for b.Loop() {
				if err := w.Turns(1); err != nil {
					b.Fatal(err)
				}
			}
			if c.Steady {
				stats := w.Stats()
				b.ReportMetric(100*stats.Refusals(), "%refused")
				b.ReportMetric(100*float64(stats.UsedPages)/float64(pages), "%used")
				reportLatency(b, w)
			}
		})
	}
}

// reportLatency times single calls, in a pass of its own.
func reportLatency(b *testing.B, w bench.Workload) {
	b.Helper()
	l, err := bench.MeasureLatency(w, min(b.N, 200_000), time.Second)
	if err != nil {
		b.Fatal(err)
	}
	for _, call := range []struct {
		name string
		h    *bench.Histogram
	}{{"alloc", &l.Alloc}, {"free", &l.Free}} {
		for _, percent := range []float64{50, 99, 99.99} {
			b.ReportMetric(float64(call.h.Quantile(percent/100)), fmt.Sprintf("%s-p%v-ns", call.name, percent))
		}
	}
}

func openPages(b *testing.B, k bench.Kind, pages uint64) bench.Opened {
	b.Helper()
	a, err := k.Open(pages)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = a.Close() })
	return a
}

// guestWritesOnes has the guest fill what was freed, and so Zig's bitmap, with long runs of ones, and asks for a run that
// is longer.
func guestWritesOnes(b *testing.B, k bench.Kind) {
	const n = 10
	a := openPages(b, k, maxPages)
	if _, err := a.Alloc(2048, 0); err != nil {
		b.Fatal(err)
	}
	start, err := a.Alloc(n, 0)
	if err == nil {
		err = a.Free(start, n)
	}
	if err != nil {
		b.Fatal(err)
	}
	view, err := a.Memory.View((a.Memory.NumPages()-n)*linmem.PageSize, n*linmem.PageSize)
	if err != nil {
		b.Fatal(err)
	}
	for i := range view {
		view[i] = 0xff
		if i%(maxPages/8) == 0 {
			view[i] = 0xfc // leaves 65,534 ones in a row
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Alloc(maxPages-1, 0); err == nil {
			b.Fatal("a run of all pages fits")
		}
	}
}
