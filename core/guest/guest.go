// Package guest gives the host pages in the memory of a wasm guest that the guest leaves alone, or says that there are none.
//
//	report, err := guest.Inspect(wasm)             // what the binary tells; once for each module
//	verdict, err := guest.Probe(ctx, scratch, report, guest.Workload{}) // what it does; where the report leaves that open
//	g, err := guest.Open(ctx, inst, report, guest.WithVerdict(verdict))
//	addr, err := g.Heap.Put(data)
//	err = g.Verify()
//	err = g.Close(ctx)
//
// # The danger
//
// A guest has an allocator of its own, and that has an idea of which part of the memory is its. Where the idea is "what
// memory.grow has returned to me", the host can grow the memory as well. Where it is "all up to memory.size", or "all since I
// began, for I alone grow it", the guest takes the host's pages for its own, and both sides write over each other without a
// word. Go, TinyGo, Emscripten, and AssemblyScript's stub runtime do; others do if the host grows before their first
// allocation.
//
// # What is known of a guest
//
// [Inspect] decodes the binary: its toolchain, its allocator, each memory.grow and what becomes of its result. From that
// follows a [Verdict], tolerates or corrupts, or undecided where it does not follow for sure. [Probe] tries it out, in
// instances that are thrown away. Both judge growth that is late, after the guest's first allocation, and early.
//
// # Where the pages come from
//
// [Open] follows the first [Strategy] that is safe for the guest, or fails with [*UnsafeError], which says why and what would
// help. An [Arena] from the guest's own allocator comes first. What the host gets are regions, each with canaries at both ends
// (before it, with [HeapBase], whose region goes on to the end of the memory): [Guest.Verify] looks whether they are whole.
//
// A guest that imports its allocator can be served from the host's heap: see [Imports], and the Allocator of each backend.
//
// # Concurrency
//
// All of this is for one goroutine at a time, like the instance. With [Arena], a heap that needs a region calls the guest: so
// a [linmem.Shared] on it must have what it needs, by Reserve, while the guest runs on another goroutine.
package guest

import (
	"context"

	linmem "github.com/linmem/linmem/core"
)

// Instance is an instantiated guest. Like the runtimes below it, it is for one goroutine at a time.
type Instance interface {
	// Memory returns the guest's linear memory, the same value at each call.
	Memory() linmem.Memory

	// Call calls the exported function of that name with raw wasm values and returns its results likewise: an i32
	// and an f32 are the low 32 bits of a uint64, an f64 is its IEEE 754 bits. Upper bits of a 32-bit argument are
	// ignored, those of a result are zero.
	//
	// A context that is done before the call begins is its error; whether it can end a call that runs is the
	// runtime's matter. A trap is the runtime's own error, to be found with errors.As. A name that is not an exported
	// function, and a number of arguments that is not the function's, is [linmem.ErrInvalid]; a signature with types
	// other than the four numeric ones is [linmem.ErrUnsupported]; an instance that was closed is [linmem.ErrClosed].
	// Whether a panic of a host function that the guest calls is an error or goes on is the runtime's matter.
	Call(ctx context.Context, name string, args ...uint64) ([]uint64, error)

	// HasExport reports whether the guest exports a function, memory or global of that name, and is not closed.
	HasExport(name string) bool

	// Global returns the value of an exported global of a numeric type, as a raw wasm value.
	Global(name string) (value uint64, ok bool)
}

// Typed is optional: an [Instance] that tells the types of its functions.
type Typed interface {
	// Signature returns the type of an exported function.
	Signature(name string) (sig Signature, ok bool)
}

// Initializer is optional: an [Instance] that is not initialized yet. Before that, a guest has allocated nothing.
type Initializer interface {
	// Initialize runs the guest's _initialize, if it exports one. It may be called once; a second call is
	// [linmem.ErrInvalid].
	Initialize(ctx context.Context) error
}

// Limiter is optional: an [Instance] whose memory can be kept from growing, by the host and the guest alike.
type Limiter interface {
	// LimitPages has every growth refused that would make the memory larger than max pages. It may be called again, with a
	// lower limit or a higher one; pages that exist stay. Where it cannot be done it fails with [linmem.ErrUnsupported].
	LimitPages(max uint64) error
}
