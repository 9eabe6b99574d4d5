package guest_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

var errMine = errors.New("mine")

// TestOpenFails holds what Open makes of a failure on the way: its cause is the error, and no region is left.
func TestOpenFails(t *testing.T) {
	answers := func(addr uint64, err error) func(*fake) {
		return func(f *fake) {
			malloc := f.exported["malloc"]
			malloc.Invoke = func(context.Context, []uint64) ([]uint64, error) { return []uint64{addr}, err }
			f.exported["malloc"] = malloc
		}
	}
	limitFails := func(f *fake) { // the second time: a guest whose memory cannot be limited at all is refused
		n := 0
		f.onLimit = func(uint64) error {
			if n++; n > 1 {
				return errMine
			}
			return nil
		}
	}
	refuseAll := func(f *fake) { f.memory.refuse = func(uint64) bool { return true } }
	initFails := func(f *fake) { f.onInitialize = func(context.Context) error { return errMine } }
	for _, tt := range []struct {
		name     string
		strategy guest.Strategy
		change   func(*fake)
		opts     []guest.OpenOption
		want     error
	}{
		{"malloc returns 0", guest.Arena, answers(0, nil), nil, linmem.ErrOutOfMemory},
		{"malloc returns -1", guest.Arena, answers(math.MaxUint32, nil), nil, linmem.ErrCorrupt},
		{"malloc returns the end of the memory", guest.Arena, answers(fakePages*linmem.PageSize, nil), nil, linmem.ErrCorrupt},
		{"malloc returns what the memory does not hold", guest.Arena, answers(16, nil), nil, linmem.ErrCorrupt},
		{"malloc returns more than 32 bits", guest.Arena, answers(math.MaxUint64-5, nil), nil, linmem.ErrCorrupt},
		{"malloc returns the guest's data", guest.Arena, func(f *fake) {
			answers(1024, nil)(f)
			mustGrow(f, 40)
		}, nil, linmem.ErrCorrupt},
		{"malloc returns the guest's data, with no __heap_base", guest.Arena, func(f *fake) {
			answers(fakeBase-16, nil)(f)
			f.report.HeapBase, f.report.DataEnd = nil, fakeBase
			mustGrow(f, 40)
		}, nil, linmem.ErrCorrupt},
		{"malloc traps", guest.Arena, answers(0, errMine), nil, errMine},
		{"malloc returns nothing", guest.Arena, func(f *fake) {
			malloc := f.exported["malloc"]
			malloc.Invoke = func(context.Context, []uint64) ([]uint64, error) { return nil, nil }
			f.exported["malloc"] = malloc
		}, nil, linmem.ErrInvalid},
		{"malloc is gone", guest.Arena, func(f *fake) { delete(f.exported, "malloc") }, nil, linmem.ErrInvalid},
		{"the guest cannot grow", guest.Arena, refuseAll, nil, linmem.ErrOutOfMemory},
		{"the guest is closed", guest.Arena, func(f *fake) { f.closed = true }, nil, linmem.ErrClosed},
		{"_initialize fails", guest.Arena, initFails, nil, errMine},
		{"_initialize fails", guest.HeapBase, initFails, nil, errMine},
		{"_initialize fails", guest.Grow, initFails, nil, errMine},
		{"_initialize fails", guest.Donate, initFails, nil, errMine},
		{"_initialize fails", guest.Gap, initFails, nil, errMine},
		{"no growth", guest.Grow, refuseAll, nil, linmem.ErrOutOfMemory},
		{"no growth", guest.Donate, refuseAll, nil, linmem.ErrOutOfMemory},
		{"no growth", guest.Gap, refuseAll, nil, linmem.ErrOutOfMemory},
		{"no growth for the host", guest.Donate, func(f *fake) {
			f.memory.refuse = func(uint64) bool { return f.memory.NumPages() > fakePages }
		}, nil, linmem.ErrOutOfMemory},
		{"LimitPages fails", guest.Donate, limitFails, nil, errMine},
		{"the guest is closed", guest.Grow, func(f *fake) { f.closed = true }, nil, linmem.ErrClosed},
		{"the guest is closed", guest.Donate, func(f *fake) { f.closed = true }, nil, linmem.ErrClosed},
		{"a budget of 0", guest.Arena, func(*fake) {}, []guest.OpenOption{guest.WithHeapOptions(linmem.WithMaxPages(0))}, linmem.ErrOutOfMemory},
	} {
		t.Run(string(tt.strategy)+"/"+tt.name, func(t *testing.T) {
			var f *fake
			switch tt.strategy {
			case guest.HeapBase:
				f = newFake(importsAllocator)
			case guest.Donate, guest.Gap:
				f = newFake(toolchainOf("go"))
			default:
				f = newFake(toolchainOf("rust"))
			}
			if tt.strategy == guest.Arena {
				exportingOf("malloc").add(f)
			}
			inst := f.as(t, everything)
			tt.change(f)
			var heap *linmem.Heap
			g, err := guest.Open(t.Context(), inst, f.report, append(tt.opts, guest.WithStrategy(tt.strategy),
				guest.WithBind(func(h *linmem.Heap) error { heap = h; return nil }))...)
			var e *linmem.Error
			var unsafe *guest.UnsafeError
			if g != nil || !errors.Is(err, tt.want) || !errors.As(err, &e) || errors.As(err, &unsafe) {
				t.Errorf("Open = %v, %v, want an *Error around %v", g, err, tt.want)
			}
			if n := f.heap.nLent(); n > 0 {
				t.Errorf("%d regions are left", n)
			}
			if heap == nil {
				return
			}
			if _, err := heap.Put([]byte("late")); !errors.Is(err, linmem.ErrClosed) {
				t.Errorf("Put into the heap that was bound: error %v, want ErrClosed", err)
			}
		})
	}
	for _, is64 := range []bool{false, true} {
		t.Run(fmt.Sprintf("sbrk returns -1, of 64 bits: %t", is64), func(t *testing.T) {
			f := newFake(toolchainOf("emscripten"))
			f.is64 = is64
			sbrk := exportingOf("sbrk")
			sbrk.add(f)
			refuseAll(f)
			if g, err := guest.Open(t.Context(), f.as(t, everything), f.report, sbrk.opts...); g != nil || !errors.Is(err, linmem.ErrOutOfMemory) {
				t.Errorf("Open = %v, %v, want ErrOutOfMemory", g, err)
			}
		})
	}
	t.Run("__pin traps", func(t *testing.T) {
		f := newFake(toolchainOf("assemblyscript-tlsf"))
		f.exportRuntime()
		pin := f.exported["__pin"]
		pin.Invoke = func(context.Context, []uint64) ([]uint64, error) { return nil, errMine }
		f.exported["__pin"] = pin
		if g, err := guest.Open(t.Context(), f.as(t, everything), f.report); g != nil || !errors.Is(err, errMine) {
			t.Errorf("Open = %v, %v, want the trap", g, err)
		}
	})
	t.Run("the context is done", func(t *testing.T) {
		f := newFake(toolchainOf("rust"))
		exportingOf("malloc").add(f)
		ctx, cancel := context.WithCancel(t.Context())
		f.onInitialize = func(ctx context.Context) error { return ctx.Err() }
		cancel()
		if g, err := guest.Open(ctx, f.as(t, everything), f.report); g != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("Open = %v, %v, want context.Canceled", g, err)
		}
	})
	t.Run("WithFirstAllocation", func(t *testing.T) {
		f := newFake(toolchainOf("wasi-libc-2022"))
		fails := guest.WithFirstAllocation(func(context.Context, guest.Instance) error { return errMine })
		if g, err := guest.Open(t.Context(), f.as(t, everything), f.report, fails); g != nil || !errors.Is(err, errMine) {
			t.Errorf("Open = %v, %v, want the function's error", g, err)
		}
	})
}

// mustGrow adds pages as if they had been there from the beginning.
func mustGrow(f *fake, nPages uint64) {
	if _, err := f.memory.Memory.Grow(nPages); err != nil {
		panic(err)
	}
}

// TestHeapAfterOpenContext holds that regions can be had once the context of Open is done, and that its values are there.
func TestHeapAfterOpenContext(t *testing.T) {
	type key struct{}
	f := newFake(toolchainOf("rust"))
	exportingOf("malloc").add(f)
	var values []any
	malloc := f.exported["malloc"]
	inner := malloc.Invoke
	malloc.Invoke = func(ctx context.Context, args []uint64) ([]uint64, error) {
		values = append(values, ctx.Value(key{}))
		return inner(ctx, args)
	}
	f.exported["malloc"] = malloc
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
	g, err := guest.Open(ctx, f.as(t, everything), f.report)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := g.Heap.Alloc(4 << 20); err != nil {
		t.Errorf("Alloc once the context of Open is done: %v", err)
	}
	for _, v := range values {
		if v != "value" {
			t.Errorf("a call of malloc has the value %v of the context", v)
		}
	}
	if len(values) < 2 {
		t.Errorf("%d calls of malloc, want 2 or more", len(values))
	}
}

// TestHeapRefusedLater holds that a heap which gets no region, for a while, is as it was, and goes on when there are some
// again.
func TestHeapRefusedLater(t *testing.T) {
	for _, tt := range []struct {
		name     string
		strategy guest.Strategy
		fail     func(f *fake, on *bool)
	}{
		{"malloc returns 0", guest.Arena, failingMalloc(0, nil)},
		{"malloc returns -1", guest.Arena, failingMalloc(math.MaxUint32, nil)},
		{"malloc returns what is outside", guest.Arena, failingMalloc(200<<20, nil)},
		{"malloc traps", guest.Arena, failingMalloc(0, errMine)},
		{"no growth", guest.Arena, refusing},
		{"no growth", guest.Grow, refusing},
		{"no growth", guest.Donate, refusing},
		{"no growth", guest.HeapBase, refusing},
		{"no limit", guest.Donate, func(f *fake, on *bool) {
			f.onLimit = func(uint64) error {
				if *on {
					return errMine
				}
				return nil
			}
		}},
	} {
		for n := range 3 {
			t.Run(fmt.Sprintf("%s/%s/after %d regions", tt.strategy, tt.name, n+1), func(t *testing.T) {
				s := openBy(t, tt.strategy, guest.WithHeapOptions(linmem.WithGrowth(linmem.GrowExact)))
				on := false
				tt.fail(s.fake, &on)
				const large = 20 * linmem.PageSize
				for range n {
					if _, err := s.g.Heap.Alloc(large); err != nil {
						t.Fatal(err)
					}
				}
				if err := s.put(100 << 10); err != nil {
					t.Fatal(err)
				}
				on = true
				for range 2 {
					if addr, err := s.g.Heap.Alloc(large); !errors.Is(err, linmem.ErrOutOfMemory) {
						t.Errorf("Alloc = %#x, %v, want ErrOutOfMemory", addr, err)
					}
				}
				if err := errors.Join(s.compareHost(), s.check(), s.g.Verify(), s.g.Heap.Check()); err != nil {
					t.Error(err)
				}
				if n := s.memory.NumPages(); tt.strategy == guest.Donate && s.memory.limit != n {
					t.Errorf("the guest's memory of %d pages may grow to %d", n, s.memory.limit)
				}
				on = false
				if _, err := s.g.Heap.Alloc(large); err != nil {
					t.Errorf("Alloc where there is memory again: %v", err)
				}
				if err := errors.Join(s.put(100<<10), s.compareHost(), s.check(), s.g.Verify(), s.g.Heap.Check()); err != nil {
					t.Error(err)
				}
				holdsClosed(t, s)
			})
		}
	}
}

func failingMalloc(addr uint64, err error) func(f *fake, on *bool) {
	return func(f *fake, on *bool) {
		malloc := f.exported["malloc"]
		inner := malloc.Invoke
		malloc.Invoke = func(ctx context.Context, args []uint64) ([]uint64, error) {
			if *on {
				return []uint64{addr}, err
			}
			return inner(ctx, args)
		}
		// The instance has looked its functions up already.
		f.Functions = guest.NewFunctions("fake.Call", func() bool { return f.closed }, func(name string) (guest.Function, bool) {
			if name == "malloc" {
				return malloc, true
			}
			fn, ok := f.exported[name]
			return fn, ok
		})
	}
}

func refusing(f *fake, on *bool) { f.memory.refuse = func(uint64) bool { return *on } }

// TestCloseFails holds that each region is given back even if that fails for some, and that the errors tell which.
func TestCloseFails(t *testing.T) {
	f := newFake(toolchainOf("rust"))
	exportingOf("malloc").add(f)
	fails := map[uint64]bool{}
	var freed []uint64
	free := f.exported["free"]
	free.Invoke = func(_ context.Context, args []uint64) ([]uint64, error) {
		freed = append(freed, args[0])
		if fails[args[0]] {
			return nil, errMine
		}
		return nil, nil
	}
	f.exported["free"] = free
	s := &scene{fake: f, rng: rand.New(rand.NewPCG(9, 10))}
	s.g, _ = openRegions(t, f, guest.WithHeapOptions(linmem.WithGrowth(linmem.GrowExact)))
	for f.heap.nLent() < 5 {
		if err := s.put(256 << 10); err != nil {
			t.Fatal(err)
		}
	}
	var regions []uint64
	for _, b := range f.heap.blocks {
		regions = append(regions, b.addr)
	}
	fails[regions[0]], fails[regions[3]] = true, true
	err := s.g.Close(t.Context())
	if !errors.Is(err, errMine) || len(freed) != len(regions) {
		t.Fatalf("Close = %v, and %d of %d regions were to be freed", err, len(freed), len(regions))
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) != 2 {
		t.Fatalf("Close = %v, want two errors", err)
	}
	for i, err := range joined.Unwrap() {
		var e *linmem.Error
		if want := []uint64{regions[0], regions[3]}[i]; !errors.As(err, &e) || e.Addr != want {
			t.Errorf("error %v, want one at %#x", err, want)
		}
	}
	if err := s.g.Close(t.Context()); err != nil || len(freed) != len(regions) {
		t.Errorf("a second Close: %v, and %d calls of free in all", err, len(freed))
	}
}
