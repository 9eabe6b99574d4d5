package wazeromem_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/tetratelabs/wazero"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

func TestAllocator(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			linmemtest.RunAllocator(t, func(wasm []byte, imports ...guest.Imports) (linmemtest.Served, error) {
				return openServed(engine, wasm, imports)
			})
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
	g.pairs(1)
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
			g := newAllocating(t, r, []byte(string(empty)+"\x01\x06\x01\x60\x01\x7f\x01\x7f"+"\x02\x0e\x01\x03env\x06malloc\x00\x00"+
				"\x05\x04\x01\x01\x01\x09"+"\x07\x18\x02\x0bcall_malloc\x00\x00\x06memory\x02\x00"))
			if err := a.Bind(g.mod, g.heap); err != nil {
				t.Fatal(err)
			}
			if _, err := g.inst.Call(t.Context(), "call_malloc", 1); !errors.Is(err, linmem.ErrInvalid) || !strings.Contains(err.Error(), "Bind") {
				t.Errorf("malloc: %v, want that no heap is bound", err)
			}
		})
	}
}

func TestNewAllocatorRefuses(t *testing.T) {
	ctx := context.Background()
	r := newRuntime(t, wazero.NewRuntimeConfig())
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
	g := newAllocating(t, newRuntime(t, wazero.NewRuntimeConfig()), linmemtest.Module(1, 2))
	var a wazeromem.Allocator
	if err := a.Bind(nil, g.heap); !errors.Is(err, linmem.ErrInvalid) {
		t.Errorf("Bind of no module: %v, want ErrInvalid", err)
	}
	if err := g.mod.Close(t.Context()); err != nil {
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
				g.pairs(100)
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
	needsCompiler(t)
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
			g.pairs(b.N)
		})
	}
}
