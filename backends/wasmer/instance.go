//go:build cgo && (linux || darwin)

package wasmermem

import (
	"context"
	"fmt"
	"runtime"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/wasmerio/wasmer-go/wasmer"
)

var (
	_ guest.Instance = (*Instance)(nil)
	_ guest.Typed    = (*Instance)(nil)

	_ guest.Initializer = (*Uninitialized)(nil)
)

// Instance implements [guest.Instance] and [guest.Typed] on a wasmer instance.
type Instance struct {
	mem       *Memory
	funcs     *guest.Functions
	allocator *Allocator // nil without WithAllocator
}

// InstanceOption configures [NewInstance] and [NewUninitialized].
type InstanceOption interface {
	apply(*Instance) error
}

type instanceOptionFunc func(*Instance)

func (f instanceOptionFunc) apply(i *Instance) error {
	f(i)
	return nil
}

// WithAllocator says that the instance's allocator imports are those of a, so that the error of a call in which one of them
// has trapped says why, beside wasmer's own.
func WithAllocator(a *Allocator) InstanceOption {
	return instanceOptionFunc(func(i *Instance) { i.allocator = a })
}

// NewInstance returns inst as a guest, with the memory that [New] would return for the name.
func NewInstance(inst *wasmer.Instance, name string, opts ...InstanceOption) (*Instance, error) {
	mem, err := New(inst, name)
	if err != nil {
		return nil, err
	}
	i := &Instance{mem: mem}
	i.funcs = guest.NewFunctions("wasmermem.Call", mem.Closed, i.lookUp)
	for _, opt := range opts {
		if err := opt.apply(i); err != nil {
			return nil, &linmem.Error{Op: "wasmermem.NewInstance", Err: err}
		}
	}
	mem.look() // since an option may have put something in its place that has seen nothing yet
	return i, nil
}

// Uninitialized is an [Instance] whose guest is not initialized yet. It implements [guest.Initializer].
type Uninitialized struct {
	*Instance
	init guest.Initialization
}

// NewUninitialized is [NewInstance] for an instance whose _initialize has not run, as after wasmer.NewInstance.
func NewUninitialized(inst *wasmer.Instance, name string, opts ...InstanceOption) (*Uninitialized, error) {
	i, err := NewInstance(inst, name, opts...)
	if err != nil {
		return nil, err
	}
	return &Uninitialized{Instance: i}, nil
}

// Initialize implements [guest.Initializer].
func (u *Uninitialized) Initialize(ctx context.Context) error { return u.init.Run(ctx, u.Instance) }

// Memory implements [guest.Instance].
func (i *Instance) Memory() linmem.Memory { return i.mem }

// Call implements [guest.Instance]. The error of a trap is wasmer's. Nothing can end a call that runs, the context
// neither.
func (i *Instance) Call(ctx context.Context, name string, args ...uint64) ([]uint64, error) {
	if i.allocator == nil {
		return i.funcs.Call(ctx, name, args)
	}
	before := i.allocator.served.nTraps
	results, err := i.funcs.Call(ctx, name, args)
	if err != nil && i.allocator.served.nTraps > before {
		err = fmt.Errorf("%w: %w", i.allocator.Err(), err)
	}
	return results, err
}

// Signature implements [guest.Typed].
func (i *Instance) Signature(name string) (sig guest.Signature, ok bool) {
	return i.funcs.Signature(name)
}

// HasExport implements [guest.Instance].
func (i *Instance) HasExport(name string) bool {
	export, err := i.mem.inst.Exports.Get(name)
	if err != nil {
		return false
	}
	kind := export.Kind()
	runtime.KeepAlive(i)
	return kind == wasmer.FUNCTION || kind == wasmer.MEMORY || kind == wasmer.GLOBAL
}

// Global implements [guest.Instance].
func (i *Instance) Global(name string) (value uint64, ok bool) {
	defer runtime.KeepAlive(i)
	global, err := i.mem.inst.Exports.GetGlobal(name)
	if err != nil || global == nil || !valueType(global.Type().ValueType()).IsNumeric() {
		return 0, false
	}
	got, err := global.Get()
	if err != nil {
		return 0, false
	}
	return guest.Raw(got), true
}

func (i *Instance) lookUp(name string) (f guest.Function, ok bool) {
	defer runtime.KeepAlive(i)
	exported, err := i.mem.inst.Exports.GetRawFunction(name)
	if err != nil || exported == nil {
		return f, false
	}
	call := exported.Native()
	f.Params, f.Results = valueTypes(exported.Type().Params()), valueTypes(exported.Type().Results())
	f.Invoke = func(_ context.Context, args []uint64) ([]uint64, error) {
		result, err := call(f.GoArgs(args)...)
		runtime.KeepAlive(i)
		if err != nil {
			return nil, err
		}
		switch result := result.(type) {
		case nil:
			return nil, nil
		case []any:
			raw := make([]uint64, len(result))
			for n, value := range result {
				raw[n] = guest.Raw(value)
			}
			return raw, nil
		default:
			return []uint64{guest.Raw(result)}, nil
		}
	}
	return f, true
}

func valueTypes(types []*wasmer.ValueType) (converted []guest.ValueType) {
	for _, t := range types {
		converted = append(converted, valueType(t))
	}
	return converted
}

// valueType returns 0 for what is not a number.
func valueType(t *wasmer.ValueType) guest.ValueType {
	switch t.Kind() {
	case wasmer.I32:
		return guest.I32
	case wasmer.I64:
		return guest.I64
	case wasmer.F32:
		return guest.F32
	case wasmer.F64:
		return guest.F64
	}
	return 0
}
