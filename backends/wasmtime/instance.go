//go:build cgo

package wasmtimemem

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"weak"

	"github.com/bytecodealliance/wasmtime-go/v44"
	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

var (
	_ guest.Instance = (*Instance)(nil)
	_ guest.Typed    = (*Instance)(nil)
	_ guest.Limiter  = (*Instance)(nil)

	_ guest.Initializer = (*Uninitialized)(nil)
)

// Instance implements [guest.Instance], [guest.Typed] and [guest.Limiter] on a wasmtime instance.
type Instance struct {
	inst  *wasmtime.Instance
	mem   *Memory
	funcs *guest.Functions
}

// NewInstance returns inst as a guest, with the memory that [New] would return for the name.
func NewInstance(store *wasmtime.Store, inst *wasmtime.Instance, name string, opts ...MemoryOption) (*Instance, error) {
	mem, err := New(store, inst, name, opts...)
	if err != nil {
		return nil, err
	}
	i := &Instance{inst: inst, mem: mem}
	i.funcs = guest.NewFunctions("wasmtimemem.Call", mem.Closed, i.lookUp)
	return i, nil
}

// LimitPages implements [guest.Limiter]. It sets the limits of the whole store: that of each of its memories is max pages,
// and those that the host has set with Store.Limiter, for tables too, are wasmtime's own again. So one instance of a store
// can limit its memory; for any other it is [linmem.ErrUnsupported]. The host must not call Store.Limiter after that.
func (i *Instance) LimitPages(max uint64) error {
	fail := func(err error) error { return &linmem.Error{Op: "wasmtimemem.LimitPages", Err: err} }
	if i.mem.Closed() {
		return fail(linmem.ErrClosed)
	}
	if !claimLimit(i) {
		return fail(fmt.Errorf("%w: another instance of the store is limited: give each a store of its own", linmem.ErrUnsupported))
	}
	const byDefault = -1
	nBytes := int64(min(max, math.MaxInt64/linmem.PageSize) * linmem.PageSize)
	i.mem.store.Limiter(nBytes, byDefault, byDefault, byDefault, byDefault)
	return nil
}

// limited has the memory that is limited in each store, by weak pointers to both.
var limited sync.Map

// claimLimit makes an instance the one of its store whose memory is limited, and reports whether it is.
func claimLimit(i *Instance) bool {
	store := weak.Make(i.mem.store)
	owner, found := limited.LoadOrStore(store, weak.Make(i.mem))
	if !found {
		runtime.AddCleanup(i.mem.store, func(key any) { limited.Delete(key) }, any(store))
	}
	mem := owner.(weak.Pointer[Memory]).Value()
	return mem == i.mem || mem != nil && same(i.mem.store, mem.mem, i.mem.mem)
}

// Uninitialized is an [Instance] whose guest is not initialized yet. It implements [guest.Initializer].
type Uninitialized struct {
	*Instance
	init guest.Initialization
}

// NewUninitialized is [NewInstance] for an instance whose _initialize has not run, as after NewInstance or
// Linker.Instantiate.
func NewUninitialized(
	store *wasmtime.Store, inst *wasmtime.Instance, name string, opts ...MemoryOption,
) (*Uninitialized, error) {
	i, err := NewInstance(store, inst, name, opts...)
	if err != nil {
		return nil, err
	}
	return &Uninitialized{Instance: i}, nil
}

// Initialize implements [guest.Initializer].
func (u *Uninitialized) Initialize(ctx context.Context) error { return u.init.Run(ctx, u.Instance) }

// Memory implements [guest.Instance].
func (i *Instance) Memory() linmem.Memory { return i.mem }

// Call implements [guest.Instance]. The error of a trap is wasmtime's. The context cannot end a call that runs: for that
// use the engine's epochs or fuel.
func (i *Instance) Call(ctx context.Context, name string, args ...uint64) ([]uint64, error) {
	return i.funcs.Call(ctx, name, args)
}

// Signature implements [guest.Typed].
func (i *Instance) Signature(name string) (sig guest.Signature, ok bool) {
	return i.funcs.Signature(name)
}

// HasExport implements [guest.Instance].
func (i *Instance) HasExport(name string) bool {
	if i.mem.Closed() {
		return false
	}
	export := i.inst.GetExport(i.mem.store, name)
	return export != nil && (export.Func() != nil || export.Memory() != nil || export.Global() != nil)
}

// Global implements [guest.Instance].
func (i *Instance) Global(name string) (value uint64, ok bool) {
	if i.mem.Closed() {
		return 0, false
	}
	export := i.inst.GetExport(i.mem.store, name)
	if export == nil {
		return 0, false
	}
	global := export.Global()
	if global == nil || !valueType(global.Type(i.mem.store).Content()).IsNumeric() {
		return 0, false
	}
	return guest.Raw(global.Get(i.mem.store).Get()), true
}

func (i *Instance) lookUp(name string) (f guest.Function, ok bool) {
	store := i.mem.store
	exported := i.inst.GetFunc(store, name)
	if exported == nil {
		return f, false
	}
	typ := exported.Type(store)
	f.Params, f.Results = valueTypes(typ.Params()), valueTypes(typ.Results())
	f.Invoke = func(_ context.Context, args []uint64) ([]uint64, error) {
		result, err := exported.Call(store, f.GoArgs(args)...)
		if err != nil {
			return nil, err
		}
		switch result := result.(type) {
		case nil:
			return nil, nil
		case []wasmtime.Val:
			raw := make([]uint64, len(result))
			for n, val := range result {
				raw[n] = guest.Raw(val.Get())
			}
			return raw, nil
		default:
			return []uint64{guest.Raw(result)}, nil
		}
	}
	return f, true
}

func valueTypes(types []*wasmtime.ValType) (converted []guest.ValueType) {
	for _, t := range types {
		converted = append(converted, valueType(t))
	}
	return converted
}

// valueType returns 0 for what is not a number.
func valueType(t *wasmtime.ValType) guest.ValueType {
	switch t.Kind() {
	case wasmtime.KindI32:
		return guest.I32
	case wasmtime.KindI64:
		return guest.I64
	case wasmtime.KindF32:
		return guest.F32
	case wasmtime.KindF64:
		return guest.F64
	}
	return 0
}
