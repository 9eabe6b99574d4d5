// Package wazeroengine runs guests on wazero.
package wazeroengine

import (
	"context"
	"errors"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// Compiler is wazero's compiler, the default on the platforms that have it.
func Compiler() engines.Engine {
	return engines.Engine{Name: "wazero-compiler", Slow: true, Open: open(wazero.NewRuntimeConfigCompiler())}
}

// Reserved is wazero's compiler with room for the maximum of a memory from the start, so that growth copies nothing.
func Reserved() engines.Engine {
	config := wazero.NewRuntimeConfigCompiler().WithMemoryCapacityFromMax(true)
	return engines.Engine{Name: "wazero-reserved", Reserves: true, Open: open(config)}
}

// Interpreter is wazero's interpreter.
func Interpreter() engines.Engine {
	config := wazero.NewRuntimeConfigInterpreter()
	return engines.Engine{Name: "wazero-interpreter", Slow: true, Interprets: true, Open: open(config)}
}

// Default is what wazero chooses for the platform.
func Default() engines.Engine {
	return engines.Engine{Name: "wazero", Open: open(wazero.NewRuntimeConfig())}
}

func open(config wazero.RuntimeConfig) func(context.Context, []byte) (guest.Instance, func(), error) {
	// Each instance has a runtime of its own; what is compiled is kept, for guests of megabytes that are opened again.
	config = config.WithCompilationCache(wazero.NewCompilationCache())
	return func(ctx context.Context, wasm []byte) (guest.Instance, func(), error) {
		r := wazero.NewRuntimeWithConfig(ctx, config)
		stop := func() { _ = r.Close(ctx) }
		inst, err := instantiate(ctx, r, wasm)
		if err != nil {
			stop()
			return nil, nil, err
		}
		return inst, stop, nil
	}
}

// instance is a guest with what serves its imports.
type instance struct {
	*wazeromem.Uninitialized
	mod       api.Module
	allocator *wazeromem.Allocator
}

// Bind implements [engines.Binder].
func (i *instance) Bind(heap *linmem.Heap) error { return i.allocator.Bind(i.mod, heap) }

func instantiate(ctx context.Context, r wazero.Runtime, wasm []byte) (*instance, error) {
	compiled, err := r.CompileModule(ctx, wasm)
	if err != nil {
		return nil, err
	}
	allocator, err := provide(ctx, r, compiled)
	if err != nil {
		return nil, err
	}
	limiter := new(wazeromem.Limiter)
	mod, err := r.InstantiateModule(limiter.Context(ctx), compiled, wazero.NewModuleConfig().WithStartFunctions())
	if err != nil {
		return nil, err
	}
	name := ""
	if mod.ExportedMemory("memory") != nil {
		name = "memory"
	}
	inst, err := wazeromem.NewUninitialized(mod, name, wazeromem.WithLimiter(limiter))
	if errors.Is(err, linmem.ErrUnsupported) { // an empty memory
		inst, err = wazeromem.NewUninitialized(mod, name)
	}
	return &instance{inst, mod, allocator}, err
}

// provide provides what a module imports.
func provide(ctx context.Context, r wazero.Runtime, compiled wazero.CompiledModule) (*wazeromem.Allocator, error) {
	allocator := new(wazeromem.Allocator)
	modules := map[string]bool{}
	for _, f := range compiled.ImportedFunctions() {
		module, _, _ := f.Import()
		modules[module] = true
	}
	if modules[engines.WASI] {
		if _, err := wasi_snapshot_preview1.Instantiate(ctx, r); err != nil {
			return nil, err
		}
	}
	if modules[engines.Env] {
		return wazeromem.NewAllocator(ctx, r)
	}
	return allocator, nil
}
