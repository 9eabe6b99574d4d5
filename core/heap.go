package linmem

import (
	"math/bits"

	"github.com/linmem/linmem/core/internal/pagemap"
)

// Heap allocates bytes in a linear memory from the host: size classes over [Pages], with all metadata on the host. Nothing
// that a guest writes can lead it astray.
//
// # Design
//
// The pages that a heap holds are divided into units of 1 KiB, in a map like that of [Pages], so that units next to each
// other are one run whatever they were before. A small allocation, of up to 8 KiB, is a slot in a span: up to 64 slots of
// one size in a run of units, of which a word has a bit each for what is in use. A larger allocation is a run of units of
// its own. What a unit belongs to is kept in an array beside the map, 16 bytes a unit; so an address leads in a few steps to
// its span, by a division to its slot, and to the bit that says whether it may be freed.
//
// Sizes go up in steps of 16 bytes to 128, and of an eighth of a power of two or less from there: the waste inside an
// allocation is below 12.5 % of its size from 128 bytes on. Spans are short where a class has few slots in use and longer
// where it has many. Everything is placed as low as it fits: a new allocation takes the lowest free slot of its class, and a
// span or run the lowest free units.
//
// A span that becomes empty gives its units back, but for one in each class; those are given back before the memory grows.
// Pages of which no unit is in use are returned to Pages, but for a few.
//
// # Costs
//
// Alloc and Free of a small size take a few nanoseconds and touch neither the memory nor the runtime; what makes or unmakes
// a span or a run costs that of [Pages.Alloc] and [Pages.Free] and for a span, of its units. The README has figures. A call
// that gets pages may look at 64 free runs of Pages as well, and one that is refused at all of them.
//
// Metadata takes 2 % of the memory held, or up to 3 % where all size classes are in use, on the Go heap, where it grows with
// the memory and does not shrink; nothing else allocates there. Pages that lie up to 64 pages apart count with what lies
// between them. Those that lie further apart cost a pass over all metadata for each range of them, also in [RestoreHeap].
//
// A Heap is for one goroutine at a time; [Shared] is for many. The guest may run meanwhile where the backend's
// documentation says so of growth and views: the heap asks nothing else of the runtime.
//
// Size classes that take their pages from an allocator of pages are the idea of Zig's WasmAllocator (see package zigref),
// whose free lists lie in the memory itself. Spans with a bit a slot are like those of Go's runtime (src/runtime/mheap.go).
type Heap struct {
	classes [maxClasses]class
	units   []unit // by position
	near    window

	m   pagemap.Map // of units
	p   *Pages
	mem Memory

	nHeld  uint64 // pages that are the heap's
	nWhole uint64 // of those, the pages of which no unit is in use

	nRuns, runUnits uint64 // live allocations of whole units; chunks of arenas among them
	nChunks         uint64 // of them
	runBytes        uint64 // that they were asked for
	resets          uint64 // counts the calls of Reset

	whole []Range // room for lists of pages to be returned

	shared bool     // heads are read without a lock
	nLent  uint64   // spans
	locals []*Local // that spans are lent to, by number; nil where one was closed
	obs    Observer
	errs   ErrorPool
}

// window is a range of units that have positions one after the other.
type window struct{ first, n, pos uint64 }

// NewHeap returns a heap that holds no page yet. It makes a [Pages] of its own with the options given, or takes its pages
// from that of [WithPages], which must be over the same memory. It fails with [ErrInvalid] if m is nil.
func NewHeap(m Memory, opts ...Option) (*Heap, error) {
	const op = "NewHeap"
	if m == nil {
		return nil, &Error{Op: op, Err: errNilGrower}
	}
	o := newOptions(opts)
	p := o.pages
	if p == nil {
		var err error
		if p, err = NewPages(m, opts...); err != nil {
			return nil, err
		}
	}
	return newHeap(m, p, o), nil
}

func newHeap(m Memory, p *Pages, o options) *Heap {
	h := &Heap{p: p, mem: m, units: make([]unit, 1), obs: o.observer}
	for id := range h.classes {
		h.classes[id] = class{id: classID(id), size: tables.sizes[id], magic: tables.magics[id]}
	}
	return h
}

// Pages returns the allocator that the heap takes its pages from. Each page that the heap holds is an allocation of one page
// there; do not free it.
func (h *Heap) Pages() *Pages { return h.p }

// Alloc returns the address of size bytes that nobody else has, or of one byte if size is 0. It is a multiple of the largest
// power of two that is not above the size, and of 16 at most, and is never 0. The bytes are whatever was last written there.
//
// It fails with [ErrOutOfMemory] as [Pages.Alloc] does; then all allocations are as they were, and the next call works.
func (h *Heap) Alloc(size uint64) (addr uint64, err error) {
	if size <= maxSlot {
		c := &h.classes[classFor(size)%maxClasses]
		if addr, ok := h.take(c, size); ok {
			return addr, nil
		}
		if addr, err = h.allocSlot(c, size); err == nil {
			return addr, nil
		}
	} else if addr, err = h.allocRun(classRun, size, 1); err == nil {
		return addr, nil
	}
	return 0, h.errs.Get("Heap.Alloc", 0, size, err)
}

// AllocAligned is Alloc at a multiple of align bytes, a power of two of any size ([ErrInvalid] otherwise). The alignment is
// kept by [Heap.Resize], and given up by [Heap.Realloc] when it moves. For alignments above 1 KiB the cost is that of
// [Pages.AllocAligned].
func (h *Heap) AllocAligned(size, align uint64) (addr uint64, err error) {
	return h.alloc("Heap.AllocAligned", size, align)
}

func (h *Heap) alloc(op string, size, align uint64) (addr uint64, err error) {
	if align == 0 || align&(align-1) != 0 {
		return 0, h.errs.Get(op, 0, size, errByteAlignment)
	}
	if addr, err = h.place(alignedClassFor(size, align), size, align); err != nil {
		return 0, h.errs.Get(op, 0, size, err)
	}
	return addr, nil
}

// place allocates in a class, whose slots are aligned enough, or as a run. It returns the bare reason of a failure.
func (h *Heap) place(id classID, size, align uint64) (addr uint64, err error) {
	if id == classRun {
		return h.allocRun(id, size, align)
	}
	c := &h.classes[id]
	if addr, ok := h.take(c, size); ok {
		return addr, nil
	}
	return h.allocSlot(c, size)
}

// Free gives an allocation back. An address that is not the first byte of a live allocation (freed already, inside of one,
// an arena's, the guest's) is [ErrNotAllocated], and nothing has changed. The cost is constant, for a run of whole units
// that of its words, of 64 units each.
func (h *Heap) Free(addr uint64) error {
	n := addr>>unitShift - h.near.first
	if n >= h.near.n {
		return h.freeFar(addr)
	}
	pos := h.near.pos + n
	x := h.units[pos].head
	first := pos - x.back()
	u := &h.units[first]
	c := &h.classes[x.class()]
	offset := addr&(unitSize-1) + x.back()<<unitShift
	slot := c.slotOf(offset)
	was := u.live
	if slot*c.size != offset || was>>(slot&(maxSlots-1))&1 == 0 || !x.isSpan() {
		return h.freeElse(addr)
	}
	u.live = was &^ (1 << (slot & (maxSlots - 1)))
	c.frees++
	if full := x.full(); was == full {
		c.open.Add(first)
		if c.full == 0 || first < c.cur {
			c.cur, c.base, c.full = first, addr-offset, full
		}
	}
	if u.live == 0 && (c.spare != first || c.allocs == c.frees && h.nRuns == 0 && h.nHeld > minWhole) {
		h.emptied(c, first)
	}
	return nil
}

// freeFar is Free where the window is elsewhere.
func (h *Heap) freeFar(addr uint64) error {
	if !h.look(addr) {
		return h.notAllocated("Heap.Free", addr)
	}
	return h.Free(addr)
}

// look moves the window to where addr is, and reports whether the heap knows that place.
func (h *Heap) look(addr uint64) bool {
	h.near = h.windowAt(addr)
	return addr>>unitShift-h.near.first < h.near.n
}

// windowAt returns the window that addr is in; an empty one if the heap has never held a page there.
func (h *Heap) windowAt(addr uint64) window {
	w, _ := h.m.Window(addr >> unitShift)
	n := uint64(len(h.units))
	return window{w.Page, min(w.N, n-min(w.Pos, n)), w.Pos}
}

// freeElse is Free of what is not a slot in use, or is one that is lent.
func (h *Heap) freeElse(addr uint64) error {
	b, ok := h.allocated(addr)
	switch {
	case !ok:
		return h.notAllocated("Heap.Free", addr)
	case b.id == classRun:
		h.freeRun(b.pos)
		h.vacate()
	case !h.freeLent(b):
		return h.notAllocated("Heap.Free", addr)
	}
	return nil
}

// notAllocated reports that a call named no live allocation.
func (h *Heap) notAllocated(op string, addr uint64) error {
	return h.misused(h.errs.Get(op, addr, 0, ErrNotAllocated))
}

// misused tells the observer of a caller's mistake, and returns it.
func (h *Heap) misused(err error) error {
	if f := h.obs.Misuse; f != nil {
		f(err)
	}
	return err
}

// block is a live allocation, or a chunk of an arena. It is not to be kept over what may bring pages: positions move then.
type block struct {
	addr, size uint64 // usable bytes
	pos        uint64 // of the span's or run's first unit
	id         classID
}

// end returns the address behind its last byte.
func (b block) end() uint64 { return b.addr + b.size }

// find returns the allocation that addr lies in. The cost is constant for the first unit of a run and anywhere in a span,
// else that of the run's words up to addr.
func (h *Heap) find(addr uint64) (b block, ok bool) {
	first := addr >> unitShift
	if first-h.near.first >= h.near.n && !h.look(addr) {
		return block{}, false
	}
	pos := first - h.near.first + h.near.pos
	x := h.units[pos].head
	switch id := x.class(); {
	case id >= classSlots:
		c := &h.classes[id]
		pos -= x.back()
		base := (first - x.back()) << unitShift
		slot := c.slotOf(addr - base)
		live := h.units[pos].live
		if x&headLent != 0 {
			live = h.liveBits(pos)
		}
		if slot >= maxSlots || live>>(slot&(maxSlots-1))&1 == 0 {
			return block{}, false
		}
		return block{base + slot*c.size, c.size, pos, id}, true
	case id == classNone:
		if first, ok = h.m.RunStart(first); !ok {
			return block{}, false
		}
		pos, _ = h.m.Position(first)
		if x = h.units[pos].head; x.class() != classRun && x.class() != classChunk {
			return block{}, false
		}
	}
	return block{first << unitShift, unitsFor(h.units[pos].live) << unitShift, pos, x.class()}, true
}

// liveBits returns which slots of the span at pos are in use.
func (h *Heap) liveBits(pos uint64) uint64 {
	if u := &h.units[pos]; u.head&headLent == 0 {
		return u.live
	}
	_, s := h.lentAt(pos)
	return s.live.Load()
}

// usedSlots returns how many slots of the span at pos are in use.
func (h *Heap) usedSlots(pos uint64) uint64 { return uint64(bits.OnesCount64(h.liveBits(pos))) }
