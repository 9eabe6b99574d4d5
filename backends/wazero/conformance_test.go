package wazeromem_test

import (
	"context"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/tetratelabs/wazero"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// engines are the ways to run wazero that differ in how a memory is kept or reached.
var engines = map[string]wazero.RuntimeConfig{
	"compiler":          wazero.NewRuntimeConfigCompiler(),
	"compiler-capacity": wazero.NewRuntimeConfigCompiler().WithMemoryCapacityFromMax(true),
	"interpreter":       wazero.NewRuntimeConfigInterpreter(),
}

// open instantiates a module on a runtime of its own.
func open(engine wazero.RuntimeConfig, wasm []byte) (guest.Instance, func(), error) {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, engine)
	stop := func() { _ = r.Close(ctx) }
	mod, err := r.Instantiate(ctx, wasm)
	if err != nil {
		stop()
		return nil, nil, err
	}
	inst, err := wazeromem.NewInstance(mod, "memory")
	return inst, stop, err
}

// openLimited instantiates a module whose memory comes from a Limiter.
func openLimited(engine wazero.RuntimeConfig, l *wazeromem.Limiter, wasm []byte) (guest.Instance, func(), error) {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, engine)
	stop := func() { _ = r.Close(ctx) }
	mod, err := r.Instantiate(l.Context(ctx), wasm)
	if err != nil {
		stop()
		return nil, nil, err
	}
	inst, err := wazeromem.NewUninitialized(mod, "memory", wazeromem.WithLimiter(l))
	return inst, stop, err
}

// config asks for all of a 32-bit memory only where it takes no real memory.
func config(name string) linmemtest.Config {
	engine, maxPages := engines[name], uint64(1024)
	if name == "compiler-capacity" {
		maxPages = 0
	}
	return linmemtest.Config{MaxPages: maxPages, New: func(maxPages uint64) (linmem.Memory, func(), error) {
		inst, stop, err := open(engine, linmemtest.Module(0, maxPages))
		if err != nil {
			return nil, nil, err
		}
		return linmemtest.NewGuestMemory(inst), stop, nil
	}}
}

func TestConformance(t *testing.T) {
	for name := range engines {
		t.Run(name, func(t *testing.T) { linmemtest.Run(t, config(name)) })
	}
}

func TestInstance(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			linmemtest.RunInstance(t, func(wasm []byte) (guest.Instance, func(), error) { return open(engine, wasm) })
		})
		t.Run(name+"-limited", func(t *testing.T) {
			linmemtest.RunInstance(t, func(wasm []byte) (guest.Instance, func(), error) {
				return openLimited(engine, new(wazeromem.Limiter), wasm)
			})
		})
	}
}

func BenchmarkMemory(b *testing.B) {
	for name := range engines {
		b.Run(name, func(b *testing.B) { linmemtest.RunBenchmarks(b, config(name)) })
	}
}
