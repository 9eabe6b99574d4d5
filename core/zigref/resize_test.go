package zigref_test

import (
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/linmem/linmem/core/zigref"
)

func TestResize(t *testing.T) {
	const p = pageSize
	for _, test := range []struct {
		n         uint64
		log2Align uint8
		newN      uint64
		want      bool
	}{
		// Small: both must be of one class.
		{1, 0, 4, true},
		{4, 0, 1, true},
		{4, 0, 5, false},
		{5, 0, 4, false},
		{5, 0, 12, true},
		{12, 0, 13, false},
		{20, 0, 13, true},
		{20, 0, 12, false},
		{32764, 0, 16381, true},
		{32764, 0, 32765, false},
		{32764, 0, p, false},
		{1, 6, 60, true}, // the alignment counts
		{60, 6, 1, true},
		{60, 6, 61, false},
		{61, 6, 60, false},
		{1, 15, 32764, true},
		{1, 15, 32765, false},
		{4, 0, 0, false}, // 4 bytes are of no class
		{4, 3, 0, true},
		{0, 3, 4, true},

		// Big: both must take as many pages, as a power of two. A small size takes one for this comparison.
		{32765, 0, 65528, true},
		{65528, 0, 32765, true},
		{65528, 0, 32764, true},
		{65528, 0, 1, true},
		{65528, 0, 0, true},
		{0, 0, 65528, true},
		{0, 0, 1, true},
		{65528, 0, 65529, false},
		{65529, 0, 65528, false},
		{65529, 0, 131064, true},
		{131064, 0, 65529, true},
		{131064, 0, 131065, false},
		{131065, 0, 262136, true},
		{262136, 0, 131065, true},
		{262136, 0, 131064, false},
		{1, 16, 131064, true},
		{1, 16, 131065, false},
		{2*p + 50, 0, 2*p + 1, true},
		{2*p + 1, 0, 2 * p, true},
		{2*p + 50, 0, 19, false},
		{1 << 30, 0, 1<<31 - 8, true},
		{1 << 30, 0, 1<<31 - 7, false},

		// The sum with the 4 bytes saturates at 4 GiB - 1, and the rounding up to pages wraps to one page.
		{65528, 0, 1<<32 - 1, true},
		{65528, 0, 1<<32 - 4, true},
		{65528, 0, 1<<32 - 7, true},
		{65528, 0, 1<<32 - 8, false}, // to no page
		{65528, 0, 1<<32 - 65536, false},
		{65528, 0, 1 << 31, false},
		{32765, 0, 1<<32 - 1, true},
		{0, 0, 1<<32 - 1, true},
		{65529, 0, 1<<32 - 1, false},
		{1, 16, 1<<32 - 1, false},
		{60, 0, 1<<32 - 1, false},
		{32764, 0, 1<<32 - 1, false},
		{1<<32 - 65536, 0, 1<<32 - 65536, false},

		// What is no size or alignment.
		{65528, 0, 1 << 32, false},
		{65528, 0, tooManyBytes, false},
		{1<<32 + 65528, 0, 65528, false},
		{tooManyBytes, 0, tooManyBytes, false},
		{60, 32, 60, false},
		{60, 255, 60, false},
	} {
		if got := zigref.NewAllocator(noMemory{t}).Resize(p, test.n, test.log2Align, test.newN); got != test.want {
			t.Errorf("Resize(%d bytes, alignment 2^%d, to %d) = %t", test.n, test.log2Align, test.newN, got)
		}
	}
	if zigref.NewAllocator(noMemory{t}).Resize(gib4+p, 60, 0, 50) {
		t.Error("Resize at an address of 33 bits is true")
	}
}

// noMemory is one that must not be asked for anything.
type noMemory struct{ t *testing.T }

func (m noMemory) NumPages() uint64 {
	m.t.Error("NumPages was called")
	return 1
}

func (m noMemory) Grow(uint64) (prev uint64, err error) {
	m.t.Error("Grow was called")
	return 0, linmem.ErrOutOfMemory
}

func (m noMemory) View(uint64, uint64) ([]byte, error) {
	m.t.Error("View was called")
	return nil, linmem.ErrOutOfBounds
}

// TestFreeAfterResize has slots freed with the size that a Resize gave them, which tells their class.
func TestFreeAfterResize(t *testing.T) {
	const p = pageSize
	t.Run("WithinTheClass", func(t *testing.T) {
		s := newHeapScene(t, linmemtest.NewMemory(1, 100))
		s.alloc(60, 0, p)
		s.free(p, 29)
		s.alloc(60, 0, p)
	})
	t.Run("PageMadeSmall", func(t *testing.T) {
		// The page was told that it can be 20 bytes. It is freed as a slot of 32, and the rest of it is lost.
		s := newHeapScene(t, linmemtest.NewMemory(1, 100))
		s.alloc(65528, 0, p)
		if !s.a.Resize(p, 65528, 0, 20) {
			t.Error("Resize from 65,528 to 20 is false")
		}
		s.free(p, 20)
		s.alloc(28, 0, p)
		s.alloc(28, 0, 2*p)
		s.alloc(65528, 0, 3*p)
	})
	t.Run("PageMadeHuge", func(t *testing.T) {
		for _, n := range []uint64{1<<32 - 7, 1<<32 - 5, 1<<32 - 4, 1<<32 - 1} {
			s := newHeapScene(t, linmemtest.NewMemory(1, 100))
			s.alloc(65528, 0, p)
			s.free(p, n)
			s.alloc(65528, 0, p)
		}
		// The sum wraps before the alignment is taken for the size, if that is larger.
		s := newHeapScene(t, linmemtest.NewMemory(1, 100))
		s.alloc(65528, 4, p)
		if err := s.a.Free(p, 1<<32-2, 4); err != nil {
			t.Error(err)
		}
		s.alloc(12, 0, p)
	})
}
