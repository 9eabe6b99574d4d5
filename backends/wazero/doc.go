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
// Fetch the view again after every call into the guest and after every allocation. A runtime configured with
// WithMemoryCapacityFromMax(true) reserves the capacity for the maximum at instantiation; then no growth moves the
// memory, or copies it.
//
// # What may run at the same time
//
// View and NumPages read a slice header that memory.grow writes without synchronization. They may run while the guest
// runs only if neither side grows meanwhile: freeze the allocator, and use a guest that does not grow. Reading and
// writing bytes while the guest uses the same bytes is a data race like any other. Grow must not run at the same time
// as anything else. Shared memories (the threads proposal) never move, and synchronize their growth.
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
//
// # Traps that remain
//
//   - The exit of a WASI command (proc_exit, also at the end of _start) closes the module: every call is ErrClosed then.
//   - A module that imports its memory from another is not its owner, and wazero does not tell who is. Closing the owner
//     goes unnoticed here; and with a MemoryAllocator, closing either frees the memory under the other, whose views then
//     fault. Close both together.
//   - A panic of a host function that the guest calls is an error of [Instance.Call].
//   - A guest may export again what it imports. If the host calls such a function of an [Allocator], wazero passes another
//     module than the guest, and the call traps.
//
// wazero has neither 64-bit memories nor several memories in one instance.
package wazeromem
