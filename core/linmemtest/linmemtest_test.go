package linmemtest_test

import (
	"errors"
	"strings"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
)

func newReference(maxPages uint64) (linmem.Memory, func(), error) {
	return linmemtest.NewMemory(0, maxPages), func() {}, nil
}

func TestReference(t *testing.T) {
	linmemtest.Run(t, linmemtest.Config{New: newReference})
}

// TestCheckPasses holds that Check finds nothing wrong with the reference, and that a memory need not begin with 0 pages.
func TestCheckPasses(t *testing.T) {
	for _, pages := range []uint64{1, 8} {
		err := linmemtest.Check(linmemtest.Config{New: func(maxPages uint64) (linmem.Memory, func(), error) {
			return linmemtest.NewMemory(pages, maxPages), nil, nil
		}})
		if err != nil {
			t.Errorf("with %d pages at the start: %v", pages, err)
		}
	}
}

// TestConfigOfNoUse holds that a suite that cannot run is not passed.
func TestConfigOfNoUse(t *testing.T) {
	for what, cfg := range map[string]linmemtest.Config{
		"no New":       {},
		"no memory":    {New: func(uint64) (linmem.Memory, func(), error) { return nil, nil, nil }},
		"too small":    {New: newReference, MaxPages: 1},
		"starts large": {New: func(n uint64) (linmem.Memory, func(), error) { return linmemtest.NewMemory(n, n), nil, nil }},
	} {
		if linmemtest.Check(cfg) == nil {
			t.Errorf("%s: the suite found nothing", what)
		}
	}
}

func BenchmarkReference(b *testing.B) {
	linmemtest.RunBenchmarks(b, linmemtest.Config{New: newReference})
}

// mutant is the reference with one of its methods replaced: a backend that fell into a trap.
type mutant struct {
	linmem.Memory
	max      uint64
	numPages func(m *mutant) uint64
	grow     func(m *mutant, delta uint64) (uint64, error)
	view     func(m *mutant, addr, n uint64) ([]byte, error)
	stale    []byte
	moved    bool
	stopped  bool
}

// viewMoved is the View of a memory that moved without having grown: it shows a copy.
func viewMoved(m *mutant, addr, n uint64) ([]byte, error) {
	b, err := m.Memory.View(addr, n)
	if err == nil && m.moved {
		b = append(make([]byte, 0, n), b...)
	}
	return b, err
}

func (m *mutant) NumPages() uint64 {
	if m.numPages != nil {
		return m.numPages(m)
	}
	return m.Memory.NumPages()
}

func (m *mutant) Grow(delta uint64) (uint64, error) {
	if m.grow != nil {
		return m.grow(m, delta)
	}
	return m.Memory.Grow(delta)
}

func (m *mutant) View(addr, n uint64) ([]byte, error) {
	if m.view != nil {
		return m.view(m, addr, n)
	}
	return m.Memory.View(addr, n)
}

// TestMutants shows that each rule catches a memory that breaks it.
func TestMutants(t *testing.T) {
	for _, tt := range []struct {
		name   string
		caught string // a case that must report it
		mutant mutant
	}{
		{
			"bytes for pages", "pages-not-bytes",
			mutant{numPages: func(m *mutant) uint64 { return m.Memory.NumPages() * linmem.PageSize }},
		},
		{
			"size after a growth in place of the size before", "grow-from-zero-pages",
			mutant{grow: func(m *mutant, delta uint64) (uint64, error) {
				prev, err := m.Memory.Grow(delta)
				return prev + delta, err
			}},
		},
		{
			"growth by 0 refused", "grow-by-zero",
			mutant{grow: func(m *mutant, delta uint64) (uint64, error) {
				if delta == 0 {
					return 0, linmem.ErrInvalid
				}
				return m.Memory.Grow(delta)
			}},
		},
		{
			"growth from 0 pages refused", "grow-from-zero-pages",
			mutant{grow: func(m *mutant, delta uint64) (uint64, error) {
				if m.Memory.NumPages() == 0 && delta > 0 {
					return 0, linmem.ErrOutOfMemory
				}
				return m.Memory.Grow(delta)
			}},
		},
		{
			"refusal that grows as far as it can", "refused-growth",
			mutant{grow: func(m *mutant, delta uint64) (uint64, error) {
				prev, err := m.Memory.Grow(delta)
				if err != nil {
					_, _ = m.Memory.Grow(m.max - m.Memory.NumPages())
				}
				return prev, err
			}},
		},
		{
			"last page out of reach", "exact-maximum",
			mutant{grow: func(m *mutant, delta uint64) (uint64, error) {
				if m.Memory.NumPages()+delta == m.max {
					return 0, linmem.ErrOutOfMemory
				}
				return m.Memory.Grow(delta)
			}},
		},
		{
			"size in bytes kept in 32 bits", "all-65536-pages",
			mutant{numPages: func(m *mutant) uint64 {
				return uint64(uint32(m.Memory.NumPages()*linmem.PageSize)) / linmem.PageSize
			}},
		},
		{
			"delta cut to 32 bits", "delta-overflows-32-bits",
			mutant{grow: func(m *mutant, delta uint64) (uint64, error) { return m.Memory.Grow(uint64(uint32(delta))) }},
		},
		{
			"sum of size and delta wraps", "delta-overflows-64-bits",
			mutant{grow: func(m *mutant, delta uint64) (uint64, error) {
				size := m.Memory.NumPages()
				if size+delta > m.max {
					return 0, linmem.ErrOutOfMemory
				}
				if size+delta < size {
					return size, nil
				}
				return m.Memory.Grow(delta)
			}},
		},
		{
			"new pages hold old bytes", "new-pages-are-zero",
			mutant{grow: func(m *mutant, delta uint64) (uint64, error) {
				prev, err := m.Memory.Grow(delta)
				if err == nil && delta > 0 {
					b, _ := m.Memory.View(prev*linmem.PageSize, 1)
					b[0] = 1
				}
				return prev, err
			}},
		},
		{
			"growth loses a byte", "contents-are-kept",
			mutant{grow: func(m *mutant, delta uint64) (uint64, error) {
				prev, err := m.Memory.Grow(delta)
				if err == nil && prev > 0 && delta > 0 {
					b, _ := m.Memory.View(prev*linmem.PageSize-1, 1)
					b[0] = 0
				}
				return prev, err
			}},
		},
		{
			"capacity past the view", "view-edges",
			mutant{view: func(m *mutant, addr, n uint64) ([]byte, error) {
				b, err := m.Memory.View(0, m.Memory.NumPages()*linmem.PageSize)
				if err != nil || addr > uint64(len(b)) || n > uint64(len(b))-addr {
					return nil, linmem.ErrOutOfBounds
				}
				return b[addr : addr+n], nil
			}},
		},
		{
			"nil for 0 bytes", "view-of-zero-pages",
			mutant{view: func(m *mutant, addr, n uint64) ([]byte, error) {
				b, err := m.Memory.View(addr, n)
				if n == 0 {
					b = nil
				}
				return b, err
			}},
		},
		{
			"bounds sum wraps", "view-past-the-end",
			mutant{view: func(m *mutant, addr, n uint64) ([]byte, error) {
				if size := m.Memory.NumPages() * linmem.PageSize; addr+n > size {
					return nil, linmem.ErrOutOfBounds
				}
				b, err := m.Memory.View(addr, n)
				if err != nil {
					return []byte{}, nil
				}
				return b, err
			}},
		},
		{
			"panic past the end", "view-past-the-end",
			mutant{view: func(m *mutant, addr, n uint64) ([]byte, error) {
				b, err := m.Memory.View(addr, n)
				if err != nil {
					panic(err)
				}
				return b, nil
			}},
		},
		{
			"another error past the end", "view-past-the-end",
			mutant{view: func(m *mutant, addr, n uint64) ([]byte, error) {
				b, err := m.Memory.View(addr, n)
				if err != nil {
					err = errors.New("no")
				}
				return b, err
			}},
		},
		{
			"view is a copy", "view-aliases",
			mutant{view: func(m *mutant, addr, n uint64) ([]byte, error) {
				b, err := m.Memory.View(addr, n)
				if err != nil {
					return nil, err
				}
				c := make([]byte, n)
				copy(c, b)
				return c, nil
			}},
		},
		{
			"base kept over a growth", "contents-are-kept",
			mutant{view: func(m *mutant, addr, n uint64) ([]byte, error) {
				b, err := m.Memory.View(addr, n)
				if err != nil || n != linmem.PageSize {
					return b, err
				}
				if m.stale == nil {
					m.stale = b
				}
				return m.stale, nil
			}},
		},
		{
			"moves at a growth by 0", "view-life",
			mutant{grow: func(m *mutant, delta uint64) (uint64, error) {
				m.moved = m.moved || delta == 0
				return m.Memory.Grow(delta)
			}, view: viewMoved},
		},
		{
			"moves at a refused growth", "view-life",
			mutant{grow: func(m *mutant, delta uint64) (uint64, error) {
				prev, err := m.Memory.Grow(delta)
				m.moved = m.moved || err != nil
				return prev, err
			}, view: viewMoved},
		},
		{
			"size left after stop", "use-after-stop",
			mutant{grow: func(m *mutant, delta uint64) (uint64, error) {
				if m.stopped {
					return 0, linmem.ErrClosed
				}
				return m.Memory.Grow(delta)
			}},
		},
		{
			"view left after stop", "use-after-stop",
			mutant{numPages: func(m *mutant) uint64 {
				if m.stopped {
					return 0
				}
				return m.Memory.NumPages()
			}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if why := linmemtest.Needs(tt.caught); why != "" {
				t.Skipf("the case that catches it does not run: %s", why)
			}
			maxPages := uint64(1000) // 4 GiB are for the mutant that needs them
			if tt.caught == "all-65536-pages" {
				maxPages = 0
			}
			err := linmemtest.Check(linmemtest.Config{MaxPages: maxPages, New: func(maxPages uint64) (linmem.Memory, func(), error) {
				m := tt.mutant
				m.Memory, m.max = linmemtest.NewMemory(0, maxPages), maxPages
				return &m, func() { m.stopped = true }, nil
			}})
			if err == nil {
				t.Fatal("the suite found nothing")
			}
			if !strings.Contains(err.Error(), tt.caught+": ") {
				t.Errorf("%s did not report it; the suite found:\n%v", tt.caught, err)
			}
		})
	}
}

// staleGuest is a memory with a guest, whose host goes on with the bytes of before once the guest has grown it.
type staleGuest struct {
	linmem.Memory
	before []byte
}

func (m *staleGuest) View(addr, n uint64) ([]byte, error) {
	if m.before != nil && addr < uint64(len(m.before)) && n <= uint64(len(m.before))-addr {
		return m.before[addr : addr+n : addr+n], nil
	}
	return m.Memory.View(addr, n)
}

func (m *staleGuest) GuestGrow(delta uint64) (uint64, error) {
	if m.before == nil {
		b, err := m.Memory.View(0, m.NumPages()*linmem.PageSize)
		if err != nil {
			return 0, err
		}
		m.before = append([]byte{}, b...)
	}
	return m.Grow(delta)
}

func (m *staleGuest) GuestLoad(addr uint64) (byte, error) {
	b, err := m.Memory.View(addr, 1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

func (m *staleGuest) GuestStore(addr uint64, v byte) error {
	b, err := m.Memory.View(addr, 1)
	if err == nil {
		b[0] = v
	}
	return err
}

// TestStaleBase shows that the worst of mistakes is found, though the host agrees with itself.
func TestStaleBase(t *testing.T) {
	err := linmemtest.Check(linmemtest.Config{MaxPages: 1000, New: func(n uint64) (linmem.Memory, func(), error) {
		return &staleGuest{Memory: linmemtest.NewMemory(0, n)}, func() {}, nil
	}})
	if err == nil || !strings.Contains(err.Error(), "view-after-growth: ") {
		t.Errorf("the suite found %v", err)
	}
}

// TestNewFails holds that a memory that cannot be made is a violation, not a pass.
func TestNewFails(t *testing.T) {
	broken := errors.New("no such runtime")
	err := linmemtest.Check(linmemtest.Config{New: func(uint64) (linmem.Memory, func(), error) {
		return nil, nil, broken
	}})
	if !errors.Is(err, broken) {
		t.Errorf("Check() = %v, want %v in it", err, broken)
	}
}
