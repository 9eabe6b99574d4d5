//go:build cgo

package wasmtimemem_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v44"
	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/linmemtest"

	wasmtimemem "github.com/linmem/linmem/backends/wasmtime"
)

func TestAllocator(t *testing.T) { linmemtest.RunAllocator(t, openServed) }

// TestAllocatorPast4GiB has a guest with a memory of 64 bits, whose heap begins past 4 GiB: imports of 64 bits get what is
// there, and those of 32 bits nothing.
func TestAllocatorPast4GiB(t *testing.T) {
	is64 := guest.CImports()
	is64.Is64 = true
	linker, a := newLinked(t, is64, guest.Imports{Module: "env32", Malloc: "malloc"})
	wasm, err := wasmtime.Wat2Wasm(`(module
		(import "env" "malloc" (func $malloc (param i64) (result i64)))
		(import "env" "free" (func $free (param i64)))
		(import "env" "calloc" (func $calloc (param i64 i64) (result i64)))
		(import "env" "realloc" (func $realloc (param i64 i64) (result i64)))
		(import "env32" "malloc" (func $malloc32 (param i32) (result i32)))
		(memory (export "memory") i64 65537)
		(func (export "malloc") (param i64) (result i64) (call $malloc (local.get 0)))
		(func (export "free") (param i64) (call $free (local.get 0)))
		(func (export "calloc") (param i64 i64) (result i64) (call $calloc (local.get 0) (local.get 1)))
		(func (export "realloc") (param i64 i64) (result i64) (call $realloc (local.get 0) (local.get 1)))
		(func (export "malloc32") (param i32) (result i32) (call $malloc32 (local.get 0))))`)
	if err != nil {
		t.Fatal(err)
	}
	g := newAllocating(t, linker, compile(t, wasm))
	if err := a.Bind(g.store, g.heap); err != nil {
		t.Fatal(err)
	}
	call := func(name string, args ...uint64) uint64 {
		t.Helper()
		results, err := g.inst.Call(t.Context(), name, args...)
		if err != nil || len(results) != 1 {
			t.Fatalf("%s(%#x) = %#x, %v", name, args, results, err)
		}
		return results[0]
	}
	addr := call("calloc", 10, 10)
	if addr < 1<<32 {
		t.Errorf("calloc is at %#x, want it past 4 GiB", addr)
	}
	addr = call("realloc", addr, 100000)
	if _, err := g.inst.Call(t.Context(), "free", addr); err != nil {
		t.Errorf("free(%#x): %v", addr, err)
	}
	_, err = g.inst.Call(t.Context(), "free", addr)
	if want := fmt.Sprintf("env.free at %#x: %v", addr, linmem.ErrNotAllocated); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("free of what is free: %v, want %q", err, want)
	}
	for what, got := range map[string]uint64{
		"malloc of the largest size": call("malloc", 1<<64-1),
		"calloc that overflows":      call("calloc", 1<<32, 1<<32),
		"malloc of 32 bits":          call("malloc32", 100),
	} {
		if got != 0 {
			t.Errorf("%s is %#x, want 0", what, got)
		}
	}
	if n := g.heap.Stats().Allocs; n != 0 {
		t.Errorf("%d allocations are left", n)
	}
}

// TestAllocatorClosedStore holds that a store gets nothing from the heap of one that was closed, whose address it may have:
// nobody has unbound that. It needs an address that comes again, and it does, at once.
func TestAllocatorClosedStore(t *testing.T) {
	linker, a := newLinked(t)
	module := compile(t, importsC)
	seen := make(map[string]bool)
	for range 100 {
		g := newAllocating(t, linker, module)
		address := fmt.Sprintf("%p", g.store.Context())
		if _, err := g.inst.Call(t.Context(), "call_malloc", 1); err == nil || !strings.Contains(err.Error(), "Bind") {
			t.Fatalf("malloc of a store that nothing is bound to: %v", err)
		}
		if err := a.Bind(g.store, g.heap); err != nil {
			t.Fatal(err)
		}
		g.pairs(1)
		g.store.Close()
		if seen[address] {
			a.Unbind(g.store)
			return
		}
		seen[address] = true
	}
	t.Errorf("no two of %d stores had the same address: the test must find another way to get one", len(seen))
}

// TestAllocatorUnbindsTheRightStore holds that unbinding a closed store leaves the one alone that has got its address.
func TestAllocatorUnbindsTheRightStore(t *testing.T) {
	linker, a := newLinked(t)
	module := compile(t, importsC)
	before := make(map[string]*wasmtime.Store)
	for range 100 {
		g := newAllocating(t, linker, module)
		address := fmt.Sprintf("%p", g.store.Context())
		if err := a.Bind(g.store, g.heap); err != nil {
			t.Fatal(err)
		}
		if old := before[address]; old != nil {
			a.Unbind(old)
			g.pairs(1)
			return
		}
		before[address] = g.store
		g.store.Close()
	}
	t.Errorf("no two of %d stores had the same address: the test must find another way to get one", len(before))
}

func TestNewAllocatorRefuses(t *testing.T) {
	if _, err := wasmtimemem.NewAllocator(nil); !errors.Is(err, linmem.ErrInvalid) {
		t.Errorf("no linker: %v, want ErrInvalid", err)
	}
	linker := wasmtime.NewLinker(engine)
	if err := linker.FuncWrap("env", "free", func(int32) {}); err != nil {
		t.Fatal(err)
	}
	if _, err := wasmtimemem.NewAllocator(linker); err == nil || !strings.Contains(err.Error(), "env::free") {
		t.Errorf("a function that the linker has already: %v", err)
	}
}

func TestAllocatorBindRefuses(t *testing.T) {
	linker, a := newLinked(t)
	g := newAllocating(t, linker, compile(t, importsC))
	if err := a.Bind(nil, g.heap); !errors.Is(err, linmem.ErrInvalid) {
		t.Errorf("Bind of no store: %v, want ErrInvalid", err)
	}
	g.store.Close()
	if err := a.Bind(g.store, g.heap); !errors.Is(err, linmem.ErrClosed) {
		t.Errorf("Bind of a closed store: %v, want ErrClosed", err)
	}
}

// TestAllocatorGoroutines has guests come, allocate and go on several goroutines.
func TestAllocatorGoroutines(t *testing.T) {
	linker, a := newLinked(t)
	module := compile(t, importsC)
	for n := range 4 {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			for range 20 {
				g := newAllocating(t, linker, module)
				if err := a.Bind(g.store, g.heap); err != nil {
					t.Fatal(err)
				}
				g.pairs(100)
				if n := g.heap.Stats().Allocs; n != 0 {
					t.Errorf("%d allocations are left", n)
				}
				a.Unbind(g.store)
				g.store.Close()
			}
		})
	}
}

// BenchmarkAllocator is a malloc and free of 64 bytes by the guest, in a loop of its own. The Go allocations are those of
// wasmtime-go.
func BenchmarkAllocator(b *testing.B) {
	linker, a := newLinked(b)
	g := newAllocating(b, linker, compile(b, importsC))
	if err := a.Bind(g.store, g.heap); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	g.pairs(b.N)
}
