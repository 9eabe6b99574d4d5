// Package linmem allocates WebAssembly linear memory from the host.
//
// A program that embeds wasm guests uses it to find room in a guest's memory, put bytes there and hand the guest
// an address, without calling into the guest. The package knows no runtime: it sees a memory through the two
// methods of [Grower], or the three of [Memory], and one backend module per runtime supplies them.
//
// # Pages
//
// [Pages] allocates runs of 64 KiB pages: address-ordered first fit over a bitmap in which a set bit is a free
// page, and memory.grow when no run is free. A search takes a few steps, whatever the memory looks like. All its state
// is on the host. Nothing that a guest writes can lead it astray, and it never touches a byte of the memory itself.
//
// Options say by how much to grow ([WithGrowth]), where to place ([WithPlacement]), how much at most ([WithMaxPages]), and
// where pages come from if not from growth ([WithSource]). [Pages.Trim] hands free pages back to the operating system, and
// [RestorePages] goes on where [Pages.MarshalBinary] stopped.
//
// # Heap
//
// [Heap] allocates bytes on top of Pages, from 0 to as many as there are: size classes in spans of units of 1 KiB, larger
// allocations as runs of units, everything placed as low as it fits. [Heap.Put] copies a message into the guest's memory and
// returns its address; [Heap.View] gives out no byte beyond the allocation that it is asked about. A free of anything that
// is not a live allocation is [ErrNotAllocated], in constant time. [Arena] frees what belongs to one request at once;
// [Shared] and [Local] let many goroutines allocate; [RestoreHeap] goes on, address for address, in another process or on
// another runtime.
//
// # Host and guest
//
// A linear memory has two owners. The pages that existed when [NewPages] was called, and those that the guest adds
// later, belong to the guest: they are foreign, and are never handed out unless the caller gives them up with
// [Pages.Adopt]. The pages that the allocator adds with [Grower.Grow] are owned. Whether a guest tolerates owned
// pages in its memory is the guest's matter: a guest whose allocator takes every growth for its own will write over
// them. Grow the memory only of guests that are known to cope.
//
// # Units and names
//
// Addresses and sizes are bytes in a uint64, or pages where the name says so: a [Page] is an index, a [Range] a run
// of pages. A page is [PageSize] bytes. The allocator has room for 2^48 pages, which is all of a 64-bit memory; a
// 32-bit memory has at most 2^16.
//
// # Errors
//
// Every error is an [*Error], which says which call failed and on what, and wraps one of the package's sentinels. A
// call that fails has changed nothing but what its doc names. A failure like one of the last few allocates nothing, and
// 64 others share one Go allocation: see [ErrorPool].
//
// # Concurrency
//
// [Pages], [Heap] and [Arena] are for one goroutine at a time, [Shared] is for many. A [Local] is for one, and has most of
// what it does to itself.
package linmem
