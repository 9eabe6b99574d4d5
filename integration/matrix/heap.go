package matrix

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/integration/zaplog"
	"go.uber.org/zap/zaptest"
)

// heapFixture is a guest, and a heap on its memory.
type heapFixture struct {
	*fixture
	heap *linmem.Heap
}

// newHeap returns a heap on the fixture's pages.
func (f *fixture) newHeap() *heapFixture {
	f.Helper()
	h, err := linmem.NewHeap(f.mem, linmem.WithPages(f.pages))
	if err != nil {
		f.Fatal(err)
	}
	return f.withHeap(h)
}

// restoreHeap returns the heap of a snapshot, or a new one if that is nil, which owns maxPages at most.
func (f *fixture) restoreHeap(snapshot []byte, maxPages uint64) *heapFixture {
	f.Helper()
	opts := []linmem.Option{linmem.WithMaxPages(maxPages), linmem.WithObserver(zaplog.Observer(zaptest.NewLogger(f)))}
	h, err := linmem.NewHeap(f.mem, opts...)
	if snapshot != nil {
		h, err = linmem.RestoreHeap(f.mem, snapshot, opts...)
	}
	if err != nil {
		f.Fatal(err)
	}
	return f.withHeap(h)
}

// withHeap has the heap checked at the end.
func (f *fixture) withHeap(h *linmem.Heap) *heapFixture {
	hf := &heapFixture{f, h}
	f.Cleanup(hf.check)
	return hf
}

func (f *heapFixture) check() {
	f.Helper()
	if err := f.heap.Check(); err != nil {
		f.Fatal(err)
	}
}

func (f *heapFixture) free(addr uint64) {
	f.Helper()
	if err := f.heap.Free(addr); err != nil {
		f.Fatal(err)
	}
}

// block is a range of bytes with contents, in an allocation or elsewhere in the memory.
type block struct {
	addr, size uint64
	contents   contents
}

// write fills a block.
func (f *fixture) write(b block) {
	f.Helper()
	b.contents.fill(f.view(b.addr, b.size))
}

// verify requires the first n bytes of a block to be as they were written.
func (f *fixture) verify(b block, n uint64) {
	f.Helper()
	if view := f.view(b.addr, n); !b.contents.are(view, 0) {
		f.Fatalf("%d bytes at %#x, written with stamp %d, have changed: %.32x…", b.size, b.addr, b.contents, view)
	}
}

// guestReads requires the guest to see what was written: the last bytes of the block, 4 KiB at most, since some guests are
// interpreted.
func (f *fixture) guestReads(b block) {
	f.Helper()
	n := min(b.size, 4096)
	addr := b.addr + b.size - n
	f.guestHashes(addr, f.view(addr, n))
}

// guestHashes requires the guest to see these bytes at addr.
func (f *fixture) guestHashes(addr uint64, want []byte) {
	f.Helper()
	h := fnv.New64a()
	h.Write(want)
	want64 := h.Sum64()
	if got := f.call("fnv1a", addr, uint64(len(want)))[0]; got != want64 {
		f.Errorf("the guest hashes %d bytes at %#x to %#x, the host to %#x", len(want), addr, got, want64)
	}
}

// contents are a stamp and noise, over and over: each block has its own, bytes that are moved by less than a period are
// noticed, and all of it compresses well.
type contents uint64

// periodBytes is a prime, so that no two places with the same bytes have a distance that an allocator likes.
const periodBytes = 509

var noise = func() (b [periodBytes]byte) {
	rng := rand.New(rand.NewPCG(5, 9))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}()

func (c contents) period() [periodBytes]byte {
	p := noise
	binary.LittleEndian.PutUint64(p[:], uint64(c))
	return p
}

func (c contents) fill(b []byte) {
	p := c.period()
	for n := copy(b, p[:]); n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
}

// are reports whether b has the contents from byte offset on.
func (c contents) are(b []byte, offset uint64) bool {
	p := c.period()
	first := append(p[offset%periodBytes:], p[:offset%periodBytes]...)
	if len(b) <= periodBytes {
		return bytes.Equal(b, first[:len(b)])
	}
	return bytes.Equal(b[:periodBytes], first) && bytes.Equal(b[periodBytes:], b[:len(b)-periodBytes])
}
