package linmem_test

import (
	"bytes"
	"math"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// An arena's blocks are apart from each other and from all else, aligned, and hold what they are given.
func TestArena(t *testing.T) {
	h, mem := heapIn(t, 120)
	mem.moving()
	arenas := []*linmem.Arena{h.NewArena(), h.NewArena()}
	var all []*block
	note := func(addr, size, align uint64) {
		t.Helper()
		if addr == 0 || addr%align != 0 {
			t.Fatalf("%d bytes are at %#x, want a multiple of %d", size, addr, align)
		}
		b := &block{addr: addr, size: size, mark: addr}
		fill(mem.data[addr:][:size], b.mark)
		all = append(all, b)
	}
	for round := range uint64(6) {
		for _, size := range resizeSizes {
			a := arenas[(round+size)%2]
			addr, err := a.Alloc(size)
			must(t, err)
			note(addr, size, defaultAlign(size))
			if size < 10_000 {
				align := uint64(1) << (2 * round)
				addr, err = a.AllocAligned(size, align)
				must(t, err)
				note(addr, size, align)
				addr, err = a.Put(patterned(size))
				must(t, err)
				if !filled(mem.data[addr:][:size], size) {
					t.Fatalf("did not put the %d bytes at %#x", size, addr)
				}
				note(addr, size, defaultAlign(size))
			}
			if round < 3 {
				note(taken(t, h, size), size, defaultAlign(size))
			}
		}
	}
	slices.SortFunc(all, func(a, b *block) int { return int(a.addr) - int(b.addr) })
	for i, b := range all {
		if i > 0 && all[i-1].end() > b.addr {
			t.Errorf("%v overlaps with %v", all[i-1], b)
		}
		if !filled(mem.data[b.addr:][:b.size], b.mark) {
			t.Errorf("the contents of %v have changed", b)
		}
	}
	sound(t, h)
	must(t, arenas[0].Free())
	must(t, arenas[1].Free())
	if n := h.Stats().Allocs; n != 3*uint64(len(resizeSizes)) {
		t.Errorf("%d allocations are left of %d", n, 3*len(resizeSizes))
	}
	sound(t, h)
}

func TestArenaErrors(t *testing.T) {
	h, _ := heapIn(t, 10)
	a := h.NewArena()
	kept, err := a.Put(patterned(100))
	must(t, err)
	for name, c := range map[string]struct {
		call func() (uint64, error)
		err  error
	}{
		"AlignZero":    {func() (uint64, error) { return a.AllocAligned(10, 0) }, linmem.ErrInvalid},
		"AlignThree":   {func() (uint64, error) { return a.AllocAligned(10, 3) }, linmem.ErrInvalid},
		"AlignAllBits": {func() (uint64, error) { return a.AllocAligned(0, math.MaxUint64) }, linmem.ErrInvalid},
		"AlignHuge":    {func() (uint64, error) { return a.AllocAligned(10, 1<<63) }, linmem.ErrOutOfMemory},
		"MuchAligned":  {func() (uint64, error) { return a.AllocAligned(math.MaxUint64, 1<<63) }, linmem.ErrOutOfMemory},
		"TooMuch":      {func() (uint64, error) { return a.Alloc(10 * linmem.PageSize) }, linmem.ErrOutOfMemory},
		"Everything":   {func() (uint64, error) { return a.Alloc(math.MaxUint64) }, linmem.ErrOutOfMemory},
		"AlmostAll":    {func() (uint64, error) { return a.Alloc(math.MaxUint64 - 15) }, linmem.ErrOutOfMemory},
		"TooMuchData":  {func() (uint64, error) { return a.Put(make([]byte, 10*linmem.PageSize)) }, linmem.ErrOutOfMemory},
		"ResizeToMuch": {func() (uint64, error) { return 0, a.Resize(kept, math.MaxUint64) }, linmem.ErrOutOfMemory},
		"ResizeWraps":  {func() (uint64, error) { return 0, a.Resize(kept, -kept) }, linmem.ErrOutOfMemory},
	} {
		if addr, err := c.call(); class(err) != c.err || addr != 0 {
			t.Errorf("%s: returned %#x, %v, want the error %v", name, addr, err, c.err)
		}
		if view, err := h.View(kept, 100); err != nil || !filled(view, 100) {
			t.Errorf("%s: the block of before has changed: %v", name, err)
		}
		sound(t, h)
	}
	if err := a.Resize(0, 10); err == nil {
		t.Error("resized what is no block")
	}
	if _, err := a.Alloc(8 * linmem.PageSize); err != nil {
		t.Errorf("the refusals cost memory: %v", err)
	}
}

// The newest block grows and shrinks where it is, and what it gives up is the next one's.
func TestArenaResize(t *testing.T) {
	h, mem := heapIn(t, 40)
	a := h.NewArena()
	old, err := a.Alloc(100)
	must(t, err)
	fill(mem.data[old:][:100], 1)
	last, err := a.Alloc(100)
	must(t, err)
	fill(mem.data[last:][:100], 2)
	must(t, a.Resize(last, 500))
	if !filled(mem.data[last:][:100], 2) {
		t.Error("the contents have changed")
	}
	must(t, a.Resize(last, 50))
	next, err := a.Alloc(400)
	must(t, err)
	if next < last+50 {
		t.Errorf("the next block is at %#x, in that of 50 bytes at %#x", next, last)
	}
	if next > last+500 {
		t.Errorf("the next block is at %#x, and what %#x gave up is lost", next, last)
	}
	fill(mem.data[next:][:400], 3)
	for _, addr := range []uint64{old, last} {
		if err := a.Resize(addr, 200); class(err) != linmem.ErrOutOfMemory {
			t.Errorf("%#x is not the newest, and was resized: %v", addr, err)
		}
	}
	if !filled(mem.data[old:][:100], 1) || !filled(mem.data[last:][:50], 2) || !filled(mem.data[next:][:400], 3) {
		t.Error("the contents have changed")
	}
	sound(t, h)
}

// A reset arena uses the memory that it has, again and again.
func TestArenaReset(t *testing.T) {
	h, mem := heapIn(t, 100)
	a := h.NewArena()
	must(t, a.Reset())
	round := func() {
		for _, size := range []uint64{10, 100, 3000, 5000, 70_000, 0, 33} {
			_, err := a.Alloc(size)
			must(t, err)
		}
	}
	round()
	must(t, a.Reset())
	round()
	before, size := h.Stats(), mem.size
	for range 50 {
		must(t, a.Reset())
		if n := h.Stats().Live; n != before.Live {
			t.Errorf("a reset arena has %d bytes, had %d", n, before.Live)
		}
		round()
	}
	if after := h.Stats(); after.Live != before.Live || mem.size != size {
		t.Errorf("50 rounds made %+v of %+v", after, before)
	}
	sound(t, h)
	must(t, a.Free())
	if stats := h.Stats(); stats.Live != 0 || stats.Allocs != 0 {
		t.Errorf("what is left of a freed arena are %+v", stats)
	}
	round()
	must(t, a.Free())
	must(t, a.Free())
	sound(t, h)
}

// Nobody but the arena frees what is the arena's.
func TestArenaMemoryIsItsOwn(t *testing.T) {
	h, mem := heapIn(t, 100)
	a := h.NewArena()
	var blocks []uint64
	for _, size := range []uint64{1, 100, 5000, 100_000} {
		addr, err := a.Put(patterned(size))
		must(t, err)
		blocks = append(blocks, addr)
	}
	for _, addr := range blocks {
		for at := addr &^ 1023; at <= addr+16; at += 16 {
			if h.Free(at) == nil || h.Resize(at, 1) == nil {
				t.Fatalf("%#x, at an arena's block at %#x, was freed or resized", at, addr)
			}
			if _, err := h.Realloc(at, 1<<20); class(err) != linmem.ErrNotAllocated {
				t.Fatalf("Realloc(%#x) returned %v", at, err)
			}
			if _, err := h.SizeOf(at); class(err) != linmem.ErrNotAllocated {
				t.Fatalf("SizeOf(%#x) returned %v", at, err)
			}
		}
	}
	for addr := range h.All() {
		t.Errorf("All has %#x, an arena's", addr)
	}
	if !bytes.Equal(mem.data[blocks[2]:][:5000], patterned(5000)) {
		t.Error("the contents have changed")
	}
	sound(t, h)
}

// As an Allocator, an arena takes back the newest block, and lets the others be.
func TestArenaAllocator(t *testing.T) {
	h, mem := heapIn(t, 100)
	a := h.NewArena()
	z := a.Allocator()
	first, err := z.AllocAligned(100, 64)
	must(t, err)
	fill(mem.data[first:][:100], 1)
	second, err := z.AllocAligned(100, 64)
	must(t, err)
	must(t, z.Free(second))
	again, err := z.AllocAligned(100, 64)
	must(t, err)
	if again != second {
		t.Errorf("the newest block was freed at %#x, and the next is at %#x", second, again)
	}
	must(t, z.Resize(again, 300))
	must(t, z.Free(first))
	if third, err := z.AllocAligned(10, 1); err != nil || third < again+300 || !filled(mem.data[first:][:100], 1) {
		t.Errorf("a block that is not the newest was freed, and the next is at %#x, %v", third, err)
	}
	for _, addr := range []uint64{0, 1, taken(t, h, 100), 1 << 40, math.MaxUint64} {
		if err := z.Free(addr); class(err) != linmem.ErrNotAllocated {
			t.Errorf("Free(%#x) returned %v", addr, err)
		}
	}
	sound(t, h)
}

// After the heap was reset an arena has no block, whoever asks.
func TestArenaAllocatorAfterAReset(t *testing.T) {
	h, _ := heapIn(t, 100)
	for name, call := range map[string]func(z linmem.Allocator, addr uint64) error{
		"Free":   linmem.Allocator.Free,
		"Resize": func(z linmem.Allocator, addr uint64) error { return z.Resize(addr, 10) },
	} {
		z := h.NewArena().Allocator()
		old, err := z.AllocAligned(100, 16)
		must(t, err)
		must(t, h.Reset())
		if err := call(z, old); err == nil {
			t.Errorf("%s of a block of before the reset", name)
		}
		if addr, err := z.AllocAligned(100, 16); err != nil || addr == 0 {
			t.Errorf("after %s, the next block is at %#x, %v", name, addr, err)
		}
		sound(t, h)
	}
}

// An arena that is refused a large chunk takes a small one.
func TestArenaInLittleMemory(t *testing.T) {
	h, _ := heapIn(t, 2)
	a := h.NewArena()
	n := uint64(0)
	for {
		if _, err := a.Alloc(1000); err != nil {
			if class(err) != linmem.ErrOutOfMemory {
				t.Error(err)
			}
			break
		}
		n++
	}
	if n < 40 {
		t.Errorf("%d blocks of 1,000 bytes are all that a page holds", n)
	}
	sound(t, h)
	must(t, a.Free())
	taken(t, h, linmem.PageSize)
}
