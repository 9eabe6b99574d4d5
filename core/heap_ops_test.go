package linmem_test

import (
	"fmt"
	"iter"

	linmem "github.com/linmem/linmem/core"
)

type heapOpKind byte

const (
	heapAlloc heapOpKind = iota
	heapAllocAligned
	heapFree
	heapResize
	heapRealloc
	heapSizeOf
	heapPut
	heapView
	heapReserve
	heapReset
	heapRestore
	arenaAlloc
	arenaAllocAligned
	arenaPut
	arenaResize
	arenaReset
	arenaFree
	localClose
	pagesAlloc // the heap's user takes pages from the same Pages
	pagesFree
	pagesFreeze
	guestGrows    // between two calls
	guestAmbushes // just before the host's next growth
	guestRefuses  // the host's next growth
	guestScribbles
	numHeapOps
)

var heapOpNames = [numHeapOps]string{
	"Alloc", "AllocAligned", "Free", "Resize", "Realloc", "SizeOf", "Put", "View", "Reserve", "Reset", "restore",
	"Arena.Alloc", "Arena.AllocAligned", "Arena.Put", "Arena.Resize", "Arena.Reset", "Arena.Free",
	"Local.Close", "Pages.Alloc", "Pages.Free", "Pages.Freeze", "guest grows", "guest ambushes", "guest refuses", "guest scribbles",
}

func (k heapOpKind) String() string { return heapOpNames[k] }

// heapOp is one step of a stream, with its arguments.
type heapOp struct {
	kind       heapOpKind
	arena      int
	who        int    // which Local makes the call, counted from 1; the heap itself if 0
	addr, size uint64 // bytes, or pages where the guest or the user of Pages is concerned
	align      uint64
}

// String returns the step as one would write it in a test.
func (o heapOp) String() string {
	call := o.kind.String()
	if o.who > 0 {
		call = fmt.Sprintf("local%d.%s", o.who, call)
	}
	switch o.kind {
	case heapAlloc, heapPut, heapReserve:
		return fmt.Sprintf("%s(%d)", call, o.size)
	case heapAllocAligned:
		return fmt.Sprintf("%s(%d, %d)", call, o.size, o.align)
	case heapFree, heapSizeOf:
		return fmt.Sprintf("%s(%#x)", call, o.addr)
	case heapResize, heapRealloc, heapView:
		return fmt.Sprintf("%s(%#x, %d)", call, o.addr, o.size)
	case arenaAlloc, arenaPut, arenaReset, arenaFree:
		return fmt.Sprintf("%s(%d) of arena %d", call, o.size, o.arena)
	case arenaAllocAligned:
		return fmt.Sprintf("%s(%d, %d) of arena %d", call, o.size, o.align, o.arena)
	case arenaResize:
		return fmt.Sprintf("%s(%#x, %d) of arena %d", call, o.addr, o.size, o.arena)
	}
	return fmt.Sprintf("(%s %#x, %d)", call, o.addr, o.size)
}

// numArenas and numLocals are how many of them a stream has.
const (
	numArenas = 2
	numLocals = 3
)

// blockCalls are the calls that a Heap, a Shared and a Local have in common.
type blockCalls interface {
	linmem.Allocator
	Alloc(size uint64) (addr uint64, err error)
	Realloc(addr, size uint64) (newAddr uint64, err error)
	SizeOf(addr uint64) (usable uint64, err error)
	Put(data []byte) (addr uint64, err error)
	View(addr, n uint64) ([]byte, error)
}

// heapCalls are the calls that a Heap and a Shared have in common.
type heapCalls interface {
	blockCalls
	Reserve(n uint64) error
	Reset() error
	All() iter.Seq2[uint64, uint64]
	NewArena() *linmem.Arena
	Pages() *linmem.Pages
	Stats() linmem.HeapStats
	Check() error
	MarshalBinary() ([]byte, error)
}

var (
	_ heapCalls  = (*linmem.Heap)(nil)
	_ heapCalls  = (*linmem.Shared)(nil)
	_ blockCalls = (*linmem.Local)(nil)
)

// side is a heap over a memory, and what was made of it.
type side struct {
	mem    *bytesMemory
	heap   heapCalls
	arenas [numArenas]*linmem.Arena
	shared *linmem.Shared // nil if the heap is used as it is
	locals [numLocals]*linmem.Local
}

func newSide(mem *bytesMemory, heap *linmem.Heap, shared bool) *side {
	s := &side{mem: mem, heap: heap}
	if shared {
		s.shared = linmem.NewShared(heap)
		s.heap = s.shared
		for i := range s.locals {
			s.locals[i] = s.shared.Local()
		}
	}
	for i := range s.arenas {
		s.arenas[i] = s.heap.NewArena()
	}
	return s
}

// answer is what a call returned.
type answer struct {
	addr uint64 // or a usable size
	err  error
	view []byte
}

// call makes a call. What is put is a pattern, whose mark is the size.
func (s *side) call(o heapOp) (a answer) {
	h, arena := blockCalls(s.heap), s.arenas[o.arena]
	if o.who > 0 {
		h = s.locals[o.who-1]
	}
	switch o.kind {
	case heapAlloc:
		a.addr, a.err = h.Alloc(o.size)
	case heapAllocAligned:
		a.addr, a.err = h.AllocAligned(o.size, o.align)
	case heapFree:
		a.err = h.Free(o.addr)
	case heapResize:
		a.err = h.Resize(o.addr, o.size)
	case heapRealloc:
		a.addr, a.err = h.Realloc(o.addr, o.size)
	case heapSizeOf:
		a.addr, a.err = h.SizeOf(o.addr)
	case heapPut:
		a.addr, a.err = h.Put(patterned(o.size))
	case heapView:
		a.view, a.err = h.View(o.addr, o.size)
	case heapReserve:
		a.err = s.heap.Reserve(o.size)
	case heapReset:
		a.err = s.heap.Reset()
	case arenaAlloc:
		a.addr, a.err = arena.Alloc(o.size)
	case arenaAllocAligned:
		a.addr, a.err = arena.AllocAligned(o.size, o.align)
	case arenaPut:
		a.addr, a.err = arena.Put(patterned(o.size))
	case arenaResize:
		a.err = arena.Resize(o.addr, o.size)
	case arenaReset:
		a.err = arena.Reset()
	case arenaFree:
		a.err = arena.Free()
	case localClose:
		a.err = s.locals[o.who-1].Close()
		s.locals[o.who-1] = s.shared.Local()
	case pagesAlloc:
		var r linmem.Range
		r, a.err = s.heap.Pages().Alloc(o.size)
		a.addr = r.Addr()
	case pagesFree:
		a.err = s.heap.Pages().Free(linmem.Range{Start: linmem.Page(o.addr / linmem.PageSize), Len: o.size})
	case pagesFreeze:
		s.heap.Pages().Freeze(o.size == 1)
	case guestGrows:
		s.mem.guestGrow(o.size)
	case guestAmbushes, guestRefuses:
		s.mem.script = append(s.mem.script, growth{guest: o.size, refuse: o.kind == guestRefuses})
	}
	return a
}

// patterned returns n bytes of the pattern whose mark is n.
func patterned(n uint64) []byte {
	b := make([]byte, n)
	fill(b, n)
	return b
}
