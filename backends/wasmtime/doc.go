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
// A view is good until the memory next grows, be it by the host or by the guest's own memory.grow. By default wasmtime
// reserves 4 GiB of address space for a memory, within which it does not move; past that, or with another configuration,
// a growth moves it. Fetch the view again after every call into the guest and after every allocation. A view does not
// keep the memory alive: it is gone with the store. The [Memory] keeps the store.
//
// # What may run at the same time
//
// Nothing. A store and all that is in it are for one goroutine at a time, and every method of this package, View and
// NumPages too, goes through the store. Bytes of views that were fetched before a call may be read and written while the
// guest runs, as long as the guest neither uses the same bytes nor grows its memory.
//
// # Cost
//
// Every access to wasmtime is a call through cgo, of which View makes two. A growth makes a Go allocation in wasmtime-go,
// and two if it is refused. The README has the figures; they are those of BenchmarkMemory.
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
//   - The slice of an empty memory is nil: here a view never is.
//
// # Traps that remain
//
//   - An instance or a memory of another store than the one that is passed ends the process.
//   - A panic of a host function that the guest calls comes out of [Instance.Call].
package wasmtimemem
