//go:build cgo

// Package wasmtimeengine runs guests on wasmtime. A program that imports it must not import wasmerengine.
package wasmtimeengine

import (
	"context"
	"slices"

	"github.com/bytecodealliance/wasmtime-go/v44"
	linmem "github.com/linmem/linmem/core"
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

// instance is a guest with what serves its imports.
type instance struct {
	*wasmtimemem.Uninitialized
	store     *wasmtime.Store
	allocator *wasmtimemem.Allocator
}

// Bind implements [engines.Binder].
func (i *instance) Bind(heap *linmem.Heap) error { return i.allocator.Bind(i.store, heap) }

func instantiate(store *wasmtime.Store, wasm []byte) (*instance, error) {
	module, err := wasmtime.NewModule(store.Engine, wasm)
	if err != nil {
		return nil, err
	}
	linker := wasmtime.NewLinker(store.Engine)
	defer linker.Close()
	allocator, err := wasmtimemem.NewAllocator(linker)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(module.Imports(), func(i *wasmtime.ImportType) bool { return i.Module() == engines.WASI }) {
		store.SetWasi(wasmtime.NewWasiConfig())
		if err := linker.DefineWasi(); err != nil {
			return nil, err
		}
	}
	inst, err := linker.Instantiate(store, module)
	if err != nil {
		return nil, err
	}
	name := ""
	if export := inst.GetExport(store, "memory"); export != nil && export.Memory() != nil {
		name = "memory"
	}
	uninitialized, err := wasmtimemem.NewUninitialized(store, inst, name)
	return &instance{uninitialized, store, allocator}, err
}
