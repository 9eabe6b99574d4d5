package linmemtest

import (
	"testing"
	"time"

	linmem "github.com/linmem/linmem/core"
)

// RunBenchmarks measures what an allocator asks of a memory, each as a sub-benchmark.
func RunBenchmarks(b *testing.B, cfg Config) {
	const maxPages = 1024
	open := func(b *testing.B) (linmem.Memory, func()) {
		m, stop, err := cfg.New(maxPages)
		if err != nil {
			b.Fatal(err)
		}
		return m, stop
	}
	with := func(name string, f func(*testing.B, linmem.Memory)) {
		b.Run(name, func(b *testing.B) {
			m, stop := open(b)
			defer stop()
			if _, err := m.Grow(16); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			f(b, m)
		})
	}
	with("NumPages", func(b *testing.B, m linmem.Memory) {
		for b.Loop() {
			m.NumPages()
		}
	})
	with("View", func(b *testing.B, m linmem.Memory) {
		for b.Loop() {
			if _, err := m.View(linmem.PageSize, 64); err != nil {
				b.Fatal(err)
			}
		}
	})
	with("Grow/0", func(b *testing.B, m linmem.Memory) {
		for b.Loop() {
			if _, err := m.Grow(0); err != nil {
				b.Fatal(err)
			}
		}
	})
	with("Grow/refused", func(b *testing.B, m linmem.Memory) {
		for b.Loop() {
			if _, err := m.Grow(maxPages); err == nil {
				b.Fatal("not refused")
			}
		}
	})
	// A memory is used up in microseconds and takes longer to make, so the time of the growths alone is a metric of its
	// own, and the benchmark ends by the time of all.
	b.Run("Grow/1", func(b *testing.B) {
		var spent time.Duration
		var growths int
		for b.Loop() {
			m, stop := open(b)
			begin := time.Now()
			for m.NumPages() < maxPages {
				if _, err := m.Grow(1); err != nil {
					b.Fatal(err)
				}
				growths++
			}
			spent += time.Since(begin)
			stop()
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(spent.Nanoseconds())/float64(growths), "ns/growth")
	})
	with("Pages/alloc+free", func(b *testing.B, m linmem.Memory) {
		p, err := linmem.NewPages(m)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			r, err := p.Alloc(1)
			if err != nil {
				b.Fatal(err)
			}
			if err := p.Free(r); err != nil {
				b.Fatal(err)
			}
		}
	})
	with("Pages/put-1KiB", func(b *testing.B, m linmem.Memory) {
		p, err := linmem.NewPages(m)
		if err != nil {
			b.Fatal(err)
		}
		message := make([]byte, 1024)
		b.SetBytes(int64(len(message)))
		for b.Loop() {
			r, err := p.Alloc(1)
			if err != nil {
				b.Fatal(err)
			}
			view, err := m.View(r.Addr(), uint64(len(message)))
			if err != nil {
				b.Fatal(err)
			}
			copy(view, message)
			if err := p.Free(r); err != nil {
				b.Fatal(err)
			}
		}
	})
}
