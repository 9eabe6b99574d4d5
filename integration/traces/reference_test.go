package traces_test

import (
	"errors"
	"math/bits"

	"github.com/linmem/linmem/integration/traces"
)

var errNotLive = errors.New("not live")

// reference is an allocator that is obviously right: sizes are rounded up to powers of two, blocks that are free are kept
// by size and alignment, and a resize always moves.
type reference struct {
	memory []byte
	live   map[uint64]slot
	free   map[slot][]uint64
}

type slot struct{ size, align uint64 }

func newReference() *reference {
	return &reference{memory: make([]byte, 16), live: map[uint64]slot{}, free: map[slot][]uint64{}}
}

func (r *reference) Alloc(size uint64) (uint64, error) {
	return r.AllocAligned(size, traces.DefaultAlign(size))
}

func (r *reference) AllocAligned(size, align uint64) (addr uint64, err error) {
	s := slot{1 << bits.Len64(max(size, 16)-1), max(16, align)}
	if list := r.free[s]; len(list) > 0 {
		addr = list[len(list)-1]
		r.free[s] = list[:len(list)-1]
	} else {
		addr = (uint64(len(r.memory)) + s.align - 1) &^ (s.align - 1)
		r.memory = append(r.memory, make([]byte, addr+s.size-uint64(len(r.memory)))...)
	}
	r.live[addr] = s
	return addr, nil
}

func (r *reference) Realloc(addr, size uint64) (uint64, error) {
	old, ok := r.live[addr]
	if !ok {
		return 0, errNotLive
	}
	to, err := r.Alloc(size)
	if err != nil {
		return 0, err
	}
	copy(r.memory[to:][:size], r.memory[addr:][:old.size])
	return to, r.Free(addr)
}

func (r *reference) Free(addr uint64) error {
	s, ok := r.live[addr]
	if !ok {
		return errNotLive
	}
	delete(r.live, addr)
	r.free[s] = append(r.free[s], addr)
	return nil
}

func (r *reference) View(addr, n uint64) ([]byte, error) { return r.memory[addr:][:n:n], nil }
