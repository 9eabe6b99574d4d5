package wazeromem

import (
	"context"
	"fmt"
	"math"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/tetratelabs/wazero/api"
)

var _ guest.Instance = (*Instance)(nil)

// Instance implements [guest.Instance] on a wazero module.
type Instance struct {
	mod   api.Module
	mem   *Memory
	funcs map[string]*function
}

// function is an exported function, looked up once: wazero makes an object of several hundred bytes at each look-up.
type function struct {
	api.Function
	params, results []api.ValueType
	unsupported     bool // some type is not a number
	running         bool // a wazero function must not be called again before its call returns
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
	f, ok := i.function(name)
	switch {
	case !ok:
		return fail(fmt.Errorf("%w: the guest exports no function of that name", linmem.ErrInvalid))
	case f.unsupported:
		return fail(fmt.Errorf("%w: its signature has types that are not numbers", linmem.ErrUnsupported))
	case len(args) != len(f.params):
		return fail(fmt.Errorf("%w: it takes %d arguments, not %d", linmem.ErrInvalid, len(f.params), len(args)))
	}
	callee := f.Function
	if f.running {
		callee = i.mod.ExportedFunction(name) // the guest called the host, which calls the same function again
	} else {
		f.running = true
		defer func() { f.running = false }()
	}
	stack := make([]uint64, max(len(f.params), len(f.results)))
	copy(stack, args)
	if err := callee.CallWithStack(ctx, stack); err != nil {
		return nil, err
	}
	for i, t := range f.results {
		if t == api.ValueTypeI32 || t == api.ValueTypeF32 {
			stack[i] &= math.MaxUint32 // wazero leaves what was there in the upper half
		}
	}
	return stack[:len(f.results)], nil
}

// HasExport implements [guest.Instance].
func (i *Instance) HasExport(name string) bool {
	if i.mod.IsClosed() {
		return false
	}
	if _, ok := i.function(name); ok {
		return true
	}
	return i.mod.ExportedMemory(name) != nil || i.mod.ExportedGlobal(name) != nil
}

// Global implements [guest.Instance].
func (i *Instance) Global(name string) (value uint64, ok bool) {
	if i.mod.IsClosed() {
		return 0, false
	}
	global := i.mod.ExportedGlobal(name)
	if global == nil || !isNumeric(global.Type()) {
		return 0, false
	}
	return global.Get(), true
}

func (i *Instance) function(name string) (f *function, ok bool) {
	if f, ok := i.funcs[name]; ok {
		return f, true
	}
	exported := i.mod.ExportedFunction(name)
	if exported == nil {
		return nil, false
	}
	def := exported.Definition()
	f = &function{Function: exported, params: def.ParamTypes(), results: def.ResultTypes()}
	f.unsupported = !allNumeric(f.params) || !allNumeric(f.results)
	i.funcs[name] = f
	return f, true
}

func allNumeric(types []api.ValueType) bool {
	for _, t := range types {
		if !isNumeric(t) {
			return false
		}
	}
	return true
}

func isNumeric(t api.ValueType) bool {
	switch t {
	case api.ValueTypeI32, api.ValueTypeI64, api.ValueTypeF32, api.ValueTypeF64:
		return true
	}
	return false
}
