package zigref_test

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/linmem/linmem/core/zigref"
)

// Zig's own tests of the two allocators: those in WasmPageAllocator.zig, WasmAllocator.zig and heap.zig of Zig 0.11.0,
// restated. A line that is not theirs says so.

// zigTest is one of Zig's tests, under Zig's name.
type zigTest struct {
	name string
	run  func(*zigAllocator)
	room uint64 // how many pages it may take, if not few
}

// fewPages is room for all of Zig's tests but one.
const fewPages = 300

// wasmAllocatorTests are those of WasmAllocator.zig.
var wasmAllocatorTests = []zigTest{
	{name: "small allocations - free in same order", run: smallAllocationsFreeInSameOrder},
	{name: "small allocations - free in reverse order", run: smallAllocationsFreeInReverseOrder},
	{name: "large allocations", run: largeAllocations},
	{name: "very large allocation", run: veryLargeAllocation},
	{name: "realloc", run: zigRealloc},
	{name: "shrink", run: zigShrink},
	{name: "large object - grow", run: largeObjectGrow},
	{name: "realloc small object to large object", run: reallocSmallObjectToLargeObject},
	{name: "shrink large object to large object", run: shrinkLargeObjectToLargeObject},
	{name: "realloc large object to small object", run: reallocLargeObjectToSmallObject},
	{name: "objects of size 1024 and 2048", run: objectsOfSize1024And2048},
	{name: "standard allocator tests/testAllocator", run: testAllocator},
	{name: "standard allocator tests/testAllocatorAligned", run: testAllocatorAligned},
}

// pageAllocatorTests are those of WasmPageAllocator.zig, and the test "PageAllocator" of heap.zig.
var pageAllocatorTests = []zigTest{
	{name: "internals", run: internals, room: 2*2048 + fewPages},
	{name: "PageAllocator/testAllocator", run: testAllocator},
	{name: "PageAllocator/testAllocatorAligned", run: testAllocatorAligned},
	{name: "PageAllocator/shrink past the page boundary", run: shrinkPastThePageBoundary},
}

// testsNotRunOnWasm are generic tests of heap.zig that Zig runs on other allocators: its test "PageAllocator" leaves them
// out on WebAssembly, and WasmAllocator.zig does not call them. They hold all the same.
var testsNotRunOnWasm = []zigTest{
	{name: "testAllocatorLargeAlignment", run: testAllocatorLargeAlignment},
	{name: "testAllocatorAlignedShrink", run: testAllocatorAlignedShrink},
}

func TestZigWasmAllocator(t *testing.T) {
	tests := slices.Concat(wasmAllocatorTests, testsNotRunOnWasm)
	runZigTests(t, tests, func(t *testing.T, start, room uint64) *zigAllocator {
		m := linmemtest.NewMemory(start, start+room)
		return newZigAllocator(t, m, zigref.NewAllocator(m))
	})
}

func TestZigWasmPageAllocator(t *testing.T) {
	tests := slices.Concat(pageAllocatorTests, testsNotRunOnWasm)
	runZigTests(t, tests, func(t *testing.T, start, room uint64) *zigAllocator {
		m := newFlatMemory(start, start+room)
		return newZigAllocator(t, m, pageFunctions{zigref.NewPageAllocator(m)})
	})
}

// runZigTests runs each test on an allocator of its own, and all one after another on one, as Zig's test runner does.
func runZigTests(
	t *testing.T, tests []zigTest, newAllocator func(t *testing.T, start, room uint64) *zigAllocator,
) {
	most := uint64(fewPages)
	for _, test := range tests {
		room := max(test.room, fewPages)
		most = max(most, room)
		t.Run(test.name, func(t *testing.T) {
			a := newAllocator(t, 1, room)
			test.run(a)
			a.end()
		})
	}
	t.Run("all on one", func(t *testing.T) {
		// The first address is on a boundary of 32 pages, which testAllocatorAlignedShrink wants to leave.
		a := newAllocator(t, 32, most)
		for _, test := range tests {
			test.run(a)
			a.end()
		}
	})
}

func smallAllocationsFreeInSameOrder(a *zigAllocator) {
	var list [513]zigSlice
	for i := range list {
		list[i] = a.create(sizeOfU64, alignOfU64)
		a.write(list[i], 0, byte(i), byte(i>>8)) // Zig's test does not look at the contents
	}
	for _, ptr := range list {
		a.destroy(ptr)
	}
}

func smallAllocationsFreeInReverseOrder(a *zigAllocator) {
	var list [513]zigSlice
	for i := range list {
		list[i] = a.create(sizeOfU64, alignOfU64)
		a.write(list[i], 0, byte(i), byte(i>>8)) // Zig's test does not look at the contents
	}
	for i := len(list); i > 0; {
		i--
		a.destroy(list[i])
	}
}

func largeAllocations(a *zigAllocator) {
	ptr1 := a.alloc(42768*sizeOfU64, alignOfU64)
	ptr2 := a.alloc(52768*sizeOfU64, alignOfU64)
	a.free(ptr1)
	ptr3 := a.alloc(62768*sizeOfU64, alignOfU64)
	a.free(ptr3)
	a.free(ptr2)
}

func veryLargeAllocation(a *zigAllocator) {
	if _, err := a.tryAlloc(math.MaxUint32, 0); !errors.Is(err, linmem.ErrOutOfMemory) {
		a.t.Errorf("Alloc of maxInt(usize) bytes: %v, want OutOfMemory", err)
	}
}

func zigRealloc(a *zigAllocator) {
	slice := a.alloc(1, alignOfU32)
	defer func() { a.free(slice) }()
	a.write(slice, 0, 0x12)

	// This reallocation should keep its pointer address.
	oldSlice := slice
	slice = a.realloc(slice, 2)
	if oldSlice.addr != slice.addr {
		a.t.Errorf("moved from %#x to %#x", oldSlice.addr, slice.addr)
	}
	a.expect(slice, 0, 0x12)
	a.write(slice, 1, 0x34)

	// This requires upgrading to a larger size class.
	slice = a.realloc(slice, 17)
	a.expect(slice, 0, 0x12)
	a.expect(slice, 1, 0x34)
}

func zigShrink(a *zigAllocator) {
	slice := a.alloc(20, 0)
	defer func() { a.free(slice) }()
	a.write(slice, 0, bytes.Repeat([]byte{0x11}, 20)...)

	slice = a.mustResize(slice, 17)
	a.expect(slice, 0, bytes.Repeat([]byte{0x11}, 17)...)

	slice = a.mustResize(slice, 16)
	a.expect(slice, 0, bytes.Repeat([]byte{0x11}, 16)...)
}

func largeObjectGrow(a *zigAllocator) {
	slice1 := a.alloc(pageSize*2-20, 0)
	defer func() { a.free(slice1) }()
	a.write(slice1, 0, 0x56)             // Zig's test does not look at the contents
	a.write(slice1, pageSize*2-21, 0x78) // nor at these

	old := slice1
	slice1 = a.realloc(slice1, pageSize*2-10)
	if slice1.addr != old.addr {
		a.t.Errorf("moved from %#x to %#x", old.addr, slice1.addr)
	}
	slice1 = a.realloc(slice1, pageSize*2)
	slice1 = a.realloc(slice1, pageSize*2+1)
	a.expect(slice1, 0, 0x56)
	a.expect(slice1, pageSize*2-21, 0x78)
}

func reallocSmallObjectToLargeObject(a *zigAllocator) {
	slice := a.alloc(70, 0)
	defer func() { a.free(slice) }()
	a.write(slice, 0, 0x12)
	a.write(slice, 60, 0x34)

	// This requires upgrading to a large object.
	slice = a.realloc(slice, pageSize*2+50)
	a.expect(slice, 0, 0x12)
	a.expect(slice, 60, 0x34)
}

func shrinkLargeObjectToLargeObject(a *zigAllocator) {
	slice := a.alloc(pageSize*2+50, 0)
	defer func() { a.free(slice) }()
	a.write(slice, 0, 0x12)
	a.write(slice, 60, 0x34)

	for range 2 {
		slice = a.mustResize(slice, pageSize*2+1)
		a.expect(slice, 0, 0x12)
		a.expect(slice, 60, 0x34)
	}
	slice = a.realloc(slice, pageSize*2)
	a.expect(slice, 0, 0x12)
	a.expect(slice, 60, 0x34)
}

func reallocLargeObjectToSmallObject(a *zigAllocator) {
	slice := a.alloc(pageSize*2+50, 0)
	defer func() { a.free(slice) }()
	a.write(slice, 0, 0x12)
	a.write(slice, 16, 0x34)

	slice = a.realloc(slice, 19)
	a.expect(slice, 0, 0x12)
	a.expect(slice, 16, 0x34)
}

func objectsOfSize1024And2048(a *zigAllocator) {
	slice := a.alloc(1025, 0)
	slice2 := a.alloc(3000, 0)
	a.free(slice)
	a.free(slice2)
}

// internals is WasmPageAllocator.zig's only test. It wants a fresh allocator, or one of which all was freed and the first
// free page is a conventional one.
func internals(a *zigAllocator) {
	const conventionalMemsize = 16 * 128 * pageSize
	initial := a.alloc(pageSize, 0)
	if initial.addr >= conventionalMemsize {
		a.t.Fatalf("%#x is not conventional, and the rest makes no sense", initial.addr)
	}

	inplace := a.realloc(initial, 1)
	a.samePlace(initial, inplace)
	inplace = a.realloc(inplace, 4)
	a.samePlace(initial, inplace)
	a.free(inplace)

	reuse := a.alloc(1, 0)
	a.samePlace(initial, reuse)
	a.free(reuse)

	// This segment may span conventional and extended which has really complex rules so we're just ignoring it for now.
	padding := a.alloc(conventionalMemsize, 0)
	a.free(padding)

	ext := a.alloc(conventionalMemsize, 0)
	if ext.addr < conventionalMemsize {
		a.t.Errorf("%#x is conventional", ext.addr)
	}

	useSmall := a.alloc(1, 0)
	a.samePlace(initial, useSmall)
	a.free(useSmall)

	inplace = a.realloc(ext, 1)
	a.samePlace(ext, inplace)
	a.free(inplace)

	reuseExtended := a.alloc(conventionalMemsize, 0)
	a.samePlace(ext, reuseExtended)
	a.free(reuseExtended)
}

func shrinkPastThePageBoundary(a *zigAllocator) {
	buf := a.alloc(pageSize+1, 0)
	defer func() { a.free(buf) }()
	a.write(buf, 0, 0x9a) // Zig's test does not look at the contents
	old := buf
	buf = a.realloc(buf, 1)
	a.samePlace(old, buf)
	a.expect(buf, 0, 0x9a)
}

func testAllocator(a *zigAllocator) {
	const sizeOfPointer, alignOfPointer = 4, 2
	slice := a.alloc(100*sizeOfPointer, alignOfPointer)
	for i := range uint64(100) {
		item := a.create(4, alignOfU32)
		a.writeU32(slice, i*sizeOfPointer, uint32(item.addr))
		a.writeU32(item, 0, uint32(i))
	}

	slice = a.realloc(slice, 20000*sizeOfPointer)
	for i := range uint64(100) {
		item := zigSlice{addr: uint64(a.readU32(slice, i*sizeOfPointer)), n: 4, log2Align: alignOfU32}
		if got := a.readU32(item, 0); got != uint32(i) {
			a.t.Errorf("item %d at %#x holds %d", i, item.addr, got)
		}
		a.destroy(item)
	}

	var ok bool
	if slice, ok = a.resize(slice, 50*sizeOfPointer); ok {
		if slice, ok = a.resize(slice, 25*sizeOfPointer); ok {
			slice = a.mustResize(slice, 0)
			slice = a.realloc(slice, 10*sizeOfPointer)
		}
	}
	a.free(slice)

	// Zero-length allocation, and allocation with zero-sized types. Neither reaches the allocator.
	calls := a.calls
	a.free(a.alloc(0, 0))
	a.destroy(a.create(0, 0))
	if a.calls != calls {
		a.t.Errorf("nothing was asked for, and the allocator was called %d times", a.calls-calls)
	}

	oversize := a.alloc(5*4, alignOfU32)
	for i := range uint64(5) {
		a.writeU32(oversize, i*4, 0xDEADBEEF)
	}
	a.free(oversize)
}

func testAllocatorAligned(a *zigAllocator) {
	// A few alignment values, smaller and bigger than the type's one.
	for log2Align := range uint8(7) {
		// Zig's test does not look at the contents.
		content := []byte("0123456789")
		slice := a.alloc(10, log2Align)
		a.write(slice, 0, content...)
		slice = a.realloc(slice, 100) // grow
		a.expect(slice, 0, content...)
		slice, _ = a.resize(slice, 10)
		a.expect(slice, 0, content...)
		slice = a.mustResize(slice, 0)
		slice = a.realloc(slice, 100) // realloc from zero
		a.write(slice, 0, content...)
		slice, _ = a.resize(slice, 10)
		a.expect(slice, 0, content...)
		a.mustResize(slice, 0)
	}
}

func testAllocatorLargeAlignment(a *zigAllocator) {
	const largeAlign = 15 // half a page
	aligned := func(s zigSlice) {
		a.t.Helper()
		if s.addr&(pageSize/2-1) != 0 {
			a.t.Errorf("%#x is not aligned to half a page", s.addr)
		}
	}
	slice := a.alloc(500, largeAlign)
	aligned(slice)
	slice, _ = a.resize(slice, 100)
	slice = a.realloc(slice, 5000)
	aligned(slice)
	slice, _ = a.resize(slice, 10)
	slice = a.realloc(slice, 20000)
	aligned(slice)
	a.free(slice)
}

func testAllocatorAlignedShrink(a *zigAllocator) {
	const allocSize, align16 = pageSize*2 + 50, 4
	slice := a.alloc(allocSize, align16)
	defer func() { a.free(slice) }()

	var stuffToFree []zigSlice
	for slice.addr%(pageSize*32) == 0 {
		stuffToFree = append(stuffToFree, slice)
		slice = a.alloc(allocSize, align16)
	}
	for i := len(stuffToFree); i > 0; {
		i--
		a.free(stuffToFree[i])
	}
	a.write(slice, 0, 0x12)
	a.write(slice, 60, 0x34)

	slice = a.realloc(slice, allocSize/2)
	a.expect(slice, 0, 0x12)
	a.expect(slice, 60, 0x34)
}

const (
	sizeOfU64  = 8
	alignOfU64 = 3
	alignOfU32 = 2
)
