package linmem_test

import (
	"bytes"
	"math/rand/v2"
	"slices"

	linmem "github.com/linmem/linmem/core"
)

// bytesMemory is a guestMemory that has bytes. It remembers which pages the host grew it by, and fills the guest's with
// bytes that nobody may change.
type bytesMemory struct {
	guestMemory
	moves bool   // at each growth, and what was there before is spoiled, as the contract allows
	data  []byte // as large as the memory if it moves, else as large as it can get
	host  []bool // the pages that are the host's, whether it uses them or not
	gap   uint64 // pages of the next growth that stay the guest's

	calls int // of NumPages, Grow and View
}

// newBytesMemory returns a memory whose pages are the guest's. It uses the bytes of scratch, if these are enough.
func newBytesMemory(size, limit uint64, scratch []byte) *bytesMemory {
	m := &bytesMemory{guestMemory: guestMemory{size: size, max: limit}}
	if m.data = scratch; uint64(len(scratch)) < limit*linmem.PageSize {
		m.data = make([]byte, limit*linmem.PageSize)
	}
	m.meetPages()
	return m
}

// meetPages fills the pages that are there since the last call: they are the guest's.
func (m *bytesMemory) meetPages() {
	for i := uint64(len(m.host)); i < m.size; i++ {
		m.host = append(m.host, false)
		copy(m.page(i), guestBytes)
	}
}

// page returns the bytes of a page.
func (m *bytesMemory) page(i uint64) []byte {
	return m.data[i*linmem.PageSize : (i+1)*linmem.PageSize]
}

func (m *bytesMemory) NumPages() uint64 {
	m.calls++
	return m.guestMemory.NumPages()
}

func (m *bytesMemory) Grow(delta uint64) (prev uint64, err error) {
	m.calls++
	m.asked = m.asked[:0]
	prev, err = m.guestMemory.Grow(delta)
	m.move()
	m.meetPages()
	if err == nil && delta > 0 {
		m.own(linmem.Range{Start: linmem.Page(prev + m.gap), Len: delta - m.gap})
		m.gap = 0
	}
	return prev, err
}

// arena is the guest's allocator, with new pages only.
func (m *bytesMemory) arena(n uint64) (linmem.Range, error) {
	m.sourced = m.sourced[:0]
	r, err := m.guestMemory.arena(n)
	m.move()
	m.meetPages()
	if err == nil {
		m.own(r)
	}
	return r, err
}

// guestGrow grows the memory from inside, behind the allocator's back.
func (m *bytesMemory) guestGrow(n uint64) {
	m.guestMemory.guestGrow(n)
	m.move()
	m.meetPages()
}

// own makes pages the host's. They read as zero.
func (m *bytesMemory) own(r linmem.Range) {
	for i := r.Start; i < r.End(); i++ {
		m.host[i] = true
		clear(m.page(uint64(i)))
	}
}

func (m *bytesMemory) move() {
	if !m.moves || uint64(len(m.data)) == m.size*linmem.PageSize {
		return
	}
	old := m.data
	m.data = make([]byte, m.size*linmem.PageSize)
	copy(m.data, old)
	for i := range old {
		old[i] = 0xDD
	}
}

// moving makes a memory one that moves.
func (m *bytesMemory) moving() {
	m.moves = true
	m.data = slices.Clone(m.data[:m.size*linmem.PageSize])
}

func (m *bytesMemory) View(addr, n uint64) ([]byte, error) {
	m.calls++
	return linmem.Subslice("View", m.data[:m.size*linmem.PageSize], addr, n)
}

// clone returns a memory in the same state.
func (m *bytesMemory) clone() *bytesMemory {
	c := *m
	c.script, c.host, c.asked, c.sourced = slices.Clone(m.script), slices.Clone(m.host), nil, nil
	c.data = make([]byte, len(m.data))
	copy(c.data, m.data[:m.size*linmem.PageSize])
	return &c
}

// spoiled returns a page of the guest's that does not hold what the guest wrote, if there is one.
func (m *bytesMemory) spoiled() (page uint64, found bool) {
	for i, host := range m.host {
		if !host && !bytes.Equal(m.page(uint64(i)), guestBytes) {
			return uint64(i), true
		}
	}
	return 0, false
}

// guestBytes is what the guest has on each of its pages.
var guestBytes = noise(linmem.PageSize, 1)

// noise returns n random bytes.
func noise(n int, seed uint64) []byte {
	b, r := make([]byte, n), rand.New(rand.NewPCG(seed, 0))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// pattern is what blocks are filled with, each from another place.
var pattern = noise(2*patternBytes, 2)

const patternBytes = 1<<16 - 15 // odd, so that the same bytes do not meet the same addresses again

// fill writes the pattern of a mark to b.
func fill(b []byte, mark uint64) {
	from := pattern[mark%patternBytes:][:patternBytes]
	for len(b) > 0 {
		b = b[copy(b, from):]
	}
}

// filled reports whether b holds the pattern of a mark.
func filled(b []byte, mark uint64) bool {
	from := pattern[mark%patternBytes:][:patternBytes]
	for len(b) > 0 {
		n := min(len(b), patternBytes)
		if !bytes.Equal(b[:n], from[:n]) {
			return false
		}
		b = b[n:]
	}
	return true
}
