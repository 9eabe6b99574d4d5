package linmem_test

import (
	"math/rand/v2"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// A little of everything takes little: what is live, a quarter more, and two pages.
func TestHeapSpaceOfAMix(t *testing.T) {
	mixes := map[string][]uint64{
		"OneOfEach":  nil,
		"Tiny":       {1, 8, 16, 24, 32},
		"Small":      {16, 48, 100, 200, 400, 800},
		"Structs":    {24, 40, 56, 72, 88, 104, 120, 136, 152, 168, 184, 200, 216, 232, 248},
		"Borders":    {17, 33, 65, 129, 257, 513, 1025, 2049, 4097},
		"Buffers":    {512, 1024, 2048, 4096, 8192, 16_384},
		"OddBuffers": {513, 1025, 2049, 4097, 8193},
	}
	for size := uint64(8); size < 6000; size += size/8 + 1 {
		mixes["OneOfEach"] = append(mixes["OneOfEach"], size)
	}
	for name, sizes := range mixes {
		for _, total := range []uint64{60 << 10, 300 << 10, 2 << 20} {
			h, _ := heapIn(t, 200)
			live := uint64(0)
			for i := 0; live < total; i++ {
				live += sizes[i%len(sizes)]
				taken(t, h, sizes[i%len(sizes)])
			}
			held := h.Stats().Committed
			// Nothing below 16 bytes is less than a slot of 16.
			if used := h.Stats().Live; name == "Tiny" {
				live = used
			}
			if limit := live*5/4 + 2*linmem.PageSize; held > limit {
				t.Errorf("%s: %d bytes take %d, want %d at most", name, live, held, limit)
			}
			sound(t, h)
		}
	}
}

// Churn does not scatter what is live all over the memory.
func TestHeapSpaceAfterChurn(t *testing.T) {
	distributions := map[string]func(r *rand.Rand) uint64{
		"Small":  func(r *rand.Rand) uint64 { return 1 + r.Uint64N(500) },
		"Mixed":  func(r *rand.Rand) uint64 { return 1<<r.IntN(13) + r.Uint64N(1<<r.IntN(13)) },
		"Medium": func(r *rand.Rand) uint64 { return 500 + r.Uint64N(5000) },
	}
	for name, draw := range distributions {
		h, _ := heapIn(t, 1000)
		r := rand.New(rand.NewPCG(6, 6))
		const target = 2 << 20
		type item struct{ addr, size uint64 }
		var items []item
		live, peak := uint64(0), uint64(0)
		for range 40_000 {
			for live < target {
				size := draw(r)
				items = append(items, item{taken(t, h, size), size})
				live += size
			}
			at := r.IntN(len(items))
			must(t, h.Free(items[at].addr))
			live -= items[at].size
			items[at] = items[len(items)-1]
			items = items[:len(items)-1]
			peak = max(peak, h.Stats().Committed)
		}
		t.Logf("%s: %d bytes take %.2f times as much at most, %.2f in the end", name, target,
			float64(peak)/target, float64(h.Stats().Committed)/target)
		if limit := uint64(target)*3/2 + 2*linmem.PageSize; peak > limit {
			t.Errorf("%s: %d bytes take %d with churn, want %d at most", name, target, peak, limit)
		}
		sound(t, h)
	}
}

// Phases that use one size each leave nothing behind for the next.
func TestHeapSpaceOfPhases(t *testing.T) {
	h, mem := heapIn(t, 200)
	most := uint64(0)
	for round := range 3 {
		for _, size := range []uint64{16, 40, 100, 333, 1000, 1024, 5000, 33_000, 65_536, 250_000} {
			var addrs []uint64
			for total := uint64(0); total < 1<<20; total += size {
				addrs = append(addrs, taken(t, h, size))
			}
			most = max(most, mem.size)
			for _, addr := range addrs {
				must(t, h.Free(addr))
			}
			if held := h.Pages().Stats().Allocated; held > 2 {
				t.Errorf("round %d: %d pages are held after %d bytes each", round, held, size)
			}
		}
	}
	if limit := uint64(1 + (1<<20+250_000)*9/8/linmem.PageSize + 4); most > limit {
		t.Errorf("a megabyte at a time, and one block more, took a memory of %d pages, want %d at most", most, limit)
	}
	sound(t, h)
}

// Free memory is one piece again, whatever the order in which it was freed.
func TestHeapSpaceCoalesces(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	h, mem := heapIn(t, 41)
	for round := range 10 {
		var addrs []uint64
		for {
			addr, err := h.Alloc(1 + r.Uint64N(1<<(1+r.IntN(17))))
			if err != nil {
				break
			}
			addrs = append(addrs, addr)
		}
		r.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
		for _, addr := range addrs {
			must(t, h.Free(addr))
		}
		all, err := h.Alloc(40 * linmem.PageSize)
		if err != nil {
			t.Fatalf("round %d: all is free, and cannot be had, of %d pages: %v", round, mem.size, err)
		}
		must(t, h.Free(all))
		sound(t, h)
	}
}
