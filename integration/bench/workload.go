package bench

import (
	"errors"
	"fmt"

	linmem "github.com/linmem/linmem/core"
)

// Workload is what is done to an allocator over and over. A turn is an Alloc and a Free, or, where nothing fits, an
// Alloc.
type Workload interface {
	// Turns does so many turns. It fails if an answer cannot be.
	Turns(n int) error

	// Stats counts since the workload began.
	Stats() Stats

	// through puts an allocator between the workload and its own, and returns its own.
	through(func(Allocator) Allocator)
}

// Stats counts requests, in the workloads in which some may find no room.
type Stats struct {
	Asked, Refused uint64
	UsedPages      uint64 // now
}

// Refusals returns the share of requests that found no room, 0 to 1.
func (s Stats) Refusals() float64 { return float64(s.Refused) / float64(max(1, s.Asked)) }

// on is the allocator that a workload uses.
type on struct{ a Allocator }

func (o *on) through(wrap func(Allocator) Allocator) { o.a = wrap(o.a) }

// pair allocates and frees the same run.
type pair struct {
	on
	n         uint64
	log2Align uint8
}

func (w *pair) Turns(n int) error {
	for range n {
		start, err := w.a.Alloc(w.n, w.log2Align)
		if err != nil {
			return err
		}
		if err := w.a.Free(start, w.n); err != nil {
			return err
		}
	}
	return nil
}

func (*pair) Stats() Stats { return Stats{} }

// never asks for what does not fit.
type never struct {
	on
	n         uint64
	log2Align uint8
}

func (w *never) Turns(n int) error {
	var err error
	for range n {
		start, e := w.a.Alloc(w.n, w.log2Align)
		if err = e; err == nil {
			return fmt.Errorf("%d pages, aligned to %d, fit at %d, and should not", w.n, 1<<w.log2Align, start)
		}
	}
	if err != nil && !errors.Is(err, linmem.ErrOutOfMemory) {
		return err
	}
	return nil
}

func (*never) Stats() Stats { return Stats{} }

// neverTheSame is never after a change: one page is allocated before, and freed after. What an allocator remembers of the last
// failure may not hold any more.
type neverTheSame struct{ never }

func (w *neverTheSame) Turns(n int) error {
	for range n {
		start, err := w.a.Alloc(1, 0)
		if err != nil {
			return err
		}
		if err := w.never.Turns(1); err != nil {
			return err
		}
		if err := w.a.Free(start, 1); err != nil {
			return err
		}
	}
	return nil
}

// idle is an allocator that does nothing, and so tells what a workload costs by itself. It fails with err if asked for so many
// pages or more.
type idle struct {
	fails uint64
	err   error
}

func (a idle) Alloc(n uint64, _ uint8) (uint64, error) {
	if n >= a.fails {
		return 1, a.err
	}
	return 1, nil
}

func (a idle) Free(_, _ uint64) error { return nil }
