package matrix

import (
	"bytes"
	"errors"
	"slices"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/integration/guests"
)

// heapPutCallFree holds that host and guest see the same bytes at the addresses that a heap returns, that it refuses what
// is not a live block, and that no byte which the guest writes matters to it.
func heapPutCallFree(pf *fixture) {
	f := pf.newHeap()
	var freed []block
	for i, size := range sizes {
		b := block{size: size, contents: contents(i + 1)}
		data := make([]byte, size)
		b.contents.fill(data)
		addr, err := f.heap.Put(data)
		if err != nil {
			f.Fatal(err)
		}
		b.addr = addr
		f.guestHashes(addr, data)
		f.heapHolds(addr, data)
		f.call("reverse", addr, size)
		slices.Reverse(data)
		f.heapHolds(addr, data)
		f.refusesOverruns(b)
		if size%2 == 0 {
			continue // stays, so that the others come to lie between blocks
		}
		f.free(addr)
		f.refusesFreed(addr)
		freed = append(freed, b)
	}
	f.scribbles(freed)
	for _, addr := range f.addresses() {
		f.free(addr)
		f.refusesFreed(addr)
	}
	if err := f.heap.Reset(); err != nil {
		f.Fatal(err)
	}
	if s := f.heap.Stats(); s.Allocs != 0 || s.Committed != 0 {
		f.Errorf("%d allocations and %d bytes are left after a Reset", s.Allocs, s.Committed)
	}
}

// addresses returns those of all live blocks, ascending.
func (f *heapFixture) addresses() []uint64 {
	var addrs []uint64
	for addr := range f.heap.All() {
		addrs = append(addrs, addr)
	}
	return addrs
}

func (f *heapFixture) heapHolds(addr uint64, want []byte) {
	f.Helper()
	got, err := f.heap.View(addr, uint64(len(want)))
	if err != nil {
		f.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		f.Errorf("the heap does not show the %d bytes at %#x as they were written", len(want), addr)
	}
}

// refusesOverruns requires that views end with the block, from its first byte and from inside.
func (f *heapFixture) refusesOverruns(b block) {
	f.Helper()
	usable, err := f.heap.SizeOf(b.addr)
	if err != nil || usable < b.size {
		f.Fatalf("SizeOf(%#x) = %d, %v, want %d at least", b.addr, usable, err, b.size)
	}
	for _, skip := range []uint64{0, usable / 2, usable - 1} {
		if _, err := f.heap.View(b.addr+skip, usable-skip); err != nil {
			f.Errorf("the last %d bytes of a block: %v", usable-skip, err)
		}
		for _, n := range []uint64{usable - skip + 1, 1 << 40, 1<<64 - 1} {
			if _, err := f.heap.View(b.addr+skip, n); !errors.Is(err, linmem.ErrOutOfBounds) {
				f.Errorf("View of %d bytes at byte %d of %d: %v, want ErrOutOfBounds", n, skip, usable, err)
			}
		}
	}
}

// refusesFreed requires that a block which was freed is unknown.
func (f *heapFixture) refusesFreed(addr uint64) {
	f.Helper()
	_, viewErr := f.heap.View(addr, 0)
	_, reallocErr := f.heap.Realloc(addr, 1)
	for call, err := range map[string]error{
		"Free":    f.heap.Free(addr),
		"View":    viewErr,
		"Realloc": reallocErr,
		"Resize":  f.heap.Resize(addr, 1),
	} {
		if !errors.Is(err, linmem.ErrNotAllocated) {
			f.Errorf("%s of what was freed: %v, want ErrNotAllocated", call, err)
		}
	}
}

// scribbles has the guest write over all of its own page and over freed blocks: the heap has nothing there to lose.
func (f *heapFixture) scribbles(freed []block) {
	f.Helper()
	before := f.snapshot()
	f.call("reverse", 0, linmem.PageSize)
	for _, b := range freed {
		f.call("reverse", b.addr, b.size)
	}
	f.check()
	if !bytes.Equal(f.snapshot(), before) {
		f.Error("the heap is another since the guest wrote where it should not")
	}
	f.call("reverse", 0, linmem.PageSize) // its own bytes are compared at the end
}

func (f *heapFixture) snapshot() []byte {
	f.Helper()
	b, err := f.heap.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	return b
}

// heapRefused holds that a memory at its maximum is refused growth and nothing else: what is in it stays, and once it is
// freed all of it can be had as one block.
func heapRefused(pf *fixture) {
	f := pf.newHeap()
	var blocks []block
	// Each size is taken until it is refused, and so is the next smaller one, until nothing is left.
	for _, size := range []uint64{200_000, linmem.PageSize, 10_000, 1025, 48, 1} {
		for {
			addr, err := f.heap.Alloc(size)
			if errors.Is(err, linmem.ErrOutOfMemory) {
				break
			}
			if err != nil {
				f.Fatal(err)
			}
			b := block{addr, size, contents(len(blocks) + 1)}
			f.write(b)
			blocks = append(blocks, b)
		}
		f.check()
	}
	if got := f.mem.NumPages(); got != guests.BytesMaxPages {
		f.Errorf("the memory has %d pages, and stopped growing short of %d", got, guests.BytesMaxPages)
	}
	first, last := blocks[0], blocks[len(blocks)-1]
	if addr, err := f.heap.Realloc(first.addr, 2*first.size); addr != first.addr || !errors.Is(err, linmem.ErrOutOfMemory) {
		f.Errorf("Realloc of %#x in a full memory = %#x, %v, want it where it was, and ErrOutOfMemory", first.addr, addr, err)
	}
	for _, b := range blocks {
		f.verify(b, b.size)
	}
	f.guestReads(first)
	f.guestReads(last)
	// Every third, then the rest, so that free runs of all kinds have to be joined.
	for i := range 3 {
		for j := i; j < len(blocks); j += 3 {
			f.free(blocks[j].addr)
		}
		f.check()
	}
	const all = (guests.BytesMaxPages - guests.BytesPages) * linmem.PageSize
	addr, err := f.heap.Alloc(all)
	if err != nil || addr != guests.BytesPages*linmem.PageSize {
		f.Fatalf("all of the memory = %#x, %v, want it at %#x", addr, err, guests.BytesPages*linmem.PageSize)
	}
	b := block{addr, all, 1}
	f.write(b)
	f.guestReads(b)
	f.free(addr)
}
