package wazeromem_test

import (
	"errors"
	"math"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/tetratelabs/wazero/api"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// TestLimitPages grows a memory under limits, by host and guest, beside memories with limits of their own: each keeps to its
// own, and none sees another's.
func TestLimitPages(t *testing.T) {
	for _, engine := range []string{"compiler", "interpreter"} {
		for by, grow := range growths {
			t.Run(engine+", "+by, func(t *testing.T) {
				r, stable := newRuntime(t, engines[engine]), new(wazeromem.StableMemories)
				mod := add(t, r, stable, "", linmemtest.Module(5, 100))
				m := mustNew(t, mod)
				beside := mustNew(t, add(t, r, stable, "", linmemtest.Module(5, 100)))
				frozen := mustNew(t, add(t, r, stable, "", linmemtest.Module(5, 100)))
				if err := frozen.LimitPages(0); err != nil {
					t.Fatal(err)
				}
				size := uint64(5)
				for _, tt := range []struct {
					name         string
					limit, delta uint64
					ok           bool
				}{
					{"above, within it", 8, 2, true},
					{"above, past it", 8, 2, false},
					{"above, up to it", 8, 1, true},
					{"at the size", 8, 1, false},
					{"at the size, by nothing", 8, 0, true},
					{"below the size", 3, 1, false},
					{"below the size, by nothing", 3, 0, true},
					{"frozen", 0, 1, false},
					{"frozen, by nothing", 0, 0, true},
					{"higher again", 10, 2, true},
					{"past the maximum", math.MaxUint64, 91, false},
					{"up to the maximum", math.MaxUint64, 90, true},
				} {
					if err := m.LimitPages(tt.limit); err != nil {
						t.Fatal(err)
					}
					err := grow(t, mod, tt.delta)
					if tt.ok && err != nil {
						t.Errorf("%s: growth from %d by %d: %v", tt.name, size, tt.delta, err)
					}
					if !tt.ok && !errors.Is(err, linmem.ErrOutOfMemory) {
						t.Errorf("%s: growth from %d by %d: error %v, want ErrOutOfMemory", tt.name, size, tt.delta, err)
					}
					if tt.ok {
						size += tt.delta
					}
					if got := m.NumPages(); got != size {
						t.Fatalf("%s: %d pages, want %d", tt.name, got, size)
					}
					agree(t, mod, mustView(t, m, size*linmem.PageSize-1, 1), size*linmem.PageSize-1)
					mustGrow(t, beside, 1)
					if _, err := frozen.Grow(1); !errors.Is(err, linmem.ErrOutOfMemory) {
						t.Errorf("%s: a frozen memory beside it grows: %v", tt.name, err)
					}
				}
				if beside.NumPages() != 5+12 || frozen.NumPages() != 5 {
					t.Errorf("beside it: %d and %d pages, want 17 and 5", beside.NumPages(), frozen.NumPages())
				}
			})
		}
	}
}

// TestLimitOfMany holds that the instances of one StableMemories have limits of their own.
func TestLimitOfMany(t *testing.T) {
	v := variants()["compiler-stable"]
	var all []*wazeromem.Uninitialized
	for i := range 5 {
		inst := v.mustOpen(t, linmemtest.Module(1, 100))
		if err := guest.Limiter(inst).LimitPages(uint64(10 + i)); err != nil {
			t.Fatal(err)
		}
		all = append(all, inst)
	}
	for i, inst := range all {
		var err error
		for err == nil && inst.Memory().NumPages() < 100 {
			_, err = inst.Memory().Grow(1)
		}
		wantError(t, "Grow at the limit", err, linmem.ErrOutOfMemory)
		if got, want := inst.Memory().NumPages(), uint64(10+i); got != want {
			t.Errorf("memory %d grows to %d pages, want %d", i, got, want)
		}
	}
}

// TestLimitRefused holds that a memory without limits says so, and what to do, and is not taken for one that is limited.
func TestLimitRefused(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			m := mustNew(t, add(t, newRuntime(t, engine), nil, "", linmemtest.Module(1, 10)))
			err := m.LimitPages(1)
			wantError(t, "LimitPages without StableMemories", err, linmem.ErrUnsupported)
			if err == nil || !strings.Contains(err.Error(), "StableMemories") {
				t.Errorf("error %v does not say what to do", err)
			}
			mustGrow(t, m, 9)
		})
	}
}

func TestLimitAfterClose(t *testing.T) {
	for name, v := range variants() {
		inst, stop, err := v.open(linmemtest.Module(1, 10))
		if err != nil {
			t.Fatal(err)
		}
		m := inst.Memory().(*wazeromem.Memory)
		stop()
		wantError(t, name+": LimitPages", m.LimitPages(1), linmem.ErrClosed)
		wantError(t, name+": LimitPages of the instance", inst.LimitPages(1), linmem.ErrClosed)
		_, err = m.Grow(1)
		wantError(t, name+": Grow", err, linmem.ErrClosed)
		_, err = m.View(0, 1)
		wantError(t, name+": View", err, linmem.ErrClosed)
		wantError(t, name+": Discard", m.Discard(0, linmem.PageSize), linmem.ErrClosed)
		if m.NumPages() != 0 || !m.Closed() || m.Stable() || m.Moves() != 0 {
			t.Errorf("%s: NumPages() = %d, Closed() = %t, Stable() = %t, Moves() = %d", name, m.NumPages(), m.Closed(), m.Stable(),
				m.Moves())
		}
	}
}

// TestLimitWhileGuestGrows freezes a memory that the guest grows in a loop: it grows no further.
func TestLimitWhileGuestGrows(t *testing.T) {
	for _, engine := range []string{"compiler", "interpreter"} {
		t.Run(engine, func(t *testing.T) {
			mod := add(t, newRuntime(t, engines[engine]), new(wazeromem.StableMemories), "", growing)
			m := mustNew(t, mod)
			var wg sync.WaitGroup
			defer wg.Wait()
			var limited atomic.Bool
			done := goGrow(t, &wg, mod, 20000, limited.Load)
			for m.NumPages() < 100 && !t.Failed() {
				runtime.Gosched()
			}
			if err := m.LimitPages(0); err != nil {
				t.Fatal(err)
			}
			frozen := m.NumPages()
			limited.Store(true)
			<-done
			if got := m.NumPages(); got > frozen+1 || got > 20000 { // one growth may have read the limit before
				t.Errorf("%d pages at the end, %d when the limit was set", got, frozen)
			}
		})
	}
}

// goGrow has the guest grow its memory by n pages on a goroutine of its own, a hundred a call; done is closed when it has.
// Half way it waits until proceed is true, so that what is to happen meanwhile does.
func goGrow(t testing.TB, wg *sync.WaitGroup, mod api.Module, n uint64, proceed func() bool) (done <-chan struct{}) {
	t.Helper()
	f := mod.ExportedFunction("grow-by-page")
	grown := make(chan struct{})
	wg.Go(func() {
		defer close(grown)
		for i := range n / 100 {
			if _, err := f.Call(t.Context(), 100); err != nil {
				t.Error(err)
				return
			}
			for runtime.Gosched(); i == n/200 && !proceed() && !t.Failed(); {
				runtime.Gosched()
			}
		}
	})
	return grown
}

// goCall calls a function of the guest on a goroutine of its own.
func goCall(t testing.TB, wg *sync.WaitGroup, mod api.Module, name string, args ...uint64) {
	t.Helper()
	f := mod.ExportedFunction(name)
	wg.Go(func() {
		if _, err := f.Call(t.Context(), args...); err != nil {
			t.Errorf("%s%d: %v", name, args, err)
		}
	})
}
