package guest

import (
	"sync/atomic"

	linmem "github.com/linmem/linmem/core"
)

// memory is a guest's memory until the [Guest] is closed.
type memory struct {
	*linmem.Pinned
	closed atomic.Bool
}

// Unpin is [linmem.Pinned.Unpin].
func (m *memory) Unpin() error {
	err := m.Pinned.Unpin()
	if m.closed.Load() {
		return &linmem.Error{Op: "Guest.Unpin", Err: linmem.ErrClosed}
	}
	return err
}

// Closed implements [linmem.Lifetime].
func (m *memory) Closed() bool { return m.closed.Load() || m.Pinned.Closed() }

// Pin is [linmem.Pinned.Pin].
func (m *memory) Pin() error {
	if m.closed.Load() {
		return &linmem.Error{Op: "Guest.Pin", Err: linmem.ErrClosed}
	}
	return m.Pinned.Pin()
}

func (m *memory) NumPages() uint64 {
	if m.closed.Load() {
		return 0
	}
	return m.Pinned.NumPages()
}

func (m *memory) Grow(delta uint64) (prev uint64, err error) {
	if m.closed.Load() {
		return 0, &linmem.Error{Op: "Guest.Heap", Size: delta * linmem.PageSize, Err: linmem.ErrClosed}
	}
	return m.Pinned.Grow(delta)
}

func (m *memory) View(addr, n uint64) ([]byte, error) {
	if m.closed.Load() {
		return nil, &linmem.Error{Op: "Guest.Heap", Addr: addr, Size: n, Err: linmem.ErrClosed}
	}
	return m.Pinned.View(addr, n)
}

// Discard implements [linmem.Discarder], as far as the memory below does.
func (m *memory) Discard(addr, n uint64) error {
	if m.closed.Load() {
		return &linmem.Error{Op: "Guest.Heap", Addr: addr, Size: n, Err: linmem.ErrClosed}
	}
	return m.Pinned.Discard(addr, n)
}
