package bench

import (
	"fmt"
	"slices"
)

// Case is a workload: the state that a memory is brought into, and what is then done in it.
type Case struct {
	Name   string
	Steady bool // runs come and go; the latency of one call means something

	scene func(pages uint64) (*Scene, error)
}

// Scene is a case in a memory of so many pages.
type Scene struct {
	layout layout
	begin  func(Allocator) Workload
	fails  uint64 // pages that do not fit; 0 if all does
}

// Cases returns the workloads. The names of the steady ones say how full the memory is; a turn there is one run that
// leaves and one that comes, over the whole memory. In Empty, a turn is a page allocated and freed, and in the others it
// is what the name says.
//
// The cases other than the steady ones ask for the same over and over, and so favor an allocator that remembers its last
// search. In CombChangesNeverFits, a page is allocated before each such request and freed after it.
//
// For the steady ones zigref is given the memory that first fit leaves, as all are. It finds an aligned run only where a
// free one begins, or at a border of 128 pages, so that more requests find no room than in the others ([Stats.Refusals]).
func Cases() []Case {
	return []Case{
		{Name: "Empty", scene: allocating(1, 0, func(pages uint64) layout { return repeat(pages, pages-1, 0) })},
		SteadyCase("50PercentFull", 50, 64, 0),
		SteadyCase("75PercentFull", 75, 1000, 0),
		SteadyCase("95PercentFull", 95, 8, 0),
		SteadyCase("50PercentFullAligned", 50, 64, 4),
		{Name: "CombNeverFits", scene: failing(2, 0, comb)},
		{Name: "CombChangesNeverFits", scene: func(pages uint64) (*Scene, error) {
			begin := func(a Allocator) Workload { return &neverTheSame{never{on{a}, 2, 0}} }
			return &Scene{layout: comb(pages), begin: begin, fails: 2}, nil
		}},
		{Name: "CombLastPairFits", scene: allocating(2, 0, combLastPair)},
		{Name: "CombFirstPageFits", scene: allocating(1, 0, comb)},
		{Name: "191FreeNever192", scene: failing(192, 0, func(pages uint64) layout { return repeat(pages, 191, 1) })},
		{Name: "AlignedNeverFits", scene: failing(16, 4, spoiledSlots)},
		{Name: "AlignedLastSlotFits", scene: allocating(16, 4, lastSlot)},
	}
}

// SteadyCase returns a case in which a share of the memory is in use by runs of 1 to maxRun pages, aligned to 1 to
// 1<<maxLog2Align.
func SteadyCase(name string, percent uint64, maxRun uint32, maxLog2Align uint8) Case {
	t := tenants{maxRun, maxLog2Align}
	return Case{Name: name, Steady: true, scene: func(pages uint64) (*Scene, error) {
		live, err := aged(pages, percent, t)
		if err != nil {
			return nil, err
		}
		used := uint64(0)
		for _, r := range live {
			used += uint64(r.n)
		}
		return &Scene{layout: around(live, pages), begin: func(a Allocator) Workload {
			return &steady{on: on{a}, tenants: t, live: slices.Clone(live), draw: 2, stats: Stats{UsedPages: used}}
		}}, nil
	}}
}

// Prepare makes the scene of a memory. For a steady case that takes 10 turns for each run; do it once for all allocators.
func (c Case) Prepare(pages uint64) (*Scene, error) {
	s, err := c.scene(pages)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	return s, nil
}

// Start brings an allocator, just opened on a memory of the scene's size, into the scene's state, and does a turn.
func (s *Scene) Start(a Allocator) (Workload, error) {
	if err := fill(a, s.layout); err != nil {
		return nil, err
	}
	w := s.begin(a)
	return w, w.Turns(1)
}

// Harness returns the workload on an allocator that does nothing.
func (s *Scene) Harness() Workload {
	if s.fails > 0 {
		return s.begin(idle{s.fails, errNoRoom})
	}
	return s.begin(idle{})
}

func allocating(n uint64, log2Align uint8, l func(pages uint64) layout) func(uint64) (*Scene, error) {
	return func(pages uint64) (*Scene, error) {
		return &Scene{layout: l(pages), begin: func(a Allocator) Workload { return &pair{on{a}, n, log2Align} }}, nil
	}
}

func failing(n uint64, log2Align uint8, l func(pages uint64) layout) func(uint64) (*Scene, error) {
	return func(pages uint64) (*Scene, error) {
		begin := func(a Allocator) Workload { return &never{on{a}, n, log2Align} }
		return &Scene{layout: l(pages), begin: begin, fails: n}, nil
	}
}

// comb has every second page free, so that 2 fit nowhere.
func comb(pages uint64) layout { return repeat(pages, 1, 1) }

// combLastPair is comb with the last two pages free.
func combLastPair(pages uint64) layout {
	return withLast(comb(pages), pages, lastRun{1, false}, lastRun{1, true}, lastRun{1, true})
}

// spoiledSlots has 30 free pages in every 32, but not the first and the last of these, so that each slot of 16 aligned
// pages has a used one.
func spoiledSlots(pages uint64) layout { return repeat(pages, 30, 2) }

// lastSlot is spoiledSlots with the last slot free. The free run begins there, since zigref tries no other page of it.
func lastSlot(pages uint64) layout {
	return withLast(spoiledSlots(pages), pages, lastRun{1, false}, lastRun{16, true})
}
