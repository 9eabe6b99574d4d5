package wazeromem

import (
	"context"
	"math"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/tetratelabs/wazero/api"
)

var (
	_ guest.Instance = (*Instance)(nil)
	_ guest.Typed    = (*Instance)(nil)
	_ guest.Limiter  = (*Instance)(nil)

	_ guest.Initializer = (*Uninitialized)(nil)
)

// Instance implements [guest.Instance] and [guest.Typed] on a wazero module, and [guest.Limiter] if its memory is one of
// [StableMemories].
type Instance struct {
	mod   api.Module
	mem   *Memory
	funcs *guest.Functions
}

// NewInstance returns mod as a guest, with the memory that [New] would return for the name.
func NewInstance(mod api.Module, name string) (*Instance, error) {
	mem, err := New(mod, name)
	if err != nil {
		return nil, err
	}
	i := &Instance{mod: mod, mem: mem}
	i.funcs = guest.NewFunctions("wazeromem.Call", mod.IsClosed, i.lookUp)
	return i, nil
}

// LimitPages implements [guest.Limiter]: see [Memory.LimitPages].
func (i *Instance) LimitPages(max uint64) error { return i.mem.LimitPages(max) }

// Uninitialized is an [Instance] whose guest is not initialized yet. It implements [guest.Initializer].
type Uninitialized struct {
	*Instance
	init guest.Initialization
}

// NewUninitialized is [NewInstance] for a module whose _initialize has not run, as after InstantiateWithConfig: wazero runs
// no other start function than _start by itself, and none with WithStartFunctions().
func NewUninitialized(mod api.Module, name string) (*Uninitialized, error) {
	i, err := NewInstance(mod, name)
	if err != nil {
		return nil, err
	}
	return &Uninitialized{Instance: i}, nil
}

// Initialize implements [guest.Initializer].
func (u *Uninitialized) Initialize(ctx context.Context) error { return u.init.Run(ctx, u.Instance) }

// Memory implements [guest.Instance].
func (i *Instance) Memory() linmem.Memory { return i.mem }

// Call implements [guest.Instance]. The error of a trap, and of an exit, is wazero's. The context is wazero's too: with
// WithCloseOnContextDone it can end the call.
func (i *Instance) Call(ctx context.Context, name string, args ...uint64) ([]uint64, error) {
	return i.funcs.Call(ctx, name, args)
}

// Signature implements [guest.Typed].
func (i *Instance) Signature(name string) (sig guest.Signature, ok bool) {
	return i.funcs.Signature(name)
}

// HasExport implements [guest.Instance].
func (i *Instance) HasExport(name string) bool {
	if i.mod.IsClosed() {
		return false
	}
	_, ok := i.funcs.Signature(name)
	return ok || i.mod.ExportedMemory(name) != nil || i.mod.ExportedGlobal(name) != nil
}

// Global implements [guest.Instance].
func (i *Instance) Global(name string) (value uint64, ok bool) {
	if i.mod.IsClosed() {
		return 0, false
	}
	global := i.mod.ExportedGlobal(name)
	if global == nil || !guest.ValueType(global.Type()).IsNumeric() {
		return 0, false
	}
	return global.Get(), true
}

func (i *Instance) lookUp(name string) (f guest.Function, ok bool) {
	exported := i.mod.ExportedFunction(name)
	if exported == nil {
		return f, false
	}
	f.Params = valueTypes(exported.Definition().ParamTypes())
	f.Results = valueTypes(exported.Definition().ResultTypes())

	// A wazero function must not be called again before its call returns, as happens if the guest calls the host and
	// the host the guest: that call gets a function of its own.
	running := false
	f.Invoke = func(ctx context.Context, args []uint64) ([]uint64, error) {
		callee := exported
		if running {
			callee = i.mod.ExportedFunction(name)
		} else {
			running = true
			defer func() { running = false }()
		}
		stack := make([]uint64, max(len(f.Params), len(f.Results)))
		copy(stack, args)
		if err := callee.CallWithStack(ctx, stack); err != nil {
			return nil, err
		}
		results := stack[:len(f.Results)]
		for n, t := range f.Results {
			if t == guest.I32 || t == guest.F32 {
				results[n] &= math.MaxUint32 // wazero leaves what was there in the upper half
			}
		}
		return results, nil
	}
	return f, true
}

// valueTypes is a change of type: wazero encodes value types as the binary format does.
func valueTypes(types []api.ValueType) (converted []guest.ValueType) {
	for _, t := range types {
		converted = append(converted, guest.ValueType(t))
	}
	return converted
}
