package linmem

// Grower is a linear memory that can only grow: all that [Pages] needs.
type Grower interface {
	// NumPages returns the memory's size in pages, growth by the guest included. It is 0 once the memory is closed.
	NumPages() uint64

	// Grow adds delta pages, which read as zero, and returns the size before, in pages. Grow(0) changes nothing and
	// tells the size. On error nothing has changed; a memory whose owner was closed reports [ErrClosed].
	//
	// # Notes
	//
	//   - Like the instruction memory.grow, which returns -1 where this returns an error.
	//   - A growth may move the memory: see [Memory.View].
	//
	// See https://webassembly.github.io/spec/core/exec/instructions.html#exec-memory-grow
	Grow(delta uint64) (prev uint64, err error)
}

// Memory is a Grower whose bytes the host can reach.
type Memory interface {
	Grower

	// View returns the n bytes at addr. The slice aliases the guest's memory, in both directions, until the memory
	// next grows, by whomever; after that it may be stale, and must be fetched again. Its capacity is n.
	//
	// View of 0 bytes at any address up to the size is an empty, non-nil slice. Anything past the end, and a range
	// whose end overflows, is [ErrOutOfBounds]; a memory whose owner was closed reports [ErrClosed].
	View(addr, n uint64) ([]byte, error)
}

// Discarder is optional: a [Memory] that can hand the physical pages behind a range back to the operating system.
type Discarder interface {
	// Discard drops the contents of the n bytes at addr; they read as zero afterwards. The range must lie inside
	// the memory ([ErrOutOfBounds]), and its ends must be multiples of [PageSize] ([ErrInvalid]). Where it cannot be
	// done, or not soundly, that is [ErrUnsupported], and nothing has changed.
	Discard(addr, n uint64) error
}

// Subslice returns the n bytes of data at addr as [Memory.View] must: capacity n, never nil, and [ErrOutOfBounds],
// reported in the name of op, for what is not all inside. It is for those who implement Memory over a slice.
func Subslice(op string, data []byte, addr, n uint64) ([]byte, error) {
	size := uint64(len(data))
	if addr > size || n > size-addr {
		return nil, &Error{Op: op, Addr: addr, Size: n, Err: ErrOutOfBounds}
	}
	if size == 0 {
		return []byte{}, nil
	}
	return data[addr : addr+n : addr+n], nil
}
