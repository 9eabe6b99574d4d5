// Package firstfit holds page allocators of a fixed memory against the obvious one: a bool a page.
package firstfit

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// Allocator is address-ordered first fit.
type Allocator interface {
	Alloc(n uint64) (start uint64, ok bool)
	AllocAligned(n uint64, log2Align uint8) (start uint64, ok bool)
	Free(start, n uint64)
}

// oracle has true where a page is free.
type oracle []bool

func newOracle(pages uint64) oracle {
	o := make(oracle, pages)
	o.set(0, pages, true)
	return o
}

func (o oracle) set(start, n uint64, free bool) {
	for i := range n {
		o[start+i] = free
	}
}

// find costs time in proportion to the pages below the result.
func (o oracle) find(n uint64, log2Align uint8) (start uint64, ok bool) {
	run := uint64(0)
	first := uint64(0) // of the run
	for page, free := range o {
		if !free {
			run = 0
			continue
		}
		if run++; run == 1 {
			first = uint64(page)
		}
		at := (first + 1<<log2Align - 1) &^ (1<<log2Align - 1)
		if n > 0 && at+n <= first+run {
			return at, true
		}
	}
	return 0, false
}

type span struct{ start, n uint64 }

// Situation is a memory of so many pages, in which some runs are free, and a request.
type Situation struct {
	Name      string
	Pages     uint64
	Free      []uint64 // start and length of each free run
	N         uint64
	Log2Align uint8
	Want      int // -1 if there is no room
}

// Situations are runs at the borders of words, chunks and levels, of a tree with chunks of 512 pages and 8 children a
// node.
var Situations = []Situation{
	{Name: "NoPages", Pages: 0, N: 1, Want: -1},
	{Name: "NoneAsked", Pages: 64, Free: []uint64{0, 64}, N: 0, Want: -1},
	{Name: "OnePage", Pages: 1, Free: []uint64{0, 1}, N: 1, Want: 0},
	{Name: "NoneFree", Pages: 1000, N: 1, Want: -1},
	{Name: "PastTheEnd", Pages: 1000, Free: []uint64{990, 10}, N: 11, Want: -1},
	{Name: "UpToTheEnd", Pages: 1000, Free: []uint64{990, 10}, N: 10, Want: 990},
	{Name: "MoreThanThereAre", Pages: 1000, Free: []uint64{0, 1000}, N: 1001, Want: -1},
	{Name: "FarMoreThanThereAre", Pages: 1000, Free: []uint64{0, 1000}, N: 1 << 63, Want: -1},
	{Name: "MostThatCanBeAsked", Pages: 1000, Free: []uint64{0, 1000}, N: 1<<64 - 1, Want: -1},
	{Name: "FirstNotBest", Pages: 1000, Free: []uint64{10, 5, 20, 2}, N: 2, Want: 10},
	{Name: "TooShortFirst", Pages: 1000, Free: []uint64{10, 1, 20, 2}, N: 2, Want: 20},
	{Name: "InsideAWord", Pages: 1000, Free: []uint64{3, 1, 130, 62}, N: 62, Want: 130},
	{Name: "AWord", Pages: 1000, Free: []uint64{3, 1, 128, 64}, N: 64, Want: 128},
	{Name: "AcrossWords", Pages: 1000, Free: []uint64{3, 1, 127, 2}, N: 2, Want: 127},
	{Name: "MoreThanAWord", Pages: 1000, Free: []uint64{3, 1, 128, 65}, N: 65, Want: 128},
	{Name: "OverAWord", Pages: 1000, Free: []uint64{60, 3, 127, 66}, N: 66, Want: 127},
	{Name: "OneShort", Pages: 1000, Free: []uint64{60, 191, 300, 191}, N: 192, Want: -1},
	{Name: "AcrossChunks", Pages: 5000, Free: []uint64{3, 1, 511, 2}, N: 2, Want: 511},
	{Name: "AChunk", Pages: 5000, Free: []uint64{3, 1, 512, 512}, N: 512, Want: 512},
	{Name: "MoreThanAChunk", Pages: 5000, Free: []uint64{3, 1, 600, 513}, N: 513, Want: 600},
	{Name: "OverAChunk", Pages: 5000, Free: []uint64{3, 1, 511, 514, 2000, 600}, N: 514, Want: 511},
	{Name: "AloneInAWord", Pages: 5000, Free: []uint64{575, 1, 612, 2}, N: 2, Want: 612},
	{Name: "AcrossLevel1", Pages: 40_000, Free: []uint64{3, 1, 4095, 2}, N: 2, Want: 4095},
	{Name: "ANodeOfLevel1", Pages: 40_000, Free: []uint64{3, 1, 4096, 4096}, N: 4096, Want: 4096},
	{Name: "OverANodeOfLevel1", Pages: 40_000, Free: []uint64{3, 1, 4095, 4098}, N: 4098, Want: 4095},
	{Name: "AcrossLevel2", Pages: 70_000, Free: []uint64{3, 1, 32_760, 20}, N: 20, Want: 32_760},
	{Name: "ANodeOfLevel2", Pages: 70_000, Free: []uint64{3, 1, 32_768, 32_768}, N: 32_768, Want: 32_768},
	{Name: "AllOfThem", Pages: 70_000, Free: []uint64{0, 70_000}, N: 70_000, Want: 0},
	{Name: "AcrossLevel3", Pages: 600_000, Free: []uint64{3, 1, 262_100, 100}, N: 100, Want: 262_100},
	{Name: "AcrossLevel4", Pages: 1 << 22, Free: []uint64{3, 1, 1<<21 - 9, 20}, N: 20, Want: 1<<21 - 9},
	{Name: "AllOfTheRoot", Pages: 1 << 22, Free: []uint64{0, 1 << 22}, N: 1 << 22, Want: 0},
	{Name: "AnEntryOfTheRoot", Pages: 1 << 22, Free: []uint64{1, 5, 1 << 21, 1 << 21}, N: 1 << 21, Want: 1 << 21},
	{Name: "MoreThan8InTheRoot", Pages: 9 << 21, Free: []uint64{1, 5, 9<<21 - 7, 7}, N: 7, Want: 9<<21 - 7},

	{Name: "AlignedAtTheStart", Pages: 1000, Free: []uint64{16, 16}, N: 16, Log2Align: 4, Want: 16},
	{Name: "AlignedInside", Pages: 1000, Free: []uint64{17, 31}, N: 16, Log2Align: 4, Want: 32},
	{Name: "AlignedNowhere", Pages: 1000, Free: []uint64{1, 30, 33, 30}, N: 16, Log2Align: 4, Want: -1},
	{Name: "AlignedAcrossWords", Pages: 1000, Free: []uint64{33, 50}, N: 20, Log2Align: 4, Want: 48},
	{Name: "AlignedToAWord", Pages: 1000, Free: []uint64{1, 126, 129, 100}, N: 64, Log2Align: 6, Want: -1},
	{Name: "AlignedAWord", Pages: 1000, Free: []uint64{1, 62, 127, 100}, N: 64, Log2Align: 6, Want: 128},
	{Name: "AlignedLong", Pages: 1000, Free: []uint64{1, 140, 150, 140}, N: 100, Log2Align: 5, Want: 32},
	{Name: "AlignedLongInSecond", Pages: 1000, Free: []uint64{1, 120, 150, 140}, N: 100, Log2Align: 5, Want: 160},
	{Name: "AlignedAcrossChunks", Pages: 5000, Free: []uint64{497, 100}, N: 40, Log2Align: 4, Want: 512},
	{Name: "AlignedBeforeTheBorder", Pages: 5000, Free: []uint64{489, 100}, N: 40, Log2Align: 4, Want: 496},
	{Name: "AlignedToAChunk", Pages: 5000, Free: []uint64{1, 600, 700, 500}, N: 10, Log2Align: 9, Want: 512},
	{Name: "AlignedAboveAChunk", Pages: 5000, Free: []uint64{1, 700, 1020, 100}, N: 10, Log2Align: 10, Want: 1024},
	{Name: "AlignedToTwoChunksLong", Pages: 5000, Free: []uint64{1, 1600, 1700, 1000}, N: 600, Log2Align: 10, Want: 2048},
	{Name: "AlignedAcrossLevel1", Pages: 40_000, Free: []uint64{1, 30, 4081, 100}, N: 90, Log2Align: 3, Want: 4088},
	{Name: "AlignedOverLevel2", Pages: 70_000, Free: []uint64{1, 30, 30_001, 30_000}, N: 29_900, Log2Align: 5, Want: 30_016},
	{Name: "AlignedAboveTheMemory", Pages: 1000, Free: []uint64{1, 999}, N: 1, Log2Align: 60, Want: -1},
	{Name: "AlignedAtZero", Pages: 1000, Free: []uint64{0, 1000}, N: 1, Log2Align: 63, Want: 0},
	{Name: "AlignedPastTheEnd", Pages: 1000, Free: []uint64{985, 15}, N: 9, Log2Align: 3, Want: -1},
	{Name: "AlignedMostThatCanBeAsked", Pages: 1000, Free: []uint64{0, 1000}, N: 1<<64 - 1, Log2Align: 3, Want: -1},
}

// Table runs the situations, each of them twice: the run goes back in between, and a page more while it is out.
func Table(t *testing.T, open func(pages uint64) Allocator) {
	t.Helper()
	for _, s := range Situations {
		t.Run(s.Name, func(t *testing.T) {
			a := open(s.Pages)
			if s.Pages > 0 {
				if start, ok := a.Alloc(s.Pages); start != 0 || !ok {
					t.Fatalf("all pages: %d, %t; want 0", start, ok)
				}
			}
			for i := 0; i < len(s.Free); i += 2 {
				a.Free(s.Free[i], s.Free[i+1])
			}
			for range 2 {
				got := -1
				if start, ok := alloc(a, s.N, s.Log2Align); ok {
					got = int(start)
				}
				if got != s.Want {
					t.Fatalf("%d pages aligned to 1<<%d: at %d; want %d", s.N, s.Log2Align, got, s.Want)
				}
				if got >= 0 {
					lowest(t, a, s, uint64(got))
					a.Free(uint64(got), s.N)
				}
			}
		})
	}
}

// lowest asks for the first page that is free after the request of a situation was met: a hint may not have gone past it.
func lowest(t *testing.T, a Allocator, s Situation, taken uint64) {
	t.Helper()
	for i := 0; i < len(s.Free); i += 2 {
		for page := s.Free[i]; page < s.Free[i]+s.Free[i+1]; page++ {
			if page-taken < s.N {
				page = taken + s.N - 1
				continue
			}
			if got, ok := a.Alloc(1); !ok || got != page {
				t.Fatalf("the next page: %d, %t; want %d", got, ok, page)
			}
			a.Free(page, 1)
			return
		}
	}
}

func alloc(a Allocator, n uint64, log2Align uint8) (start uint64, ok bool) {
	if log2Align == 0 {
		return a.Alloc(n)
	}
	return a.AllocAligned(n, log2Align)
}

// Random allocates and frees at random, in memories of a few sizes, and compares each answer with the oracle's.
func Random(t *testing.T, open func(pages uint64) Allocator) {
	t.Helper()
	for _, c := range []struct {
		pages, maxRun uint64
		steps         int
	}{
		{60, 8, 3000},
		{64, 20, 3000},
		{1000, 8, 3000},
		{1000, 200, 3000},
		{5000, 64, 3000},
		{9000, 1500, 3000},
		{70_000, 10_000, 1000},
		{70_000, 600, 1500},
	} {
		t.Run(fmt.Sprintf("pages=%d/run=%d", c.pages, c.maxRun), func(t *testing.T) {
			seed := rand.Uint64()
			r := rand.New(rand.NewPCG(seed, 1))
			if err := random(open(c.pages), newOracle(c.pages), r, c.maxRun, c.steps); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		})
	}
}

func random(a Allocator, o oracle, r *rand.Rand, maxRun uint64, steps int) error {
	var live []span
	for step := range steps {
		if filling := step/300%2 == 0; len(live) > 0 && r.IntN(3) > 0 != filling {
			i := r.IntN(len(live))
			a.Free(live[i].start, live[i].n)
			o.set(live[i].start, live[i].n, true)
			live = slices.Delete(live, i, i+1)
			continue
		}
		n, log2Align := 1+r.Uint64N(maxRun), uint8(0)
		if r.IntN(2) == 0 {
			log2Align = uint8(r.IntN(12))
		}
		if r.IntN(2) == 0 {
			n = 1 + r.Uint64N(min(maxRun, 8))
		}
		want, wantOK := o.find(n, log2Align)
		got, ok := alloc(a, n, log2Align)
		if ok != wantOK || ok && got != want {
			return fmt.Errorf("step %d: %d pages aligned to 1<<%d: %d, %t; want %d, %t", step, n, log2Align, got, ok, want, wantOK)
		}
		if ok {
			o.set(got, n, false)
			live = append(live, span{got, n})
		}
	}
	return nil
}
