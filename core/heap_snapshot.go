package linmem

import (
	"encoding"
	"encoding/binary"
	"math"
)

// A snapshot of a heap is
//
//	8 bytes   "linmemH", and the version, 1
//	uvarint   the length of the snapshot of its Pages, and that snapshot
//	uvarints  for each size class: the allocations so far, and the bytes that they were asked for
//	uvarints  for each range of pages that the heap holds, ascending: how many pages lie between it and the one before, its
//	          length in pages, and what its units are
//	4 bytes   CRC-32 (Castagnoli) of all that, little-endian
//
// What units are is, ascending, a number of units times 4 plus a kind: free, a run, or a span. For a run it is followed by
// how many bytes fewer it was asked for; for a span, by its class and the bits of its slots in use. No two that follow each
// other are free, ranges do not touch, and the unit at address 0, which is nobody's, is left out.
const heapSnapshotMagic = "linmemH"

type unitKind uint8

const (
	unitsFree unitKind = iota
	unitsRun
	unitsSpan
)

var (
	_ encoding.BinaryAppender  = (*Heap)(nil)
	_ encoding.BinaryMarshaler = (*Heap)(nil)
)

// AppendBinary appends a snapshot for [RestoreHeap] to b: the heap, and all that its [Pages] knows, but neither the contents
// of the memory nor the options. The chunks of an arena are in it as allocations. It never fails. The cost is that of the
// heap's spans and runs, and the length a few bytes for each.
func (h *Heap) AppendBinary(b []byte) ([]byte, error) {
	start := len(b)
	b = append(b, heapSnapshotMagic...)
	b = append(b, snapshotVersion)
	pages, err := h.p.MarshalBinary()
	if err != nil {
		return nil, err
	}
	b = binary.AppendUvarint(b, uint64(len(pages)))
	b = append(b, pages...)
	for i := int(classSlots); i < numClasses; i++ {
		b = binary.AppendUvarint(b, h.classes[i].allocs)
		b = binary.AppendUvarint(b, h.classes[i].asked)
	}
	end := uint64(0)
	for r := range h.heldRanges() {
		b = binary.AppendUvarint(b, uint64(r.Start)-end)
		b = binary.AppendUvarint(b, r.Len)
		end = uint64(r.End())
		b = h.appendUnits(b, r)
	}
	return closeFrame(b, start), nil
}

// appendUnits appends what the units of a range are. A span that a Local has and does not use is free.
func (h *Heap) appendUnits(b []byte, r Range) []byte {
	add := func(n uint64, k unitKind) { b = binary.AppendUvarint(b, n<<2|uint64(k)) }
	free := uint64(0)
	for u, end := firstUnit(r), uint64(r.End())*unitsPerPage; u < end; {
		n := h.m.FreeLen(u)
		pos, _ := h.m.Position(u)
		x, live := h.units[pos].head, uint64(0)
		if n == 0 && x.class() >= classSlots {
			live = h.liveBits(pos) // once: a Local may free meanwhile
		}
		if x&headLent != 0 && live == 0 {
			n = x.units()
		}
		if u += n; n > 0 {
			free += n
			continue
		}
		if free > 0 {
			add(free, unitsFree)
			free = 0
		}
		if x.class() >= classSlots {
			n = x.units()
			add(n, unitsSpan)
			b = binary.AppendUvarint(b, uint64(x.class()-classSlots))
			b = binary.AppendUvarint(b, live)
		} else {
			n = unitsFor(h.units[pos].live)
			add(n, unitsRun)
			b = binary.AppendUvarint(b, n<<unitShift-h.units[pos].live)
		}
		u += n
	}
	if free > 0 {
		add(free, unitsFree)
	}
	return b
}

// firstUnit returns the first unit of a range that may be in use: not that at address 0.
func firstUnit(r Range) uint64 { return max(1, uint64(r.Start)*unitsPerPage) }

// heldRanges yields the maximal ranges of pages that the heap holds, ascending.
func (h *Heap) heldRanges() func(yield func(Range) bool) {
	return func(yield func(Range) bool) {
		var r Range
		for w := range h.m.Layout().All() {
			for page := w.Page / unitsPerPage; page < (w.Page+w.N)/unitsPerPage; page++ {
				switch {
				case !h.holds(page):
				case r.Len > 0 && uint64(r.End()) == page:
					r.Len++
				default:
					if r.Len > 0 && !yield(r) {
						return
					}
					r = Range{Page(page), 1}
				}
			}
		}
		if r.Len > 0 {
			yield(r)
		}
	}
}

// MarshalBinary is AppendBinary to nothing.
func (h *Heap) MarshalBinary() ([]byte, error) { return h.AppendBinary(nil) }

// RestoreHeap returns a heap in the state of the one that the snapshot was taken of, over a memory that has the same
// contents, or on which the caller will put them; on another runtime, say. It goes on address for address. The heap has a
// [Pages] of its own, of which the options are given anew; if that of the snapshot had other users, their runs are in it.
//
// Chunks of arenas are allocations now, to be freed by the address of their first byte, which [Heap.All] tells.
//
// It fails as [RestorePages] does; a snapshot that is not a heap's is [ErrCorrupt] as well, and a [WithPages] is
// [ErrInvalid].
func RestoreHeap(m Memory, snapshot []byte, opts ...Option) (*Heap, error) {
	const op = "RestoreHeap"
	if m == nil {
		return nil, &Error{Op: op, Err: errNilGrower}
	}
	if newOptions(opts).pages != nil {
		return nil, &Error{Op: op, Err: errWithPages}
	}
	p, size, err := openPages(op, m, opts)
	if err != nil {
		return nil, err
	}
	h := newHeap(m, p, p.opts)
	if err := h.restore(snapshot, size); err != nil {
		return nil, &Error{Op: op, Size: uint64(len(snapshot)), Err: err}
	}
	p.meet(size)
	return h, nil
}

// restore brings h, which holds nothing, and whose Pages knows of no page, into the state that the snapshot tells of. It
// returns the bare reason of a failure.
func (h *Heap) restore(snapshot []byte, size uint64) error {
	body, err := openFrame(snapshot, heapSnapshotMagic, errNoHeapSnapshot)
	if err != nil {
		return err
	}
	d := decoder{b: body}
	pages := d.bytes(d.uvarint())
	if d.failed {
		return errSnapshot
	}
	if err := h.p.restore(pages, size); err != nil {
		return err
	}
	for i := int(classSlots); i < numClasses; i++ {
		h.classes[i].allocs, h.classes[i].asked = d.uvarint(), d.uvarint()
	}
	end := Page(0)
	for first := true; !d.done(); first = false {
		gap := d.uvarint()
		r := Range{end + Page(gap), d.uvarint()}
		if d.failed || gap > maxPages || !first && gap == 0 || !r.inSpace() || uint64(r.End()) > h.p.end {
			return errSnapshot
		}
		if !h.restoreRange(&d, r) {
			return errSnapshot
		}
		end = r.End()
	}
	if d.failed {
		return errSnapshot
	}
	return h.settleRestored()
}

// restoreRange reads what the units of a range are, and reports whether that can be.
func (h *Heap) restoreRange(d *decoder, r Range) bool {
	for page := r.Start; page < r.End(); page++ {
		if !h.p.isRun(Range{page, 1}) {
			return false
		}
	}
	h.cover(uint64(r.Start)*unitsPerPage, uint64(r.End())*unitsPerPage)
	h.hold(uint64(r.Start), r.Len)
	wasFree := false
	for u, end := firstUnit(r), uint64(r.End())*unitsPerPage; u < end; {
		v := d.uvarint()
		n, k := v>>2, unitKind(v&3)
		if d.failed || n == 0 || n > end-u || k == unitsFree && wasFree {
			return false
		}
		wasFree = k == unitsFree
		pos, _ := h.m.Position(u)
		h.m.Remove(u, n)
		switch k {
		case unitsFree:
			h.m.Add(u, n)
		case unitsRun:
			less := d.uvarint()
			if less >= unitSize || less == n<<unitShift {
				return false
			}
			h.m.Mark(u)
			h.setHead(pos, head(classRun))
			h.units[pos].live = n<<unitShift - less
			h.nRuns++
			h.runUnits += n
			h.runBytes += h.units[pos].live
		case unitsSpan:
			h.m.Mark(u)
			if !h.restoreSpan(d, pos, n) {
				return false
			}
		default:
			return false
		}
		u += n
	}
	return true
}

// restoreSpan reads a span of n units, and reports whether it can be.
func (h *Heap) restoreSpan(d *decoder, pos, n uint64) bool {
	id, live := d.uvarint(), d.uvarint()
	if d.failed || id >= uint64(numClasses)-uint64(classSlots) || n > maxSpan {
		return false
	}
	c := &h.classes[classSlots+classID(id)]
	slots := n * unitSize / c.size
	if slots == 0 || slots > maxSlots {
		return false
	}
	x := spanHead(c.id, slots, n)
	if live&^x.full() != 0 || live == 0 && c.spare != 0 {
		return false
	}
	h.initSpan(c, pos, x)
	h.units[pos].live = live
	if live == 0 {
		c.spare = pos
	}
	return true
}

// settleRestored derives what a snapshot does not tell, once it is read. It returns the bare reason of a failure.
func (h *Heap) settleRestored() error {
	for r := range h.wholePages() {
		h.nWhole += r.Len
	}
	var live [maxClasses]uint64
	for b := range h.spansAndRuns() {
		if b.id >= classSlots {
			live[b.id] += h.usedSlots(b.pos)
		}
	}
	for i := range h.classes {
		c := &h.classes[i]
		if c.allocs > math.MaxUint64>>maxSlotBits || c.asked > c.allocs*c.size {
			return errSnapshot
		}
		c.frees = c.allocs - live[i] // may be below 0: allocations of a Local are counted late
	}
	h.reopenAll()
	return nil
}

// decoder reads numbers until one cannot be read; from then on it reads 0 and has failed.
type decoder struct {
	b      []byte
	failed bool
}

func (d *decoder) done() bool { return d.failed || len(d.b) == 0 }

func (d *decoder) uvarint() uint64 {
	v, n := uvarint(d.b)
	if n == 0 {
		d.failed = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.failed = true
		return nil
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}
