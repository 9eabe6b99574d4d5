package wazeromem_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// importsC is a guest with the allocator of C as imports:
//
//	(module
//	  (import "env" "malloc" (func $malloc (param i32) (result i32)))
//	  (import "env" "free" (func $free (param i32)))
//	  (import "env" "calloc" (func $calloc (param i32 i32) (result i32)))
//	  (import "env" "realloc" (func $realloc (param i32 i32) (result i32)))
//	  (import "env" "aligned_alloc" (func $aligned_alloc (param i32 i32) (result i32)))
//	  (memory (export "memory") 1 9)
//	  (func (export "call_malloc") (param i32) (result i32) (call $malloc (local.get 0)))
//	  (func (export "call_free") (param i32) (call $free (local.get 0)))
//	  (func (export "call_calloc") (param i32 i32) (result i32) (call $calloc (local.get 0) (local.get 1)))
//	  (func (export "call_realloc") (param i32 i32) (result i32) (call $realloc (local.get 0) (local.get 1)))
//	  (func (export "call_aligned_alloc") (param i32 i32) (result i32) (call $aligned_alloc (local.get 0) (local.get 1)))
//	  (func (export "pairs") (param $n i32)
//	    (loop $again
//	      (call $free (call $malloc (i32.const 64)))
//	      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
const importsC = "\x00asm\x01\x00\x00\x00" +
	"\x01\x10\x03\x60\x01\x7f\x01\x7f\x60\x01\x7f\x00\x60\x02\x7f\x7f\x01\x7f" +
	"\x02\x48\x05\x03env\x06malloc\x00\x00\x03env\x04free\x00\x01\x03env\x06calloc\x00\x02\x03env\x07realloc\x00\x02" +
	"\x03env\x0daligned_alloc\x00\x02" +
	"\x03\x07\x06\x00\x01\x02\x02\x02\x01" +
	"\x05\x04\x01\x01\x01\x09" +
	"\x07\x5e\x07\x06memory\x02\x00\x0bcall_malloc\x00\x05\x09call_free\x00\x06\x0bcall_calloc\x00\x07\x0ccall_realloc\x00\x08" +
	"\x12call_aligned_alloc\x00\x09\x05pairs\x00\x0a" +
	"\x0a\x40\x06\x06\x00\x20\x00\x10\x00\x0b\x06\x00\x20\x00\x10\x01\x0b\x08\x00\x20\x00\x20\x01\x10\x02\x0b" +
	"\x08\x00\x20\x00\x20\x01\x10\x03\x0b\x08\x00\x20\x00\x20\x01\x10\x04\x0b" +
	"\x15\x00\x03\x40\x41\xc0\x00\x10\x00\x10\x01\x20\x00\x41\x01\x6b\x22\x00\x0d\x00\x0b\x0b"

// importsTwo is a guest that has its malloc and free under other names:
//
//	(module
//	  (import module malloc (func $malloc (param i32) (result i32)))
//	  (import module free (func $free (param i32)))
//	  (memory (export "memory") 1 9)
//	  (func (export "call_malloc") (param i32) (result i32) (call $malloc (local.get 0)))
//	  (func (export "call_free") (param i32) (call $free (local.get 0))))
func importsTwo(module, malloc, free string) string {
	sized := func(s string) string { return string(rune(len(s))) + s } // the length as a byte: it is below 128
	return "\x00asm\x01\x00\x00\x00" +
		"\x01\x0a\x02\x60\x01\x7f\x01\x7f\x60\x01\x7f\x00" +
		"\x02" + sized("\x02"+sized(module)+sized(malloc)+"\x00\x00"+sized(module)+sized(free)+"\x00\x01") +
		"\x03\x03\x02\x00\x01" +
		"\x05\x04\x01\x01\x01\x09" +
		"\x07\x24\x03\x06memory\x02\x00\x0bcall_malloc\x00\x02\x09call_free\x00\x03" +
		"\x0a\x0f\x02\x06\x00\x20\x00\x10\x00\x0b\x06\x00\x20\x00\x10\x01\x0b"
}

// allocating is an instance and its heap.
type allocating struct {
	t    testing.TB
	mod  api.Module
	inst *wazeromem.Instance
	heap *linmem.Heap
}

func newRuntime(t testing.TB, engine wazero.RuntimeConfig) wazero.Runtime {
	r := wazero.NewRuntimeWithConfig(context.Background(), engine)
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	return r
}

// newAllocating returns an instance without a name, and a heap that is not bound to it yet.
func newAllocating(t testing.TB, r wazero.Runtime, wasm string) *allocating {
	t.Helper()
	ctx := context.Background()
	mod, err := r.InstantiateWithConfig(ctx, []byte(wasm), wazero.NewModuleConfig().WithName(""))
	if err != nil {
		t.Fatal(err)
	}
	inst, err := wazeromem.NewInstance(mod, "memory")
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

// call calls a wrapper in the guest.
func (g *allocating) call(name string, args ...uint64) uint64 {
	g.t.Helper()
	results, err := g.inst.Call(context.Background(), "call_"+name, args...)
	if err != nil {
		g.t.Fatalf("%s(%#x): %v", name, args, err)
	}
	if len(results) == 0 {
		return 0
	}
	return results[0]
}

// traps calls a wrapper that must end in an error with these words, which are the heap's and not of wazero's own.
func (g *allocating) traps(want error, words []string, name string, args ...uint64) {
	g.t.Helper()
	_, err := g.inst.Call(context.Background(), "call_"+name, args...)
	if !errors.Is(err, want) {
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
