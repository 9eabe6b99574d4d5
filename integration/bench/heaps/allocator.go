package heaps

import (
	"errors"

	linmem "github.com/linmem/linmem/core"
)

// Allocator is what the workloads need of a byte allocator. A block is named by its address, or by what the allocator has
// in the place of one, and whoever frees it says how large it is.
type Allocator interface {
	// Alloc returns a block aligned for any C type of that size: 16 bytes at most.
	Alloc(size uint64) (addr uint64, err error)

	// Free gives back a block of the size that it was asked for with.
	Free(addr, size uint64) error

	// Realloc makes a block larger or smaller. It may move, its contents with it.
	Realloc(addr, oldSize, newSize uint64) (newAddr uint64, err error)
}

// Aligner is optional: an [Allocator] that aligns a block as asked, and frees and reallocates such a block like any other.
// Zig's and Rust's are none, since they must be told the alignment again.
type Aligner interface {
	AllocAligned(size, align uint64) (addr uint64, err error)
}

// Putter is optional: an [Allocator] that copies data into a block of its own.
type Putter interface {
	Put(data []byte) (addr uint64, err error)
}

// Kind is a byte allocator that can be opened, each time on a memory of its own.
type Kind struct {
	Name string
	Open func() (Opened, error)
}

// Opened is an allocator and what it stands on.
type Opened struct {
	Allocator

	// Memory is nil for those that do not allocate in a linear memory.
	Memory linmem.Memory

	// Digest calls a guest that reads the block; nil if there is none.
	Digest func(addr, size uint64) (digest uint64, err error)

	close func() error
}

// Close closes the allocator and what it stands on. No block is of use afterwards.
func (o Opened) Close() error {
	if o.close == nil {
		return nil
	}
	return o.close()
}

// errNoMemory is what an allocator means that says nothing but null.
var errNoMemory = errors.New("the allocator has no memory")

// Idle is an allocator that does nothing, and so tells what a workload costs by itself.
type Idle struct{}

// Alloc implements [Allocator].
func (Idle) Alloc(uint64) (uint64, error) { return 16, nil }

// AllocAligned implements [Aligner].
func (Idle) AllocAligned(uint64, uint64) (uint64, error) { return 16, nil }

// Free implements [Allocator].
func (Idle) Free(uint64, uint64) error { return nil }

// Realloc implements [Allocator].
func (Idle) Realloc(addr, _, _ uint64) (uint64, error) { return addr, nil }
