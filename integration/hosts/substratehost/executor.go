package substratehost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"

	wazeromem "github.com/linmem/linmem/backends/wazero"
	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Executor runs the entry points of one runtime. It is for one goroutine at a time.
type Executor struct {
	runtime   wazero.Runtime
	allocator *wazeromem.Allocator
	report    *guest.Report
	mod       api.Module
	guest     *guest.Guest
}

// New instantiates a Substrate runtime.
func New(ctx context.Context, wasm []byte) (_ *Executor, err error) {
	report, err := guest.Inspect(wasm)
	if err != nil {
		return nil, err
	}
	r := wazero.NewRuntime(ctx)
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close(ctx))
		}
	}()
	env := r.NewHostModuleBuilder("env") // a whole host exports all else that runtimes import here too
	allocator := new(wazeromem.Allocator)
	if err := allocator.Export(env, guest.SubstrateImports()); err != nil {
		return nil, err
	}
	if _, err := env.Instantiate(ctx); err != nil {
		return nil, err
	}
	mod, err := r.Instantiate(ctx, wasm)
	if err != nil {
		return nil, err
	}
	e := &Executor{runtime: r, allocator: allocator, report: report, mod: mod}
	if err := e.Reset(ctx); err != nil {
		return nil, err
	}
	return e, nil
}

// Reset forgets all blocks, as Substrate's hosts do after each call: from then on another heap has all from __heap_base
// on. It is for runtimes that forget some themselves, and due after one has trapped.
func (e *Executor) Reset(ctx context.Context) error {
	inst, err := wazeromem.NewInstance(e.mod, "")
	if err != nil {
		return err
	}
	e.allocator.Unbind(e.mod)
	bind := guest.WithBind(func(h *linmem.Heap) error { return e.allocator.Bind(e.mod, h) })
	g, err := guest.Open(ctx, inst, e.report, bind)
	if err != nil {
		return err
	}
	e.guest = g
	return nil
}

// Exec calls an entry point with its SCALE-encoded arguments, and returns what it returns, SCALE-encoded too.
func (e *Executor) Exec(ctx context.Context, name string, args []byte) (result []byte, err error) {
	f := e.mod.ExportedFunction(name)
	if f == nil {
		return nil, fmt.Errorf("the runtime has no entry point %q", name)
	}
	heap := e.guest.Heap
	addr, err := heap.Put(args)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, heap.Free(addr)) }()

	results, err := f.Call(ctx, addr, uint64(len(args)))
	if err != nil {
		return nil, err
	}
	if len(results) != 1 {
		return nil, fmt.Errorf("%q is no entry point: it returns %d values, and not one i64", name, len(results))
	}
	addrOut, size := results[0]&math.MaxUint32, results[0]>>32
	if size == 0 {
		return nil, nil // the address is none either, when a runtime in Rust returns ()
	}
	// The heap knows each block: a place that is not in one, or is the middle of one, is an error here or of Free.
	view, err := heap.View(addrOut, size)
	if err != nil {
		return nil, fmt.Errorf("%q returned %d bytes at %#x: %w", name, size, addrOut, err)
	}
	return bytes.Clone(view), heap.Free(addrOut)
}

// Live returns how many blocks are allocated, by host and runtime. What is left after a call, the runtime has kept or
// forgotten.
func (e *Executor) Live() uint64 { return e.guest.Heap.Stats().Allocs }

// Verify returns an error if the runtime wrote to the canaries between its data and the heap.
func (e *Executor) Verify() error { return e.guest.Verify() }

// Close closes the runtime.
func (e *Executor) Close(ctx context.Context) error {
	return errors.Join(e.guest.Close(ctx), e.runtime.Close(ctx))
}
