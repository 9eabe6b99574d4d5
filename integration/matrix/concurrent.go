package matrix

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"

	linmem "github.com/linmem/linmem/core"
)

// The cases here are about what the package docs of the backends say may run at the same time as a call into the guest. Run
// them with the race detector, as make race does.

const (
	putters  = 8   // goroutines
	putEach  = 300 // blocks
	putPages = 128 // that are reserved for them: 8 × 300 blocks of 2 KiB at most, and spans that are not full
)

// whileTheGuestRuns holds that goroutines may put blocks while the guest runs, on every backend: on a memory that is pinned,
// over pages that were reserved. The guest does not grow its memory.
func whileTheGuestRuns(f *fixture) {
	mem := linmem.NewPinned(f.mem)
	heap := f.reservedHeap(mem)
	if err := mem.Pin(); err != nil {
		f.Fatal(err)
	}
	own := f.call("own")[0]
	calls := f.putWhile(heap, func() error {
		_, err := f.inst.Call(context.Background(), "fnv1a", own, ownBytes)
		return err
	})
	if err := mem.Unpin(); err != nil {
		f.Error(err)
	}
	f.Logf("the guest was called %d times meanwhile", calls)
}

// whileTheGuestGrows holds that they may do so even while the guest grows its memory, where the engine has memories that
// allow that.
func whileTheGuestGrows(f *fixture) {
	if !f.engine.ViewsAnytime {
		f.Skipf("%s has no memories that may be viewed while the guest grows them", f.engine.Name)
	}
	heap := f.reservedHeap(f.mem)
	before := f.mem.NumPages()
	f.putWhile(heap, func() error {
		_, err := f.inst.Call(context.Background(), "grow", 1) // until the maximum, and then in vain
		return err
	})
	if after := f.mem.NumPages(); after <= before {
		f.Errorf("the guest did not grow its memory of %d pages", before)
	}
}

// reservedHeap returns a heap that does not grow any more.
func (f *fixture) reservedHeap(mem linmem.Memory) *linmem.Heap {
	f.Helper()
	heap, err := linmem.NewHeap(mem)
	if err != nil {
		f.Fatal(err)
	}
	if err := heap.Reserve(putPages * linmem.PageSize); err != nil {
		f.Fatal(err)
	}
	heap.Pages().Freeze(true)
	return heap
}

// putWhile has goroutines put blocks, free some, and look at the rest, while one calls the guest over and over, once at
// least. It returns how often.
func (f *fixture) putWhile(heap *linmem.Heap, call func() error) (calls int) {
	shared := linmem.NewShared(heap)
	var running sync.WaitGroup
	var done atomic.Bool
	running.Go(func() {
		for first := true; first || !done.Load(); first = false {
			if err := call(); err != nil {
				f.Errorf("the guest: %v", err)
				return
			}
			calls++
		}
	})
	var putting sync.WaitGroup
	for g := range putters {
		putting.Go(func() {
			if err := putBlocks(shared.Local(), byte(g+1)); err != nil {
				f.Error(err)
			}
		})
	}
	putting.Wait()
	done.Store(true)
	running.Wait()
	if err := heap.Check(); err != nil {
		f.Error(err)
	}
	return calls
}

// putBlocks does what one goroutine does. Two in three blocks stay.
func putBlocks(local *linmem.Local, stamp byte) error {
	type kept struct{ addr, size uint64 }
	var all []kept
	for i := range uint64(putEach) {
		data := bytes.Repeat([]byte{stamp}, int(1+i*37%2048))
		addr, err := local.Put(data)
		if err != nil {
			return err
		}
		if i%3 == 0 {
			if err := local.Free(addr); err != nil {
				return err
			}
			continue
		}
		all = append(all, kept{addr, uint64(len(data))})
	}
	for _, b := range all {
		view, err := local.View(b.addr, b.size)
		if err != nil {
			return err
		}
		for i, got := range view {
			if got != stamp {
				return &linmem.Error{Op: "putBlocks", Addr: b.addr + uint64(i), Size: b.size, Err: linmem.ErrCorrupt}
			}
		}
	}
	return local.Close()
}
