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
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// The columns of the README's table of features.
const (
	stable = "wazero, `StableMemories`"
	moving = "wazero"
	needs  = "nothing"
)

// Compiler is wazero's compiler, the default on the platforms that have it, with memories that never move.
func Compiler() engines.Engine {
	return engines.Engine{
		Name: "wazero-compiler", Backend: stable, Needs: needs, Lazy: true, ViewsAnytime: true,
		Open: open(wazero.NewRuntimeConfigCompiler(), new(wazeromem.StableMemories)),
	}
}

// Moving is wazero's compiler with wazero's own memories, which are copied when they grow, and cannot be limited.
func Moving() engines.Engine {
	return engines.Engine{
		Name: "wazero-moving", Backend: moving, Needs: needs, Slow: true,
		Open: open(wazero.NewRuntimeConfigCompiler(), nil),
	}
}

// Interpreter is wazero's interpreter, with memories that never move.
func Interpreter() engines.Engine {
	return engines.Engine{
		Name: "wazero-interpreter", Backend: stable, Needs: needs, Slow: true, Interprets: true, ViewsAnytime: true,
		Open: open(wazero.NewRuntimeConfigInterpreter(), new(wazeromem.StableMemories)),
	}
}

// Default is what wazero chooses for the platform, with memories that never move.
func Default() engines.Engine {
	return engines.Engine{Name: "wazero", Backend: stable, Needs: needs, Open: open(wazero.NewRuntimeConfig(), new(wazeromem.StableMemories))}
}

func open(config wazero.RuntimeConfig, stable *wazeromem.StableMemories) func(context.Context, []byte) (guest.Instance, func(), error) {
	// Each instance has a runtime of its own; what is compiled is kept, for guests of megabytes that are opened again.
	config = config.WithCompilationCache(wazero.NewCompilationCache()).
		WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesThreads)
	return func(ctx context.Context, wasm []byte) (guest.Instance, func(), error) {
		r := wazero.NewRuntimeWithConfig(ctx, config)
		stop := func() { _ = r.Close(ctx) }
		if stable != nil {
			ctx = stable.Context(ctx)
		}
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
		return nil, errors.Join(engines.Supports(wazeromem.MemoryFeatures(), wasm), err)
	}
	allocator, err := provide(ctx, r, compiled)
	if err != nil {
		return nil, err
	}
	mod, err := r.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithStartFunctions())
	if err != nil {
		return nil, err
	}
	name := ""
	if mod.ExportedMemory("memory") != nil {
		name = "memory"
	}
	inst, err := wazeromem.NewUninitialized(mod, name)
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
