//go:build cgo && (linux || darwin)

// Package wasmerengine runs guests on wasmer. A program that imports it must not import wasmtimeengine.
package wasmerengine

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines"
	"github.com/wasmerio/wasmer-go/wasmer"

	wasmermem "github.com/linmem/linmem/backends/wasmer"
)

// Default is wasmer with its compiler, Cranelift.
func Default() engines.Engine {
	c := &compiler{compiled: map[[sha256.Size]byte][]byte{}}
	return engines.Engine{
		Name: "wasmer", Backend: "wasmer-go", Needs: "cgo; Linux or macOS", Lazy: true, AbortsOnSleep: true, Open: c.open,
	}
}

// compiler keeps what it has compiled, for guests of megabytes that are opened again.
type compiler struct {
	mu       sync.Mutex
	compiled map[[sha256.Size]byte][]byte // serialized, since a module belongs to a store
}

func (c *compiler) compile(store *wasmer.Store, wasm []byte) (*wasmer.Module, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := sha256.Sum256(wasm)
	if compiled := c.compiled[key]; compiled != nil {
		return wasmer.DeserializeModule(store, compiled)
	}
	survives := wasmermem.MemoryFeatures()
	survives.Several, survives.Memory64 = true, true // which it refuses by itself
	if err := engines.Supports(survives, wasm); err != nil {
		return nil, err
	}
	module, err := wasmer.NewModule(store, wasm)
	if err != nil {
		return nil, errors.Join(engines.Supports(wasmermem.MemoryFeatures(), wasm), err)
	}
	c.compiled[key], err = module.Serialize()
	return module, err
}

// instance is a guest with what serves its imports.
type instance struct {
	*wasmermem.Uninitialized
	allocator *wasmermem.Allocator // nil if it imports none
}

// Bind implements [engines.Binder].
func (i *instance) Bind(heap *linmem.Heap) error {
	if i.allocator == nil {
		return nil
	}
	return i.allocator.Bind(heap)
}

func (c *compiler) open(_ context.Context, wasm []byte) (guest.Instance, func(), error) {
	store := wasmer.NewStore(wasmer.NewEngine())
	module, err := c.compile(store, wasm)
	if err != nil {
		return nil, nil, err
	}
	object, allocator, err := provide(store, module)
	if err != nil {
		return nil, nil, err
	}
	inst, err := wasmer.NewInstance(module, object)
	if err != nil {
		return nil, nil, err
	}
	uninitialized, err := wasmermem.NewUninitialized(inst, "", wasmermem.WithAllocator(allocator))
	if err != nil {
		inst.Close()
		return nil, nil, err
	}
	stop := func() {
		if allocator != nil {
			allocator.Unbind()
		}
		inst.Close()
	}
	return &instance{uninitialized, allocator}, stop, nil
}

// provide returns what a module imports, and the allocator among that, or nil.
func provide(store *wasmer.Store, module *wasmer.Module) (*wasmer.ImportObject, *wasmermem.Allocator, error) {
	modules := map[string]bool{}
	for _, i := range module.Imports() {
		modules[i.Module()] = true
	}
	object := wasmer.NewImportObject()
	if modules[engines.WASI] {
		env, err := wasmer.NewWasiStateBuilder("guest").Finalize()
		if err != nil {
			return nil, nil, err
		}
		if object, err = env.GenerateImportObject(store, module); err != nil {
			return nil, nil, err
		}
	}
	if !modules[engines.Env] {
		return object, nil, nil
	}
	allocator, err := wasmermem.NewAllocator(store)
	if err != nil {
		return nil, nil, err
	}
	return object, allocator, allocator.Register(object)
}
