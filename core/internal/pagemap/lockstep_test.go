package pagemap_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/linmem/linmem/core/internal/pagemap"
)

// pages is what the map and the slow one have in common.
type pages interface {
	Cover(page, n uint64)
	Add(page, n uint64)
	Remove(page, n uint64)
	Mark(page uint64)
	Unmark(page uint64)
	Marked(page uint64) bool
	Alloc(n uint64) (page uint64, ok bool)
	Free(page, n uint64) bool
	IsRun(page, n uint64) bool
	RunLen(page uint64) uint64
	Find(n uint64) (page uint64, ok bool)
	FindAligned(n, align uint64) (page uint64, ok bool)
	FindBest(n, align uint64) (page uint64, ok bool)
	FreeLen(page uint64) uint64
	StartBefore(page uint64) uint64
	Longest() uint64
	NumFreeRuns() uint64
}

// op is one step.
type op struct {
	name        string // of the method, and how its arguments came about
	page, n     uint64
	align       uint64
	takes       bool // what a search has found is taken
	checksAfter bool // the map that is not checked after each step is checked now
}

func (o op) String() string {
	return fmt.Sprintf("%s(page %d, n %d, align %d, takes %v)", o.name, o.page, o.n, o.align, o.takes)
}

// do takes the step, and returns the answer.
func (o op) do(m pages) (page uint64, ok bool) {
	method, _, _ := strings.Cut(o.name, " ")
	switch method {
	case "Cover":
		m.Cover(o.page, o.n)
	case "Add":
		for page := range o.n {
			m.Unmark(o.page + page)
		}
		m.Add(o.page, o.n)
	case "Remove":
		m.Remove(o.page, o.n)
	case "Mark":
		m.Mark(o.page)
	case "Unmark":
		m.Unmark(o.page)
	case "Marked":
		return 0, m.Marked(o.page)
	case "Alloc":
		return m.Alloc(o.n)
	case "Free":
		return 0, m.Free(o.page, o.n)
	case "IsRun":
		return 0, m.IsRun(o.page, o.n)
	case "RunLen":
		page = m.RunLen(o.page)
	case "Find":
		page, ok = m.Find(o.n)
	case "FindAligned":
		page, ok = m.FindAligned(o.n, o.align)
	case "FindBest":
		page, ok = m.FindBest(o.n, o.align)
	case "FreeLen":
		page = m.FreeLen(o.page)
	case "StartBefore":
		page = m.StartBefore(o.page)
	case "Longest":
		page = m.Longest()
	case "NumFreeRuns":
		page = m.NumFreeRuns()
	default:
		panic("no such method: " + method)
	}
	if o.takes && ok {
		m.Remove(page, o.n)
		m.Mark(page)
	}
	return page, ok
}

// lockstep takes the same steps on the slow map and on two others. One of these is checked after each step. Since questions
// may change what a map has put off, the other one is asked only what the steps ask.
type lockstep struct {
	slow          slowMap
	checked, lazy pagemap.Map
	free          []span // as of the last step
	marks         []uint64
	log           []op
	seen          map[string]int
}

// newLockstep makes a lockstep on windows of so many pages, a multiple of 64 each. Nothing is covered yet.
func newLockstep(windows []span) *lockstep {
	l := &lockstep{seen: map[string]int{}}
	for _, w := range windows {
		l.slow.windows = append(l.slow.windows, window{base: w.page, pages: make([]state, w.n)})
	}
	return l
}

// step takes a step, and returns how the maps differ in the answer and in what they hold afterwards.
func (l *lockstep) step(o op) error {
	l.log = append(l.log, o)
	wantPage, wantOK := o.do(&l.slow)
	l.free, l.marks = l.slow.free(), l.slow.marks()
	for name, m := range map[string]*pagemap.Map{"checked": &l.checked, "lazy": &l.lazy} {
		page, ok := o.do(m)
		if ok != wantOK || page != wantPage && (ok || !strings.HasPrefix(o.name, "Find") && !strings.HasPrefix(o.name, "Alloc")) {
			return fmt.Errorf("%v on the %s map is %d, %v, want %d, %v", o, name, page, ok, wantPage, wantOK)
		}
		var free []span
		for page, n := range m.FreeRuns() {
			free = append(free, span{page, n})
		}
		if d := diff(free, l.free); d != "" {
			return fmt.Errorf("%v on the %s map: %s", o, name, d)
		}
		var marks []uint64
		for page := range m.Marks() {
			marks = append(marks, page)
		}
		if !slices.Equal(marks, l.marks) {
			return fmt.Errorf("%v on the %s map: marked are %d, want %d", o, name, marks, l.marks)
		}
		if m == &l.lazy && !o.checksAfter {
			continue
		}
		if err := m.Check(); err != nil {
			return fmt.Errorf("%v on the %s map: %w", o, name, err)
		}
	}
	l.seen[fmt.Sprintf("%s %v", o.name, wantOK)]++
	return nil
}

// story returns the last steps.
func (l *lockstep) story() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d steps, the last of which were:\n", len(l.log))
	for _, o := range l.log[max(len(l.log), 20)-20:] {
		fmt.Fprintln(&b, o)
	}
	return b.String()
}
