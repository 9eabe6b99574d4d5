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
)

// Instance implements [guest.Instance] on a wasmer instance.
type Instance struct {
	mem   *Memory
	funcs map[string]*function
}

// function is an exported function, looked up once: its type is a dozen calls through cgo.
type function struct {
	call wasmer.NativeFunction
	guest.Signature
}

// NewInstance returns inst as a guest, with the memory that [New] would return for the name.
func NewInstance(inst *wasmer.Instance, name string) (*Instance, error) {
	mem, err := New(inst, name)
	if err != nil {
		return nil, err
	}
	return &Instance{mem: mem, funcs: map[string]*function{}}, nil
}

// Memory implements [guest.Instance].
func (i *Instance) Memory() linmem.Memory { return i.mem }

// Call implements [guest.Instance]. The error of a trap is wasmer's. Nothing can end a call that runs, the context
// neither.
func (i *Instance) Call(ctx context.Context, name string, args ...uint64) ([]uint64, error) {
	fail := func(err error) ([]uint64, error) {
		return nil, &linmem.Error{Op: fmt.Sprintf("wasmermem.Call(%q)", name), Err: err}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if i.mem.closed() {
		return fail(linmem.ErrClosed)
	}
	f := i.function(name)
	if f == nil {
		return fail(guest.ErrNoFunction)
	}
	if err := f.CheckCall(len(args)); err != nil {
		return fail(err)
	}
	result, err := f.call(f.GoArgs(args)...)
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

// HasExport implements [guest.Instance].
func (i *Instance) HasExport(name string) bool {
	_, err := i.mem.inst.Exports.Get(name)
	return err == nil
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

// Signature implements [guest.Typed].
func (i *Instance) Signature(name string) (sig guest.Signature, ok bool) {
	if i.mem.closed() {
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
	defer runtime.KeepAlive(i)
	exported, err := i.mem.inst.Exports.GetRawFunction(name)
	if err != nil || exported == nil {
		return nil
	}
	f := &function{call: exported.Native()}
	typ := exported.Type()
	for _, t := range typ.Params() {
		f.Params = append(f.Params, valueType(t))
	}
	for _, t := range typ.Results() {
		f.Results = append(f.Results, valueType(t))
	}
	i.funcs[name] = f
	return f
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
