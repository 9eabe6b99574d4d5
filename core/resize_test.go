package linmem_test

import (
	"math"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

func TestResizeShrink(t *testing.T) {
	runSituations(t, []situation{
		{name: "SameLength", before: "#aab", call: resize('a', 2)},
		{name: "SameLengthAtTheEnd", before: "#aa", call: resize('a', 2)},
		{name: "ToOne", before: "#aaab", call: resize('a', 1), after: "#a..b"},
		{name: "ByOne", before: "#aaab", call: resize('a', 2), after: "#aa.b"},
		{name: "AtTheEnd", before: "#aaa", call: resize('a', 1), after: "#a.."},
		{name: "TailJoinsFree", before: "#aaa..b", call: resize('a', 1), after: "#a....b"},
		{name: "TailIsHadAgain", before: "#aaab", call: then(resize('a', 1), alloc(2)), after: "#aXXb"},
		{name: "AndBack", before: "#aaab", call: then(resize('a', 1), resize('a', 3)), after: "#aaab"},
		{name: "ToZero", before: "#aaab", call: resize('a', 0), err: linmem.ErrInvalid},
	})
}

func TestResizeExtend(t *testing.T) {
	runSituations(t, []situation{
		// Into free pages.
		{name: "PartOfHole", before: "#a...b", call: resize('a', 3), after: "#aaa.b"},
		{name: "AllOfHole", before: "#a...b", call: resize('a', 4), after: "#aaaab"},
		{name: "MoreThanHole", before: "#a...b", call: resize('a', 5), err: linmem.ErrOutOfMemory},
		{name: "NoHole", before: "#ab..", call: resize('a', 2), err: linmem.ErrOutOfMemory},
		{name: "HoleEndsAtForeign", before: "#a..#b", call: resize('a', 4), err: linmem.ErrOutOfMemory},
		{name: "ForeignBehind", before: "#a#.", call: resize('a', 2), err: linmem.ErrOutOfMemory},
		{name: "MoreThanHoleAndPastTheEnd", before: "#a.b.", call: resize('a', 9), err: linmem.ErrOutOfMemory},
		{name: "PartOfTail", before: "#a...", call: resize('a', 3), after: "#aaa."},
		{name: "AllOfTail", before: "#a...", call: resize('a', 4), after: "#aaaa"},

		// Into the memory's end.
		{name: "NoTail", before: "#a", call: resize('a', 3), after: "#aaa", asked: []uint64{2}},
		{name: "TailCounts", before: "#a..", call: resize('a', 5), after: "#aaaaa", asked: []uint64{2}},
		{name: "LowerHolesStay", before: "#.a", call: resize('a', 2), after: "#.aa", asked: []uint64{1}},
		{
			name: "Refused", before: "#a..", script: []growth{{refuse: true}},
			call: resize('a', 5), asked: []uint64{2}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "NextCallAfterRefusal", before: "#a..", script: []growth{{refuse: true}},
			call:  then(failing(linmem.ErrOutOfMemory, resize('a', 5)), resize('a', 4)),
			after: "#aaaa", asked: []uint64{2, 1},
		},

		// The guest grows its memory too.
		{name: "GuestGrewButTailFits", before: "#a..??", call: resize('a', 3), after: "#aaa??"},
		{
			name: "GuestGrewBefore", before: "#a..??", call: resize('a', 4),
			after: "#a..##.", asked: []uint64{1}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "GuestGrowsMeanwhile", before: "#a", script: []growth{{guest: 1}}, call: resize('a', 3),
			after: "#a#..", asked: []uint64{2}, err: linmem.ErrOutOfMemory,
		},
		{
			name: "WhatDisplacedGrowthBroughtIsFree", before: "#a", script: []growth{{guest: 1}},
			call:  then(failing(linmem.ErrOutOfMemory, resize('a', 3)), alloc(2)),
			after: "#a#XX", asked: []uint64{2},
		},

		// Lengths that can never be right, or are not to be had.
		{name: "MoreThanTheSpace", before: "#a..", call: resize('a', spacePages+1), err: linmem.ErrInvalid},
		{name: "BytesOverflow", before: "#a..", call: resize('a', math.MaxUint64), err: linmem.ErrInvalid},
		{name: "EndOverflows", before: "#a..", call: resize('a', math.MaxUint64-1), err: linmem.ErrInvalid},
		{name: "PastTheSpace", before: "#a..", call: resize('a', spacePages), err: linmem.ErrOutOfMemory},
	})
}
