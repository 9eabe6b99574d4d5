package heaps

import (
	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/zigref"
	"modernc.org/memory"

	nativemem "github.com/linmem/linmem/backends/native"
)

// maxPages is a full 32-bit memory.
const maxPages = 1 << 16

// Native returns the kinds without a guest: heap and zigref on native memories of 1 page at first, modernc and gomake.
func Native() []Kind { return []Kind{Heap, Zigref, Modernc, GoMake} }

// The kinds without a guest.
var (
	Heap    = Kind{"heap", onNative(openHeap)}
	Zigref  = Kind{"zigref", onNative(openZigref)}
	Modernc = Kind{"modernc", openModernc}
	GoMake  = Kind{"gomake", func() (Opened, error) { return Opened{Allocator: new(goBlocks)}, nil }}
)

// onNative opens an allocator on a new native memory.
func onNative(open func(linmem.Memory) (Allocator, error)) func() (Opened, error) {
	return func() (Opened, error) {
		m, err := nativemem.New(1, maxPages)
		if err != nil {
			return Opened{}, err
		}
		a, err := open(m)
		if err != nil {
			_ = m.Close()
			return Opened{}, err
		}
		return Opened{Allocator: a, Memory: m, close: m.Close}, nil
	}
}

// log2Align is the default alignment of malloc: 16 bytes.
const log2Align = 4

type zigrefBlocks struct {
	a *zigref.Allocator
	m linmem.Memory
}

func openZigref(m linmem.Memory) (Allocator, error) {
	return &zigrefBlocks{zigref.NewAllocator(m), m}, nil
}

func (z *zigrefBlocks) Alloc(size uint64) (uint64, error) { return z.a.Alloc(size, log2Align) }
func (z *zigrefBlocks) Free(addr, size uint64) error      { return z.a.Free(addr, size, log2Align) }

// Realloc does what std.mem.Allocator does, whose allocators have no realloc of their own.
func (z *zigrefBlocks) Realloc(addr, oldSize, newSize uint64) (uint64, error) {
	if z.a.Resize(addr, oldSize, log2Align, newSize) {
		return addr, nil
	}
	newAddr, err := z.a.Alloc(newSize, log2Align)
	if err == nil {
		err = move(z.m, newAddr, addr, min(oldSize, newSize))
	}
	if err != nil {
		return 0, err
	}
	return newAddr, z.a.Free(addr, oldSize, log2Align)
}

// move copies n bytes inside a memory.
func move(m linmem.Memory, to, from, n uint64) error {
	dst, err := m.View(to, n)
	if err != nil {
		return err
	}
	src, err := m.View(from, n)
	if err != nil {
		return err
	}
	copy(dst, src)
	return nil
}

// moderncBlocks takes 1 byte where 0 are asked for, since modernc gives no block for that.
type moderncBlocks struct{ a memory.Allocator }

func openModernc() (Opened, error) {
	m := new(moderncBlocks)
	return Opened{Allocator: m, close: m.a.Close}, nil
}

func (m *moderncBlocks) Alloc(size uint64) (uint64, error) {
	p, err := m.a.UintptrMalloc(int(max(size, 1)))
	return uint64(p), err
}

func (m *moderncBlocks) Free(addr, _ uint64) error { return m.a.UintptrFree(uintptr(addr)) }

func (m *moderncBlocks) Realloc(addr, _, newSize uint64) (uint64, error) {
	p, err := m.a.UintptrRealloc(uintptr(addr), int(max(newSize, 1)))
	return uint64(p), err
}

// goBlocks are slices in a table, named by their index. Dropping one is to free it.
type goBlocks struct {
	blocks [][]byte
	unused []uint64 // indices
}

func (g *goBlocks) Alloc(size uint64) (uint64, error) {
	block := make([]byte, size)
	if n := len(g.unused); n > 0 {
		i := g.unused[n-1]
		g.unused = g.unused[:n-1]
		g.blocks[i] = block
		return i, nil
	}
	g.blocks = append(g.blocks, block)
	return uint64(len(g.blocks) - 1), nil
}

func (g *goBlocks) Free(addr, _ uint64) error {
	g.blocks[addr] = nil
	g.unused = append(g.unused, addr)
	return nil
}

func (g *goBlocks) Realloc(addr, oldSize, newSize uint64) (uint64, error) {
	if newSize > uint64(cap(g.blocks[addr])) {
		block := make([]byte, newSize)
		copy(block, g.blocks[addr][:oldSize])
		g.blocks[addr] = block
	}
	g.blocks[addr] = g.blocks[addr][:newSize]
	return addr, nil
}
