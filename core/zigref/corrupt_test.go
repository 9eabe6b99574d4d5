package zigref_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// setNode is the guest, writing where a node is.
func (s *heapScene) setNode(slot, slotSize, node uint64) {
	s.t.Helper()
	binary.LittleEndian.PutUint32(view(s.t, s.m, slot+slotSize-4, 4), uint32(node))
}

// TestBadNode has two free slots, and the node in the first of the list points to what cannot be a slot behind it.
func TestBadNode(t *testing.T) {
	const p, pages = pageSize, 40
	for _, class := range []struct {
		n, slot uint64
		also    []uint64 // sizes of small classes that would cut up such a slot
	}{
		{1, 8, nil},
		{60, 64, nil},
		{32764, 32768, nil},
		{65528, p, []uint64{1, 60, 32764}},
		{65529, 2 * p, nil},
		{131065, 4 * p, nil},
	} {
		const size = pages * p
		a := uint64(8 * p)
		b := a + 2*class.slot
		misaligned := min(class.slot, p) / 2
		for name, node := range map[string]uint64{
			"JustOutside":              size,
			"FarOutside":               1 << 31,
			"HighestSlot":              gib4 - min(class.slot, p),
			"MaximalValue":             gib4 - 1,
			"SticksOutByOneUnit":       size - class.slot + min(class.slot, p),
			"SticksOutByHalf":          size - misaligned,
			"LastBytes":                size - 4,
			"MisalignedByHalf":         a + misaligned,
			"MisalignedByOne":          a + 1,
			"MisalignedByANode":        a + 4,
			"BehindANodeOfItsOwn":      a + class.slot - 4,
			"One":                      1,
			"Itself":                   b,
			"ItselfMisaligned":         b + misaligned,
			"OverlapsItsStart":         b - misaligned,
			"OverlapsItsStartByOneEnd": b - class.slot + min(class.slot, p)/2,
			"OverlapsItsEnd":           b + class.slot - misaligned,
		} {
			t.Run(fmt.Sprintf("%d/%s", class.n, name), func(t *testing.T) {
				s := newHeapScene(t, newFlatMemory(pages, pages+10))
				s.free(a, class.n)
				s.free(b, class.n)
				s.setNode(b, class.slot, node)
				before := bytes.Clone(view(t, s.m, 0, size))
				for range 2 {
					s.allocFails(class.n, 0, linmem.ErrCorrupt)
					for _, n := range class.also {
						s.allocFails(n, 0, linmem.ErrCorrupt)
					}
				}
				if !bytes.Equal(view(t, s.m, 0, size), before) {
					t.Error("the memory was changed")
				}
				s.freeFails(b, class.n, 0, linmem.ErrNotAllocated) // it is the first of the list still

				// The guest repairs it, and nothing was lost.
				s.setNode(b, class.slot, a)
				s.alloc(class.n, 0, b)
				s.alloc(class.n, 0, a)
				s.pages(pages)
			})
		}
	}

	// A run of several pages can also lie on page boundaries and overlap all the same.
	for _, next := range []int64{-3, -2, -1, 1, 2, 3} {
		s := newHeapScene(t, newFlatMemory(pages, pages))
		s.free(16*p, 131065)
		s.setNode(16*p, 4*p, uint64(16+next)*p)
		s.allocFails(131065, 0, linmem.ErrCorrupt)
	}
	for _, next := range []uint64{12, 20, pages - 4} {
		s := newHeapScene(t, newFlatMemory(pages, pages))
		s.free(16*p, 131065)
		s.setNode(16*p, 4*p, next*p)
		s.alloc(131065, 0, 16*p)
		s.alloc(131065, 0, next*p)
	}
	for _, next := range []uint64{pages - 3, pages - 2, pages - 1, pages} {
		s := newHeapScene(t, newFlatMemory(pages, pages))
		s.free(16*p, 131065)
		s.setNode(16*p, 4*p, next*p)
		s.allocFails(131065, 0, linmem.ErrCorrupt)
	}
}

// TestBadNodeElsewhere holds that one bad list leaves the others working, and Free of its own class.
func TestBadNodeElsewhere(t *testing.T) {
	const p = pageSize
	s := newHeapScene(t, newFlatMemory(10, 20))
	s.free(2*p, 60)
	s.setNode(2*p, 64, gib4-1)
	s.allocFails(60, 0, linmem.ErrCorrupt)
	s.alloc(28, 0, 10*p)
	s.alloc(65528, 0, 11*p)
	s.free(2*p+64, 60) // comes before the bad one
	s.alloc(60, 0, 2*p+64)
	s.allocFails(60, 0, linmem.ErrCorrupt)
	s.setNode(2*p, 64, 0) // the end of the list
	s.alloc(60, 0, 2*p)
	s.alloc(60, 0, 12*p)
}

// TestPlausibleNodes holds what no check can see: the list goes on, inside the memory.
func TestPlausibleNodes(t *testing.T) {
	const p = uint64(pageSize)
	for _, class := range []struct{ n, slot uint64 }{{60, 64}, {65528, p}, {65529, 2 * p}} {
		a, b, c := 4*p, 4*p+class.slot, 4*p+2*class.slot
		scene := func(t *testing.T) *heapScene {
			s := newHeapScene(t, newFlatMemory(20, 20))
			for _, slot := range []uint64{a, b, c} {
				s.free(slot, class.n)
			}
			return s
		}
		t.Run(fmt.Sprintf("%d/CycleOfTwo", class.n), func(t *testing.T) {
			s := scene(t)
			s.setNode(b, class.slot, c)
			for range 100 {
				s.alloc(class.n, 0, c)
				s.alloc(class.n, 0, b)
			}
		})
		t.Run(fmt.Sprintf("%d/CycleOfThree", class.n), func(t *testing.T) {
			s := scene(t)
			s.setNode(a, class.slot, c)
			for range 100 {
				s.alloc(class.n, 0, c)
				s.alloc(class.n, 0, b)
				s.alloc(class.n, 0, a)
			}
		})
		t.Run(fmt.Sprintf("%d/DoubleFreeButNotAtOnce", class.n), func(t *testing.T) {
			s := scene(t)
			s.free(b, class.n) // b, c, b, c …
			for range 100 {
				s.alloc(class.n, 0, b)
				s.alloc(class.n, 0, c)
			}
		})
		t.Run(fmt.Sprintf("%d/IntoUsedMemory", class.n), func(t *testing.T) {
			// Slots that nobody freed, and whose last bytes then are taken for a node.
			s := scene(t)
			used := 12 * p
			s.setNode(c, class.slot, used)
			s.setNode(used, class.slot, 0x20202020)
			s.alloc(class.n, 0, c)
			s.allocFails(class.n, 0, linmem.ErrCorrupt)
			s.setNode(used, class.slot, 16*p)
			s.alloc(class.n, 0, used)
			s.setNode(16*p, class.slot, 0)
			s.alloc(class.n, 0, 16*p)
		})
		if class.slot >= p {
			continue // a slot of page 0 would begin at null, the end of a list
		}
		t.Run(fmt.Sprintf("%d/Page0", class.n), func(t *testing.T) {
			s := scene(t)
			s.setNode(c, class.slot, class.slot)
			s.alloc(class.n, 0, c)
			s.alloc(class.n, 0, class.slot)
		})
	}
}

// TestBadBitmap has the guest write over the bitmap of the pages past 2,048.
func TestBadBitmap(t *testing.T) {
	const size, stolen = 2100, 2094 // pages 2,090 to 2,093 are free
	const corrupt = 1 << 20         // no page
	set := func(pages ...uint64) func(bitmap []byte) {
		return func(bitmap []byte) {
			for _, page := range pages {
				bitmap[(page-split)/8] |= 1 << ((page - split) % 8)
			}
		}
	}
	only := func(pages ...uint64) func(bitmap []byte) {
		return func(bitmap []byte) {
			clear(bitmap)
			set(pages...)(bitmap)
		}
	}
	ones := func(bitmap []byte) {
		for i := range bitmap {
			bitmap[i] = 0xff
		}
	}
	for _, test := range []struct {
		name      string
		write     func(bitmap []byte)
		n         uint64 // pages
		log2Align uint8
		want      uint64 // page
	}{
		{"NothingWritten", func([]byte) {}, 4, 0, 2090},
		{"Zeros", only(), 1, 0, size}, // the memory grows
		{"Ones", ones, 1, 0, split},
		{"OnesUpToItself", ones, stolen - split, 0, split},
		{"OnesAndItself", ones, stolen - split + 1, 0, corrupt},
		{"OnesUpToTheEnd", ones, size - split, 0, corrupt},
		{"OnesPastTheEnd", ones, 1 << 15, 0, corrupt},
		{"OnesOfAllMemory", ones, 1<<16 - 1, 0, corrupt},
		{"OnesAligned", ones, 1, 31, split},
		{"Itself", only(stolen), 1, 0, corrupt},
		{"ItselfAndTheNext", only(stolen, stolen+1), 2, 0, corrupt},
		{"TheOneBeforeAndItself", only(stolen-1, stolen), 2, 0, corrupt},
		{"TheOneBefore", only(stolen-1, stolen), 1, 0, stolen - 1},
		{"TheOneBehind", only(stolen + 1), 1, 0, stolen + 1},
		{"LastPage", only(size - 1), 1, 0, size - 1},
		{"LastPageAndOneMore", only(size-1, size), 2, 0, corrupt},
		{"FirstPageOutside", only(size), 1, 0, corrupt},
		{"LastPageOf4GiB", only(1<<16 - 1), 1, 0, corrupt},
		{"FirstPastThat", only(1 << 16), 1, 0, corrupt}, // its address would be 0
		{"FirstAndMorePastThat", only(1<<16, 1<<16+1), 2, 0, corrupt},
		{"AlignedPastThat", only(1<<16 + split), 1, 31, corrupt},
		{"LastBit", only(pageSize*8 - 1 + split), 1, 0, corrupt},
		{"LastBitForNothing", only(pageSize*8 - 1 + split), 0, 0, corrupt},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newPageScene(t, size, 1<<16)
			freeRun(2090, 5)(s)
			bitmapIs(stolen, runs{2090, 4})(s)
			bitmap := s.m.guest(stolen)
			good := bytes.Clone(bitmap)
			test.write(bitmap)
			if test.want != corrupt {
				allocPages(test.n, test.log2Align, test.want)(s)
				return
			}
			bad := bytes.Clone(bitmap)
			for range 2 {
				allocFails(test.n*pageSize, test.log2Align, linmem.ErrCorrupt)(s)
			}
			if !bytes.Equal(s.m.guest(stolen), bad) || s.m.growths != 0 {
				t.Errorf("the bitmap was changed, or the memory grown %d times", s.m.growths)
			}

			// The conventional pages go on, and a repaired bitmap works.
			freeRun(100, 1)(s)
			allocPages(1, 0, 100)(s)
			copy(s.m.guest(stolen), good)
			if got, want := s.drain(), (runs{2090, 4}); !slices.Equal(got, want) {
				t.Errorf("free after the repair: %d, want %d", got, want)
			}
		})
	}
}
