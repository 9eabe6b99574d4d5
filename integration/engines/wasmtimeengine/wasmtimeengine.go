//go:build cgo

// Package wasmtimeengine runs guests on wasmtime. A program that imports it must not import wasmerengine.
package wasmtimeengine

import (
	"context"
	"crypto/sha256"
	"slices"
	"sync"

	"github.com/bytecodealliance/wasmtime-go/v44"
	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines"

	wasmtimemem "github.com/linmem/linmem/backends/wasmtime"
)

// Default is wasmtime with its compiler, Cranelift.
func Default() engines.Engine {
	c := &compiler{engine: wasmtime.NewEngine(), modules: map[[sha256.Size]byte]*wasmtime.Module{}}
	return engines.Engine{Name: "wasmtime", Backend: "wasmtime-go", Needs: "cgo", Lazy: true, Open: c.open}
}

// Memory64 is Default with guests whose memory has 64 bits.
func Memory64() engines.Engine {
	e := Default()
	e.Name, e.Is64 = "wasmtime-memory64", true
	return e
}

// compiler keeps what it has compiled, for guests of megabytes that are opened again.
type compiler struct {
	engine  *wasmtime.Engine
	mu      sync.Mutex
	modules map[[sha256.Size]byte]*wasmtime.Module
}

func (c *compiler) compile(wasm []byte) (*wasmtime.Module, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := sha256.Sum256(wasm)
	if m := c.modules[key]; m != nil {
		return m, nil
	}
	if err := engines.Supports(wasmtimemem.MemoryFeatures(), wasm); err != nil {
		return nil, err
	}
	m, err := wasmtime.NewModule(c.engine, wasm)
	if err == nil {
		c.modules[key] = m
	}
	return m, err
}

func (c *compiler) open(_ context.Context, wasm []byte) (guest.Instance, func(), error) {
	module, err := c.compile(wasm)
	if err != nil {
		return nil, nil, err
	}
	store := wasmtime.NewStore(c.engine)
	inst, err := instantiate(store, module)
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
	inst      *wasmtime.Instance
	allocator *wasmtimemem.Allocator
}

// MemoryNamed returns an exported memory, of which there may be several.
func (i *instance) MemoryNamed(name string) (linmem.Memory, error) {
	return wasmtimemem.New(i.store, i.inst, name)
}

// Bind implements [engines.Binder].
func (i *instance) Bind(heap *linmem.Heap) error { return i.allocator.Bind(i.store, heap) }

func instantiate(store *wasmtime.Store, module *wasmtime.Module) (*instance, error) {
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
	return &instance{uninitialized, store, inst, allocator}, err
}
