package linmem_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// savedHeap is a snapshot, and how large the memory was.
type savedHeap struct {
	snapshot []byte
	size     uint64
}

// heapSnapshots returns snapshots of all heapStates but the longest.
func heapSnapshots(tb testing.TB) (all []savedHeap) {
	tb.Helper()
	for _, s := range heapStates {
		h, mem := heapIn(tb, 100, s.opts...)
		s.use(tb, h)
		if snapshot := saveHeap(tb, h); len(snapshot) < 4000 {
			all = append(all, savedHeap{snapshot, mem.size})
		}
	}
	return all
}

// flatMemory is a memory of that size, without bytes.
type flatMemory struct{ *toyMemory }

func (flatMemory) View(addr, n uint64) ([]byte, error) {
	return nil, &linmem.Error{Op: "View", Addr: addr, Size: n, Err: linmem.ErrUnsupported}
}

func flat(size uint64) linmem.Memory { return flatMemory{&toyMemory{size: size, max: size + 10}} }

func TestRestoreHeapOfDamagedSnapshots(t *testing.T) {
	all := heapSnapshots(t)
	if len(all) < 5 {
		t.Fatalf("only %d snapshots", len(all))
	}
	refuse := func(damaged []byte, how string) {
		h, err := linmem.RestoreHeap(flat(9000), damaged, linmem.WithPageZero())
		if h != nil || class(err) != linmem.ErrCorrupt {
			t.Fatalf("%s: %x: returned %v, %v, want the error %v", how, damaged, h, err, linmem.ErrCorrupt)
		}
	}
	for _, s := range all {
		snapshot := s.snapshot
		if _, err := linmem.RestoreHeap(flat(9000), snapshot, linmem.WithPageZero()); err != nil {
			t.Fatal(err)
		}
		for damaged, how := range damages(snapshot, all[0].snapshot) {
			refuse(damaged, how)
		}
	}
}

// heapParts are the parts of a heap's snapshot: the head, the snapshot of its pages, and what follows, the checksum aside.
type heapParts struct{ head, pages, rest []byte }

const heapHead = len("linmemH") + 1

func partsOf(tb testing.TB, snapshot []byte) heapParts {
	tb.Helper()
	b := body(tb, snapshot)
	n, width := binary.Uvarint(b[heapHead:])
	pages := b[heapHead+width:]
	return heapParts{b[:heapHead], body(tb, pages[:n]), pages[n:]}
}

// sealed returns a snapshot whose checksums are right.
func (p heapParts) sealed() []byte {
	pages := sealed(p.pages)
	return sealed(slices.Concat(p.head, numbers(uint64(len(pages))), pages, p.rest))
}

// Whoever can compute a checksum can write any snapshot. One that is accepted is one that the heap would write.
func TestRestoreHeapOfForgedSnapshots(t *testing.T) {
	accepted, refused := 0, 0
	for _, s := range heapSnapshots(t) {
		if len(s.snapshot) > 300 && testing.Short() {
			continue
		}
		forge := func(snapshot []byte) {
			if restoresHeapToItself(t, flat(s.size), snapshot) {
				accepted++
			} else {
				refused++
			}
		}
		p := partsOf(t, s.snapshot)
		if !bytes.Equal(p.sealed(), s.snapshot) {
			t.Fatal("the parts are not the whole")
		}
		for _, part := range []*[]byte{&p.pages, &p.rest} {
			was := slices.Clone(*part)
			for i := range was {
				step := 16
				if len(was) > 40 {
					step = 1 + len(was)/2
				}
				for v := i % step; v < 256; v += step {
					*part = slices.Clone(was)
					(*part)[i] = byte(v)
					forge(p.sealed())
					*part = slices.Insert(slices.Clone(was), i, byte(v))
					forge(p.sealed())
				}
				*part = was[:i]
				forge(p.sealed())
				*part = slices.Delete(slices.Clone(was), i, i+1)
				forge(p.sealed())
				*part = slices.Concat(was, was[i:])
				forge(p.sealed())
			}
			for v := range 256 {
				*part = append(slices.Clone(was), byte(v))
				forge(p.sealed())
			}
			*part = append(slices.Clone(was), bytes.Repeat([]byte{0xFF}, 20)...)
			forge(p.sealed())
			*part = was
		}
		whole := body(t, s.snapshot)
		for i := range min(len(whole), 12) { // the head, and the length of what follows
			for v := range 256 {
				forged := slices.Clone(whole)
				forged[i] = byte(v)
				forge(sealed(forged))
			}
		}
	}
	if accepted < 100 || refused < 100 {
		t.Errorf("accepted %d and refused %d: that is no fair choice", accepted, refused)
	}
}

// Here the checksums are right, and the counters of what was asked for are not.
func TestRestoreHeapOfContradictions(t *testing.T) {
	h, err := linmem.NewHeap(flat(1))
	must(t, err)
	p := partsOf(t, saveHeap(t, h))
	zeros := len(p.rest) // of each class, that of 16 bytes first: how many allocations, and of how many bytes
	if !bytes.Equal(p.rest, make([]byte, zeros)) {
		t.Fatalf("an unused heap has %x", p.rest)
	}
	tests := []struct {
		name     string
		counters []uint64
		err      error
	}{
		{"None", nil, nil},
		{"AllWereFreed", []uint64{1, 16}, nil},
		{"AllOfThemEmpty", []uint64{9, 0}, nil},
		{"AskedForMoreThanASlotHolds", []uint64{1, 17}, linmem.ErrCorrupt},
		{"AskedForByNobody", []uint64{0, 1}, linmem.ErrCorrupt},
		{"MoreThanCanBeCounted", []uint64{math.MaxUint64, 0}, linmem.ErrCorrupt},
		{"ProductWraps", []uint64{1 << 60, 16}, linmem.ErrCorrupt},
	}
	for _, tt := range tests {
		forged := heapParts{p.head, p.pages, append(numbers(tt.counters...), p.rest[len(tt.counters):]...)}
		h, err := linmem.RestoreHeap(flat(1), forged.sealed())
		if class(err) != tt.err || (h == nil) != (err != nil) {
			t.Errorf("%s: returned %v, want the error %v", tt.name, err, tt.err)
		}
	}
}

// restoresHeapToItself reports whether a snapshot is accepted, and fails if what comes of that is not as it should be.
func restoresHeapToItself(t *testing.T, mem linmem.Memory, snapshot []byte, opts ...linmem.Option) bool {
	t.Helper()
	surplus := false
	observer := linmem.WithObserver(&linmem.Observer{Foreign: func(linmem.Range) { surplus = true }})
	h, err := linmem.RestoreHeap(mem, snapshot, append(opts, linmem.WithPageZero(), observer)...)
	if err != nil {
		if c := class(err); h != nil || c != linmem.ErrCorrupt && c != linmem.ErrOutOfMemory {
			t.Fatalf("%x: returned %v, %v", snapshot, h, err)
		}
		return false
	}
	if err := h.Check(); err != nil {
		t.Fatalf("%x: %v", snapshot, err)
	}
	if again := saveHeap(t, h); !surplus && !bytes.Equal(again, snapshot) {
		t.Fatalf("the snapshot %x became %x", snapshot, again)
	}
	// It is as good as any other to go on with.
	sum := uint64(0)
	for addr, size := range h.All() {
		if addr == 0 {
			t.Fatalf("%x: has an allocation at address 0", snapshot)
		}
		sum += size
	}
	if stats := h.Stats(); stats.Live != sum || stats.Committed > mem.NumPages()*linmem.PageSize {
		t.Fatalf("%x: the stats are %+v, and All has %d bytes", snapshot, stats, sum)
	}
	for _, addr := range slices.Collect(keys(h)) {
		if err := h.Free(addr); err != nil {
			t.Fatalf("%x: Free(%#x) of what All has: %v", snapshot, addr, err)
		}
	}
	for _, size := range []uint64{1, 100, 3000, 70_000} {
		if _, err := h.Alloc(size); err != nil && class(err) != linmem.ErrOutOfMemory {
			t.Fatalf("%x: Alloc(%d): %v", snapshot, size, err)
		}
	}
	if err := h.Check(); err != nil {
		t.Fatalf("%x: after some calls: %v", snapshot, err)
	}
	return true
}

// What a snapshot says is believed only as far as the memory goes.
func TestRestoreHeapCosts(t *testing.T) {
	const size = 1 << 20
	whole, err := linmem.NewHeap(flat(1))
	must(t, err)
	p := partsOf(t, saveHeap(t, whole))
	huge := heapParts{p.head, append([]byte("linmemP\x01"), numbers(size, 0, 0, foreignPages(1), usedPages(size-1))...), p.rest}
	long := heapParts{p.head, p.pages, append(slices.Clone(p.rest), numbers(1, math.MaxUint64>>1)...)}
	for name, snapshot := range map[string][]byte{
		"MuchOwned":      huge.sealed(),
		"MuchHeld":       long.sealed(),
		"LongPages":      sealed(slices.Concat(p.head, numbers(1<<40), p.rest)),
		"LongestPages":   sealed(slices.Concat(p.head, numbers(math.MaxUint64), p.rest)),
		"NothingButHead": sealed(p.head),
		"PagesOnly":      sealed(slices.Concat(p.head, numbers(uint64(len(p.pages)+4)), sealed(p.pages))),
	} {
		var err error
		n := bytesAllocated(func() { _, err = linmem.RestoreHeap(flat(100), snapshot) })
		if class(err) != linmem.ErrCorrupt {
			t.Errorf("%s: returned the error %v", name, err)
		}
		if limit := uint64(64 << 10); n > limit {
			t.Errorf("%s: allocates %d bytes, want %d at most", name, n, limit)
		}
	}
}

// FuzzRestoreHeap reads an input as a snapshot for a memory of some size and budget; with seal, its checksum is made right.
func FuzzRestoreHeap(f *testing.F) {
	for _, s := range heapSnapshots(f) {
		if len(s.snapshot) < 1000 {
			p := partsOf(f, s.snapshot)
			f.Add(p.pages, p.rest, uint16(s.size), uint16(9000), true)
			f.Add(s.snapshot, []byte(nil), uint16(s.size), uint16(9000), false)
			f.Add(p.pages, p.rest, uint16(20), uint16(7), true)
		}
	}
	f.Fuzz(func(t *testing.T, pages, rest []byte, size, budget uint16, seal bool) {
		snapshot := append(slices.Clone(pages), rest...)
		if seal {
			snapshot = heapParts{[]byte("linmemH\x01"), pages, rest}.sealed()
		}
		restoresHeapToItself(t, flat(uint64(size)), snapshot, linmem.WithMaxPages(uint64(budget)))
	})
}
