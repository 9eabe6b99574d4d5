package guest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

// allocateFirst is a WithFirstAllocation for fakes of all abilities.
func allocateFirst(_ context.Context, inst guest.Instance) error {
	var f *fake
	switch inst := inst.(type) {
	case *fake:
		f = inst
	case initializing:
		f = inst.fake
	case limiting:
		f = inst.fake
	case initializingLimiting:
		f = inst.fake
	}
	f.did("first allocation")
	_, err := f.heap.malloc(16, false)
	return err
}

// refuses holds that Open fails with an UnsafeError that says what it must, and has done nothing to the guest.
func refuses(t *testing.T, f *fake, a ability, opts ...guest.OpenOption) {
	t.Helper()
	_ = refusal(t, f, a, opts...)
}

// refusal is refuses, and returns the error.
func refusal(t *testing.T, f *fake, a ability, opts ...guest.OpenOption) *guest.UnsafeError {
	t.Helper()
	inst := f.as(t, a)
	f.memory.limit = 1 << 15 // the caller's
	size := f.memory.NumPages()
	bound := false
	opts = append(opts, guest.WithBind(func(*linmem.Heap) error { bound = true; return nil }))
	g, err := guest.Open(t.Context(), inst, f.report, opts...)
	var unsafe *guest.UnsafeError
	if !errors.As(err, &unsafe) || !errors.Is(err, linmem.ErrUnsupported) || g != nil {
		t.Fatalf("Open = %v, %v, want an *UnsafeError around ErrUnsupported", g, err)
	}
	events := slices.DeleteFunc(slices.Clone(f.events), func(e string) bool { return e == "limit" })
	if len(events) > 0 || bound || f.memory.NumPages() != size {
		t.Errorf("Open refused, and yet the guest saw %v, the heap was bound: %t, pages were %d and are %d",
			events, bound, size, f.memory.NumPages())
	}
	if f.memory.limit != 1<<15 {
		t.Errorf("Open refused, and yet the limit of the memory is %d pages now, and was %d", f.memory.limit, 1<<15)
	}
	if unsafe.Toolchain.Name != f.made {
		t.Errorf("the error names toolchain %q, want %q", unsafe.Toolchain.Name, f.made)
	}
	text := err.Error()
	if f.made != "" && !strings.Contains(text, string(f.made)) {
		t.Errorf("the text does not name the toolchain %s: %s", f.made, text)
	}
	for _, r := range unsafe.Refused {
		if r.Reason == "" || !strings.Contains(text, r.Reason) || !strings.Contains(text, string(r.Strategy)) {
			t.Errorf("the text does not have the reason %q of %s: %s", r.Reason, r.Strategy, text)
		}
	}
	for _, r := range unsafe.Remedies {
		if r.How == "" || !strings.Contains(text, r.How) {
			t.Errorf("the text does not have the remedy %q: %s", r.How, text)
		}
	}
	if len(unsafe.Remedies) == 0 {
		t.Errorf("the error has no remedies: %s", text)
	}
	if strings.Contains(text, "\n") {
		t.Errorf("the error is not one line: %q", text)
	}
	return unsafe
}

// strategiesOf returns which strategies were considered, in order.
func strategiesOf(e *guest.UnsafeError) (s []guest.Strategy) {
	for _, r := range e.Refused {
		s = append(s, r.Strategy)
	}
	return s
}

// TestUnsafeError holds what it tells of refusals, for each toolchain.
func TestUnsafeError(t *testing.T) {
	for _, tc := range append(slices.Clone(fakeToolchains), importsAllocator) {
		t.Run(tc.name+"/all forbidden", func(t *testing.T) {
			f := newFake(tc)
			exportingOf("malloc").add(f)
			e := refusal(t, f, everything, guest.Forbid(guest.Arena, guest.HeapBase), guest.Forbid(guest.Grow, guest.Donate, guest.Gap))
			if got := strategiesOf(e); !slices.Equal(got, allStrategies) {
				t.Errorf("considered %v, want all of them, in order", got)
			}
			for _, r := range e.Refused {
				if !strings.Contains(r.Reason, "forbidden") {
					t.Errorf("%s is forbidden, and the reason is %q", r.Strategy, r.Reason)
				}
			}
		})
		for _, strategy := range allStrategies {
			t.Run(tc.name+"/"+string(strategy)+" forbidden and forced", func(t *testing.T) {
				f := newFake(tc)
				exportingOf("malloc").add(f)
				e := refusal(t, f, everything, guest.WithStrategy(strategy, guest.AcceptCorruption), guest.Forbid(strategy))
				if got := strategiesOf(e); !slices.Equal(got, []guest.Strategy{strategy}) {
					t.Errorf("considered %v, want %s only", got, strategy)
				}
			})
		}
	}
}

// TestUnsafeErrorRemedies holds that remedies fit the guest.
func TestUnsafeErrorRemedies(t *testing.T) {
	for _, tt := range []struct {
		name, toolchain, exports string
		opts                     []guest.OpenOption
		change                   func(*guest.Report)
		want                     map[guest.Strategy]string // part of how
	}{
		{name: "Go", toolchain: "go", want: map[guest.Strategy]string{
			guest.Arena: "//go:wasmexport", guest.Donate: "Initializer", guest.Gap: "WithGuestPages",
		}},
		{name: "TinyGo", toolchain: "tinygo", want: map[guest.Strategy]string{guest.Arena: "WithAllocator", guest.Donate: "Initializer"}},
		{
			name: "Go that is a command", toolchain: "go", change: func(r *guest.Report) { r.Initialize = false },
			want: map[guest.Strategy]string{guest.Donate: "reactor"},
		},
		{
			name: "two memories", toolchain: "rust", change: func(r *guest.Report) { r.Memories = make([]guest.MemoryType, 2) },
			want: map[guest.Strategy]string{"": "one memory"},
		},
		{
			name: "sbrk only", toolchain: "emscripten", exports: "sbrk",
			want: map[guest.Strategy]string{guest.Arena: "WithFirstAllocation"},
		},
		{name: "Emscripten", toolchain: "emscripten", want: map[guest.Strategy]string{guest.Arena: "_malloc", "": "GLOBAL_BASE"}},
		{name: "AssemblyScript", toolchain: "assemblyscript-tlsf", want: map[guest.Strategy]string{
			guest.Arena: "exportRuntime", guest.Grow: "Probe", "": "memoryBase",
		}},
		{name: "C, late only", toolchain: "wasi-libc-2022", want: map[guest.Strategy]string{
			guest.Arena: "malloc", guest.Grow: "WithFirstAllocation",
		}},
		{
			name: "an allocator is there, growth was asked for", toolchain: "emscripten", exports: "malloc",
			opts: []guest.OpenOption{guest.WithStrategy(guest.Grow)}, want: map[guest.Strategy]string{guest.Arena: ""},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(toolchainOf(tt.toolchain))
			if tt.exports != "" {
				exportingOf(tt.exports).add(f)
			}
			if tt.change != nil {
				tt.change(f.report)
			}
			e := refusal(t, f, 0, tt.opts...)
			for strategy, how := range tt.want {
				ok := slices.ContainsFunc(e.Remedies, func(r guest.Remedy) bool {
					return r.Strategy == strategy && strings.Contains(r.How, how)
				})
				if !ok {
					t.Errorf("no remedy by strategy %q with %q among %q", strategy, how, e.Remedies)
				}
			}
		})
	}
}
