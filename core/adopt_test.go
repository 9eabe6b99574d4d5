package linmem_test

import (
	"math"
	"math/rand/v2"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

func TestAdopt(t *testing.T) {
	runSituations(t, []situation{
		{name: "AllButPageZero", before: "####", call: adopt(1, 3), after: "#..."},
		{name: "Front", before: "#a####b", call: adopt(2, 1), after: "#a.###b"},
		{name: "Back", before: "#a####b", call: adopt(5, 1), after: "#a###.b"},
		{name: "Middle", before: "#a####b", call: adopt(3, 2), after: "#a#..#b"},
		{name: "All", before: "#a####b", call: adopt(2, 4), after: "#a....b"},
		{name: "BelowOwned", before: "####a", call: adopt(2, 1), after: "##.#a"},
		{name: "JoinsFreeAbove", before: "###.a", call: adopt(2, 1), after: "##..a"},
		{name: "JoinsFreeBelow", before: "#a.#b", call: adopt(3, 1), after: "#a..b"},
		{name: "JoinsFreeBoth", before: "#a.#.b", call: adopt(3, 1), after: "#a...b"},
		{name: "BesideRuns", before: "#a#b", call: adopt(2, 1), after: "#a.b"},
		{
			name: "OneByOne", before: "#####",
			call: then(adopt(2, 1), adopt(4, 1), adopt(3, 1), adopt(1, 1)), after: "#....",
		},
		{name: "NotSeenYet", before: "#a??", call: adopt(2, 2), after: "#a.."},
		{name: "PartNotSeenYet", before: "#a???", call: adopt(3, 1), after: "#a#.#"},
		{name: "SeenAndNotSeenYet", before: "##??", call: adopt(1, 3), after: "#..."},
		{name: "IsAllocatedFirst", before: "####a..", call: then(adopt(2, 1), alloc(1)), after: "##X#a.."},
		{
			name: "AtTheEndCountsAsTail", before: "####",
			call: then(adopt(2, 2), alloc(3)), after: "##XXX", asked: []uint64{1},
		},
		{name: "LetsARunExtend", before: "#a##b", call: then(adopt(2, 1), resize('a', 2)), after: "#aa#b"},
		{
			name: "IsFreedLikeAnyOther", before: "####a",
			call: then(adopt(2, 2), alloc(2), freeRange(2, 2)), after: "##..a",
		},
	})
}

func TestAdoptMisuse(t *testing.T) {
	runSituations(t, []situation{
		{name: "Twice", before: "###a", call: then(adopt(1, 2), adopt(1, 2)), after: "#..a", err: linmem.ErrInvalid},
		{
			name: "TwiceInPart", before: "####a",
			call: then(adopt(1, 2), adopt(2, 2)), after: "#..#a", err: linmem.ErrInvalid,
		},
		{name: "Run", before: "#aa", call: adopt(1, 2), err: linmem.ErrInvalid},
		{name: "InteriorOfRun", before: "#aaa", call: adopt(2, 1), err: linmem.ErrInvalid},
		{name: "Free", before: "#.a", call: adopt(1, 1), err: linmem.ErrInvalid},
		{name: "ForeignAndRun", before: "##a", call: adopt(1, 2), err: linmem.ErrInvalid},
		{name: "RunAndForeign", before: "#a#b", call: adopt(1, 2), err: linmem.ErrInvalid},
		{name: "ForeignAndFree", before: "##.a", call: adopt(1, 2), err: linmem.ErrInvalid},
		{name: "ForeignAcrossRun", before: "##a#b", call: adopt(1, 3), err: linmem.ErrInvalid},
		{name: "AtTheEnd", before: "##", call: adopt(2, 1), err: linmem.ErrOutOfBounds},
		{name: "PastTheEnd", before: "##", call: adopt(100, 1), err: linmem.ErrOutOfBounds},
		{name: "AcrossTheEnd", before: "##", call: adopt(1, 2), err: linmem.ErrOutOfBounds},
		{name: "ToTheTopOfSpace", before: "##", call: adopt(1, spacePages-1), err: linmem.ErrOutOfBounds},
		{name: "PastTheSpace", before: "##", call: adopt(1, spacePages), err: linmem.ErrInvalid},
		{name: "AboveTheSpace", before: "##", call: adopt(spacePages, 1), err: linmem.ErrInvalid},
		{name: "EndWraps", before: "##", call: adopt(1, math.MaxUint64), err: linmem.ErrInvalid},
		{name: "StartWraps", before: "##", call: adopt(math.MaxUint64, 3), err: linmem.ErrInvalid},
		{name: "Empty", before: "##", call: adopt(1, 0), err: linmem.ErrInvalid},
		{name: "Zero", before: "##", call: adopt(0, 0), err: linmem.ErrInvalid},
	})
}

// Adopting pages out of order, far apart and near, keeps the guest's pages between them the guest's.
func TestAdoptOutOfOrder(t *testing.T) {
	const size, n = 40000, 64
	orders := [][]linmem.Page{
		{0, 4224, 20000, 8128}, // the last one's surroundings reach past the second
		{20000, 0, 8128, 4224, 12288},
		{16384, 64, 8192, 4096, 12288, 128, 29000},
	}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 7))
		var starts []linmem.Page
		for _, i := range r.Perm(size / n)[:12] {
			starts = append(starts, linmem.Page(i*n))
		}
		orders = append(orders, starts)
	}
	for _, starts := range orders {
		p, err := linmem.NewPages(&guestMemory{size: size, max: size}, linmem.WithPageZero())
		must(t, err)
		for i, start := range starts {
			must(t, p.Adopt(linmem.Range{Start: start, Len: n}))
			if err := p.Check(); err != nil {
				t.Fatalf("after %v: %v", starts[:i+1], err)
			}
			_, err := p.Alloc(n)
			must(t, err)
		}
		for _, start := range starts {
			for _, wrong := range []uint64{n + 1, 2 * n, 4224} {
				if p.Free(linmem.Range{Start: start, Len: wrong}) == nil {
					t.Errorf("%v: %d pages were freed at %d, where a run has %d", starts, wrong, start, n)
				}
			}
			must(t, p.Free(linmem.Range{Start: start, Len: n}))
		}
		must(t, p.Check())
	}
}
