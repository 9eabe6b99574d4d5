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

// importsC is a guest with the allocator of C as imports.
var importsC = linmemtest.AllocatorModule(guest.CImports())

// instantiateWith returns an instance that an Allocator of its own serves.
func instantiateWith(a *wasmermem.Allocator, wasm []byte) (*wasmer.Instance, *wasmermem.Uninitialized, error) {
	module, err := wasmer.NewModule(store, wasm)
	if err != nil {
		return nil, nil, err
	}
	object := wasmer.NewImportObject()
	if err := a.Register(object); err != nil {
		return nil, nil, err
	}
	instance, err := wasmer.NewInstance(module, object)
	if err != nil {
		return nil, nil, err
	}
	inst, err := wasmermem.NewUninitialized(instance, "memory", wasmermem.WithAllocator(a))
	return instance, inst, err
}

// openServed instantiates a guest; another one has a clone of its Allocator.
func openServed(wasm []byte, imports ...guest.Imports) (linmemtest.Served, error) {
	a, err := wasmermem.NewAllocator(store, imports...)
	if err != nil {
		return linmemtest.Served{}, err
	}
	return servedBy(a, wasm)
}

func servedBy(a *wasmermem.Allocator, wasm []byte) (served linmemtest.Served, err error) {
	instance, inst, err := instantiateWith(a, wasm)
	if err != nil {
		return served, err
	}
	return linmemtest.Served{
		Instance: inst,
		Bind:     a.Bind,
		Unbind:   a.Unbind,
		Another: func() (linmemtest.Served, error) {
			clone, err := a.Clone()
			if err != nil {
				return linmemtest.Served{}, err
			}
			return servedBy(clone, wasm)
		},
		Stop: instance.Close,
	}, nil
}

// allocating is an instance and its heap.
type allocating struct {
	t         testing.TB
	allocator *wasmermem.Allocator
	instance  *wasmer.Instance
	inst      guest.Instance
	heap      *linmem.Heap
}

// newAllocating returns an instance of importsC, and a heap that is not bound to it yet.
func newAllocating(t testing.TB) *allocating {
	t.Helper()
	a, err := wasmermem.NewAllocator(store)
	if err != nil {
		t.Fatal(err)
	}
	instance, inst, err := instantiateWith(a, importsC)
	if err != nil {
		t.Fatal(err)
	}
	heap, err := linmem.NewHeap(inst.Memory())
	if err != nil {
		t.Fatal(err)
	}
	return &allocating{t, a, instance, inst, heap}
}

// newBound returns an instance that is bound until the test ends.
func newBound(t testing.TB) *allocating {
	t.Helper()
	g := newAllocating(t)
	if err := g.allocator.Bind(g.heap); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.allocator.Unbind)
	return g
}

// pairs has the guest allocate and free 64 bytes, n times.
func (g *allocating) pairs(n int) {
	g.t.Helper()
	if _, err := g.inst.Call(g.t.Context(), "pairs", uint64(n)); err != nil {
		g.t.Fatal(err)
	}
}
