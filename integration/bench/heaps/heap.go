package heaps

import linmem "github.com/linmem/linmem/core"

// heapBlocks is what this project is there for.
type heapBlocks struct{ h *linmem.Heap }

func openHeap(m linmem.Memory) (Allocator, error) {
	h, err := linmem.NewHeap(m)
	return heapBlocks{h}, err
}

func (b heapBlocks) Alloc(size uint64) (uint64, error) { return b.h.Alloc(size) }

func (b heapBlocks) AllocAligned(size, align uint64) (uint64, error) {
	return b.h.AllocAligned(size, align)
}

func (b heapBlocks) Free(addr, _ uint64) error { return b.h.Free(addr) }

func (b heapBlocks) Realloc(addr, _, newSize uint64) (uint64, error) {
	return b.h.Realloc(addr, newSize)
}

func (b heapBlocks) Put(data []byte) (uint64, error) { return b.h.Put(data) }
