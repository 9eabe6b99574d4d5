// Package engines names the ways to run a guest that this module knows, one package below it for each runtime.
//
// wasmtime-go and wasmer-go must not be linked into one program, so nothing imports all of them: each test package and
// each command imports the engines of one runtime.
package engines

import (
	"context"
	"fmt"

	"github.com/linmem/linmem/core/guest"
)

// Engine runs guests on one runtime, in one configuration.
type Engine struct {
	Name string

	// LeftOut says why the build does not have the engine, and what to do; "" if it has. Open then fails with it.
	LeftOut string

	// GoGuest says that Open runs no module: whatever it is given, its guest is written in Go.
	GoGuest bool

	// Slow says that it interprets, or copies a memory at each growth: long tests are short on it.
	Slow bool

	// Lazy says that pages of a memory which nobody has touched cost nothing, however many.
	Lazy bool

	// Open instantiates a module that imports nothing and exports a memory: "memory" if there are several. It runs no
	// exported function: _start and _initialize are for the caller. The function that it returns closes the instance.
	Open func(ctx context.Context, wasm []byte) (inst guest.Instance, stop func(), err error)
}

// NeedsCgo is why a build without cgo leaves an engine out.
const NeedsCgo = "it needs cgo: build with CGO_ENABLED=1 and a C compiler"

// LeftOut returns an engine that the build does not have.
func LeftOut(name, why string) Engine {
	return Engine{Name: name, LeftOut: why, Open: func(context.Context, []byte) (guest.Instance, func(), error) {
		return nil, nil, fmt.Errorf("%s is left out of this build: %s", name, why)
	}}
}
