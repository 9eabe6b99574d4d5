package pagemap

import (
	"strings"
	"testing"
)

// healthy returns a map of two extents with runs of all sizes, and with two alignments that have been asked for:
//
//	page 0         1,000         70,000         106,000      2^30         2^30+200
//	     .... a    ............  b              .........    .... c       ....
func healthy(t *testing.T) *Map {
	t.Helper()
	m := new(Map)
	m.Cover(0, 106048)
	m.Cover(1<<30, 512)
	m.Add(0, 10)
	m.Mark(10)
	m.Add(1000, 200)
	m.Mark(1200)
	m.Add(3000, 40000)
	m.Mark(43000)
	m.Add(1<<30, 20)
	m.Mark(1<<30 + 20)
	m.Add(1<<30+200, 100)
	m.Mark(1<<30 + 300)
	m.alignedTo(16)
	m.alignedTo(1024)
	if err := m.Check(); err != nil {
		t.Fatalf("the map is broken from the start: %v", err)
	}
	return m
}

func TestCheckHealthy(t *testing.T) {
	healthy(t)
	var zero Map
	if err := zero.Check(); err != nil {
		t.Errorf("the zero map: %v", err)
	}
}

// A map in which one thing is not as it should be is found out.
func TestCheckFindsDamage(t *testing.T) {
	const second = 1 << 30
	tests := []struct {
		name   string
		damage func(m *Map)
		want   string // part of what is said
	}{
		{"FreeAndMarked", func(m *Map) { m.Mark(5) }, "page 5 is free and marked"},
		{"FreeAndMarkedInSecondExtent", func(m *Map) { m.Mark(second + 250) }, "page 1073742074 is free and marked"},
		{"LowTooHigh", func(m *Map) { m.low = 2 }, "below the lowest"},
		{"AgainTooHigh", func(m *Map) { m.again = again{n: 10, i: 2} }, "a run of 10 pages starts in word 1"},
		{"LowBehindAll", func(m *Map) { m.low = m.size }, "below the lowest"},
		{"FirstGuardIsFree", func(m *Map) { m.words[0].free = 1 << 63 }, "a guard"},
		{"MiddleGuardIsFree", func(m *Map) { m.words[m.extents[1].pos/wordBits-1].free = 1 }, "a guard"},
		{"MiddleGuardIsNotMarked", func(m *Map) { m.words[m.extents[1].pos/wordBits-1].marks = 0 }, "a guard"},
		{"GuardHasMoreMarks", func(m *Map) { m.words[m.extents[1].pos/wordBits-1].marks = 3 }, "a guard"},
		{"LastGuardIsFree", func(m *Map) { m.words[m.size-1].free = 1 << 5 }, "a guard"},
		{"LastGuardIsNotMarked", func(m *Map) { m.words[m.size-1].marks = 0 }, "a guard"},
		{"FreeBehindLastGuard", func(m *Map) { m.words[m.size].free = 1 }, "past the last guard"},
		{"MarkBehindLastGuard", func(m *Map) { m.words[len(m.words)-1].marks = 1 }, "past the last guard"},
		{"SizeTooSmall", func(m *Map) { m.size-- }, "words are in use, want"},
		{"SizeTooLarge", func(m *Map) { m.size++ }, "words are in use, want"},
		{"ExtentsOverlap", func(m *Map) { m.extents[1].page = m.extents[0].end() - wordBits }, "does not follow"},
		{"ExtentsTouch", func(m *Map) { m.extents[1].page = m.extents[0].end() }, "does not follow"},
		{"ExtentsChangePlaces", func(m *Map) { m.extents[0].page = second + 1<<20 }, "does not follow"},
		{"ExtentIsEmpty", func(m *Map) { m.extents[0].n = 0 }, "does not follow"},
		{"ExtentInsideWord", func(m *Map) { m.extents[1].page++ }, "does not follow"},
		{"ExtentIsPartOfWord", func(m *Map) { m.extents[1].n-- }, "does not follow"},
		{"ExtentHasNoGuard", func(m *Map) { m.extents[1].pos -= wordBits }, "does not follow"},
		{"ExtentTooFarBehind", func(m *Map) { m.extents[1].pos += wordBits }, "does not follow"},
		{"BitIsFree", func(m *Map) { m.words[20].free = 1 }, "of the short runs"},
		{"BitIsNotFree", func(m *Map) { m.words[m.extents[1].pos/wordBits].free &^= 1 }, "of the short runs"},
		{"RunIsCut", func(m *Map) { m.words[200].free &^= 1 << 20 }, "runs"},
		{"ShortTooLow", func(m *Map) { m.short.Set(1, 9) }, "of the short runs"},
		{"ShortTooHigh", func(m *Map) { m.short.Set(1, 11) }, "of the short runs"},
		{"ShortWhereNone", func(m *Map) { m.short.Set(2, 1) }, "of the short runs"},
		{"ShortBehindLast", func(m *Map) { m.short.Set(m.size-1, 1) }, "of the short runs"},
		{"LongTooLow", func(m *Map) { m.long.Set((1000+64)>>longShift, 199) }, "of the long runs"},
		{"LongWhereNone", func(m *Map) { m.long.Set(0, 127) }, "of the long runs"},
		{"LongBehindLast", func(m *Map) { m.long.Set(m.size*wordBits>>longShift, 127) }, "of the long runs"},
		{"LongestTooLow", func(m *Map) { m.longest.Set(0, 39999) }, "of the longest runs"},
		{"LongestWhereNone", func(m *Map) { m.longest.Set(1, 39999) }, "of the longest runs"},
		{"LongestMissing", func(m *Map) { m.longest.Set(0, 0) }, "of the longest runs"},
		{"TooFewRuns", func(m *Map) { m.runs-- }, "counted are 4"},
		{"TooManyRuns", func(m *Map) { m.runs++ }, "counted are 6"},
		{"BoundOf16TooLow", func(m *Map) { m.aligned[0].left.Set(0, 9) }, "at the alignment of 2^4"},
		{"BoundOf1024TooLow", func(m *Map) { m.aligned[1].left.Set(1, 100) }, "at the alignment of 2^10"},
		{"HotWordHasNoRun", func(m *Map) { m.hot, m.hotEnd = 30, 5000 }, "is hot"},
		{"HotRunIsShort", func(m *Map) { m.hot, m.hotEnd = (second+200-m.extents[1].page+m.extents[1].pos)/wordBits, 0 }, "is hot"},
		{"HotRunEndsElsewhere", func(m *Map) { m.hot, m.hotEnd = (1000+64)/wordBits, 1200+64-1 }, "is hot"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := healthy(t)
			tt.damage(m)
			switch err := m.Check(); {
			case err == nil:
				t.Error("found nothing")
			case !strings.Contains(err.Error(), tt.want):
				t.Errorf("found %q, want %q", err, tt.want)
			}
		})
	}
}

// A bound may be higher than need be, and the lowest word and the hot one are hints.
func TestCheckAcceptsHints(t *testing.T) {
	tests := map[string]func(m *Map){
		"BoundTooHigh": func(m *Map) { m.aligned[0].left.Set(3, maxLeft) },
		"LowTooLow":    func(m *Map) { m.low = 0 },
		"Hot": func(m *Map) {
			m.hot, m.hotEnd = (3000+64)/wordBits, 43000+64
			m.longest.Set(0, 0)
			m.long.Set((3000+64)>>longShift, maxLong)
		},
	}
	for name, change := range tests {
		m := healthy(t)
		change(m)
		if err := m.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Check finds in a tree what its root says wrongly of it.
func TestCheckFindsWrongRoot(t *testing.T) {
	m := healthy(t)
	e := expected{name: "short", tree: &m.short, most: maxShort + 1}
	e.block = uint64(len(m.words))
	if err := e.end(e.block); err == nil {
		t.Error("found nothing")
	}
}
