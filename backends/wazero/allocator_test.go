package wazeromem_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/tetratelabs/wazero"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

func TestAllocator(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			g := newBound(t, engine)
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
			g.traps(linmem.ErrNotAllocated, []string{"env.free", fmt.Sprintf("%#x", moved), "live"}, "free", moved)
			g.traps(linmem.ErrNotAllocated, []string{"env.realloc", "0xdeadbeef", "live"}, "realloc", 0xdeadbeef, 1)
			if g.call("malloc", 1) == 0 {
				t.Error("after a trap there is no memory")
			}
		})
	}
}

// TestAllocatorHeaps holds that instances of one module, none of which has a name, get what is theirs.
func TestAllocatorHeaps(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			r := newRuntime(t, engine)
			a, err := wazeromem.NewAllocator(context.Background(), r)
			if err != nil {
				t.Fatal(err)
			}
			one, two := newAllocating(t, r, importsC), newAllocating(t, r, importsC)
			for _, g := range []*allocating{one, two} {
				g.traps(linmem.ErrInvalid, []string{"env.malloc", "Bind"}, "malloc", 1)
				if err := a.Bind(g.mod, g.heap); err != nil {
					t.Fatal(err)
				}
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

			a.Unbind(one.mod)
			a.Unbind(one.mod)
			one.traps(linmem.ErrInvalid, []string{"env.malloc", "Bind"}, "malloc", 1)
			two.call("free", addr)
			if err := a.Bind(one.mod, linmem.NewShared(one.heap)); err != nil {
				t.Errorf("Bind after Unbind: %v", err)
			}
			one.call("free", one.call("malloc", 64))
		})
	}
}

// initializes is a guest that allocates when it is initialized:
//
//	(module
//	  (import "env" "malloc" (func (param i32) (result i32)))
//	  (memory (export "memory") 2 9)
//	  (global (export "__heap_base") i32 (i32.const 1024))
//	  (global (export "first") (mut i32) (i32.const 0))
//	  (func (export "_initialize") (global.set 1 (call 0 (i32.const 64)))))
const initializes = "\x00asm\x01\x00\x00\x00" +
	"\x01\x09\x02\x60\x01\x7f\x01\x7f\x60\x00\x00" +
	"\x02\x0e\x01\x03env\x06malloc\x00\x00" +
	"\x03\x02\x01\x01" +
	"\x05\x04\x01\x01\x02\x09" +
	"\x06\x0c\x02\x7f\x00\x41\x80\x08\x0b\x7f\x01\x41\x00\x0b" +
	"\x07\x2e\x04\x06memory\x02\x00\x0b__heap_base\x03\x00\x05first\x03\x01\x0b_initialize\x00\x01" +
	"\x0a\x0b\x01\x09\x00\x41\xc0\x00\x10\x00\x24\x01\x0b"

// TestAllocatorOpen binds the heap that guest.Open makes, in time for what the guest allocates when it is initialized.
func TestAllocatorOpen(t *testing.T) {
	r := newRuntime(t, wazero.NewRuntimeConfig())
	a, err := wazeromem.NewAllocator(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	wasm := []byte(initializes)
	mod, err := r.InstantiateWithConfig(t.Context(), wasm, wazero.NewModuleConfig().WithStartFunctions())
	if err != nil {
		t.Fatal(err)
	}
	inst, err := wazeromem.NewUninitialized(mod, "")
	if err != nil {
		t.Fatal(err)
	}
	report, err := guest.Inspect(wasm)
	if err != nil {
		t.Fatal(err)
	}
	bind := guest.WithBind(func(h *linmem.Heap) error { return a.Bind(mod, h) })
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
	ctx := context.Background()
	own := guest.Imports{Module: "host", Malloc: "new", Free: "delete"}
	for _, tt := range []struct {
		what                 string
		imports              []guest.Imports
		module, malloc, free string
		none                 error // of a malloc of too much
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
			r := newRuntime(t, wazero.NewRuntimeConfig())
			a, err := wazeromem.NewAllocator(ctx, r, tt.imports...)
			if err != nil {
				t.Fatal(err)
			}
			g := newAllocating(t, r, importsTwo(tt.module, tt.malloc, tt.free))
			if err := a.Bind(g.mod, g.heap); err != nil {
				t.Fatal(err)
			}
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

// TestAllocatorExport shares a host module with a function of another's.
func TestAllocatorExport(t *testing.T) {
	ctx := context.Background()
	r := newRuntime(t, wazero.NewRuntimeConfig())
	var a wazeromem.Allocator
	b := r.NewHostModuleBuilder("env").NewFunctionBuilder().WithFunc(func() {}).Export("other")
	if err := a.Export(b, guest.CImports()); err != nil {
		t.Fatal(err)
	}
	env, err := b.Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := env.ExportedFunctionDefinitions()["other"]; !ok {
		t.Error("the module has lost what it had")
	}
	g := newAllocating(t, r, importsC)
	if err := a.Bind(g.mod, g.heap); err != nil {
		t.Fatal(err)
	}
	g.call("free", g.call("malloc", 64))
	for what, imports := range map[string][]guest.Imports{
		"no names":    {{Module: "env"}},
		"two modules": {{Module: "a", Malloc: "malloc"}, {Module: "b", Free: "free"}},
	} {
		if err := a.Export(r.NewHostModuleBuilder("env2"), imports...); !errors.Is(err, linmem.ErrInvalid) {
			t.Errorf("Export of %s: %v, want ErrInvalid", what, err)
		}
	}
}

// TestAllocatorExportedAgain holds what the package doc says of it.
func TestAllocatorExportedAgain(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			r := newRuntime(t, engine)
			a, err := wazeromem.NewAllocator(context.Background(), r)
			if err != nil {
				t.Fatal(err)
			}
			// (module (import "env" "malloc" (func (param i32) (result i32))) (memory 1 9)
			//   (export "call_malloc" (func 0)) (export "memory" (memory 0)))
			g := newAllocating(t, r, string(empty)+"\x01\x06\x01\x60\x01\x7f\x01\x7f"+"\x02\x0e\x01\x03env\x06malloc\x00\x00"+
				"\x05\x04\x01\x01\x01\x09"+"\x07\x18\x02\x0bcall_malloc\x00\x00\x06memory\x02\x00")
			if err := a.Bind(g.mod, g.heap); err != nil {
				t.Fatal(err)
			}
			g.traps(linmem.ErrInvalid, []string{"Bind"}, "malloc", 1)
		})
	}
}

func TestNewAllocatorRefuses(t *testing.T) {
	ctx := context.Background()
	r := newRuntime(t, wazero.NewRuntimeConfig())
	if _, err := wazeromem.NewAllocator(ctx, r, guest.Imports{Module: "env"}); !errors.Is(err, linmem.ErrInvalid) {
		t.Errorf("no names: %v, want ErrInvalid", err)
	}
	if _, err := r.NewHostModuleBuilder("env").Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	imports := []guest.Imports{{Module: "host", Malloc: "new"}, guest.CImports()}
	if _, err := wazeromem.NewAllocator(ctx, r, imports...); err == nil || !strings.Contains(err.Error(), `"env"`) {
		t.Errorf("a module that the runtime has already: %v", err)
	}
	if r.Module("host") != nil {
		t.Error("what fails leaves a host module behind")
	}
}

func TestAllocatorBindRefuses(t *testing.T) {
	ctx := context.Background()
	g := newAllocating(t, newRuntime(t, wazero.NewRuntimeConfig()), string(empty)+"\x05\x03\x01\x00\x01\x07\x0a\x01\x06memory\x02\x00")
	var a wazeromem.Allocator
	if err := a.Bind(g.mod, g.heap); err != nil {
		t.Fatal(err)
	}
	for what, bind := range map[string]func() error{
		"no module":   func() error { return a.Bind(nil, g.heap) },
		"no heap":     func() error { return a.Bind(g.mod, nil) },
		"a bound one": func() error { return a.Bind(g.mod, g.heap) },
	} {
		if err := bind(); !errors.Is(err, linmem.ErrInvalid) {
			t.Errorf("Bind of %s: %v, want ErrInvalid", what, err)
		}
	}
	a.Unbind(g.mod)
	if err := g.mod.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if err := a.Bind(g.mod, g.heap); !errors.Is(err, linmem.ErrClosed) {
		t.Errorf("Bind of a closed module: %v, want ErrClosed", err)
	}
}

// TestAllocatorGoroutines has guests come, allocate and go on several goroutines.
func TestAllocatorGoroutines(t *testing.T) {
	r := newRuntime(t, wazero.NewRuntimeConfig())
	a, err := wazeromem.NewAllocator(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 4 {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			for range 20 {
				g := newAllocating(t, r, importsC)
				if err := a.Bind(g.mod, g.heap); err != nil {
					t.Error(err)
				}
				if _, err := g.inst.Call(context.Background(), "pairs", 100); err != nil {
					t.Error(err)
				}
				if n := g.heap.Stats().Allocs; n != 0 {
					t.Errorf("%d allocations are left", n)
				}
				a.Unbind(g.mod)
				_ = g.mod.Close(context.Background())
			}
		})
	}
}

func TestAllocatorMakesNoGoAllocation(t *testing.T) {
	g := newBound(t, wazero.NewRuntimeConfig())
	pairs := g.mod.ExportedFunction("pairs")
	stack := make([]uint64, 1)
	if got := testing.AllocsPerRun(10, func() {
		stack[0] = 100
		if err := pairs.CallWithStack(context.Background(), stack); err != nil {
			t.Fatal(err)
		}
	}); got != 0 {
		t.Errorf("100 pairs make %v Go allocations", got)
	}
}

// BenchmarkAllocator is a malloc and free of 64 bytes by the guest, in a loop of its own.
func BenchmarkAllocator(b *testing.B) {
	for name, engine := range engines {
		b.Run(name, func(b *testing.B) {
			g := newBound(b, engine)
			b.ReportAllocs()
			b.ResetTimer()
			if _, err := g.inst.Call(context.Background(), "pairs", uint64(b.N)); err != nil {
				b.Fatal(err)
			}
		})
	}
}
