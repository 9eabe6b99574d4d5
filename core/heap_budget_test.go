package linmem_test

import (
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// The budget holds whatever is asked for, and all of it can be had.
func TestHeapBudget(t *testing.T) {
	for _, budget := range []uint64{0, 1, 2, 3, 7, 20} {
		for _, size := range []uint64{1, 16, 100, 1000, 1024, 10_000, 65_536, 131_072} {
			h, _ := heapIn(t, 60, linmem.WithMaxPages(budget))
			got, n := uint64(0), 0
			for {
				addr, err := h.Alloc(size)
				if err != nil {
					if class(err) != linmem.ErrOutOfMemory {
						t.Fatal(err)
					}
					break
				}
				usable, err := h.SizeOf(addr)
				must(t, err)
				got += usable
				n++
				if owned := h.Pages().Stats().Owned; owned > budget {
					t.Fatalf("owns %d pages, over a budget of %d", owned, budget)
				}
			}
			// What is lost at the end of a span, or of the budget, is less than a sixth, or than one more would take.
			all := budget * linmem.PageSize
			if lost := all - got; lost > all/6 && lost >= size {
				t.Errorf("%d blocks of %d bytes are all that a budget of %d pages holds", n, size, budget)
			}
			sound(t, h)
		}
	}
}

// A block that is freed at the limit can be had again.
func TestHeapAtTheLimit(t *testing.T) {
	for _, size := range []uint64{1, 64, 1000, 5000, 65_536, 200_000} {
		h, _ := heapIn(t, 60, linmem.WithMaxPages(12))
		var addrs []uint64
		for {
			addr, err := h.Alloc(size)
			if err != nil {
				break
			}
			addrs = append(addrs, addr)
		}
		for i, addr := range addrs {
			must(t, h.Free(addr))
			again, err := h.Alloc(size)
			if err != nil {
				t.Fatalf("block %d of %d bytes was freed, and cannot be had: %v", i, size, err)
			}
			addrs[i] = again
			if _, err := h.Alloc(size); class(err) != linmem.ErrOutOfMemory {
				t.Fatalf("one more than the limit holds: %v", err)
			}
		}
		sound(t, h)
	}
}

// A frozen heap uses what there is.
func TestHeapFrozen(t *testing.T) {
	h, mem := heapIn(t, 60)
	must(t, h.Reserve(5*linmem.PageSize))
	h.Pages().Freeze(true)
	size, n := mem.size, uint64(0)
	for ; ; n++ {
		if _, err := h.Alloc(1000); err != nil {
			if class(err) != linmem.ErrOutOfMemory {
				t.Error(err)
			}
			break
		}
	}
	if mem.size != size || n < 5*60 {
		t.Errorf("%d blocks in %d pages, which were %d", n, mem.size, size)
	}
	if err := h.Reserve(linmem.PageSize); class(err) != linmem.ErrOutOfMemory {
		t.Errorf("reserve: %v", err)
	}
	h.Pages().Freeze(false)
	taken(t, h, 1000)
	sound(t, h)
}

// Adopted pages are as good as any, and count as owned.
func TestHeapOnAdoptedPages(t *testing.T) {
	mem := newBytesMemory(10, 10, nil)
	h, err := linmem.NewHeap(mem, linmem.WithMaxPages(4))
	must(t, err)
	if _, err := h.Alloc(1); class(err) != linmem.ErrOutOfMemory {
		t.Errorf("all pages are the guest's: %v", err)
	}
	r := linmem.Range{Start: 3, Len: 4}
	must(t, h.Pages().Adopt(r))
	for range 4 {
		addr := taken(t, h, 60_000)
		if addr < r.Addr() || addr+60_000 > r.Addr()+r.Bytes() {
			t.Errorf("%#x is not on an adopted page", addr)
		}
	}
	if _, err := h.Alloc(60_000); class(err) != linmem.ErrOutOfMemory {
		t.Errorf("more than was adopted: %v", err)
	}
	sound(t, h)
}

// Address 0 is null to the guest even where page 0 is the host's.
func TestHeapWithPageZero(t *testing.T) {
	for _, size := range []uint64{0, 1, 16, 1000, 1024, 30_000, 65_536, 100_000} {
		mem := newBytesMemory(0, 3, nil)
		h, err := linmem.NewHeap(mem, linmem.WithPageZero())
		must(t, err)
		n := 0
		for ; ; n++ {
			addr, err := h.Alloc(size)
			if err != nil {
				break
			}
			if addr == 0 {
				t.Fatalf("%d bytes are at address 0", size)
			}
			if n == 0 {
				if err := h.Free(0); class(err) != linmem.ErrNotAllocated {
					t.Errorf("Free(0) returned %v", err)
				}
			}
		}
		if n == 0 {
			t.Errorf("no %d bytes in three pages", size)
		}
		sound(t, h)
		must(t, h.Reset())
		sound(t, h)
	}
}

// A call that fails for want of memory has asked for it once, and says so once, however short a span might do.
func TestHeapRefusedOnce(t *testing.T) {
	told := 0
	h, _ := heapIn(t, 3, linmem.WithObserver(&linmem.Observer{GrowRefused: func(uint64, error) { told++ }}))
	for err := error(nil); err == nil; {
		_, err = h.Alloc(1000)
	}
	counted := h.Pages().Stats().Refused
	told = 0
	_, err := h.Alloc(1000)
	fails(t, linmem.ErrOutOfMemory, err)
	if got := h.Pages().Stats().Refused - counted; got != 1 || told != 1 {
		t.Errorf("%d refusals are counted, and %d told, want 1", got, told)
	}
}
