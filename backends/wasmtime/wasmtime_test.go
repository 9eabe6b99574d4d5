//go:build cgo

package wasmtimemem_test

import (
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v44"
	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"

	wasmtimemem "github.com/linmem/linmem/backends/wasmtime"
)

func instantiate(t testing.TB, wat string) (*wasmtime.Store, *wasmtime.Instance) {
	t.Helper()
	wasm, err := wasmtime.Wat2Wasm(wat)
	if err != nil {
		t.Fatal(err)
	}
	module, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		t.Fatal(err)
	}
	store := wasmtime.NewStore(engine)
	t.Cleanup(store.Close)
	inst, err := wasmtime.NewInstance(store, module, nil)
	if err != nil {
		t.Fatal(err)
	}
	return store, inst
}

const (
	oneMemory = `(module (memory (export "memory") 1 2) (func (export "f")))`
	noMemory  = `(module (memory 1) (func (export "f")))`
	memories  = `(module (memory (export "a") 1) (memory (export "b") 2))`
	twoNames  = `(module (memory (export "a") (export "b") 1))`
	empties   = `(module (memory (export "a") 0) (memory (export "b") 0))`
)

func TestNewFindsTheMemory(t *testing.T) {
	for _, tt := range []struct {
		wat, name string
		pages     uint64
	}{
		{oneMemory, "", 1},
		{oneMemory, "memory", 1},
		{memories, "a", 1},
		{memories, "b", 2},
		{twoNames, "", 1},
	} {
		store, inst := instantiate(t, tt.wat)
		m, err := wasmtimemem.New(store, inst, tt.name)
		if err != nil {
			t.Errorf("New(%q) of %s: %v", tt.name, tt.wat, err)
			continue
		}
		if got := m.NumPages(); got != tt.pages {
			t.Errorf("New(%q) of %s has %d pages, want %d", tt.name, tt.wat, got, tt.pages)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, tt := range []struct{ wat, name string }{
		{oneMemory, "heap"},
		{oneMemory, "f"},
		{noMemory, ""},
		{noMemory, "memory"},
		{memories, ""},
		{empties, ""},
	} {
		store, inst := instantiate(t, tt.wat)
		if _, err := wasmtimemem.New(store, inst, tt.name); !errors.Is(err, linmem.ErrInvalid) {
			t.Errorf("New(%q) of %s: %v, want ErrInvalid", tt.name, tt.wat, err)
		}
	}
	store, inst := instantiate(t, oneMemory)
	if _, err := wasmtimemem.New(nil, inst, ""); !errors.Is(err, linmem.ErrInvalid) {
		t.Errorf("New without a store: %v, want ErrInvalid", err)
	}
	if _, err := wasmtimemem.New(store, nil, ""); !errors.Is(err, linmem.ErrInvalid) {
		t.Errorf("New without an instance: %v, want ErrInvalid", err)
	}
	store.Close()
	if _, err := wasmtimemem.New(store, inst, ""); !errors.Is(err, linmem.ErrClosed) {
		t.Errorf("New in a closed store: %v, want ErrClosed", err)
	}
}

func TestWrap(t *testing.T) {
	store := wasmtime.NewStore(engine)
	defer store.Close()
	typ, err := wasmtime.NewMemoryType(1, true, 3, false)
	if err != nil {
		t.Fatal(err)
	}
	mem, err := wasmtime.NewMemory(store, typ)
	if err != nil {
		t.Fatal(err)
	}
	m, err := wasmtimemem.Wrap(store, mem)
	if err != nil {
		t.Fatal(err)
	}
	if prev, err := m.Grow(2); prev != 1 || err != nil {
		t.Errorf("Grow(2) = %d, %v, want 1", prev, err)
	}
	if got := mem.Size(store); got != 3 {
		t.Errorf("the memory has %d pages, want 3", got)
	}
	if _, err := wasmtimemem.Wrap(store, nil); !errors.Is(err, linmem.ErrInvalid) {
		t.Errorf("Wrap without a memory: %v, want ErrInvalid", err)
	}
}

// TestLimiter holds that a store's limit is a refusal like any other.
func TestLimiter(t *testing.T) {
	store, inst := instantiate(t, oneMemory)
	store.Limiter(linmem.PageSize, -1, -1, -1, -1)
	m, err := wasmtimemem.New(store, inst, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Grow(1); !errors.Is(err, linmem.ErrOutOfMemory) {
		t.Errorf("Grow(1) past the limit: %v, want ErrOutOfMemory", err)
	}
}

// TestPanicOfTheHost holds that a host function's panic reaches the host as it was thrown.
func TestPanicOfTheHost(t *testing.T) {
	wasm, err := wasmtime.Wat2Wasm(
		`(module (import "host" "f" (func $f)) (memory (export "memory") 1) (func (export "g") (call $f)))`)
	if err != nil {
		t.Fatal(err)
	}
	module, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		t.Fatal(err)
	}
	store := wasmtime.NewStore(engine)
	defer store.Close()
	f := wasmtime.WrapFunc(store, func() { panic("object has been closed already") })
	instance, err := wasmtime.NewInstance(store, module, []wasmtime.AsExtern{f})
	if err != nil {
		t.Fatal(err)
	}
	inst, err := wasmtimemem.NewInstance(store, instance, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if r := recover(); r != "object has been closed already" {
			t.Errorf("recovered %v", r)
		}
	}()
	_, err = inst.Call(t.Context(), "g")
	t.Errorf("Call returned, error %v", err)
}

// TestMemory64 holds a 64-bit memory to the whole suite.
func TestMemory64(t *testing.T) {
	linmemtest.Run(t, linmemtest.Config{New: func(maxPages uint64) (linmem.Memory, func(), error) {
		wasm, err := wasmtime.Wat2Wasm(fmt.Sprintf(`(module
			(memory (export "memory") i64 0 %d)
			(func (export "grow") (param i64) (result i64) (memory.grow (local.get 0)))
			(func (export "load") (param i64) (result i32) (i32.load8_u (local.get 0)))
			(func (export "store") (param i64 i32) (i32.store8 (local.get 0) (local.get 1))))`, maxPages))
		if err != nil {
			return nil, nil, err
		}
		inst, stop, err := open(wasm)
		if err != nil {
			return nil, nil, err
		}
		return linmemtest.NewGuestMemory(inst), stop, nil
	}})
}

// TestPagesPast4GiB allocates where 32 bits do not reach.
func TestPagesPast4GiB(t *testing.T) {
	store, inst := instantiate(t, `(module
		(memory (export "memory") i64 65535)
		(func (export "load") (param i64) (result i32) (i32.load8_u (local.get 0))))`)
	guest, err := wasmtimemem.NewInstance(store, inst, "")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := linmem.NewPages(guest.Memory())
	if err != nil {
		t.Fatal(err)
	}
	r, err := pages.Alloc(3)
	if err != nil {
		t.Fatal(err)
	}
	view, err := guest.Memory().View(r.Addr(), r.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	last := r.Addr() + r.Bytes() - 1
	view[r.Bytes()-1] = 0x7e
	if got, err := guest.Call(t.Context(), "load", last); err != nil || len(got) != 1 || got[0] != 0x7e || last < 1<<32 {
		t.Errorf("the guest reads %#x, %v at %#x, want 0x7e", got, err, last)
	}
}

// TestKeepsTheStore holds that a Memory keeps its store from the collector.
func TestKeepsTheStore(t *testing.T) {
	m := func() *wasmtimemem.Memory {
		module, err := wasmtime.NewModule(engine, linmemtest.Module(1, 2))
		if err != nil {
			t.Fatal(err)
		}
		store := wasmtime.NewStore(engine)
		inst, err := wasmtime.NewInstance(store, module, nil)
		if err != nil {
			t.Fatal(err)
		}
		m, err := wasmtimemem.New(store, inst, "")
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
	if view, err := m.View(0, 1); err != nil || view[0] != 10 {
		t.Errorf("the first byte is %d, %v, want 10", view, err)
	}
}

// A refused growth is not among these: wasmtime-go makes an error object of its own for it.
func TestViewMakesNoGoAllocation(t *testing.T) {
	inst, stop, err := open(linmemtest.Module(2, 4))
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	m := inst.Memory()
	for what, f := range map[string]func(){
		"View":     func() { _, _ = m.View(linmem.PageSize, 64) },
		"NumPages": func() { m.NumPages() },
	} {
		if got := testing.AllocsPerRun(100, f); got != 0 {
			t.Errorf("%s makes %v Go allocations", what, got)
		}
	}
}

// TestLimitOfOneInstance holds that an instance does not lift the limit of another in its store.
func TestLimitOfOneInstance(t *testing.T) {
	module, err := wasmtime.NewModule(engine, linmemtest.Module(1, 100))
	if err != nil {
		t.Fatal(err)
	}
	store := wasmtime.NewStore(engine)
	defer store.Close()
	var instances [2]*wasmtimemem.Instance
	for i := range instances {
		instance, err := wasmtime.NewInstance(store, module, nil)
		if err != nil {
			t.Fatal(err)
		}
		if instances[i], err = wasmtimemem.NewInstance(store, instance, ""); err != nil {
			t.Fatal(err)
		}
	}
	first, second := instances[0], instances[1]
	if err := first.LimitPages(2); err != nil {
		t.Fatal(err)
	}
	if err := second.LimitPages(50); !errors.Is(err, linmem.ErrUnsupported) {
		t.Errorf("LimitPages of another instance in the store: %v, want ErrUnsupported", err)
	}
	if _, err := first.Memory().Grow(2); !errors.Is(err, linmem.ErrOutOfMemory) {
		t.Errorf("growth past the limit: %v, want ErrOutOfMemory", err)
	}
	if err := first.LimitPages(3); err != nil {
		t.Errorf("LimitPages again: %v", err)
	}
}
