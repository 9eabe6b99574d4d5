//go:build cgo

package wasmtimemem

import (
	"fmt"

	"github.com/bytecodealliance/wasmtime-go/v44"
	linmem "github.com/linmem/linmem/core"
)

var _ linmem.Memory = (*Memory)(nil)

// The reason of a refusal. wasmtime's own error says no more than that it failed.
var errRefused = fmt.Errorf("%w: wasmtime refused; the memory's maximum or the store's Limiter is reached: raise it",
	linmem.ErrOutOfMemory)

// Memory implements [linmem.Memory] on a memory of wasmtime. The package doc says how long a view is good and what may
// run at the same time.
type Memory struct {
	store *wasmtime.Store // keeps the memory alive
	mem   *wasmtime.Memory
	errs  linmem.ErrorPool
}

// New returns the memory that inst exports under that name; "" is the only memory that it exports. A memory that is not
// exported is out of reach. The instance must be of that store: wasmtime ends the process otherwise.
//
// It fails with [linmem.ErrInvalid] if there is none, or if "" leaves a choice of several, and with [linmem.ErrClosed]
// if the store is closed. Once the store is closed every call of the Memory reports that too.
func New(store *wasmtime.Store, inst *wasmtime.Instance, name string) (m *Memory, err error) {
	const op = "wasmtimemem.New"
	if store == nil || inst == nil {
		return nil, &linmem.Error{Op: op, Err: fmt.Errorf("%w: the store or the instance is nil", linmem.ErrInvalid)}
	}
	defer catchClosed(op, &err)
	mem, err := find(store, inst, name)
	if err != nil {
		return nil, &linmem.Error{Op: op, Err: err}
	}
	return &Memory{store: store, mem: mem}, nil
}

// Wrap returns a memory that the host made with [wasmtime.NewMemory], or took from an instance by itself. mem must be
// of that store.
func Wrap(store *wasmtime.Store, mem *wasmtime.Memory) (m *Memory, err error) {
	const op = "wasmtimemem.Wrap"
	if store == nil || mem == nil {
		return nil, &linmem.Error{Op: op, Err: fmt.Errorf("%w: the store or the memory is nil", linmem.ErrInvalid)}
	}
	defer catchClosed(op, &err)
	mem.Size(store)
	return &Memory{store: store, mem: mem}, nil
}

func find(store *wasmtime.Store, inst *wasmtime.Instance, name string) (*wasmtime.Memory, error) {
	if name != "" {
		if export := inst.GetExport(store, name); export != nil {
			if mem := export.Memory(); mem != nil {
				return mem, nil
			}
		}
		return nil, fmt.Errorf("%w: the instance exports no memory %q", linmem.ErrInvalid, name)
	}
	var only *wasmtime.Memory
	for _, export := range inst.Exports(store) {
		mem := export.Memory()
		if mem != nil && only != nil && !same(store, only, mem) {
			return nil, fmt.Errorf("%w: the instance exports several memories: name one", linmem.ErrInvalid)
		}
		if mem != nil {
			only = mem
		}
	}
	if only == nil {
		return nil, fmt.Errorf("%w: the instance exports no memory", linmem.ErrInvalid)
	}
	return only, nil
}

// same reports whether two exports are one memory under two names. Empty memories may share an address without being the
// same, so they never are.
func same(store *wasmtime.Store, a, b *wasmtime.Memory) bool {
	return a.DataSize(store) > 0 && b.DataSize(store) > 0 && a.Data(store) == b.Data(store)
}

// NumPages implements [linmem.Grower], by a call through cgo.
func (m *Memory) NumPages() (pages uint64) {
	var err error
	defer catchClosed("wasmtimemem.NumPages", &err)
	return m.mem.Size(m.store)
}

// Grow implements [linmem.Grower], by a call through cgo.
func (m *Memory) Grow(delta uint64) (prev uint64, err error) {
	const op = "wasmtimemem.Grow"
	defer catchClosed(op, &err)
	prev, err = m.mem.Grow(m.store, delta)
	if err != nil {
		return 0, m.errs.GetPages(op, 0, delta, errRefused)
	}
	return prev, nil
}

// View implements [linmem.Memory], by two calls through cgo. It allocates nothing.
func (m *Memory) View(addr, n uint64) (view []byte, err error) {
	const op = "wasmtimemem.View"
	defer catchClosed(op, &err)
	return linmem.Subslice(op, m.mem.UnsafeData(m.store), addr, n)
}

// catchClosed, deferred, turns the panic of wasmtime-go on a closed store into an error. There is no other way to learn
// that a store is closed.
func catchClosed(op string, err *error) {
	switch r := recover(); r {
	case nil:
	case "object has been closed already":
		*err = &linmem.Error{Op: op, Err: linmem.ErrClosed}
	default:
		panic(r)
	}
}
