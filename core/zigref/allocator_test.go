package zigref_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/linmem/linmem/core/zigref"
)

// heapScene is an allocator on some memory.
type heapScene struct {
	t *testing.T
	m linmem.Memory
	a *zigref.Allocator
}

func newHeapScene(t *testing.T, m linmem.Memory) *heapScene {
	return &heapScene{t, m, zigref.NewAllocator(m)}
}

// alloc allocates n bytes, which must come to lie at want.
func (s *heapScene) alloc(n uint64, log2Align uint8, want uint64) {
	s.t.Helper()
	addr, err := s.a.Alloc(n, log2Align)
	if err != nil || addr != want {
		s.t.Errorf("Alloc(%d, %d) = %#x, %v, want %#x", n, log2Align, addr, err, want)
	}
}

func (s *heapScene) allocFails(n uint64, log2Align uint8, want error) {
	s.t.Helper()
	size := s.m.NumPages()
	addr, err := s.a.Alloc(n, log2Align)
	wantError(s.t, err, want, "zigref.Allocator.Alloc", 0, n)
	if addr != 0 || s.m.NumPages() != size {
		s.t.Errorf("Alloc(%d, %d) fails, is %#x, and grew %d pages to %d", n, log2Align, addr, size, s.m.NumPages())
	}
}

func (s *heapScene) free(addr, n uint64) {
	s.t.Helper()
	if err := s.a.Free(addr, n, 0); err != nil {
		s.t.Error(err)
	}
}

func (s *heapScene) freeFails(addr, n uint64, log2Align uint8, want error) {
	s.t.Helper()
	wantError(s.t, s.a.Free(addr, n, log2Align), want, "zigref.Allocator.Free", addr, n)
}

// node returns the node in the end of a slot.
func (s *heapScene) node(slot, slotSize uint64) uint64 {
	s.t.Helper()
	return uint64(binary.LittleEndian.Uint32(view(s.t, s.m, slot+slotSize-4, 4)))
}

func (s *heapScene) pages(want uint64) {
	s.t.Helper()
	if got := s.m.NumPages(); got != want {
		s.t.Errorf("the memory has %d pages, want %d", got, want)
	}
}

// sizeClassCases are requests and the slot that each is given, in bytes. 4 bytes of it are room for a node; from a page up
// they are counted twice. The original's arithmetic, for a request of n bytes with an alignment of 2^a:
//
//	actual = max(n + 4, 2^a)
//	slot   = 2^⌈log2(actual)⌉                            if that is 8 to 32 KiB
//	slot   = 2^⌈log2(⌊(actual + 65,539) / 65,536⌋)⌉ pages  otherwise
var sizeClassCases = []struct {
	n         uint64
	log2Align uint8
	slot      uint64
}{
	{1, 0, 8},
	{4, 0, 8},
	{5, 0, 16},
	{8, 3, 16},
	{12, 0, 16},
	{13, 0, 32},
	{28, 0, 32},
	{29, 0, 64},
	{60, 0, 64},
	{61, 0, 128},
	{124, 0, 128},
	{125, 0, 256},
	{252, 0, 256},
	{253, 0, 512},
	{508, 0, 512},
	{509, 0, 1024},
	{1020, 0, 1024},
	{1021, 0, 2048},
	{1024, 0, 2048},
	{2044, 0, 2048},
	{2045, 0, 4096},
	{2048, 0, 4096},
	{4092, 0, 4096},
	{4093, 0, 8192},
	{8188, 0, 8192},
	{8189, 0, 16384},
	{16380, 0, 16384},
	{16381, 0, 32768},
	{32764, 0, 32768},
	{32765, 0, pageSize},
	{65528, 0, pageSize},
	{65529, 0, 2 * pageSize}, // actual is 65,533: one page would do
	{65532, 0, 2 * pageSize},
	{65533, 0, 2 * pageSize},
	{65536, 0, 2 * pageSize},
	{131064, 0, 2 * pageSize},
	{131065, 0, 4 * pageSize},
	{262136, 0, 4 * pageSize},
	{262137, 0, 8 * pageSize},
	{1 << 20, 0, 32 * pageSize},
	{1<<29 - 8, 0, 1 << 29},
	{1 << 29, 0, 1 << 30},
	{1<<30 - 8, 0, 1 << 30},
	{1<<30 - 7, 0, 1 << 31}, // the original's array of classes ends before this one
	{1 << 30, 0, 1 << 31},
	{1<<31 - 8, 0, 1 << 31},

	// An alignment asks for a slot of at least that size.
	{1, 3, 8},
	{1, 6, 64},
	{60, 6, 64},
	{61, 6, 128},
	{64, 6, 128},
	{1, 15, 32768},
	{32764, 15, 32768},
	{32765, 15, pageSize},
	{1, 16, 2 * pageSize}, // one page, and the node is counted on top of it
	{65532, 16, 2 * pageSize},
	{1, 17, 4 * pageSize},
	{1, 20, 32 * pageSize},
	{1, 29, 1 << 30},
	{1, 30, 1 << 31},

	// Nothing is given a page, because 4 bytes are below all classes, unless the alignment lifts it into one.
	{0, 0, pageSize},
	{0, 2, pageSize},
	{0, 3, 8},
	{0, 15, 32768},
	{0, 16, 2 * pageSize},
}

func TestSizeClasses(t *testing.T) {
	for _, test := range sizeClassCases {
		t.Run(fmt.Sprintf("%d bytes, alignment 2^%d", test.n, test.log2Align), func(t *testing.T) {
			const start = 3
			s := newHeapScene(t, newSparseMemory(start, 1<<16))
			first := uint64(start * pageSize)
			slotPages := max(test.slot/pageSize, 1)
			s.alloc(test.n, test.log2Align, first)
			s.pages(start + slotPages)
			if start+2*slotPages > 1<<16 {
				s.allocFails(test.n, test.log2Align, linmem.ErrOutOfMemory)
				return
			}
			s.alloc(test.n, test.log2Align, first+test.slot)
			if test.slot >= pageSize {
				s.pages(start + 2*slotPages)
			} else {
				s.pages(start + 1)
			}
		})
	}
}

// TestAllocTooLarge has what no class can hold, or whose class is all the memory that there can be.
func TestAllocTooLarge(t *testing.T) {
	for _, start := range []uint64{1, 2, 1 << 15} {
		m := newSparseMemory(start, 1<<20)
		s := newHeapScene(t, m)
		for _, n := range []uint64{
			1<<31 - 7, 1<<31 - 4, 1<<31 - 3, 1 << 31, gib4 - 8, gib4 - 4, gib4 - 1, gib4, gib4 + 1, tooManyBytes,
		} {
			s.allocFails(n, 0, linmem.ErrOutOfMemory)
		}
		s.allocFails(1, 31, linmem.ErrOutOfMemory)
		s.allocFails(1, 32, linmem.ErrInvalid)
		s.allocFails(0, 255, linmem.ErrInvalid)
		if m.growths != 0 {
			t.Errorf("the memory was asked to grow %d times", m.growths)
		}
		s.alloc(1, 0, start*pageSize)
	}
}

// TestFreshSlots has the order in which fresh memory is used: each small class cuts a page of its own, upwards.
func TestFreshSlots(t *testing.T) {
	const p = pageSize
	s := newHeapScene(t, newSparseMemory(1, 100))
	s.alloc(1, 0, p)
	s.alloc(12, 0, 2*p)
	s.alloc(32764, 0, 3*p)
	s.alloc(4, 0, p+8)
	s.alloc(5, 0, 2*p+16)
	s.alloc(65528, 0, 4*p) // a big one comes in between
	s.alloc(1, 3, p+16)
	s.alloc(1, 15, 3*p+32768)
	s.alloc(20000, 0, 5*p) // the page of this class is used up
	s.pages(6)
	for want := uint64(p + 24); want < 2*p; want += 8 {
		s.alloc(1, 0, want)
	}
	s.pages(6)
	s.alloc(1, 0, 6*p)
	s.alloc(1, 0, 6*p+8)
	s.alloc(12, 0, 2*p+32)
}

// TestAlignmentUpToAPage holds what is honored, and that the rest is not.
func TestAlignmentUpToAPage(t *testing.T) {
	s := newHeapScene(t, newSparseMemory(1, 1000))
	s.alloc(1, 0, pageSize)
	for log2Align := range uint8(17) {
		addr, err := s.a.Alloc(1, log2Align)
		if err != nil || addr%(1<<log2Align) != 0 {
			t.Errorf("Alloc(1, %d) = %#x, %v", log2Align, addr, err)
		}
	}
	for start := uint64(1); start < 5; start++ {
		s := newHeapScene(t, newSparseMemory(start, 1000))
		s.alloc(1, 17, start*pageSize)
		s.alloc(1, 20, (start+4)*pageSize)
	}
}

// TestFreeLists has lists that are stacks, one a class, and nothing that moves from one to another but a page.
func TestFreeLists(t *testing.T) {
	const p = pageSize
	t.Run("LastFreedFirst", func(t *testing.T) {
		for _, n := range []uint64{1, 60, 32764, 65528, 65529, 262136} {
			s := newHeapScene(t, linmemtest.NewMemory(1, 100))
			var slots []uint64
			for range 5 {
				addr, err := s.a.Alloc(n, 0)
				if err != nil {
					t.Fatal(err)
				}
				slots = append(slots, addr)
			}
			pages := s.m.NumPages()
			order := []int{3, 0, 4, 1, 2}
			for _, i := range order {
				s.free(slots[i], n)
			}
			for _, i := range slices.Backward(order) {
				s.alloc(n, 0, slots[i])
			}
			s.pages(pages)
			fresh, err := s.a.Alloc(n, 0)
			if err != nil || slices.Contains(slots, fresh) {
				t.Errorf("with the list of %d bytes used up, Alloc = %#x, %v", n, fresh, err)
			}
		}
	})
	t.Run("EachClassHasOne", func(t *testing.T) {
		s := newHeapScene(t, linmemtest.NewMemory(1, 100))
		s.alloc(60, 0, p)
		s.alloc(60, 0, p+64)
		s.free(p, 60)
		s.alloc(28, 0, 2*p)
		s.alloc(61, 0, 3*p)
		s.alloc(29, 5, p) // 64 bytes
		s.alloc(65529, 0, 4*p)
		s.free(4*p, 65529)
		s.alloc(262136, 0, 6*p)
		s.alloc(65528, 0, 10*p)
		s.alloc(131064, 0, 4*p)
	})
	t.Run("SizesOfOneClassShareIt", func(t *testing.T) {
		s := newHeapScene(t, linmemtest.NewMemory(1, 100))
		s.alloc(29, 0, p)
		s.free(p, 60)
		s.alloc(1, 6, p)
	})
	t.Run("FreedPageIsCutUp", func(t *testing.T) {
		s := newHeapScene(t, linmemtest.NewMemory(1, 100))
		s.alloc(65528, 0, p)
		s.alloc(65528, 0, 2*p)
		s.free(p, 65528)
		s.free(2*p, 65528)
		s.alloc(60, 0, 2*p)
		s.alloc(60, 0, 2*p+64)
		s.alloc(0, 0, p)
		s.pages(3)
	})
	t.Run("CutPageNeverComesBack", func(t *testing.T) {
		s := newHeapScene(t, linmemtest.NewMemory(1, 100))
		s.alloc(32764, 0, p)
		s.alloc(32764, 0, p+32768)
		s.free(p, 32764)
		s.free(p+32768, 32764)
		s.alloc(65528, 0, 2*p)
	})
	t.Run("NothingHasThePagesList", func(t *testing.T) {
		s := newHeapScene(t, linmemtest.NewMemory(1, 100))
		s.alloc(0, 0, p)
		s.free(p, 0)
		s.alloc(65528, 0, p)
	})
}

// TestNodeBytes has the lists as the guest sees them: the address of the slot that was freed before, little-endian, in the
// last 4 bytes of a slot. Nothing else is written, and nothing at all by Alloc.
func TestNodeBytes(t *testing.T) {
	for _, test := range []struct{ n, slot uint64 }{
		{1, 8}, {60, 64}, {32764, 32768}, {65528, pageSize}, {65529, 2 * pageSize}, {131065, 4 * pageSize},
	} {
		t.Run(fmt.Sprint(test.n), func(t *testing.T) {
			s := newHeapScene(t, linmemtest.NewMemory(1, 100))
			const first = pageSize
			for i := range uint64(3) {
				s.alloc(test.n, 0, first+i*test.slot)
			}
			size := s.m.NumPages() * pageSize
			want := bytes.Repeat([]byte{0x5a}, int(size))
			copy(view(t, s.m, 0, size), want)
			check := func() {
				t.Helper()
				if got := view(t, s.m, 0, size); !bytes.Equal(got, want) {
					i := 0
					for got[i] == want[i] {
						i++
					}
					t.Fatalf("%#x holds %#x, want %#x", i, got[i], want[i])
				}
			}
			next := uint64(0)
			for _, i := range []uint64{1, 0, 2} {
				slot := first + i*test.slot
				s.free(slot, test.n)
				binary.LittleEndian.PutUint32(want[slot+test.slot-4:], uint32(next))
				check()
				if got := s.node(slot, test.slot); got != next {
					t.Errorf("the node of %#x is %#x, want %#x", slot, got, next)
				}
				next = slot
			}
			for _, i := range []uint64{2, 0, 1} {
				s.alloc(test.n, 0, first+i*test.slot)
				check()
			}
		})
	}
}

// TestNodesInMovingMemory has the memory move between a Free and the Alloc that reads its node.
func TestNodesInMovingMemory(t *testing.T) {
	s := newHeapScene(t, newSparseMemory(1, 100))
	const p = pageSize
	s.alloc(60, 0, p)
	s.alloc(60, 0, p+64)
	s.free(p, 60)
	s.alloc(5, 0, 2*p) // moves it
	s.free(p+64, 60)
	s.alloc(20, 0, 3*p)
	if got := s.node(p+64, 64); got != p {
		t.Errorf("the node is %#x, want %#x", got, p)
	}
	s.alloc(65528, 0, 4*p)
	s.alloc(60, 0, p+64)
	s.alloc(65528, 0, 5*p)
	s.alloc(60, 0, p)
	s.alloc(60, 0, p+128)
}

// TestLargestClasses has the class of 1 GiB, the last for which the original has room, and the one past it.
func TestLargestClasses(t *testing.T) {
	for _, slotPages := range []uint64{1 << 14, 1 << 15} {
		n := slotPages*pageSize - 8
		s := newHeapScene(t, newSparseMemory(1, 1+slotPages))
		s.alloc(n, 0, pageSize)
		s.pages(1 + slotPages)
		view(t, s.m, pageSize+n+4, 4)[0] = 0xff
		s.free(pageSize, n)
		if got := s.node(pageSize, slotPages*pageSize); got != 0 {
			t.Errorf("the node is %#x, want 0", got)
		}
		s.allocFails(1, 0, linmem.ErrOutOfMemory)
		s.alloc(n-pageSize, 0, pageSize)
		s.allocFails(n, 0, linmem.ErrOutOfMemory)
	}
}

// TestAllocFromZeroPages holds what the original makes of a growth that returns 0: it failed.
func TestAllocFromZeroPages(t *testing.T) {
	for _, test := range []struct{ n, pages uint64 }{{1, 1}, {65528, 1}, {65529, 2}} {
		m := newSparseMemory(0, 100)
		s := newHeapScene(t, m)
		addr, err := s.a.Alloc(test.n, 0)
		wantError(t, err, linmem.ErrOutOfMemory, "zigref.Allocator.Alloc", 0, test.n)
		if addr != 0 {
			t.Errorf("Alloc fails, and is %#x", addr)
		}
		s.pages(test.pages)
		s.alloc(test.n, 0, test.pages*pageSize)
		s.alloc(1000, 0, 2*test.pages*pageSize)
	}
}

// TestAllocPast65536Pages is on memories that could go on, or do, where 32-bit addresses end.
func TestAllocPast65536Pages(t *testing.T) {
	const all = 1 << 16
	for _, test := range []struct {
		name      string
		size      uint64
		call      func(*heapScene)
		wantPages uint64
	}{
		{"LastPage", all - 1, func(s *heapScene) {
			s.alloc(65528, 0, gib4-pageSize)
			s.allocFails(65528, 0, linmem.ErrOutOfMemory)
			s.free(gib4-pageSize, 65528)
			s.alloc(65528, 0, gib4-pageSize)
		}, all},
		{"LastPageIsCutUp", all - 1, func(s *heapScene) {
			s.alloc(32764, 0, gib4-pageSize)
			s.alloc(32764, 0, gib4-pageSize/2) // the next address wraps to 0
			s.allocFails(32764, 0, linmem.ErrOutOfMemory)
			s.free(gib4-pageSize/2, 32764)
			s.free(gib4-pageSize, 32764)
			s.alloc(32764, 0, gib4-pageSize)
			s.alloc(32764, 0, gib4-pageSize/2)
		}, all},
		{"OnePageTooMany", all - 1, func(s *heapScene) { s.allocFails(65529, 0, linmem.ErrOutOfMemory) }, all - 1},
		{"Full", all, func(s *heapScene) { s.allocFails(1, 0, linmem.ErrOutOfMemory) }, all},
		{"Larger", all + 1, func(s *heapScene) {
			s.allocFails(1, 0, linmem.ErrOutOfMemory)
			s.allocFails(0, 0, linmem.ErrOutOfMemory)
		}, all + 1},
		{"FreePast", all + 100, func(s *heapScene) {
			s.freeFails(gib4, 65528, 0, linmem.ErrNotAllocated)
			s.freeFails(gib4+64, 60, 0, linmem.ErrNotAllocated)
			s.freeFails(gib4-pageSize, 65529, 0, linmem.ErrNotAllocated)
			s.free(gib4-pageSize, 65528)
			s.alloc(65528, 0, gib4-pageSize)
		}, all + 100},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newHeapScene(t, newSparseMemory(test.size, 1<<30))
			test.call(s)
			s.pages(test.wantPages)
		})
	}
}

// TestAllocGuestGrows has the guest grow its memory as well. The allocator uses what its own growth brought.
func TestAllocGuestGrows(t *testing.T) {
	m := newSparseMemory(1, 1<<16+100)
	guest := uint64(3)
	s := newHeapScene(t, linmemtest.GuestGrows(func() uint64 { return guest }, m))
	s.alloc(60, 0, 4*pageSize)
	s.alloc(60, 0, 4*pageSize+64)
	s.alloc(65529, 0, 8*pageSize)
	s.pages(10)
	guest = 1<<16 - 10
	_, err := s.a.Alloc(65528, 0) // the memory grows, but past what 32-bit addresses reach
	wantError(t, err, linmem.ErrOutOfMemory, "zigref.Allocator.Alloc", 0, 65528)
}

// TestAllocRefusals refuses the growth at each point of a run of operations. The refused call changes nothing.
func TestAllocRefusals(t *testing.T) {
	sizes := []uint64{1, 60, 1, 65529, 32764, 32764, 32764, 60, 65528}
	grows := []uint64{1, 1, 0, 2, 1, 0, 1, 0, 1} // pages
	for n := range 7 {
		m := newSparseMemory(1, 100)
		s := newHeapScene(t, linmemtest.FailAfter(n, m))
		growths, pages := 0, uint64(1)
		for i, size := range sizes {
			if grows[i] > 0 {
				growths++
			}
			if growths <= n {
				pages += grows[i]
				if _, err := s.a.Alloc(size, 0); err != nil {
					t.Error(err)
				}
			} else if grows[i] > 0 {
				s.allocFails(size, 0, linmem.ErrOutOfMemory)
			}
			s.pages(pages)
		}
	}
}
