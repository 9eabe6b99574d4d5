package linmem_test

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// Sizes and alignments at the ends of what a uint64 holds are refused or right, and leave the heap as it was.
func TestHeapExtremes(t *testing.T) {
	h, _ := heapIn(t, 300)
	sizes := []uint64{
		0, 1, 8192, 8193, 1 << 20, 1 << 40, 1 << 62, math.MaxInt64, 1 << 63, math.MaxUint64 - 1023, math.MaxUint64,
	}
	for _, size := range sizes {
		for log2 := range 64 {
			addr, err := h.AllocAligned(size, 1<<log2)
			if err != nil {
				continue
			}
			if addr%(1<<log2) != 0 {
				t.Errorf("%d bytes aligned to 2^%d are at %#x", size, log2, addr)
			}
			must(t, h.Free(addr))
		}
		addr, err := h.Alloc(size)
		if err != nil {
			continue
		}
		for _, huge := range sizes[5:] {
			fails(t, linmem.ErrOutOfMemory, h.Resize(addr, huge))
			_, err := h.Realloc(addr, huge)
			fails(t, linmem.ErrOutOfMemory, err)
			_, err = h.View(addr, huge)
			fails(t, linmem.ErrOutOfBounds, err)
			fails(t, linmem.ErrOutOfMemory, h.Reserve(huge))
			sound(t, h)
		}
		must(t, h.Free(addr))
	}
}

// A heap works as well at the far end of a 64-bit memory.
func TestHeapFarUp(t *testing.T) {
	h, err := linmem.NewHeap(&untouched{size: 1<<48 - 3})
	must(t, err)
	a := taken(t, h, 100)
	b := taken(t, h, 100_000)
	_, err = h.Alloc(200_000)
	fails(t, linmem.ErrOutOfMemory, err)
	must(t, h.Check())
	must(t, h.Free(a))
	must(t, h.Free(b))
	fails(t, linmem.ErrNotAllocated, h.Free(b))
	fails(t, linmem.ErrNotAllocated, h.Free(math.MaxUint64))
}

// scattered is a source whose pages lie all over a memory, below each other as often as not, so that what the heap knows of
// its units moves while Locals are at work.
type scattered struct {
	rng    *rand.Rand
	within uint64
	given  map[uint64]bool
}

func (s *scattered) source(n uint64) (linmem.Range, error) {
	for {
		start := 1 + s.rng.Uint64N(s.within)
		free := true
		for page := start; page < start+n; page++ {
			free = free && !s.given[page]
		}
		if !free {
			continue
		}
		for page := start; page < start+n; page++ {
			s.given[page] = true
		}
		return linmem.Range{Start: linmem.Page(start), Len: n}, nil
	}
}

func TestLocalsWhileUnitsMove(t *testing.T) {
	for _, within := range []uint64{2000, 1 << 20, 1 << 39} {
		s := &scattered{rand.New(rand.NewPCG(within, 1)), within, map[uint64]bool{}}
		h, err := linmem.NewHeap(&untouched{size: 1 << 40}, linmem.WithSource(s.source))
		must(t, err)
		shared := linmem.NewShared(h)
		handover := make(chan uint64, 256)
		var all sync.WaitGroup
		for seed := range uint64(3) {
			all.Go(func() { moveAround(t, shared, rand.New(rand.NewPCG(within, seed)), handover) })
		}
		all.Wait()
		close(handover)
		for addr := range handover {
			must(t, shared.Free(addr))
		}
		must(t, shared.Check())
		if stats := shared.Stats(); stats.Allocs != 0 || stats.Cached != 0 {
			t.Errorf("within %d pages: %d allocations are left, and %d bytes cached", within, stats.Allocs, stats.Cached)
		}
	}
}

// moveAround allocates from a Local, frees what it and others have allocated, and frees what nobody has.
func moveAround(t *testing.T, shared *linmem.Shared, r *rand.Rand, handover chan uint64) {
	l := shared.Local()
	defer func() { must(t, l.Close()) }()
	check := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	var mine []uint64
	for step := range 2500 {
		switch r.IntN(6) {
		default:
			addr, err := l.Alloc(r.Uint64N(1 << (1 + r.IntN(16))))
			check(err)
			mine = append(mine, addr)
		case 3:
			if len(mine) > 0 {
				i := r.IntN(len(mine))
				check(l.Free(mine[i]))
				mine[i] = mine[len(mine)-1]
				mine = mine[:len(mine)-1]
			}
		case 4:
			if len(mine) > 0 {
				select {
				case handover <- mine[len(mine)-1]:
					mine = mine[:len(mine)-1]
				case addr := <-handover:
					check(l.Free(addr))
				}
			}
		case 5:
			if step%50 == 0 {
				check(shared.Check())
			}
			if l.Free(r.Uint64N(1<<40)|1) == nil {
				t.Error("an odd address was freed")
			}
		}
	}
	for _, addr := range mine {
		check(l.Free(addr))
	}
}

// fails holds an error to a class.
func fails(t *testing.T, want, err error) {
	t.Helper()
	if class(err) != want {
		t.Errorf("the error is %v, want one that is %q", err, want)
	}
}
