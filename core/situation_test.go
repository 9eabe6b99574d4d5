package linmem_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// situation is a row of a table: a state, a call and what it must come to.
type situation struct {
	name   string
	before string
	opts   []linmem.Option
	frozen bool
	script []growth // what meets the growths of the call; after them the memory grows as it is told
	call   call
	after  string   // the same as before if empty
	asked  []uint64 // by how much the memory was asked to grow
	source []uint64 // how many pages its source was asked for
	told   []string // what the observer was told, if that is of interest
	err    error
}

type call func(s *scene) error

// runSituations draws with draw, so that the allocator has grown the memory before.
func runSituations(t *testing.T, tests []situation) {
	t.Helper()
	runSituationsOf(t, draw, tests)
}

func runSituationsOf(t *testing.T, draw func(*testing.T, string, ...linmem.Option) *scene, tests []situation) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var told []string
			observer := linmem.WithObserver(tellingTo(&told))
			s := draw(t, tt.before, append(tt.opts, observer)...)
			s.observer = observer
			before := s.pages.Stats()
			told = nil
			s.pages.Freeze(tt.frozen)
			s.mem.script = tt.script
			if err := tt.call(s); class(err) != tt.err {
				t.Errorf("returned the error %v, want %v", err, tt.err)
			}
			if tt.after == "" {
				tt.after = tt.before
			}
			if got := s.String(); got != tt.after {
				t.Errorf("the pages are %q after %q, want %q", got, tt.before, tt.after)
			}
			if !slices.Equal(s.mem.asked, tt.asked) {
				t.Errorf("asked the memory to grow by %v, want %v", s.mem.asked, tt.asked)
			}
			if !slices.Equal(s.mem.sourced, tt.source) {
				t.Errorf("asked the source for %v pages, want %v", s.mem.sourced, tt.source)
			}
			if tt.told != nil && !slices.Equal(told, tt.told) {
				t.Errorf("told the observer %q, want %q", told, tt.told)
			}
			after := s.pages.Stats()
			if got, want := after.Grows-before.Grows, count(told, "grow")+count(told, "source"); got != want {
				t.Errorf("counted %d growths, and told of %d", got, want)
			}
			if got, want := after.Refused-before.Refused, count(told, "refused"); got != want {
				t.Errorf("counted %d refusals, and told of %d", got, want)
			}
			if err := s.pages.Check(); err != nil && !s.mem.closed {
				t.Error(err)
			}
		})
	}
}

// tellingTo returns an observer that writes down what it is told.
func tellingTo(told *[]string) *linmem.Observer {
	tell := func(format string, args ...any) { *told = append(*told, fmt.Sprintf(format, args...)) }
	return &linmem.Observer{
		Grow:   func(prev, delta uint64) { tell("grow %d+%d", prev, delta) },
		Source: func(r linmem.Range) { tell("source %v", r) },
		GrowRefused: func(delta uint64, cause error) {
			if errors.Is(cause, linmem.ErrOutOfMemory) {
				cause = linmem.ErrOutOfMemory // the reason is text, and open
			}
			tell("refused %d: %v", delta, cause)
		},
		Foreign: func(r linmem.Range) { tell("foreign %v", r) },
	}
}

// count returns how many lines begin with a word.
func count(told []string, word string) (n uint64) {
	for _, line := range told {
		if strings.HasPrefix(line, word+" ") {
			n++
		}
	}
	return n
}
