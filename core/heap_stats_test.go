package linmem_test

import (
	"math/rand/v2"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

func TestHeapStats(t *testing.T) {
	h, _ := heapIn(t, 100)
	expect := func(what string, live, allocs uint64) {
		t.Helper()
		stats := h.Stats()
		if stats.Live != live || stats.Allocs != allocs || stats.Cached != 0 {
			t.Errorf("%s: the stats are %+v, want %d allocations of %d bytes", what, stats, allocs, live)
		}
		if want := h.Pages().Stats().Allocated * linmem.PageSize; stats.Committed != want {
			t.Errorf("%s: the stats are %+v, and %d bytes of pages are allocated", what, stats, want)
		}
	}
	expect("Nothing", 0, 0)
	a := taken(t, h, 10)
	expect("Tiny", 16, 1)
	b := taken(t, h, 2<<20)
	expect("Large", 16+2<<20, 2)
	taken(t, h, 0)
	expect("Empty", 32+2<<20, 3)
	if _, err := h.Alloc(1 << 40); err == nil {
		t.Fatal("did not fail")
	}
	expect("Refused", 32+2<<20, 3)
	if h.Free(a+1) == nil || h.Free(1) == nil {
		t.Fatal("did not fail")
	}
	expect("BadFree", 32+2<<20, 3)
	must(t, h.Free(a))
	expect("Freed", 16+2<<20, 2)
	must(t, h.Resize(b, 1<<20+1024))
	expect("Shrunk", 16+1<<20+1024, 2)
	must(t, h.Free(b))
	expect("FreedLarge", 16, 1)
	must(t, h.Reset())
	expect("Reset", 0, 0)
}

// Each class counts its slots, and what it cannot say exactly it says about right.
func TestHeapClassStats(t *testing.T) {
	h, _ := heapIn(t, 100)
	var addrs []uint64
	for range 100 {
		addrs = append(addrs, taken(t, h, 60))
	}
	find := func() (c linmem.ClassStats) {
		for _, c := range h.Stats().Classes {
			if c.Size == 64 {
				return c
			}
		}
		return c
	}
	c := find()
	if c.Live != 100 || c.Requested != 6000 || c.Spans == 0 || c.Cached != 0 {
		t.Errorf("100 allocations of 60 bytes are %+v", c)
	}
	slots := c.Live + c.Free
	for _, addr := range addrs[:40] {
		must(t, h.Free(addr))
	}
	if c := find(); c.Live != 60 || c.Live+c.Free > slots || c.Requested != 3600 {
		t.Errorf("60 allocations of 60 bytes are %+v", c)
	}
}

// The parts add up to the whole, whatever was done.
func TestHeapStatsAddUp(t *testing.T) {
	h, _ := heapIn(t, 400)
	r := rand.New(rand.NewPCG(3, 3))
	var addrs []uint64
	for i := range 4000 {
		if len(addrs) > 0 && r.IntN(5) < 2 {
			at := r.IntN(len(addrs))
			must(t, h.Free(addrs[at]))
			addrs[at] = addrs[len(addrs)-1]
			addrs = addrs[:len(addrs)-1]
		} else {
			addrs = append(addrs, taken(t, h, 1<<r.IntN(15)+r.Uint64N(64)))
		}
		if i%100 > 0 {
			continue
		}
		stats, last := h.Stats(), uint64(0)
		var classes linmem.ClassStats
		for _, c := range stats.Classes {
			if c.Size <= last || c.Spans == 0 {
				t.Errorf("%+v after the class of %d bytes", c, last)
			}
			if c.Requested > c.Live*c.Size {
				t.Errorf("%+v was asked for more than it has", c)
			}
			last = c.Size
			classes.Live += c.Live
			classes.Size += c.Live * c.Size
			classes.Free += c.Free * c.Size
			classes.Requested += c.Requested
		}
		sum, n, large := uint64(0), uint64(0), uint64(0)
		for _, size := range h.All() {
			sum += size
			n++
			if size > last {
				large += size
			}
		}
		if stats.Live != sum || stats.Allocs != n || n != uint64(len(addrs)) {
			t.Fatalf("the stats are %+v, and All has %d of %d bytes", stats, n, sum)
		}
		if classes.Live > n || classes.Size > sum || classes.Size+large > sum {
			t.Errorf("the classes have %+v, and All has %d of %d bytes, %d of them large", classes, n, sum, large)
		}
		if stats.InsideWaste() != stats.Live-stats.Requested || stats.BetweenWaste() != stats.Committed-stats.Live {
			t.Errorf("%d bytes are lost inside and %d between, of %+v", stats.InsideWaste(), stats.BetweenWaste(), stats)
		}
		if n != classes.Live+stats.Runs || stats.Chunks != 0 {
			t.Errorf("the classes have %d allocations, of %+v", classes.Live, stats)
		}
		if classes.Size+classes.Free > stats.Committed || classes.Requested > stats.Requested || stats.Requested > stats.Live {
			t.Errorf("the classes have %+v, of %+v", classes, stats)
		}
	}
}

// What runs were asked for is known, whatever became of them.
func TestHeapStatsOfRuns(t *testing.T) {
	h, _ := heapIn(t, 100)
	a, b := taken(t, h, 100_001), taken(t, h, 2_000_001)
	requested := func(what string, want uint64) {
		t.Helper()
		if stats := h.Stats(); stats.Requested != want || stats.Runs != stats.Allocs {
			t.Errorf("%s: the stats are %+v, want %d bytes requested", what, stats, want)
		}
	}
	requested("Two", 2_100_002)
	must(t, h.Resize(b, 1_000_001))
	requested("Shrunk", 1_100_002)
	must(t, h.Resize(b, 1_500_001))
	requested("Extended", 1_600_002)
	a, err := h.Realloc(a, 300_001)
	must(t, err)
	requested("Moved", 1_800_002)
	must(t, h.Free(b))
	requested("Freed", 300_001)
	must(t, h.Free(a))
	requested("None", 0)
}

// The chunks of arenas count as what they are.
func TestHeapStatsOfArenas(t *testing.T) {
	h, _ := heapIn(t, 100)
	a := h.NewArena()
	if stats := h.Stats(); stats.Live != 0 || stats.Allocs != 0 {
		t.Errorf("an arena that was not used has %+v", stats)
	}
	for range 100 {
		_, err := a.Alloc(3000)
		must(t, err)
	}
	stats := h.Stats()
	if stats.Live < 300_000 || stats.Allocs == 0 || stats.Allocs != stats.Chunks || stats.Live > stats.Committed {
		t.Errorf("300,000 bytes of an arena's are %+v", stats)
	}
	must(t, a.Reset())
	if after := h.Stats(); after.Live != stats.Live || after.Allocs != stats.Allocs {
		t.Errorf("a reset made %+v of %+v", after, stats)
	}
	must(t, a.Free())
	if stats := h.Stats(); stats.Live != 0 || stats.Allocs != 0 || stats.Committed > 2*linmem.PageSize {
		t.Errorf("an arena that was freed leaves %+v", stats)
	}
}
