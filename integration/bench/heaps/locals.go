package heaps

import (
	"errors"
	"sync"
	"time"

	linmem "github.com/linmem/linmem/core"

	nativemem "github.com/linmem/linmem/backends/native"
)

// localBlocks is the heap's handle for one of several goroutines.
type localBlocks struct{ l *linmem.Local }

func (b localBlocks) Alloc(size uint64) (uint64, error) { return b.l.Alloc(size) }

func (b localBlocks) Free(addr, _ uint64) error { return b.l.Free(addr) }

func (b localBlocks) Realloc(addr, _, newSize uint64) (uint64, error) {
	return b.l.Realloc(addr, newSize)
}

// OpenLocals returns n handles on one heap on a new native memory, each for a goroutine of its own. The caller calls done
// when it is through with them.
func OpenLocals(n int) (handles []Allocator, done func() error, err error) {
	m, err := nativemem.New(1, maxPages)
	if err != nil {
		return nil, nil, err
	}
	h, err := linmem.NewHeap(m)
	if err != nil {
		return nil, nil, errors.Join(err, m.Close())
	}
	shared := linmem.NewShared(h)
	var locals []*linmem.Local
	for range n {
		l := shared.Local()
		locals = append(locals, l)
		handles = append(handles, localBlocks{l})
	}
	return handles, func() error {
		var errs []error
		for _, l := range locals {
			errs = append(errs, l.Close())
		}
		return errors.Join(append(errs, m.Close())...)
	}, nil
}

// Together does the workloads at the same time, each in a goroutine of its own, until the time is over, and returns how many
// turns all of them did in a second.
func Together(ws []Workload, limit time.Duration) (perSecond float64, err error) {
	const batch = 256 // turns between two looks at the clock
	turns, errs := make([]int, len(ws)), make([]error, len(ws))
	start := time.Now()
	var all sync.WaitGroup
	for i, w := range ws {
		all.Add(1)
		go func() {
			defer all.Done()
			var err error
			n := 0 // and so is err: in the slices, the goroutines would share cache lines
			for err == nil && time.Since(start) < limit {
				err = w.Turns(batch)
				n += batch
			}
			turns[i], errs[i] = n, err
		}()
	}
	all.Wait()
	taken := time.Since(start)
	sum := 0
	for _, n := range turns {
		sum += n
	}
	return float64(sum) / taken.Seconds(), errors.Join(errs...)
}
