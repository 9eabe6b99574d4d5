package guest_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/linmemtest"
)

// fakePages is the size that a fake guest's memory begins with, and fakeBase its __heap_base, behind the guest's data.
const (
	fakePages = 3
	fakeBase  = linmem.PageSize + linmem.PageSize/2 + 48
)

// fake is a guest in Go over a memory of the reference. It implements guest.Instance and guest.Typed; what as makes of it
// implements the others too.
type fake struct {
	*guest.Functions
	fakeToolchain
	heap   *fakeHeap
	memory *fakeMemory
	data   fakeBlock // the guest's static data
	closed bool

	is64     bool // addresses of functions that are exported from now on
	exported map[string]guest.Function
	report   *guest.Report

	// What was done to it, in order: "grow 3" by whomever, "call malloc", "limit 7", "initialize".
	events []string

	onInitialize func(context.Context) error
	onLimit      func(maxPages uint64) error
}

// newFake returns a guest of that toolchain, which is not initialized and exports no allocator, and its report.
func newFake(tc fakeToolchain) *fake {
	f := &fake{fakeToolchain: tc, exported: map[string]guest.Function{}}
	f.memory = &fakeMemory{Memory: linmemtest.NewMemory(fakePages, 1<<16), limit: 1 << 16, fake: f}
	f.heap = &fakeHeap{mem: f.memory, base: fakeBase, first: tc.first, more: tc.more, bump: tc.bump}
	f.Functions = guest.NewFunctions("fake.Call", func() bool { return f.closed },
		func(name string) (guest.Function, bool) { fn, ok := f.exported[name]; return fn, ok })
	f.data = fakeBlock{addr: 1024, size: fakeBase - 1024, id: 99}
	if err := f.heap.write(f.data.addr, f.data.pattern()); err != nil {
		panic(err)
	}
	base := uint64(fakeBase)
	f.report = &guest.Report{
		Toolchain:  guest.Toolchain{Name: tc.made},
		Memories:   []guest.MemoryType{{Min: fakePages, PageSize: linmem.PageSize}},
		Initialize: true,
		HeapBase:   &base,
		Verdict:    tc.reported,
	}
	if tc.more != nil {
		f.report.Grows.N, f.report.Sizes.N = 1, 1
	} else {
		f.report.AllocatorImports = []guest.Import{{Module: "env", Name: "malloc"}, {Module: "env", Name: "free"}}
	}
	return f
}

func (f *fake) did(event string) { f.events = append(f.events, event) }

func (f *fake) Memory() linmem.Memory { return f.memory }

func (f *fake) Call(ctx context.Context, name string, args ...uint64) ([]uint64, error) {
	f.did("call " + name)
	return f.Functions.Call(ctx, name, args)
}

func (f *fake) HasExport(name string) bool {
	_, ok := f.exported[name]
	return !f.closed && (ok || name == "__heap_base")
}

func (f *fake) Global(name string) (uint64, bool) {
	return fakeBase, name == "__heap_base" && !f.closed
}

// initialize is what the guest's runtime does at its start.
func (f *fake) initialize(ctx context.Context) error {
	f.did("initialize")
	if f.onInitialize != nil {
		if err := f.onInitialize(ctx); err != nil {
			return err
		}
	}
	if f.start != nil {
		return f.start(f.heap)
	}
	return nil
}

// check returns what somebody else wrote over: data and blocks of the guest.
func (f *fake) check() error {
	got, err := f.memory.View(f.data.addr, f.data.size)
	if err != nil {
		return err
	}
	return errors.Join(compare("the guest's data", f.data.addr, got, f.data.pattern()), f.heap.check())
}

// nCalls returns how often the guest's function of that name was called.
func (f *fake) nCalls(name string) (n int) {
	for _, e := range f.events {
		if e == "call "+name {
			n++
		}
	}
	return n
}

// export adds a function of addresses and sizes to the guest, and to its report.
func (f *fake) export(name string, nParams, nResults int, do func(args []uint64) (uint64, error)) guest.Export {
	word, mask := guest.I32, uint64(math.MaxUint32)
	if f.is64 {
		word, mask = guest.I64, math.MaxUint64
	}
	words := func(n int) []guest.ValueType { return slices.Repeat([]guest.ValueType{word}, n) }
	e := guest.Export{Name: name, Signature: guest.Signature{Params: words(nParams), Results: words(nResults)}}
	f.exported[name] = guest.Function{
		Signature: e.Signature,
		Invoke: func(_ context.Context, args []uint64) ([]uint64, error) {
			args = slices.Clone(args)
			for i := range args {
				args[i] &= mask
			}
			result, err := do(args)
			if err != nil || nResults == 0 {
				return nil, err
			}
			return []uint64{result & mask}, nil
		},
	}
	f.report.Functions = append(f.report.Functions, e)
	return e
}

// fakeMemory is a memory that can be limited, and refuses growth where a test says so.
type fakeMemory struct {
	linmem.Memory
	limit  uint64
	fake   *fake
	refuse func(delta uint64) bool // may be nil
}

func (m *fakeMemory) Grow(delta uint64) (prev uint64, err error) {
	if m.fake.closed {
		return 0, &linmem.Error{Op: "fake.Grow", Err: linmem.ErrClosed}
	}
	size := m.NumPages()
	if delta == 0 {
		return size, nil
	}
	if delta > max(m.limit, size)-size || m.refuse != nil && m.refuse(delta) {
		return 0, &linmem.Error{Op: "fake.Grow", Size: delta * linmem.PageSize, Err: linmem.ErrOutOfMemory}
	}
	m.fake.did("grow")
	return m.Memory.Grow(delta)
}

func (m *fakeMemory) NumPages() uint64 {
	if m.fake.closed {
		return 0
	}
	return m.Memory.NumPages()
}

// What an instance is besides a guest.Instance.
type ability int

const (
	initializes ability = 1 << iota
	limits
)

type initializing struct{ *fake }

func (i initializing) Initialize(ctx context.Context) error { return i.initialize(ctx) }

type limiting struct{ *fake }

func (l limiting) LimitPages(n uint64) error { return l.limitPages(n) }

type initializingLimiting struct{ *fake }

func (i initializingLimiting) Initialize(ctx context.Context) error { return i.initialize(ctx) }
func (i initializingLimiting) LimitPages(n uint64) error            { return i.limitPages(n) }

func (f *fake) limitPages(n uint64) error {
	f.did("limit")
	if f.onLimit != nil {
		if err := f.onLimit(n); err != nil {
			return err
		}
	}
	f.memory.limit = min(n, 1<<16)
	return nil
}

// as returns the guest as an instance with these abilities. One that is no guest.Initializer is initialized now.
func (f *fake) as(t *testing.T, a ability) guest.Instance {
	t.Helper()
	if a&initializes == 0 {
		if err := f.initialize(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.events = nil
	}
	switch a {
	case 0:
		return f
	case initializes:
		return initializing{f}
	case limits:
		return limiting{f}
	}
	return initializingLimiting{f}
}

const everything = initializes | limits

var (
	_ guest.Typed       = (*fake)(nil)
	_ guest.Initializer = initializing{}
	_ guest.Limiter     = limiting{}
	_ guest.Initializer = initializingLimiting{}
	_ guest.Limiter     = initializingLimiting{}
)

// noAddress is what an sbrk that refuses returns, in as many bits as it has.
const noAddress = math.MaxUint64
