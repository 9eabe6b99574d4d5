package wazeromem_test

import (
	"context"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// importsC is a guest with the allocator of C as imports.
var importsC = linmemtest.AllocatorModule(guest.CImports())

// instantiateUnnamed returns an instance without a name, of which a runtime can have many.
func instantiateUnnamed(r wazero.Runtime, wasm []byte) (api.Module, *wazeromem.Uninitialized, error) {
	cfg := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	mod, err := r.InstantiateWithConfig(context.Background(), wasm, cfg)
	if err != nil {
		return nil, nil, err
	}
	inst, err := wazeromem.NewUninitialized(mod, "memory")
	return mod, inst, err
}

// openServed instantiates a guest on a runtime of its own.
func openServed(engine wazero.RuntimeConfig, wasm []byte, imports []guest.Imports) (served linmemtest.Served, err error) {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, engine)
	stop := func() { _ = r.Close(ctx) }
	a, err := wazeromem.NewAllocator(ctx, r, imports...)
	if err != nil {
		stop()
		return served, err
	}
	open := func() (served linmemtest.Served, err error) {
		mod, inst, err := instantiateUnnamed(r, wasm)
		return linmemtest.Served{
			Instance: inst,
			Bind:     func(h guest.Heap) error { return a.Bind(mod, h) },
			Unbind:   func() { a.Unbind(mod) },
		}, err
	}
	if served, err = open(); err != nil {
		stop()
		return served, err
	}
	served.Another, served.Stop = open, stop
	return served, nil
}

// allocating is an instance and its heap.
type allocating struct {
	t    testing.TB
	mod  api.Module
	inst guest.Instance
	heap *linmem.Heap
}

func newRuntime(t testing.TB, engine wazero.RuntimeConfig) wazero.Runtime {
	r := wazero.NewRuntimeWithConfig(context.Background(), engine)
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	return r
}

// newAllocating returns an instance without a name, and a heap that is not bound to it yet.
func newAllocating(t testing.TB, r wazero.Runtime, wasm []byte) *allocating {
	t.Helper()
	mod, inst, err := instantiateUnnamed(r, wasm)
	if err != nil {
		t.Fatal(err)
	}
	heap, err := linmem.NewHeap(inst.Memory())
	if err != nil {
		t.Fatal(err)
	}
	return &allocating{t, mod, inst, heap}
}

// newBound returns an instance of importsC that is bound.
func newBound(t testing.TB, engine wazero.RuntimeConfig) *allocating {
	t.Helper()
	r := newRuntime(t, engine)
	a, err := wazeromem.NewAllocator(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	g := newAllocating(t, r, importsC)
	if err := a.Bind(g.mod, g.heap); err != nil {
		t.Fatal(err)
	}
	return g
}

// pairs has the guest allocate and free 64 bytes, n times.
func (g *allocating) pairs(n int) {
	g.t.Helper()
	if _, err := g.inst.Call(context.Background(), "pairs", uint64(n)); err != nil {
		g.t.Fatal(err)
	}
}
