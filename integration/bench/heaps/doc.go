// Package heaps runs byte allocators on the same work. It has the allocators and the workloads; its benchmarks and the
// command linmem-compareheaps are two ways to see them.
//
// # Allocators
//
// On native memory, or without one, are heap ([linmem.Heap]), zigref (Zig's WasmAllocator ported to the host), modernc
// (modernc.org/memory, by its quickest calls, those with uintptr) and gomake (Go's make, with its collector to free). See
// [Native].
//
// On a guest of a [Runtime] are a heap on the guest's memory, and the allocators that guests export: libc (the malloc of
// wasi-libc), rust (the allocator of Rust's standard library) and zig (the original of zigref). These are what a host has
// without linmem. They are called in the quickest way that the runtime has; packages wazerocalls, wasmtimecalls and
// wasmercalls have those. See [OnGuest].
//
// All are called through the interface [Allocator], so each call bears the same: one call through an interface, and the
// adaptor's own. [Idle] does nothing, which tells what that and the workload's own doing take. A call through a type
// parameter would cost as much: Go finds the method in a dictionary.
//
// heap checks each free. zigref checks what it can without a record of its blocks. modernc and the guests believe what they
// are told. gomake needs a table of its blocks, which is in its times.
//
// # Workloads
//
// [Pair], [Mix], [Message], and [Trace] with Warm and Cold; and [Served], where a guest allocates and not the host. None of them touches the contents of a block, but Message,
// and a realloc that moves. What an allocator writes into its blocks (zigref, modernc and the guests have their free lists
// there) is in its times, and so is the first touch of a page in [Trace.Cold].
package heaps
