//go:build cgo && (linux || darwin)

package wasmermem_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// busyGuest has a function that counts in its own page for as long as it takes, and leaves the pages behind alone.
const busyGuest = `(module
	(memory (export "memory") 1 1024)
	(func (export "count") (param $n i32) (result i32)
		(loop $again
			(i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))
			(br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
		(i32.load (i32.const 64)))
	(func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
	(func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))`

// TestPinnedWhileTheGuestRuns holds what the package doc allows: while the guest runs a long call, goroutines put data into
// a heap whose memory is pinned.
func TestPinnedWhileTheGuestRuns(t *testing.T) {
	g := newGuest(t, []byte(busyGuest))
	mem := linmem.NewPinned(g.mem)
	heap, err := linmem.NewHeap(mem)
	if err != nil {
		t.Fatal(err)
	}
	const goroutines, blocks, iterations = 8, 30, 20_000_000
	if err := heap.Reserve(goroutines * blocks * 8192); err != nil {
		t.Fatal(err)
	}
	heap.Pages().Freeze(true)
	if err := mem.Pin(); err != nil {
		t.Fatal(err)
	}
	shared := linmem.NewShared(heap)
	var returned atomic.Bool
	var during [goroutines]atomic.Int64 // steps that each took while the guest ran
	var wg sync.WaitGroup
	for n := range goroutines {
		wg.Go(func() {
			local := shared.Local()
			defer func() { _ = local.Close() }()
			u := &localUse{local: local, random: rand.New(rand.NewPCG(uint64(n), 0)), max: blocks}
			for step := 0; step < 1000 || !returned.Load(); step++ {
				if err := u.step(); err != nil {
					t.Errorf("goroutine %d, step %d: %v", n, step, err)
					return
				}
				if !returned.Load() {
					during[n].Add(1)
				}
			}
			if err := u.freeAll(); err != nil {
				t.Errorf("goroutine %d: %v", n, err)
			}
		})
	}
	// On a busy machine a goroutine may not come to run for the time of a call, so there are several.
	waits := func(n *atomic.Int64) bool { return n.Load() == 0 }
	for calls := uint64(1); calls == 1 || calls <= 100 && containsFunc(&during, waits); calls++ {
		if counted := g.call(t, "count", iterations); counted != calls*iterations {
			t.Errorf("the guest counted to %d, want %d", counted, calls*iterations)
		}
	}
	returned.Store(true)
	wg.Wait()
	for n := range during {
		if during[n].Load() == 0 {
			t.Errorf("goroutine %d took no step while the guest ran", n)
		}
	}
	if err := mem.Unpin(); err != nil {
		t.Error(err)
	}
	if stats := shared.Stats(); stats.Allocs != 0 {
		t.Errorf("%d allocations are left", stats.Allocs)
	}
	if err := shared.Check(); err != nil {
		t.Error(err)
	}
}

// containsFunc is that of slices for an array of what must not be copied.
func containsFunc[T any](array *[8]T, is func(*T) bool) bool {
	for i := range array {
		if is(&array[i]) {
			return true
		}
	}
	return false
}

// localUse puts and frees through a Local, and compares contents.
type localUse struct {
	local  *linmem.Local
	random *rand.Rand
	max    int
	blocks []localBlock
}

type localBlock struct {
	addr uint64
	data []byte
}

func (u *localUse) step() error {
	if len(u.blocks) == u.max || len(u.blocks) > 0 && u.random.IntN(2) == 0 {
		return u.free(u.random.IntN(len(u.blocks)))
	}
	data := make([]byte, 1+u.random.IntN(2000))
	for i := range data {
		data[i] = byte(u.random.Uint32())
	}
	addr, err := u.local.Put(data)
	if err != nil {
		return err
	}
	u.blocks = append(u.blocks, localBlock{addr, data})
	return nil
}

func (u *localUse) free(i int) error {
	b := u.blocks[i]
	view, err := u.local.View(b.addr, uint64(len(b.data)))
	if err != nil {
		return err
	}
	if !bytes.Equal(view, b.data) {
		return fmt.Errorf("the %d bytes at %#x are not those that were put there", len(b.data), b.addr)
	}
	u.blocks = slices.Delete(u.blocks, i, i+1)
	return u.local.Free(b.addr)
}

func (u *localUse) freeAll() error {
	for len(u.blocks) > 0 {
		if err := u.free(0); err != nil {
			return err
		}
	}
	return nil
}

// TestViewsBesideEachOther has goroutines look at a memory that has just grown, all at once.
func TestViewsBesideEachOther(t *testing.T) {
	g := newGuest(t, []byte(busyGuest))
	for n := range uint64(50) {
		if n%2 == 0 {
			mustGrow(t, g.mem, 1)
		} else {
			g.call(t, "grow", 1)
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if got := g.mem.NumPages(); got != n+2 || g.mem.Closed() {
					t.Errorf("%d pages, want %d", got, n+2)
				}
				if _, err := g.mem.View((n+1)*page, page); err != nil {
					t.Error(err)
				}
				if got := g.mem.Moves(); got != 0 {
					t.Errorf("%d moves", got)
				}
			})
		}
		wg.Wait()
	}
}
