//go:build cgo

// Package wasmtimecalls calls guests in the way that wasmtime-go has, Func.Call. A program that imports it must not import
// wasmercalls.
package wasmtimecalls

import (
	"context"
	"fmt"

	"github.com/bytecodealliance/wasmtime-go/v44"
	"github.com/linmem/linmem/integration/bench/heaps"

	wasmtimemem "github.com/linmem/linmem/backends/wasmtime"
)

// Runtime is wasmtime with its compiler, Cranelift.
func Runtime() heaps.Runtime { return heaps.Runtime{Name: "wasmtime", Open: open} }

func open(_ context.Context, wasm []byte) (*heaps.Guest, error) {
	store := wasmtime.NewStore(wasmtime.NewEngine())
	guest, err := instantiate(store, wasm)
	if err != nil {
		store.Close()
	}
	return guest, err
}

func instantiate(store *wasmtime.Store, wasm []byte) (*heaps.Guest, error) {
	module, err := wasmtime.NewModule(store.Engine, wasm)
	if err != nil {
		return nil, err
	}
	instance, err := wasmtime.NewInstance(store, module, nil)
	if err != nil {
		return nil, err
	}
	m, err := wasmtimemem.New(store, instance, "")
	if err != nil {
		return nil, err
	}
	return &heaps.Guest{
		Memory: m,
		Func:   func(name string, params int) (heaps.Func, error) { return function(store, instance, name, params) },
		Close: func() error {
			store.Close()
			return nil
		},
	}, nil
}

func function(store *wasmtime.Store, instance *wasmtime.Instance, name string, params int) (heaps.Func, error) {
	f := instance.GetFunc(store, name)
	if f == nil || len(f.Type(store).Params()) != params {
		return nil, fmt.Errorf("the guest exports no function %q of %d parameters", name, params)
	}
	values := make([]any, params)
	return func(args *heaps.Args) error {
		for i := range values {
			values[i] = int32(args[i])
		}
		result, err := f.Call(store, values...)
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
