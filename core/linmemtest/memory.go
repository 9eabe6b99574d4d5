package linmemtest

import (
	"math/bits"

	linmem "github.com/linmem/linmem/core"
)

// NewMemory returns a memory in Go memory, of a size and a maximum in pages: the reference that the contract is easy to
// read from. It is the harshest memory that the contract allows, in that the bytes move at every growth and a stale view
// keeps the old ones.
//
// Bytes are made at the first View after a growth, so a memory that is only grown costs nothing, whatever its size.
// View of a memory of more than 8 GiB is [linmem.ErrUnsupported].
func NewMemory(pages, max uint64) linmem.Memory {
	return &memory{
		pages:   min(pages, max),
		max:     max,
		refused: &linmem.Error{Op: "linmemtest.Grow", Err: linmem.ErrOutOfMemory},
	}
}

// maxBytes keeps a mistaken View of a huge memory from taking the machine's.
const maxBytes = 8 << 30

type memory struct {
	pages, max uint64
	data       []byte // shorter than the size if nothing was viewed since the last growth
	refused    error  // made once, so that tests can count what an allocator allocates
}

func (m *memory) NumPages() uint64 { return m.pages }

func (m *memory) Grow(delta uint64) (prev uint64, err error) {
	if delta > m.max-m.pages {
		return 0, m.refused
	}
	m.pages += delta
	return m.pages - delta, nil
}

func (m *memory) View(addr, n uint64) ([]byte, error) {
	const op = "linmemtest.View"
	if hi, size := bits.Mul64(m.pages, linmem.PageSize); hi != 0 || size > maxBytes || uint64(int(size)) != size {
		return nil, &linmem.Error{Op: op, Addr: addr, Size: n, Err: linmem.ErrUnsupported}
	} else if uint64(len(m.data)) < size {
		moved := make([]byte, size)
		copy(moved, m.data)
		m.data = moved
	}
	return linmem.Subslice(op, m.data, addr, n)
}
