package zigref

import (
	"encoding/binary"
	"errors"

	linmem "github.com/linmem/linmem/core"
)

const (
	// nodeSize is the room at the end of each slot for the pointer to the next free one.
	nodeSize = 4

	// minClass is the logarithm of the smallest slot, of 8 bytes: room for the node and at least 1 byte.
	minClass = 3

	// sizeClasses is the number of small classes: 8 bytes, 16 … up to half a page.
	sizeClasses = 16 - minClass

	// bigSizeClasses is the number of big classes: 1 page, 2, 4 … up to 65,536. The original has room for 15 of them, the
	// largest of 1 GiB, and runs past the end of its array for requests above that. In the guest that the tests build it
	// finds unused memory there, and so works as if it had room for all.
	bigSizeClasses = 17
)

// Allocator is Zig's WasmAllocator: power-of-two size classes with a free list each. See the package documentation.
type Allocator struct {
	m         memory
	nextAddrs [sizeClasses]usize    // for each class, the next fresh slot; a page's start or 0 if there is none
	frees     [sizeClasses]usize    // for each class, the slot that was freed last; 0 if there is none
	bigFrees  [bigSizeClasses]usize // the same for the big classes
	errs      linmem.ErrorPool
}

// NewAllocator returns an allocator that owns nothing of m yet; m must not be nil.
func NewAllocator(m linmem.Memory) *Allocator { return &Allocator{m: memory{m}} }

// Alloc returns the address of n bytes: the slot of its class that was freed last, or a fresh one, for which the memory may
// have to grow. Their contents are undefined. The alignment is 1<<log2Align bytes, honored up to a page; from a page up, the
// slot is at least twice the alignment, since the node comes on top.
//
// It fails with [linmem.ErrOutOfMemory] if the memory cannot grow, or grew from 0 pages, which the original takes for a
// refusal; with [linmem.ErrInvalid] if log2Align is above 31; and with [linmem.ErrCorrupt] if the node in the slot that it
// would return points to what cannot be a slot of the class: outside the memory, misaligned, or into this slot itself. In
// the last case nothing has changed, and the same call fails again until the node is mended.
func (a *Allocator) Alloc(n uint64, log2Align uint8) (addr uint64, err error) {
	const op = "zigref.Allocator.Alloc"
	switch {
	case log2Align > maxLog2Align:
		return 0, a.errs.Get(op, 0, n, errAlignment)
	case n > maxUsize:
		return 0, a.errs.Get(op, 0, n, errTooLarge)
	}
	actual := saturatedLen(usize(n), log2Align)
	slotSize := ceilPowerOfTwo(actual)
	if slotSize == 0 {
		return 0, a.errs.Get(op, 0, n, errTooLarge)
	}
	var slot usize
	if class := smallClass(slotSize); class < sizeClasses {
		slot, err = a.allocSmall(class, slotSize)
	} else {
		slot, err = a.allocBigPages(bigPagesNeeded(actual))
	}
	if err != nil {
		return 0, a.errs.Get(op, 0, n, err)
	}
	return uint64(slot), nil
}

// Resize changes the size of an allocation from n to newN bytes where it is, and reports whether it could: a small slot, if
// newN needs one of the same size; from a page on, if the pages that it needs round up to the same power of two. So an
// allocation of one page may become of any smaller size; Free then puts it on the list of a small class, which takes it for
// a slot of its own size, and the rest of the page is lost. The sizes alone decide: the memory is neither read nor written.
//
// For the last 7 sizes below 4 GiB the sums wrap to one page, and an allocation of one page is told yes. In Zig that is
// undefined; this is what the original does once compiled.
func (a *Allocator) Resize(addr, n uint64, log2Align uint8, newN uint64) bool {
	if addr > maxUsize || n > maxUsize || log2Align > maxLog2Align || newN > maxUsize {
		return false
	}
	oldLen := wrappedLen(usize(n), log2Align)
	newLen := saturatedLen(usize(newN), log2Align)
	if oldSlot := ceilPowerOfTwo(oldLen); smallClass(oldSlot) < sizeClasses {
		return ceilPowerOfTwo(newLen) == oldSlot
	}
	newPages := ceilPowerOfTwo(bigPagesNeeded(newLen))
	return newPages != 0 && newPages == ceilPowerOfTwo(bigPagesNeeded(oldLen))
}

// Free puts the slot of an allocation of n bytes on the list of its class, and writes the list's node into the end of the
// slot. The size and the alignment must be those that the allocation has, since they alone tell the class.
//
// It fails, nothing changed, with [linmem.ErrNotAllocated] for what cannot be an allocation, and for the slot of this class
// that was freed last, and with [linmem.ErrInvalid] if log2Align is above 31. It keeps no record of allocations, so any
// other double free is taken at the caller's word, as in Zig.
func (a *Allocator) Free(addr, n uint64, log2Align uint8) error {
	const op = "zigref.Allocator.Free"
	switch {
	case log2Align > maxLog2Align:
		return a.errs.Get(op, addr, n, errAlignment)
	case n > maxUsize || addr > maxUsize:
		return a.errs.Get(op, addr, n, linmem.ErrNotAllocated)
	}
	actual := wrappedLen(usize(n), log2Align)
	slotSize := ceilPowerOfTwo(actual)
	var err error
	if class := smallClass(slotSize); class < sizeClasses {
		err = a.push(&a.frees[class], usize(addr), uint64(slotSize))
	} else if pages := ceilPowerOfTwo(bigPagesNeeded(actual)); pages == 0 {
		err = linmem.ErrNotAllocated // a size just below 4 GiB, for which the sums wrap
	} else {
		err = a.push(&a.bigFrees[log2(pages)], usize(addr), uint64(pages)*pageSize)
	}
	if err != nil {
		return a.errs.Get(op, addr, n, err)
	}
	return nil
}

// allocSmall takes a slot from the class's list, or cuts one from the class's page, or from a new page.
func (a *Allocator) allocSmall(class, slotSize usize) (addr usize, err error) {
	if a.frees[class] != 0 {
		return a.pop(&a.frees[class], uint64(slotSize))
	}
	addr = a.nextAddrs[class]
	if addr%pageSize == 0 { // the page is used up, or there never was one
		if addr, err = a.allocBigPages(1); err != nil {
			return 0, err
		}
	}
	a.nextAddrs[class] = addr + slotSize
	return addr, nil
}

// allocBigPages takes n pages, rounded up to a power of two, from the class's list or from new memory. The original returns
// address 0 for a refusal, and Alloc there makes a pointer of it that must not be null: in builds with safety checks, which
// these ports do not follow, a big request that is refused traps.
func (a *Allocator) allocBigPages(n usize) (addr usize, err error) {
	pages := ceilPowerOfTwo(n)
	class := log2(pages)
	if a.bigFrees[class] != 0 {
		return a.pop(&a.bigFrees[class], uint64(pages)*pageSize)
	}
	page, err := a.m.grow(pages)
	return page * pageSize, err
}

// pop takes the first slot off a list. The node in its end becomes the list's head, and must look like one.
func (a *Allocator) pop(list *usize, slotSize uint64) (addr usize, err error) {
	addr = *list
	node, err := a.node(addr, slotSize)
	if err != nil {
		return 0, err
	}
	next := binary.LittleEndian.Uint32(node)
	if next != 0 && !a.canFollow(uint64(addr), uint64(next), slotSize) {
		return 0, errNode
	}
	*list = next
	return addr, nil
}

// push puts a slot on a list.
func (a *Allocator) push(list *usize, addr usize, slotSize uint64) error {
	if addr == 0 || addr == *list || !isSlot(uint64(addr), slotSize) || uint64(addr)+slotSize > maxPages*pageSize {
		return linmem.ErrNotAllocated
	}
	node, err := a.node(addr, slotSize) // is outside the memory if some of the slot is
	switch {
	case errors.Is(err, linmem.ErrOutOfBounds):
		return linmem.ErrNotAllocated
	case err != nil:
		return err
	}
	binary.LittleEndian.PutUint32(node, *list)
	*list = addr
	return nil
}

// node returns the last bytes of a slot.
func (a *Allocator) node(slot usize, slotSize uint64) ([]byte, error) {
	view, err := a.m.View(uint64(slot)+slotSize-nodeSize, nodeSize)
	return view, reason(err)
}

// canFollow reports whether a slot at next can be on a list behind the one at addr: aligned, inside the memory, and not
// overlapping it.
func (a *Allocator) canFollow(addr, next, slotSize uint64) bool {
	return isSlot(next, slotSize) &&
		next+slotSize <= a.m.size() &&
		(next+slotSize <= addr || addr+slotSize <= next)
}

// isSlot reports whether a slot can begin at addr. Small slots are aligned to their size, big ones to pages.
func isSlot(addr, slotSize uint64) bool { return addr%min(slotSize, pageSize) == 0 }

// saturatedLen returns what a new allocation must have room for: the bytes and the node, and the alignment.
func saturatedLen(n usize, log2Align uint8) usize {
	return max(usize(min(uint64(n)+nodeSize, maxUsize)), 1<<log2Align)
}

// wrappedLen is saturatedLen for an allocation that exists. The sum should not wrap, then, and the original does not look.
func wrappedLen(n usize, log2Align uint8) usize { return max(n+nodeSize, 1<<log2Align) }

// smallClass returns the class of a slot size, which is a small one if it is below sizeClasses. It wraps for the 4 bytes of
// a request for nothing, which so is given a page.
func smallClass(slotSize usize) usize { return log2(slotSize) - minClass }

// bigPagesNeeded rounds up to pages, and counts the node once more, though byteCount has it already: from 65,529 bytes on, a
// request takes two pages, where one would do up to 65,532.
func bigPagesNeeded(byteCount usize) usize { return (byteCount + pageSize + nodeSize - 1) / pageSize }
