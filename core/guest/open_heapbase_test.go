package guest_test

import (
	"errors"
	"fmt"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

// TestOpenHeapBase holds that all behind __heap_base, and nothing before it, is the host's, wherever it lies and whatever
// budget there is.
func TestOpenHeapBase(t *testing.T) {
	const size = 12 // pages
	const end = size * linmem.PageSize
	for _, base := range []uint64{
		1024, 1025, linmem.PageSize - 65, linmem.PageSize - 64, linmem.PageSize - 63, linmem.PageSize, 3*linmem.PageSize + 7,
		end - linmem.PageSize - 64, end - linmem.PageSize - 63, end - 65, end - 64, end - 63, end - 1, end,
	} {
		for _, budget := range []uint64{0, 1, 3, 5, 7, 40} {
			t.Run(fmt.Sprintf("base %#x, budget %d", base, budget), func(t *testing.T) {
				f := newFake(importsAllocator)
				if _, err := f.memory.Memory.Grow(size - fakePages); err != nil {
					t.Fatal(err)
				}
				f.report.HeapBase, f.report.Memories[0].Min = &base, size
				f.data = fakeBlock{addr: 512, size: min(base, end, 1<<20) - 512, id: 98}
				if err := f.heap.write(f.data.addr, f.data.pattern()); err != nil {
					t.Fatal(err)
				}
				s := openScene(t, f, everything, guest.WithHeapOptions(linmem.WithMaxPages(budget)))
				var got uint64
				for got <= budget {
					addr, err := s.g.Heap.Alloc(linmem.PageSize)
					if errors.Is(err, linmem.ErrOutOfMemory) {
						break
					} else if err != nil {
						t.Fatal(err)
					}
					if addr < base {
						t.Errorf("the host has %#x, and __heap_base is %#x", addr, base)
					}
					if err := f.heap.write(addr, make([]byte, linmem.PageSize)); err != nil {
						t.Fatal(err)
					}
					got++
				}
				if got != budget {
					t.Errorf("there is room for %d pages", got)
				}
				behind := roundUp(base+64, linmem.PageSize) / linmem.PageSize
				// What is there comes first. A page of canaries is nobody's.
				there, canary := size-min(behind, size), max(behind, size)-size
				if grew := f.memory.NumPages() - size; grew > canary+max(budget, there)-there {
					t.Errorf("the memory grew by %d pages, and %d were there for %d", grew, there, budget)
				}
				if err := errors.Join(s.check(), s.g.Verify(), s.g.Heap.Check()); err != nil {
					t.Error(err)
				}
				if behind*linmem.PageSize > base {
					for _, addr := range []uint64{base, behind*linmem.PageSize - 1} {
						f.flip(t, addr, func() { wantDamage(t, s.g, addr) })
					}
				}
			})
		}
	}
}

// TestOpenHeapBasePastEnd holds that a guest which says that it has data where no memory is gets no host's pages there.
func TestOpenHeapBasePastEnd(t *testing.T) {
	f := newFake(importsAllocator)
	base := uint64(fakePages*linmem.PageSize + 1)
	f.report.HeapBase = &base
	bind := guest.WithBind(func(*linmem.Heap) error { return nil })
	if g, err := guest.Open(t.Context(), f.as(t, everything), f.report, bind); g != nil || !errors.Is(err, linmem.ErrInvalid) {
		t.Errorf("Open = %v, %v, want ErrInvalid", g, err)
	}
}

// TestOpenHeapBaseRefused holds which guests have another use for what lies behind __heap_base, or may have.
func TestOpenHeapBaseRefused(t *testing.T) {
	for name, change := range map[string]func(*guest.Report){
		"no __heap_base":     func(r *guest.Report) { r.HeapBase = nil },
		"no import":          func(r *guest.Report) { r.AllocatorImports = nil },
		"free only":          func(r *guest.Report) { r.AllocatorImports = r.AllocatorImports[1:] },
		"two memories":       func(r *guest.Report) { r.Memories = append(r.Memories, r.Memories[0]) },
		"memory.grow":        func(r *guest.Report) { r.Grows.N = 1 },
		"memory.size":        func(r *guest.Report) { r.Sizes.N = 1 },
		"an imported memory": func(r *guest.Report) { r.Memories[0].Imported = true },
		"a shared memory":    func(r *guest.Report) { r.Memories[0].Shared = true },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(importsAllocator)
			change(f.report)
			refuses(t, f, everything, guest.WithStrategy(guest.HeapBase))
		})
	}
}

// TestDonateAndGapRefused holds what these two need.
func TestDonateAndGapRefused(t *testing.T) {
	for _, tt := range []struct {
		name      string
		strategy  guest.Strategy
		abilities ability
		change    func(*fake)
	}{
		{"no _initialize", guest.Donate, everything, func(f *fake) { f.report.Initialize = false }},
		{"initialized", guest.Donate, limits, func(*fake) {}},
		{"not to be limited", guest.Donate, initializes, func(*fake) {}},
		{"not to be limited in fact", guest.Donate, everything, func(f *fake) { f.onLimit = func(uint64) error { return linmem.ErrUnsupported } }},
		{"an imported memory", guest.Donate, everything, func(f *fake) { f.report.Memories[0].Imported = true }},
		{"a shared memory", guest.Donate, everything, func(f *fake) { f.report.Memories[0].Shared = true }},
		{"not to be limited", guest.Gap, initializes, func(*fake) {}},
		{"not to be limited in fact", guest.Gap, everything, func(f *fake) { f.onLimit = func(uint64) error { return linmem.ErrUnsupported } }},
		{"an imported memory", guest.Gap, everything, func(f *fake) { f.report.Memories[0].Imported = true }},
		{"a shared memory", guest.Gap, everything, func(f *fake) { f.report.Memories[0].Shared = true }},
		{"64-bit addresses", guest.Gap, initializes, func(f *fake) { f.report.Memories[0].Is64 = true }},
	} {
		t.Run(string(tt.strategy)+"/"+tt.name, func(t *testing.T) {
			f := newFake(toolchainOf("go"))
			tt.change(f)
			refuses(t, f, tt.abilities, guest.WithStrategy(tt.strategy))
		})
	}
}
