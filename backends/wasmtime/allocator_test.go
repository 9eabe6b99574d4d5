//go:build cgo

package wasmtimemem_test

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v44"
	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"

	wasmtimemem "github.com/linmem/linmem/backends/wasmtime"
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
	g.traps([]string{"env.free", fmt.Sprintf("%#x", moved), "not a live allocation"}, "free", moved)
	g.traps([]string{"env.realloc", "0xdeadbeef", "not a live allocation"}, "realloc", 0xdeadbeef, 1)
	if g.call("malloc", 1) == 0 {
		t.Error("after a trap there is no memory")
	}
}

// TestAllocator64 is a guest with a memory of 64 bits, and addresses past 4 GiB.
func TestAllocator64(t *testing.T) {
	imports := guest.CImports()
	imports.Is64 = true
	g := newBound(t, `(module
		(import "env" "malloc" (func $malloc (param i64) (result i64)))
		(import "env" "free" (func $free (param i64)))
		(import "env" "calloc" (func $calloc (param i64 i64) (result i64)))
		(import "env" "realloc" (func $realloc (param i64 i64) (result i64)))
		(memory (export "memory") i64 65537)
		(func (export "call_malloc") (param i64) (result i64) (call $malloc (local.get 0)))
		(func (export "call_free") (param i64) (call $free (local.get 0)))
		(func (export "call_calloc") (param i64 i64) (result i64) (call $calloc (local.get 0) (local.get 1)))
		(func (export "call_realloc") (param i64 i64) (result i64) (call $realloc (local.get 0) (local.get 1))))`, imports)
	addr := g.call("calloc", 10, 10)
	if addr < 1<<32 {
		t.Errorf("calloc is at %#x, want it past 4 GiB", addr)
	}
	addr = g.call("realloc", addr, 100000)
	g.call("free", addr)
	g.traps([]string{"env.free", fmt.Sprintf("%#x", addr), "not a live allocation"}, "free", addr)
	for what, got := range map[string]uint64{
		"malloc of the largest size": g.call("malloc", 1<<64-1),
		"calloc that overflows":      g.call("calloc", 1<<32, 1<<32),
	} {
		if got != 0 {
			t.Errorf("%s is %#x, want 0", what, got)
		}
	}
}

// TestAllocatorPast4GiB holds that imports of 32 bits get no address from such a heap.
func TestAllocatorPast4GiB(t *testing.T) {
	g := newBound(t, strings.Replace(importsC, `"memory") 1 9`, `"memory") i64 65537`, 1))
	if got := g.call("malloc", 100); got != 0 {
		t.Errorf("malloc is %#x, want 0", got)
	}
	if n := g.heap.Stats().Allocs; n != 0 {
		t.Errorf("%d allocations are left", n)
	}
}

// TestAllocatorHeaps holds that guests of one linker get what is theirs.
func TestAllocatorHeaps(t *testing.T) {
	linker, a := newLinked(t)
	module := compile(t, importsC)
	one, two := newAllocating(t, linker, module), newAllocating(t, linker, module)
	for _, g := range []*allocating{one, two} {
		g.traps([]string{"env.malloc", "Bind"}, "malloc", 1)
		if err := a.Bind(g.store, g.heap); err != nil {
			t.Fatal(err)
		}
	}
	addr := one.call("malloc", 64)
	if n := two.heap.Stats().Allocs; n != 0 {
		t.Errorf("the other heap has %d allocations", n)
	}
	two.traps([]string{"env.free", "not a live allocation"}, "free", addr)
	if same := two.call("malloc", 64); same != addr {
		t.Errorf("the other heap begins at %#x, want %#x", same, addr)
	}
	one.call("free", addr)

	a.Unbind(one.store)
	a.Unbind(one.store)
	one.traps([]string{"env.malloc", "Bind"}, "malloc", 1)
	two.call("free", addr)
	if err := a.Bind(one.store, linmem.NewShared(one.heap)); err != nil {
		t.Errorf("Bind after Unbind: %v", err)
	}
	one.call("free", one.call("malloc", 64))
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
		g.traps([]string{"env.malloc", "Bind"}, "malloc", 1)
		if err := a.Bind(g.store, g.heap); err != nil {
			t.Fatal(err)
		}
		g.call("free", g.call("malloc", 64))
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
			g.call("free", g.call("malloc", 64))
			return
		}
		before[address] = g.store
		g.store.Close()
	}
	t.Errorf("no two of %d stores had the same address: the test must find another way to get one", len(before))
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
	linker, a := newLinked(t)
	wasm, err := wasmtime.Wat2Wasm(initializes)
	if err != nil {
		t.Fatal(err)
	}
	store := wasmtime.NewStore(engine)
	defer store.Close()
	instance, err := linker.Instantiate(store, compile(t, initializes))
	if err != nil {
		t.Fatal(err)
	}
	inst, err := wasmtimemem.NewUninitialized(store, instance, "")
	if err != nil {
		t.Fatal(err)
	}
	report, err := guest.Inspect(wasm)
	if err != nil {
		t.Fatal(err)
	}
	bind := guest.WithBind(func(h *linmem.Heap) error { return a.Bind(store, h) })
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
		noneTraps            bool // a malloc of too much is a trap
	}{
		{"by default, C", nil, "env", "malloc", "free", false},
		{"by default, Substrate", nil, "env", "ext_allocator_malloc_version_1", "ext_allocator_free_version_1", true},
		{
			"Substrate",
			[]guest.Imports{guest.SubstrateImports()},
			"env", "ext_allocator_malloc_version_1", "ext_allocator_free_version_1", true,
		},
		{"names of one's own", []guest.Imports{own}, "host", "new", "delete", false},
		{"two modules", []guest.Imports{guest.CImports(), own}, "host", "new", "delete", false},
	} {
		t.Run(tt.what, func(t *testing.T) {
			g := newBound(t, importsTwo(tt.module, tt.malloc, tt.free), tt.imports...)
			addr := g.call("malloc", 64)
			g.call("free", addr)
			g.traps([]string{tt.module + "." + tt.free, fmt.Sprintf("%#x", addr)}, "free", addr)
			if tt.noneTraps {
				g.traps([]string{tt.module + "." + tt.malloc, "out of memory"}, "malloc", 1<<20)
			} else if got := g.call("malloc", 1<<20); got != 0 {
				t.Errorf("malloc of too much is %#x", got)
			}
		})
	}
}

func TestNewAllocatorRefuses(t *testing.T) {
	if _, err := wasmtimemem.NewAllocator(nil); !errors.Is(err, linmem.ErrInvalid) {
		t.Errorf("no linker: %v, want ErrInvalid", err)
	}
	linker := wasmtime.NewLinker(engine)
	if _, err := wasmtimemem.NewAllocator(linker, guest.Imports{Module: "env"}); !errors.Is(err, linmem.ErrInvalid) {
		t.Errorf("no names: %v, want ErrInvalid", err)
	}
	if err := linker.FuncWrap("env", "free", func(int32) {}); err != nil {
		t.Fatal(err)
	}
	if _, err := wasmtimemem.NewAllocator(linker); err == nil || !strings.Contains(err.Error(), "env::free") {
		t.Errorf("a function that the linker has already: %v", err)
	}
}

func TestAllocatorBindRefuses(t *testing.T) {
	linker, a := newLinked(t)
	g := newAllocating(t, linker, compile(t, oneMemory))
	if err := a.Bind(g.store, g.heap); err != nil {
		t.Fatal(err)
	}
	for what, bind := range map[string]func() error{
		"no store":    func() error { return a.Bind(nil, g.heap) },
		"no heap":     func() error { return a.Bind(g.store, nil) },
		"a bound one": func() error { return a.Bind(g.store, g.heap) },
	} {
		if err := bind(); !errors.Is(err, linmem.ErrInvalid) {
			t.Errorf("Bind of %s: %v, want ErrInvalid", what, err)
		}
	}
	g.store.Close()
	a.Unbind(g.store)
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
				if _, err := g.inst.Call(t.Context(), "pairs", 100); err != nil {
					t.Error(err)
				}
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
	g := newBound(b, importsC)
	b.ReportAllocs()
	b.ResetTimer()
	if _, err := g.inst.Call(b.Context(), "pairs", uint64(b.N)); err != nil {
		b.Fatal(err)
	}
}
