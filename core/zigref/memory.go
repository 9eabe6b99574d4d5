package zigref

import (
	"errors"
	"fmt"
	"math/bits"

	linmem "github.com/linmem/linmem/core"
)

// usize is Zig's integer for addresses and sizes. Sums of it wrap, as they do in the originals once compiled without
// safety checks.
type usize = uint32

const (
	maxUsize     = 1<<32 - 1
	maxLog2Align = 31 // an alignment must fit a usize

	pageSize = linmem.PageSize
	maxPages = 1 << 16 // what 32-bit addresses reach
)

var (
	errAlignment = because(linmem.ErrInvalid, "log2Align is the base-2 logarithm of the alignment, 31 at most")
	errTooLarge  = because(linmem.ErrOutOfMemory, "no 32-bit memory holds that: ask for less")
	errNoSpace   = because(linmem.ErrOutOfMemory, "32-bit addresses end at 65,536 pages: free something")
	errRefused   = because(linmem.ErrOutOfMemory, "the memory refused to grow: free something, or raise its maximum")
	errFromZero  = because(linmem.ErrOutOfMemory,
		"the memory grew from 0 pages, and the original takes that for a refusal: give it a page first")
	errNull        = because(linmem.ErrOutOfMemory, "the result would be address 0, which is null")
	errGrewBetween = because(linmem.ErrCorrupt,
		"the memory grew between memory.size and memory.grow: let nobody grow it during a call")
	errNode = because(linmem.ErrCorrupt,
		"a free list goes on where no slot can be; the guest wrote into freed memory, or a slot was freed twice or by a "+
			"wrong size: stop using this memory")
	errBitmap = because(linmem.ErrCorrupt,
		"the bitmap calls pages free that cannot be; the guest wrote over it, or the caller freed pages that were not its "+
			"own: stop using this memory")
)

func because(sentinel error, reason string) error { return fmt.Errorf("%w: %s", sentinel, reason) }

// memory is a linear memory as the originals see it, through memory.size and memory.grow.
type memory struct{ linmem.Memory }

// size returns the number of bytes that 32-bit addresses reach.
func (m memory) size() uint64 { return min(m.NumPages(), maxPages) * pageSize }

// grow is the originals' way of growing: it fails unless the result, taken for a signed integer, is positive. So a growth
// from 0 pages fails, though the memory has grown. It returns the bare reason of a failure.
func (m memory) grow(delta usize) (prev usize, err error) {
	if m.NumPages()+uint64(delta) > maxPages {
		return 0, errNoSpace
	}
	before, err := m.Grow(uint64(delta))
	switch {
	case errors.Is(err, linmem.ErrClosed):
		return 0, linmem.ErrClosed
	case err != nil:
		return 0, errRefused
	case before == 0:
		return 0, errFromZero
	case before+uint64(delta) > maxPages:
		return 0, errNoSpace // somebody else grew it as well
	}
	return usize(before), nil
}

// holds returns nil if the n bytes at addr are inside the memory and addr is not null, and why not otherwise.
func (m memory) holds(addr, n uint64) error {
	if size := m.size(); addr != 0 && addr <= size && n <= size-addr {
		return nil
	}
	// A closed memory has no pages; only Grow tells it from an empty one.
	if _, err := m.Grow(0); errors.Is(err, linmem.ErrClosed) {
		return linmem.ErrClosed
	}
	return linmem.ErrNotAllocated
}

// reason strips an error of the memory of the call that it names, since the allocator's call is the one to name.
func reason(err error) error {
	if err == nil {
		return nil // before errors.As makes the pointer below a Go allocation
	}
	if e := (*linmem.Error)(nil); errors.As(err, &e) && e.Err != nil {
		return e.Err
	}
	return err
}

// alignForward rounds up to a multiple of a power of two, and wraps to 0 past the last one.
func alignForward(addr, alignment usize) usize { return (addr + alignment - 1) &^ (alignment - 1) }

// ceilPowerOfTwo rounds up to a power of two; 0 for 0, and if that has 33 bits.
func ceilPowerOfTwo(n usize) usize { return usize(uint64(1) << bits.Len32(n-1)) }

// log2 returns the logarithm of a power of two.
func log2(powerOfTwo usize) usize { return usize(bits.TrailingZeros32(powerOfTwo)) }
