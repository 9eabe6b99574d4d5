package guest_test

import (
	"errors"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

// openBy returns a guest for which a strategy is safe, opened by it.
func openBy(t *testing.T, strategy guest.Strategy, opts ...guest.OpenOption) *scene {
	t.Helper()
	var tc fakeToolchain
	switch strategy {
	case guest.Arena, guest.Grow:
		tc = toolchainOf("rust")
	case guest.HeapBase:
		tc = importsAllocator
	default:
		tc = toolchainOf("go")
	}
	f := newFake(tc)
	if strategy == guest.Arena {
		exportingOf("malloc").add(f)
	}
	return openScene(t, f, everything, append(opts, guest.WithStrategy(strategy))...)
}

// TestWithHeapOptionsBudget holds that the heap never owns more pages than the caller allows, whatever the strategy.
func TestWithHeapOptionsBudget(t *testing.T) {
	for _, strategy := range allStrategies {
		for _, budget := range []uint64{1, 2, 5, 18, 33} {
			s := openBy(t, strategy, guest.WithHeapOptions(linmem.WithMaxPages(budget)))
			var n uint64
			for n <= 3*budget {
				if _, err := s.g.Heap.Alloc(linmem.PageSize); errors.Is(err, linmem.ErrOutOfMemory) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				n++
			}
			if n != budget {
				t.Errorf("%s: a heap with a budget of %d pages has room for %d", strategy, budget, n)
			}
			if err := errors.Join(s.g.Verify(), s.g.Heap.Check(), s.check()); err != nil {
				t.Errorf("%s with a budget of %d: %v", strategy, budget, err)
			}
		}
	}
}

// TestWithHeapOptionsNoEffect holds that where pages come from is Open's, whatever the caller's options say.
func TestWithHeapOptionsNoEffect(t *testing.T) {
	for _, strategy := range allStrategies {
		t.Run(string(strategy), func(t *testing.T) {
			elsewhere := newFake(toolchainOf("rust"))
			pages, err := linmem.NewPages(elsewhere.memory)
			if err != nil {
				t.Fatal(err)
			}
			asked := false
			s := openBy(t, strategy, guest.WithHeapOptions(
				linmem.WithPages(pages), linmem.WithGap(77),
				linmem.WithSource(func(uint64) (linmem.Range, error) { asked = true; return linmem.Range{}, linmem.ErrOutOfMemory }),
			))
			holdsSafe(t, s, strategy)
			if asked || len(elsewhere.events) > 0 {
				t.Errorf("the caller's source was asked: %t; the other memory saw %v", asked, elsewhere.events)
			}
		})
	}
}

// TestWithHeapOptionsObserver holds that an observer hears of pages and of the heap.
func TestWithHeapOptionsObserver(t *testing.T) {
	for _, strategy := range allStrategies {
		t.Run(string(strategy), func(t *testing.T) {
			var got, gained, misused int
			s := openBy(t, strategy, guest.WithHeapOptions(linmem.WithObserver(&linmem.Observer{
				Source:     func(linmem.Range) { got++ },
				Grow:       func(uint64, uint64) { got++ },
				HeapGained: func(linmem.Range) { gained++ },
				Misuse:     func(error) { misused++ },
			})))
			if err := s.put(300 << 10); err != nil {
				t.Fatal(err)
			}
			if err := s.g.Heap.Free(1); !errors.Is(err, linmem.ErrNotAllocated) {
				t.Fatalf("Free of no block: error %v", err)
			}
			if got == 0 || gained == 0 || misused != 1 {
				t.Errorf("%d times pages came, %d times the heap got some, and %d misuses; want some, some and 1", got, gained, misused)
			}
		})
	}
}
