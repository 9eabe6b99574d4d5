// Package wasmermem lets linmem allocate in the memory of a guest on wasmer.
//
//	inst, err := wasmer.NewInstance(module, wasmer.NewImportObject())
//	mem, err := wasmermem.New(inst, "")
//	pages, err := linmem.NewPages(mem)
//	run, err := pages.Alloc(2)
//	view, err := mem.View(run.Addr(), run.Bytes())
//
// [Memory] is a linear memory as a [linmem.Memory]; [Instance] is a whole guest as a [guest.Instance]. wasmer-go is a cgo
// binding to a shared library that comes with its module, for Linux and macOS; the package is empty without cgo.
//
// # Do not link wasmtime-go into the same program
//
// Both libraries define the symbols of the wasm C API. The linker keeps one of each, and wasmer-go's calls then reach
// wasmtime: modules that wasmer refuses are accepted, and objects of one library are freed by the other.
//
// # Views
//
// A view is good until the memory next grows, be it by the host or by the guest's own memory.grow. Fetch the view again
// after every call into the guest and after every allocation. A view does not keep the memory alive: it is gone with the
// instance. The [Memory] keeps the instance.
//
// That is the rule, since nothing promises that a growth leaves the memory where it is. The memories of wasmer-go 1.0.4 do
// not move: its tunables, which it does not let a program change, reserve all 4 GiB for each on a 64-bit system, the only
// kind that there are libraries for. [Memory.Moves] tells whether that is still so, and it is in the tests. A growth by 0
// pages, and one that is refused, never move one.
//
// A stale view reads and writes what has taken the memory's place, if anything. In tests, [WithFencedViews] has every call
// that notices that the instance is closed make that place inaccessible, so that to use a view of before is a fault, which
// [runtime/debug.SetPanicOnFault] makes a panic.
//
// # What may run at the same time
//
// [Memory.Closed] may run at any time. NumPages, View and Moves may run beside each other. Neither they nor Grow may run
// while the guest runs or the memory grows, and Discard beside nothing that uses its range. Bytes of views that were fetched
// before a call may be read and written while the guest runs, as long as the guest neither uses the same bytes nor moves its
// memory.
//
// A [linmem.Pinned] makes use of that: as long as it is pinned, its View makes no call into wasmer. So while the guest runs
// a call on one goroutine, others may allocate and free, put and view data, by a [linmem.Shared] and its Locals on a heap on
// the Pinned, provided that
//
//   - all that they allocate is there before: Heap.Reserve, then Pages.Freeze(true), then Pin, since to grow is a call into
//     wasmer;
//   - the guest does not move the memory, as it cannot with wasmer-go 1.0.4. Unpin finds out whether it has. Growth by the
//     guest cannot be limited;
//   - nobody closes the instance before they are done. A View after that is [linmem.ErrClosed], but one that is there
//     already is gone;
//   - who uses which bytes of a block when is settled otherwise, as between any goroutines.
//
// # Cost
//
// View and NumPages are a call through cgo each, where wasmer-go's own Data makes two: of wasmer, View asks for the size
// alone, since a memory that has the size that it had has not moved. The View after a growth makes two more, and a Go
// allocation. Discard costs two calls and a system call. The README has the figures; they are those of BenchmarkMemory.
//
// # Giving pages back
//
// [Memory.Discard], and so [linmem.Pages.Trim], hands pages to the operating system, on Linux; on macOS it is
// [linmem.ErrUnsupported]. Pages of data segments, which wasmer copies, are like any other.
//
// # Guests that import their allocator
//
// [Allocator] serves malloc, free and the like to a guest that imports them, from the [linmem.Heap] that is bound to it.
// Each instance needs one. A mistake of the guest, like a free of what is not allocated, is a trap, and [Allocator.Err] has
// the reason. A malloc and free take 0.4 µs and no Go allocation, as BenchmarkAllocator has it.
//
// # Traps that are taken care of
//
//   - An instance is freed when the collector finds it unreachable, even while its exports are used, and the next use
//     crashes. A [Memory] and an [Instance] keep it.
//   - The exports of a closed instance point to freed memory: here that is [linmem.ErrClosed].
//   - Memory.Grow tells only whether it worked; the size before is read first.
//   - Memory.Grow takes 32 bits, so a larger delta would be cut down to a small one.
//   - The slice of an empty memory is nil: here a view never is.
//
// # Traps that remain
//
//   - A memory stops at 65,535 pages: growth to 65,536 is refused, and a module that begins with 65,536 aborts the whole
//     process at instantiation.
//   - wasmer-go's Instance.Close must be called once: a second call frees the instance again, which may end the process.
//   - A panic inside wasmer's library aborts the process too.
//   - A panic of a host function that the guest calls comes out of [Instance.Call], through frames of wasmer's.
//   - An error that a host function returns to wasmer-go ends the process at one of the next collections, since its trap is
//     freed twice (https://github.com/wasmerio/wasmer-go/issues/291). Host functions of one's own must not return any;
//     those of an [Allocator] do not.
//   - Each call of a host function that has arguments or results leaks 40 to 100 bytes of C memory in wasmer-go. Those of
//     an [Allocator] have none.
//   - A program finds wasmer's shared library by the path of wasmer-go in the module cache of the machine that built it
//     (its RUNPATH). To run elsewhere, ship the library and say where it is, with LD_LIBRARY_PATH or a linker flag.
//
// wasmer-go 1.0.4 has neither 64-bit memories nor several memories in one instance.
package wasmermem
