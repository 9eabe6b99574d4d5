package wazeromem

import (
	"context"
	"fmt"
	"sync"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Allocator serves the allocator imports of guests, each from a heap of its own: see [guest.Imports] for what they do.
//
// A guest is instantiated first, and its heap is bound to it then; what it allocates before, as in a start section, traps.
// guest.WithBind is for this:
//
//	allocator, err := wazeromem.NewAllocator(ctx, runtime)
//	mod, err := runtime.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithStartFunctions())
//	inst, err := wazeromem.NewUninitialized(mod, "")
//	g, err := guest.Open(ctx, inst, report, guest.WithBind(func(h *linmem.Heap) error { return allocator.Bind(mod, h) }))
//
// The zero value has no host module yet: see [Allocator.Export]. All methods may be called on any goroutine at any time; a
// heap, as ever, is for that of its guest.
type Allocator struct {
	// From api.Module to *guest.Heap. BenchmarkAllocator takes 10 ns more without the pointer, for a look at the type, and 50
	// more with a lock around a map.
	heaps sync.Map
}

// NewAllocator instantiates host modules that provide these imports; without any, [guest.CImports] and
// [guest.SubstrateImports]. They are closed with the runtime. For a module of which something else provides a part, use
// [Allocator.Export].
//
// It fails with [linmem.ErrInvalid] if the imports name a function twice, or none, and with wazero's error if it has a
// module of that name already.
func NewAllocator(ctx context.Context, r wazero.Runtime, imports ...guest.Imports) (*Allocator, error) {
	const op = "wazeromem.NewAllocator"
	functions, err := guest.HostFunctions(imports...)
	if err != nil {
		return nil, &linmem.Error{Op: op, Err: err}
	}
	a := new(Allocator)
	builders := make(map[string]wazero.HostModuleBuilder)
	var names []string
	for _, f := range functions {
		if builders[f.Module] == nil {
			builders[f.Module] = r.NewHostModuleBuilder(f.Module)
			names = append(names, f.Module)
		}
		a.export(builders[f.Module], f)
	}
	var done []api.Module
	for _, name := range names {
		mod, err := builders[name].Instantiate(ctx)
		if err != nil {
			for _, mod := range done {
				_ = mod.Close(ctx) // a host module has nothing that could fail
			}
			return nil, &linmem.Error{Op: op, Err: fmt.Errorf("the host module %q: %w", name, err)}
		}
		done = append(done, mod)
	}
	return a, nil
}

// Export adds the functions of these imports, all of one module, to the host module of that name that is being built, so
// that it can have others too. Without imports they are those of [NewAllocator], of the module env.
//
// It fails with [linmem.ErrInvalid] if the imports name a function twice, or none, or several modules; the builder has got
// nothing then.
func (a *Allocator) Export(b wazero.HostModuleBuilder, imports ...guest.Imports) error {
	const op = "wazeromem.Allocator.Export"
	functions, err := guest.HostFunctions(imports...)
	if err != nil {
		return &linmem.Error{Op: op, Err: err}
	}
	for _, f := range functions {
		if first := functions[0]; f.Module != first.Module {
			return &linmem.Error{Op: op, Err: fmt.Errorf("%w: imports of the modules %q and %q: a builder builds one",
				linmem.ErrInvalid, first.Module, f.Module)}
		}
	}
	for _, f := range functions {
		a.export(b, f)
	}
	return nil
}

func (a *Allocator) export(b wazero.HostModuleBuilder, f *guest.HostFunction) {
	serve := func(_ context.Context, caller api.Module, stack []uint64) {
		var heap guest.Heap
		if bound, ok := a.heaps.Load(caller); ok {
			heap = *bound.(*guest.Heap)
		}
		var args [2]uint64
		copy(args[:], stack)
		result, err := f.Call(heap, args)
		if err != nil {
			panic(err) // how a wazero host function traps
		}
		if len(f.Results) > 0 {
			stack[0] = result
		}
	}
	b.NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(serve), apiTypes(f.Params), apiTypes(f.Results)).
		WithName(f.Name).
		Export(f.Name)
}

// Bind has the functions that mod calls be served from heap, until [Allocator.Unbind]. The heap must be one of the module's
// own memory, and mod what instantiating the guest has returned.
//
// It fails with [linmem.ErrInvalid] if either is nil or mod has a heap already, and with [linmem.ErrClosed] if mod is
// closed.
func (a *Allocator) Bind(mod api.Module, heap guest.Heap) error {
	const op = "wazeromem.Allocator.Bind"
	switch {
	case mod == nil || heap == nil:
		return &linmem.Error{Op: op, Err: fmt.Errorf("%w: the module or the heap is nil", linmem.ErrInvalid)}
	case mod.IsClosed():
		return &linmem.Error{Op: op, Err: linmem.ErrClosed}
	}
	if _, bound := a.heaps.LoadOrStore(mod, &heap); bound {
		return &linmem.Error{Op: op, Err: fmt.Errorf("%w: the module has a heap already: Unbind it first", linmem.ErrInvalid)}
	}
	return nil
}

// Unbind forgets the heap of mod, whose calls trap from then on. It is due once the guest is closed: as long as a module is
// bound, the Allocator keeps it and its heap from the collector. It does nothing for one that is not.
func (a *Allocator) Unbind(mod api.Module) { a.heaps.Delete(mod) }

// apiTypes is valueTypes the other way.
func apiTypes(types []guest.ValueType) (converted []api.ValueType) {
	for _, t := range types {
		converted = append(converted, api.ValueType(t))
	}
	return converted
}
