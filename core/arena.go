package linmem

import (
	"math/bits"
	"sync/atomic"
)

const (
	minChunk = 4 << 10
	maxChunk = 64 << 10
)

// Arena allocates blocks that are freed together: what one request or one call needs. It takes chunks from a heap, and hands
// them out from their low ends up: a block costs an addition, and freeing ten thousand costs what freeing their chunks does.
// The zero value is not usable; see [Heap.NewArena].
//
// To the heap a chunk is one allocation, in which [Heap.View] works and which nobody but the arena can free. Chunks begin
// with 4 KiB and double up to 64 KiB; a larger block has one of its own.
//
// An arena is for one goroutine at a time. If the heap is [Heap.Reset], the arena is empty.
type Arena struct {
	from   chunkSource
	resets *uint64 // the heap's count of its resets,
	seen   uint64  // and what it was when the chunks were taken
	chunks []chunk // in the order in which they are filled
	n      int     // chunks in use

	next, end uint64 // what is left of the current one of these
	last      uint64 // address of the newest block, 0 if there is none
	room      uint64 // the end of the chunk that it is in

	errs ErrorPool
}

// chunk is an allocation of an arena.
type chunk struct{ addr, size uint64 }

// chunkSource is where an arena's chunks come from: a heap, or one that is locked first.
type chunkSource interface {
	// Errors are bare reasons. allocChunk tells how often the heap was reset so far. If that is more often than seen, the
	// address may be another's: then freeChunk does nothing, as there is nothing to free, and writeChunk fails.
	allocChunk(size, align uint64) (c chunk, resets uint64, err error)
	freeChunk(addr, seen uint64) error
	writeChunk(addr uint64, data []byte, seen uint64) error
}

// NewArena returns an arena without a chunk.
func (h *Heap) NewArena() *Arena { return newArena(h, h) }

func newArena(from chunkSource, h *Heap) *Arena {
	return &Arena{from: from, resets: &h.resets, seen: atomic.LoadUint64(&h.resets)}
}

// Alloc returns the address of size bytes, or of one byte if size is 0, aligned as [Heap.Alloc] aligns them. They stay the
// caller's until Reset or Free. It fails with [ErrOutOfMemory], and then the blocks are as they were.
func (a *Arena) Alloc(size uint64) (addr uint64, err error) {
	return a.alloc("Arena.Alloc", size, defaultAlign(size))
}

// AllocAligned is Alloc at a multiple of align bytes, a power of two ([ErrInvalid] otherwise).
func (a *Arena) AllocAligned(size, align uint64) (addr uint64, err error) {
	return a.alloc("Arena.AllocAligned", size, align)
}

// defaultAlign returns the largest power of two that is not above size, from 1 to 16.
func defaultAlign(size uint64) uint64 {
	return min(uint64(1)<<(bits.Len64(size|1)-1), minAlign)
}

func (a *Arena) alloc(op string, size, align uint64) (addr uint64, err error) {
	if align == 0 || align&(align-1) != 0 {
		return 0, a.errs.Get(op, 0, size, errByteAlignment)
	}
	a.sync()
	if addr, ok := a.fit(max(size, 1), align); ok {
		return addr, nil
	}
	if addr, err = a.advance(max(size, 1), align); err != nil {
		return 0, a.errs.Get(op, 0, size, err)
	}
	return addr, nil
}

// sync forgets the chunks if the heap has freed everything meanwhile.
func (a *Arena) sync() { a.syncTo(atomic.LoadUint64(a.resets)) }

func (a *Arena) syncTo(resets uint64) {
	if resets != a.seen {
		a.rewind()
		a.chunks, a.seen = a.chunks[:0], resets
	}
}

// rewind forgets all blocks.
func (a *Arena) rewind() { a.n, a.next, a.end, a.last, a.room = 0, 0, 0, 0, 0 }

// fit takes a block from the current chunk, with ok = false if it does not fit.
func (a *Arena) fit(size, align uint64) (addr uint64, ok bool) {
	skip := -a.next & (align - 1)
	if room := a.end - a.next; skip > room || size > room-skip {
		return 0, false
	}
	addr = a.next + skip
	a.next = addr + size
	a.last, a.room = addr, a.end
	return addr, true
}

// maxLook is at how many of the chunks that a Reset has kept a block is tried.
const maxLook = 16

// advance takes a block from the first chunk that holds it, of those that a Reset has kept, or from a new one. Whichever has
// more room left then, that chunk or the current one, is current afterwards. It returns the bare reason of a failure.
func (a *Arena) advance(size, align uint64) (addr uint64, err error) {
	i, look := a.n, min(len(a.chunks), a.n+maxLook)
	for i < look && !a.chunks[i].fits(size, align) {
		i++
	}
	if i == look {
		c, err := a.newChunk(size, align)
		if err != nil {
			return 0, err
		}
		a.chunks = append(a.chunks, c)
		i = len(a.chunks) - 1
	}
	c := a.chunks[i]
	a.chunks[a.n], a.chunks[i] = c, a.chunks[a.n]
	a.n++
	addr = (c.addr + align - 1) &^ (align - 1)
	a.last, a.room = addr, c.end()
	if c.end()-(addr+size) >= a.end-a.next {
		a.next, a.end = addr+size, c.end()
	}
	return addr, nil
}

// newChunk returns a chunk that holds a block.
func (a *Arena) newChunk(size, align uint64) (c chunk, err error) {
	want := uint64(minChunk)
	if n := len(a.chunks); n > 0 {
		want = min(2*a.chunks[n-1].size, maxChunk)
	}
	c, resets, err := a.from.allocChunk(max(size, want), align)
	if err != nil && size < want {
		c, resets, err = a.from.allocChunk(size, align)
	}
	if err == nil {
		a.syncTo(resets)
	}
	return c, err
}

// fits reports whether an empty chunk holds a block.
func (c chunk) fits(size, align uint64) bool {
	skip := -c.addr & (align - 1)
	return skip <= c.size && size <= c.size-skip
}

func (c chunk) end() uint64 { return c.addr + c.size }

// Put allocates len(data) bytes, as Alloc does, and copies data there. What it fails with is Alloc's, or what the memory's
// View returns; nothing is allocated then, or no more than a chunk.
func (a *Arena) Put(data []byte) (addr uint64, err error) {
	const op = "Arena.Put"
	size := uint64(len(data))
	if addr, err = a.alloc(op, size, defaultAlign(size)); err != nil {
		return addr, err
	}
	if err := a.from.writeChunk(addr, data, a.seen); err != nil {
		a.dropLast()
		return 0, a.errs.Get(op, addr, size, err)
	}
	return addr, nil
}

// Resize changes the size of the newest block in place. It fails with [ErrOutOfMemory] if the chunk has no room, or the
// block is not the newest one: of the others the arena knows nothing.
func (a *Arena) Resize(addr, size uint64) error {
	a.sync()
	if addr == 0 || addr != a.last || max(size, 1) > a.room-addr {
		return a.errs.Get("Arena.Resize", addr, size, errNotNewest)
	}
	if a.room == a.end {
		a.next = addr + max(size, 1)
	}
	return nil
}

// Reset forgets all blocks, and keeps the chunks for those to come. It never fails.
func (a *Arena) Reset() error {
	a.sync()
	a.rewind()
	return nil
}

// Free forgets all blocks, and gives the chunks back to the heap. The arena may be used again. The cost is that of freeing
// the chunks. It fails only if the heap does not have them any more.
func (a *Arena) Free() error {
	a.sync()
	a.rewind()
	var failed error
	for _, c := range a.chunks {
		if err := a.from.freeChunk(c.addr, a.seen); err != nil {
			failed = a.errs.Get("Arena.Free", c.addr, c.size, err)
		}
	}
	a.chunks = a.chunks[:0]
	return failed
}

// Allocator returns the arena as an [Allocator]. As in Zig's ArenaAllocator, its Free takes back the newest block only, and
// of the others nothing but note: they are gone with the arena. An address in none of its chunks is [ErrNotAllocated]; other
// mistakes go unnoticed, since an arena does not know its blocks.
func (a *Arena) Allocator() Allocator { return arenaAllocator{a} }

type arenaAllocator struct{ *Arena }

func (x arenaAllocator) Free(addr uint64) error {
	a := x.Arena
	a.sync()
	if addr != 0 && addr == a.last {
		a.dropLast()
		return nil
	}
	for _, c := range a.chunks[:a.n] {
		if addr >= c.addr && addr < c.end() {
			return nil
		}
	}
	return a.errs.Get("Arena.Allocator.Free", addr, 0, ErrNotAllocated)
}

// dropLast takes the newest block back. If it has a chunk of its own, that stays used.
func (a *Arena) dropLast() {
	if a.last != 0 && a.room == a.end {
		a.next = a.last
	}
	a.last = 0
}

// The heap as a source of chunks.

func (h *Heap) allocChunk(size, align uint64) (c chunk, resets uint64, err error) {
	addr, err := h.allocRun(classChunk, size, align)
	return chunk{addr, unitsFor(size) << unitShift}, h.resets, err
}

func (h *Heap) freeChunk(addr, seen uint64) error {
	if h.resets != seen {
		return nil
	}
	b, ok := h.find(addr)
	if !ok || b.addr != addr || b.id != classChunk {
		return ErrNotAllocated
	}
	h.freeRun(b.pos)
	h.vacate()
	return nil
}

func (h *Heap) writeChunk(addr uint64, data []byte, seen uint64) error {
	if h.resets != seen {
		return errResetMeanwhile
	}
	return h.write(addr, data)
}
