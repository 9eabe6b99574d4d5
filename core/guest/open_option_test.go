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

// TestOpenRefusesArguments holds what Open says of arguments that are never right. Nothing is done to the guest.
func TestOpenRefusesArguments(t *testing.T) {
	withMalloc := func() *fake {
		f := newFake(toolchainOf("rust"))
		exportingOf("malloc").add(f)
		f.export("float", 1, 1, nil)
		f.report.Functions[2].Params[0] = guest.F32
		f.export("nothing", 0, 1, nil)
		f.export("three", 3, 1, nil)
		f.export("silent", 1, 0, nil)
		f.export("free4", 4, 0, nil)
		f.export("free-and-tell", 1, 1, nil)
		f.export("sbrk", 2, 1, nil)
		f.export("cabi_realloc", 3, 1, nil)
		f.export("__new", 1, 1, nil)
		return f
	}
	for name, tt := range map[string]struct {
		opts  []guest.OpenOption
		names string // what the error must name
	}{
		"a strategy that is none":           {[]guest.OpenOption{guest.WithStrategy("teleport")}, "teleport"},
		"and is accepted":                   {[]guest.OpenOption{guest.WithStrategy("teleport", guest.AcceptCorruption)}, "teleport"},
		"a strategy to forbid that is none": {[]guest.OpenOption{guest.Forbid(guest.Grow, "Arena")}, "Arena"},
		"no such allocator":                 {[]guest.OpenOption{guest.WithAllocator("grab", "free")}, "grab"},
		"no such free":                      {[]guest.OpenOption{guest.WithAllocator("malloc", "drop")}, "drop"},
		"an allocator of floats":            {[]guest.OpenOption{guest.WithAllocator("float", "free")}, "float"},
		"an allocator of nothing":           {[]guest.OpenOption{guest.WithAllocator("nothing", "free")}, "nothing"},
		"an allocator of three":             {[]guest.OpenOption{guest.WithAllocator("three", "free")}, "three"},
		"an allocator without a result":     {[]guest.OpenOption{guest.WithAllocator("silent", "free")}, "silent"},
		"a free of four":                    {[]guest.OpenOption{guest.WithAllocator("malloc", "free4")}, "free4"},
		"a free with a result":              {[]guest.OpenOption{guest.WithAllocator("malloc", "free-and-tell")}, "free-and-tell"},
		"an sbrk of two":                    {[]guest.OpenOption{guest.WithAllocator("sbrk", "")}, "sbrk"},
		"a cabi_realloc of three":           {[]guest.OpenOption{guest.WithAllocator("cabi_realloc", "")}, "cabi_realloc"},
		"a __new of one":                    {[]guest.OpenOption{guest.WithAllocator("__new", "")}, "__new"},
	} {
		t.Run(name, func(t *testing.T) {
			f := withMalloc()
			g, err := guest.Open(t.Context(), f.as(t, everything), f.report, tt.opts...)
			var e *linmem.Error
			if g != nil || !errors.As(err, &e) || !errors.Is(err, linmem.ErrInvalid) || !strings.Contains(err.Error(), tt.names) {
				t.Errorf("Open = %v, %v, want ErrInvalid that names %s", g, err, tt.names)
			}
			if len(f.events) > 0 {
				t.Errorf("the guest saw %v", f.events)
			}
		})
	}
	for name, open := range map[string]func(f *fake) (*guest.Guest, error){
		"no instance": func(f *fake) (*guest.Guest, error) { return guest.Open(t.Context(), nil, f.report) },
		"no report":   func(f *fake) (*guest.Guest, error) { return guest.Open(t.Context(), f, nil) },
		"no memory":   func(f *fake) (*guest.Guest, error) { return guest.Open(t.Context(), memoryless{f}, f.report) },
	} {
		t.Run(name, func(t *testing.T) {
			if g, err := open(withMalloc()); g != nil || !errors.Is(err, linmem.ErrInvalid) {
				t.Errorf("Open = %v, %v, want ErrInvalid", g, err)
			}
		})
	}
}

type memoryless struct{ *fake }

func (memoryless) Memory() linmem.Memory { return nil }

// TestOpenNilOptions holds that options which are nil, or say nothing, change nothing.
func TestOpenNilOptions(t *testing.T) {
	f := newFake(toolchainOf("rust"))
	exportingOf("malloc").add(f)
	s := openScene(t, f, everything, nil, guest.WithVerdict(nil), guest.Forbid(), guest.WithHeapOptions(), guest.WithHeapOptions(nil),
		guest.WithFirstAllocation(nil), guest.WithBind(nil), guest.WithStrategy(""), guest.WithAllocator("", ""))
	holdsSafe(t, s, guest.Arena)
}

// TestWithVerdict holds what the report and a probe together decide.
func TestWithVerdict(t *testing.T) {
	const undecided, tolerates, corrupts = guest.Undecided, guest.Tolerates, guest.Corrupts
	for _, tt := range []struct {
		name             string
		reported, probed guest.Verdict
		opens            bool
	}{
		{"both undecided", outcomes(undecided, undecided), outcomes(undecided, undecided), false},
		{"probed", outcomes(undecided, undecided), outcomes(tolerates, tolerates), true},
		{"probed late", outcomes(undecided, undecided), outcomes(tolerates, corrupts), false},
		{"probed early", outcomes(undecided, undecided), outcomes(corrupts, tolerates), false},
		{"one each", outcomes(tolerates, undecided), outcomes(undecided, tolerates), true},
		{"the other each", outcomes(undecided, tolerates), outcomes(tolerates, undecided), true},
		{"probed undecided", outcomes(tolerates, tolerates), outcomes(undecided, undecided), true},
		{"reported to corrupt, probed to tolerate", outcomes(corrupts, corrupts), outcomes(tolerates, tolerates), false},
		{"reported to corrupt late, probed to tolerate", outcomes(corrupts, tolerates), outcomes(tolerates, tolerates), false},
		{"reported to tolerate, probed to corrupt", outcomes(tolerates, tolerates), outcomes(corrupts, corrupts), false},
		{"reported to tolerate, probed to corrupt early", outcomes(tolerates, tolerates), outcomes(tolerates, corrupts), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tc := toolchainOf("rust")
			tc.reported = tt.reported
			f := newFake(tc)
			if !tt.opens {
				refuses(t, f, everything, guest.WithVerdict(&tt.probed))
				return
			}
			s := openScene(t, f, everything, guest.WithVerdict(&tt.probed))
			holdsSafe(t, s, guest.Grow)
		})
	}
}

// TestWithAllocator holds how functions of one's own are called, and that they come before others.
func TestWithAllocator(t *testing.T) {
	for _, tt := range []struct {
		alloc, free   string
		nAlloc, nFree int
		convention    guest.Convention
		frees         bool
	}{
		{"grab", "drop", 1, 1, guest.Malloc, true},
		{"grab", "drop", 1, 2, guest.Malloc, true},
		{"grab", "drop", 2, 3, guest.Malloc, true},
		{"grab", "", 1, 1, guest.Malloc, false},
		{"malloc", "free", 1, 1, guest.Malloc, true},
		{"malloc", "drop", 1, 2, guest.Malloc, true},
		{"__wbindgen_malloc", "__wbindgen_free", 2, 3, guest.Malloc, true},
	} {
		t.Run(tt.alloc+"/"+tt.free, func(t *testing.T) {
			f := newFake(toolchainOf("go"))
			exportingOf("allocate").add(f)
			f.exportAlloc(tt.alloc, tt.nAlloc)
			if tt.free != "" {
				f.exportFree(tt.free, tt.nFree)
			}
			s := openScene(t, f, everything, guest.WithAllocator(tt.alloc, tt.free))
			a := s.g.Plan.Allocator
			if a == nil || a.Convention != tt.convention || a.Alloc.Name != tt.alloc || a.Free.Name != tt.free {
				t.Fatalf("the plan has allocator %+v", a)
			}
			holdsSafe(t, s, guest.Arena)
			if n := f.nCalls("allocate"); n > 0 {
				t.Errorf("the known allocator was called %d times", n)
			}
			if left := f.heap.nLent(); tt.frees == (left > 0) {
				t.Errorf("%d regions are left", left)
			}
		})
	}
	t.Run("AssemblyScript's names", func(t *testing.T) {
		f := newFake(toolchainOf("assemblyscript-tlsf"))
		f.exportRuntime()
		f.report.Allocators = nil
		s := openScene(t, f, everything, guest.WithAllocator("__new", "__unpin"))
		if s.g.Plan.Allocator.Convention != guest.AssemblyScriptRuntime || f.nCalls("__pin") == 0 {
			t.Errorf("not by AssemblyScript's convention: %+v, calls %v", s.g.Plan.Allocator, f.events)
		}
		holdsSafe(t, s, guest.Arena)
	})
}

// TestForced holds strategies that cannot be followed at all, whatever was acknowledged: an error, and no panic.
func TestForced(t *testing.T) {
	for _, tt := range []struct {
		strategy  guest.Strategy
		abilities ability
		change    func(*fake)
	}{
		{guest.Arena, everything, func(*fake) {}},
		{guest.HeapBase, everything, func(f *fake) { f.report.HeapBase = nil }},
		{guest.Donate, initializes, func(*fake) {}},
		{guest.Donate, 0, func(*fake) {}},
	} {
		t.Run(string(tt.strategy), func(t *testing.T) {
			f := newFake(toolchainOf("emscripten"))
			tt.change(f)
			defer func() {
				if r := recover(); r != nil {
					t.Errorf("Open panics: %v", r)
				}
			}()
			g, err := guest.Open(t.Context(), f.as(t, tt.abilities), f.report, guest.WithStrategy(tt.strategy, guest.AcceptCorruption))
			if err == nil || g != nil {
				t.Errorf("Open = %v, %v, want an error", g, err)
			}
		})
	}
	t.Run("a safe one is not unsafe for being accepted", func(t *testing.T) {
		s := openScene(t, newFake(toolchainOf("rust")), everything, guest.WithStrategy(guest.Grow, guest.AcceptCorruption))
		if s.g.Plan.Unsafe {
			t.Error("the plan says that it is unsafe")
		}
	})
	t.Run("other acknowledgements are none", func(t *testing.T) {
		refuses(t, newFake(toolchainOf("emscripten")), everything, guest.WithStrategy(guest.Grow, 0, 2))
	})
	t.Run("a donation that could not be frozen", func(t *testing.T) {
		f := newFake(toolchainOf("go"))
		f.onLimit = func(uint64) error { return linmem.ErrUnsupported }
		s := openScene(t, f, everything, guest.WithStrategy(guest.Donate, guest.AcceptCorruption))
		if i := slices.IndexFunc(s.g.Plan.Steps, func(s string) bool { return strings.HasPrefix(s, "froze") }); i >= 0 {
			t.Errorf("the plan says %q, which failed", s.g.Plan.Steps[i])
		}
	})
	t.Run("a gap that could not be limited", func(t *testing.T) {
		f := newFake(toolchainOf("emscripten"))
		f.onLimit = func(uint64) error { return linmem.ErrUnsupported }
		s := openScene(t, f, everything, guest.WithStrategy(guest.Gap, guest.AcceptCorruption))
		if i := slices.IndexFunc(s.g.Plan.Steps, func(s string) bool { return strings.HasPrefix(s, "limited") }); i >= 0 {
			t.Errorf("the plan says %q, which failed", s.g.Plan.Steps[i])
		}
	})
}

// TestWithAllocatorThatOnlyFrees holds that a name to free with and none to allocate with is a mistake.
func TestWithAllocatorThatOnlyFrees(t *testing.T) {
	f := newFake(toolchainOf("rust"))
	if _, err := guest.Open(context.Background(), f.as(t, everything), f.report, guest.WithAllocator("", "free")); !errors.Is(err, linmem.ErrInvalid) {
		t.Errorf("Open: %v, want ErrInvalid", err)
	}
}
