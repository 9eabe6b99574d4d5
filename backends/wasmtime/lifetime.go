//go:build cgo

package wasmtimemem

import (
	"reflect"
	"sync/atomic"
	"unsafe"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

// pointerOffset is where in a store its pointer to wasmtime's is, which Close sets to nil. wasmtime-go does not show it, and
// tells that a store is closed by a panic alone.
var pointerOffset, hasPointer = findPointer(reflect.TypeFor[wasmtime.Store]())

func findPointer(store reflect.Type) (offset uintptr, ok bool) {
	field, ok := store.FieldByName("_ptr")
	return field.Offset, ok && field.Type.Kind() == reflect.Pointer
}

// isClosed reports whether a store is closed. As long as wasmtime-go has the field that this is read from, any goroutine may
// ask at any time, at the cost of a load, where recovering costs 70 ns and reflect's own IsNil 10 (BenchmarkClosed).
//
// It is asked before calls into wasmtime, and not by recovering around them, since a panic of a host function that the guest
// called is for the host.
func isClosed(store *wasmtime.Store) bool {
	if !hasPointer {
		return panicsClosed(store)
	}
	return atomic.LoadPointer((*unsafe.Pointer)(unsafe.Add(unsafe.Pointer(store), pointerOffset))) == nil
}

// panicsClosed is isClosed for a wasmtime-go that has something else in that field's place. It is for the goroutine of the
// store.
func panicsClosed(store *wasmtime.Store) bool {
	var err error
	func() {
		defer catchClosed("wasmtimemem", &err)
		store.Context()
	}()
	return err != nil
}

// contextFor returns an open store whose Context is no call into wasmtime, unlike that of [wasmtime.Store], which makes
// every access to a memory two. The C API promises that the address is the same as long as the store is open; whether it is
// must be asked before.
func contextFor(store *wasmtime.Store) wasmtime.Storelike {
	return newOpenContext(store, store.Context())
}

// openContext is a store, and P the C pointer that has no name outside wasmtime-go.
type openContext[P any] struct {
	*wasmtime.Store
	pointer P
}

func newOpenContext[P any](store *wasmtime.Store, pointer P) *openContext[P] {
	return &openContext[P]{store, pointer}
}

// Context implements [wasmtime.Storelike].
func (c *openContext[P]) Context() P { return c.pointer }
