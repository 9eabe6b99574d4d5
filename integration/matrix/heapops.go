package matrix

import (
	"fmt"
	"slices"

	linmem "github.com/linmem/linmem/core"
)

type heapOp struct {
	filling, emptying int
	do                func(*heapTrace)
}

func (op heapOp) weight(filling bool) int {
	if filling {
		return op.filling
	}
	return op.emptying
}

// heapOps are the operations of a trace, with how often they come while the memory is filling and while it is emptied.
var heapOps = []heapOp{
	{14, 7, (*heapTrace).alloc},
	{6, 3, (*heapTrace).allocAligned},
	{10, 5, (*heapTrace).put},
	{8, 36, (*heapTrace).freeOne},
	{8, 6, (*heapTrace).resize},
	{10, 10, (*heapTrace).realloc},
	{8, 8, (*heapTrace).viewInside},
	{4, 4, (*heapTrace).guestReverses},
	{8, 8, (*heapTrace).badFree},
	{10, 5, (*heapTrace).arenaAlloc},
	{2, 4, (*heapTrace).arenaEnds},
	{1, 1, (*heapTrace).reserve},
	{3, 3, (*heapTrace).usePages},
	{1, 1, (*heapTrace).guestGrows},
}

// maxRefusals is for how long a memory stays full.
const maxRefusals = 16

// keep takes note of a block if there is one, and of a refusal otherwise.
func (t *heapTrace) keep(done bool, addr, size, align uint64) {
	switch {
	case done && addr%align != 0:
		t.Fatalf("%#x is no multiple of %d", addr, align)
	case done:
		t.blocks = append(t.blocks, t.fresh(addr, size))
	default:
		t.refused()
	}
}

// refused ends the filling after some refusals.
func (t *heapTrace) refused() {
	if t.refusals++; t.filling && t.refusals >= maxRefusals {
		t.filling, t.floor = false, t.liveBytes()/4
	}
}

func (t *heapTrace) alloc() {
	size := t.size()
	addr, err := t.heap.Alloc(size)
	t.keep(t.record("alloc", fmt.Sprint(size), addr, err), addr, size, defaultAlign(size))
}

// defaultAlign returns what Heap.Alloc promises.
func defaultAlign(size uint64) uint64 {
	align := uint64(1)
	for align < 16 && 2*align <= size {
		align *= 2
	}
	return align
}

func (t *heapTrace) allocAligned() {
	size, align := t.size(), uint64(1)<<t.rng.IntN(18)
	if t.rng.IntN(4) > 0 {
		align = min(align, 64)
	}
	addr, err := t.heap.AllocAligned(size, align)
	t.keep(t.record("aligned", fmt.Sprint(size, " to ", align), addr, err), addr, size, align)
}

func (t *heapTrace) put() {
	b := block{size: t.size(), contents: t.stamp + 1}
	data := make([]byte, b.size)
	b.contents.fill(data)
	addr, err := t.heap.Put(data)
	if t.record("put", fmt.Sprint(b.size), addr, err) {
		b.addr = addr
		t.verify(b, b.size)
	}
	t.keep(err == nil, addr, b.size, defaultAlign(b.size))
}

func (t *heapTrace) freeOne() {
	i, ok := t.pickLarge()
	if !ok {
		return
	}
	b := t.blocks[i]
	t.verify(b, b.size)
	t.record("free", fmt.Sprint(b.size), b.addr, t.heap.Free(b.addr))
	t.blocks = slices.Delete(t.blocks, i, i+1)
	t.freed = append(t.freed, b.addr)
	if !t.filling && t.liveBytes() <= t.floor {
		t.filling, t.refusals = true, 0
	}
}

func (t *heapTrace) resize() {
	i, ok := t.pick()
	if !ok {
		return
	}
	b := t.blocks[i]
	size := t.otherSize(b.size)
	done := t.record("resize", fmt.Sprint(b.size, " to ", size), b.addr, t.heap.Resize(b.addr, size))
	t.verify(b, min(b.size, size))
	if done {
		t.blocks[i] = t.fresh(b.addr, size)
	}
}

func (t *heapTrace) realloc() {
	i, ok := t.pick()
	if !ok {
		return
	}
	b := t.blocks[i]
	size := t.otherSize(b.size)
	addr, err := t.heap.Realloc(b.addr, size)
	done := t.record("realloc", fmt.Sprintf("%#x of %d to %d", b.addr, b.size, size), addr, err)
	if addr != b.addr {
		t.freed = append(t.freed, b.addr)
		b.addr = addr
	}
	t.verify(b, min(b.size, size))
	if done {
		t.blocks[i] = t.fresh(addr, size)
	}
}

// otherSize is a little more, a little less, or anything.
func (t *heapTrace) otherSize(size uint64) uint64 {
	switch t.rng.IntN(3) {
	case 0:
		return size + t.rng.Uint64N(size/2+16)
	case 1:
		return size - t.rng.Uint64N(size/2+1)
	}
	return t.size()
}

func (t *heapTrace) viewInside() {
	i, ok := t.pick()
	if !ok {
		return
	}
	b := t.blocks[i]
	usable, err := t.heap.SizeOf(b.addr)
	if err != nil {
		t.Fatal(err)
	}
	if t.rng.IntN(4) == 0 {
		skip := t.rng.Uint64N(usable)
		_, err := t.heap.View(b.addr+skip, usable-skip+1+t.rng.Uint64N(100))
		t.refuses("view too far", fmt.Sprintf("%#x", b.addr), err, linmem.ErrOutOfBounds)
		return
	}
	skip := t.rng.Uint64N(b.size + 1)
	n := t.rng.Uint64N(b.size - skip + 1)
	if skip == usable {
		skip = 0 // the byte behind it is another block's
	}
	view, err := t.heap.View(b.addr+skip, n)
	t.record("view", fmt.Sprint(n, " of ", usable), b.addr+skip, err)
	if !b.contents.are(view, skip) {
		t.Fatalf("a view of %d bytes at byte %d of the block at %#x shows something else", n, skip, b.addr)
	}
}

// guestReverses has the guest change a block, and the host turn it back.
func (t *heapTrace) guestReverses() {
	i, ok := t.pick()
	if !ok {
		return
	}
	b := t.blocks[i]
	n := min(b.size, 4096)
	t.call("reverse", b.addr, n)
	t.record("reverse", fmt.Sprint(n), b.addr, nil)
	slices.Reverse(t.view(b.addr, n))
	t.verify(b, b.size)
	t.guestReads(b)
}

// badFree frees what is no live block; or does with it what else needs one.
func (t *heapTrace) badFree() {
	name, addr, ok := t.badAddress()
	if !ok {
		return
	}
	var err error
	switch t.rng.IntN(4) {
	case 0:
		err = t.heap.Resize(addr, t.size())
	case 1:
		_, err = t.heap.Realloc(addr, t.size())
	case 2:
		_, err = t.heap.SizeOf(addr)
	default:
		err = t.heap.Free(addr)
	}
	t.refuses("free "+name, fmt.Sprintf("%#x", addr), err, linmem.ErrNotAllocated)
}

// badAddress returns an address at which no block begins.
func (t *heapTrace) badAddress() (name string, addr uint64, ok bool) {
	switch t.rng.IntN(6) {
	case 0:
		if i, found := t.pick(); found && t.blocks[i].size > 1 {
			b := t.blocks[i]
			return "inside", b.addr + 1 + t.rng.Uint64N(b.size-1), true
		}
		return "", 0, false
	case 1:
		if len(t.freed) == 0 {
			return "", 0, false
		}
		addr = t.freed[len(t.freed)-1-t.rng.IntN(min(10, len(t.freed)))]
		again := slices.ContainsFunc(t.blocks, func(b block) bool { return b.addr == addr })
		return "twice", addr, !again
	case 2:
		return "guest's", t.rng.Uint64N(linmem.PageSize), true
	case 3:
		for _, a := range t.arenas {
			if len(a.blocks) > 0 {
				return "arena's", a.blocks[t.rng.IntN(len(a.blocks))].addr, true
			}
		}
		return "", 0, false
	case 4:
		return "beyond", t.mem.NumPages()*linmem.PageSize + t.rng.Uint64()>>t.rng.IntN(64), true
	}
	return "null", 0, true
}

func (t *heapTrace) reserve() {
	n := t.rng.Uint64N(2 * t.largest)
	err := t.heap.Reserve(n)
	t.record("reserve", fmt.Sprint(n), t.mem.NumPages()*linmem.PageSize, err)
}

// usePages is another user of the heap's pages.
func (t *heapTrace) usePages() {
	pages := t.heap.Pages()
	if n := len(t.runs); n > 4 || n > 0 && t.rng.IntN(2) == 0 {
		i := t.rng.IntN(n)
		b := t.runs[i]
		r := linmem.Range{Start: linmem.Page(b.addr / linmem.PageSize), Len: b.size / linmem.PageSize}
		t.verify(b, b.size)
		t.record("pages free", fmt.Sprint(r.Len), b.addr, pages.Free(r))
		t.runs = slices.Delete(t.runs, i, i+1)
		return
	}
	n := 1 + t.rng.Uint64N(3)
	r, err := pages.Alloc(n)
	if t.record("pages alloc", fmt.Sprint(n), r.Addr(), err) {
		t.runs = append(t.runs, t.fresh(r.Addr(), r.Bytes()))
	}
}

func (t *heapTrace) guestGrows() {
	if len(t.foreign) == t.maxForeign {
		return // what the guest has grown is its own for good
	}
	n := 1 + t.rng.Uint64N(2)
	r, ok := t.guestGrow(n)
	if !ok {
		return
	}
	t.record("guest grows", fmt.Sprint(n), r.Addr(), nil)
	t.foreign = append(t.foreign, t.fresh(r.Addr(), r.Bytes()))
}
