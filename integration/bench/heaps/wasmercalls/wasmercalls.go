//go:build cgo && (linux || darwin)

// Package wasmercalls calls guests in the way that wasmer-go has, by native functions. A program that imports it must not
// import wasmtimecalls.
package wasmercalls

import (
	"context"
	"fmt"
	"runtime"

	"github.com/linmem/linmem/integration/bench/heaps"
	"github.com/wasmerio/wasmer-go/wasmer"

	wasmermem "github.com/linmem/linmem/backends/wasmer"
)

// Runtime is wasmer with its compiler, Cranelift.
func Runtime() heaps.Runtime { return heaps.Runtime{Name: "wasmer", Open: open} }

func open(_ context.Context, wasm []byte) (*heaps.Guest, error) {
	module, err := wasmer.NewModule(wasmer.NewStore(wasmer.NewEngine()), wasm)
	if err != nil {
		return nil, err
	}
	instance, err := wasmer.NewInstance(module, wasmer.NewImportObject())
	if err != nil {
		return nil, err
	}
	m, err := wasmermem.New(instance, "")
	if err != nil {
		instance.Close()
		return nil, err
	}
	return &heaps.Guest{
		Memory: m,
		Func:   func(name string, params int) (heaps.Func, error) { return function(instance, name, params) },
		Close: func() error {
			instance.Close()
			return nil
		},
	}, nil
}

func function(instance *wasmer.Instance, name string, params int) (heaps.Func, error) {
	f, err := instance.Exports.GetRawFunction(name)
	if err != nil || len(f.Type().Params()) != params {
		return nil, fmt.Errorf("the guest exports no function %q of %d parameters", name, params)
	}
	call, values := f.Native(), make([]any, params)
	return func(args *heaps.Args) error {
		for i := range values {
			values[i] = int32(args[i])
		}
		result, err := call(values...)
		runtime.KeepAlive(instance) // nothing else keeps it for its functions
		if err != nil {
			return err
		}
		switch result := result.(type) {
		case int32:
			args[0] = uint64(uint32(result))
		case int64:
			args[0] = uint64(result)
		}
		return nil
	}, nil
}
