package linmem_test

import (
	"math/rand/v2"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
)

// TestHeapRefusedEverywhere makes the same long sequence of calls with the growth refused from the n-th on, for each n.
func TestHeapRefusedEverywhere(t *testing.T) {
	calls := 600
	if testing.Short() {
		calls = 200
	}
	for n := 0; ; n++ {
		refused := heapRefusedFrom(t, n, calls)
		if t.Failed() {
			t.Fatalf("growths from number %d on were refused", n)
		}
		if refused == 0 {
			if n < 8 {
				t.Errorf("only %d growths were needed", n)
			}
			break
		}
	}
}

// heapRefusedFrom returns how many calls failed.
func heapRefusedFrom(t *testing.T, n, calls int) (refused int) {
	t.Helper()
	mem := linmemtest.FailAfter(n, newBytesMemory(1, 400, nil))
	h, err := linmem.NewHeap(mem)
	must(t, err)
	arena := h.NewArena()
	r := rand.New(rand.NewPCG(8, 8))
	type item struct {
		addr, size uint64
		inArena    bool
	}
	var items []item
	bytesOf := func(i item) []byte {
		view, err := mem.View(i.addr, i.size)
		must(t, err)
		return view
	}
	fails := func(err error) bool {
		if err != nil {
			if refused++; class(err) != linmem.ErrOutOfMemory {
				t.Errorf("returned %v", err)
			}
		}
		return err != nil
	}
	for range calls {
		kind, size, pick := r.IntN(10), r.Uint64N(1<<(2+r.IntN(16))), r.Int()
		fresh := item{size: size, inArena: kind == 5}
		var err error
		switch {
		case kind < 4:
			fresh.addr, err = h.Alloc(size)
		case kind == 4:
			fresh.addr, err = h.AllocAligned(size, 1<<(pick%18))
		case kind == 5:
			fresh.addr, err = arena.Alloc(size % 5000)
			fresh.size = size % 5000
		case kind == 6:
			err = h.Reserve(size + 1)
		}
		if kind <= 6 {
			if !fails(err) && kind < 6 {
				fill(bytesOf(fresh), fresh.addr)
				items = append(items, fresh)
			}
			continue
		}
		if len(items) == 0 {
			continue
		}
		i := &items[pick%len(items)]
		if !filled(bytesOf(*i), i.addr) {
			t.Errorf("the %d bytes at %#x have changed", i.size, i.addr)
		}
		switch {
		case i.inArena:
		case kind == 7:
			was := *i
			if i.addr, err = h.Realloc(was.addr, size); fails(err) {
				*i = was
				break
			}
			i.size = min(was.size, size)
			if !filled(bytesOf(*i), was.addr) {
				t.Errorf("Realloc of the %d bytes at %#x to %d changed them", was.size, was.addr, size)
			}
			i.size = size
			fill(bytesOf(*i), i.addr)
		default:
			must(t, h.Free(i.addr))
			*i = items[len(items)-1]
			items = items[:len(items)-1]
		}
	}
	sound(t, h)
	for _, i := range items {
		if !filled(bytesOf(i), i.addr) {
			t.Errorf("in the end the %d bytes at %#x have changed", i.size, i.addr)
		}
		if !i.inArena {
			must(t, h.Free(i.addr))
		}
	}
	must(t, arena.Free())
	sound(t, h)
	if stats := h.Stats(); stats.Live != 0 || stats.Allocs != 0 {
		t.Errorf("in the end the stats are %+v", stats)
	}
	return refused
}
