package linmemtest

import (
	"context"
	"fmt"
	"math"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

// NewGuestMemory returns the memory of an instance of [Module], with the guest's side of it: it implements [Guest].
func NewGuestMemory(inst guest.Instance) linmem.Memory {
	m := &guestMemory{inst.Memory(), inst}
	if d, ok := m.Memory.(linmem.Discarder); ok {
		return struct {
			*guestMemory
			linmem.Discarder
		}{m, d}
	}
	return m
}

type guestMemory struct {
	linmem.Memory
	inst guest.Instance
}

func (m *guestMemory) GuestGrow(delta uint64) (prev uint64, err error) {
	prev, err = m.call("grow", delta)
	if err == nil && (prev == math.MaxUint32 || prev == math.MaxUint64) { // -1 as an i32, or an i64
		err = fmt.Errorf("the guest's memory.grow by %d pages: %w", delta, linmem.ErrOutOfMemory)
	}
	return prev, err
}

func (m *guestMemory) GuestLoad(addr uint64) (byte, error) {
	b, err := m.call("load", addr)
	return byte(b), err
}

func (m *guestMemory) GuestStore(addr uint64, b byte) error {
	_, err := m.call("store", addr, uint64(b))
	return err
}

// call returns the first result, or 0 of a function that has none.
func (m *guestMemory) call(name string, args ...uint64) (uint64, error) {
	results, err := m.inst.Call(context.Background(), name, args...)
	if err != nil || len(results) == 0 {
		return 0, err
	}
	return results[0], nil
}
