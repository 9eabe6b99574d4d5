package nativemem

import (
	"strconv"
	"testing"
)

func BenchmarkView(b *testing.B) {
	m := newMemory(b, 4, 4)
	b.ReportAllocs()
	for b.Loop() {
		v, err := m.View(page, 4096)
		if err != nil {
			b.Fatal(err)
		}
		sink = v
	}
}

// BenchmarkGrow does not touch the pages. A memory that is full is replaced off the clock.
func BenchmarkGrow(b *testing.B) {
	maximum := uint64(1 << 20)
	if strconv.IntSize == 32 || !reserves() {
		maximum = 1 << 10
	}
	for _, delta := range []uint64{1, 1000} {
		b.Run(strconv.FormatUint(delta, 10), func(b *testing.B) {
			m := newMemory(b, 0, maximum)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Grow(delta); err == nil {
					continue
				}
				b.StopTimer()
				if err := m.Close(); err != nil {
					b.Fatal(err)
				}
				m = newMemory(b, 0, maximum)
				b.StartTimer()
			}
		})
	}
}

// BenchmarkRefusedGrow is what an allocator at its limit pays for asking again.
func BenchmarkRefusedGrow(b *testing.B) {
	m := newMemory(b, 1, 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Grow(1); err == nil {
			b.Fatal("grew past the maximum")
		}
	}
}
