// Package engines names the ways to run a guest that this module knows, one package below it for each runtime.
//
// wasmtime-go and wasmer-go must not be linked into one program, so nothing imports all of them: each test package and
// each command imports the engines of one runtime.
package engines

import (
	"context"

	"github.com/linmem/linmem/core/guest"
)

// Engine runs guests on one runtime, in one configuration.
type Engine struct {
	Name string

	// Open instantiates a module that imports nothing and whose memory is exported, or is its only one. It runs no
	// exported function: _start and _initialize are for the caller. The function that it returns closes the instance.
	Open func(ctx context.Context, wasm []byte) (inst guest.Instance, stop func(), err error)
}

// LeftOut is an engine that the build does not have. It says so, and what to do, when it is opened.
func LeftOut(name, why string) Engine {
	return Engine{Name: name, Open: func(context.Context, []byte) (guest.Instance, func(), error) {
		return nil, nil, LeftOutError{name, why}
	}}
}

// LeftOutError is the error of an engine that the build does not have.
type LeftOutError struct{ Engine, Why string }

func (e LeftOutError) Error() string {
	return e.Engine + " is left out of this build: " + e.Why
}
