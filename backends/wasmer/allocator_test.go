//go:build cgo && (linux || darwin)

package wasmermem_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/wasmerio/wasmer-go/wasmer"

	wasmermem "github.com/linmem/linmem/backends/wasmer"
)

func TestAllocator(t *testing.T) {
	g := newBound(t, importsC)
	addr := g.call("malloc", 100)
	copy(g.view(addr, 100), bytes.Repeat([]byte{0xff}, 100))
	g.call("free", addr)
	if again := g.call("calloc", 10, 10); again != addr || !bytes.Equal(g.view(again, 100), make([]byte, 100)) {
		t.Errorf("calloc: %x at %#x, want zeros at %#x", g.view(again, 100), again, addr)
	}
	copy(g.view(addr, 4), "kept")
	moved := g.call("realloc", addr, 100000)
	if moved == addr || string(g.view(moved, 4)) != "kept" {
		t.Errorf("realloc: %q at %#x, moved from %#x", g.view(moved, 4), moved, addr)
	}
	if aligned := g.call("aligned_alloc", 4096, 50); aligned == 0 || aligned%4096 != 0 {
		t.Errorf("aligned_alloc is at %#x", aligned)
	}
	for what, got := range map[string]uint64{
		"malloc of the largest size":   g.call("malloc", 0xffffffff),
		"malloc of more than there is": g.call("malloc", 1<<20),
		"calloc that overflows":        g.call("calloc", 1<<16, 1<<16),
		"realloc to the largest size":  g.call("realloc", moved, 0xffffffff),
		"aligned to the largest":       g.call("aligned_alloc", 1<<31, 1),
	} {
		if got != 0 {
			t.Errorf("%s is %#x, want 0", what, got)
		}
	}
	g.call("free", 0)
	g.call("free", moved)
	g.traps(linmem.ErrNotAllocated, []string{"env.free", fmt.Sprintf("%#x", moved)}, "free", moved)
	g.traps(linmem.ErrNotAllocated, []string{"env.realloc", "0xdeadbeef"}, "realloc", 0xdeadbeef, 1)
	if g.call("malloc", 1) == 0 {
		t.Error("after a trap there is no memory")
	}
}

// TestAllocator64 serves imports of 64 bits to a guest whose memory has 32.
func TestAllocator64(t *testing.T) {
	imports := guest.CImports()
	imports.Is64 = true
	g := newBound(t, `(module
		(import "env" "calloc" (func $calloc (param i64 i64) (result i64)))
		(import "env" "free" (func $free (param i64)))
		(memory (export "memory") 1 9)
		(func (export "call_calloc") (param i64 i64) (result i64) (call $calloc (local.get 0) (local.get 1)))
		(func (export "call_free") (param i64) (call $free (local.get 0))))`, imports)
	addr := g.call("calloc", 10, 10)
	if addr == 0 {
		t.Error("calloc is 0")
	}
	g.call("free", addr)
	g.traps(linmem.ErrNotAllocated, []string{"0xdeadbeef01234567"}, "free", 0xdeadbeef01234567)
	if got := g.call("calloc", 1<<32, 1<<32); got != 0 {
		t.Errorf("calloc that overflows is %#x, want 0", got)
	}
}

func TestAllocatorHeaps(t *testing.T) {
	one := newAllocating(t, importsC)
	clone, err := one.allocator.Clone()
	if err != nil {
		t.Fatal(err)
	}
	two := newWith(t, importsC, clone)
	for _, g := range []*allocating{one, two} {
		if err := g.allocator.Err(); err != nil {
			t.Errorf("before any trap: %v", err)
		}
		g.traps(linmem.ErrInvalid, []string{"env.malloc", "Bind"}, "malloc", 1)
		if err := g.allocator.Bind(g.heap); err != nil {
			t.Fatal(err)
		}
		defer g.allocator.Unbind()
	}
	addr := one.call("malloc", 64)
	if n := two.heap.Stats().Allocs; n != 0 {
		t.Errorf("the other heap has %d allocations", n)
	}
	two.traps(linmem.ErrNotAllocated, []string{"env.free"}, "free", addr)
	if same := two.call("malloc", 64); same != addr {
		t.Errorf("the other heap begins at %#x, want %#x", same, addr)
	}
	one.call("free", addr)

	one.allocator.Unbind()
	one.allocator.Unbind()
	one.traps(linmem.ErrInvalid, []string{"env.malloc", "Bind"}, "malloc", 1)
	two.call("free", addr)
	if err := one.allocator.Bind(linmem.NewShared(one.heap)); err != nil {
		t.Errorf("Bind after Unbind: %v", err)
	}
	one.call("free", one.call("malloc", 64))
}

// initializes is a guest that allocates when it is initialized.
const initializes = `(module
	(import "env" "malloc" (func (param i32) (result i32)))
	(memory (export "memory") 2 9)
	(global (export "__heap_base") i32 (i32.const 1024))
	(global (export "first") (mut i32) (i32.const 0))
	(func (export "_initialize") (global.set 1 (call 0 (i32.const 64)))))`

// TestAllocatorOpen binds the heap that guest.Open makes, in time for what the guest allocates when it is initialized.
func TestAllocatorOpen(t *testing.T) {
	wasm, err := wasmer.Wat2Wasm(initializes)
	if err != nil {
		t.Fatal(err)
	}
	a, err := wasmermem.NewAllocator(store)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Unbind()
	object := wasmer.NewImportObject()
	if err := a.Register(object); err != nil {
		t.Fatal(err)
	}
	module, err := wasmer.NewModule(store, wasm)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := wasmer.NewInstance(module, object)
	if err != nil {
		t.Fatal(err)
	}
	inst, err := wasmermem.NewUninitialized(instance, "")
	if err != nil {
		t.Fatal(err)
	}
	report, err := guest.Inspect(wasm)
	if err != nil {
		t.Fatal(err)
	}
	bind := guest.WithBind(func(h *linmem.Heap) error { return a.Bind(h) })
	g, err := guest.Open(t.Context(), inst, report, bind)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := inst.Global("first")
	if usable, err := g.Heap.SizeOf(first); err != nil || usable != 64 {
		t.Errorf("the guest's first block is at %#x, of %d bytes, %v", first, usable, err)
	}
}

func TestAllocatorNames(t *testing.T) {
	own := guest.Imports{Module: "host", Malloc: "new", Free: "delete"}
	for _, tt := range []struct {
		what                 string
		imports              []guest.Imports
		module, malloc, free string
		none                 error // why a malloc of too much is a trap
	}{
		{"by default, C", nil, "env", "malloc", "free", nil},
		{"by default, Substrate", nil, "env", "ext_allocator_malloc_version_1", "ext_allocator_free_version_1", linmem.ErrOutOfMemory},
		{
			"Substrate",
			[]guest.Imports{guest.SubstrateImports()},
			"env", "ext_allocator_malloc_version_1", "ext_allocator_free_version_1", linmem.ErrOutOfMemory,
		},
		{"names of one's own", []guest.Imports{own}, "host", "new", "delete", nil},
		{"two modules", []guest.Imports{guest.CImports(), own}, "host", "new", "delete", nil},
	} {
		t.Run(tt.what, func(t *testing.T) {
			g := newBound(t, importsTwo(tt.module, tt.malloc, tt.free), tt.imports...)
			addr := g.call("malloc", 64)
			g.call("free", addr)
			g.traps(linmem.ErrNotAllocated, []string{tt.module + "." + tt.free, fmt.Sprintf("%#x", addr)}, "free", addr)
			if tt.none != nil {
				g.traps(tt.none, []string{tt.module + "." + tt.malloc}, "malloc", 1<<20)
			} else if got := g.call("malloc", 1<<20); got != 0 {
				t.Errorf("malloc of too much is %#x", got)
			}
		})
	}
}

// TestAllocatorRegister shares an import object with a function of another's.
func TestAllocatorRegister(t *testing.T) {
	object := wasmer.NewImportObject()
	nothing := wasmer.NewFunctionType(wasmer.NewValueTypes(), wasmer.NewValueTypes())
	other := wasmer.NewFunction(store, nothing, func([]wasmer.Value) ([]wasmer.Value, error) { return nil, nil })
	object.Register("env", map[string]wasmer.IntoExtern{"other": other})
	a, err := wasmermem.NewAllocator(store, guest.CImports())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Register(object); err != nil {
		t.Fatal(err)
	}
	module, err := wasmer.NewModule(store, []byte(`(module
		(import "env" "other" (func))
		(import "env" "free" (func (param i32)))
		(memory (export "memory") 1))`))
	if err != nil {
		t.Fatal(err)
	}
	instance, err := wasmer.NewInstance(module, object)
	if err != nil {
		t.Fatal(err)
	}
	instance.Close()
}

func TestNewAllocatorRefuses(t *testing.T) {
	if _, err := wasmermem.NewAllocator(nil); !errors.Is(err, linmem.ErrInvalid) {
		t.Errorf("no store: %v, want ErrInvalid", err)
	}
	if _, err := wasmermem.NewAllocator(store, guest.Imports{Module: "env"}); !errors.Is(err, linmem.ErrInvalid) {
		t.Errorf("no names: %v, want ErrInvalid", err)
	}
}

func TestAllocatorBindRefuses(t *testing.T) {
	g := newBound(t, importsC)
	for what, bind := range map[string]func() error{
		"no heap":   func() error { return g.allocator.Bind(nil) },
		"two heaps": func() error { return g.allocator.Bind(g.heap) },
	} {
		if err := bind(); !errors.Is(err, linmem.ErrInvalid) {
			t.Errorf("Bind of %s: %v, want ErrInvalid", what, err)
		}
	}
}

// TestAllocatorTrapsOften holds that a trap is freed once: an error that a host function returns to wasmer-go is freed again
// at the next collection, which ends the process.
func TestAllocatorTrapsOften(t *testing.T) {
	g := newBound(t, importsC)
	for range 1000 {
		g.traps(linmem.ErrNotAllocated, []string{"env.free"}, "free", 8)
	}
	runtime.GC()
	runtime.GC()
	g.call("free", g.call("malloc", 64))
}

// TestAllocatorKeepsTheGate holds that an instance needs nobody to keep its Allocator.
func TestAllocatorKeepsTheGate(t *testing.T) {
	g := newAllocating(t, importsC)
	g.allocator = nil
	for range 5 {
		runtime.GC()
		if _, err := g.inst.Call(t.Context(), "call_malloc", 64); err == nil {
			t.Fatal("there is a heap")
		}
	}
}

// TestAllocatorLifetime holds that an instance is kept while it is bound, and collected once it is not.
func TestAllocatorLifetime(t *testing.T) {
	collected := make(chan bool, 1)
	var unbind func()
	func() {
		g := newBound(t, importsC)
		unbind = g.allocator.Unbind
		runtime.AddCleanup(g.instance, func(b bool) { collected <- b }, true)
	}()
	for range 5 {
		runtime.GC()
	}
	select {
	case <-collected:
		t.Fatal("the instance is collected while it is bound")
	default:
	}
	unbind()
	for range 100 {
		runtime.GC()
		select {
		case <-collected:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Error("the instance is kept after Unbind")
}

func TestAllocatorMakesNoGoAllocation(t *testing.T) {
	g := newBound(t, importsC)
	few := testing.AllocsPerRun(10, func() { g.pairs(300) })
	if many := testing.AllocsPerRun(10, func() { g.pairs(3000) }); many > few {
		t.Errorf("3,000 pairs make %v Go allocations, and 300 make %v", many, few)
	}
}

func (g *allocating) pairs(n int) {
	g.t.Helper()
	if _, err := g.inst.Call(g.t.Context(), "pairs", uint64(n)); err != nil {
		g.t.Fatal(err)
	}
}

// BenchmarkAllocator is a malloc and free of 64 bytes by the guest, in a loop of its own.
func BenchmarkAllocator(b *testing.B) {
	g := newBound(b, importsC)
	b.ReportAllocs()
	b.ResetTimer()
	g.pairs(b.N)
}

func BenchmarkAllocatorClone(b *testing.B) {
	a, err := wasmermem.NewAllocator(store)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Clone(); err != nil {
			b.Fatal(err)
		}
	}
}
