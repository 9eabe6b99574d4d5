package linmem_test

import (
	"errors"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// sourced is a memory whose pages come from a list, and whose bytes cannot be seen while it is blind.
type sourced struct {
	*bytesMemory
	starts []uint64
	blind  bool
}

var errBlind = errors.New("nothing to be seen")

func (m *sourced) source(n uint64) (linmem.Range, error) {
	if len(m.starts) == 0 {
		return linmem.Range{}, errBlind
	}
	start := m.starts[0]
	m.starts = m.starts[1:]
	return linmem.Range{Start: linmem.Page(start), Len: n}, nil
}

func (m *sourced) View(addr, n uint64) ([]byte, error) {
	if m.blind {
		return nil, errBlind
	}
	return m.bytesMemory.View(addr, n)
}

func sourcedHeap(t *testing.T, starts ...uint64) (*linmem.Heap, *sourced) {
	t.Helper()
	m := &sourced{bytesMemory: newBytesMemory(2000, 2000, nil), starts: starts}
	h, err := linmem.NewHeap(m, linmem.WithSource(m.source))
	must(t, err)
	return h, m
}

// Pages come below those that are there, so that everything that the heap knows of its units moves.
func TestHeapMoves(t *testing.T) {
	t.Run("RangesThatBecomeOne", func(t *testing.T) {
		h, _ := sourcedHeap(t, 1, 100, 50)
		var addrs []uint64
		for range 3 {
			addrs = append(addrs, taken(t, h, linmem.PageSize))
			must(t, h.Check())
		}
		for _, addr := range addrs {
			must(t, h.Free(addr))
			must(t, h.Check())
		}
	})

	// A move that fails after it has brought pages leaves the block where it is, and shrinks it there.
	t.Run("ReallocThatCannotCopy", func(t *testing.T) {
		h, m := sourcedHeap(t, 1000, 2)
		addr := taken(t, h, 4*linmem.PageSize)
		m.blind = true
		got, err := h.Realloc(addr, 500)
		if err != nil || got != addr {
			t.Fatalf("Realloc returned %#x, %v, want %#x", got, err, addr)
		}
		must(t, h.Check())
		if usable, err := h.SizeOf(addr); err != nil || usable != 1024 {
			t.Errorf("the block has %d bytes, %v, want 1024", usable, err)
		}
		must(t, h.Free(addr))
		must(t, h.Check())
	})
}

// A Resize that fails takes no page from others.
func TestHeapResizeThatFailsTakesNothing(t *testing.T) {
	mem := newBytesMemory(1, 400, nil)
	p, err := linmem.NewPages(mem)
	must(t, err)
	h, err := linmem.NewHeap(mem, linmem.WithPages(p))
	must(t, err)
	addr := taken(t, h, linmem.PageSize)
	between, err := p.Alloc(100)
	must(t, err)
	_, err = p.Alloc(1) // the wall
	must(t, err)
	must(t, p.Free(between))
	before := p.Stats()
	fails(t, linmem.ErrOutOfMemory, h.Resize(addr, 200*linmem.PageSize))
	if after := p.Stats(); after != before {
		t.Errorf("the pages were %+v, and are %+v", before, after)
	}
	must(t, h.Resize(addr, 90*linmem.PageSize))
	must(t, h.Check())
}

// The newest block may be resized also where it has a chunk of its own.
func TestArenaResizeOwnChunk(t *testing.T) {
	h, _ := heapIn(t, 100)
	a := h.NewArena()
	_, err := a.Alloc(100)
	must(t, err)
	addr, err := a.Alloc(100 << 10)
	must(t, err)
	must(t, a.Resize(addr, 50<<10))
	must(t, a.Resize(addr, 100<<10))
	fails(t, linmem.ErrOutOfMemory, a.Resize(addr, 200<<10))
	small, err := a.Alloc(100) // in the first chunk yet
	must(t, err)
	if small > addr {
		t.Errorf("a small block is at %#x, past the large one", small)
	}
	fails(t, linmem.ErrOutOfMemory, a.Resize(addr, 50<<10))
	must(t, a.Free())
	sound(t, h)
}
