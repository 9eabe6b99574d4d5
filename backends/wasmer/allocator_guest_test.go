//go:build cgo && (linux || darwin)

package wasmermem_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/wasmerio/wasmer-go/wasmer"

	wasmermem "github.com/linmem/linmem/backends/wasmer"
)

// importsC is a guest with the allocator of C as imports.
const importsC = `(module
	(import "env" "malloc" (func $malloc (param i32) (result i32)))
	(import "env" "free" (func $free (param i32)))
	(import "env" "calloc" (func $calloc (param i32 i32) (result i32)))
	(import "env" "realloc" (func $realloc (param i32 i32) (result i32)))
	(import "env" "aligned_alloc" (func $aligned_alloc (param i32 i32) (result i32)))
	(memory (export "memory") 1 9)
	(func (export "call_malloc") (param i32) (result i32) (call $malloc (local.get 0)))
	(func (export "call_free") (param i32) (call $free (local.get 0)))
	(func (export "call_calloc") (param i32 i32) (result i32) (call $calloc (local.get 0) (local.get 1)))
	(func (export "call_realloc") (param i32 i32) (result i32) (call $realloc (local.get 0) (local.get 1)))
	(func (export "call_aligned_alloc") (param i32 i32) (result i32) (call $aligned_alloc (local.get 0) (local.get 1)))
	(func (export "pairs") (param $n i32)
		(loop $again
			(call $free (call $malloc (i32.const 64)))
			(br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))`

// importsTwo is a guest that has its malloc and free under other names.
func importsTwo(module, malloc, free string) string {
	return fmt.Sprintf(`(module
		(import %[1]q %[2]q (func $malloc (param i32) (result i32)))
		(import %[1]q %[3]q (func $free (param i32)))
		(memory (export "memory") 1 9)
		(func (export "call_malloc") (param i32) (result i32) (call $malloc (local.get 0)))
		(func (export "call_free") (param i32) (call $free (local.get 0))))`, module, malloc, free)
}

// allocating is an instance and its heap.
type allocating struct {
	t         testing.TB
	allocator *wasmermem.Allocator
	instance  *wasmer.Instance
	inst      *wasmermem.Instance
	heap      *linmem.Heap
}

// newAllocating returns an instance, and a heap that is not bound to it yet.
func newAllocating(t testing.TB, wat string, imports ...guest.Imports) *allocating {
	t.Helper()
	a, err := wasmermem.NewAllocator(store, imports...)
	if err != nil {
		t.Fatal(err)
	}
	return newWith(t, wat, a)
}

func newWith(t testing.TB, wat string, a *wasmermem.Allocator) *allocating {
	t.Helper()
	object := wasmer.NewImportObject()
	if err := a.Register(object); err != nil {
		t.Fatal(err)
	}
	module, err := wasmer.NewModule(store, []byte(wat))
	if err != nil {
		t.Fatal(err)
	}
	instance, err := wasmer.NewInstance(module, object)
	if err != nil {
		t.Fatal(err)
	}
	inst, err := wasmermem.NewInstance(instance, "memory", wasmermem.WithAllocator(a))
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
func newBound(t testing.TB, wat string, imports ...guest.Imports) *allocating {
	t.Helper()
	g := newAllocating(t, wat, imports...)
	if err := g.allocator.Bind(g.heap); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.allocator.Unbind)
	return g
}

// call calls a wrapper in the guest.
func (g *allocating) call(name string, args ...uint64) uint64 {
	g.t.Helper()
	results, err := g.inst.Call(g.t.Context(), "call_"+name, args...)
	if err != nil {
		g.t.Fatalf("%s(%#x): %v", name, args, err)
	}
	if len(results) == 0 {
		return 0
	}
	return results[0]
}

// traps calls a wrapper that must end in a trap, with a reason that has these words.
func (g *allocating) traps(want error, words []string, name string, args ...uint64) {
	g.t.Helper()
	_, err := g.inst.Call(g.t.Context(), "call_"+name, args...)
	var trap *wasmer.TrapError
	if !errors.As(err, &trap) {
		g.t.Errorf("%s(%#x): %v, want a trap", name, args, err)
		return
	}
	if !errors.Is(err, want) || !errors.Is(err, g.allocator.Err()) {
		g.t.Errorf("%s(%#x): %v, want %v", name, args, err, want)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			g.t.Errorf("%s(%#x): %v, want %q in it", name, args, err, w)
		}
	}
}

func (g *allocating) view(addr, n uint64) []byte {
	g.t.Helper()
	view, err := g.heap.View(addr, n)
	if err != nil {
		g.t.Fatal(err)
	}
	return view
}
