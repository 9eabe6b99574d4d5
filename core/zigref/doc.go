// Package zigref holds Zig's two allocators for WebAssembly, moved to the host and otherwise kept as they are.
//
// [PageAllocator] is std.heap.WasmPageAllocator and [Allocator] is std.heap.WasmAllocator, both of Zig 0.11. The same
// calls give the same addresses, the same answers to Resize, the same growth and the same bytes in the linear memory as
// the originals compiled to wasm32, which the tests run beside these ports, step by step, on every runtime. This project
// began with them. They are here to be read, to be the oracle of differential tests, and to be the base line of
// benchmarks; the allocators to use are those of package linmem.
//
// # In-band metadata trusts the guest
//
// Both keep some of their state inside the linear memory, where the guest can write: Allocator threads its free lists
// through the freed slots, and PageAllocator keeps the bitmap of all pages from 2,048 on in a page of the memory. A guest
// that writes there decides what is handed out next. These ports check what they read, so that nothing panics and no
// address outside the memory is returned; what cannot be true is [linmem.ErrCorrupt]. But a node that names a slot which is
// in use, or a bit that says of a used page that it is free, looks like any other, and a bitmap that the guest has filled
// makes one Alloc take a tenth of a second (Pages/GuestWritesOnes in integration/bench). [linmem.Pages], and the byte
// allocator to come on top of it, keep everything on the host and do not trust the guest.
//
// # PageAllocator
//
// One bit a page says whether it is free; a set bit is a free page. The bitmap comes in two blocks. The conventional block
// describes pages 0 to 2,047 and is a fixed array. The extended block describes the pages from 2,048 on, and does not exist
// until one of them is freed: then the last page of the range being freed is stolen to hold it, and never comes back. A
// page of 65,536 bytes is more than enough for the other 63,488 pages of a 32-bit memory.
//
// Alloc takes the first run of free pages that is long enough, in the conventional block, then in the extended one, and
// grows the memory if there is none. A run never crosses from one block into the other. The search goes by segments of 128
// pages: it skips a segment that has too few free pages, unless the last one is free and a run may go on in the next
// segment. In the others it goes from run to run, and tries the alignment at the start of each run and nowhere else, so a
// long free run that begins one page off is passed over. Only where a run crosses into the next segment is it met, and
// tried, again.
//
// # Allocator
//
// Sizes are rounded up to a power of two, after 4 bytes were added for a pointer: every slot, big or small, ends with room
// for the node of a free list, so freeing never needs memory. 13 small classes, of 8 bytes to 32 KiB, are
// cut from pages, each by a bump address of its own; one free list each. From there on the classes are runs of 1, 2, 4 …
// pages, again with a free list each. The round-up counts the pointer twice, so 65,529 bytes take two pages. Slots are never
// split and never joined: no external fragmentation, much internal.
//
//	         freed slot                  freed slot, of the same class
//	        ┌───────────────────┬────┐  ┌───────────────────┬────┐
//	frees ─►│                   │ ───┼─►│                   │  0 │
//	        └───────────────────┴────┘  └───────────────────┴────┘
//
// A list is a stack: the slot freed last is handed out first. An aligned request is one of at least that size, since every
// slot is aligned to its size; only to a page, though, from a page up: larger alignments are taken and not honored.
//
// # Where the ports part from the originals
//
// All that the originals are asked by a program which uses them as it should, on a memory that nobody writes over, has the
// same answer here. Beyond that:
//
//   - Free returns an error, and has changed nothing, for null, for an address that is misaligned, for what is not inside
//     the memory, for what has the stolen page in it, and, of Allocator, for the slot of its class that was freed last. To
//     free 0 bytes of pages does nothing; the original may steal a page that nobody freed.
//   - A bad node or a bad bitmap is [linmem.ErrCorrupt].
//   - An alignment that does not fit 32 bits is [linmem.ErrInvalid]. Of a memory of more than 4 GiB the first 4 GiB are
//     used, and it is not made to grow past them.
//   - Once the memory is closed, what needs it fails with [linmem.ErrClosed]. Alloc may go on to return addresses that were
//     free before, as it does not ask the memory for these. An error of the memory's own View is passed on.
//
// What is undefined in Zig, and has an answer once compiled without safety checks, has the same answer here: size classes
// above 1 GiB, sums that wrap just below 4 GiB, requests for 0 bytes, which a program in Zig cannot make, and a large
// request that is refused.
//
// # Units, cost, concurrency
//
// Sizes and addresses are bytes.
//
// PageAllocator searches the bitmap up to the result, bit by bit, and a free run that is too short or misaligned again from
// each segment that it goes through: the worst case is quadratic. Allocator is constant time. Neither allocates on the Go
// heap, but for errors (see [linmem.ErrorPool]).
//
// Both are for one goroutine at a time. The guest may grow the memory between calls. If it grows during a call, Allocator
// does not mind; PageAllocator, which has read the size before, fails with [linmem.ErrCorrupt], and its own growth is lost.
//
// # Source
//
// Zig 0.11.0, lib/std/heap/WasmPageAllocator.zig and lib/std/heap/WasmAllocator.zig, copyright Zig contributors, MIT
// license (the file LICENSE beside this one). They were written by Benjamin Feng
// (https://github.com/ziglang/zig/pull/3830) and Andrew Kelley (https://github.com/ziglang/zig/pull/13513). What is theirs
// has their names, so that the two can be read side by side; holds, coversExtended, canFollow and isSlot are the checks
// that were added.
package zigref
