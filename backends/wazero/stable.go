package wazeromem

import (
	"context"

	"github.com/tetratelabs/wazero/experimental"
)

var _ experimental.MemoryAllocator = (*StableMemories)(nil)

// StableMemories puts the linear memories of modules on address space that is reserved for their maximum, through wazero's
// hook for that, [experimental.MemoryAllocator]. Instantiate in its Context:
//
//	stable := new(wazeromem.StableMemories)
//	mod, err := runtime.InstantiateWithConfig(stable.Context(ctx), wasm, config)
//	mem, err := wazeromem.New(mod, "")
//
// [New] and [NewInstance] find out by themselves that a module has such a memory. It
//
//   - never moves: a growth copies nothing, be it by the host or the guest, and views are good until the module is closed;
//   - can be viewed while the guest runs and grows it: see the package doc;
//   - can be limited and frozen, each by itself: [Memory.LimitPages]. It ends at 65,535 pages, one less than there could be:
//     see the package doc;
//   - gives pages back to the operating system: [Memory.Discard], and so linmem.Pages.Trim;
//   - gives its pages back when its module is closed, or when that is collected if other modules may use them, and its
//     addresses then; one that could not be instantiated gives all back when it is collected.
//
// The price is address space, 4 GiB for a memory without a maximum; wazero's WithMemoryLimitPages is a maximum for all. A
// 64-bit process has 128 TiB of it on most systems. Where the system refuses, a memory gets half as much, and so on down to
// what it begins with, and cannot grow beyond that.
//
// Shared memories, which must not move, can come from here too. The zero value is ready. One StableMemories serves any
// number of runtimes and modules, on any number of goroutines.
type StableMemories struct {
	// FenceViews is for tests, to find views that are used when they are stale. With it each growth does move the memory,
	// as growth may without StableMemories and on other runtimes; and the place where it was cannot be accessed from then on,
	// nor can the place of a closed module: to read or write there is a fault, which [runtime/debug.SetPanicOnFault] makes a
	// panic. Each growth takes as much address space as the memory has, until the process ends. wazero panics if a shared
	// memory moves, and code of a module that is closed while it runs faults.
	FenceViews bool
}

// Context returns a context in which modules are to be instantiated.
func (s *StableMemories) Context(ctx context.Context) context.Context {
	return experimental.WithMemoryAllocator(ctx, s)
}

// Allocate implements [experimental.MemoryAllocator].
func (s *StableMemories) Allocate(_, maximum uint64) experimental.LinearMemory {
	closed.makeRoom()
	return newStableMemory(maximum, s.FenceViews)
}
