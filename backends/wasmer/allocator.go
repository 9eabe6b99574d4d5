//go:build cgo && (linux || darwin)

package wasmermem

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/wasmerio/wasmer-go/wasmer"
)

// Allocator serves the allocator imports of one guest from a heap: see [guest.Imports] for what they do. wasmer-go does not
// tell a host function who calls, so each instance needs an Allocator of its own: see [Allocator.Clone]. Like the instance,
// it is for one goroutine at a time.
//
// A guest is instantiated first, and its heap is bound to it then; what it allocates before, as in a start section, traps.
// guest.WithBind is for this:
//
//	allocator, err := wasmermem.NewAllocator(store)
//	allocator.Register(importObject)
//	instance, err := wasmer.NewInstance(module, importObject)
//	inst, err := wasmermem.NewUninitialized(instance, "")
//	g, err := guest.Open(ctx, inst, report, guest.WithBind(func(h *linmem.Heap) error { return allocator.Bind(h) }))
//
// # The gate
//
// Between the guest and the host is a small wasm module of this package, the gate. The guest's calls go to it; it leaves
// the arguments in a memory of its own, and calls a host function without arguments or results; and it is the gate that
// traps, by the instruction unreachable. For a host function of wasmer-go 1.0.4 must neither return an error, which is
// freed twice at the next collection (https://github.com/wasmerio/wasmer-go/issues/291), nor have arguments or results, of
// which each call leaks 40 bytes of C memory and more. It is faster too. BenchmarkAllocator has the figures.
type Allocator struct {
	compiled
	served *served
	gate   *wasmer.Instance
}

// compiled is what Allocators of the same imports share.
type compiled struct {
	store     *wasmer.Store
	functions []*guest.HostFunction // the exports "0", "1" and so on of the gate
	module    *wasmer.Module
}

// served is what the host functions know. wasmer-go keeps them from the collector until the gate, which has them as imports,
// is collected; so they must not keep that.
type served struct {
	heap guest.Heap
	err  error // of the last call that has trapped

	nTraps uint64
	page   []byte // of the gate, which has it for life; it does not move
}

// Where the gate and the host leave things for each other, in bytes.
const (
	gateFirst  = 0 // argument, and result
	gateSecond = 8
	gateTraps  = 16 // whether to trap
	gateEnd    = 24
)

// NewAllocator returns functions that provide these imports; without any, [guest.CImports] and [guest.SubstrateImports]. It
// compiles the gate, which takes a millisecond or two, and memory that stays with the store: for more instances, see
// [Allocator.Clone].
//
// It fails with [linmem.ErrInvalid] if the store is nil, or the imports name a function twice, or none; and with wasmer's
// error if it cannot compile or instantiate the gate.
func NewAllocator(store *wasmer.Store, imports ...guest.Imports) (*Allocator, error) {
	fail := func(err error) (*Allocator, error) {
		return nil, &linmem.Error{Op: "wasmermem.NewAllocator", Err: err}
	}
	if store == nil {
		return fail(fmt.Errorf("%w: the store is nil", linmem.ErrInvalid))
	}
	functions, err := guest.HostFunctions(imports...)
	if err != nil {
		return fail(err)
	}
	module, err := wasmer.NewModule(store, []byte(gate(functions)))
	if err != nil {
		return fail(err)
	}
	a, err := compiled{store, functions, module}.instantiate()
	if err != nil {
		return fail(err)
	}
	return a, nil
}

// Clone returns an Allocator of the same imports for another instance, without a heap. It compiles nothing. It fails with
// wasmer's error if it cannot instantiate the gate.
func (a *Allocator) Clone() (*Allocator, error) {
	clone, err := a.instantiate()
	if err != nil {
		return nil, &linmem.Error{Op: "wasmermem.Allocator.Clone", Err: err}
	}
	return clone, nil
}

func (c compiled) instantiate() (*Allocator, error) {
	a := &Allocator{compiled: c, served: new(served)}
	nothing := wasmer.NewFunctionType(wasmer.NewValueTypes(), wasmer.NewValueTypes())
	host := make(map[string]wasmer.IntoExtern)
	for i, f := range c.functions {
		host[strconv.Itoa(i)] = wasmer.NewFunction(c.store, nothing, a.served.server(f))
	}
	object := wasmer.NewImportObject()
	object.Register("host", host)
	var err error
	if a.gate, err = wasmer.NewInstance(c.module, object); err != nil {
		return nil, err
	}
	memory, err := a.gate.Exports.GetMemory("memory")
	if err != nil {
		return nil, err
	}
	a.served.page = memory.Data()[:gateEnd]
	return a, nil
}

// gate returns a module with an export for each function, by its number, which has it done by an import of the same number.
func gate(functions []*guest.HostFunction) string {
	var imports, exports strings.Builder
	for i, f := range functions {
		fmt.Fprintf(&imports, "(import \"host\" \"%d\" (func $%d))\n", i, i)
		fmt.Fprintf(&exports, "(func (export \"%d\")", i)
		for _, t := range f.Params {
			fmt.Fprintf(&exports, " (param %v)", t)
		}
		for _, t := range f.Results {
			fmt.Fprintf(&exports, " (result %v)", t)
		}
		for n, t := range f.Params {
			fmt.Fprintf(&exports, " (%v.store (i32.const %d) (local.get %d))", t, gateFirst+n*gateSecond, n)
		}
		fmt.Fprintf(&exports, " (call $%d) (if (i32.load (i32.const %d)) (then (unreachable)))", i, gateTraps)
		for _, t := range f.Results {
			fmt.Fprintf(&exports, " (%v.load (i32.const %d))", t, gateFirst)
		}
		exports.WriteString(")\n")
	}
	return "(module\n" + imports.String() + "(memory (export \"memory\") 1 1)\n" + exports.String() + ")"
}

// server returns a function as wasmer-go wants it, for the gate.
func (s *served) server(f *guest.HostFunction) func([]wasmer.Value) ([]wasmer.Value, error) {
	return func([]wasmer.Value) ([]wasmer.Value, error) {
		result, err := f.Call(s.heap, [2]uint64{
			binary.LittleEndian.Uint64(s.page[gateFirst:]),
			binary.LittleEndian.Uint64(s.page[gateSecond:]),
		})
		binary.LittleEndian.PutUint64(s.page[gateFirst:], result)
		s.page[gateTraps] = 0
		if err != nil {
			s.page[gateTraps] = 1
			s.err = err
			s.nTraps++
		}
		return nil, nil
	}
}

// Register adds the functions to what a guest is instantiated with. An instance that is made with it keeps the Allocator's
// gate; no second one may be made with it, for it would allocate from the first one's heap.
func (a *Allocator) Register(object *wasmer.ImportObject) error {
	for i, f := range a.functions {
		exported, err := a.gate.Exports.GetRawFunction(strconv.Itoa(i))
		if err != nil {
			return &linmem.Error{Op: "wasmermem.Allocator.Register", Err: err}
		}
		object.Register(f.Module, map[string]wasmer.IntoExtern{f.Name: gateFunction{exported, a.gate}})
	}
	return nil
}

// gateFunction keeps the gate from the collector as long as the import object that it is in, and so the instance.
type gateFunction struct {
	*wasmer.Function
	gate *wasmer.Instance
}

// Bind has the functions be served from heap, until [Allocator.Unbind]. The heap must be one of the guest's own memory.
//
// It fails with [linmem.ErrInvalid] if the heap is nil, or there is one already.
func (a *Allocator) Bind(heap guest.Heap) error {
	const op = "wasmermem.Allocator.Bind"
	switch {
	case heap == nil:
		return &linmem.Error{Op: op, Err: fmt.Errorf("%w: the heap is nil", linmem.ErrInvalid)}
	case a.served.heap != nil:
		return &linmem.Error{Op: op, Err: fmt.Errorf("%w: there is a heap already: Unbind it first, or Clone the Allocator "+
			"for another instance", linmem.ErrInvalid)}
	}
	a.served.heap = heap
	return nil
}

// Unbind forgets the heap; calls trap from then on. It is due once the guest is not used any more: as long as there is a
// heap, neither it nor the instance is collected. It does nothing if there is none.
func (a *Allocator) Unbind() { a.served.heap = nil }

// Err returns why a call has trapped most recently, and nil if none has. wasmer's error says no more than "unreachable";
// that of [Instance.Call] has both, with [WithAllocator].
func (a *Allocator) Err() error { return a.served.err }
