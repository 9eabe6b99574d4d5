package linmemtest

import linmem "github.com/linmem/linmem/core"

// FailAfter puts a fault around g: its first n growths by more than 0 pages go through, and every later one is refused.
//
// The result is a [linmem.Memory] whatever g is, so that any allocator can be put on it; View is
// [linmem.ErrUnsupported] unless g has it. Optional interfaces of g are hidden.
func FailAfter(n int, g linmem.Grower) linmem.Memory {
	refused := &linmem.Error{Op: "linmemtest.FailAfter", Err: linmem.ErrOutOfMemory}
	return &faulty{g, func(uint64) error {
		if n <= 0 {
			return refused
		}
		n--
		return nil
	}}
}

// GuestGrows puts a fault around g: directly before a growth by more than 0 pages, the guest grows the memory by the
// number of pages that next returns, behind the caller's back. The rest is as for [FailAfter].
func GuestGrows(next func() uint64, g linmem.Grower) linmem.Memory {
	return &faulty{g, func(uint64) error {
		_, err := g.Grow(next())
		return err
	}}
}

// faulty is a memory in which something happens before each growth.
type faulty struct {
	linmem.Grower
	before func(delta uint64) error
}

func (f *faulty) Grow(delta uint64) (prev uint64, err error) {
	if delta > 0 {
		if err := f.before(delta); err != nil {
			return 0, err
		}
	}
	return f.Grower.Grow(delta)
}

func (f *faulty) View(addr, n uint64) ([]byte, error) {
	if m, ok := f.Grower.(linmem.Memory); ok {
		return m.View(addr, n)
	}
	return nil, &linmem.Error{Op: "linmemtest.View", Addr: addr, Size: n, Err: linmem.ErrUnsupported}
}
