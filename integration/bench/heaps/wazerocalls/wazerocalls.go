// Package wazerocalls calls guests in wazero's quickest way, CallWithStack, which allocates nothing.
package wazerocalls

import (
	"context"
	"fmt"
	"math"

	"github.com/linmem/linmem/integration/bench/heaps"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// Runtime is wazero as it is by default: its compiler, where the platform has it.
func Runtime() heaps.Runtime { return heaps.Runtime{Name: "wazero", Open: open} }

func open(ctx context.Context, wasm []byte) (*heaps.Guest, error) {
	r := wazero.NewRuntime(ctx)
	guest, err := instantiate(ctx, r, wasm)
	if err != nil {
		_ = r.Close(ctx)
	}
	return guest, err
}

func instantiate(ctx context.Context, r wazero.Runtime, wasm []byte) (*heaps.Guest, error) {
	mod, err := r.Instantiate(ctx, wasm)
	if err != nil {
		return nil, err
	}
	m, err := wazeromem.New(mod, "")
	if err != nil {
		return nil, err
	}
	return &heaps.Guest{
		Memory: m,
		Func:   func(name string, params int) (heaps.Func, error) { return function(ctx, mod, name, params) },
		Close:  func() error { return r.Close(ctx) },
	}, nil
}

func function(ctx context.Context, mod api.Module, name string, params int) (heaps.Func, error) {
	f := mod.ExportedFunction(name)
	if f == nil || len(f.Definition().ParamTypes()) != params {
		return nil, fmt.Errorf("the guest exports no function %q of %d parameters", name, params)
	}
	results := f.Definition().ResultTypes()
	mask := uint64(math.MaxUint64)
	if len(results) > 0 && results[0] == api.ValueTypeI32 {
		mask = math.MaxUint32 // wazero leaves what was there in the upper half
	}
	n := max(params, len(results))
	return func(args *heaps.Args) error {
		err := f.CallWithStack(ctx, args[:n])
		args[0] &= mask
		return err
	}, nil
}
