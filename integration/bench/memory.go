package bench

import (
	"errors"
	"fmt"

	linmem "github.com/linmem/linmem/core"

	nativemem "github.com/linmem/linmem/backends/native"
)

// MaxPages32 is the number of pages of a whole 32-bit memory.
const MaxPages32 = 1 << 16

// Memory is a linear memory whose size is a Go counter, so that an allocator which asks for it, or for a growth that
// cannot be, does not pay for a backend.
//
// Up to [MaxPages32] pages it has bytes, those of a native memory that grows along. A larger one has none: View fails
// with [linmem.ErrUnsupported].
type Memory struct {
	size, maximum uint64 // pages
	bytes         *nativemem.Memory
}

var errFullMemory = errors.New("the memory is at its maximum")

// NewMemory returns a memory of one page, which can grow to a maximum.
func NewMemory(maximum uint64) (*Memory, error) {
	m := &Memory{size: 1, maximum: maximum}
	if maximum > MaxPages32 {
		return m, nil
	}
	var err error
	if m.bytes, err = nativemem.New(1, maximum); err != nil {
		return nil, fmt.Errorf("a memory of up to %d pages: %w", maximum, err)
	}
	return m, nil
}

// NumPages implements [linmem.Grower].
func (m *Memory) NumPages() uint64 { return m.size }

// Grow implements [linmem.Grower].
func (m *Memory) Grow(delta uint64) (prev uint64, err error) {
	if delta > m.maximum-m.size {
		return 0, errFullMemory
	}
	if m.bytes != nil {
		if _, err := m.bytes.Grow(delta); err != nil {
			return 0, err
		}
	}
	prev = m.size
	m.size += delta
	return prev, nil
}

// View implements [linmem.Memory].
func (m *Memory) View(addr, n uint64) ([]byte, error) {
	if m.bytes == nil {
		return nil, &linmem.Error{Op: "bench.Memory.View", Addr: addr, Size: n, Err: linmem.ErrUnsupported}
	}
	return m.bytes.View(addr, n)
}

// Close unmaps the bytes.
func (m *Memory) Close() error {
	if m.bytes == nil {
		return nil
	}
	return m.bytes.Close()
}
