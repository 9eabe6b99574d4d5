package traces_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/linmem/linmem/integration/traces"
)

// mutant is the reference with a fault: what is not nil takes a method's place.
type mutant struct {
	*reference
	alloc   func(size uint64) (uint64, error)
	aligned func(size, align uint64) (uint64, error)
	realloc func(addr, size uint64) (uint64, error)
	free    func(addr uint64) error
	view    func(addr, n uint64) ([]byte, error)
}

func (m *mutant) Alloc(size uint64) (uint64, error) {
	if m.alloc != nil {
		return m.alloc(size)
	}
	return m.reference.Alloc(size)
}

func (m *mutant) AllocAligned(size, align uint64) (uint64, error) {
	if m.aligned != nil {
		return m.aligned(size, align)
	}
	return m.reference.AllocAligned(size, align)
}

func (m *mutant) Realloc(addr, size uint64) (uint64, error) {
	if m.realloc != nil {
		return m.realloc(addr, size)
	}
	return m.reference.Realloc(addr, size)
}

func (m *mutant) Free(addr uint64) error {
	if m.free != nil {
		return m.free(addr)
	}
	return m.reference.Free(addr)
}

func (m *mutant) View(addr, n uint64) ([]byte, error) {
	if m.view != nil {
		return m.view(addr, n)
	}
	return m.reference.View(addr, n)
}

// situations is a trace in which every fault of TestCheckNotices can show. The reference puts its blocks at 16, 32, 64,
// 256.
const situations = first + `# a program
a 0 16
a 1 20
a 2 40
a 3 100 256
r 0 10
a 4 0
r 1 200
f 2
r 1 64
a 2 0
f 0
f 2
`

func TestCheck(t *testing.T) {
	r := newReference()
	if err := parse(t, situations).Check(r); err != nil {
		t.Fatal(err)
	}
	if len(r.live) != 0 {
		t.Errorf("left %v", r.live)
	}
}

// TestCheckNotices gives the allocator one fault at a time.
func TestCheckNotices(t *testing.T) {
	refusal := errors.New("no")
	for _, test := range []struct {
		name   string
		mutate func(*mutant)
		want   string
	}{
		{"MultipleOfFourOnly", func(m *mutant) {
			m.alloc = func(size uint64) (uint64, error) {
				if size == 20 {
					return 16 + 12, nil
				}
				return m.reference.Alloc(size)
			}
		}, `line 4, "a 1 20": address 0x1c is no multiple of 16`},
		{"SameAddressTwice", func(m *mutant) {
			m.alloc = func(size uint64) (uint64, error) {
				_, err := m.reference.Alloc(size)
				return 16, err
			}
		}, `line 4, "a 1 20": address 0x10: byte 0x10 belongs to block 0, of 16 bytes at 0x10`},
		{"SlotTooSmall", func(m *mutant) {
			m.alloc = func(size uint64) (uint64, error) { return m.reference.Alloc(size / 2) }
		}, `line 5, "a 2 40": address 0x30: byte 0x30 belongs to block 1, of 20 bytes at 0x20`},
		{"EmptyBlocksShareAnAddress", func(m *mutant) {
			m.alloc = func(size uint64) (uint64, error) {
				if size == 0 {
					return 16, nil
				}
				return m.reference.Alloc(size)
			}
		}, `line 12, "a 2 0": address 0x10: byte 0x10 belongs to block 4, of 0 bytes at 0x10`},
		{"ResizedInPlaceWithoutRoom", func(m *mutant) {
			m.realloc = func(addr, _ uint64) (uint64, error) { return addr, nil }
		}, `line 9, "r 1 200": address 0x20: byte 0x40 belongs to block 2, of 40 bytes at 0x40`},
		{"IgnoresAlignment", func(m *mutant) {
			m.aligned = func(size, _ uint64) (uint64, error) { return m.reference.AllocAligned(size, 16) }
		}, `line 6, "a 3 100 256": address 0x80 is no multiple of 256`},
		{"ResizeLosesTheLastByte", func(m *mutant) {
			m.realloc = func(addr, size uint64) (uint64, error) {
				to, err := m.reference.Realloc(addr, size)
				m.memory[to+9]++
				return to, err
			}
		}, `line 7, "r 0 10": after the resize from 16 bytes at 0x10: address 0x180: byte 9 of 10 is 0xae instead of 0xad`},
		{"ResizeCopiesNothing", func(m *mutant) {
			m.realloc = func(addr, size uint64) (uint64, error) {
				to, err := m.reference.Alloc(size)
				return to, errors.Join(err, m.reference.Free(addr))
			}
		}, `line 7, "r 0 10": after the resize from 16 bytes at 0x10: address 0x180: byte 0 of 10 is 0x00 instead of 0x4a`},
		{"ResizeMisplaces", func(m *mutant) {
			m.realloc = func(addr, size uint64) (uint64, error) {
				to, err := m.reference.Realloc(addr, size+16)
				copy(m.memory[to+1:][:size], m.memory[to:])
				return to, err
			}
		}, `line 7, "r 0 10": after the resize from 16 bytes at 0x10: address 0x180: byte 1 of 10 is 0x4a instead of 0xfb`},
		{"FreeWritesElsewhere", func(m *mutant) {
			m.free = func(addr uint64) error {
				if addr == 64 {
					m.memory[256+99]++
				}
				return m.reference.Free(addr)
			}
		}, `after the end, block 3: before the free: address 0x100: byte 99 of 100 is 0xf3 instead of 0xf1`},
		{"AllocClearsTooMuch", func(m *mutant) {
			m.alloc = func(size uint64) (uint64, error) {
				addr, err := m.reference.Alloc(size)
				if size == 40 {
					clear(m.memory[addr-16 : addr])
				}
				return addr, err
			}
		}, `line 9, "r 1 200": before the resize: address 0x20: byte 16 of 20 is 0x00 instead of 0xd4`},
		{"ViewIsACopy", func(m *mutant) {
			m.view = func(addr, n uint64) ([]byte, error) {
				view, err := m.reference.View(addr, n)
				return append([]byte{}, view...), err
			}
		}, `line 7, "r 0 10": before the resize: address 0x10: byte 0 of 16 is 0x00 instead of 0x4a`},
		{"ViewIsShort", func(m *mutant) {
			m.view = func(addr, n uint64) ([]byte, error) { return m.reference.View(addr, n/2) }
		}, `line 3, "a 0 16": a view of 16 bytes at 0x10 has 8`},
		{"ViewRefused", func(m *mutant) {
			m.view = func(uint64, uint64) ([]byte, error) { return nil, refusal }
		}, `line 3, "a 0 16": no view of 16 bytes at 0x10: no`},
		{"AllocRefused", func(m *mutant) {
			m.alloc = func(uint64) (uint64, error) { return 0, refusal }
		}, `line 3, "a 0 16": refused: no`},
		{"AlignedRefused", func(m *mutant) {
			m.aligned = func(uint64, uint64) (uint64, error) { return 0, refusal }
		}, `line 6, "a 3 100 256": refused: no`},
		{"ReallocRefused", func(m *mutant) {
			m.realloc = func(uint64, uint64) (uint64, error) { return 0, refusal }
		}, `line 7, "r 0 10": refused, at 0x10: no`},
		{"FreeRefused", func(m *mutant) {
			m.free = func(uint64) error { return refusal }
		}, `line 10, "f 2": refused, at 0x40: no`},
		{"LastFreesRefused", func(m *mutant) {
			frees := 0
			m.free = func(addr uint64) error {
				if frees++; frees > 3 {
					return refusal
				}
				return m.reference.Free(addr)
			}
		}, `after the end, block 1: refused, at 0x40: no`},
		{"PastTheEndOfAddresses", func(m *mutant) {
			m.alloc = func(uint64) (uint64, error) { return 1<<64 - 16, nil }
		}, `line 3, "a 0 16": address 0xfffffffffffffff0 is too high for 16 bytes`},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := &mutant{reference: newReference()}
			test.mutate(m)
			trace := parse(t, situations)
			trace.Name = "situations"
			err := trace.Check(m)
			if want := "traces: situations: " + test.want; err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

// TestCheckNoticesOnRealTraces flips one bit in one block of each committed trace: the largest block at the thousandth
// free.
func TestCheckNoticesOnRealTraces(t *testing.T) {
	for _, name := range traces.Names() {
		t.Run(name, func(t *testing.T) {
			trace, err := traces.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			m := &mutant{reference: newReference()}
			frees := 0
			m.free = func(addr uint64) error {
				err := m.reference.Free(addr)
				if frees++; frees == 1000 {
					m.memory[m.largest()] ^= 0x80
				}
				return err
			}
			if err := trace.Check(m); err == nil || !strings.Contains(err.Error(), ": byte 0 of ") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// largest returns the address of the largest block that is live.
func (r *reference) largest() (addr uint64) {
	for a, s := range r.live {
		if s.size > r.live[addr].size {
			addr = a
		}
	}
	return addr
}

func parse(t *testing.T, text string) *traces.Trace {
	t.Helper()
	trace, err := traces.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return trace
}
