package linmem_test

import (
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// resizeSizes are what blocks grow and shrink between.
var resizeSizes = []uint64{
	0, 1, 15, 16, 17, 100, 128, 500, 1000, 1024, 1025, 2048, 5000, 9000, 16_384, 30_000, 33_000, 65_536, 65_537, 131_072, 300_000,
}

// A block keeps what both sizes have of it, wherever it comes to lie.
func TestHeapRealloc(t *testing.T) {
	for _, crowded := range []bool{false, true} {
		for _, was := range resizeSizes {
			for _, is := range resizeSizes {
				h, mem := heapIn(t, 40)
				if crowded {
					mem.moving()
				}
				addr := taken(t, h, was)
				var neighbor uint64
				if crowded {
					neighbor = taken(t, h, was) // so that it cannot stay
				}
				fill(mem.data[addr:][:was], 5)
				moved, err := h.Realloc(addr, is)
				if err != nil {
					t.Fatalf("from %d to %d: %v", was, is, err)
				}
				if !filled(mem.data[moved:][:min(was, is)], 5) {
					t.Errorf("from %d to %d: the contents have changed", was, is)
				}
				if usable, err := h.SizeOf(moved); err != nil || usable < is {
					t.Errorf("from %d to %d: %d usable bytes, %v", was, is, usable, err)
				}
				if moved%defaultAlign(is) != 0 {
					t.Errorf("from %d to %d: at %#x", was, is, moved)
				}
				if moved != addr {
					if err := h.Free(addr); class(err) != linmem.ErrNotAllocated {
						t.Errorf("from %d to %d: the old place is live yet: %v", was, is, err)
					}
				}
				if crowded {
					must(t, h.Free(neighbor))
				}
				sound(t, h)
				must(t, h.Free(moved))
				sound(t, h)
			}
		}
	}
}

// In place it goes or it does not, and then nothing has changed.
func TestHeapResize(t *testing.T) {
	for _, crowded := range []bool{false, true} {
		for _, was := range resizeSizes {
			for _, is := range resizeSizes {
				h, mem := heapIn(t, 40)
				addr := taken(t, h, was)
				if crowded {
					taken(t, h, was)
				}
				usable, err := h.SizeOf(addr)
				must(t, err)
				fill(mem.data[addr:][:usable], 6)
				before := h.Stats()
				err = h.Resize(addr, is)
				now, sizeErr := h.SizeOf(addr)
				switch {
				case sizeErr != nil:
					t.Errorf("from %d to %d: %v", was, is, sizeErr)
				case err == nil && now < is:
					t.Errorf("from %d to %d: %d usable bytes", was, is, now)
				case err != nil && (class(err) != linmem.ErrOutOfMemory || is <= usable):
					t.Errorf("from %d, with %d usable, to %d: %v", was, usable, is, err)
				case err != nil && (now != usable || h.Stats().Live != before.Live):
					t.Errorf("from %d to %d: failed, and the stats are %+v, were %+v", was, is, h.Stats(), before)
				}
				if !filled(mem.data[addr:][:min(usable, max(is, now))], 6) && err != nil ||
					!filled(mem.data[addr:][:min(usable, is)], 6) {
					t.Errorf("from %d to %d: the contents have changed", was, is)
				}
				sound(t, h)
			}
		}
	}
}

// A run that has free pages behind it, or the memory's end, grows where it is.
func TestHeapResizeOfRuns(t *testing.T) {
	h, mem := heapIn(t, 40)
	run := taken(t, h, 100_000)
	fill(mem.data[run:][:100_000], 7)
	for _, size := range []uint64{200_000, 500_000, 120_000, 1 << 20, 70_000, 2 << 20} {
		if err := h.Resize(run, size); err != nil {
			t.Errorf("to %d: %v", size, err)
		}
		sound(t, h)
	}
	if !filled(mem.data[run:][:70_000], 7) {
		t.Error("the contents have changed")
	}
	must(t, h.Resize(run, 100_000))
	behind := taken(t, h, 70_000)
	if behind < run {
		t.Fatalf("%#x is not behind %#x", behind, run)
	}
	if err := h.Resize(run, 3<<20/2); class(err) != linmem.ErrOutOfMemory {
		t.Errorf("over a neighbor: %v", err)
	}
	must(t, h.Free(behind))
	if err := h.Resize(run, 300_000); err != nil {
		t.Errorf("into what the neighbor left: %v", err)
	}
	sound(t, h)
}

// What a shrunk run gives up can be had.
func TestHeapShrinkGivesBack(t *testing.T) {
	h, _ := heapIn(t, 11)
	run := taken(t, h, 10*linmem.PageSize)
	if _, err := h.Alloc(1); class(err) != linmem.ErrOutOfMemory {
		t.Fatalf("there is more: %v", err)
	}
	for pages := uint64(9); pages > 0; pages-- {
		must(t, h.Resize(run, pages*linmem.PageSize))
		sound(t, h)
	}
	rest := taken(t, h, 9*linmem.PageSize)
	must(t, h.Free(rest))
	must(t, h.Resize(run, 1024))
	taken(t, h, 60_000)
	taken(t, h, 9*linmem.PageSize)
	sound(t, h)
}

// A failure leaves the block as it was; a block that shrinks needs no other.
func TestHeapReallocInAFullMemory(t *testing.T) {
	for _, size := range []uint64{100, 1000, 5000, 40_000, 65_536, 200_000} {
		h, mem := heapIn(t, 5)
		var addrs []uint64
		for {
			addr, err := h.Alloc(size)
			if err != nil {
				break
			}
			fill(mem.data[addr:][:size], addr)
			addrs = append(addrs, addr)
		}
		for _, addr := range addrs {
			if _, err := h.Realloc(addr, 4*linmem.PageSize+1); class(err) != linmem.ErrOutOfMemory {
				t.Fatalf("to more than there is: %v", err)
			}
			if !filled(mem.data[addr:][:size], addr) {
				t.Fatalf("a failure changed the %d bytes at %#x", size, addr)
			}
		}
		sound(t, h)
		for _, addr := range addrs {
			moved, err := h.Realloc(addr, size/2)
			if err != nil || !filled(mem.data[moved:][:size/2], addr) {
				t.Fatalf("%d bytes at %#x were not shrunk: %v", size, addr, err)
			}
		}
		sound(t, h)
	}
}

// Realloc that cannot see the memory leaves the block where it was.
func TestHeapReallocWithoutView(t *testing.T) {
	mem := &blindMemory{newBytesMemory(1, 20, nil), linmem.ErrUnsupported}
	h, err := linmem.NewHeap(mem)
	must(t, err)
	addr := taken(t, h, 100)
	taken(t, h, 100)
	before := h.Stats()
	if moved, err := h.Realloc(addr, 200_000); class(err) != linmem.ErrUnsupported {
		t.Errorf("returned %#x, %v", moved, err)
	}
	if after := h.Stats(); after.Live != before.Live || after.Allocs != before.Allocs {
		t.Errorf("the stats were %+v, and are %+v", before, after)
	}
	must(t, h.Free(addr))
	sound(t, h)
}
