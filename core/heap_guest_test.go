package linmem_test

import (
	"math/rand/v2"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// All that the heap knows is on the host: two heaps give the same answers, though the guest of one writes over all memory,
// live blocks included.
func TestHeapGuestWritesEverywhere(t *testing.T) {
	calm, _ := heapIn(t, 60)
	hit, mem := heapIn(t, 60)
	r := rand.New(rand.NewPCG(5, 5))
	var live []uint64
	for i := range 3000 {
		for j := r.IntN(len(mem.data)); i%20 == 0 && j < len(mem.data); j += 1 + r.IntN(500) {
			mem.data[j] = byte(r.Uint32())
		}
		if n := len(live); n > 0 && r.IntN(2) == 0 {
			at := r.IntN(n)
			addr := live[at]
			if r.IntN(10) == 0 {
				addr += 16 // perhaps it is another's, but for both
			}
			calmErr, hitErr := calm.Free(addr), hit.Free(addr)
			if class(calmErr) != class(hitErr) {
				t.Fatalf("step %d: Free(%#x) returned %v and %v", i, addr, calmErr, hitErr)
			}
			if _, err := calm.SizeOf(live[at]); err != nil {
				live[at] = live[n-1]
				live = live[:n-1]
			}
			continue
		}
		size := r.Uint64N(1 << (1 + r.IntN(17)))
		want, wantErr := calm.Alloc(size)
		got, err := hit.Alloc(size)
		if got != want || class(err) != class(wantErr) {
			t.Fatalf("step %d: Alloc(%d) returned %#x, %v and %#x, %v", i, size, want, wantErr, got, err)
		}
		if err == nil {
			live = append(live, got)
		}
	}
	sound(t, hit)
}

// The heap writes nothing but what it is told to.
func TestHeapWritesNothing(t *testing.T) {
	h, mem := heapIn(t, 60)
	must(t, h.Reserve(50*linmem.PageSize))
	for i := range mem.data {
		mem.data[i] = 0x5A
	}
	a := h.NewArena()
	var live []uint64
	for i := range uint64(400) {
		live = append(live, taken(t, h, i*i%9000))
		_, err := a.Alloc(i)
		must(t, err)
		if i%3 == 0 {
			must(t, h.Free(live[0]))
			live = live[1:]
		}
	}
	must(t, a.Free())
	must(t, h.Reset())
	for i, b := range mem.data[:51*linmem.PageSize] {
		if b != 0x5A {
			t.Fatalf("the byte at %#x was written", i)
		}
	}
}

// Pages that the guest adds in between are never handed out.
func TestHeapGuestGrowsInBetween(t *testing.T) {
	for _, size := range []uint64{100, 3000, 40_000, 65_536, 150_000} {
		h, mem := heapIn(t, 300)
		r := rand.New(rand.NewPCG(size, 1))
		var live []uint64
		for mem.size < 280 {
			if r.IntN(4) == 0 {
				mem.guestGrow(1 + r.Uint64N(3))
			}
			if r.IntN(4) == 0 {
				mem.script = append(mem.script, growth{guest: r.Uint64N(3)})
			}
			for range 20 {
				addr, err := h.Alloc(size)
				if err != nil {
					break
				}
				for page := addr / linmem.PageSize; page <= (addr+size-1)/linmem.PageSize; page++ {
					if !mem.host[page] {
						t.Fatalf("%d bytes at %#x are on page %d, the guest's", size, addr, page)
					}
				}
				fill(mem.data[addr:][:size], addr)
				live = append(live, addr)
			}
			if mem.size < 280 && len(live) > 10 {
				for _, addr := range live[:5] {
					if !filled(mem.data[addr:][:size], addr) {
						t.Fatalf("the contents at %#x have changed", addr)
					}
					must(t, h.Free(addr))
				}
				live = live[5:]
			}
		}
		if page, found := mem.spoiled(); found {
			t.Errorf("page %d is the guest's, and was written", page)
		}
		sound(t, h)
	}
}
