package linmem_test

import (
	"errors"
	"fmt"

	linmem "github.com/linmem/linmem/core"
)

// spacePages is the size of a 64-bit address space.
const spacePages = 1 << 48

// errRefusedByGuest is what a guestMemory answers to a growth that it refuses.
var errRefusedByGuest = errors.New("memory.grow returned -1")

// guestMemory simulates the size of a linear memory that the host and the guest both grow, and the allocator of a guest
// that has pages to give.
type guestMemory struct {
	size, max uint64
	closed    bool
	script    []growth // what happens at the next growths by the host, and at the next calls of the guest's allocator
	asked     []uint64 // by how much the host asked to grow, refusals included
	sourced   []uint64 // how many pages the host asked the guest's allocator for, refusals included
}

// growth is what meets the host as it grows a memory, or asks the guest for pages.
type growth struct {
	guest  uint64 // pages that the guest adds just before, as far as the maximum allows
	refuse bool
	give   *linmem.Range // what the guest's allocator returns; new pages at the memory's end if nil
}

func (m *guestMemory) NumPages() uint64 {
	if m.closed {
		return 0
	}
	return m.size
}

func (m *guestMemory) Grow(delta uint64) (prev uint64, err error) {
	m.asked = append(m.asked, delta)
	if _, err = m.meet(); err != nil {
		return 0, err
	}
	return m.append(delta)
}

// arena is the guest's allocator, as WithSource wants it.
func (m *guestMemory) arena(n uint64) (linmem.Range, error) {
	m.sourced = append(m.sourced, n)
	now, err := m.meet()
	if err != nil {
		return linmem.Range{}, err
	}
	if now.give != nil {
		return *now.give, nil
	}
	prev, err := m.append(n)
	if err != nil {
		return linmem.Range{}, err
	}
	return linmem.Range{Start: linmem.Page(prev), Len: n}, nil
}

// meet has happen what the script says, and fails if that is a refusal.
func (m *guestMemory) meet() (now growth, err error) {
	if m.closed {
		return now, fmt.Errorf("simulated: %w", linmem.ErrClosed)
	}
	if len(m.script) > 0 {
		now, m.script = m.script[0], m.script[1:]
	}
	m.guestGrow(now.guest)
	if now.refuse {
		return now, errRefusedByGuest
	}
	return now, nil
}

func (m *guestMemory) append(delta uint64) (prev uint64, err error) {
	if delta > m.max-m.size {
		return 0, errRefusedByGuest
	}
	prev = m.size
	m.size += delta
	return prev, nil
}

// guestGrow grows the memory from inside, behind the allocator's back.
func (m *guestMemory) guestGrow(n uint64) {
	m.size += min(n, m.max-m.size)
}
