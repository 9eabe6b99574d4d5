//go:build cgo && (linux || darwin)

package wasmermem_test

import (
	"errors"
	"runtime"
	"testing"
	"time"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/wasmerio/wasmer-go/wasmer"

	wasmermem "github.com/linmem/linmem/backends/wasmer"
)

func TestAllocator(t *testing.T) { linmemtest.RunAllocator(t, openServed) }

// TestAllocatorErr holds that each Allocator has the last error of its own, which is that of the call, beside wasmer's trap.
func TestAllocatorErr(t *testing.T) {
	g := newBound(t)
	clone, err := g.allocator.Clone()
	if err != nil {
		t.Fatal(err)
	}
	if err := g.allocator.Err(); err != nil {
		t.Errorf("before any trap: %v", err)
	}
	_, err = g.inst.Call(t.Context(), "call_free", 8)
	var trap *wasmer.TrapError
	if last := g.allocator.Err(); !errors.Is(last, linmem.ErrNotAllocated) || !errors.Is(err, last) || !errors.As(err, &trap) {
		t.Errorf("free: %v, want a trap and Err, %v", err, last)
	}
	if err := clone.Err(); err != nil {
		t.Errorf("of the clone: %v", err)
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
}

// TestAllocatorTrapsOften holds that a trap is freed once: an error that a host function returns to wasmer-go is freed again
// at the next collection, which ends the process.
func TestAllocatorTrapsOften(t *testing.T) {
	g := newBound(t)
	for range 1000 {
		if _, err := g.inst.Call(t.Context(), "call_free", 8); !errors.Is(err, linmem.ErrNotAllocated) {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.GC()
	g.pairs(1)
}

// TestAllocatorKeepsTheGate holds that an instance needs nobody to keep its Allocator.
func TestAllocatorKeepsTheGate(t *testing.T) {
	g := newAllocating(t)
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
		g := newBound(t)
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
	g := newBound(t)
	few := testing.AllocsPerRun(10, func() { g.pairs(300) })
	if many := testing.AllocsPerRun(10, func() { g.pairs(3000) }); many > few {
		t.Errorf("3,000 pairs make %v Go allocations, and 300 make %v", many, few)
	}
}

// BenchmarkAllocator is a malloc and free of 64 bytes by the guest, in a loop of its own.
func BenchmarkAllocator(b *testing.B) {
	g := newBound(b)
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
