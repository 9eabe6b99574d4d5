// Package wazeroengine runs guests on wazero.
package wazeroengine

import (
	"context"

	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines"
	"github.com/tetratelabs/wazero"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// Compiler is wazero's compiler, the default on the platforms that have it.
func Compiler() engines.Engine {
	return engines.Engine{Name: "wazero-compiler", Slow: true, Open: open(wazero.NewRuntimeConfigCompiler())}
}

// Reserved is wazero's compiler with room for the maximum of a memory from the start, so that growth copies nothing.
func Reserved() engines.Engine {
	config := wazero.NewRuntimeConfigCompiler().WithMemoryCapacityFromMax(true)
	return engines.Engine{Name: "wazero-reserved", Open: open(config)}
}

// Interpreter is wazero's interpreter.
func Interpreter() engines.Engine {
	return engines.Engine{Name: "wazero-interpreter", Slow: true, Open: open(wazero.NewRuntimeConfigInterpreter())}
}

// Default is what wazero chooses for the platform.
func Default() engines.Engine {
	return engines.Engine{Name: "wazero", Open: open(wazero.NewRuntimeConfig())}
}

func open(config wazero.RuntimeConfig) func(context.Context, []byte) (guest.Instance, func(), error) {
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

func instantiate(ctx context.Context, r wazero.Runtime, wasm []byte) (*wazeromem.Instance, error) {
	mod, err := r.InstantiateWithConfig(ctx, wasm, wazero.NewModuleConfig().WithStartFunctions())
	if err != nil {
		return nil, err
	}
	name := ""
	if mod.ExportedMemory("memory") != nil {
		name = "memory"
	}
	return wazeromem.NewInstance(mod, name)
}
