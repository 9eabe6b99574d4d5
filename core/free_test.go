package linmem_test

import (
	"math"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

func TestFree(t *testing.T) {
	runSituations(t, []situation{
		{name: "OnlyRun", before: "#a", call: free("a"), after: "#."},
		{name: "First", before: "#abc", call: free("a"), after: "#.bc"},
		{name: "Middle", before: "#abc", call: free("b"), after: "#a.c"},
		{name: "Last", before: "#abc", call: free("c"), after: "#ab."},
		{name: "JoinsBelow", before: "#.ab", call: free("a"), after: "#..b"},
		{name: "JoinsAbove", before: "#a.b", call: free("a"), after: "#..b"},
		{name: "JoinsBoth", before: "#.a.b", call: free("a"), after: "#...b"},
		{name: "BesideForeign", before: "#aa#b", call: free("a"), after: "#..#b"},
		{name: "BehindForeign", before: "#a#b", call: free("b"), after: "#a#."},
		{name: "Ascending", before: "#abcd", call: free("abcd"), after: "#...."},
		{name: "Descending", before: "#abcd", call: free("dcba"), after: "#...."},
		{name: "AfterShrink", before: "#aaab", call: then(resize('a', 1), free("a")), after: "#...b"},
		{name: "AfterExtend", before: "#a..b", call: then(resize('a', 3), free("a")), after: "#...b"},
	})
}

// Whatever is not a live run, whole, is refused, and nothing changes.
func TestFreeMisuse(t *testing.T) {
	const (
		picture = "##aaab.cc#d..??"
		maxPage = linmem.Page(math.MaxUint64)
	)
	ranges := []struct {
		name   string
		start  linmem.Page
		length uint64
	}{
		{"Front", 2, 2},
		{"Back", 3, 2},
		{"Interior", 3, 1},
		{"OnePageOfARun", 2, 1},
		{"LastPageOfARun", 4, 1},
		{"PageMoreAbove", 2, 4},
		{"PageMoreBelow", 1, 4},
		{"TwoRunsAsOne", 2, 4},
		{"RunAndFreePage", 5, 2},
		{"FreePageAndRun", 6, 3},
		{"RunsAcrossAHole", 5, 4},
		{"RunAndForeignPage", 7, 3},
		{"ForeignPageAndRun", 9, 2},
		{"TailOfOneHeadOfNext", 4, 2},
		{"FreePage", 6, 1},
		{"FreeTail", 11, 2},
		{"RunAndFreeTail", 10, 3},
		{"PageZero", 0, 1},
		{"ForeignPrefix", 0, 2},
		{"ForeignPage", 1, 1},
		{"ForeignBetween", 9, 1},
		{"ForeignNotYetSeen", 13, 2},
		{"PastTheEnd", 15, 1},
		{"FarPastTheEnd", 1 << 40, 1},
		{"RunToPastTheEnd", 10, 100},
		{"AllThereIs", 0, 15},
		{"Zero", 0, 0},
		{"EmptyAtRun", 2, 0},
		{"EmptyInRun", 3, 0},
		{"EmptyAtFree", 6, 0},
		{"EndWraps", 2, math.MaxUint64},
		{"EndWrapsToZero", 2, math.MaxUint64 - 1},
		{"StartWrapsToRun", maxPage, 6},
		{"TopPage", maxPage, 1},
		{"BytesWrapToRun", spacePages + 2, 3},
		{"LengthInBytesWraps", 2, spacePages + 3},
		{"TopOfSpace", spacePages, 1},
		{"AllOfSpace", 0, spacePages},
	}
	var frees, resizes []situation
	for _, r := range ranges {
		frees = append(frees, situation{
			name: r.name, before: picture, call: freeRange(r.start, r.length), err: linmem.ErrNotAllocated,
		})
		resizes = append(resizes, situation{
			name: r.name, before: picture, call: resizeRange(r.start, r.length, 2), err: linmem.ErrNotAllocated,
		})
	}
	t.Run("Free", func(t *testing.T) { runSituations(t, frees) })
	t.Run("Resize", func(t *testing.T) { runSituations(t, resizes) })
}

func TestFreeTwice(t *testing.T) {
	runSituations(t, []situation{
		{
			name: "AtOnce", before: "#ab",
			call: then(free("a"), freeRange(1, 1)), after: "#.b", err: linmem.ErrNotAllocated,
		},
		{
			name: "JoinedToFree", before: "#.ab",
			call: then(free("a"), freeRange(2, 1)), after: "#..b", err: linmem.ErrNotAllocated,
		},
		{
			name: "WithTheHole", before: "#.ab",
			call: then(free("a"), freeRange(1, 2)), after: "#..b", err: linmem.ErrNotAllocated,
		},
		{
			name: "AfterLongerReuse", before: "#a..b",
			call: then(free("a"), alloc(3), freeRange(1, 1)), after: "#XXXb", err: linmem.ErrNotAllocated,
		},
		{
			name: "AfterShorterReuse", before: "#aab",
			call: then(free("a"), alloc(1), freeRange(1, 2)), after: "#X.b", err: linmem.ErrNotAllocated,
		},
		{
			name: "AfterSplitReuse", before: "#aab",
			call: then(free("a"), alloc(1), alloc(1), freeRange(1, 2)), after: "#XXb", err: linmem.ErrNotAllocated,
		},
		{
			name: "AsItWasBeforeResize", before: "#aab",
			call: then(resize('a', 1), freeRange(1, 2)), after: "#a.b", err: linmem.ErrNotAllocated,
		},
		{
			name: "WhatResizeCutOff", before: "#aab",
			call: then(resize('a', 1), freeRange(2, 1)), after: "#a.b", err: linmem.ErrNotAllocated,
		},
		{
			name: "ResizeAfterFree", before: "#aab",
			call: then(free("a"), resizeRange(1, 2, 1)), after: "#..b", err: linmem.ErrNotAllocated,
		},
	})
}

func TestIterators(t *testing.T) {
	s := draw(t, "##a..bbc#.d.?")
	type list = []linmem.Range
	wantFree := list{{3, 2}, {9, 1}, {11, 1}}
	wantRuns := list{{2, 1}, {5, 2}, {7, 1}, {10, 1}}
	if got := slices.Collect(s.pages.FreeRanges()); !slices.Equal(got, wantFree) {
		t.Errorf("FreeRanges yields %v, want %v", got, wantFree)
	}
	if got := slices.Collect(s.pages.Allocated()); !slices.Equal(got, wantRuns) {
		t.Errorf("Allocated yields %v, want %v", got, wantRuns)
	}
	first := func(seq func(func(linmem.Range) bool)) (r linmem.Range) {
		for r = range seq {
			break
		}
		return r
	}
	if got := first(s.pages.FreeRanges()); got != wantFree[0] {
		t.Errorf("FreeRanges stopped at %v", got)
	}
	if got := first(s.pages.Allocated()); got != wantRuns[0] {
		t.Errorf("Allocated stopped at %v", got)
	}
	want := linmem.PageStats{
		Size: 12, Owned: 9, Free: 4, Allocated: 5, Foreign: 3,
		LargestFree: 2, FreeRuns: 3, Runs: 4, Grows: s.pages.Stats().Grows,
	}
	if got := s.pages.Stats(); got != want {
		t.Errorf("Stats are %+v, want %+v", got, want)
	}
}

// Wrong lengths are refused wherever the run ends, and however much room there is behind it in the metadata.
func TestFreeWrongLengthAtEveryFill(t *testing.T) {
	p, err := linmem.NewPages(&toyMemory{max: 1 << 16}, linmem.WithPageZero())
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		r, err := p.Alloc(64)
		if err != nil {
			t.Fatal(err)
		}
		for n := range uint64(200) {
			if wrong := (linmem.Range{Start: r.Start, Len: n}); n != r.Len {
				if err := p.Free(wrong); class(err) != linmem.ErrNotAllocated {
					t.Fatalf("Free(%v) of %v: %v", wrong, r, err)
				}
				if _, err := p.Resize(wrong, 1); class(err) != linmem.ErrNotAllocated {
					t.Fatalf("Resize(%v) of %v: %v", wrong, r, err)
				}
			}
		}
	}
}
