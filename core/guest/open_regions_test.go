package guest_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

// allocatingAt returns a guest whose malloc returns these addresses, one after the other, and then 0. It frees nothing, and
// notes what it is to free.
func allocatingAt(nPages uint64, addrs ...uint64) (f *fake, freed *[]uint64) {
	f = newFake(toolchainOf("rust"))
	if _, err := f.memory.Memory.Grow(nPages - fakePages); err != nil {
		panic(err)
	}
	freed = new([]uint64)
	f.reports(guest.Allocator{
		Convention: guest.Malloc,
		Alloc: f.export("malloc", 1, 1, func([]uint64) (uint64, error) {
			if len(addrs) == 0 {
				return 0, nil
			}
			addr := addrs[0]
			addrs = addrs[1:]
			return addr, nil
		}),
		Free: f.export("free", 1, 0, func(args []uint64) (uint64, error) {
			*freed = append(*freed, args[0])
			return 0, nil
		}),
	})
	return f, freed
}

// openRegions opens a guest, and returns the host's pages as the heap got them.
func openRegions(t *testing.T, f *fake, opts ...guest.OpenOption) (g *guest.Guest, regions *[]linmem.Range) {
	t.Helper()
	regions = new([]linmem.Range)
	obs := &linmem.Observer{Source: func(r linmem.Range) { *regions = append(*regions, r) }}
	opts = append(opts, guest.WithHeapOptions(linmem.WithObserver(obs)))
	g, err := guest.Open(t.Context(), f.as(t, 0), f.report, opts...)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return g, regions
}

// flip changes a byte of the guest's memory, has f run, and changes it back.
func (f *fake) flip(t *testing.T, addr uint64, do func()) {
	t.Helper()
	b, err := f.memory.View(addr, 1)
	if err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x10
	do()
	b[0] ^= 0x10
}

// firstRegion is a page behind the guest's data, from where regions are in these tests.
const firstRegion = 2 * linmem.PageSize

// TestRegionAlignment holds what a region is, for addresses of each kind that a malloc may return.
func TestRegionAlignment(t *testing.T) {
	var offsets []uint64
	for d := uint64(1); d <= linmem.PageSize; d++ {
		if d <= 140 || d >= linmem.PageSize-140 || d&(d-1) == 0 || d%4093 == 0 {
			offsets = append(offsets, d)
		}
	}
	size := regionSize(t)
	for _, d := range offsets {
		start := firstRegion + d
		f, freed := allocatingAt(24, start)
		g, regions := openRegions(t, f)
		if len(*regions) != 1 {
			t.Fatalf("at %#x: %d regions, want 1", start, len(*regions))
		}
		host := (*regions)[0]
		end := host.Addr() + host.Bytes()
		if host.Len < 16 || host.Addr() < start+64 || end+64 > start+size {
			t.Fatalf("at %#x: the host has %v of [%#x, %#x), want 16 pages or more and 64 bytes at both ends",
				start, host, start, start+size)
		}
		for _, addr := range []uint64{start, start + 1, host.Addr() - 1, end, start + size - 1} {
			f.flip(t, addr, func() { wantDamage(t, g, addr) })
		}
		for _, addr := range []uint64{start - 1, host.Addr(), end - 1, start + size} {
			f.flip(t, addr, func() { wantNoDamage(t, g, addr) })
		}
		if err := g.Close(t.Context()); err != nil || len(*freed) != 1 || (*freed)[0] != start {
			t.Fatalf("at %#x: Close gave back %#x, %v", start, *freed, err)
		}
	}
}

// wantNoDamage holds that a byte which was changed is no canary.
func wantNoDamage(t *testing.T, g *guest.Guest, addr uint64) {
	t.Helper()
	if err := g.Verify(); err != nil {
		t.Errorf("byte %#x is no canary, and Verify: %v", addr, err)
	}
}

// regionSize returns how many bytes the guest is asked for first.
func regionSize(t *testing.T) (size uint64) {
	t.Helper()
	f, _ := allocatingAt(40, firstRegion)
	malloc := f.exported["malloc"]
	inner := malloc.Invoke
	malloc.Invoke = func(ctx context.Context, args []uint64) ([]uint64, error) {
		size = args[0]
		return inner(ctx, args)
	}
	f.exported["malloc"] = malloc
	openRegions(t, f)
	return size
}

// TestCanaryBytes holds that damage to any byte at both ends of a region is found, where it is, and to no other.
func TestCanaryBytes(t *testing.T) {
	for _, tt := range []struct {
		name  string
		start uint64
		step  uint64 // of the bytes tried; all of them where canaries are few
	}{
		{"the fewest", firstRegion + linmem.PageSize - 64, 1},
		{"the most, at an odd address", firstRegion + linmem.PageSize - 63, 97},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := allocatingAt(24, tt.start)
			g, regions := openRegions(t, f)
			host := (*regions)[0]
			end := tt.start + regionSize(t)
			for _, r := range []struct {
				from, to, step uint64
				canary         bool
			}{
				{tt.start, host.Addr(), tt.step, true},
				{host.Addr() - 64, host.Addr(), 1, true},
				{host.Addr() + host.Bytes(), host.Addr() + host.Bytes() + 64, 1, true},
				{host.Addr() + host.Bytes(), end, tt.step, true},
				{end - 64, end, 1, true},
				{host.Addr(), host.Addr() + host.Bytes(), 9973, false},
				{end, end + 70, 1, false},
				{tt.start - 70, tt.start, 1, false},
			} {
				for addr := r.from; addr < r.to; addr += r.step {
					f.flip(t, addr, func() {
						if r.canary {
							wantDamage(t, g, addr)
						} else {
							wantNoDamage(t, g, addr)
						}
					})
				}
			}
		})
	}
}

// TestCanaryCopied holds that canaries at another place, and those of another opening, do not pass.
func TestCanaryCopied(t *testing.T) {
	const start, n = firstRegion + linmem.PageSize - 4096, 4096
	open := func() (*guest.Guest, []byte) {
		f, _ := allocatingAt(24, start)
		g, _ := openRegions(t, f)
		view, err := f.memory.View(start, n)
		if err != nil {
			t.Fatal(err)
		}
		return g, view
	}
	g, view := open()
	_, elsewhere := open()
	was := slices.Clone(view)
	for name, from := range map[string][]byte{"8 bytes on": was[8:16], "64 bytes on": was[64:72], "another opening": elsewhere[:8]} {
		copy(view, from)
		if err := g.Verify(); err == nil {
			t.Errorf("%s: Verify takes other canaries for its own", name)
		}
		copy(view, was)
	}
	if err := g.Verify(); err != nil {
		t.Error(err)
	}
}

// TestManyRegions holds a heap that grows by region after region, each with canaries at both ends, to what one region does.
func TestManyRegions(t *testing.T) {
	for _, tc := range fakeToolchains {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(tc)
			exportingOf("allocate").add(f)
			s := openScene(t, f, everything, guest.WithHeapOptions(linmem.WithGrowth(linmem.GrowExact)))
			for s.heap.nLent() < 6 {
				if noticed, suffered := s.play(256<<10, 128<<10); noticed != nil || suffered != nil {
					t.Fatalf("noticed by the host: %v; suffered by the guest: %v", noticed, suffered)
				}
			}
			for _, b := range s.heap.blocks {
				if b.lent {
					for _, addr := range []uint64{b.addr, b.addr + 63, b.addr + b.size - 64, b.addr + b.size - 1} {
						s.flip(t, addr, func() { wantDamage(t, s.g, addr) })
					}
				}
			}
			holdsClosed(t, s)
		})
	}
}

// TestRegionOverlap holds that a region which is the host's already is not taken twice, and nothing in it is written to.
func TestRegionOverlap(t *testing.T) {
	const first = firstRegion + 16
	size := regionSize(t)
	for name, second := range map[string]uint64{
		"the same": first, "a page on": first + linmem.PageSize, "its last byte": first + size - 1, "a byte before": first - 1,
	} {
		t.Run(name, func(t *testing.T) {
			f, freed := allocatingAt(80, first, second, second)
			s := &scene{fake: f, rng: rand.New(rand.NewPCG(5, 6))}
			g, _ := openRegions(t, f)
			s.g = g
			if err := s.put(200 << 10); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if addr, err := g.Heap.Alloc(16 * linmem.PageSize); !errors.Is(err, linmem.ErrOutOfMemory) {
					t.Errorf("Alloc = %#x, %v, want ErrOutOfMemory", addr, err)
				}
			}
			if err := errors.Join(s.compareHost(), g.Verify(), g.Heap.Check(), s.put(50<<10), s.compareHost()); err != nil {
				t.Error(err)
			}
			if err := g.Close(t.Context()); err != nil || len(*freed) < 1 {
				t.Errorf("Close gave back %#x, %v", *freed, err)
			}
		})
	}
}

// TestRegionsTouch holds that regions with no byte between them are two.
func TestRegionsTouch(t *testing.T) {
	const first = firstRegion + 16
	size := regionSize(t)
	f, _ := allocatingAt(80, first, first+size)
	g, regions := openRegions(t, f)
	for n := 1; n <= 2; n++ {
		if _, err := g.Heap.Alloc(12 * linmem.PageSize); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(g.Heap.Check(), g.Verify()); err != nil || len(*regions) != n {
			t.Errorf("%d regions, want %d; %v", len(*regions), n, err)
		}
	}
	for _, addr := range []uint64{first + size - 1, first + size} {
		f.flip(t, addr, func() { wantDamage(t, g, addr) })
	}
}
