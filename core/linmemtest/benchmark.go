package linmemtest

import (
	"testing"

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
	b.Run("Grow/1", func(b *testing.B) {
		b.ReportAllocs()
		m, stop := open(b)
		for b.Loop() {
			if m.NumPages() == maxPages {
				b.StopTimer()
				stop()
				m, stop = open(b)
				b.StartTimer()
			}
			if _, err := m.Grow(1); err != nil {
				b.Fatal(err)
			}
		}
		stop()
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
