package guest_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	linmem "github.com/linmem/linmem/core"
)

// fakeHeap is the allocator of a fake guest. It places blocks first fit in what its toolchain's sbrk gives it, and writes to
// the memory as real ones do: a header before each block, tags at both ends of what it gets, and in blocks of the guest's
// own a pattern in each byte. What the guest believes about its memory is in the fields; whether that is so shows in the
// bytes.
type fakeHeap struct {
	mem  linmem.Memory
	base uint64 // __heap_base

	// brk and brkMax are what a toolchain's sbrk remembers: where the next bytes come from, and where it believes that the
	// memory ends.
	brk, brkMax uint64

	// first runs before the first allocation, more gets n bytes.
	first func(*fakeHeap) error
	more  func(h *fakeHeap, n uint64) (fakeRange, error)
	begun bool

	bump  bool         // nothing is used twice
	host  *linmem.Heap // where the guest imports its allocator
	given []fakeRange  // all that the guest takes for its own
	free  []fakeRange  // ascending

	blocks  []*fakeBlock // live ones, in the order of allocation
	serial  uint64
	nFailed int // calls of free that named no block
}

type fakeRange struct{ addr, end uint64 }

type fakeBlock struct {
	addr, size uint64
	id         uint64
	align      uint64 // that a caller asked for
	lent       bool   // to the caller of an export, who writes to it
	pinned     bool
}

// errNone says that the guest has no more memory.
var errNone = errors.New("fake: no memory")

// errTrap is what a fake runtime says of a guest that died.
var errTrap = errors.New("fake: trap")

const (
	fakeHeader = 16
	fakeAlign  = 16
)

func roundUp(n, to uint64) uint64 { return (n + to - 1) / to * to }

func (h *fakeHeap) end() uint64 { return h.mem.NumPages() * linmem.PageSize }

// malloc allocates. Its error is errNone, or that of a guest that died.
func (h *fakeHeap) malloc(size uint64, lent bool) (*fakeBlock, error) {
	if !h.begun {
		h.begun = true
		if h.first != nil {
			if err := h.first(h); err != nil {
				return nil, err
			}
		}
	}
	need := roundUp(size, fakeAlign) + fakeHeader
	at, err := h.take(need)
	if err != nil {
		return nil, err
	}
	h.serial++
	b := &fakeBlock{addr: at + fakeHeader, size: size, id: h.serial, lent: lent}
	if err := h.write(at, b.header()); err != nil {
		return nil, err
	}
	if !lent {
		if err := h.write(b.addr, b.pattern()); err != nil {
			return nil, err
		}
	}
	h.blocks = append(h.blocks, b)
	return b, nil
}

func (h *fakeHeap) take(need uint64) (addr uint64, err error) {
	if h.more == nil {
		if h.host == nil {
			return 0, fmt.Errorf("%w: the host's allocator is not bound", errTrap)
		}
		addr, err = h.host.Alloc(need)
		if errors.Is(err, linmem.ErrOutOfMemory) {
			err = errNone
		}
		return addr, err
	}
	for {
		i := slices.IndexFunc(h.free, func(r fakeRange) bool { return r.end-r.addr >= need })
		if i >= 0 {
			addr = h.free[i].addr
			if h.free[i].addr += need; h.free[i].addr == h.free[i].end {
				h.free = slices.Delete(h.free, i, i+1)
			}
			return addr, nil
		}
		r, err := h.more(h, need)
		if err != nil {
			return 0, err
		}
		if err := h.claim(r); err != nil {
			return 0, err
		}
	}
}

// claim has the guest take a range for its own.
func (h *fakeHeap) claim(r fakeRange) error {
	r.addr, r.end = roundUp(r.addr, fakeAlign), r.end/fakeAlign*fakeAlign
	if r.addr >= r.end {
		return nil
	}
	tag := slices.Repeat([]byte{0xf7}, fakeAlign)
	if err := errors.Join(h.write(r.addr, tag), h.write(r.end-fakeAlign, tag)); err != nil {
		return err
	}
	h.given = append(h.given, r)
	h.release(r)
	return nil
}

// release adds a range to the free ones, as one with those that touch it.
func (h *fakeHeap) release(r fakeRange) {
	i, _ := slices.BinarySearchFunc(h.free, r, func(a, b fakeRange) int { return int(int64(a.addr - b.addr)) })
	h.free = slices.Insert(h.free, i, r)
	if i+1 < len(h.free) && h.free[i].end == h.free[i+1].addr {
		h.free[i].end = h.free[i+1].end
		h.free = slices.Delete(h.free, i+1, i+2)
	}
	if i > 0 && h.free[i-1].end == h.free[i].addr {
		h.free[i-1].end = h.free[i].end
		h.free = slices.Delete(h.free, i, i+1)
	}
}

// freeAt frees the live block at an address. A guest that is asked for another dies.
func (h *fakeHeap) freeAt(addr uint64) error {
	i := slices.IndexFunc(h.blocks, func(b *fakeBlock) bool { return b.addr == addr })
	if i < 0 {
		h.nFailed++
		return fmt.Errorf("%w: free(%#x) of no block", errTrap, addr)
	}
	b := h.blocks[i]
	if err := h.checkBlock(b); err != nil {
		return fmt.Errorf("%w: %w", errTrap, err)
	}
	h.blocks = slices.Delete(h.blocks, i, i+1)
	at := b.addr - fakeHeader
	switch {
	case h.more == nil:
		return h.host.Free(at)
	case !h.bump:
		h.release(fakeRange{at, b.addr + roundUp(b.size, fakeAlign)})
	}
	return nil
}

func (h *fakeHeap) write(addr uint64, b []byte) error {
	view, err := h.mem.View(addr, uint64(len(b)))
	if err != nil {
		return fmt.Errorf("%w: %w", errTrap, err)
	}
	copy(view, b)
	return nil
}

func (b *fakeBlock) header() []byte {
	header := binary.LittleEndian.AppendUint64(nil, 0xb10c_b10c_b10c_b10c^b.addr)
	return binary.LittleEndian.AppendUint64(header, b.size)
}

func (b *fakeBlock) pattern() []byte { return pattern(b.id, b.size) }

// pattern returns bytes that differ from one id to the next.
func pattern(id, size uint64) []byte {
	const stride = 61
	from := id * stride % (1 << 20)
	return patterns[from : from+size : from+size]
}

// patterns are random bytes, of which none is 0: what the host or a guest clears is seen.
var patterns = func() []byte {
	b := make([]byte, 2<<20)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range b {
		b[i] = byte(1 + rng.Uint32N(255))
	}
	return b
}()

// checkBlock returns what somebody else wrote over.
func (h *fakeHeap) checkBlock(b *fakeBlock) error {
	got, err := h.mem.View(b.addr-fakeHeader, fakeHeader+b.size)
	if err != nil {
		return err
	}
	err = compare("the header of the guest's block", b.addr-fakeHeader, got, b.header())
	if err == nil && !b.lent {
		err = compare("the guest's block", b.addr, got[fakeHeader:], b.pattern())
	}
	return err
}

func compare(what string, addr uint64, got, want []byte) error {
	if bytes.Equal(got, want) {
		return nil
	}
	for i := range want {
		if got[i] != want[i] {
			return fmt.Errorf("%s at %#x of %d bytes: byte %d is %#x, not %#x", what, addr, len(want), i, got[i], want[i])
		}
	}
	return nil
}

func (h *fakeHeap) check() error {
	for _, b := range h.blocks {
		if err := h.checkBlock(b); err != nil {
			return err
		}
	}
	return nil
}

// nLent returns how many blocks callers of exports have.
func (h *fakeHeap) nLent() (n int) {
	for _, b := range h.blocks {
		if b.lent {
			n++
		}
	}
	return n
}

// work has the guest allocate that many bytes in blocks of all sizes, and free two of five on the way. It stops when there
// are no more, as guests do that have an answer to that. The error is that of a guest that died.
func (h *fakeHeap) work(rng *rand.Rand, nBytes uint64) error {
	for done := uint64(0); done < nBytes; {
		size := 1 + rng.Uint64N(24<<10)
		if rng.IntN(8) == 0 {
			size += rng.Uint64N(200 << 10)
		}
		if _, err := h.malloc(size, false); errors.Is(err, errNone) {
			return nil
		} else if err != nil {
			return err
		}
		done += size
		if rng.IntN(5) < 2 {
			b := h.blocks[rng.IntN(len(h.blocks))]
			if b.lent {
				continue
			}
			if err := h.freeAt(b.addr); err != nil {
				return err
			}
		}
	}
	return nil
}
