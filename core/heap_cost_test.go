package linmem_test

import (
	"math/rand/v2"
	"runtime"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
)

// warmed returns a heap that has had blocks of many sizes, and has some yet.
func warmed(tb testing.TB) (h *linmem.Heap, live []uint64) {
	tb.Helper()
	h, err := linmem.NewHeap(linmemtest.NewMemory(1, 200))
	must(tb, err)
	r := rand.New(rand.NewPCG(4, 4))
	for range 3000 {
		live = append(live, taken(tb, h, 1+r.Uint64N(1<<r.IntN(13))))
	}
	r.Shuffle(len(live), func(i, j int) { live[i], live[j] = live[j], live[i] })
	for _, addr := range live[:2000] {
		must(tb, h.Free(addr))
	}
	return h, live[2000:]
}

func TestHeapNoGoAllocations(t *testing.T) {
	h, live := warmed(t)
	must(t, h.Reserve(40*linmem.PageSize))
	mixed := []uint64{1, 16, 40, 64, 100, 250, 300, 900, 1024, 1500, 4000, 9000, 20_000, 40_000, 65_536, 70_000, 200_000}
	var held [64]uint64
	n, next := 0, 0
	small, run := taken(t, h, 64), taken(t, h, 100_000)
	data := make([]byte, 300)
	arena := h.NewArena()
	gone := taken(t, h, 500)
	must(t, h.Free(gone))
	mustFail := func(err error) {
		if err == nil {
			t.Fatal("did not fail")
		}
	}
	pair := func(size uint64) func() {
		return func() { must(t, h.Free(taken(t, h, size))) }
	}
	tests := []struct {
		name string
		run  func()
	}{
		{"Pair64", pair(64)},
		{"PairOfNothing", pair(0)},
		{"PairOfLargeSlots", pair(3000)},
		{"PairOfUnits", pair(30_000)},
		{"PairOfPages", pair(65_536)},
		{"PairOfRuns", pair(300_000)},
		{"Mixed", func() {
			next++
			if n == len(held) || n > 0 && next%3 == 0 {
				n--
				must(t, h.Free(held[n]))
				return
			}
			held[n] = taken(t, h, mixed[next%len(mixed)])
			n++
		}},
		{"PairAligned", func() {
			addr, err := h.AllocAligned(100, 4096)
			must(t, err)
			must(t, h.Free(addr))
		}},
		{"SizeOf", func() {
			_, err := h.SizeOf(live[7])
			must(t, err)
		}},
		{"View", func() {
			_, err := h.View(live[7], 1)
			must(t, err)
		}},
		{"Put", func() {
			addr, err := h.Put(data)
			must(t, err)
			must(t, h.Free(addr))
		}},
		{"Resize", func() { must(t, h.Resize(small, 60)) }},
		{"ResizeOfARun", func() {
			must(t, h.Resize(run, 70_000))
			must(t, h.Resize(run, 100_000))
		}},
		{"Realloc", func() {
			addr, err := h.Realloc(small, 2000)
			must(t, err)
			small, err = h.Realloc(addr, 64)
			must(t, err)
		}},
		{"Reserve", func() { must(t, h.Reserve(1000)) }},
		{"Arena", func() {
			for range 20 {
				_, err := arena.Alloc(100)
				must(t, err)
			}
			must(t, arena.Reset())
		}},
		{"FreeTwice", func() { mustFail(h.Free(gone)) }},
		{"FreeNull", func() { mustFail(h.Free(0)) }},
		{"FreeInterior", func() { mustFail(h.Free(run + 1024)) }},
		{"FreeForeign", func() { mustFail(h.Free(100)) }},
		{"FreeFar", func() { mustFail(h.Free(1 << 50)) }},
		{"BadFreesThatTakeTurns", func() {
			mustFail(h.Free(1))
			mustFail(h.Free(small + 1))
			mustFail(h.Free(1 << 62))
		}},
		{"SizeOfNothing", func() {
			_, err := h.SizeOf(small + 1)
			mustFail(err)
		}},
		{"ViewPast", func() {
			_, err := h.View(small, 1<<20)
			mustFail(err)
		}},
		{"AllocRefused", func() {
			_, err := h.Alloc(1 << 40)
			mustFail(err)
		}},
		{"AllocRefusedByTheMemory", func() {
			_, err := h.Alloc(199 * linmem.PageSize)
			mustFail(err)
		}},
		{"AllocInvalid", func() {
			_, err := h.AllocAligned(8, 3)
			mustFail(err)
		}},
		{"AllocFrozen", func() {
			h.Pages().Freeze(true)
			_, err := h.Alloc(150 * linmem.PageSize)
			mustFail(err)
			h.Pages().Freeze(false)
		}},
		{"ResizeRefused", func() { mustFail(h.Resize(small, 1<<20)) }},
		{"ReallocRefused", func() {
			_, err := h.Realloc(small, 1<<40)
			mustFail(err)
		}},
		{"Walk", func() {
			for range h.All() {
				next++
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 5000 {
				tt.run()
			}
			noGoAllocations(t, tt.run)
		})
	}
	sound(t, h)
}

// A memory is asked for pages, and shown where bytes are copied; else it is let alone.
func TestHeapLeavesTheMemoryAlone(t *testing.T) {
	mem := newBytesMemory(1, 100, nil)
	h, err := linmem.NewHeap(mem)
	must(t, err)
	sizes := []uint64{0, 8, 64, 100, 1000, 3000, 20_000, 65_536, 200_000}
	var warm []uint64
	for _, size := range sizes {
		warm = append(warm, taken(t, h, size), taken(t, h, size))
	}
	for _, addr := range warm {
		must(t, h.Free(addr))
	}
	must(t, h.Reserve(20*linmem.PageSize))
	must(t, h.Free(taken(t, h, 1)))
	mem.calls = 0
	var addrs []uint64
	for _, size := range sizes {
		addr := taken(t, h, size)
		_, err := h.SizeOf(addr)
		must(t, err)
		must(t, h.Resize(addr, size/2))
		if h.Free(addr+1) == nil || h.Free(1<<40) == nil {
			t.Error("a wrong address was freed")
		}
		addrs = append(addrs, addr)
	}
	aligned, err := h.AllocAligned(100, 4096)
	must(t, err)
	for _, addr := range append(addrs, aligned) {
		must(t, h.Free(addr))
	}
	for range h.All() {
		t.Error("something is left")
	}
	h.Stats()
	_, err = h.MarshalBinary()
	must(t, err)
	must(t, h.Reset())
	if mem.calls > 0 {
		t.Errorf("the memory was called %d times", mem.calls)
	}
}

// Metadata on the Go heap is little beside what it is for.
func TestHeapMetadata(t *testing.T) {
	tests := []struct {
		name  string
		size  uint64
		limit float64 // bytes of Go heap for a byte of the memory
	}{
		{"Tiny", 16, 0.1},
		{"Small", 64, 0.1},
		{"Medium", 1000, 0.1},
		{"Runs", 100_000, 0.1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			const pages = 256
			got := bytesAllocated(func() {
				h, err := linmem.NewHeap(linmemtest.NewMemory(1, pages+1))
				must(t, err)
				for {
					if _, err := h.Alloc(tt.size); err != nil {
						break
					}
				}
			})
			if share := float64(got) / (pages * linmem.PageSize); share > tt.limit {
				t.Errorf("%d pages full of %d bytes each cost %d bytes of Go heap: %.3f for each, want %.3f at most",
					pages, tt.size, got, share, tt.limit)
			}
		})
	}
}

// What stays on the Go heap is 3 % of the memory at most, also where all size classes are in use.
func TestHeapMetadataKept(t *testing.T) {
	for _, size := range []uint64{16, 1000, 100_000, 0} {
		before := goHeap()
		h, err := linmem.NewHeap(&untouched{size: 1})
		must(t, err)
		r := rand.New(rand.NewPCG(5, 5))
		for asked := uint64(0); asked < 500*linmem.PageSize; {
			n := size
			if n == 0 {
				n = r.Uint64N(8000)
			}
			_, err := h.Alloc(n)
			must(t, err)
			asked += n
		}
		held := float64(h.Stats().Committed)
		if share := float64(goHeap()-before) / held; share > 0.03 {
			t.Errorf("allocations of %d bytes: %.3f bytes of Go heap for a byte of the memory, want 0.03 at most", size, share)
		}
		runtime.KeepAlive(h)
	}
}

// goHeap returns how many bytes of the Go heap are in use.
func goHeap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// untouched is a memory without an end, of which nobody looks at the bytes.
type untouched struct{ size uint64 }

func (m *untouched) NumPages() uint64 { return m.size }

func (m *untouched) Grow(delta uint64) (prev uint64, err error) {
	m.size += delta
	return m.size - delta, nil
}

func (m *untouched) View(uint64, uint64) ([]byte, error) { return nil, linmem.ErrUnsupported }
