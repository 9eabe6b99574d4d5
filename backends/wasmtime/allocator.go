//go:build cgo

package wasmtimemem

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/bytecodealliance/wasmtime-go/v44"
	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

// Allocator serves the allocator imports of guests, those of each store from a heap of its own: see [guest.Imports] for
// what they do.
//
// A guest is instantiated first, and its heap is bound to its store then; what it allocates before, as in a start section,
// traps. guest.WithBind is for this:
//
//	allocator, err := wasmtimemem.NewAllocator(linker)
//	instance, err := linker.Instantiate(store, module)
//	inst, err := wasmtimemem.NewUninitialized(store, instance, "")
//	g, err := guest.Open(ctx, inst, report, guest.WithBind(func(h *linmem.Heap) error { return allocator.Bind(store, h) }))
//
// All instances of a store that were linked with one Allocator allocate from one heap, since wasmtime-go tells the store of
// a call but not its instance. So guests that have memories of their own must be in stores of their own, or be linked by
// linkers with an Allocator each.
//
// All methods may be called on any goroutine at any time; a heap, as ever, is for that of its store.
type Allocator struct {
	heaps sync.Map // from the address of a store's context to *binding

	mu    sync.Mutex
	bound map[*wasmtime.Store]*binding
}

// binding is a store that has a heap.
type binding struct {
	store   *wasmtime.Store
	context unsafe.Pointer
	heap    guest.Heap
}

// NewAllocator defines functions that provide these imports in a linker, for all stores; without any, [guest.CImports] and
// [guest.SubstrateImports].
//
// It fails with [linmem.ErrInvalid] if the linker is nil, or the imports name a function twice, or none; and with
// wasmtime's error if the linker has a function of that name already, and does not allow shadowing: what comes before it is
// defined then.
func NewAllocator(linker *wasmtime.Linker, imports ...guest.Imports) (*Allocator, error) {
	fail := func(err error) (*Allocator, error) {
		return nil, &linmem.Error{Op: "wasmtimemem.NewAllocator", Err: err}
	}
	if linker == nil {
		return fail(fmt.Errorf("%w: the linker is nil", linmem.ErrInvalid))
	}
	functions, err := guest.HostFunctions(imports...)
	if err != nil {
		return fail(err)
	}
	a := &Allocator{bound: make(map[*wasmtime.Store]*binding)}
	for _, f := range functions {
		typ := wasmtime.NewFuncType(valTypes(f.Params), valTypes(f.Results))
		if err := linker.FuncNew(f.Module, f.Name, typ, a.server(f)); err != nil {
			return fail(err)
		}
	}
	return a, nil
}

// server returns a function as a linker wants it.
func (a *Allocator) server(f *guest.HostFunction) func(*wasmtime.Caller, []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
	return func(caller *wasmtime.Caller, params []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
		var args [2]uint64
		for i, p := range params {
			args[i] = guest.Raw(p.Get())
		}
		result, err := f.Call(a.heap(caller), args)
		switch {
		case err != nil:
			return nil, wasmtime.NewTrap(err.Error())
		case len(f.Results) == 0:
			return nil, nil
		case f.Results[0] == guest.I64:
			return []wasmtime.Val{wasmtime.ValI64(int64(result))}, nil
		}
		return []wasmtime.Val{wasmtime.ValI32(int32(result))}, nil
	}
}

// heap returns the heap of the calling store, or nil. A store that was closed while it was bound may have left its address
// to the one that calls, so that is looked at too.
func (a *Allocator) heap(caller *wasmtime.Caller) guest.Heap {
	context := unsafe.Pointer(caller.Context())
	found, ok := a.heaps.Load(context)
	if !ok {
		return nil
	}
	b := found.(*binding)
	if now, err := contextOf("", b.store); err != nil || now != context {
		return nil
	}
	return b.heap
}

// Bind has the functions that instances of the store call be served from heap, until [Allocator.Unbind]. The heap must be
// one of the calling instances' own memory.
//
// It fails with [linmem.ErrInvalid] if either is nil or the store has a heap already, and with [linmem.ErrClosed] if the
// store is closed.
func (a *Allocator) Bind(store *wasmtime.Store, heap guest.Heap) error {
	const op = "wasmtimemem.Allocator.Bind"
	if store == nil || heap == nil {
		return &linmem.Error{Op: op, Err: fmt.Errorf("%w: the store or the heap is nil", linmem.ErrInvalid)}
	}
	context, err := contextOf(op, store)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.bound[store] != nil {
		return &linmem.Error{Op: op, Err: fmt.Errorf("%w: the store has a heap already: Unbind it first, or have guests with "+
			"memories of their own in stores of their own", linmem.ErrInvalid)}
	}
	b := &binding{store, context, heap}
	a.bound[store] = b
	a.heaps.Store(context, b)
	return nil
}

// Unbind forgets the heap of a store, whose calls trap from then on. It is due once the store is closed, or before: as long
// as a store is bound, the Allocator keeps it and its heap from the collector. It does nothing for one that is not.
func (a *Allocator) Unbind(store *wasmtime.Store) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if b := a.bound[store]; b != nil {
		delete(a.bound, store)
		a.heaps.CompareAndDelete(b.context, b)
	}
}

// contextOf returns the address by which wasmtime knows an open store.
func contextOf(op string, store *wasmtime.Store) (context unsafe.Pointer, err error) {
	defer catchClosed(op, &err)
	return unsafe.Pointer(store.Context()), nil
}

// valTypes converts the numeric types of an import.
func valTypes(types []guest.ValueType) (converted []*wasmtime.ValType) {
	for _, t := range types {
		kind := wasmtime.KindI32
		if t == guest.I64 {
			kind = wasmtime.KindI64
		}
		converted = append(converted, wasmtime.NewValType(kind))
	}
	return converted
}
