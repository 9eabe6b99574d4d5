//go:build cgo && (linux || darwin)

package wasmermem_test

import (
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/wasmerio/wasmer-go/wasmer"

	wasmermem "github.com/linmem/linmem/backends/wasmer"
)

const page = linmem.PageSize

// guestOf is an instance with what belongs to it.
type guestOf struct {
	inst  *wasmer.Instance
	guest *wasmermem.Instance
	mem   *wasmermem.Memory
}

func newGuest(t testing.TB, wasm []byte, opts ...wasmermem.InstanceOption) guestOf {
	t.Helper()
	inst, err := instantiate(wasm)
	if err != nil {
		t.Fatal(err)
	}
	guest, err := wasmermem.NewInstance(inst, "memory", opts...)
	if err != nil {
		t.Fatal(err)
	}
	return guestOf{inst, guest, guest.Memory().(*wasmermem.Memory)}
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
