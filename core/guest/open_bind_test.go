package guest_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

// TestWithBind holds when the heap is told, and that its error is Open's.
func TestWithBind(t *testing.T) {
	for _, tt := range []struct {
		tc       fakeToolchain
		strategy guest.Strategy
		want     []string
	}{
		{importsAllocator, guest.HeapBase, []string{"bind", "initialize"}},
		{toolchainOf("rust"), guest.Grow, []string{"initialize", "bind"}},
		{toolchainOf("rust"), guest.Arena, []string{"initialize", "bind"}},
		{toolchainOf("go"), guest.Donate, []string{"initialize", "bind"}},
		{toolchainOf("go"), guest.Gap, []string{"initialize", "bind"}},
	} {
		t.Run(string(tt.strategy), func(t *testing.T) {
			mine := errors.New("mine")
			for _, fails := range []error{nil, mine} {
				f := newFake(tt.tc)
				if tt.strategy == guest.Arena {
					exportingOf("malloc").add(f)
				}
				if tt.strategy == guest.HeapBase {
					f.onInitialize = func(context.Context) error { _, err := f.heap.malloc(3000, false); return err }
				}
				var heap *linmem.Heap
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				g, err := guest.Open(ctx, f.as(t, everything), f.report, guest.WithStrategy(tt.strategy),
					guest.WithBind(func(h *linmem.Heap) error {
						f.did("bind")
						heap, f.heap.host = h, h
						if fails != nil {
							cancel() // what was taken is given back all the same
						}
						return fails
					}))
				if !errors.Is(err, fails) || (g == nil) != (fails != nil) {
					t.Fatalf("Open = %v, %v, want %v", g, err, fails)
				}
				order := slices.DeleteFunc(slices.Clone(f.events), func(e string) bool { return e != "bind" && e != "initialize" })
				want := tt.want
				if fails != nil && tt.strategy == guest.HeapBase {
					want = want[:1]
				}
				if !slices.Equal(order, want) {
					t.Errorf("the order is %v, want %v", order, want)
				}
				if fails == nil {
					if g.Heap != heap {
						t.Error("the heap is another one")
					}
					if err := errors.Join(f.check(), g.Verify(), g.Heap.Check()); err != nil {
						t.Error(err)
					}
					continue
				}
				if n := f.heap.nLent(); n > 0 {
					t.Errorf("Open failed, and %d regions were not given back", n)
				}
				if _, err := heap.Put([]byte("late")); !errors.Is(err, linmem.ErrClosed) {
					t.Errorf("Put after Open failed: error %v, want ErrClosed", err)
				}
			}
		})
	}
}

// TestWithPagesEdges holds numbers of pages at the edges of what there is.
func TestWithPagesEdges(t *testing.T) {
	const huge = math.MaxUint64
	for _, strategy := range []guest.Strategy{guest.Donate, guest.Gap} {
		for _, gap := range []uint64{0, 1, 2, 3, 1 << 16, 1 << 48, 1<<63 - 1, 1 << 63, huge - 1, huge} {
			for _, host := range []uint64{0, 1, 2, 3, 1 << 16, 1 << 48, 1 << 63, huge - 1, huge} {
				f := newFake(toolchainOf("go"))
				g, err := guest.Open(t.Context(), f.as(t, everything), f.report,
					guest.WithStrategy(strategy), guest.WithGuestPages(gap), guest.WithHostPages(host))
				fits := gap <= 3 && (strategy == guest.Donate || host == 3)
				switch {
				case fits != (err == nil), fits != (g != nil):
					t.Errorf("%s with %d pages for the guest and %d for the host: %v, %v", strategy, gap, host, g, err)
				case fits && g.Plan.GuestPages != gap:
					t.Errorf("the plan has %d pages for the guest, want %d", g.Plan.GuestPages, gap)
				case fits:
					s := &scene{fake: f, g: g, rng: rand.New(rand.NewPCG(7, 8))}
					if err := errors.Join(exhaust(f, s.rng, 0), s.put(8<<10), f.check(), s.compareHost(), g.Verify()); err != nil {
						t.Errorf("%s with %d pages for the guest and %d for the host: %v", strategy, gap, host, err)
					}
				case !errors.Is(err, linmem.ErrInvalid) && !errors.Is(err, linmem.ErrOutOfMemory) && !errors.Is(err, linmem.ErrUnsupported):
					t.Errorf("%s with %d pages for the guest and %d for the host: error %v without a reason", strategy, gap, host, err)
				}
			}
		}
	}
}

// TestGrowBindsFirst holds that a guest which imports its allocator and exports no __heap_base has the heap before it is
// initialized: what it allocates then comes from there.
func TestGrowBindsFirst(t *testing.T) {
	f := newFake(importsAllocator)
	f.report.HeapBase = nil
	g, err := guest.Open(t.Context(), f.as(t, everything), f.report, guest.WithBind(func(h *linmem.Heap) error {
		f.did("bind")
		f.heap.host = h
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	if g.Plan.Strategy != guest.Grow || !slices.Equal(f.events, []string{"grow", "bind", "initialize"}) {
		t.Errorf("the plan is %v, the guest saw %v, want grow, and to bind before it is initialized", g.Plan, f.events)
	}
}
