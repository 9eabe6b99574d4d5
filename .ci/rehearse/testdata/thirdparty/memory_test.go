// Package user has a memory that nobody but its author knows, and holds it to the contract.
package user

import (
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
)

// memory is a linear memory in a Go slice.
type memory struct {
	data   []byte
	max    uint64 // pages
	closed bool
}

func (m *memory) NumPages() uint64 { return uint64(len(m.data)) / linmem.PageSize }

func (m *memory) Grow(delta uint64) (prev uint64, err error) {
	prev = m.NumPages()
	switch {
	case m.closed:
		return 0, &linmem.Error{Op: "user.Grow", Size: delta, Err: linmem.ErrClosed}
	case delta > m.max-prev:
		return 0, &linmem.Error{Op: "user.Grow", Size: delta, Err: linmem.ErrOutOfMemory}
	}
	m.data = append(m.data, make([]byte, delta*linmem.PageSize)...)
	return prev, nil
}

func (m *memory) View(addr, n uint64) ([]byte, error) {
	if m.closed {
		return nil, &linmem.Error{Op: "user.View", Addr: addr, Size: n, Err: linmem.ErrClosed}
	}
	return linmem.Subslice("user.View", m.data, addr, n)
}

func (m *memory) close() { m.data, m.closed = nil, true }

func config(wrap func(*memory) linmem.Memory) linmemtest.Config {
	return linmemtest.Config{
		New: func(maxPages uint64) (linmem.Memory, func(), error) {
			m := &memory{max: maxPages}
			return wrap(m), m.close, nil
		},
		MaxPages: 1_024, // 64 MiB
	}
}

func TestMemory(t *testing.T) {
	linmemtest.Run(t, config(func(m *memory) linmem.Memory { return m }))
}

// oversized gives out views that an append would write past.
type oversized struct{ *memory }

func (m oversized) View(addr, n uint64) ([]byte, error) {
	if _, err := m.memory.View(addr, n); err != nil {
		return nil, err
	}
	return m.data[addr : addr+n], nil
}

// TestSuiteRefuses holds that the suite tells a memory that breaks the contract.
func TestSuiteRefuses(t *testing.T) {
	if err := linmemtest.Check(config(func(m *memory) linmem.Memory { return oversized{m} })); err == nil {
		t.Error("the suite passes a memory whose views have a capacity beyond their length")
	}
}
