package matrix

import (
	"fmt"
	"slices"
)

// maxArenas is how many arenas a trace has at the same time.
const maxArenas = 3

func (t *heapTrace) arenaAlloc() {
	if len(t.arenas) == 0 || len(t.arenas) < maxArenas && t.rng.IntN(20) == 0 {
		t.arenas = append(t.arenas, &arena{Arena: t.heap.NewArena()})
	}
	i := t.rng.IntN(len(t.arenas))
	a := t.arenas[i]
	size, align := t.size()/2, uint64(1)
	var addr uint64
	var err error
	switch t.rng.IntN(3) {
	case 0:
		addr, err = a.Alloc(size)
	case 1:
		align = 1 << t.rng.IntN(13)
		addr, err = a.AllocAligned(size, align)
	default:
		b := block{size: size, contents: t.stamp + 1}
		data := make([]byte, size)
		b.contents.fill(data)
		if addr, err = a.Put(data); err == nil {
			b.addr = addr
			t.verify(b, size)
		}
	}
	if t.record("arena alloc", fmt.Sprint(size, " to ", align, " in arena ", i), addr, err) {
		if addr%align != 0 {
			t.Fatalf("%#x is no multiple of %d", addr, align)
		}
		a.blocks = append(a.blocks, t.fresh(addr, size))
	} else {
		t.refused()
	}
}

// arenaEnds resets an arena, or frees it.
func (t *heapTrace) arenaEnds() {
	if len(t.arenas) == 0 {
		return
	}
	i := t.rng.IntN(len(t.arenas))
	a := t.arenas[i]
	for _, b := range a.blocks {
		t.verify(b, b.size)
	}
	a.blocks = nil
	if t.rng.IntN(2) == 0 {
		t.record("arena reset", fmt.Sprint("arena ", i), 0, a.Reset())
		return
	}
	t.record("arena free", fmt.Sprint("arena ", i), 0, a.Free())
	t.arenas = slices.Delete(t.arenas, i, i+1)
}

// reset frees everything, what the arenas have included.
func (t *heapTrace) reset() {
	t.inspectAll()
	t.record("reset", fmt.Sprint(len(t.blocks), " blocks"), 0, t.heap.Reset())
	for _, b := range t.blocks {
		t.freed = append(t.freed, b.addr)
	}
	t.blocks = nil
	for _, a := range t.arenas {
		a.blocks = nil
	}
	if s := t.heap.Stats(); s.Allocs != 0 || s.Committed != 0 {
		t.Fatalf("%d allocations and %d bytes are left after a Reset", s.Allocs, s.Committed)
	}
}
