//go:build cgo && (linux || darwin)

package wasmermem_test

import (
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/wasmerio/wasmer-go/wasmer"

	wasmermem "github.com/linmem/linmem/backends/wasmer"
)

var store = wasmer.NewStore(wasmer.NewEngine())

func instantiate(wasm []byte) (*wasmer.Instance, error) {
	module, err := wasmer.NewModule(store, wasm)
	if err != nil {
		return nil, err
	}
	return wasmer.NewInstance(module, wasmer.NewImportObject())
}

func open(wasm []byte) (guest.Instance, func(), error) {
	instance, err := instantiate(wasm)
	if err != nil {
		return nil, nil, err
	}
	inst, err := wasmermem.NewUninitialized(instance, "memory")
	return inst, instance.Close, err
}

var config = linmemtest.Config{New: func(maxPages uint64) (linmem.Memory, func(), error) {
	inst, stop, err := open(linmemtest.Module(0, maxPages))
	if err != nil {
		return nil, nil, err
	}
	return linmemtest.NewGuestMemory(inst), stop, nil
}}

func TestConformance(t *testing.T) { linmemtest.Run(t, config) }

func TestInstance(t *testing.T) { linmemtest.RunInstance(t, open) }

func BenchmarkMemory(b *testing.B) { linmemtest.RunBenchmarks(b, config) }
