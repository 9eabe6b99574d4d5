//go:build cgo

package wasmtimemem_test

import (
	"slices"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v44"
	linmem "github.com/linmem/linmem/core"

	wasmtimemem "github.com/linmem/linmem/backends/wasmtime"
)

const page = linmem.PageSize

// guestOf is an instance of a linmemtest.Module, with what belongs to it.
type guestOf struct {
	store *wasmtime.Store
	inst  *wasmtime.Instance
	guest *wasmtimemem.Instance
	mem   *wasmtimemem.Memory
}

func newGuest(t testing.TB, engine *wasmtime.Engine, wasm []byte, opts ...wasmtimemem.MemoryOption) guestOf {
	t.Helper()
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
	guest, err := wasmtimemem.NewInstance(store, inst, "memory", opts...)
	if err != nil {
		t.Fatal(err)
	}
	return guestOf{store, inst, guest, guest.Memory().(*wasmtimemem.Memory)}
}

func (g guestOf) call(t testing.TB, name string, args ...uint64) uint64 {
	t.Helper()
	results, err := g.guest.Call(t.Context(), name, args...)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) == 0 {
		return 0
	}
	return results[0]
}

func mustView(t testing.TB, m linmem.Memory, addr, n uint64) []byte {
	t.Helper()
	view, err := m.View(addr, n)
	if err != nil {
		t.Fatal(err)
	}
	return view
}

func mustGrow(t testing.TB, m linmem.Memory, delta uint64) {
	t.Helper()
	if _, err := m.Grow(delta); err != nil {
		t.Fatal(err)
	}
}

func fill(b []byte, with byte) {
	for i := range b {
		b[i] = with
	}
}

// wantBytes holds each byte of a range to one value, for the host and, in some places, for the guest.
func (g guestOf) wantBytes(t *testing.T, addr, n uint64, want byte) {
	t.Helper()
	view := mustView(t, g.mem, addr, n)
	if i := slices.IndexFunc(view, func(b byte) bool { return b != want }); i >= 0 {
		t.Errorf("the byte at %#x is %#x, want %#x", addr+uint64(i), view[i], want)
	}
	for at := addr; at < addr+n; at += 4000 {
		if got := g.call(t, "load", at); got != uint64(want) {
			t.Errorf("the guest reads %#x at %#x, want %#x", got, at, want)
		}
	}
}
