package linmem_test

import (
	"fmt"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

func TestObserver(t *testing.T) {
	tests := []struct {
		name   string
		size   uint64
		opts   []linmem.Option
		frozen bool
		ahead  uint64 // pages that the guest grows by before the call
		script []growth
		call   call
		want   []string
	}{
		{name: "Grow", size: 1, call: alloc(3), want: []string{"grow 1+3"}},
		{name: "NoneNeeded", size: 1, call: then(alloc(3), freeRange(1, 3), alloc(2)), want: []string{"grow 1+3"}},
		{name: "ArgumentIsInvalid", size: 1, call: alloc(0)},
		{name: "SpaceEnds", size: 1, call: alloc(spacePages)},
		{
			name: "Refused", size: 1, script: []growth{{refuse: true}}, call: alloc(3),
			want: []string{"refused 3: memory.grow returned -1"},
		},
		{
			name: "Budget", size: 1, opts: with(linmem.WithMaxPages(2)), call: alloc(3),
			want: []string{"refused 3: out of memory"},
		},
		{name: "Frozen", size: 1, frozen: true, call: reserve(3), want: []string{"refused 3: out of memory"}},
		{
			name: "GuestGrewBefore", size: 1, ahead: 2, call: alloc(3),
			want: []string{"foreign [1,3)", "grow 3+3"},
		},
		{
			name: "GuestGrowsMeanwhile", size: 1, script: []growth{{}, {guest: 2}}, call: then(reserve(1), alloc(3)),
			want: []string{"grow 1+1", "foreign [2,4)", "grow 4+2", "grow 6+1"},
		},
		{
			name: "SecondGrowthRefused", size: 1, script: []growth{{}, {guest: 2}, {refuse: true}},
			call: then(reserve(1), alloc(3)),
			want: []string{"grow 1+1", "foreign [2,4)", "grow 4+2", "refused 1: memory.grow returned -1"},
		},
		{
			name: "AdoptSeesTheGuest", size: 2, ahead: 2, call: adopt(1, 2),
			want: []string{"foreign [2,4)"},
		},
		{name: "PageZeroIsTheGuests", size: 0, ahead: 1, call: alloc(1), want: []string{"foreign [0,1)", "grow 1+2"}},
		{name: "PageZeroIsWithheld", size: 0, call: alloc(1), want: []string{"grow 0+2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var seen []string
			observer := tellingTo(&seen)
			mem := &guestMemory{size: tt.size, max: 100, script: tt.script}
			p, err := linmem.NewPages(mem, append(tt.opts, linmem.WithObserver(observer))...)
			if err != nil {
				t.Fatal(err)
			}
			var atStart []string
			if tt.size > 0 {
				atStart = []string{fmt.Sprintf("foreign [0,%d)", tt.size)}
			}
			if !slices.Equal(seen, atStart) {
				t.Errorf("the observer saw %q of the start, want %q", seen, atStart)
			}
			seen = nil
			*observer = linmem.Observer{}
			p.Freeze(tt.frozen)
			mem.guestGrow(tt.ahead)
			_ = tt.call(&scene{mem: mem, pages: p}) // what it returns is other tests' concern
			if !slices.Equal(seen, tt.want) {
				t.Errorf("the observer saw %q, want %q", seen, tt.want)
			}
		})
	}
}

// No observer, and one without functions, are as good.
func TestObserverNil(t *testing.T) {
	for _, observer := range []*linmem.Observer{nil, {}} {
		s := draw(t, "#a??", linmem.WithObserver(observer))
		s.mem.script = []growth{{}, {refuse: true}}
		if err := then(alloc(2), failing(linmem.ErrOutOfMemory, alloc(2)))(s); err != nil {
			t.Error(err)
		}
	}
}

// Stats count the growths, and those that were needed and not had.
func TestStatsCountGrowths(t *testing.T) {
	tests := []struct {
		name           string
		opts           []linmem.Option
		frozen         bool
		script         []growth
		call           call
		grows, refused uint64
	}{
		{name: "NoneNeeded", call: alloc(1)},
		{name: "Grown", call: alloc(3), grows: 1},
		{name: "Displaced", script: []growth{{guest: 1}}, call: alloc(3), grows: 2},
		{name: "Refused", script: []growth{{refuse: true}}, call: alloc(3), refused: 1},
		{name: "SecondRefused", script: []growth{{guest: 1}, {refuse: true}}, call: alloc(3), grows: 1, refused: 1},
		{name: "Budget", opts: with(linmem.WithMaxPages(4)), call: alloc(9), refused: 1},
		{name: "Frozen", frozen: true, call: alloc(3), refused: 1},
		{name: "Invalid", call: alloc(0)},
		{name: "NoRoom", call: resize('a', 5)},
		{name: "Resized", call: resize('b', 5), grows: 1},
		{name: "Reserved", call: reserve(5), grows: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := draw(t, "#a.b.", tt.opts...)
			before := s.pages.Stats()
			s.pages.Freeze(tt.frozen)
			s.mem.script = tt.script
			_ = tt.call(s) // what it returns is other tests' concern
			after := s.pages.Stats()
			grows, refused := after.Grows-before.Grows, after.Refused-before.Refused
			if grows != tt.grows || refused != tt.refused {
				t.Errorf("counted %d growths and %d refused, want %d and %d", grows, refused, tt.grows, tt.refused)
			}
		})
	}
}
