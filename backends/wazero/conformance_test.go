package wazeromem_test

import (
	"context"
	"runtime"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/tetratelabs/wazero"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// engines are the ways to run wazero that differ in how a memory is reached. Where wazero has no compiler it is the
// interpreter.
var engines = map[string]wazero.RuntimeConfig{
	"compiler":          wazero.NewRuntimeConfig(),
	"compiler-capacity": wazero.NewRuntimeConfig().WithMemoryCapacityFromMax(true),
	"interpreter":       wazero.NewRuntimeConfigInterpreter(),
}

// needsCompiler skips what is about compiled code.
func needsCompiler(t *testing.T) {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skipf("wazero has no compiler for %s", runtime.GOARCH)
	}
}

// variant is an engine, and how it keeps memories.
type variant struct {
	engine wazero.RuntimeConfig
	stable *wazeromem.StableMemories // nil for wazero's own way
}

// variants are all that differ in how a memory is kept or reached.
func variants() map[string]variant {
	all := map[string]variant{
		"compiler-stable":    {engines["compiler"], new(wazeromem.StableMemories)},
		"interpreter-stable": {engines["interpreter"], new(wazeromem.StableMemories)},
		"compiler-fenced":    {engines["compiler"], &wazeromem.StableMemories{FenceViews: true}},
	}
	for name, engine := range engines {
		all[name] = variant{engine: engine}
	}
	return all
}

// open instantiates a module on a runtime of its own.
func (v variant) open(wasm []byte) (*wazeromem.Uninitialized, func(), error) {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, v.engine)
	stop := func() { _ = r.Close(ctx) }
	if v.stable != nil {
		ctx = v.stable.Context(ctx)
	}
	mod, err := r.Instantiate(ctx, wasm)
	if err != nil {
		stop()
		return nil, nil, err
	}
	inst, err := wazeromem.NewUninitialized(mod, "memory")
	return inst, stop, err
}

// openGuest is open as the suites want it.
func (v variant) openGuest(wasm []byte) (guest.Instance, func(), error) {
	inst, stop, err := v.open(wasm)
	if err != nil {
		return nil, nil, err
	}
	return inst, stop, nil
}

// mustOpen opens a module until the test ends.
func (v variant) mustOpen(t testing.TB, wasm []byte) *wazeromem.Uninitialized {
	t.Helper()
	inst, stop, err := v.open(wasm)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return inst
}

// config asks for all of a 32-bit memory only where it takes no real memory.
func (v variant) config(name string) linmemtest.Config {
	maxPages := uint64(1024)
	switch {
	case name == "compiler-capacity":
		maxPages = 0
	case v.stable != nil && !v.stable.FenceViews:
		maxPages = 65535 // see TestLastPage
	}
	return linmemtest.Config{MaxPages: maxPages, New: func(maxPages uint64) (linmem.Memory, func(), error) {
		inst, stop, err := v.open(linmemtest.Module(0, maxPages))
		if err != nil {
			return nil, nil, err
		}
		return linmemtest.NewGuestMemory(inst), stop, nil
	}}
}

func TestConformance(t *testing.T) {
	for name, v := range variants() {
		t.Run(name, func(t *testing.T) { linmemtest.Run(t, v.config(name)) })
	}
}

func TestInstance(t *testing.T) {
	for name, v := range variants() {
		t.Run(name, func(t *testing.T) { linmemtest.RunInstance(t, v.openGuest) })
	}
}

func BenchmarkMemory(b *testing.B) {
	for name, v := range variants() {
		if v.stable != nil && v.stable.FenceViews {
			continue // for tests
		}
		b.Run(name, func(b *testing.B) { linmemtest.RunBenchmarks(b, v.config(name)) })
	}
}
