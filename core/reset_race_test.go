package linmem_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	linmem "github.com/linmem/linmem/core"
)

// whileResetting runs work in four goroutines while the heap is reset over and over, and checks it.
func whileResetting(t *testing.T, work func(s *linmem.Shared)) {
	h, _ := heapIn(t, 400)
	s := linmem.NewShared(h)
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					work(s)
				}
			}
		})
	}
	limit := 500 * time.Millisecond
	if testing.Short() {
		limit = 150 * time.Millisecond
	}
	for start := time.Now(); time.Since(start) < limit && !t.Failed(); {
		if err := s.Reset(); err != nil {
			t.Error(err)
		}
		if err := s.Check(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	all.Wait()
	must(t, s.Reset())
	must(t, s.Check())
	if stats := s.Stats(); stats.Allocs != 0 || stats.Cached != 0 {
		t.Errorf("%d allocations are left, and %d bytes cached", stats.Allocs, stats.Cached)
	}
}

// Spans of Locals fill up and become empty just as they are revoked.
func TestResetWhileLocalsEmptySpans(t *testing.T) {
	locals := sync.Pool{}
	whileResetting(t, func(s *linmem.Shared) {
		l, ok := locals.Get().(*linmem.Local)
		if !ok {
			l = s.Local()
		}
		defer locals.Put(l)
		var addrs []uint64
		for range 24 {
			addr, err := l.Alloc(2048)
			if err != nil {
				t.Error(err)
				return
			}
			addrs = append(addrs, addr)
		}
		for _, addr := range addrs {
			// What a Reset has freed may be another's now, so that an error says nothing.
			if err := l.Free(addr); err != nil && !errors.Is(err, linmem.ErrNotAllocated) {
				t.Error(err)
			}
		}
	})
}

// An arena whose heap was reset frees nothing of anybody's, and does not fail.
func TestResetWhileArenasFree(t *testing.T) {
	whileResetting(t, func(s *linmem.Shared) {
		a := s.NewArena()
		for range 20 {
			if _, err := a.Alloc(1000); err != nil {
				t.Error(err)
			}
		}
		if err := a.Free(); err != nil {
			t.Error(err)
		}
	})
}

// Snapshots that are taken while Locals work can be restored.
func TestSnapshotWhileLocalsWork(t *testing.T) {
	h, mem := heapIn(t, 400)
	s := linmem.NewShared(h)
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			l := s.Local()
			defer func() { must(t, l.Close()) }()
			for {
				var addrs []uint64
				for size := uint64(16); size < 2048; size *= 2 {
					addr, err := l.Alloc(size)
					must(t, err)
					addrs = append(addrs, addr)
				}
				for _, addr := range addrs {
					must(t, l.Free(addr))
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for range 300 {
		snapshot, err := s.MarshalBinary()
		must(t, err)
		s.Do(func(*linmem.Heap) { // so that the memory does not grow meanwhile
			restored, err := linmem.RestoreHeap(mem, snapshot)
			must(t, err)
			must(t, restored.Check())
		})
	}
	close(stop)
	all.Wait()
}
