//go:build cgo

// Package wasmtimeengine runs guests on wasmtime. A program that imports it must not import wasmerengine.
package wasmtimeengine

import (
	"context"

	"github.com/bytecodealliance/wasmtime-go/v44"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines"

	wasmtimemem "github.com/linmem/linmem/backends/wasmtime"
)

// Default is wasmtime with its compiler, Cranelift.
func Default() engines.Engine { return engines.Engine{Name: "wasmtime", Lazy: true, Open: open} }

func open(_ context.Context, wasm []byte) (guest.Instance, func(), error) {
	store := wasmtime.NewStore(wasmtime.NewEngine())
	inst, err := instantiate(store, wasm)
	if err != nil {
		store.Close()
		return nil, nil, err
	}
	return inst, store.Close, nil
}

func instantiate(store *wasmtime.Store, wasm []byte) (*wasmtimemem.Instance, error) {
	module, err := wasmtime.NewModule(store.Engine, wasm)
	if err != nil {
		return nil, err
	}
	instance, err := wasmtime.NewInstance(store, module, nil)
	if err != nil {
		return nil, err
	}
	name := ""
	if export := instance.GetExport(store, "memory"); export != nil && export.Memory() != nil {
		name = "memory"
	}
	return wasmtimemem.NewInstance(store, instance, name)
}
