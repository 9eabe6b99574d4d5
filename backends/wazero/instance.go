package wazeromem

import (
	"context"
	"fmt"
	"math"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/tetratelabs/wazero/api"
)

var (
	_ guest.Instance = (*Instance)(nil)
	_ guest.Typed    = (*Instance)(nil)
)

// Instance implements [guest.Instance] on a wazero module.
type Instance struct {
	mod   api.Module
	mem   *Memory
	funcs map[string]*function
}

// function is an exported function, looked up once: wazero makes an object of several hundred bytes at each look-up.
type function struct {
	api.Function
	guest.Signature
	running bool // a wazero function must not be called again before its call returns
}

// NewInstance returns mod as a guest, with the memory that [New] would return for the name.
func NewInstance(mod api.Module, name string) (*Instance, error) {
	mem, err := New(mod, name)
	if err != nil {
		return nil, err
	}
	return &Instance{mod: mod, mem: mem, funcs: map[string]*function{}}, nil
}

// Memory implements [guest.Instance].
func (i *Instance) Memory() linmem.Memory { return i.mem }

// Call implements [guest.Instance]. The error of a trap, and of an exit, is wazero's. The context is wazero's too: with
// WithCloseOnContextDone it can end the call.
func (i *Instance) Call(ctx context.Context, name string, args ...uint64) ([]uint64, error) {
	fail := func(err error) ([]uint64, error) {
		return nil, &linmem.Error{Op: fmt.Sprintf("wazeromem.Call(%q)", name), Err: err}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if i.mod.IsClosed() {
		return fail(linmem.ErrClosed)
	}
	f := i.function(name)
	if f == nil {
		return fail(guest.ErrNoFunction)
	}
	if err := f.CheckCall(len(args)); err != nil {
		return fail(err)
	}
	callee := f.Function
	if f.running {
		callee = i.mod.ExportedFunction(name) // the guest called the host, which calls the same function again
	} else {
		f.running = true
		defer func() { f.running = false }()
	}
	stack := make([]uint64, max(len(f.Params), len(f.Results)))
	copy(stack, args)
	if err := callee.CallWithStack(ctx, stack); err != nil {
		return nil, err
	}
	for i, t := range f.Results {
		if t == guest.I32 || t == guest.F32 {
			stack[i] &= math.MaxUint32 // wazero leaves what was there in the upper half
		}
	}
	return stack[:len(f.Results)], nil
}

// HasExport implements [guest.Instance].
func (i *Instance) HasExport(name string) bool {
	if i.mod.IsClosed() {
		return false
	}
	return i.function(name) != nil || i.mod.ExportedMemory(name) != nil || i.mod.ExportedGlobal(name) != nil
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

// Signature implements [guest.Typed].
func (i *Instance) Signature(name string) (sig guest.Signature, ok bool) {
	if i.mod.IsClosed() {
		return sig, false
	}
	f := i.function(name)
	if f == nil {
		return sig, false
	}
	return f.Signature, true
}

func (i *Instance) function(name string) *function {
	if f, ok := i.funcs[name]; ok {
		return f
	}
	exported := i.mod.ExportedFunction(name)
	if exported == nil {
		return nil
	}
	f := &function{Function: exported}
	for _, t := range exported.Definition().ParamTypes() {
		f.Params = append(f.Params, guest.ValueType(t)) // wazero encodes types as the binary format does
	}
	for _, t := range exported.Definition().ResultTypes() {
		f.Results = append(f.Results, guest.ValueType(t))
	}
	i.funcs[name] = f
	return f
}
