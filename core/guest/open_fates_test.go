package guest_test

import (
	"errors"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

var allStrategies = []guest.Strategy{guest.Arena, guest.HeapBase, guest.Grow, guest.Donate, guest.Gap}

// optionsFor is what a caller passes who has the guest probed, or knows how to have it allocate.
func optionsFor(tc fakeToolchain, s guest.Strategy) []guest.OpenOption {
	opts := []guest.OpenOption{guest.WithStrategy(s)}
	if s == guest.Grow {
		opts = append(opts, guest.WithVerdict(&tc.probed), guest.WithFirstAllocation(allocateFirst))
	}
	if tc.more == nil {
		opts = append(opts, guest.WithHostPages(4*scenePages)) // what the guest allocates is the host's
	}
	return opts
}

// TestOpenFates holds what Open says of each strategy for each toolchain to what becomes of host and guest.
func TestOpenFates(t *testing.T) {
	for _, tc := range append(slices.Clone(fakeToolchains), importsAllocator) {
		for _, strategy := range allStrategies {
			what, ok := tc.fates[strategy]
			if !ok || strategy == guest.Arena {
				continue // TestOpenArena
			}
			t.Run(tc.name+"/"+string(strategy)+"/"+what.String(), func(t *testing.T) {
				if what == safe {
					s := openScene(t, newFake(tc), everything, optionsFor(tc, strategy)...)
					holdsSafe(t, s, strategy)
					return
				}
				f := newFake(tc)
				refuses(t, f, everything, optionsFor(tc, strategy)...)
				f = newFake(tc)
				s := openScene(t, f, everything, append(optionsFor(tc, strategy), guest.WithStrategy(strategy, guest.AcceptCorruption))...)
				if !s.g.Plan.Unsafe {
					t.Errorf("the plan does not say that it is unsafe: %v", s.g.Plan)
				}
				noticed, suffered := s.play(1<<20, 8<<20)
				t.Logf("noticed by the host: %v; suffered by the guest: %v", noticed, suffered)
				if what == cautious && (noticed != nil || suffered != nil) {
					t.Error("the table says that this fake lives")
				}
				if what == corrupts && noticed == nil {
					t.Error("neither Verify nor the host's bytes show any corruption")
				}
			})
		}
	}
}

// holdsSafe holds that host and guest leave each other alone, to the end.
func holdsSafe(t *testing.T, s *scene, strategy guest.Strategy) {
	t.Helper()
	if p := s.g.Plan; p.Strategy != strategy || p.Unsafe || p.Reason == "" || len(p.Steps) == 0 {
		t.Errorf("the plan is %+v, want %s, safe, with a reason and steps", p, strategy)
	}
	if noticed, suffered := s.play(1<<20, 4<<20); noticed != nil || suffered != nil {
		t.Errorf("noticed by the host: %v; suffered by the guest: %v", noticed, suffered)
	}
	holdsClosed(t, s)
}

// holdsClosed closes a guest, and holds that its regions are given back and the heap is of no use.
func holdsClosed(t *testing.T, s *scene) {
	t.Helper()
	a := s.g.Plan.Allocator
	gaveBack := s.g.Plan.Strategy == guest.Arena && a.Free.Name != ""
	if s.g.Plan.Strategy == guest.Arena && a.Convention != guest.Sbrk && s.heap.nLent() == 0 {
		t.Error("there are no regions before Close")
	}
	if err := s.g.Close(t.Context()); err != nil {
		t.Errorf("Close: %v", err)
	}
	if a != nil && a.Convention == guest.AssemblyScriptRuntime {
		if err := s.collect(); err != nil {
			t.Error(err)
		}
	}
	if n := s.heap.nLent(); gaveBack && n != 0 {
		t.Errorf("%d regions were not given back", n)
	}
	if err := s.check(); err != nil {
		t.Errorf("after Close: %v", err)
	}
	events := len(s.events)
	if err := s.g.Close(t.Context()); err != nil {
		t.Errorf("a second Close: %v", err)
	}
	if len(s.events) > events || s.heap.nFailed > 0 {
		t.Errorf("a second Close did %v, and the guest refused %d calls", s.events[events:], s.heap.nFailed)
	}
	_, errPut := s.g.Heap.Put([]byte("late"))
	_, errView := s.g.Heap.View(s.mine[0].addr, 1)
	if s.g.Plan.Strategy != guest.Gap { // there, the budget forbids it before the memory is asked
		if _, err := s.g.Heap.Alloc(64 << 20); !errors.Is(err, linmem.ErrClosed) {
			t.Errorf("Alloc after Close of what needs a region: error %v, want ErrClosed", err)
		}
	}
	for call, err := range map[string]error{"Put": errPut, "View": errView} {
		if !errors.Is(err, linmem.ErrClosed) {
			t.Errorf("%s after Close: error %v, want ErrClosed", call, err)
		}
	}
	if s.more == nil {
		return // its allocator is the heap that was closed
	}
	// The guest has its memory for itself again.
	if err := errors.Join(s.heap.work(s.rng, 1<<20), s.check()); err != nil {
		t.Errorf("the guest after Close: %v", err)
	}
}

// TestOpenArena holds that whatever a guest's allocator gave away the guest leaves alone, for each toolchain and each way to
// export an allocator.
func TestOpenArena(t *testing.T) {
	for _, tc := range fakeToolchains {
		for _, e := range exportings {
			if e.only != nil && !e.only(tc) {
				continue
			}
			for name, a := range map[string]ability{"initialized": 0, "with-all-abilities": everything} {
				if a == everything && e.name != "malloc" {
					continue // the name makes no difference to that
				}
				t.Run(tc.name+"/"+e.name+"/"+name, func(t *testing.T) {
					f := newFake(tc)
					e.add(f)
					s := openScene(t, f, a, e.opts...)
					if got := s.g.Plan.Allocator; got == nil || got.Alloc.Name != e.alloc {
						t.Fatalf("the plan has allocator %+v, want %q", got, e.alloc)
					}
					holdsSafe(t, s, guest.Arena)
				})
			}
		}
	}
}

// TestOpenArena64 holds that an allocator of 64-bit addresses is called as one of 32.
func TestOpenArena64(t *testing.T) {
	for _, e := range exportings {
		tc := toolchainOf("emscripten")
		t.Run(e.name, func(t *testing.T) {
			f := newFake(tc)
			f.is64 = true
			e.add(f)
			holdsSafe(t, openScene(t, f, 0, e.opts...), guest.Arena)
		})
	}
}

// TestOpenFirst holds that Open takes the first strategy that is safe, by what the guest and the caller have to offer.
func TestOpenFirst(t *testing.T) {
	for _, tt := range []struct {
		name, toolchain, exports string
		abilities                ability
		opts                     []guest.OpenOption
		want                     guest.Strategy // "" for none
	}{
		{name: "an allocator before growth", toolchain: "rust", exports: "malloc", want: guest.Arena},
		{name: "growth where no allocator is", toolchain: "rust", want: guest.Grow},
		{name: "an allocator forbidden", toolchain: "rust", exports: "malloc", opts: []guest.OpenOption{guest.Forbid(guest.Arena)}, want: guest.Grow},
		{name: "late only", toolchain: "wasi-libc-2022", want: ""},
		{
			name: "late only, and a way to allocate", toolchain: "wasi-libc-2022",
			opts: []guest.OpenOption{guest.WithFirstAllocation(allocateFirst)}, want: guest.Grow,
		},
		{
			name: "late only, and an allocator to begin with", toolchain: "wasi-libc-2022", exports: "malloc",
			opts: []guest.OpenOption{guest.WithStrategy(guest.Grow)}, want: guest.Grow,
		},
		{name: "Go, all abilities", toolchain: "go", abilities: everything, want: guest.Donate},
		{name: "Go, initialized", toolchain: "go", abilities: limits, want: guest.Gap},
		{name: "Go, no limits", toolchain: "go", abilities: initializes, want: ""},
		{name: "Go, forbidden", toolchain: "go", abilities: everything, opts: []guest.OpenOption{guest.Forbid(guest.Donate)}, want: guest.Gap},
		{name: "TinyGo, all abilities", toolchain: "tinygo", abilities: everything, want: guest.Donate},
		{name: "TinyGo, initialized", toolchain: "tinygo", abilities: limits, want: ""},
		{name: "TinyGo, no limits", toolchain: "tinygo", abilities: initializes, want: ""},
		{name: "Emscripten, all abilities", toolchain: "emscripten", abilities: everything, want: ""},
		{name: "AssemblyScript, undecided", toolchain: "assemblyscript-tlsf", abilities: everything, want: ""},
		{
			name: "an imported allocator", toolchain: "importing", abilities: initializes,
			opts: []guest.OpenOption{guest.WithBind(func(*linmem.Heap) error { return nil })}, want: guest.HeapBase,
		},
		{name: "sbrk only", toolchain: "emscripten", exports: "sbrk", want: ""},
		{
			name: "sbrk, and a way to allocate", toolchain: "emscripten", exports: "sbrk",
			opts: []guest.OpenOption{guest.WithFirstAllocation(allocateFirst)}, want: guest.Arena,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tc := importsAllocator
			if tt.toolchain != tc.name {
				tc = toolchainOf(tt.toolchain)
			}
			f := newFake(tc)
			if tt.exports != "" {
				exportingOf(tt.exports).add(f)
			}
			if tt.want == "" {
				refuses(t, f, tt.abilities, tt.opts...)
				return
			}
			s := &scene{fake: f}
			var err error
			s.g, err = guest.Open(t.Context(), f.as(t, tt.abilities), f.report, tt.opts...)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.g.Plan.Strategy; got != tt.want {
				t.Errorf("the strategy is %s, want %s", got, tt.want)
			}
		})
	}
}

// TestOpenServedByAnother holds that a guest whose allocator is somebody else's on the host is refused: where that one takes its
// memory from is not known, so neither __heap_base nor growth is safe.
func TestOpenServedByAnother(t *testing.T) {
	f := newFake(importsAllocator)
	size := f.memory.NumPages()
	g, err := guest.Open(t.Context(), f.as(t, initializes), f.report)
	var unsafe *guest.UnsafeError
	if !errors.As(err, &unsafe) || g != nil {
		t.Fatalf("Open without WithBind = %v, %v, want an *UnsafeError", g, err)
	}
	if len(f.events) > 0 || f.memory.NumPages() != size {
		t.Errorf("Open refused, and yet the guest saw %v, and has %d pages instead of %d", f.events, f.memory.NumPages(), size)
	}
}
