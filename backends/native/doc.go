// Package nativemem is a linear memory without a runtime: address space that the program reserves from the operating
// system, and commits page by page as the memory grows.
//
// It is for tests and benchmarks, where no guest is needed and a runtime would only blur the picture, and for the
// backing of a runtime's linear memories where the runtime lets the host supply them, as wazero does with its
// MemoryAllocator.
//
// [New] reserves room for the maximum at once, so a [Memory] never moves. The price is address space and nothing
// else: pages that were never written to take no physical memory, except where noted under Platforms.
//
// # Views
//
// A view stays valid when the memory grows: [linmem.Memory] promises less, and code that must run on every backend
// must not rely on it. It ends at [Memory.Close], which unmaps the memory. To touch a view after that is a fault that
// no recover catches.
//
// There is no finalizer. A view does not keep its Memory alive, as the garbage collector does not know what the slice
// points to; a finalizer would unmap the memory under the views of a program that had kept only these. So a Memory
// that is not closed holds its address space until the process ends.
//
// [Memory.Revoke] ends a Memory as well, for tests: its addresses stay taken, so that a view that is used too late faults
// for sure.
//
// # Memory of others
//
// [DiscardForeign] gives back pages that somebody else has mapped, as a runtime does for its guest, if they are such that
// they read as zero then. [Fence] takes addresses that somebody has unmapped, so that nobody comes to be there. [Foreign]
// keeps track of a memory that moves, and does both for it: the backends of wasmtime and wasmer are made of it. All of this
// is for Linux.
//
// # Concurrency
//
//   - [Memory.NumPages] and [Memory.View] may run at any time beside each other and beside [Memory.Grow] and
//     [Memory.Discard]. A size once seen can be viewed: it is published after its pages are committed.
//   - Grow and Discard may run beside themselves and each other: a mutex makes them take turns.
//   - Discard writes to its range, and on some platforms takes it away for an instant: nobody may touch these bytes
//     meanwhile. The rest of the memory may be used.
//   - Close may run beside nothing, the use of a view included.
//
// What goroutines do to the same bytes is theirs to order, as with any slice.
//
// # Traps
//
//   - The bytes are not on the Go heap. The race detector does not see accesses to them, and the garbage collector
//     does not look there for pointers: never store one.
//   - A growth that succeeds is a promise of the operating system. Linux may give more of these than it can keep,
//     and then ends the process that touches the page too many; see vm.overcommit_memory.
//   - The reservation counts against a limit on address space (ulimit -v), and a 32-bit process has room for 32,767
//     pages at the very most, half of what wasm32 allows.
//   - In a process that locks its memory (mlockall), Linux refuses to discard.
//
// # Cost
//
// View is an atomic load and a bounds check: no system call, no lock and no Go allocation (BenchmarkView). Grow is one
// system call, whatever the number of pages (BenchmarkGrow); the pages are paid for when they are first touched. A
// growth beyond the maximum makes no system call, and no garbage when it is asked for again (BenchmarkRefusedGrow).
//
// # Platforms
//
//   - Linux, Android: mmap without access, then mprotect. Discard is madvise(MADV_DONTNEED): at once, and the range
//     reads as zero.
//   - macOS, iOS, the BSDs, Solaris, illumos: the same, but Discard maps fresh pages over the old ones. Only Linux
//     promises zeroes after MADV_DONTNEED.
//   - Windows: VirtualAlloc reserves, then commits; committed pages count against the system's commit limit at once.
//     Discard decommits the range and commits it again. If another process takes the memory in between, Discard
//     fails with [linmem.ErrCorrupt], and the Memory is good for nothing but Close: see [Memory.Discard].
//   - Everything else (js, wasip1, plan9, aix): a slice of the maximum size made by New, so the maximum is paid for at
//     once, and a maximum that is within the address space but not to be had ends the program, as Go's make does.
//     Discard clears the range and gives nothing back. A view survives Close, and keeps the slice alive.
package nativemem
