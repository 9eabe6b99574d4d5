//go:build cgo && (linux || darwin)

// Package wasmerengine runs guests on wasmer. A program that imports it must not import wasmtimeengine.
package wasmerengine

import (
	"context"
	"fmt"

	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines"
	"github.com/wasmerio/wasmer-go/wasmer"

	wasmermem "github.com/linmem/linmem/backends/wasmer"
)

// Default is wasmer with its compiler, Cranelift.
func Default() engines.Engine { return engines.Engine{Name: "wasmer", Lazy: true, Open: open} }

// maxInitialPages is what wasmer can begin with. A module that begins with one page more aborts the process.
const maxInitialPages = 65535

func open(_ context.Context, wasm []byte) (guest.Instance, func(), error) {
	module, err := wasmer.NewModule(wasmer.NewStore(wasmer.NewEngine()), wasm)
	if err != nil {
		return nil, nil, err
	}
	for _, export := range module.Exports() {
		if memory := export.Type().IntoMemoryType(); memory != nil && memory.Limits().Minimum() > maxInitialPages {
			return nil, nil, fmt.Errorf("its memory begins with %d pages, and wasmer can do %d at most",
				memory.Limits().Minimum(), maxInitialPages)
		}
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
