package linmem_test

import (
	"errors"
	"math"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// gives has the guest's allocator return a range, whatever it is asked for.
func gives(start linmem.Page, length uint64) growth {
	return growth{give: &linmem.Range{Start: start, Len: length}}
}

func TestSource(t *testing.T) {
	best := linmem.WithPlacement(linmem.BestFit)
	runSituationsOf(t, drawSourced, []situation{
		{
			name: "GivesWhatItIsAskedFor", before: "####", script: []growth{gives(1, 2)}, call: alloc(2),
			after: "#XX#", source: []uint64{2}, told: []string{"source [1,3)"},
		},
		{
			name: "GivesMore", before: "#####", script: []growth{gives(1, 3)}, call: alloc(2),
			after: "#XX.#", source: []uint64{2}, told: []string{"source [1,4)"},
		},
		{name: "GrowsTheMemory", before: "#", call: alloc(2), after: "#XX", source: []uint64{2}},
		{
			name: "GuestGrewBefore", before: "#??", call: alloc(2),
			after: "###XX", source: []uint64{2}, told: []string{"foreign [1,5)", "source [3,5)"},
		},
		{
			name: "GuestGrowsMeanwhile", before: "#", script: []growth{{guest: 2}}, call: alloc(2),
			after: "###XX", source: []uint64{2},
		},
		{name: "FreeRunFits", before: "#.a", call: alloc(1), after: "#Xa"},
		{name: "Again", before: "#", call: then(alloc(1), alloc(1)), after: "#XX", source: []uint64{1, 1}},
		{name: "AsksForAllAlthoughATailIsFree", before: "#a..", call: alloc(3), after: "#aXXX..", source: []uint64{3}},
		{
			name: "NextCallUsesTheRest", before: "#######", script: []growth{gives(2, 4)}, call: then(alloc(2), alloc(2)),
			after: "##XXXX#", source: []uint64{2},
		},
		{
			name: "Freed", before: "####", script: []growth{gives(1, 2)},
			call: then(alloc(2), freeRange(1, 2)), after: "#..#", source: []uint64{2},
		},

		// The usual search places what was asked for.
		{
			name: "JoinsFreeBelow", before: "#.##a", script: []growth{gives(2, 2)},
			call: alloc(2), after: "#XX.a", source: []uint64{2},
		},
		{
			name: "JoinsFreeAbove", before: "###.a", script: []growth{gives(1, 2)},
			call: alloc(2), after: "#XX.a", source: []uint64{2},
		},
		{
			name: "JoinsFreeBoth", before: "#.##.a", script: []growth{gives(2, 2)},
			call: alloc(2), after: "#XX..a", source: []uint64{2},
		},
		{
			name: "BelowOwned", before: "####a.b", script: []growth{gives(1, 2)},
			call: alloc(2), after: "#XX#a.b", source: []uint64{2},
		},
		{
			name: "BestFit", before: "#.a####b", opts: with(best), script: []growth{gives(4, 3)},
			call: alloc(2), after: "#.a#XX.b", source: []uint64{2},
		},
		{
			name: "Reserve", before: "####", script: []growth{gives(1, 2)},
			call: reserve(2), after: "#..#", source: []uint64{2},
		},

		// An alignment may need what lies before it.
		{
			name: "Aligned", before: "########", script: []growth{gives(2, 4)},
			call: allocAligned(1, 4), after: "##..X.##", source: []uint64{4},
		},
		{
			name: "AlignedAtTheFront", before: "########", script: []growth{gives(4, 4)},
			call: allocAligned(1, 4), after: "####X...", source: []uint64{4},
		},
		{
			name: "AlignedAtTheBack", before: "#########", script: []growth{gives(1, 5)},
			call: allocAligned(2, 4), after: "#...XX###", source: []uint64{5},
		},
		{
			name: "AlignedBestFit", before: "#########", opts: with(best), script: []growth{gives(1, 8)},
			call: allocAligned(2, 2), after: "#.XX.....", source: []uint64{3},
		},
		{
			name: "AlignedBeyondTheSpace", before: "#", call: allocAligned(2, spacePages),
			told: []string{}, err: linmem.ErrOutOfMemory,
		},

		// Resize has no use for pages elsewhere.
		{name: "Resize", before: "#a", call: resize('a', 2), err: linmem.ErrOutOfMemory},
		{name: "ResizeWithTail", before: "#a.", call: resize('a', 3), err: linmem.ErrOutOfMemory},
		{name: "ResizeAcrossForeign", before: "#a##", call: resize('a', 3), err: linmem.ErrOutOfMemory},
		{name: "ResizeIntoFree", before: "#a..b", call: resize('a', 3), after: "#aaab"},
		{
			name: "ResizeIntoWhatCame", before: "#a###", script: []growth{gives(2, 2)},
			call: then(reserve(2), resize('a', 3)), after: "#aaa#", source: []uint64{2},
		},

		// Nothing is grown, so nothing is left out.
		{
			name: "WithGap", before: "###", opts: with(linmem.WithGap(2)), script: []growth{gives(1, 1)},
			call: alloc(1), after: "#X#", source: []uint64{1},
		},
		{
			name: "PageZero", before: "##", opts: with(linmem.WithPageZero()), script: []growth{gives(0, 1)},
			call: alloc(1), after: "X#", source: []uint64{1},
		},
		{
			name: "EmptyMemoryWithPageZero", before: "", opts: with(linmem.WithPageZero()),
			call: alloc(2), after: "XX", source: []uint64{2},
		},
	})
}

func TestSourceWithinBudget(t *testing.T) {
	budget := linmem.WithMaxPages
	runSituationsOf(t, drawSourced, []situation{
		{
			name: "AllOfIt", before: "####", opts: with(budget(2)), script: []growth{gives(1, 2)}, call: alloc(2),
			after: "#XX#", source: []uint64{2}, told: []string{"source [1,3)"},
		},
		{
			name: "GivesMore", before: "#####", opts: with(budget(2)), script: []growth{gives(1, 3)}, call: alloc(2),
			after: "#XX##", source: []uint64{2}, told: []string{"source [1,3)"},
		},
		{
			name: "GivesMuchMore", before: "#a######", opts: with(budget(4)), script: []growth{gives(2, 6)}, call: alloc(2),
			after: "#aXX.###", source: []uint64{2}, told: []string{"source [2,5)"},
		},
		{
			name: "Spent", before: "#a##", opts: with(budget(1)), call: alloc(1),
			told: []string{"refused 1: out of memory"}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "TooSmall", before: "####", opts: with(budget(2)), call: alloc(3),
			told: []string{"refused 3: out of memory"}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "TooSmallForTheAlignment", before: "########", opts: with(budget(3)), call: allocAligned(1, 4),
			told: []string{"refused 4: out of memory"}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "FreePagesDoNotHelp", before: "#a..", opts: with(budget(5)), call: alloc(3),
			told: []string{"refused 3: out of memory"}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "Frozen", before: "####", frozen: true, call: alloc(1),
			told: []string{"refused 1: out of memory"}, err: linmem.ErrOutOfMemory,
		},
	})
}

func TestSourceFails(t *testing.T) {
	refuse := growth{refuse: true}
	shut := func(s *scene) error { s.mem.closed = true; return nil }
	runSituationsOf(t, drawSourced, []situation{
		{
			name: "Refused", before: "#a", script: []growth{refuse}, call: alloc(2), source: []uint64{2},
			told: []string{"refused 2: memory.grow returned -1"}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "RefusedReserve", before: "#a", script: []growth{refuse}, call: reserve(2), source: []uint64{2},
			told: []string{"refused 2: memory.grow returned -1"}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "RefusedAligned", before: "#a", script: []growth{refuse}, call: allocAligned(2, 4), source: []uint64{5},
			told: []string{"refused 5: memory.grow returned -1"}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "NextCall", before: "####", script: []growth{refuse, gives(1, 2)},
			call:  then(failing(linmem.ErrOutOfMemory, alloc(2)), alloc(2)),
			after: "#XX#", source: []uint64{2, 2},
		},
		{
			name: "Closed", before: "#a", call: then(shut, alloc(2)), source: []uint64{2},
			told: []string{"refused 2: simulated: " + linmem.ErrClosed.Error()}, err: linmem.ErrClosed,
		},
		{
			name: "ClosedIsNotAskedTwice", before: "#aaaa", opts: with(growDouble), call: then(shut, alloc(2)),
			source: []uint64{4}, err: linmem.ErrClosed,
		},
	})
}

func TestSourceGrowth(t *testing.T) {
	refuse := growth{refuse: true}
	runSituationsOf(t, drawSourced, []situation{
		{name: "By", before: "#", opts: with(growBy(4)), call: alloc(1), after: "#X...", source: []uint64{4}},
		{name: "Double", before: "#aaa", opts: with(growDouble), call: alloc(1), after: "#aaaX..", source: []uint64{3}},
		{
			name: "ByAligned", before: "#", opts: with(growBy(4)),
			call: allocAligned(2, 4), after: "#...XX...", source: []uint64{8},
		},
		{name: "Reserve", before: "#", opts: with(growBy(4)), call: reserve(1), after: "#....", source: []uint64{4}},
		{
			name: "CutByTheBudget", before: "#", opts: with(growBy(4), linmem.WithMaxPages(2)), call: alloc(1),
			after: "#X.", source: []uint64{2},
		},
		{
			name: "LargerRefused", before: "####", opts: with(growBy(4)), script: []growth{refuse, gives(1, 1)},
			call: alloc(1), after: "#X##", source: []uint64{4, 1}, told: []string{"source [1,2)"},
		},
		{
			name: "BothRefused", before: "####", opts: with(growBy(4)), script: []growth{refuse, refuse}, call: alloc(1),
			source: []uint64{4, 1}, told: []string{"refused 1: memory.grow returned -1"}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "GivesEnoughButNotWhatItWasAskedFor", before: "####", opts: with(growBy(4)), script: []growth{gives(1, 3)},
			call: alloc(1), source: []uint64{4}, err: linmem.ErrInvalid,
		},
	})
}

// What a source must not give changes nothing.
func TestSourceGivesWhatItMustNot(t *testing.T) {
	const picture = "###a.b##"
	ranges := []struct {
		name   string
		start  linmem.Page
		length uint64
	}{
		{"TooShort", 1, 1},
		{"Nothing", 0, 0},
		{"NothingInside", 1, 0},
		{"Run", 3, 2},
		{"Free", 4, 2},
		{"ForeignAndRun", 2, 2},
		{"ForeignAndMore", 1, 3},
		{"RunAndForeign", 5, 2},
		{"AcrossOwned", 1, 7},
		{"PageZero", 0, 2},
		{"PageZeroAndMore", 0, 3},
		{"AtTheEnd", 8, 2},
		{"AcrossTheEnd", 7, 2},
		{"FarPastTheEnd", 1 << 40, 2},
		{"ToTheTopOfSpace", 7, spacePages - 7},
		{"PastTheSpace", 7, spacePages},
		{"AboveTheSpace", spacePages, 2},
		{"EndWraps", 7, math.MaxUint64},
		{"EndWrapsToZero", 7, math.MaxUint64 - 6},
		{"StartWraps", math.MaxUint64, 3},
		{"BytesWrap", spacePages + 6, 2},
	}
	var tests []situation
	for _, r := range ranges {
		tests = append(tests, situation{
			name: r.name, before: picture, script: []growth{gives(r.start, r.length), gives(6, 2)},
			call:   then(failing(linmem.ErrInvalid, alloc(2)), alloc(2)), // the next call works
			after:  "###a.bXX",
			source: []uint64{2, 2}, told: []string{"source [6,8)"},
		})
	}
	runSituationsOf(t, drawSourced, tests)
}

// A function that is nil by mistake is as good as none.
func TestSourceNil(t *testing.T) {
	p, err := linmem.NewPages(&toyMemory{size: 1, max: 9}, linmem.WithSource(nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Alloc(2); err != nil {
		t.Error(err)
	}
}

// The caller sees which call failed; what the source had to say goes to the observer.
func TestSourceErrors(t *testing.T) {
	tests := []struct {
		name   string
		script growth
		err    error
	}{
		{"Refused", growth{refuse: true}, linmem.ErrOutOfMemory},
		{"GivesWhatItMustNot", gives(0, 0), linmem.ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := draw(t, "#")
			mem := s.mem
			mem.script = []growth{tt.script}
			p, err := linmem.NewPages(mem, linmem.WithSource(mem.arena))
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.AllocAligned(2, 2)
			var e *linmem.Error
			if !errors.Is(err, tt.err) || !errors.As(err, &e) || e.Op != "Pages.AllocAligned" || e.Size != 2<<16 {
				t.Errorf("returned %#v, want an *Error of Pages.AllocAligned and 2 pages that wraps %q", err, tt.err)
			}
		})
	}
}
