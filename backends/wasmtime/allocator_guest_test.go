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

// importsC is a guest with the allocator of C as imports.
var importsC = linmemtest.AllocatorModule(guest.CImports())

// openServed instantiates a guest in a store of its own, as each that shares its linker is.
func openServed(wasm []byte, imports ...guest.Imports) (served linmemtest.Served, err error) {
	linker := wasmtime.NewLinker(engine)
	a, err := wasmtimemem.NewAllocator(linker, imports...)
	if err != nil {
		return served, err
	}
	module, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		return served, err
	}
	var open func() (linmemtest.Served, error)
	open = func() (served linmemtest.Served, err error) {
		store := wasmtime.NewStore(engine)
		instance, err := linker.Instantiate(store, module)
		if err != nil {
			store.Close()
			return served, err
		}
		inst, err := wasmtimemem.NewUninitialized(store, instance, "memory")
		return linmemtest.Served{
			Instance: inst,
			Bind:     func(h guest.Heap) error { return a.Bind(store, h) },
			Unbind:   func() { a.Unbind(store) },
			Another:  open,
			Stop:     store.Close,
			TextOnly: true,
		}, err
	}
	return open()
}

// allocating is an instance and its heap.
type allocating struct {
	t     testing.TB
	store *wasmtime.Store
	inst  *wasmtimemem.Instance
	heap  *linmem.Heap
}

func compile(t testing.TB, wasm []byte) *wasmtime.Module {
	t.Helper()
	module, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		t.Fatal(err)
	}
	return module
}

func newLinked(t testing.TB, imports ...guest.Imports) (*wasmtime.Linker, *wasmtimemem.Allocator) {
	t.Helper()
	linker := wasmtime.NewLinker(engine)
	a, err := wasmtimemem.NewAllocator(linker, imports...)
	if err != nil {
		t.Fatal(err)
	}
	return linker, a
}

// newAllocating returns an instance in a store of its own, and a heap that is not bound to it yet.
func newAllocating(t testing.TB, linker *wasmtime.Linker, module *wasmtime.Module) *allocating {
	t.Helper()
	store := wasmtime.NewStore(engine)
	t.Cleanup(store.Close)
	instance, err := linker.Instantiate(store, module)
	if err != nil {
		t.Fatal(err)
	}
	inst, err := wasmtimemem.NewInstance(store, instance, "memory")
	if err != nil {
		t.Fatal(err)
	}
	heap, err := linmem.NewHeap(inst.Memory())
	if err != nil {
		t.Fatal(err)
	}
	return &allocating{t, store, inst, heap}
}

// pairs has the guest allocate and free 64 bytes, n times.
func (g *allocating) pairs(n int) {
	g.t.Helper()
	if _, err := g.inst.Call(g.t.Context(), "pairs", uint64(n)); err != nil {
		g.t.Fatal(err)
	}
}
