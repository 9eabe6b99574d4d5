//go:build cgo && (linux || darwin)

// Package wasmerengine runs guests on wasmer. A program that imports it must not import wasmtimeengine.
package wasmerengine

import (
	"context"

	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines"
	"github.com/wasmerio/wasmer-go/wasmer"

	wasmermem "github.com/linmem/linmem/backends/wasmer"
)

// Default is wasmer with its compiler, Cranelift.
func Default() engines.Engine { return engines.Engine{Name: "wasmer", Open: open} }

func open(_ context.Context, wasm []byte) (guest.Instance, func(), error) {
	module, err := wasmer.NewModule(wasmer.NewStore(wasmer.NewEngine()), wasm)
	if err != nil {
		return nil, nil, err
	}
	instance, err := wasmer.NewInstance(module, wasmer.NewImportObject())
	if err != nil {
		return nil, nil, err
	}
	inst, err := wasmermem.NewInstance(instance, "")
	if err != nil {
		instance.Close()
		return nil, nil, err
	}
	return inst, instance.Close, nil
}
