package zigref_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

const (
	pageSize = linmem.PageSize
	gib4     = uint64(1) << 32 // where 32-bit addresses end
)

// flatMemory has its bytes made once, at the maximum, and never moves. Pages that nobody touches cost nothing.
type flatMemory struct {
	pages, max uint64
	data       []byte
}

func newFlatMemory(pages, maxPages uint64) *flatMemory {
	return &flatMemory{pages: pages, max: maxPages, data: make([]byte, maxPages*pageSize)}
}

func (m *flatMemory) NumPages() uint64 { return m.pages }

func (m *flatMemory) Grow(delta uint64) (prev uint64, err error) {
	if delta > m.max-m.pages {
		return 0, errMemoryIsFull
	}
	m.pages += delta
	return m.pages - delta, nil
}

func (m *flatMemory) View(addr, n uint64) ([]byte, error) {
	return linmem.Subslice("flatMemory.View", m.data[:m.pages*pageSize], addr, n)
}

// sparseMemory keeps the pages that somebody looked at and no others, so it can have any size; no View reaches from one
// page into another. Its bytes move at every growth, and a stale view shows garbage from then on.
type sparseMemory struct {
	pages, max uint64
	data       map[uint64][]byte
	growths    int      // calls of Grow by more than 0 pages, refused ones included
	viewed     []uint64 // the pages that View was asked for, in order of the first time
}

func newSparseMemory(pages, maxPages uint64) *sparseMemory {
	return &sparseMemory{pages: pages, max: maxPages, data: map[uint64][]byte{}}
}

func (m *sparseMemory) NumPages() uint64 { return m.pages }

func (m *sparseMemory) Grow(delta uint64) (prev uint64, err error) {
	if delta > 0 {
		m.growths++
	}
	if delta > m.max-m.pages {
		return 0, errMemoryIsFull
	}
	if delta > 0 {
		for page, old := range m.data {
			m.data[page] = append([]byte(nil), old...)
			for i := range old {
				old[i] = 0xdb
			}
		}
	}
	m.pages += delta
	return m.pages - delta, nil
}

func (m *sparseMemory) View(addr, n uint64) ([]byte, error) {
	const op = "sparseMemory.View"
	page, offset := addr/pageSize, addr%pageSize
	switch size := m.pages * pageSize; {
	case addr > size || n > size-addr:
		return nil, &linmem.Error{Op: op, Addr: addr, Size: n, Err: linmem.ErrOutOfBounds}
	case offset+n > pageSize:
		return nil, &linmem.Error{Op: op, Addr: addr, Size: n, Err: linmem.ErrUnsupported}
	}
	if !slices.Contains(m.viewed, page) {
		m.viewed = append(m.viewed, page)
	}
	return linmem.Subslice(op, m.guest(page), offset, n)
}

// guest returns a page as the guest has it: for the moment, and without being taken for a View.
func (m *sparseMemory) guest(page uint64) []byte {
	if m.data[page] == nil {
		m.data[page] = make([]byte, pageSize)
	}
	return m.data[page]
}

// closableMemory is a memory whose owner can be closed.
type closableMemory struct {
	linmem.Memory
	closed bool
}

func (m *closableMemory) NumPages() uint64 {
	if m.closed {
		return 0
	}
	return m.Memory.NumPages()
}

func (m *closableMemory) Grow(delta uint64) (prev uint64, err error) {
	if m.closed {
		return 0, errMemoryIsClosed
	}
	return m.Memory.Grow(delta)
}

func (m *closableMemory) View(addr, n uint64) ([]byte, error) {
	if m.closed {
		return nil, errMemoryIsClosed
	}
	return m.Memory.View(addr, n)
}

// They are made once, since the tests count what an allocator allocates.
var (
	errMemoryIsFull   = &linmem.Error{Op: "Memory.Grow", Err: linmem.ErrOutOfMemory}
	errMemoryIsClosed = &linmem.Error{Op: "Memory", Err: linmem.ErrClosed}
)

// wantError checks that an error is of the kind and says of which call it is, on what.
func wantError(t *testing.T, got, want error, op string, addr, n uint64) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s(%#x, %d bytes): %v, want: %v", op, addr, n, got, want)
		return
	}
	var e *linmem.Error
	if !errors.As(got, &e) {
		t.Errorf("%s: %v is no *linmem.Error", op, got)
	} else if e.Op != op || e.Addr != addr || e.Size != n {
		t.Errorf("the error is of %s(%#x, %d bytes), want %s(%#x, %d bytes)", e.Op, e.Addr, e.Size, op, addr, n)
	} else if inner := (*linmem.Error)(nil); errors.As(e.Err, &inner) {
		t.Errorf("%v names the memory's call as well", got)
	}
}

// view returns bytes of a memory.
func view(t *testing.T, m linmem.Memory, addr, n uint64) []byte {
	t.Helper()
	b, err := m.View(addr, n)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	tooManyBytes = math.MaxUint64
	highest      = math.MaxUint64 - pageSize + 1 // the address of the last page of 64 bits
)
