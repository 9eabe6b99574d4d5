package linmem

import (
	"encoding"
	"encoding/binary"
	"hash/crc32"
	"iter"
)

// A snapshot is
//
//	8 bytes   "linmemP", and the version, 1
//	uvarints  the memory's size in pages, the counters Grows and Refused
//	uvarints  for each free run, allocation and foreign range, ascending: its length in pages times 4, plus its kind
//	4 bytes   CRC-32 (Castagnoli) of all that, little-endian
//
// where a uvarint is that of encoding/binary, in its shortest form. The ranges follow each other from page 0 to the memory's
// end, and no two that follow each other are both free or both foreign, so there is one snapshot for a state.
const (
	snapshotMagic   = "linmemP"
	snapshotVersion = 1
	snapshotHeader  = len(snapshotMagic) + 1
	snapshotTrailer = 4

	kindBits = 2
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	_ encoding.BinaryAppender  = (*Pages)(nil)
	_ encoding.BinaryMarshaler = (*Pages)(nil)
)

// AppendBinary appends a snapshot for [RestorePages] to b: the owner of each page, and the counters, but neither the
// contents of the memory nor the options. It never fails. The cost, and the length (a byte or two a run, mostly), are in
// proportion to the number of runs.
func (p *Pages) AppendBinary(b []byte) ([]byte, error) {
	start := len(b)
	b = append(b, snapshotMagic...)
	b = append(b, snapshotVersion)
	b = binary.AppendUvarint(b, p.end)
	b = binary.AppendUvarint(b, p.nGrows)
	b = binary.AppendUvarint(b, p.nRefused)
	for k, r := range p.walk() {
		b = binary.AppendUvarint(b, r.Len<<kindBits|uint64(k))
	}
	return closeFrame(b, start), nil
}

// MarshalBinary is AppendBinary to nothing.
func (p *Pages) MarshalBinary() ([]byte, error) { return p.AppendBinary(nil) }

// RestorePages returns an allocator in the state of the one that the snapshot was taken of, over a memory that has the same
// contents, or on which the caller will put them. The options are given anew. What the memory has beyond the snapshot's end
// is the guest's. The allocator is not frozen, and a [WithGap] that was left stays left.
//
// It fails with [ErrCorrupt] if the snapshot is not whole and consistent, is of a version that this package does not know,
// or is of a larger memory; with [ErrClosed] if the memory is closed; with [ErrInvalid] if g is nil, or if page 0 is owned
// and [WithPageZero] is not given; with [ErrOutOfMemory] if more is owned than the budget allows. The cost is that of the
// snapshot's length and of the words of the pages owned.
func RestorePages(g Grower, snapshot []byte, opts ...Option) (*Pages, error) {
	const op = "RestorePages"
	p, size, err := openPages(op, g, opts)
	if err != nil {
		return nil, err
	}
	if err := p.restore(snapshot, size); err != nil {
		return nil, &Error{Op: op, Size: uint64(len(snapshot)), Err: err}
	}
	p.meet(size)
	return p, nil
}

// restore brings p, which knows of no page, into the state that the snapshot tells of. It returns the bare reason of a
// failure.
func (p *Pages) restore(snapshot []byte, size uint64) error {
	s, err := openSnapshot(snapshot)
	if err != nil {
		return err
	}
	owned, err := s.check()
	switch {
	case err != nil:
		return err
	case s.end > size && p.closed():
		return ErrClosed
	case s.end > size:
		return errSmaller
	case s.ownsPageZero() && !p.opts.pageZero:
		return errZeroOwned
	case owned > p.opts.maxPages:
		return errBudget
	}
	p.cover(s)
	for k, r := range s.ranges() {
		switch k {
		case kindForeign:
			p.addForeign(uint64(r.End()))
		case kindFree:
			p.own(uint64(r.End()))
		case kindAllocated:
			p.advance(uint64(r.End()))
			p.m.Mark(uint64(r.Start))
			p.nRuns++
		}
	}
	p.nGrows, p.nRefused = s.nGrows, s.nRefused
	return nil
}

// cover makes room at once for what is owned in a snapshot; run by run it would be copied a dozen times for each time that
// its size doubles.
func (p *Pages) cover(s snapshot) {
	owned := Range{}
	for k, r := range s.ranges() {
		if k != kindForeign {
			owned.Len += r.Len
			continue
		}
		p.m.Cover(uint64(owned.Start), owned.Len)
		owned = Range{Start: r.End()}
	}
	p.m.Cover(uint64(owned.Start), owned.Len)
	p.m.Mark(p.end)
}

// snapshot is one of which the frame is as it should be.
type snapshot struct {
	end, nGrows, nRefused uint64
	body                  []byte // the ranges
}

// openFrame checks what is around a snapshot, and returns what is inside. It returns the bare reason of a failure.
func openFrame(b []byte, magic string, none error) (body []byte, err error) {
	if len(b) < snapshotHeader+snapshotTrailer || string(b[:len(magic)]) != magic {
		return nil, none
	}
	if b[len(magic)] != snapshotVersion {
		return nil, errVersion
	}
	b, sum := b[:len(b)-snapshotTrailer], binary.LittleEndian.Uint32(b[len(b)-snapshotTrailer:])
	if crc32.Checksum(b, castagnoli) != sum {
		return nil, errChecksum
	}
	return b[snapshotHeader:], nil
}

// closeFrame appends the checksum of a snapshot that begins at start.
func closeFrame(b []byte, start int) []byte {
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

// openSnapshot checks the frame and reads the fields.
func openSnapshot(b []byte) (s snapshot, err error) {
	if s.body, err = openFrame(b, snapshotMagic, errNoSnapshot); err != nil {
		return s, err
	}
	for _, field := range []*uint64{&s.end, &s.nGrows, &s.nRefused} {
		v, n := uvarint(s.body)
		if n == 0 {
			return s, errSnapshot
		}
		*field, s.body = v, s.body[n:]
	}
	if s.end > maxPages {
		return s, errSnapshot
	}
	return s, nil
}

// check returns how many pages are owned, if the ranges are as they should be.
func (s snapshot) check() (owned uint64, err error) {
	at, last := uint64(0), numKinds
	for k, r := range s.ranges() {
		if k >= numKinds || k == last && k != kindAllocated || r.Len == 0 || r.Len > s.end-at {
			return 0, errSnapshot
		}
		if k != kindForeign {
			owned += r.Len
		}
		at, last = at+r.Len, k
	}
	if at != s.end {
		return 0, errSnapshot
	}
	return owned, nil
}

// ownsPageZero reports whether page 0 is not the guest's.
func (s snapshot) ownsPageZero() bool {
	for k := range s.ranges() {
		return k != kindForeign
	}
	return false
}

// ranges yields the ranges; an empty one of no kind is the last if what follows cannot be read.
func (s snapshot) ranges() iter.Seq2[kind, Range] {
	return func(yield func(kind, Range) bool) {
		at := Page(0)
		for b := s.body; len(b) > 0; {
			v, n := uvarint(b)
			if n == 0 {
				yield(numKinds, Range{})
				return
			}
			r := Range{at, v >> kindBits}
			if !yield(kind(v&(1<<kindBits-1)), r) {
				return
			}
			at, b = r.End(), b[n:]
		}
	}
}

// uvarint is binary.Uvarint, which returns n = 0 also for a number that is not in its shortest form.
func uvarint(b []byte) (v uint64, n int) {
	v, n = binary.Uvarint(b)
	if n <= 0 || n > 1 && b[n-1] == 0 {
		return 0, 0
	}
	return v, n
}
