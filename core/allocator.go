package linmem

// Allocator is what [Heap], [Shared], [Local] and, through [Arena.Allocator], an arena have in common: the three functions
// of Zig's allocator interface.
type Allocator interface {
	// AllocAligned returns the address of size bytes that nobody else has, at a multiple of align, a power of two.
	AllocAligned(size, align uint64) (addr uint64, err error)

	// Resize changes the size of an allocation in place, or fails with [ErrOutOfMemory] and changes nothing.
	Resize(addr, size uint64) error

	// Free gives an allocation back.
	Free(addr uint64) error
}

var (
	_ Allocator = (*Heap)(nil)
	_ Allocator = arenaAllocator{}
)
