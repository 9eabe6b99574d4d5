//go:build cgo && (linux || darwin)

package wasmermem

import (
	"fmt"
	"math"
	"reflect"
	"runtime"

	linmem "github.com/linmem/linmem/core"
	"github.com/wasmerio/wasmer-go/wasmer"
)

var _ linmem.Memory = (*Memory)(nil)

// The reason of a refusal. wasmer-go says no more than that it failed.
var errRefused = fmt.Errorf("%w: wasmer refused; the memory's maximum is reached: raise it", linmem.ErrOutOfMemory)

// Memory implements [linmem.Memory] on a memory that a wasmer instance exports. The package doc says how long a view is
// good and what may run at the same time.
type Memory struct {
	inst *wasmer.Instance // owns mem, and is kept alive for it
	name string
	mem  *wasmer.Memory
	errs linmem.ErrorPool // of Grow
}

// New returns the memory that inst exports under that name; "" is the only memory that it exports. A memory that is not
// exported is out of reach.
//
// It fails with [linmem.ErrInvalid] if there is none, and with [linmem.ErrClosed] if the instance is closed, or exports
// nothing at all, which wasmer-go does not tell apart. Once it is closed every call of the Memory reports that too.
func New(inst *wasmer.Instance, name string) (*Memory, error) {
	fail := func(err error) (*Memory, error) {
		return nil, &linmem.Error{Op: "wasmermem.New", Err: err}
	}
	if inst == nil {
		return fail(fmt.Errorf("%w: the instance is nil", linmem.ErrInvalid))
	}
	names := exports(inst)
	if len(names) == 0 {
		return fail(linmem.ErrClosed)
	}
	if name != "" {
		names = []string{name}
	}
	for _, name := range names {
		mem, err := inst.Exports.GetMemory(name)
		if err == nil && mem != nil {
			return &Memory{inst: inst, name: name, mem: mem}, nil
		}
	}
	if name == "" {
		return fail(fmt.Errorf("%w: the instance exports no memory", linmem.ErrInvalid))
	}
	return fail(fmt.Errorf("%w: the instance exports no memory %q", linmem.ErrInvalid, name))
}

// exports returns the names that inst exports. wasmer-go has them in a map that it does not show, and empties when the
// instance is closed; there is no other way to learn either. An instance without any export cannot be told from a
// closed one, and is of no more use.
func exports(inst *wasmer.Instance) (names []string) {
	m := reflect.ValueOf(inst.Exports).Elem().FieldByName("exports")
	for _, name := range m.MapKeys() {
		names = append(names, name.String())
	}
	return names
}

// closed reports whether the instance is closed: see exports.
func (m *Memory) closed() bool {
	_, err := m.inst.Exports.Get(m.name)
	return err != nil
}

// NumPages implements [linmem.Grower], by a call through cgo.
func (m *Memory) NumPages() uint64 {
	if m.closed() {
		return 0
	}
	pages := m.mem.Size()
	runtime.KeepAlive(m)
	return uint64(pages)
}

// Grow implements [linmem.Grower], by two calls through cgo.
func (m *Memory) Grow(delta uint64) (prev uint64, err error) {
	const op = "wasmermem.Grow"
	if m.closed() {
		return 0, m.errs.GetPages(op, 0, delta, linmem.ErrClosed)
	}
	prev = uint64(m.mem.Size())
	if delta == 0 {
		return prev, nil
	}
	if delta > math.MaxUint32 || !m.mem.Grow(wasmer.Pages(delta)) {
		return 0, m.errs.GetPages(op, 0, delta, errRefused)
	}
	runtime.KeepAlive(m)
	return prev, nil
}

// View implements [linmem.Memory], by two calls through cgo. It allocates nothing.
func (m *Memory) View(addr, n uint64) ([]byte, error) {
	const op = "wasmermem.View"
	if m.closed() {
		return nil, &linmem.Error{Op: op, Addr: addr, Size: n, Err: linmem.ErrClosed}
	}
	data := m.mem.Data()
	runtime.KeepAlive(m)
	return linmem.Subslice(op, data, addr, n)
}
