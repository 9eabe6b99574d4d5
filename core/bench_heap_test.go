package linmem_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
)

func newHeap(b *testing.B, opts ...linmem.Option) *linmem.Heap {
	b.Helper()
	h, err := linmem.NewHeap(linmemtest.NewMemory(1, 1<<14), opts...)
	if err != nil {
		b.Fatal(err)
	}
	return h
}

// bumper is what a benchmark needs of an arena, and byteAllocator of a heap or a handle on one.
type (
	bumper interface {
		Alloc(size uint64) (uint64, error)
	}
	byteAllocator interface {
		bumper
		Free(addr uint64) error
	}
)

// allocOf is Alloc of what has an Alloc.
func allocOf(b *testing.B, h bumper, size uint64) uint64 {
	addr, err := h.Alloc(size)
	if err != nil {
		b.Fatal(err)
	}
	return addr
}

// allocFree is not marked as a helper, nor is allocOf: that would take longer than what they measure.
func allocFree(b *testing.B, h byteAllocator, size uint64) {
	addr, err := h.Alloc(size)
	if err == nil {
		err = h.Free(addr)
	}
	if err != nil {
		b.Fatal(err)
	}
}

func BenchmarkHeap(b *testing.B) {
	// A block that comes and goes in a heap that is empty.
	for _, size := range []uint64{64, 4096, 16 << 10, 100_000, 1 << 20} {
		b.Run(fmt.Sprintf("Pair%d", size), func(b *testing.B) {
			h := newHeap(b)
			b.ReportAllocs()
			for b.Loop() {
				allocFree(b, h, size)
			}
		})
	}

	// The same where all spans are full, so that the block needs a span of its own each time: the heap keeps it.
	b.Run("SpanBorder", func(b *testing.B) {
		h := newHeap(b)
		for range 64 * 100 {
			allocOf(b, h, 64)
		}
		for _, c := range h.Stats().Classes {
			for range c.Free {
				allocOf(b, h, 64)
			}
		}
		b.ReportAllocs()
		for b.Loop() {
			allocFree(b, h, 64)
		}
	})

	// And where the memory has room for one such span only, and two sizes take turns: it cannot be kept.
	b.Run("SpanBorderFull", func(b *testing.B) {
		h := newHeap(b, linmem.WithMaxPages(4))
		var last uint64
		for err := error(nil); err == nil; {
			if addr, e := h.Alloc(9 << 10); e == nil {
				last = addr
			} else {
				err = e
			}
		}
		must(b, h.Free(last))
		b.ReportAllocs()
		for b.Loop() {
			allocFree(b, h, 8000)
			allocFree(b, h, 7000)
		}
	})

	b.Run("Mix", func(b *testing.B) {
		h := newHeap(b)
		r := rand.New(rand.NewPCG(1, 2))
		var sizes [1 << 12]uint64
		var which [1 << 12]int
		for i := range sizes {
			sizes[i], which[i] = 8+r.Uint64N(1993), r.IntN(1024)
		}
		var live [1024]uint64
		for i := range live {
			live[i] = allocOf(b, h, sizes[i])
		}
		b.ReportAllocs()
		for i := 0; b.Loop(); i = (i + 1) % len(sizes) {
			k := which[i]
			if err := h.Free(live[k]); err != nil {
				b.Fatal(err)
			}
			live[k] = allocOf(b, h, sizes[i])
		}
	})

	b.Run("FreeTwice", func(b *testing.B) {
		h := newHeap(b)
		addr := allocOf(b, h, 64)
		must(b, h.Free(addr))
		b.ReportAllocs()
		for b.Loop() {
			if h.Free(addr) == nil {
				b.Fatal("freed twice")
			}
		}
	})
}

// BenchmarkArena is of a request that allocates so many blocks of 64 bytes, and gives all of them up: to the arena, which
// keeps its chunks, or to the heap.
func BenchmarkArena(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("Reset%d", n), func(b *testing.B) { arenaOf(b, n, (*linmem.Arena).Reset) })
		b.Run(fmt.Sprintf("Free%d", n), func(b *testing.B) { arenaOf(b, n, (*linmem.Arena).Free) })
	}
}

func arenaOf(b *testing.B, n int, end func(*linmem.Arena) error) {
	b.Helper()
	a := newHeap(b).NewArena()
	b.ReportAllocs()
	for b.Loop() {
		for range n {
			allocOf(b, a, 64)
		}
		if err := end(a); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/block")
}

// BenchmarkShared is of goroutines that each allocate and free, through the Shared or a Local; compare -cpu 1 with -cpu 2.
func BenchmarkShared(b *testing.B) {
	b.Run("Locked", func(b *testing.B) {
		s := linmem.NewShared(newHeap(b))
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				allocFree(b, s, 64)
			}
		})
	})
	b.Run("Local", func(b *testing.B) {
		s := linmem.NewShared(newHeap(b))
		b.RunParallel(func(pb *testing.PB) {
			l := s.Local()
			defer func() { _ = l.Close() }()
			for pb.Next() {
				allocFree(b, l, 64)
			}
		})
	})
}
