//go:build cgo

package wasmtimemem

import (
	"reflect"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

// TestStoreHasAPointer notices a wasmtime-go that no longer has what isClosed reads. Everything works on without it, but for
// Closed on any goroutine, and more slowly.
func TestStoreHasAPointer(t *testing.T) {
	if !hasPointer {
		t.Fatal("wasmtime.Store has no pointer _ptr")
	}
	for _, other := range []reflect.Type{reflect.TypeFor[struct{ _ptr int }](), reflect.TypeFor[struct{ ptr *int }]()} {
		if _, ok := findPointer(other); ok {
			t.Errorf("%v has a pointer _ptr", other)
		}
	}
	store := wasmtime.NewStore(wasmtime.NewEngine())
	for _, want := range []bool{false, true} {
		if got := isClosed(store); got != want {
			t.Errorf("isClosed() = %t, want %t", got, want)
		}
		if got := panicsClosed(store); got != want {
			t.Errorf("panicsClosed() = %t, want %t", got, want)
		}
		store.Close()
	}
}

// TestContextStays holds that the address that is kept is the store's, and that it keeps the store.
func TestContextStays(t *testing.T) {
	store := wasmtime.NewStore(wasmtime.NewEngine())
	defer store.Close()
	context := contextFor(store)
	for range 10 {
		typ, err := wasmtime.NewMemoryType(1, true, 2, false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := wasmtime.NewMemory(store, typ); err != nil {
			t.Fatal(err)
		}
		if got, want := context.Context(), store.Context(); got != want {
			t.Fatalf("the context is at %p, want %p", got, want)
		}
	}
}

// BenchmarkClosed has the ways to find out that a store is closed.
func BenchmarkClosed(b *testing.B) {
	store := wasmtime.NewStore(wasmtime.NewEngine())
	defer store.Close()
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			isClosed(store)
		}
	})
	b.Run("reflect", func(b *testing.B) {
		field, _ := reflect.TypeFor[wasmtime.Store]().FieldByName("_ptr")
		for b.Loop() {
			reflect.ValueOf(store).Elem().Field(field.Index[0]).IsNil()
		}
	})
	b.Run("recover", func(b *testing.B) {
		for b.Loop() {
			panicsClosed(store)
		}
	})
}
