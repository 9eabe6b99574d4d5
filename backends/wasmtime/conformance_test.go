//go:build cgo

package wasmtimemem_test

import (
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v44"
	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/linmemtest"

	wasmtimemem "github.com/linmem/linmem/backends/wasmtime"
)

var engine = wasmtime.NewEngine()

// open instantiates a module in a store of its own.
func open(wasm []byte) (guest.Instance, func(), error) {
	module, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		return nil, nil, err
	}
	store := wasmtime.NewStore(engine)
	instance, err := wasmtime.NewInstance(store, module, nil)
	if err != nil {
		store.Close()
		return nil, nil, err
	}
	inst, err := wasmtimemem.NewUninitialized(store, instance, "memory")
	return inst, store.Close, err
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
