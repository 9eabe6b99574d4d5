package pagemap_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/linmem/linmem/core/internal/pagemap"
)

// Tests give pages relative to a base, at which the memory begins, and are repeated for several of them. The place of a page
// in its word is the same in all, but the memory has pages below it that are covered, so that blocks of 128, 512 and 32,768
// positions have their borders elsewhere.
var bases = []uint64{0, 64, 192, 1<<15 - 64, 1<<40 + 320, 1<<41 + 384}

// lead returns how many pages below a base are covered.
func lead(base uint64) uint64 { return base % (1 << 15) }

// size is how many pages the memory of most tests has. It is three of the largest blocks.
const size = 3 << 15

// span is [page, page+n).
type span struct{ page, n uint64 }

func (r span) end() uint64 { return r.page + r.n }

func (r span) String() string { return fmt.Sprintf("[%d,%d)", r.page, r.end()) }

// memory is a map whose pages count from base.
type memory struct {
	pagemap.Map
	base uint64
}

// newMemory returns a memory of size pages with these runs of free pages. What lies between them is one run each.
func newMemory(base uint64, free []span) *memory {
	m := &memory{base: base}
	m.Cover(base-lead(base), lead(base)+size)
	end := uint64(0)
	for _, r := range free {
		m.Add(base+r.page, r.n)
		if end < r.page {
			m.Mark(base + end)
		}
		end = r.end()
	}
	if end < size {
		m.Mark(base + end)
	}
	return m
}

// free returns the runs of free pages.
func (m *memory) free() (runs []span) {
	for page, n := range m.FreeRuns() {
		runs = append(runs, span{page - m.base, n})
	}
	return runs
}

// marks returns the marked pages.
func (m *memory) marks() (pages []uint64) {
	for page := range m.Marks() {
		pages = append(pages, page-m.base)
	}
	return pages
}

// unmark takes the marks off a range, so that its pages may become free.
func (m *memory) unmark(r span) {
	for page := r.page; page < r.end(); page++ {
		m.Unmark(m.base + page)
	}
}

// found is the answer of a search.
type found struct {
	page uint64
	ok   bool
}

var none = found{}

func at(page uint64) found { return found{page, true} }

func (f found) String() string {
	if !f.ok {
		return "none"
	}
	return fmt.Sprint(f.page)
}

// answer makes the answer of a search relative. What is found is a page only with ok.
func (m *memory) answer(page uint64, ok bool) found {
	if !ok {
		return none
	}
	return at(page - m.base)
}

func (m *memory) find(n uint64) found               { return m.answer(m.Find(n)) }
func (m *memory) alloc(n uint64) found              { return m.answer(m.Alloc(n)) }
func (m *memory) findAligned(n, align uint64) found { return m.answer(m.FindAligned(n, align)) }
func (m *memory) findBest(n, align uint64) found    { return m.answer(m.FindBest(n, align)) }

// expect compares the runs of free pages, and has the map check itself.
func (m *memory) expect(t *testing.T, want []span) {
	t.Helper()
	if d := diff(m.free(), want); d != "" {
		t.Error(d)
	}
	if got := m.NumFreeRuns(); got != uint64(len(want)) {
		t.Errorf("there are %d runs of free pages, want %d", got, len(want))
	}
	m.expectLengths(t, want...)
	if err := m.Check(); err != nil {
		t.Error(err)
	}
}

// expectLengths compares what the index knows of the runs of free pages, which are all that there are.
func (m *memory) expectLengths(t *testing.T, want ...span) {
	t.Helper()
	longest := uint64(0)
	for _, r := range want {
		longest = max(longest, r.n)
		if got := m.FreeLen(m.base + r.page); got != r.n {
			t.Errorf("FreeLen(%d) = %d, want %d", r.page, got, r.n)
		}
		if got := m.StartBefore(m.base+r.end()) - m.base; got != r.page {
			t.Errorf("StartBefore(%d) = %d, want %d", r.end(), got, r.page)
		}
	}
	if got := m.Longest(); got != longest {
		t.Errorf("the longest run has %d pages, want %d", got, longest)
	}
}

// onBases runs a test on a memory at each of the bases.
func onBases(t *testing.T, name string, free []span, test func(t *testing.T, m *memory)) {
	t.Helper()
	for _, base := range bases {
		t.Run(fmt.Sprintf("%s/%d", name, base), func(t *testing.T) {
			test(t, newMemory(base, free))
		})
	}
}

// minus returns the parts of a that are not in b.
func minus(a, b []span) []span {
	for _, cut := range b {
		var rest []span
		for _, r := range a {
			if end := min(r.end(), cut.page); end > r.page {
				rest = append(rest, span{r.page, end - r.page})
			}
			if page, end := max(r.page, cut.end()), r.end(); page < end {
				rest = append(rest, span{page, end - page})
			}
		}
		a = rest
	}
	return a
}

// diff returns how two lists of runs differ, or "". Equal pages in other runs differ too.
func diff(got, want []span) string {
	if slices.Equal(got, want) {
		return ""
	}
	if len(got)+len(want) > 200 {
		return fmt.Sprintf("%d runs of free pages, want %d", len(got), len(want))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "missing %v, surplus %v", minus(want, got), minus(got, want))
	if len(got)+len(want) <= 40 {
		fmt.Fprintf(&b, "\n got %v\nwant %v", got, want)
	}
	return b.String()
}
