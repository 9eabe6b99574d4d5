package linmem_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"iter"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// saved is a snapshot, and how large the memory was.
type saved struct {
	snapshot []byte
	size     uint64
}

// memory returns one that is as large as that.
func (s saved) memory() *toyMemory { return &toyMemory{size: s.size, max: s.size} }

// snapshots returns snapshots of different states.
func snapshots(tb testing.TB) (all []saved) {
	tb.Helper()
	for _, build := range []func(p *linmem.Pages) error{
		func(*linmem.Pages) error { return nil },
		func(p *linmem.Pages) error { return p.Reserve(5) },
		func(p *linmem.Pages) error { return p.Reserve(300) },
		func(p *linmem.Pages) error { _, err := p.Alloc(1); return err },
		func(p *linmem.Pages) error { _, err := p.Alloc(5000); return err },
		func(p *linmem.Pages) error { return p.Adopt(linmem.Range{Start: 2, Len: 1}) },
		func(p *linmem.Pages) error { return p.Adopt(linmem.Range{Start: 0, Len: 3}) },
		func(p *linmem.Pages) error {
			for n := range uint64(9) {
				r, err := p.Alloc(n + 1)
				if err != nil {
					return err
				}
				if n%3 == 1 {
					if err := p.Free(r); err != nil {
						return err
					}
				}
			}
			_, _ = p.Alloc(1 << 20) // a growth that is refused
			return p.Adopt(linmem.Range{Start: 1, Len: 1})
		},
	} {
		p, err := linmem.NewPages(&toyMemory{size: 3, max: 9000}, linmem.WithPageZero())
		if err != nil {
			tb.Fatal(err)
		}
		if err := build(p); err != nil {
			tb.Fatal(err)
		}
		all = append(all, saved{save(tb, p), p.Stats().Size})
	}
	p, err := linmem.NewPages(&toyMemory{})
	if err != nil {
		tb.Fatal(err)
	}
	return append(all, saved{save(tb, p), 0})
}

// sealed returns a snapshot of which the last four bytes are the checksum of the others.
func sealed(body []byte) []byte {
	return binary.LittleEndian.AppendUint32(slices.Clone(body), crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
}

// body returns a snapshot without its checksum.
func body(tb testing.TB, snapshot []byte) []byte {
	tb.Helper()
	b := snapshot[:len(snapshot)-4]
	if !bytes.Equal(sealed(b), snapshot) {
		tb.Fatalf("the checksum of %x is not computed as it should be", snapshot)
	}
	return b
}

// damages yields what a snapshot may become on its way, and how: a bit changed, something cut off or appended, or another
// snapshot before it.
func damages(snapshot, another []byte) iter.Seq2[[]byte, string] {
	return func(yield func([]byte, string) bool) {
		for i := range snapshot {
			for bit := range 8 {
				damaged := slices.Clone(snapshot)
				damaged[i] ^= 1 << bit
				if !yield(damaged, fmt.Sprintf("bit %d of byte %d is another", bit, i)) {
					return
				}
			}
			if !yield(snapshot[:i], fmt.Sprintf("cut after %d bytes", i)) ||
				!yield(snapshot[i+1:], fmt.Sprintf("the first %d bytes are missing", i+1)) {
				return
			}
		}
		for b := range 256 {
			if !yield(append(slices.Clone(snapshot), byte(b)), fmt.Sprintf("%#x is appended", b)) {
				return
			}
		}
		_ = yield(slices.Concat(snapshot, snapshot), "twice") && yield(slices.Concat(another, snapshot), "behind another")
	}
}

func TestRestoreOfDamagedSnapshots(t *testing.T) {
	all := snapshots(t)
	refuse := func(damaged []byte, how string) {
		p, err := linmem.RestorePages(&toyMemory{size: 9000, max: 9000}, damaged, linmem.WithPageZero())
		if p != nil || class(err) != linmem.ErrCorrupt {
			t.Fatalf("%s: %x: returned %v, %v, want the error %v", how, damaged, p, err, linmem.ErrCorrupt)
		}
	}
	for _, s := range all {
		snapshot := s.snapshot
		if _, err := linmem.RestorePages(s.memory(), snapshot, linmem.WithPageZero()); err != nil {
			t.Fatal(err)
		}
		for damaged, how := range damages(snapshot, all[0].snapshot) {
			refuse(damaged, how)
		}
	}
}

// Whoever can compute a checksum can write any snapshot. One that is accepted is one that the allocator would write.
func TestRestoreOfForgedSnapshots(t *testing.T) {
	accepted, refused := 0, 0
	for _, s := range snapshots(t) {
		forge := func(b []byte) {
			if restoresToItself(t, s.memory(), sealed(b)) {
				accepted++
			} else {
				refused++
			}
		}
		b := body(t, s.snapshot)
		for i := range b {
			for v := range 256 {
				forged := slices.Clone(b)
				forged[i] = byte(v)
				forge(forged)
				forge(slices.Insert(slices.Clone(b), i, byte(v)))
			}
			forge(b[:i])
			forge(slices.Delete(slices.Clone(b), i, i+1))
			forge(slices.Concat(b, b[i:]))
			if i > 0 {
				forged := slices.Clone(b)
				forged[i], forged[i-1] = forged[i-1], forged[i]
				forge(forged)
			}
		}
		for v := range 256 {
			forge(append(slices.Clone(b), byte(v)))
		}
		forge(append(slices.Clone(b), bytes.Repeat([]byte{0xFF}, 20)...))
	}
	if accepted < 100 || refused < 100 {
		t.Errorf("accepted %d and refused %d: that is no fair choice", accepted, refused)
	}
}

// restoresToItself reports whether a snapshot is accepted, and fails if what comes of that is not as it should be.
func restoresToItself(t *testing.T, mem linmem.Grower, snapshot []byte, opts ...linmem.Option) bool {
	t.Helper()
	surplus := false
	opts = append(opts, linmem.WithObserver(&linmem.Observer{Foreign: func(linmem.Range) { surplus = true }}))
	p, err := linmem.RestorePages(mem, snapshot, append(opts, linmem.WithPageZero())...)
	if err != nil {
		if c := class(err); p != nil || c != linmem.ErrCorrupt && c != linmem.ErrOutOfMemory {
			t.Fatalf("%x: returned %v, %v", snapshot, p, err)
		}
		return false
	}
	if err := p.Check(); err != nil {
		t.Fatalf("%x: %v", snapshot, err)
	}
	again := save(t, p)
	if !surplus && !bytes.Equal(again, snapshot) {
		t.Fatalf("the snapshot %x became %x", snapshot, again)
	}
	q, err := linmem.RestorePages(mem, again, append(opts, linmem.WithPageZero())...)
	if err != nil {
		t.Fatalf("%x became %x, and that is refused: %v", snapshot, again, err)
	}
	if got := save(t, q); !bytes.Equal(got, again) || q.Stats() != p.Stats() {
		t.Fatalf("the snapshot %x became %x, %+v, want %+v", again, got, q.Stats(), p.Stats())
	}
	return true
}
