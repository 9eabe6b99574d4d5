// Package wazeromem lets linmem allocate in the memory of a guest on wazero.
//
//	mod, err := runtime.Instantiate(ctx, wasm)
//	mem, err := wazeromem.New(mod, "")
//	pages, err := linmem.NewPages(mem)
//	run, err := pages.Alloc(2)
//	view, err := mem.View(run.Addr(), run.Bytes())
//
// [Memory] is the guest's linear memory as a [linmem.Memory]; [Instance] is the whole guest as a [guest.Instance].
// Needs no cgo. Works with wazero's compiler and its interpreter alike.
//
// # Views
//
// A view is good until the memory next grows, be it by the host or by the guest's own memory.grow. wazero keeps a
// memory in a Go slice and appends to it, so a growth beyond the slice's capacity copies all of it to a new place: a
// view from before is then a window on the old copy, which nobody reads any more. Writes to it are lost without a word.
// Fetch the view again after every call into the guest and after every allocation, or see by [Memory.Moves] that it is good.
//
// In the Context of [StableMemories] a module gets a memory that never moves: growth copies nothing, and a view is good
// until the module is closed. Then the pages go back to the operating system, and the view shows zeroes; once the module is
// collected, to touch it is a fault, which ends the program, or it shows what is mapped there next. A view does not keep the
// module: the [Memory] does. A runtime configured with WithMemoryCapacityFromMax(true) allocates the maximum at
// instantiation, so its memories do not move either; they have nothing else of what stable ones can do.
//
// Tests find views that are used too late with StableMemories.FenceViews: it moves a memory whenever it grows, and lets
// nobody access the place where it was, so that such a use is a fault and not a silent mistake.
//
// # What may run at the same time
//
// View and NumPages of a stable memory may run at any time, a call into the guest that grows the memory included, and so may
// LimitPages: they look at an atomic size and call nothing of wazero's. So a [linmem.Shared] heap on one may be used by any
// number of goroutines while the guest runs, as long as the heap itself does not grow: Reserve the pages, then
// Pages.Freeze(true). Grow must not run at the same time as anything else that grows, and so not beside a guest that may;
// and Discard not beside a use of its range. With FenceViews memories do move, and none of this holds.
//
// View and NumPages of another memory read a slice header that memory.grow writes without synchronization. They may run
// while the guest runs only if neither side grows meanwhile: freeze the allocator, and use a guest that does not grow. With
// [linmem.Pinned] they do not even look there, and Unpin tells whether the guest has grown.
//
// Reading and writing bytes while the guest uses the same bytes is a data race like any other. Calls into one module are for
// one goroutine at a time. Shared memories (the threads proposal) never move, and synchronize their growth, so that it may
// run beside anything.
//
// # Guests that import their allocator
//
// [Allocator] serves malloc, free and the like to guests that import them, each from the [linmem.Heap] that is bound to it.
// One host module serves all instances of a runtime, on any goroutine: wazero passes the module that calls. A mistake of
// the guest, like a free of what is not allocated, is a trap whose error has the heap's inside, for errors.Is.
//
// # Traps that are taken care of
//
//   - api.Memory.Size is 0 for a memory of 65,536 pages, since it counts bytes in 32 bits.
//   - api.Memory.Read panics if the range ends at exactly 4 GiB.
//   - api.Memory.Grow takes 32 bits, so a larger delta would be cut down to a small one.
//   - api.Module.Memory is a non-nil interface around nil for a module without a memory.
//   - api.Memory works on after the module was closed, on memory that may be unmapped.
//   - wazero frees a memory when the first of the modules that use it is closed, the owner or one that imports it, and has
//     the others use it on; and it frees that of a module which a host function closes, or another goroutine, while its
//     code runs on. A stable memory has its addresses until no module is left that uses it, which the collector finds out
//     if [New] was called for one of them; if for none, until 64 more of that kind are closed. Its contents go when the
//     module is closed if that is the owner and has no name, so that no other can import anything from it, and with the
//     addresses otherwise.
//   - A memory of a module whose instantiation fails is not freed by wazero. A stable one is when it is collected.
//
// # Traps that remain
//
//   - A guest whose memory has all 65,536 pages cannot access any byte of it, in code of wazero 1.12's compiler: it traps.
//     So a memory of [StableMemories] grows to a page less at most; for others set linmem.WithMaxPages, or
//     WithMemoryLimitPages(65535).
//   - Code that wazero has compiled cannot be interrupted, and Go's collector waits for it to return: with a guest that runs
//     long, goroutines that allocate on the Go heap stand still, those that put data too if they make Go allocations.
//   - The exit of a WASI command (proc_exit, also at the end of _start) closes the module: every call is ErrClosed then.
//   - A module that imports its memory from another is not its owner, and wazero does not tell who is: closing the owner
//     goes unnoticed by a Memory of the importer.
//   - When the first module that uses a stable memory is closed, wazero lets go of it: its limit ends, and Discard is
//     [linmem.ErrUnsupported] for the others. It grows on within the address space, or is copied; where the
//     system refuses what was reserved (RLIMIT_DATA), a memory that has not grown before faults then.
//   - A panic of a host function that the guest calls is an error of [Instance.Call].
//   - A guest may export again what it imports. If the host calls such a function of an [Allocator], wazero passes another
//     module than the guest, and the call traps.
//
// wazero 1.12 has neither 64-bit memories nor several memories in one instance: it refuses to compile such a module.
package wazeromem
