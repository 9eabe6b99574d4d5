package wazeromem_test

import (
	"context"
	"errors"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// instantiate returns an instance of the module on a runtime that ends with the test.
func instantiate(t testing.TB, wasm []byte) api.Module {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	t.Cleanup(func() { _ = r.Close(ctx) })
	mod, err := r.Instantiate(ctx, wasm)
	if err != nil {
		t.Fatal(err)
	}
	return mod
}

// empty is a module without anything.
var empty = []byte("\x00asm\x01\x00\x00\x00")

func TestNewFindsTheMemory(t *testing.T) {
	mod := instantiate(t, linmemtest.Module(1, 2))
	for _, name := range []string{"", "memory"} {
		m, err := wazeromem.New(mod, name)
		if err != nil {
			t.Fatalf("New(%q): %v", name, err)
		}
		if got := m.NumPages(); got != 1 {
			t.Errorf("New(%q).NumPages() = %d, want 1", name, got)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	closed := instantiate(t, linmemtest.Module(1, 2))
	if err := closed.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		what string
		mod  api.Module
		name string
		want error
	}{
		{"no module", nil, "", linmem.ErrInvalid},
		{"a module without a memory", instantiate(t, empty), "", linmem.ErrInvalid},
		{"a module without a memory, by name", instantiate(t, empty), "memory", linmem.ErrInvalid},
		{"another name", instantiate(t, linmemtest.Module(1, 2)), "heap", linmem.ErrInvalid},
		{"the name of a function", instantiate(t, linmemtest.Module(1, 2)), "grow", linmem.ErrInvalid},
		{"a closed module", closed, "", linmem.ErrClosed},
	} {
		if _, err := wazeromem.New(tt.mod, tt.name); !errors.Is(err, tt.want) {
			t.Errorf("New of %s: %v, want %v", tt.what, err, tt.want)
		}
		if _, err := wazeromem.NewInstance(tt.mod, tt.name); !errors.Is(err, tt.want) {
			t.Errorf("NewInstance of %s: %v, want %v", tt.what, err, tt.want)
		}
	}
}

// TestCallFromTheHost holds that a host function may call the guest function that is running: wazero keeps a stack in
// each function object, and would overwrite it.
func TestCallFromTheHost(t *testing.T) {
	// (module
	//   (import "host" "again" (func $again (param i32) (result i32)))
	//   (memory 1)
	//   (func (export "sum") (param $n i32) (result i32)
	//     (if (result i32) (local.get $n)
	//       (then (i32.add (local.get $n) (call $again (i32.sub (local.get $n) (i32.const 1)))))
	//       (else (i32.const 0)))))
	wasm := []byte("\x00asm\x01\x00\x00\x00" +
		"\x01\x06\x01\x60\x01\x7f\x01\x7f" +
		"\x02\x0e\x01\x04host\x05again\x00\x00" +
		"\x03\x02\x01\x00" +
		"\x05\x03\x01\x00\x01" +
		"\x07\x07\x01\x03sum\x00\x01" +
		"\x0a\x16\x01\x14\x00\x20\x00\x04\x7f\x20\x00\x20\x00\x41\x01\x6b\x10\x00\x6a\x05\x41\x00\x0b\x0b")
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	defer func() { _ = r.Close(ctx) }()
	var inst *wazeromem.Instance
	again := func(ctx context.Context, n uint32) uint32 {
		results, err := inst.Call(ctx, "sum", uint64(n))
		if err != nil {
			t.Error(err)
			return 0
		}
		return uint32(results[0])
	}
	if _, err := r.NewHostModuleBuilder("host").NewFunctionBuilder().WithFunc(again).Export("again").Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	mod, err := r.Instantiate(ctx, wasm)
	if err != nil {
		t.Fatal(err)
	}
	if inst, err = wazeromem.NewInstance(mod, ""); err != nil {
		t.Fatal(err)
	}
	results, err := inst.Call(ctx, "sum", 10)
	if err != nil || len(results) != 1 || results[0] != 55 {
		t.Errorf("sum(10) = %d, %v, want 55", results, err)
	}
}

// countingAllocator is wazero's hook for the memory of guests, and counts what is freed.
type countingAllocator struct{ freed int }

func (a *countingAllocator) Allocate(_, max uint64) experimental.LinearMemory {
	return &countedMemory{a, make([]byte, max)}
}

type countedMemory struct {
	allocator *countingAllocator
	data      []byte
}

func (m *countedMemory) Reallocate(size uint64) []byte { return m.data[:size] }
func (m *countedMemory) Free()                         { m.allocator.freed++ }

// TestImporterFreesTheMemory holds what the package doc says of a module that imports its memory: that wazero frees it
// when the importer is closed, though the owner is not.
func TestImporterFreesTheMemory(t *testing.T) {
	var allocator countingAllocator
	ctx := experimental.WithMemoryAllocator(context.Background(), &allocator)
	r := wazero.NewRuntime(ctx)
	defer func() { _ = r.Close(ctx) }()
	owner, err := r.InstantiateWithConfig(ctx, linmemtest.Module(1, 2), wazero.NewModuleConfig().WithName("owner"))
	if err != nil {
		t.Fatal(err)
	}
	// (module (import "owner" "memory" (memory 1)))
	importer, err := r.Instantiate(ctx, []byte("\x00asm\x01\x00\x00\x00"+"\x02\x11\x01\x05owner\x06memory\x02\x00\x01"))
	if err != nil {
		t.Fatal(err)
	}
	if err := importer.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if allocator.freed != 1 || owner.IsClosed() {
		t.Errorf("freed %d times, owner closed: %t; if wazero has mended this, so can the package doc",
			allocator.freed, owner.IsClosed())
	}
}

// TestPanicOfTheHost holds what the package doc says of it.
func TestPanicOfTheHost(t *testing.T) {
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	defer func() { _ = r.Close(ctx) }()
	panics := func(context.Context) { panic("no") }
	if _, err := r.NewHostModuleBuilder("host").NewFunctionBuilder().WithFunc(panics).Export("f").Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	// (module (import "host" "f" (func)) (memory 1) (export "f" (func 0)))
	mod, err := r.Instantiate(ctx, []byte("\x00asm\x01\x00\x00\x00"+"\x01\x04\x01\x60\x00\x00"+
		"\x02\x0a\x01\x04host\x01f\x00\x00"+"\x05\x03\x01\x00\x01"+"\x07\x05\x01\x01f\x00\x00"))
	if err != nil {
		t.Fatal(err)
	}
	inst, err := wazeromem.NewInstance(mod, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inst.Call(ctx, "f"); err == nil {
		t.Error("a panic of the host is no error")
	}
}

func TestNoGoAllocations(t *testing.T) {
	m, err := wazeromem.New(instantiate(t, linmemtest.Module(2, 4)), "")
	if err != nil {
		t.Fatal(err)
	}
	for what, f := range map[string]func(){
		"View":         func() { _, _ = m.View(linmem.PageSize, 64) },
		"NumPages":     func() { m.NumPages() },
		"refused Grow": func() { _, _ = m.Grow(9) },
	} {
		if got := testing.AllocsPerRun(100, f); got != 0 {
			t.Errorf("%s makes %v Go allocations", what, got)
		}
	}
}
