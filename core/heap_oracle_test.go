package linmem_test

import (
	"fmt"
	"math/bits"
	"slices"

	linmem "github.com/linmem/linmem/core"
)

// heapOracle knows what is live in a memory, and what the host may use of it. It does not predict where a heap puts a
// block, since that is open; it holds each answer to the contract. It is written from the contract, and slow.
type heapOracle struct {
	heapConfig
	mem    *bytesMemory
	live   []*block // ascending
	marks  uint64
	frozen bool
}

// block is a range of bytes that is somebody's.
type block struct {
	addr, size uint64 // bytes that may be used
	kind       blockKind
	arena      int    // of which arena it is
	mark       uint64 // of the pattern that it holds
}

type blockKind byte

const (
	ofHeap  blockKind = iota
	ofArena           // memory of the heap's that no other call takes
	ofUser            // a run of pages that the heap's user took from the same Pages
)

// end returns the first address past the block. One of no bytes has an address all the same.
func (b *block) end() uint64 { return b.addr + max(b.size, 1) }

func (b *block) String() string { return fmt.Sprintf("[%#x,%#x)", b.addr, b.addr+b.size) }

// at returns the place of the first block that ends past addr, and that block if it has addr.
func (o *heapOracle) at(addr uint64) (i int, b *block) {
	i, _ = slices.BinarySearchFunc(o.live, addr, func(b *block, addr uint64) int {
		if b.end() <= addr {
			return -1
		}
		return 1
	})
	if i < len(o.live) && o.live[i].addr <= addr {
		b = o.live[i]
	}
	return i, b
}

// first returns the block of the heap's own whose first byte is at addr, if there is one.
func (o *heapOracle) first(addr uint64) *block {
	if _, b := o.at(addr); b != nil && b.addr == addr && b.kind == ofHeap {
		return b
	}
	return nil
}

// blocks returns those of a kind.
func (o *heapOracle) blocks(kind blockKind) (of []*block) {
	for _, b := range o.live {
		if b.kind == kind {
			of = append(of, b)
		}
	}
	return of
}

// ofArenaNumber returns the blocks of an arena, or of any if the number is negative.
func (o *heapOracle) ofArenaNumber(arena int) (of []*block) {
	for _, b := range o.blocks(ofArena) {
		if arena < 0 || b.arena == arena {
			of = append(of, b)
		}
	}
	return of
}

// place notes a new block, and returns why it must not be there. It is filled.
func (o *heapOracle) place(b *block, align uint64) error {
	if b.addr%align != 0 {
		return fmt.Errorf("%v is not aligned to %d", b, align)
	}
	if err := o.usable(b); err != nil {
		return err
	}
	i, other := o.at(b.addr)
	if other == nil && i < len(o.live) && o.live[i].addr < b.end() {
		other = o.live[i]
	}
	if other != nil {
		return fmt.Errorf("%v overlaps with the live %v", b, other)
	}
	o.live = slices.Insert(o.live, i, b)
	o.fill(b)
	return nil
}

// usable returns why a block is not in memory that the host may use.
func (o *heapOracle) usable(b *block) error {
	size := o.mem.size * linmem.PageSize
	if b.addr == 0 || b.addr >= size || b.end() > size || b.end() < b.addr {
		return fmt.Errorf("%v is not in the memory, or at address 0", b)
	}
	for i := b.addr / linmem.PageSize; i <= (b.end()-1)/linmem.PageSize; i++ {
		if !o.mem.host[i] || i == 0 && !o.pageZero {
			return fmt.Errorf("%v is on page %d, which is not the host's", b, i)
		}
	}
	return nil
}

// forget removes a block after a last look at its contents.
func (o *heapOracle) forget(b *block) error {
	err := o.holds(b, b.size)
	i, _ := o.at(b.addr)
	o.live = slices.Delete(o.live, i, i+1)
	return err
}

func (o *heapOracle) bytes(addr, n uint64) []byte { return o.mem.data[addr:][:n] }

// fill gives a block contents that tell it from all others.
func (o *heapOracle) fill(b *block) {
	o.marks += 7919
	b.mark = o.marks
	fill(o.bytes(b.addr, b.size), b.mark)
}

// holds returns an error if the first n bytes of a block are not what they were filled with.
func (o *heapOracle) holds(b *block, n uint64) error {
	if !filled(o.bytes(b.addr, n), b.mark) {
		return fmt.Errorf("the contents of %v have changed", b)
	}
	return nil
}

// contents looks at the contents of all blocks, and of the guest's pages.
func (o *heapOracle) contents() error {
	for _, b := range o.live {
		if err := o.holds(b, b.size); err != nil {
			return err
		}
	}
	if page, found := o.mem.spoiled(); found {
		return fmt.Errorf("page %d is the guest's, and has changed", page)
	}
	return nil
}

// scribble has the guest write over all that is nobody's, except on its own pages.
func (o *heapOracle) scribble() {
	at := uint64(linmem.PageSize)
	for _, b := range append(slices.Clone(o.live), &block{addr: o.mem.size * linmem.PageSize}) {
		for at < b.addr {
			end := min(b.addr, (at/linmem.PageSize+1)*linmem.PageSize)
			if o.mem.host[at/linmem.PageSize] {
				o.marks++
				fill(o.mem.data[at:end], o.marks)
			}
			at = end
		}
		at = max(at, b.end())
	}
}

// hasRoom reports whether size bytes can be had as pages: free ones, or ones that nothing forbids to grow by. Then a heap
// must not say that it is out of memory; whether it may otherwise depends on what it has in hand.
func (o *heapOracle) hasRoom(p *linmem.Pages, size, align uint64) bool {
	n, a := max(1, size/linmem.PageSize+min(1, size%linmem.PageSize)), max(1, align/linmem.PageSize)
	if n > o.mem.max || a > o.mem.max {
		return false
	}
	for _, r := range o.runs(p) {
		if start := (max(1, uint64(r.Start)) + a - 1) / a * a; start+n <= uint64(r.End()) {
			return true
		}
	}
	need := n + a - 1
	stats := p.Stats()
	if o.frozen || len(o.mem.script) > 0 || stats.Owned+need > o.budget {
		return false
	}
	if o.mem.size == 0 {
		need++ // page 0
	}
	return o.mem.size+o.mem.gap+need <= o.mem.max
}

// runs returns the runs of pages that are free, or would be if the heap gave back all that it holds for nobody.
func (o *heapOracle) runs(p *linmem.Pages) []linmem.Range {
	free := slices.Collect(p.FreeRanges())
	if len(o.blocks(ofHeap)) > 0 || o.arenas > 0 || o.shared {
		return free
	}
	for r := range p.Allocated() {
		if _, b := o.at(r.Addr()); b == nil {
			free = append(free, r)
		}
	}
	slices.SortFunc(free, func(a, b linmem.Range) int { return int(a.Start) - int(b.Start) })
	merged := free[:0]
	for _, r := range free {
		if n := len(merged); n > 0 && merged[n-1].End() == r.Start {
			merged[n-1].Len += r.Len
			continue
		}
		merged = append(merged, r)
	}
	return merged
}

// defaultAlign is the alignment that an allocation of a size has if it is asked for none.
func defaultAlign(size uint64) uint64 {
	if size == 0 {
		return 1
	}
	return min(16, uint64(1)<<(bits.Len64(size)-1))
}

// usableSize returns what may become of a size that is asked for without an alignment.
func usableSize(size uint64) (least, most uint64) {
	switch {
	case size < 128:
		n := (max(size, 1) + 15) / 16 * 16
		return n, n
	case size <= 1<<20:
		return size, size + size/8
	}
	n := (size + 1023) / 1024 * 1024
	return n, n
}
