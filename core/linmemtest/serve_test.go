package linmemtest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/linmemtest"
)

// fakeServed is an instance of a linmemtest.AllocatorModule without a runtime: its exports call the host's functions.
type fakeServed struct {
	mistakes
	mem       linmem.Memory
	functions map[string]*guest.HostFunction // by the guest's exports
	heap      guest.Heap
	first     uint64
}

// mistakes are what a backend can do wrong in the service of imports, in place of what is right where they are not nil.
type mistakes struct {
	serve   func(f *guest.HostFunction, h guest.Heap, args [2]uint64) (uint64, error)
	bind    func(f *fakeServed, h guest.Heap) error
	unbind  func(f *fakeServed)
	provide func(imports []guest.Imports) []guest.Imports
	another func(f *fakeServed) *fakeServed
}

func (m mistakes) open(wasm []byte, imports ...guest.Imports) (served linmemtest.Served, err error) {
	if m.provide != nil {
		imports = m.provide(imports)
	}
	if _, err := guest.HostFunctions(imports...); err != nil {
		return served, err
	}
	if len(imports) == 0 {
		imports = []guest.Imports{guest.CImports(), guest.SubstrateImports()}
	}
	for _, i := range imports {
		if bytes.Equal(wasm, linmemtest.AllocatorModule(i)) {
			return m.instantiate(i), nil
		}
	}
	return served, errors.New("the module imports what the host does not provide")
}

func (m mistakes) instantiate(imports guest.Imports) linmemtest.Served {
	f := &fakeServed{mistakes: m, mem: linmemtest.NewMemory(2, 9), functions: map[string]*guest.HostFunction{}}
	functions, _ := guest.HostFunctions(imports) // open has looked at the error
	exports := map[string]string{
		imports.Malloc: "call_malloc", imports.Calloc: "call_calloc", imports.Realloc: "call_realloc",
		imports.Free: "call_free", imports.AlignedAlloc: "call_aligned_alloc",
	}
	for _, function := range functions {
		f.functions[exports[function.Name]] = function
	}
	return f.served(func() (linmemtest.Served, error) {
		if m.another != nil {
			return m.another(f).served(nil), nil
		}
		return m.instantiate(imports), nil
	})
}

func (f *fakeServed) served(another func() (linmemtest.Served, error)) linmemtest.Served {
	return linmemtest.Served{Instance: f, Bind: f.Bind, Unbind: f.Unbind, Another: another}
}

func (f *fakeServed) Bind(h guest.Heap) error {
	if f.bind != nil {
		return f.bind(f, h)
	}
	if h == nil || f.heap != nil {
		return linmem.ErrInvalid
	}
	f.heap = h
	return nil
}

func (f *fakeServed) Unbind() {
	if f.unbind != nil {
		f.unbind(f)
		return
	}
	f.heap = nil
}

func (f *fakeServed) Memory() linmem.Memory { return f.mem }

func (f *fakeServed) Call(_ context.Context, name string, args ...uint64) ([]uint64, error) {
	function := f.functions[name]
	if function == nil {
		return nil, fmt.Errorf("%w: no function %q", linmem.ErrInvalid, name)
	}
	var both [2]uint64
	copy(both[:], args)
	serve := f.serve
	if serve == nil {
		serve = (*guest.HostFunction).Call
	}
	result, err := serve(function, f.heap, both)
	return []uint64{result}, err
}

func (f *fakeServed) Initialize(ctx context.Context) error {
	results, err := f.Call(ctx, "call_malloc", 64)
	if err == nil {
		f.first = results[0]
	}
	return err
}

func (f *fakeServed) HasExport(name string) bool { return f.functions[name] != nil }

func (f *fakeServed) Global(name string) (uint64, bool) {
	switch name {
	case "__heap_base":
		return 1024, true
	case "first":
		return f.first, true
	}
	return 0, false
}

func TestAllocatorReference(t *testing.T) { linmemtest.RunAllocator(t, mistakes{}.open) }

// TestAllocatorMistakes shows that each rule catches a backend that breaks it.
func TestAllocatorMistakes(t *testing.T) {
	call := (*guest.HostFunction).Call
	// onlyOf is a mistake in the functions of that name.
	onlyOf := func(name string, wrong func(*guest.HostFunction, guest.Heap, [2]uint64) (uint64, error)) mistakes {
		return mistakes{serve: func(f *guest.HostFunction, h guest.Heap, args [2]uint64) (uint64, error) {
			if f.Name == name {
				return wrong(f, h, args)
			}
			return call(f, h, args)
		}}
	}
	for _, tt := range []struct {
		name    string
		caught  string // a case that must report it
		mistake mistakes
	}{
		{"blocks aligned to 8 bytes", "aligned", onlyOf("malloc", func(f *guest.HostFunction, h guest.Heap, args [2]uint64) (uint64, error) {
			addr, err := call(f, h, args)
			return addr + 8, err
		})},
		{"size and alignment swapped", "aligned", onlyOf("aligned_alloc", func(f *guest.HostFunction, h guest.Heap, args [2]uint64) (uint64, error) {
			return call(f, h, [2]uint64{args[1], args[0]})
		})},
		{"calloc of one item", "calloc", onlyOf("calloc", func(f *guest.HostFunction, h guest.Heap, args [2]uint64) (uint64, error) {
			return call(f, h, [2]uint64{1, args[1]})
		})},
		{"calloc that multiplies in 32 bits", "no-memory", onlyOf("calloc", func(f *guest.HostFunction, h guest.Heap, args [2]uint64) (uint64, error) {
			return call(f, h, [2]uint64{1, uint64(uint32(args[0] * args[1]))})
		})},
		{"realloc without the contents", "realloc", onlyOf("realloc", func(_ *guest.HostFunction, h guest.Heap, args [2]uint64) (uint64, error) {
			addr, err := h.Alloc(max(args[1], 16))
			if err == nil && args[0] != 0 {
				err = h.Free(args[0])
			}
			return addr, err
		})},
		{"free of 0 traps", "free-of-0", onlyOf("free", func(_ *guest.HostFunction, h guest.Heap, args [2]uint64) (uint64, error) {
			return 0, h.Free(args[0])
		})},
		{"no memory traps", "no-memory", onlyOf("malloc", func(_ *guest.HostFunction, h guest.Heap, args [2]uint64) (uint64, error) {
			return h.Alloc(args[0])
		})},
		{"what traps is 0", "no-memory-without-null", mistakes{serve: func(f *guest.HostFunction, h guest.Heap, args [2]uint64) (uint64, error) {
			result, err := call(f, h, args)
			if errors.Is(err, linmem.ErrOutOfMemory) {
				err = nil
			}
			return result, err
		}}},
		{"bad free goes unnoticed", "bad-free", onlyOf("free", func(f *guest.HostFunction, h guest.Heap, args [2]uint64) (uint64, error) {
			_, _ = call(f, h, args)
			return 0, nil
		})},
		{"bad realloc is 0", "bad-realloc", onlyOf("realloc", func(f *guest.HostFunction, h guest.Heap, args [2]uint64) (uint64, error) {
			result, _ := call(f, h, args)
			return result, nil
		})},
		{"trap without a reason", "bad-free", mistakes{serve: func(f *guest.HostFunction, h guest.Heap, args [2]uint64) (uint64, error) {
			result, err := call(f, h, args)
			if err != nil {
				err = linmem.ErrNotAllocated
			}
			return result, err
		}}},
		{"trap that keeps the text alone", "bad-realloc", mistakes{serve: func(f *guest.HostFunction, h guest.Heap, args [2]uint64) (uint64, error) {
			result, err := call(f, h, args)
			if err != nil {
				err = errors.New(err.Error())
			}
			return result, err
		}}},
		{"no heap is no memory", "before-bind", mistakes{serve: func(f *guest.HostFunction, h guest.Heap, args [2]uint64) (uint64, error) {
			if h == nil {
				return 0, nil
			}
			return call(f, h, args)
		}}},
		{"no heap panics", "before-bind", onlyOf("malloc", func(_ *guest.HostFunction, h guest.Heap, args [2]uint64) (uint64, error) {
			return h.Alloc(args[0])
		})},
		{"the last bound counts", "bind-refuses", mistakes{bind: func(f *fakeServed, h guest.Heap) error { f.heap = h; return nil }}},
		{"bound for good", "unbind", mistakes{unbind: func(*fakeServed) {}}},
		{"one heap for all", "several-instances", mistakes{another: func(f *fakeServed) *fakeServed { return f }}},
		{"bound too late", "open", mistakes{bind: func(*fakeServed, guest.Heap) error { return nil }}},
		{"64 bits cut to 32", "64-bit", mistakes{serve: func(f *guest.HostFunction, h guest.Heap, args [2]uint64) (uint64, error) {
			return call(f, h, [2]uint64{uint64(uint32(args[0])), uint64(uint32(args[1]))})
		}}},
		{"names that are not served", "names-own", mistakes{provide: func([]guest.Imports) []guest.Imports { return nil }}},
		{"the first module alone", "names-of-two-modules", mistakes{provide: func(imports []guest.Imports) []guest.Imports {
			return imports[:min(len(imports), 1)]
		}}},
		{"C alone by default", "names-substrate-by-default", mistakes{provide: func(imports []guest.Imports) []guest.Imports {
			if len(imports) == 0 {
				return []guest.Imports{guest.CImports()}
			}
			return imports
		}}},
		{"imports that are not looked at", "refuses-imports", mistakes{provide: func(imports []guest.Imports) []guest.Imports {
			if len(imports) == 1 && imports[0].Malloc == "" {
				return nil
			}
			return imports
		}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := linmemtest.CheckAllocator(tt.mistake.open)
			if err == nil {
				t.Fatal("the suite found nothing")
			}
			if !strings.Contains("\n"+err.Error(), "\n"+tt.caught+": ") {
				t.Errorf("%s did not report it; the suite found:\n%v", tt.caught, err)
			}
		})
	}
}
