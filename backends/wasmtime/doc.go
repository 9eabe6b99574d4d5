// Package wasmtimemem lets linmem allocate in the memory of a guest on wasmtime.
//
//	inst, err := wasmtime.NewInstance(store, module, nil)
//	mem, err := wasmtimemem.New(store, inst, "")
//	pages, err := linmem.NewPages(mem)
//	run, err := pages.Alloc(2)
//	view, err := mem.View(run.Addr(), run.Bytes())
//
// [Memory] is a linear memory as a [linmem.Memory]; [Instance] is a whole guest as a [guest.Instance]. wasmtime-go is a
// cgo binding to a static library, so the package is empty without cgo, and the first link of a program takes a
// while. Memories of 32 and of 64 bits, and one of several memories in an instance, are all the same here.
//
// # Do not link wasmer-go into the same program
//
// Both libraries define the symbols of the wasm C API. The linker keeps one of each, and wasmer-go's calls then reach
// wasmtime: modules that wasmer refuses are accepted, and objects of one library are freed by the other.
//
// # Views
//
// A view is good until the memory next grows, be it by the host or by the guest's own memory.grow. Fetch the view again
// after every call into the guest and after every allocation. A view does not keep the memory alive: it is gone with the
// store. The [Memory] keeps the store.
//
// That is the rule, since a growth may move the memory. When it does depends on the Config; [Memory.Moves] tells whether it
// has:
//
//   - By default wasmtime reserves 4 GiB of address space for each memory (memory_reservation), within which it stays: so
//     one of 32 bits never moves.
//   - One of 64 bits moves when it grows past these 4 GiB, and one that begins with more when it has grown by 2 GiB
//     (memory_reservation_for_growth), each time with that much room to grow into.
//   - With a Config that reserves less, all may move, and with [MoveOnGrowth] each growth moves a memory.
//
// A growth by 0 pages, and one that is refused, never move one.
//
// A stale view reads and writes what has taken the memory's place, if anything. Tests find such uses with an engine of
// [FenceOnGrowth], in which every growth moves the memory, and to use a view of before, or of a closed store, is a fault.
// With any other engine, [WithFencedViews] has calls that notice a move or the close of the store do the same.
// [runtime/debug.SetPanicOnFault] makes the fault a panic, whose error has the address.
//
// # What may run at the same time
//
// Nothing but [Memory.Closed]. A store and all that is in it are for one goroutine at a time, and every other method of this
// package, View and NumPages too, goes through the store. Bytes of views that were fetched before a call may be read and
// written while the guest runs, as long as the guest neither uses the same bytes nor moves its memory.
//
// A [linmem.Pinned] makes use of that: as long as it is pinned, its View does not go through the store. So while the guest
// runs a call on one goroutine, others may allocate and free, put and view data, by a [linmem.Shared] and its Locals on a
// heap on the Pinned, provided that
//
//   - all that they allocate is there before: Heap.Reserve, then Pages.Freeze(true), then Pin, since to grow goes through
//     the store;
//   - the guest does not move the memory, as it cannot by default if that is of 32 bits; else limit it to the size that it
//     has, by [Instance.LimitPages]. Unpin finds out whether it has moved;
//   - nobody closes the store before they are done. A View after that is [linmem.ErrClosed], but one that is there already
//     is gone;
//   - who uses which bytes of a block when is settled otherwise, as between any goroutines.
//
// # Cost
//
// View and NumPages are a call through cgo each, where wasmtime-go by itself makes four and two: of wasmtime they ask for
// the size alone, since a memory that has the size that it had has not moved, and the store's context is kept. A growth
// makes a Go allocation in wasmtime-go, and two if it is refused, and the View after it makes one. Discard costs two calls
// and a system call. The README has the figures; they are those of BenchmarkMemory.
//
// # Giving pages back
//
// [Memory.Discard], and so [linmem.Pages.Trim], hands pages to the operating system, on Linux. It is
// [linmem.ErrUnsupported], and changes nothing, on other systems, and on pages of data segments: these wasmtime maps
// copy-on-write from a file in memory, whose bytes would come back in place of zeros. SetMemoryInitCOWSet(false) on the
// Config has them copied instead. What a heap has grown by is never of a data segment.
//
// # Guests that import their allocator
//
// [Allocator] serves malloc, free and the like to guests that import them, from the [linmem.Heap] that is bound to their
// store. One linker serves all stores. A mistake of the guest, like a free of what is not allocated, is a trap whose
// message has the heap's reason. A malloc and free take 1.1 µs and seven Go allocations of wasmtime-go, as
// BenchmarkAllocator has it; through reflection, by FuncWrap, it would be 2.8.
//
// # Traps that are taken care of
//
//   - wasmtime-go panics when a closed store is used: here it is [linmem.ErrClosed].
//   - wasmtime-go does not tell whether a store is closed, but by that panic: [Memory.Closed] does, at any time.
//   - The slice of an empty memory is nil: here a view never is.
//
// # Traps that remain
//
//   - An instance or a memory of another store than the one that is passed ends the process.
//   - A panic of a host function that the guest calls comes out of [Instance.Call].
//   - To close a store on one goroutine while another uses it, or a view of its memories, is a race that nothing here can
//     end.
package wasmtimemem
