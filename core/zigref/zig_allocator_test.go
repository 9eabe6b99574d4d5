package zigref_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/zigref"
)

// zigFunctions is Zig's std.mem.Allocator.VTable.
type zigFunctions interface {
	Alloc(n uint64, log2Align uint8) (addr uint64, err error)
	Resize(addr, n uint64, log2Align uint8, newN uint64) bool
	Free(addr, n uint64, log2Align uint8) error
}

// pageFunctions are the page allocator's, which has no use for the alignment of an allocation that exists.
type pageFunctions struct{ *zigref.PageAllocator }

func (p pageFunctions) Resize(addr, n uint64, _ uint8, newN uint64) bool {
	return p.PageAllocator.Resize(addr, n, newN)
}

func (p pageFunctions) Free(addr, n uint64, _ uint8) error { return p.PageAllocator.Free(addr, n) }

// zigSlice is what Zig's []align(1 << log2Align) u8 is; here all sizes are bytes.
type zigSlice struct {
	addr, n   uint64
	log2Align uint8
}

// zigAllocator does what std.mem.Allocator does around an allocator's functions in Debug mode, where undefined bytes are
// 0xaa. It checks what mem.ValidationAllocator asserts, and more: each allocation is inside the memory and overlaps no
// other, and after every call all of them hold what was written to them.
type zigAllocator struct {
	t         *testing.T
	m         linmem.Memory
	functions zigFunctions
	live      map[uint64]*zigContents // by address
	calls     int                     // of functions
}

// zigContents is what a live allocation must hold.
type zigContents struct {
	n       uint64
	written map[uint64][]byte // by offset
}

const undefinedByte = 0xaa

func newZigAllocator(t *testing.T, m linmem.Memory, functions zigFunctions) *zigAllocator {
	return &zigAllocator{t: t, m: m, functions: functions, live: map[uint64]*zigContents{}}
}

// end checks that a test left nothing behind.
func (a *zigAllocator) end() {
	a.t.Helper()
	if len(a.live) != 0 {
		a.t.Errorf("%d allocations were not freed", len(a.live))
	}
}

func (a *zigAllocator) alloc(n uint64, log2Align uint8) zigSlice {
	a.t.Helper()
	s, err := a.tryAlloc(n, log2Align)
	if err != nil {
		a.t.Fatal(err)
	}
	return s
}

// tryAlloc is std.mem.Allocator's alloc and alignedAlloc.
func (a *zigAllocator) tryAlloc(n uint64, log2Align uint8) (zigSlice, error) {
	a.t.Helper()
	if n == 0 {
		return zigSlice{math.MaxUint32 &^ (1<<log2Align - 1), 0, log2Align}, nil
	}
	s, err := a.rawAlloc(n, log2Align)
	if err == nil {
		a.fill(s)
	}
	return s, err
}

func (a *zigAllocator) create(n uint64, log2Align uint8) zigSlice {
	a.t.Helper()
	if n == 0 {
		return zigSlice{addr: math.MaxUint32}
	}
	return a.alloc(n, log2Align)
}

func (a *zigAllocator) destroy(s zigSlice) {
	a.t.Helper()
	if s.n > 0 {
		a.rawFree(s)
	}
}

func (a *zigAllocator) free(s zigSlice) {
	a.t.Helper()
	if s.n > 0 {
		a.fill(s)
		a.rawFree(s)
	}
}

// resize returns the slice of the new size, or the old one and false.
func (a *zigAllocator) resize(s zigSlice, n uint64) (zigSlice, bool) {
	a.t.Helper()
	switch {
	case n == 0:
		a.free(s)
		return zigSlice{s.addr, 0, s.log2Align}, true
	case s.n == 0 || !a.rawResize(s, n):
		return s, false
	}
	return zigSlice{s.addr, n, s.log2Align}, true
}

func (a *zigAllocator) mustResize(s zigSlice, n uint64) zigSlice {
	a.t.Helper()
	s, ok := a.resize(s, n)
	if !ok {
		a.t.Fatalf("%d bytes at %#x cannot be resized to %d", s.n, s.addr, n)
	}
	return s
}

func (a *zigAllocator) realloc(s zigSlice, n uint64) zigSlice {
	a.t.Helper()
	switch {
	case s.n == 0:
		return a.alloc(n, s.log2Align)
	case n == 0:
		a.free(s)
		return zigSlice{math.MaxUint32 &^ (1<<s.log2Align - 1), 0, s.log2Align}
	case a.rawResize(s, n):
		return zigSlice{s.addr, n, s.log2Align}
	}
	moved, err := a.rawAlloc(n, s.log2Align)
	if err != nil {
		a.t.Fatal(err)
	}
	copied := min(n, s.n)
	copy(a.view(moved.addr, copied), a.view(s.addr, copied))
	a.live[moved.addr].written = a.live[s.addr].upTo(n)
	a.fill(s)
	a.rawFree(s)
	return moved
}

func (a *zigAllocator) rawAlloc(n uint64, log2Align uint8) (zigSlice, error) {
	a.t.Helper()
	a.calls++
	addr, err := a.functions.Alloc(n, log2Align)
	a.check()
	if err != nil {
		return zigSlice{}, err
	}
	if addr == 0 || addr%(1<<log2Align) != 0 {
		a.t.Fatalf("Alloc(%d, %d) = %#x, which is null or misaligned", n, log2Align, addr)
	}
	if addr+n > a.m.NumPages()*pageSize {
		a.t.Fatalf("Alloc(%d, %d) = %#x, past the end of %d pages", n, log2Align, addr, a.m.NumPages())
	}
	for other, c := range a.live {
		if addr < other+c.n && other < addr+n {
			a.t.Fatalf("Alloc(%d, %d) = %#x, which overlaps the %d bytes at %#x", n, log2Align, addr, c.n, other)
		}
	}
	a.live[addr] = &zigContents{n: n, written: map[uint64][]byte{}}
	return zigSlice{addr, n, log2Align}, nil
}

func (a *zigAllocator) rawResize(s zigSlice, n uint64) bool {
	a.t.Helper()
	c := a.contents(s)
	a.calls++
	ok := a.functions.Resize(s.addr, s.n, s.log2Align, n)
	if ok {
		c.n, c.written = n, c.upTo(n)
	}
	a.check()
	return ok
}

func (a *zigAllocator) rawFree(s zigSlice) {
	a.t.Helper()
	a.contents(s)
	delete(a.live, s.addr)
	a.calls++
	if err := a.functions.Free(s.addr, s.n, s.log2Align); err != nil {
		a.t.Fatal(err)
	}
	a.check()
}

// contents returns those of an allocation, which must be live and of that size: a test that frees another has a mistake.
func (a *zigAllocator) contents(s zigSlice) *zigContents {
	a.t.Helper()
	c := a.live[s.addr]
	if c == nil || c.n != s.n {
		a.t.Fatalf("the test takes %d bytes at %#x for an allocation", s.n, s.addr)
	}
	return c
}

// upTo returns what a copy of the first n bytes must hold.
func (c *zigContents) upTo(n uint64) map[uint64][]byte {
	written := map[uint64][]byte{}
	for offset, b := range c.written {
		if offset < n {
			written[offset] = b[:min(uint64(len(b)), n-offset)]
		}
	}
	return written
}

// check looks at the contents of all live allocations.
func (a *zigAllocator) check() {
	a.t.Helper()
	for addr, c := range a.live {
		for offset, want := range c.written {
			if got := a.view(addr+offset, uint64(len(want))); !bytes.Equal(got, want) {
				a.t.Fatalf("the %d bytes at %#x were % x at %d, and are % x now", c.n, addr, want, offset, got)
			}
		}
	}
}

// fill makes the bytes undefined.
func (a *zigAllocator) fill(s zigSlice) {
	a.t.Helper()
	a.contents(s).written = map[uint64][]byte{}
	b := a.view(s.addr, s.n)
	b[0] = undefinedByte
	for n := 1; n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
}

func (a *zigAllocator) write(s zigSlice, offset uint64, b ...byte) {
	a.t.Helper()
	a.contents(s).written[offset] = b
	copy(a.view(s.addr+offset, uint64(len(b))), b)
}

func (a *zigAllocator) expect(s zigSlice, offset uint64, want ...byte) {
	a.t.Helper()
	a.contents(s)
	if got := a.view(s.addr+offset, uint64(len(want))); !bytes.Equal(got, want) {
		a.t.Errorf("%#x + %d holds % x, want % x", s.addr, offset, got, want)
	}
}

func (a *zigAllocator) writeU32(s zigSlice, offset uint64, value uint32) {
	a.t.Helper()
	a.write(s, offset, binary.LittleEndian.AppendUint32(nil, value)...)
}

func (a *zigAllocator) readU32(s zigSlice, offset uint64) uint32 {
	a.t.Helper()
	a.contents(s)
	return binary.LittleEndian.Uint32(a.view(s.addr+offset, 4))
}

func (a *zigAllocator) samePlace(want, got zigSlice) {
	a.t.Helper()
	if got.addr != want.addr {
		a.t.Errorf("at %#x, want %#x", got.addr, want.addr)
	}
}

func (a *zigAllocator) view(addr, n uint64) []byte {
	a.t.Helper()
	return view(a.t, a.m, addr, n)
}
