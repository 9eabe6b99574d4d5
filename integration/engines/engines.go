// Package engines names the ways to run a guest that this module knows, one package below it for each runtime.
//
// wasmtime-go and wasmer-go must not be linked into one program, so nothing imports all of them: each test package and
// each command imports the engines of one runtime.
package engines

import (
	"context"
	"fmt"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

// Engine runs guests on one runtime, in one configuration.
type Engine struct {
	Name string

	// Backend is what the README's table of features has it under, and Needs what it needs.
	Backend, Needs string

	// LeftOut says why the build does not have the engine, and what to do; "" if it has. Open then fails with it.
	LeftOut string

	// GoGuest says that Open runs no module: whatever it is given, its guest is written in Go.
	GoGuest bool

	// Slow says that it interprets, or copies a memory at each growth: long tests are short on it.
	Slow bool

	// Interprets says that it has no compiler.
	Interprets bool

	// AbortsOnSleep says that its WASI ends the process when a guest waits for a time, as one in Go does while it dies.
	AbortsOnSleep bool

	// Lazy says that pages of a memory which nobody has touched cost nothing, however many.
	Lazy bool

	// Is64 says that it gets guests with a 64-bit memory, where there is one of the kind.
	Is64 bool

	// ViewsAnytime says that a memory may be viewed while the guest grows it.
	ViewsAnytime bool

	// Open instantiates a module that exports a memory, "memory" if there are several, and imports nothing but WASI
	// (preview 1, with no files, arguments or variables) and allocators (guest.CImports, guest.SubstrateImports). It runs
	// no exported function: _start is for the caller, and so is _initialize; the instance is a guest.Initializer. The
	// function that Open returns closes the instance. Modules with memories that the engine does not have are refused with
	// linmem.ErrUnsupported.
	Open func(ctx context.Context, wasm []byte) (inst guest.Instance, stop func(), err error)
}

// Binder is a [guest.Instance] whose allocator imports, if it has any, are served from a heap once that is bound. All that
// engines open are Binders, but for the guest of the native engine.
type Binder interface {
	Bind(heap *linmem.Heap) error
}

// Supports returns an error that wraps [linmem.ErrUnsupported] if a module has memories that a backend does not have.
func Supports(has guest.MemoryFeatures, wasm []byte) error {
	report, err := guest.Inspect(wasm)
	if err != nil {
		return err
	}
	return has.Supports(report)
}

// WASI is the module that WASI's functions are imported from, and Env the one of the allocators.
const (
	WASI = "wasi_snapshot_preview1"
	Env  = "env"
)

// NeedsCgo is why a build without cgo leaves an engine out.
const NeedsCgo = "it needs cgo: build with CGO_ENABLED=1 and a C compiler"

// LeftOut returns an engine that the build does not have.
func LeftOut(name, why string) Engine {
	return Engine{Name: name, LeftOut: why, Open: func(context.Context, []byte) (guest.Instance, func(), error) {
		return nil, nil, fmt.Errorf("%s is left out of this build: %s", name, why)
	}}
}
