//go:build cgo && (linux || darwin)

package wasmermem_test

import (
	"errors"
	"runtime"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/wasmerio/wasmer-go/wasmer"

	wasmermem "github.com/linmem/linmem/backends/wasmer"
)

const (
	oneMemory = `(module (memory (export "memory") 1 2) (func (export "f")))`
	noMemory  = `(module (memory 1) (func (export "f")))`
	memories  = `(module (memory (export "a") 1) (memory (export "b") 2))`
)

func TestNewFindsTheMemory(t *testing.T) {
	for _, name := range []string{"", "memory"} {
		inst, err := instantiate([]byte(oneMemory))
		if err != nil {
			t.Fatal(err)
		}
		m, err := wasmermem.New(inst, name)
		if err != nil {
			t.Fatalf("New(%q): %v", name, err)
		}
		if got := m.NumPages(); got != 1 {
			t.Errorf("New(%q).NumPages() = %d, want 1", name, got)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, tt := range []struct{ wat, name string }{
		{oneMemory, "heap"},
		{oneMemory, "f"},
		{noMemory, ""},
		{noMemory, "memory"},
	} {
		inst, err := instantiate([]byte(tt.wat))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := wasmermem.New(inst, tt.name); !errors.Is(err, linmem.ErrInvalid) {
			t.Errorf("New(%q) of %s: %v, want ErrInvalid", tt.name, tt.wat, err)
		}
	}
	if _, err := wasmermem.New(nil, ""); !errors.Is(err, linmem.ErrInvalid) {
		t.Errorf("New without an instance: %v, want ErrInvalid", err)
	}
	closed, err := instantiate([]byte(oneMemory))
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for _, name := range []string{"", "memory"} {
		if _, err := wasmermem.New(closed, name); !errors.Is(err, linmem.ErrClosed) {
			t.Errorf("New(%q) of a closed instance: %v, want ErrClosed", name, err)
		}
	}
}

// TestRunsWasmer shows that this binary runs wasmer. If wasmtime were linked in, its functions would be called in place of
// wasmer's, and would accept the module.
func TestRunsWasmer(t *testing.T) {
	if _, err := wasmer.NewModule(store, []byte(memories)); err == nil {
		t.Error("a module with two memories is accepted: this is not wasmer, or it has learnt multi-memory")
	}
}

// TestStopsAPageShort holds what the package doc says of wasmer's limit.
func TestStopsAPageShort(t *testing.T) {
	inst, stop, err := open(linmemtest.Module(0, 65536))
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	m := inst.Memory()
	if _, err := m.Grow(65536); !errors.Is(err, linmem.ErrOutOfMemory) {
		t.Errorf("Grow(65536): %v, want ErrOutOfMemory", err)
	}
	if prev, err := m.Grow(65535); prev != 0 || err != nil {
		t.Errorf("Grow(65535) = %d, %v, want 0", prev, err)
	}
}

// TestKeepsTheInstance holds that a Memory keeps its instance from the collector.
func TestKeepsTheInstance(t *testing.T) {
	m := func() *wasmermem.Memory {
		inst, err := instantiate(linmemtest.Module(1, 2))
		if err != nil {
			t.Fatal(err)
		}
		m, err := wasmermem.New(inst, "")
		if err != nil {
			t.Fatal(err)
		}
		return m
	}()
	for range 10 {
		runtime.GC()
		view, err := m.View(0, 8)
		if err != nil {
			t.Fatal(err)
		}
		view[0]++
	}
	if prev, err := m.Grow(1); prev != 1 || err != nil {
		t.Errorf("Grow(1) = %d, %v, want 1", prev, err)
	}
	if view, err := m.View(0, 1); err != nil || view[0] != 10 {
		t.Errorf("the first byte is %d, %v, want 10", view, err)
	}
}

func TestNoGoAllocations(t *testing.T) {
	inst, stop, err := open(linmemtest.Module(2, 4))
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	m := inst.Memory()
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
