package linmemtest

import (
	"errors"
	"fmt"
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
	for _, delta := range []uint64{1, 1000} {
		b.Run(fmt.Sprintf("Grow/%d", delta), func(b *testing.B) { growTo(b, open, maxPages, delta) })
	}
	b.Run("Grow/1-at-1GiB", func(b *testing.B) { growLarge(b, cfg) })
	b.Run("Trim/1GiB", func(b *testing.B) { trimLarge(b, cfg) })
	for _, size := range []int{64, 1024} {
		with(fmt.Sprintf("Heap/put+free-%d", size), func(b *testing.B, m linmem.Memory) {
			h, err := linmem.NewHeap(m)
			if err != nil {
				b.Fatal(err)
			}
			message := make([]byte, size)
			b.SetBytes(int64(size))
			for b.Loop() {
				addr, err := h.Put(message)
				if err != nil {
					b.Fatal(err)
				}
				if err := h.Free(addr); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
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

// timed reports what takes so little time that making what it needs would blur the picture: the time is a metric of its
// own, and the benchmark ends by the time of all.
type timed struct {
	*testing.B
	spent time.Duration
	n     int
}

func (t *timed) do(what func() error) {
	begin := time.Now()
	err := what()
	t.spent += time.Since(begin)
	t.n++
	if err != nil {
		t.Fatal(err)
	}
}

func (t *timed) report(unit string) {
	t.ReportMetric(0, "ns/op")
	t.ReportMetric(float64(t.spent.Nanoseconds())/float64(t.n), unit)
}

// growTo grows memories to maxPages by delta pages at once.
func growTo(b *testing.B, open func(*testing.B) (linmem.Memory, func()), maxPages, delta uint64) {
	t := timed{B: b}
	for b.Loop() {
		m, stop := open(b)
		for m.NumPages()+delta <= maxPages {
			t.do(func() error {
				_, err := m.Grow(delta)
				return err
			})
		}
		stop()
	}
	t.report("ns/growth")
}

// pagesOfGiB is 1 GiB.
const pagesOfGiB = 1 << 30 / linmem.PageSize

// growLarge grows a memory of 1 GiB, all of which was written to, by a page.
func growLarge(b *testing.B, cfg Config) {
	t := timed{B: b}
	for b.Loop() {
		m, stop, err := cfg.New(pagesOfGiB + 1)
		if err != nil {
			b.Fatal(err)
		}
		if _, err = m.Grow(pagesOfGiB - m.NumPages()); err == nil {
			err = touch(m, linmem.Range{Len: pagesOfGiB})
		}
		if err != nil {
			b.Fatal(err)
		}
		t.do(func() error {
			_, err := m.Grow(1)
			return err
		})
		stop()
	}
	t.report("ns/growth")
}

// trimLarge has an allocator give back 1 GiB, all of which was written to.
func trimLarge(b *testing.B, cfg Config) {
	m, stop, err := cfg.New(pagesOfGiB + maxStart + 1)
	if err != nil {
		b.Fatal(err)
	}
	defer stop()
	p, err := linmem.NewPages(m)
	if err != nil {
		b.Fatal(err)
	}
	t := timed{B: b}
	for b.Loop() {
		r, err := p.Alloc(pagesOfGiB)
		if err != nil {
			b.Fatal(err)
		}
		if d, ok := m.(linmem.Discarder); !ok || errors.Is(d.Discard(r.Addr(), linmem.PageSize), linmem.ErrUnsupported) {
			b.Skip("the memory cannot discard")
		}
		if err := touch(m, r); err != nil {
			b.Fatal(err)
		}
		if err := p.Free(r); err != nil {
			b.Fatal(err)
		}
		t.do(func() error {
			_, err := p.Trim()
			return err
		})
	}
	t.report("ns/trim")
}

// touch writes to each 4 KiB, which is a page of most operating systems.
func touch(m linmem.Memory, r linmem.Range) error {
	view, err := m.View(r.Addr(), r.Bytes())
	for i := 0; i < len(view); i += 4096 {
		view[i] = 1
	}
	return err
}
