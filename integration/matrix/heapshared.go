package matrix

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// heapShared holds that two goroutines may put and free blocks at the same time, each through a Local of its own, and free
// each other's.
//
// It relies on what the backends say of use at the same time: a mutex makes up for all that they forbid. wasmtimemem wants
// all that is in a store, NumPages and View too, used by one goroutine at a time, and wazeromem and wasmermem want nothing
// beside Grow. A Local has the memory grow, and copies in Put, under the lock of its Shared; the goroutines look at contents
// in Shared.Do, under the same lock. What they do without it is bookkeeping on the host. The guest does not run meanwhile.
func heapShared(pf *fixture) {
	f := pf.newHeap()
	shared := linmem.NewShared(f.heap)
	rounds := 4000
	if f.engine.Slow || testing.Short() {
		rounds = 1000
	}
	f.Logf("%d rounds for each goroutine", rounds)
	var workers [2]*sharer
	there, back := make(chan block, 64), make(chan block, 64)
	for i := range workers {
		workers[i] = &sharer{
			fixture: f.fixture, shared: shared, local: shared.Local(),
			rng: rand.New(rand.NewPCG(2026, uint64(i))), stamp: contents(i) << 32, out: there, in: back,
		}
		there, back = back, there
	}
	var wg sync.WaitGroup
	for _, w := range workers {
		wg.Go(func() {
			defer close(w.out) // the other goroutine frees what is still in it
			for range rounds {
				if !w.step() {
					return
				}
			}
		})
	}
	wg.Wait()
	if f.Failed() {
		return
	}
	for _, w := range workers {
		for b := range w.in {
			w.live = append(w.live, b)
		}
		if err := w.local.Close(); err != nil {
			f.Error(err)
		}
	}
	live := slices.Concat(workers[0].live, workers[1].live)
	for _, b := range live {
		f.verify(b, b.size)
		f.guestReads(b)
	}
	f.check()
	for _, b := range live {
		f.free(b.addr)
	}
	if s := f.heap.Stats(); len(live) == 0 || s.Allocs != 0 || s.Cached != 0 {
		f.Errorf("of %d blocks that were live, %d are left, and %d bytes are cached", len(live), s.Allocs, s.Cached)
	}
}

// sharer is one of the goroutines.
type sharer struct {
	*fixture
	shared  *linmem.Shared
	local   *linmem.Local
	rng     *rand.Rand
	stamp   contents // of its newest block
	live    []block
	out, in chan block // blocks for the other to free, and those that came from it
}

// step puts a block, or gets rid of one, and reports whether all was well. A goroutine must not call Fatal.
func (w *sharer) step() bool {
	if len(w.live) < 20 || w.rng.IntN(2) == 0 && len(w.live) < 200 {
		return w.put()
	}
	b := w.pick()
	select {
	case w.out <- b:
	default:
		return w.free(b)
	}
	select {
	case b, ok := <-w.in:
		return !ok || w.free(b)
	default:
		return true
	}
}

func (w *sharer) pick() block {
	i := w.rng.IntN(len(w.live))
	b := w.live[i]
	w.live = slices.Delete(w.live, i, i+1)
	return b
}

func (w *sharer) put() bool {
	w.stamp++
	b := block{size: w.rng.Uint64N(500), contents: w.stamp}
	if w.rng.IntN(50) == 0 {
		b.size = w.rng.Uint64N(40_000) // goes to the Shared
	}
	data := make([]byte, b.size)
	b.contents.fill(data)
	var err error
	if b.addr, err = w.local.Put(data); err != nil {
		w.Error(err)
		return false
	}
	w.live = append(w.live, b)
	return true
}

func (w *sharer) free(b block) bool {
	ok := true
	w.shared.Do(func(h *linmem.Heap) {
		view, err := h.View(b.addr, b.size)
		if err != nil || !b.contents.are(view, 0) {
			w.Errorf("%d bytes at %#x have changed, or are gone: %v", b.size, b.addr, err)
			ok = false
		}
	})
	if err := w.local.Free(b.addr); err != nil {
		w.Error(err)
		return false
	}
	return ok
}
