package zigoracle

import (
	"context"
	"fmt"
	"testing"

	"github.com/linmem/linmem/core/guest"
	"github.com/tetratelabs/wazero"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// script makes choices by the bytes of a fuzzer's input, low byte first, and as many as the choice needs. At the end of the
// input it chooses the first of everything.
type script struct{ data []byte }

func (s *script) choose(n uint32) uint32 {
	v := uint32(0)
	for bits := 0; bits < 32 && (n-1)>>bits != 0; bits += 8 {
		if len(s.data) == 0 {
			break
		}
		v |= uint32(s.data[0]) << bits
		s.data = s.data[1:]
	}
	return v % n
}

// fuzzShapes are small, since a fuzzer makes many memories. The last one reaches past page 2,048.
var fuzzShapes = []Shape{{1, 24}, {1, 80}, {2044, 2064}}

func FuzzPageAllocator(f *testing.F) { fuzz(f, Allocators[0]) }

func FuzzAllocator(f *testing.F) { fuzz(f, Allocators[1]) }

// fuzz compares the two on the steps that an input stands for.
func fuzz(f *testing.F, a Allocator) {
	for i := range fuzzShapes {
		input := []byte{byte(i)}
		for j := range 400 {
			input = append(input, byte(j*j*7+j*i>>3))
		}
		f.Add(input)
	}
	open := newReuse(f)
	f.Fuzz(func(t *testing.T, input []byte) {
		s := &script{input}
		shape := fuzzShapes[0]
		if i := s.choose(16); i < uint32(len(fuzzShapes)) {
			shape = fuzzShapes[i]
		}
		p, stop, err := openPair(t.Context(), open, a, shape)
		if err != nil {
			t.Fatal(err)
		}
		defer stop()
		h := newHabit(s, a)
		for i := 0; len(s.data) > 0; i++ {
			if did, err := p.step(t.Context(), s, h); err != nil {
				t.Fatalf("step %d, %s: %v", i, did, err)
			}
		}
		if err := p.sameBytes(); err != nil {
			t.Fatal(err)
		}
	})
}

// newReuse returns an Open that compiles each module once.
func newReuse(tb testing.TB) Open {
	r := wazero.NewRuntime(context.Background())
	tb.Cleanup(func() { _ = r.Close(context.Background()) })
	compiled := map[string]wazero.CompiledModule{}
	return func(ctx context.Context, wasm []byte) (guest.Instance, func(), error) {
		module := compiled[string(wasm)]
		if module == nil {
			var err error
			if module, err = r.CompileModule(ctx, wasm); err != nil {
				return nil, nil, fmt.Errorf("compile: %w", err)
			}
			compiled[string(wasm)] = module
		}
		mod, err := r.InstantiateModule(ctx, module, wazero.NewModuleConfig().WithName(""))
		if err != nil {
			return nil, nil, err
		}
		stop := func() { _ = mod.Close(ctx) }
		inst, err := wazeromem.NewInstance(mod, "memory")
		if err != nil {
			stop()
			return nil, nil, err
		}
		return inst, stop, nil
	}
}
