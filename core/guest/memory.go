package guest

import linmem "github.com/linmem/linmem/core"

// memory is a guest's memory until the [Guest] is closed.
type memory struct {
	linmem.Memory
	closed bool
}

func (m *memory) NumPages() uint64 {
	if m.closed {
		return 0
	}
	return m.Memory.NumPages()
}

func (m *memory) Grow(delta uint64) (prev uint64, err error) {
	if m.closed {
		return 0, &linmem.Error{Op: "Guest.Heap", Size: delta * linmem.PageSize, Err: linmem.ErrClosed}
	}
	return m.Memory.Grow(delta)
}

func (m *memory) View(addr, n uint64) ([]byte, error) {
	if m.closed {
		return nil, &linmem.Error{Op: "Guest.Heap", Addr: addr, Size: n, Err: linmem.ErrClosed}
	}
	return m.Memory.View(addr, n)
}

// Discard implements [linmem.Discarder], as far as the memory below does.
func (m *memory) Discard(addr, n uint64) error {
	d, ok := m.Memory.(linmem.Discarder)
	if !ok || m.closed {
		err := linmem.ErrUnsupported
		if m.closed {
			err = linmem.ErrClosed
		}
		return &linmem.Error{Op: "Guest.Heap", Addr: addr, Size: n, Err: err}
	}
	return d.Discard(addr, n)
}
