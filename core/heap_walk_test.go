package linmem_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

func TestHeapAllOfNothing(t *testing.T) {
	h, _ := heapIn(t, 10)
	for addr, size := range h.All() {
		t.Errorf("an empty heap has %d bytes at %#x", size, addr)
	}
	must(t, h.Free(taken(t, h, 16)))
	for addr, size := range h.All() {
		t.Errorf("a heap that was emptied has %d bytes at %#x", size, addr)
	}
}

func TestHeapAll(t *testing.T) {
	h, _ := heapIn(t, 100)
	want := map[uint64]uint64{}
	r := rand.New(rand.NewPCG(1, 1))
	arena := h.NewArena()
	for range 2000 {
		if r.IntN(3) == 0 {
			for addr := range want {
				delete(want, addr)
				must(t, h.Free(addr))
				break
			}
			continue
		}
		addr := taken(t, h, 1<<r.IntN(14)+r.Uint64N(100))
		usable, err := h.SizeOf(addr)
		must(t, err)
		want[addr] = usable
		if r.IntN(50) == 0 {
			_, err := arena.Alloc(r.Uint64N(5000))
			must(t, err)
		}
	}
	got, order := map[uint64]uint64{}, []uint64(nil)
	for addr, size := range h.All() {
		got[addr] = size
		order = append(order, addr)
	}
	if !maps.Equal(got, want) {
		t.Errorf("has %d allocations, want %d", len(got), len(want))
	}
	if !slices.IsSorted(order) || len(order) != len(got) {
		t.Error("the order is not ascending")
	}
	// One that looks for something stops when it is found.
	seen := 0
	for range h.All() {
		if seen++; seen == 7 {
			break
		}
	}
	if seen != 7 {
		t.Errorf("went on to %d", seen)
	}
	sound(t, h)
}

func TestHeapReset(t *testing.T) {
	for _, onPages := range []bool{false, true} {
		mem := newBytesMemory(1, 100, nil)
		var opts []linmem.Option
		pages, err := linmem.NewPages(mem)
		must(t, err)
		users, err := pages.Alloc(1)
		must(t, err)
		if onPages {
			opts = with(linmem.WithPages(pages))
		}
		h, err := linmem.NewHeap(mem, opts...)
		must(t, err)
		must(t, h.Reset()) // nothing
		arena, unused := h.NewArena(), h.NewArena()
		var last []uint64
		for round := range 3 {
			var addrs []uint64
			for _, size := range resizeSizes {
				addrs = append(addrs, taken(t, h, size))
			}
			must(t, h.Free(addrs[3]))
			inArena, err := arena.Alloc(300)
			must(t, err)
			must(t, h.Reset())
			sound(t, h)
			if n := len(slices.Collect(keys(h))); n > 0 {
				t.Errorf("round %d: %d allocations are left", round, n)
			}
			for _, addr := range append(slices.Clone(addrs), inArena) {
				if err := h.Free(addr); class(err) != linmem.ErrNotAllocated {
					t.Errorf("round %d: Free(%#x) returned %v", round, addr, err)
				}
				if _, err := h.View(addr, 1); class(err) != linmem.ErrNotAllocated {
					t.Errorf("round %d: View(%#x, 1) returned %v", round, addr, err)
				}
			}
			stats, kept := h.Stats(), h.Pages().Stats().Allocated
			if onPages {
				kept -= users.Len
			}
			if stats.Live != 0 || stats.Allocs != 0 || kept > 2 || stats.Committed != kept*linmem.PageSize {
				t.Errorf("round %d: %d pages are left, and %+v", round, kept, stats)
			}
			if round > 1 && !slices.Equal(addrs, last) {
				t.Errorf("round %d: the addresses are %#x, were %#x", round, addrs, last)
			}
			last = addrs
		}
		must(t, unused.Reset())
		must(t, unused.Free())
		if onPages {
			must(t, pages.Free(users))
		}
	}
}

// An arena of before forgets what it had, and goes on.
func TestHeapResetAndArenas(t *testing.T) {
	ends := map[string]func(a *linmem.Arena) error{
		"Alloc": func(a *linmem.Arena) error { _, err := a.Alloc(100); return err },
		"AllocAligned": func(a *linmem.Arena) error {
			_, err := a.AllocAligned(100, 4096)
			return err
		},
		"Put":   func(a *linmem.Arena) error { _, err := a.Put([]byte("data")); return err },
		"Reset": (*linmem.Arena).Reset,
		"Free":  (*linmem.Arena).Free,
	}
	for name, call := range ends {
		t.Run(name, func(t *testing.T) {
			h, _ := heapIn(t, 20)
			a := h.NewArena()
			old, err := a.Alloc(3000)
			must(t, err)
			must(t, h.Reset())
			mine := taken(t, h, 3000) // where the arena was, maybe
			fill, err := h.View(mine, 3000)
			must(t, err)
			copy(fill, pattern)
			must(t, call(a))
			must(t, call(a))
			sound(t, h)
			if n := h.Stats().Allocs; name == "Free" && n != 1 {
				t.Errorf("%d allocations are live", n)
			}
			if _, err := h.SizeOf(mine); err != nil {
				t.Errorf("what was allocated since is gone: %v", err)
			}
			if err := a.Resize(old, 10); err == nil && old != mine {
				t.Error("a block of before the reset was resized")
			}
			for range 50 {
				addr, err := a.Alloc(700)
				must(t, err)
				if addr+700 > mine && addr < mine+3000 {
					t.Fatalf("%#x is in an allocation", addr)
				}
			}
			must(t, a.Free())
			must(t, h.Free(mine))
			sound(t, h)
			if stats := h.Stats(); stats.Allocs != 0 || stats.Committed > 2*linmem.PageSize {
				t.Errorf("in the end the stats are %+v", stats)
			}
		})
	}
}
