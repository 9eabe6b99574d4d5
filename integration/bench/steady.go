package bench

import (
	"cmp"
	"errors"
	"slices"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/integration/bench/radix"
)

// run is a live allocation.
type run struct{ start, n uint32 }

// tenants says how long the runs of a steady state are: 1 to maxRun pages, aligned to 1 to 1<<maxLog2Align, each of these
// with the same chance.
type tenants struct {
	maxRun       uint32 // pages
	maxLog2Align uint8
}

// steady is a memory in which in each turn a random run leaves and another comes. Its place stays empty if there is no
// room, until that place is drawn again.
type steady struct {
	on
	tenants
	live  []run // of length 0 where one found no room
	draw  draw
	stats Stats
}

func (w *steady) Stats() Stats { return w.stats }

func (w *steady) Turns(n int) error {
	for range n {
		place := &w.live[w.draw.below(uint32(len(w.live)))]
		if place.n != 0 {
			if err := w.a.Free(uint64(place.start), uint64(place.n)); err != nil {
				return err
			}
			w.stats.UsedPages -= uint64(place.n)
		}
		if err := w.come(place); err != nil {
			return err
		}
	}
	return nil
}

// come allocates a run of a random length at a place, or leaves it empty.
func (w *steady) come(place *run) error {
	n, log2Align := w.draw.run(w.tenants)
	start, err := w.a.Alloc(uint64(n), log2Align)
	w.stats.Asked++
	if err != nil {
		w.stats.Refused++
		*place = run{}
		if errors.Is(err, linmem.ErrOutOfMemory) {
			return nil
		}
		return err
	}
	*place = run{uint32(start), n}
	w.stats.UsedPages += uint64(n)
	return nil
}

// draw is a linear congruential generator: two instructions a number, so that a turn is little but the allocator's calls.
type draw uint64

func (d *draw) next() uint32 {
	*d = *d*6364136223846793005 + 1442695040888963407
	return uint32(*d >> 32) // the low bits have short periods
}

func (d *draw) below(n uint32) uint32 { return uint32(uint64(d.next()) * uint64(n) >> 32) }

func (d *draw) run(t tenants) (n uint32, log2Align uint8) {
	n = 1 + d.below(t.maxRun)
	if t.maxLog2Align > 0 {
		log2Align = uint8(d.below(uint32(t.maxLog2Align) + 1))
	}
	return n, log2Align
}

// agingTurns is how often, on average, each run has been replaced before anything is measured.
const agingTurns = 10

// aged returns the live runs of a memory of which a share is used, after it came to a steady state under address-ordered
// first fit, in the order of addresses. The allocator that it takes for that is package radix; any other would leave the
// same.
func aged(pages, percent uint64, t tenants) ([]run, error) {
	p := radix.New(pages)
	p.Alloc(1) // page 0
	w := &steady{on: on{radixPages{p}}, tenants: t, draw: 1}
	for {
		var r run
		if err := w.come(&r); err != nil {
			return nil, err
		}
		if r.n == 0 {
			break
		}
		w.live = append(w.live, r)
	}
	for target := percent * pages / 100; w.stats.UsedPages > target; {
		i, last := w.draw.below(uint32(len(w.live))), len(w.live)-1
		p.Free(uint64(w.live[i].start), uint64(w.live[i].n))
		w.stats.UsedPages -= uint64(w.live[i].n)
		w.live[i] = w.live[last]
		w.live = w.live[:last]
	}
	if err := w.Turns(agingTurns * len(w.live)); err != nil {
		return nil, err
	}
	slices.SortFunc(w.live, func(a, b run) int { return cmp.Compare(a.start, b.start) })
	return w.live, nil
}

// around is the layout of a memory with these live runs, in the order of addresses.
func around(live []run, pages uint64) layout {
	return func(yield func(uint64, bool) bool) {
		page := uint64(1)
		for _, r := range live {
			if start := uint64(r.start); r.n > 0 && start > page && !yield(start-page, true) {
				return
			}
			if r.n > 0 && !yield(uint64(r.n), false) {
				return
			}
			page = max(page, uint64(r.start)+uint64(r.n))
		}
		if page < pages {
			yield(pages-page, true)
		}
	}
}
