package zigref_test

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/zigref"
)

// FuzzGuestWrites reads an input as an allocator (one byte) and a stream of operations (four bytes each): calls, right and
// wrong ones, and in between writes of the guest, anywhere. No call may panic, fail otherwise than is documented, or return
// what is not inside the memory; and while neither side has made a mistake, no two allocations may overlap.
func FuzzGuestWrites(f *testing.F) {
	for _, seed := range guestWriteSeeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		playGuestWrites(t, data)
	})
}

// playGuestWrites returns the outcomes of all calls.
func playGuestWrites(t *testing.T, data []byte) map[string]bool {
	if len(data) == 0 {
		return nil
	}
	g := newGuestWrites(t, data[0]&1 == onPages)
	data = data[1:]
	for range 200 {
		if len(data) < 4 {
			break
		}
		g.step(data[0], data[1], data[2], data[3])
		data = data[4:]
	}
	return g.seen
}

// The first byte of an input.
const (
	onHeap  = 0
	onPages = 1
)

// The first byte of a step. What the others mean is in the method step.
const (
	opAlloc = iota
	opFree
	opResize
	opWrongFree
	opWriteNode
	opWriteAnywhere
	opFillPage
	opGuestGrows
	guestWritesOps
)

// The seeds are where fuzzing starts; a plain test runs them.
var guestWriteSeeds = [][]byte{
	nil,
	// Slots freed and had again, a node overwritten by each kind of value, and the class asked for after each.
	{
		onHeap, opAlloc, 6, 0, 0, opAlloc, 6, 0, 0, opAlloc, 16, 1, 0, opFree, 0, 0, 0, opFree, 0, 0, 0,
		opWriteNode, 0, 0, 0, opAlloc, 6, 0, 0, opWriteNode, 1, 1, 5, opAlloc, 6, 0, 0,
		opWriteNode, 0, 2, 0, opAlloc, 6, 0, 0, opWriteNode, 1, 3, 9, opAlloc, 6, 0, 0,
		opWriteNode, 0, 4, 200, opAlloc, 6, 0, 0, opWriteNode, 1, 5, 0, opAlloc, 6, 0, 0,
	},
	// A node that points outside, aligned; then to the slot itself, then to the middle of it.
	{
		onHeap, opAlloc, 6, 0, 0, opFree, 0, 0, 0, opWriteNode, 0, 4, 200, opAlloc, 6, 0, 0,
		opWriteNode, 0, 2, 0, opAlloc, 6, 0, 0, opWriteNode, 0, 7, 64, opAlloc, 6, 0, 0, opAlloc, 6, 0, 0,
	},
	// Pages, of which the lists are cut up; sizes and alignments that are too large.
	{
		onHeap, opAlloc, 16, 0, 0, opAlloc, 16, 0, 0, opAlloc, 17, 0, 0, opFree, 0, 0, 0, opFree, 0, 0, 0, opFree, 0, 0, 0,
		opWriteNode, 2, 3, 200, opAlloc, 17, 0, 0, opWriteNode, 1, 4, 3, opAlloc, 3, 0, 0, opResize, 0, 9, 0,
		opResize, 0, 31, 255, opAlloc, 32, 0, 0, opAlloc, 30, 0, 0, opAlloc, 3, 33, 0,
		opWrongFree, 4, 3, 33, opWrongFree, 4, 200, 7,
	},
	// Past page 2,048, the bitmap overwritten with ones, then with bits far out, then grown and shrunk.
	{
		onPages, opAlloc, 20, 0, 0, opAlloc, 20, 0, 0, opAlloc, 18, 2, 0, opFree, 1, 0, 0, opWriteNode, 0, 6, 255,
		opAlloc, 16, 0, 0, opAlloc, 22, 0, 0, opFillPage, 0, 255, 0, opAlloc, 17, 18, 0, opAlloc, 23, 0, 0,
		opAlloc, 24, 0, 0, opAlloc, 32, 0, 0, opAlloc, 16, 33, 0, opFillPage, 0, 0, 0, opAlloc, 16, 0, 0,
		opResize, 0, 24, 0, opResize, 0, 16, 0, opWrongFree, 3, 1, 7, opWrongFree, 9, 1, 7,
		opGuestGrows, 2, 0, 0, opAlloc, 16, 19, 0,
	},
	// The bitmap is in the dropped pages.
	{
		onPages, opAlloc, 16, 27, 0, opFree, 0, 0, 0, opAlloc, 16, 17, 0, opAlloc, 16, 18, 0, opFree, 0, 0, 0,
		opFillPage, 1, 255, 1, opAlloc, 0, 0, 0, opAlloc, 16, 31, 0, opAlloc, 31, 0, 0,
	},
	// No mistakes.
	{
		onHeap, opAlloc, 3, 0, 0, opAlloc, 5, 0, 1, opAlloc, 17, 0, 2, opResize, 1, 5, 9, opFree, 1, 0, 0, opAlloc, 5, 6, 0,
		opFree, 0, 0, 0, opFree, 0, 0, 0, opAlloc, 15, 0, 0, opGuestGrows, 1, 0, 0, opAlloc, 16, 0, 0, opAlloc, 16, 16, 0,
	},
}

func TestGuestWriteSeedsReachEveryOutcome(t *testing.T) {
	seen := map[string]bool{}
	for _, seed := range guestWriteSeeds {
		for outcome := range playGuestWrites(t, seed) {
			seen[outcome] = true
		}
	}
	for _, op := range []string{"zigref.Allocator.", "zigref.PageAllocator."} {
		for _, outcome := range []string{
			"Alloc", "Alloc: out of memory", "Alloc: invalid argument", "Alloc: corrupt", "Resize", "Resize: false",
			"Free", "Free: " + linmem.ErrNotAllocated.Error(),
		} {
			if !seen[op+outcome] {
				t.Errorf("no seed has %s%s", op, outcome)
			}
		}
	}
	if outcome := "zigref.Allocator.Free: invalid argument"; !seen[outcome] {
		t.Errorf("no seed has %s", outcome)
	}
}

// guestWrites is a memory, and what the caller of one allocator on it knows.
type guestWrites struct {
	t         *testing.T
	m         linmem.Memory
	sparse    *sparseMemory // m if pages are allocated, nil otherwise
	max       uint64
	functions zigFunctions
	op        string
	live      []zigSlice
	freed     []zigSlice
	mistakes  bool
	seen      map[string]bool
}

func newGuestWrites(t *testing.T, pages bool) *guestWrites {
	g := &guestWrites{t: t, seen: map[string]bool{}}
	if pages {
		g.op = "zigref.PageAllocator."
		g.sparse = newSparseMemory(2040, 2200)
		g.m, g.max, g.functions = g.sparse, g.sparse.max, pageFunctions{zigref.NewPageAllocator(g.sparse)}
		return g
	}
	g.op = "zigref.Allocator."
	m := newFlatMemory(1, 24)
	g.m, g.max, g.functions = m, m.max, zigref.NewAllocator(m)
	return g
}

func (g *guestWrites) step(op, a, b, c byte) {
	switch op % guestWritesOps {
	case opAlloc:
		g.alloc(fuzzSize(a, c), b)
	case opFree:
		if len(g.live) > 0 {
			i := int(a) % len(g.live)
			s := g.live[i]
			g.live = slices.Delete(g.live, i, i+1)
			g.free(s)
		}
	case opResize:
		if len(g.live) > 0 {
			s := &g.live[int(a)%len(g.live)]
			n := fuzzSize(b, c)
			if n == 0 && g.sparse != nil {
				return // frees it
			}
			outcome := "Resize: false"
			if g.functions.Resize(s.addr, s.n, s.log2Align, n) {
				outcome = "Resize"
				// A size that wraps, and is told yes, is a mistake of the caller.
				g.mistakes = g.mistakes || n > g.m.NumPages()*pageSize
				s.n = n
			}
			g.seen[g.op+outcome] = true
		}
	case opWrongFree:
		g.mistakes = true
		s := zigSlice{addr: g.value(a, b), n: fuzzSize(b, c), log2Align: c % 34}
		g.free(s)
		g.functions.Resize(s.addr, s.n, s.log2Align, uint64(a)*1000)
	case opWriteNode:
		if len(g.freed) > 0 {
			s := g.freed[int(a)%len(g.freed)]
			end := s.addr + fuzzSlot(s) - 4
			if g.sparse != nil { // the bitmap is in the last page of the pages freed first
				end = s.addr + (s.n+pageSize-1)&^(pageSize-1) - pageSize + uint64(c%32)
			}
			g.write(end, uint32(g.value(b, c)))
		}
	case opWriteAnywhere:
		g.write(g.value(a, b), uint32(g.value(b, c)))
	case opFillPage:
		if page := g.page(a); page != nil {
			// Not all of it: a bitmap full of ones makes the search, which is quadratic in long runs, take a second.
			g.mistakes = true
			for i := range 64 {
				if c%2 == 0 || i%7 == 0 {
					page[i], page[pageSize-1-i] = b, b
				}
			}
		}
	case opGuestGrows:
		_, _ = g.m.Grow(uint64(a % 4)) // may be refused
	}
	if size := g.m.NumPages(); size > g.max {
		g.t.Fatalf("the memory has %d pages, of %d at most", size, g.max)
	}
}

// fuzzSize makes sizes around the powers of two.
func fuzzSize(log2, offset byte) uint64 {
	n := uint64(1)<<(log2%34) + uint64(int64(int8(offset)))
	if n > tooManyBytes/2 {
		return uint64(offset)
	}
	return n
}

// fuzzSlot returns a slot's size, for sizes that do not wrap.
func fuzzSlot(s zigSlice) uint64 {
	slot := max(s.n+4, 1<<min(s.log2Align, 33))
	if slot > pageSize/2 || slot <= 4 {
		slot = (slot + pageSize + 3) / pageSize * pageSize
	}
	return uint64(1) << bits.Len64(slot-1)
}

// value makes an address, or what a guest would write for one.
func (g *guestWrites) value(kind, c byte) uint64 {
	size := g.m.NumPages() * pageSize
	pick := func(list []zigSlice) uint64 {
		if len(list) == 0 {
			return uint64(c)
		}
		return list[int(c)%len(list)].addr
	}
	switch kind % 10 {
	case 0:
		return 0
	case 1:
		return size - uint64(c)*8
	case 2:
		return pick(g.freed)
	case 3:
		return pick(g.live)
	case 4:
		return uint64(c) * pageSize
	case 5:
		return gib4 - 1 - uint64(c)
	case 6:
		return uint64(c) * 0x01010101
	case 7:
		return pick(g.freed) + uint64(int64(int8(c)))
	case 8:
		return size - uint64(c)*pageSize
	default:
		return uint64(c) << (c % 29)
	}
}

// page returns a page that the guest can write to: one near to what was freed, in most cases.
func (g *guestWrites) page(c byte) []byte {
	page := uint64(c)
	if n := len(g.freed); n > 0 && c < 200 {
		s := g.freed[int(c)%n]
		page = (s.addr + max(s.n, 1) - 1) / pageSize
	}
	switch {
	case page >= g.m.NumPages():
		return nil
	case g.sparse != nil:
		return g.sparse.guest(page)
	}
	return view(g.t, g.m, page*pageSize, pageSize)
}

func (g *guestWrites) write(addr uint64, value uint32) {
	addr &^= 3
	if addr+4 > g.m.NumPages()*pageSize || addr+4 < addr {
		return
	}
	g.mistakes = true
	if g.sparse != nil {
		binary.LittleEndian.PutUint32(g.sparse.guest(addr / pageSize)[addr%pageSize:], value)
	} else {
		binary.LittleEndian.PutUint32(view(g.t, g.m, addr, 4), value)
	}
}

func (g *guestWrites) alloc(n uint64, log2Align uint8) {
	size := g.m.NumPages()
	log2Align %= 34
	addr, err := g.functions.Alloc(n, log2Align)
	if err != nil {
		g.documented(err, "Alloc", linmem.ErrOutOfMemory, linmem.ErrInvalid, linmem.ErrCorrupt)
		if addr != 0 || g.m.NumPages() != size {
			g.t.Fatalf("Alloc fails, is %#x, and grew %d pages to %d", addr, size, g.m.NumPages())
		}
		return
	}
	g.seen[g.op+"Alloc"] = true
	s := zigSlice{addr, n, log2Align}
	end := addr + (n+pageSize-1)&^(pageSize-1)
	if g.sparse == nil {
		end = addr + fuzzSlot(s)
		if addr%(1<<min(log2Align, 16)) != 0 {
			g.t.Fatalf("Alloc(%d, %d) = %#x is misaligned", n, log2Align, addr)
		}
	} else if addr%pageSize != 0 {
		g.t.Fatalf("Alloc(%d, %d) = %#x is misaligned", n, log2Align, addr)
	}
	if addr == 0 || end > g.m.NumPages()*pageSize {
		g.t.Fatalf("Alloc(%d, %d) = %#x, of a memory of %#x bytes", n, log2Align, addr, g.m.NumPages()*pageSize)
	}
	if g.sparse != nil && n > 0 && len(g.sparse.viewed) > 0 {
		if bitmap := g.sparse.viewed[0] * pageSize; addr <= bitmap && bitmap < end {
			g.t.Fatalf("Alloc(%d, %d) = %#x, and the bitmap is in it at %#x", n, log2Align, addr, bitmap)
		}
	}
	if !g.mistakes {
		for _, other := range g.live {
			if min(n, other.n) > 0 && addr < other.addr+other.n && other.addr < addr+n { // 0 bytes overlap nothing
				g.t.Fatalf("Alloc(%d, %d) = %#x overlaps the %d bytes at %#x", n, log2Align, addr, other.n, other.addr)
			}
		}
	}
	g.live = append(g.live, s)
}

func (g *guestWrites) free(s zigSlice) {
	if err := g.functions.Free(s.addr, s.n, s.log2Align); err != nil {
		g.documented(err, "Free", linmem.ErrNotAllocated, linmem.ErrInvalid)
		if !g.mistakes {
			g.t.Fatalf("an allocation cannot be freed: %v", err)
		}
		return
	}
	g.seen[g.op+"Free"] = true
	g.freed = append(g.freed, s)
}

// documented checks that an error is one of those, says of which call it is, and is no ErrCorrupt without a reason.
func (g *guestWrites) documented(err error, call string, kinds ...error) {
	g.t.Helper()
	var e *linmem.Error
	if !errors.As(err, &e) || e.Op != g.op+call {
		g.t.Fatalf("%v is no *linmem.Error of %s%s", err, g.op, call)
	}
	i := slices.IndexFunc(kinds, func(kind error) bool { return errors.Is(err, kind) })
	if i < 0 {
		g.t.Fatalf("%v is none of %v", err, kinds)
	}
	g.seen[g.op+call+": "+kinds[i].Error()] = true
	if errors.Is(err, linmem.ErrCorrupt) && !g.mistakes {
		g.t.Fatalf("%v, and nobody has made a mistake", err)
	}
}
