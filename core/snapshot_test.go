package linmem_test

import (
	"bytes"
	"encoding"
	"errors"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

var (
	_ encoding.BinaryAppender  = (*linmem.Pages)(nil)
	_ encoding.BinaryMarshaler = (*linmem.Pages)(nil)
)

// save returns the snapshot of an allocator.
func save(tb testing.TB, p *linmem.Pages) []byte {
	tb.Helper()
	snapshot, err := p.MarshalBinary()
	if err != nil {
		tb.Fatal(err)
	}
	return snapshot
}

// restored replaces the scene's allocator by one that is made from its snapshot, if there is no failure.
func restored(opts ...linmem.Option) call {
	return func(s *scene) error {
		snapshot, err := s.pages.MarshalBinary()
		if err != nil {
			return err
		}
		p, err := linmem.RestorePages(s.mem, snapshot, append(opts, s.observer)...)
		if err == nil {
			s.pages = p
		}
		return err
	}
}

func TestRestore(t *testing.T) {
	zero := linmem.WithPageZero()
	tests := []struct {
		picture string
		opts    []linmem.Option
	}{
		{"", nil},
		{"#", nil},
		{"####", nil},
		{"#a", nil},
		{"#.", nil},
		{"#abbc", nil},
		{"#aaa...b", nil},
		{"###.aaa.##bc.", nil},
		{"#a#b##.#c", nil},
		{"a", with(zero)},
		{".", with(zero)},
		{"a.b#c..", with(zero)},
		{"##", with(zero)},
		{"#aaaa.b", with(linmem.WithMaxPages(6))},
	}
	for _, tt := range tests {
		t.Run(tt.picture, func(t *testing.T) {
			s := draw(t, tt.picture, tt.opts...)
			if len(tt.picture) > 0 {
				// The counters are part of the state.
				s.mem.script = []growth{{refuse: true}}
				_ = reserve(100)(s)
			}
			snapshot, stats := save(t, s.pages), s.pages.Stats()
			old := s.pages
			var told []string
			opts := slices.Concat(tt.opts, with(linmem.WithObserver(tellingTo(&told))))
			s.mem.asked = nil
			var err error
			if s.pages, err = linmem.RestorePages(s.mem, snapshot, opts...); err != nil {
				t.Fatal(err)
			}
			if err := s.pages.Check(); err != nil {
				t.Error(err)
			}
			if got := s.String(); got != tt.picture {
				t.Errorf("restored %q, want %q", got, tt.picture)
			}
			if got := s.pages.Stats(); got != stats {
				t.Errorf("the stats are %+v, want %+v", got, stats)
			}
			if got, want := slices.Collect(s.pages.Allocated()), slices.Collect(old.Allocated()); !slices.Equal(got, want) {
				t.Errorf("allocated are %v, want %v", got, want)
			}
			if got := save(t, s.pages); !bytes.Equal(got, snapshot) {
				t.Errorf("the snapshot %x became %x", snapshot, got)
			}
			if len(s.mem.asked) > 0 || len(told) > 0 {
				t.Errorf("asked to grow by %v, and told the observer %q", s.mem.asked, told)
			}
		})
	}
}

// A restored allocator goes on as the one that was saved, and with the options that it is given now.
func TestRestoreAndGoOn(t *testing.T) {
	budget, gap := linmem.WithMaxPages, linmem.WithGap
	best := linmem.WithPlacement(linmem.BestFit)
	frozen := func(s *scene) error { s.pages.Freeze(true); return nil }
	runSituationsOf(t, drawAdopted, []situation{
		{name: "Alloc", before: "#a..b.", call: then(restored(), alloc(2)), after: "#aXXb."},
		{name: "AllocAligned", before: "#a....b", call: then(restored(), allocAligned(2, 2)), after: "#aXX..b"},
		{name: "Free", before: "#aaab", call: then(restored(), free("a")), after: "#...b"},
		{
			name: "FreeOfAPart", before: "#aaab", call: then(restored(), freeRange(1, 2)), err: linmem.ErrNotAllocated,
		},
		{name: "Resize", before: "#a..b", call: then(restored(), resize('a', 3)), after: "#aaab"},
		{name: "Adopt", before: "#a##b", call: then(restored(), adopt(2, 1)), after: "#a.#b"},
		{name: "AdoptOwned", before: "#a.b", call: then(restored(), adopt(2, 1)), err: linmem.ErrInvalid},
		{
			name: "FreeTwice", before: "#a.b",
			call: then(free("a"), restored(), freeRange(1, 1)), after: "#..b", err: linmem.ErrNotAllocated,
		},
		{name: "Twice", before: "#a.b", call: then(restored(), alloc(1), restored(), free("b")), after: "#aX."},
		{
			name: "IsNotFrozen", before: "#a",
			call: then(alloc(1), frozen, restored(), alloc(1)), after: "#aXX", asked: []uint64{1, 1},
		},
		{name: "BestFit", before: "#a..b.c", call: then(restored(best), alloc(1)), after: "#a..bXc"},
		{name: "FirstFit", before: "#a..b.c", opts: with(best), call: then(restored(), alloc(1)), after: "#aX.b.c"},
		{name: "Budget", before: "#a..b", call: then(restored(budget(4)), failing(linmem.ErrOutOfMemory, alloc(3)))},
		{name: "BudgetTooSmall", before: "#a..b", call: restored(budget(3)), err: linmem.ErrOutOfMemory},
		{name: "BudgetForForeignToo", before: "###a", call: restored(budget(1))},
		{
			name: "NoBudgetAnyMore", before: "#a", opts: with(budget(1)),
			call: then(restored(), alloc(1)), after: "#aX", asked: []uint64{1},
		},
		{name: "Growth", before: "#a", call: then(restored(growBy(4)), alloc(1)), after: "#aX...", asked: []uint64{4}},
		{name: "PageZeroOwned", before: "a#", opts: with(linmem.WithPageZero()), call: restored(), err: linmem.ErrInvalid},
		{name: "PageZeroFree", before: ".#", opts: with(linmem.WithPageZero()), call: restored(), err: linmem.ErrInvalid},
		{name: "PageZeroForeign", before: "#a", opts: with(linmem.WithPageZero()), call: restored()},

		// A gap is owed, or not, as before.
		{
			name: "GapOwed", before: "#a", opts: with(gap(2)),
			call: then(restored(gap(2)), alloc(1)), after: "#a##X", asked: []uint64{3},
		},
		{
			name: "GapOwedOfAnotherSize", before: "#a", opts: with(gap(2)),
			call: then(restored(gap(1)), alloc(1)), after: "#a#X", asked: []uint64{2},
		},
		{
			name: "GapOwedToANewOption", before: "#a",
			call: then(restored(gap(1)), alloc(1)), after: "#a#X", asked: []uint64{2},
		},
		{
			name: "GapOwedAfterRefusal", before: "#a", opts: with(gap(1)), script: []growth{{refuse: true}},
			call:  then(failing(linmem.ErrOutOfMemory, alloc(1)), restored(gap(1)), alloc(1)),
			after: "#a#X", asked: []uint64{2, 2},
		},
		{
			name: "GapLeft", before: "#a", opts: with(gap(1)),
			call: then(alloc(1), restored(gap(1)), alloc(1)), after: "#a#XX", asked: []uint64{2, 1},
		},
		{
			name: "GapTooLate", before: "#a",
			call: then(alloc(1), restored(gap(1)), alloc(1)), after: "#aXX", asked: []uint64{1, 1},
		},
		{
			name: "GapLeftIsForeign", before: "#a", opts: with(gap(1)),
			call: then(alloc(1), restored(), adopt(2, 1)), after: "#a.X", asked: []uint64{2},
		},

		// What the memory has beyond the snapshot is the guest's.
		{name: "Larger", before: "#a.??", call: restored(), after: "#a.##"},
		{name: "LargerBehindForeign", before: "#a#??", call: restored(), after: "#a###"},
		{name: "LargerAndGrows", before: "#a.??", call: then(restored(), alloc(2)), after: "#a.##XX", asked: []uint64{2}},
		{name: "LargerThanNothing", before: "??", call: restored(), after: "##"},
	})
}

// Source is an option like any other.
func TestRestoreWithSource(t *testing.T) {
	s := draw(t, "#a.")
	if err := then(restored(linmem.WithSource(s.mem.arena)), alloc(2))(s); err != nil {
		t.Fatal(err)
	}
	if got := s.String(); got != "#aXX." || !slices.Equal(s.mem.sourced, []uint64{2}) {
		t.Errorf("the pages are %q, and the source was asked for %v", got, s.mem.sourced)
	}
}

func TestRestoreTellsOfTheSurplus(t *testing.T) {
	for _, tt := range []struct {
		picture string
		want    []string
	}{
		{"##a#b", nil},
		{"##a#b???", []string{"foreign [5,8)"}},
		{"##a#???", []string{"foreign [4,7)"}},
	} {
		t.Run(tt.picture, func(t *testing.T) {
			s := draw(t, "##a#b")
			if tt.picture[4] == '?' {
				s = drawAdopted(t, "##a#") // ends in foreign pages
			}
			s.mem.guestGrow(uint64(len(tt.picture)) - s.mem.size)
			var told []string
			if err := restored(linmem.WithObserver(tellingTo(&told)))(s); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(told, tt.want) {
				t.Errorf("told the observer %q, want %q", told, tt.want)
			}
		})
	}
}

func TestRestoreErrors(t *testing.T) {
	s := draw(t, "#a.b")
	snapshot := save(t, s.pages)
	zero := save(t, draw(t, "a.", linmem.WithPageZero()).pages)
	tests := []struct {
		name     string
		mem      linmem.Grower
		snapshot []byte
		opts     []linmem.Option
		err      error
	}{
		{"NilMemory", nil, snapshot, nil, linmem.ErrInvalid},
		{"NilSnapshot", s.mem, nil, nil, linmem.ErrCorrupt},
		{"EmptySnapshot", s.mem, []byte{}, nil, linmem.ErrCorrupt},
		{"SomethingElse", s.mem, bytes.Repeat([]byte("linmem"), 20), nil, linmem.ErrCorrupt},
		{"Zeros", s.mem, make([]byte, 100), nil, linmem.ErrCorrupt},
		{"MemorySmaller", &toyMemory{size: 3, max: 100}, snapshot, nil, linmem.ErrCorrupt},
		{"MemoryEmpty", &toyMemory{max: 100}, snapshot, nil, linmem.ErrCorrupt},
		{"MemoryTooLarge", &toyMemory{size: spacePages + 1, max: spacePages + 1}, snapshot, nil, linmem.ErrCorrupt},
		{"Budget", s.mem, snapshot, with(linmem.WithMaxPages(2)), linmem.ErrOutOfMemory},
		{"PageZero", s.mem, zero, nil, linmem.ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := linmem.RestorePages(tt.mem, tt.snapshot, tt.opts...)
			if p != nil || class(err) != tt.err {
				t.Errorf("returned %v, %v, want the error %v", p, err, tt.err)
			}
			var e *linmem.Error
			if !errors.As(err, &e) || e.Op != "RestorePages" {
				t.Errorf("returned %#v, want an *Error of RestorePages", err)
			}
		})
	}
}

// A snapshot that was written once can be read for ever, and the same state is the same bytes.
func TestSnapshotFormat(t *testing.T) {
	const picture = "###.aaa.##bc."
	s := draw(t, picture)
	s.mem.script = []growth{{refuse: true}}
	if err := failing(linmem.ErrOutOfMemory, alloc(300))(s); err != nil {
		t.Fatal(err)
	}
	want := slices.Concat(
		[]byte("linmemP\x01"), // the version
		[]byte{13, 6, 1},      // pages, growths, refusals
		[]byte{3*4 + 2, 1 * 4, 3*4 + 1, 1 * 4, 2*4 + 2, 1*4 + 1, 1*4 + 1, 1 * 4}, // 0 is free, 1 allocated, 2 foreign
		[]byte{0xee, 0xa5, 0xea, 0x65},                                           // the checksum
	)
	if got := save(t, s.pages); !bytes.Equal(got, want) {
		t.Errorf("the snapshot is %x, want %x", got, want)
	}
	p, err := linmem.RestorePages(s.mem, want)
	if err != nil {
		t.Fatal(err)
	}
	if got := (&scene{mem: s.mem, pages: p, names: s.names}).String(); got != picture {
		t.Errorf("restored %q, want %q", got, picture)
	}
}

func TestAppendBinary(t *testing.T) {
	s := draw(t, "##a..b#c.")
	want := save(t, s.pages)
	for _, prefix := range [][]byte{nil, {}, []byte("x"), []byte("linmem"), want} {
		for _, room := range []int{0, 3, 1000} {
			b := append(make([]byte, 0, len(prefix)+room), prefix...)
			got, err := s.pages.AppendBinary(b)
			if err != nil || !bytes.Equal(got, slices.Concat(prefix, want)) {
				t.Errorf("appended to %q with room for %d: %x, %v", prefix, room, got, err)
			}
		}
	}
	s.pages.Freeze(true)
	if got := save(t, s.pages); !bytes.Equal(got, want) {
		t.Errorf("frozen, it is %x, want %x", got, want)
	}
	s.mem.closed = true
	if got := save(t, s.pages); !bytes.Equal(got, want) {
		t.Errorf("closed, it is %x, want %x", got, want)
	}
}

func TestRestoreOverClosedMemory(t *testing.T) {
	mem := &guestMemory{size: 1, max: 9}
	p, err := linmem.NewPages(mem)
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := p.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	mem.closed = true
	if _, err := linmem.RestorePages(mem, snapshot); class(err) != linmem.ErrClosed {
		t.Errorf("RestorePages returned %v, want %v", err, linmem.ErrClosed)
	}
}
