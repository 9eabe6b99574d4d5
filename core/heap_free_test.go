package linmem_test

import (
	"math"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// Whatever is not the first byte of a live allocation is refused by all that takes one, and nothing changes.
func TestHeapWrongAddresses(t *testing.T) {
	pagesMem := newBytesMemory(3, 100, nil)
	pages, err := linmem.NewPages(pagesMem)
	must(t, err)
	users, err := pages.Alloc(2)
	must(t, err)
	h, err := linmem.NewHeap(pagesMem, linmem.WithPages(pages))
	must(t, err)

	slot, run, span := taken(t, h, 48), taken(t, h, 300_000), taken(t, h, 3000)
	small := taken(t, h, 1)
	aligned, err := h.AllocAligned(100, 4096)
	must(t, err)
	gone := []uint64{taken(t, h, 48), taken(t, h, 200_000), taken(t, h, 3000), taken(t, h, 0), taken(t, h, 5*linmem.PageSize)}
	arena := h.NewArena()
	inArena, err := arena.Alloc(64)
	must(t, err)
	for _, addr := range gone {
		must(t, h.Free(addr))
	}
	moved, err := h.Realloc(taken(t, h, 64), 500_000)
	must(t, err)
	shrunk := taken(t, h, 400_000)
	must(t, h.Resize(shrunk, 70_000))

	tests := map[string]uint64{
		"Null":              0,
		"One":               1,
		"ForeignPage":       linmem.PageSize,
		"ForeignSlot":       linmem.PageSize + 48,
		"RunOfTheUser":      users.Addr(),
		"InRunOfTheUser":    users.Addr() + linmem.PageSize,
		"EndOfTheMemory":    pagesMem.size * linmem.PageSize,
		"PastTheMemory":     pagesMem.size*linmem.PageSize + 48,
		"FarPast":           1 << 40,
		"SlotPast32Bits":    1<<32 + slot,
		"SlotPast48Bits":    1<<48 + slot,
		"SlotWithTopBit":    1<<63 + slot,
		"Last":              math.MaxUint64,
		"LastAligned":       math.MaxUint64 - 15,
		"InSlot":            slot + 1,
		"InSlotAligned":     slot + 16,
		"BeforeSlot":        slot - 1,
		"LastOfSlot":        slot + 47,
		"InSmallSlot":       small + 8,
		"InSpanSlot":        span + 1024,
		"InAligned":         aligned + 16,
		"InAlignedUnit":     aligned + 1024,
		"InRun":             run + 16,
		"InRunUnit":         run + 1024,
		"InRunPage":         run + linmem.PageSize,
		"PageBorderInRun":   (run/linmem.PageSize + 1) * linmem.PageSize,
		"LastOfRun":         run + 299_999,
		"FreedSlot":         gone[0],
		"FreedRun":          gone[1],
		"FreedSpanSlot":     gone[2],
		"FreedNothing":      gone[3],
		"FreedPages":        gone[4],
		"InArena":           inArena,
		"InArenaBlock":      inArena + 16,
		"FirstByteOfItPage": inArena / linmem.PageSize * linmem.PageSize,
		"InMoved":           moved + 4096,
		"PastShrunk":        shrunk + 70_656,
		"FarPastShrunk":     shrunk + 300_032,
	}
	live := slices.Collect(keys(h))
	calls := map[string]func(addr uint64) error{
		"Free":   h.Free,
		"Resize": func(addr uint64) error { return h.Resize(addr, 16) },
		"Resize to more": func(addr uint64) error {
			return h.Resize(addr, 100_000)
		},
		"Realloc": func(addr uint64) error { _, err := h.Realloc(addr, 16); return err },
		"Realloc to much": func(addr uint64) error {
			_, err := h.Realloc(addr, math.MaxUint64)
			return err
		},
		"SizeOf": func(addr uint64) error { _, err := h.SizeOf(addr); return err },
	}
	before := h.Stats()
	for name, addr := range tests {
		if slices.Contains(live, addr) {
			continue // an address that was freed is in use again
		}
		for call, f := range calls {
			if err := f(addr); class(err) != linmem.ErrNotAllocated {
				t.Errorf("%s: %s(%#x) returned %v", name, call, addr, err)
			}
		}
		if err := h.Check(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	after := h.Stats()
	if after.Live != before.Live || after.Allocs != before.Allocs || after.Committed != before.Committed {
		t.Errorf("the stats were %+v, and are %+v", before, after)
	}
	if got := slices.Collect(keys(h)); !slices.Equal(got, live) {
		t.Errorf("live are %#x, were %#x", got, live)
	}
}

// keys returns the addresses of the live allocations.
func keys(h *linmem.Heap) func(func(uint64) bool) {
	return func(yield func(uint64) bool) {
		for addr := range h.All() {
			if !yield(addr) {
				return
			}
		}
	}
}

// Each allocation can be freed once, in any order, and none is freed by another's end.
func TestHeapFreeInOrders(t *testing.T) {
	orders := map[string]func(i, n int) int{
		"Forward":   func(i, _ int) int { return i },
		"Backward":  func(i, n int) int { return n - 1 - i },
		"Alternate": func(i, n int) int { return i * 2 % (n | 1) },
	}
	for name, order := range orders {
		for _, size := range []uint64{1, 16, 100, 1000, 1500, 9000, 40_000, 65_536, 100_000} {
			h, _ := heapIn(t, 300)
			const n = 101
			var addrs []uint64
			for range n {
				addrs = append(addrs, taken(t, h, size))
			}
			for i := range n {
				addr := addrs[order(i, n)]
				must(t, h.Free(addr))
				if err := h.Free(addr); class(err) != linmem.ErrNotAllocated {
					t.Fatalf("%s: %d bytes at %#x freed twice: %v", name, size, addr, err)
				}
			}
			sound(t, h)
			if stats := h.Stats(); stats.Live != 0 || stats.Allocs != 0 || stats.Committed > 2*linmem.PageSize {
				t.Errorf("%s: %d bytes leave %+v", name, size, stats)
			}
			if n := h.Pages().Stats().Allocated; n > 2 {
				t.Errorf("%s: %d bytes leave %d pages", name, size, n)
			}
		}
	}
}

// A heap that is at its limit gives back what it keeps for later before it fails.
func TestHeapFreedMemoryServesOtherSizes(t *testing.T) {
	all := []uint64{0, 16, 100, 500, 1000, 1024, 3000, 9000, 20_000, 33_000, 60_000, 65_536, 100_000, 131_072, 196_608}
	for _, was := range all {
		for _, is := range all {
			h, _ := heapIn(t, 4) // three pages
			for round := range 3 {
				var addrs []uint64
				for {
					addr, err := h.Alloc(was)
					if err != nil {
						break
					}
					addrs = append(addrs, addr)
				}
				if len(addrs) == 0 {
					t.Fatalf("no %d bytes in three pages in round %d", was, round)
				}
				for _, addr := range addrs {
					must(t, h.Free(addr))
				}
				addr, err := h.Alloc(is)
				if err != nil {
					t.Fatalf("%d bytes after many of %d, all freed: %v", is, was, err)
				}
				must(t, h.Free(addr))
			}
			if err := h.Reserve(3 * linmem.PageSize); err != nil {
				t.Fatalf("after %d and %d, all freed, reserve all: %v", was, is, err)
			}
			sound(t, h)
		}
	}
}

// Holes between live allocations are used before the memory grows.
func TestHeapHolesAreUsed(t *testing.T) {
	for _, size := range []uint64{1, 48, 1000, 1024, 10_000, 70_000} {
		h, mem := heapIn(t, 200)
		var addrs []uint64
		for range 90 {
			addrs = append(addrs, taken(t, h, size))
		}
		pages := mem.size
		for i := 0; i < len(addrs); i += 3 {
			must(t, h.Free(addrs[i]))
		}
		for range 30 {
			taken(t, h, size)
		}
		if mem.size != pages {
			t.Errorf("%d bytes: grew from %d to %d pages for what the holes had room for", size, pages, mem.size)
		}
		sound(t, h)
	}
}
