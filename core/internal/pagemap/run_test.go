package pagemap_test

import (
	"slices"
	"testing"
)

func TestAlloc(t *testing.T) {
	tests := []struct {
		name   string
		before []span
		n      uint64
		page   found
		after  []span
	}{
		{"AllFree1", []span{{0, size}}, 1, at(0), []span{{1, size - 1}}},
		{"AllFree64", []span{{0, size}}, 64, at(0), []span{{64, size - 64}}},
		{"AllFree65", []span{{0, size}}, 65, at(0), []span{{65, size - 65}}},
		{"AllFree127", []span{{0, size}}, 127, at(0), []span{{127, size - 127}}},
		{"AllFree32768", []span{{0, size}}, 32768, at(0), []span{{32768, size - 32768}}},
		{"AllFreeAll", []span{{0, size}}, size, at(0), nil},
		{"AllFreeTooMany", []span{{0, size}}, size + 1, none, []span{{0, size}}},
		{"AllFreeMuchTooMany", []span{{0, size}}, 1 << 40, none, []span{{0, size}}},
		{"NoneFree1", nil, 1, none, nil},
		{"NoneFree2", nil, 2, none, nil},
		{"NoneFree64", nil, 64, none, nil},
		{"NoneFree65", nil, 65, none, nil},
		{"NoneFree128", nil, 128, none, nil},
		{"NoneFree32768", nil, 32768, none, nil},
		{"ExactFit1", []span{{77, 1}}, 1, at(77), nil},
		{"ExactFit2", []span{{77, 2}}, 2, at(77), nil},
		{"ExactFit2AcrossWord", []span{{63, 2}}, 2, at(63), nil},
		{"ExactFit64", []span{{128, 64}}, 64, at(128), nil},
		{"ExactFit64AcrossWord", []span{{129, 64}}, 64, at(129), nil},
		{"ExactFit127", []span{{129, 127}}, 127, at(129), nil},
		{"ExactFit32767", []span{{129, 32767}}, 32767, at(129), nil},
		{"ExactFit32768", []span{{129, 32768}}, 32768, at(129), nil},
		{"MissingOne2", []span{{10, 1}, {12, 1}}, 2, none, []span{{10, 1}, {12, 1}}},
		{"MissingOne64", []span{{10, 63}, {74, 63}}, 64, none, []span{{10, 63}, {74, 63}}},
		{"MissingOne128", []span{{10, 127}, {138, 127}}, 128, none, []span{{10, 127}, {138, 127}}},
		{"SkipsShorter", []span{{1, 3}, {5, 4}, {10, 50}}, 5, at(10), []span{{1, 3}, {5, 4}, {15, 45}}},
		{"TakesLowestNotBest", []span{{1, 9}, {20, 4}}, 4, at(1), []span{{5, 5}, {20, 4}}},
		{"SecondInWord", []span{{1, 2}, {5, 3}}, 3, at(5), []span{{1, 2}}},
		{"TopOfWord", []span{{1, 2}, {62, 2}, {65, 9}}, 2, at(1), []span{{62, 2}, {65, 9}}},
		{"TopOfWordGoesOn", []span{{1, 2}, {62, 4}}, 4, at(62), []span{{1, 2}}},
		{"TopOfWordGoesOnLong", []span{{1, 20}, {62, 400}}, 30, at(62), []span{{1, 20}, {92, 370}}},
		{"PartOfLongInWord", []span{{2, 1000}}, 7, at(2), []span{{9, 993}}},
		{"PartOfLongToNextWord", []span{{2, 1000}}, 62, at(2), []span{{64, 938}}},
		{"LeavesOneOfLong", []span{{2, 1000}}, 999, at(2), []span{{1001, 1}}},
		{"LastOfAll", []span{{size - 1, 1}}, 1, at(size - 1), nil},
		{"LastTwoOfAll", []span{{5, 1}, {size - 2, 2}}, 2, at(size - 2), []span{{5, 1}}},
	}
	for _, tt := range tests {
		onBases(t, tt.name, tt.before, func(t *testing.T, m *memory) {
			if got := m.find(tt.n); got != tt.page {
				t.Errorf("Find(%d) = %v, want %v", tt.n, got, tt.page)
			}
			marks := m.marks()
			if got := m.alloc(tt.n); got != tt.page {
				t.Fatalf("Alloc(%d) = %v, want %v", tt.n, got, tt.page)
			}
			if tt.page.ok {
				i, _ := slices.BinarySearch(marks, tt.page.page)
				marks = slices.Insert(marks, i, tt.page.page)
			}
			if got := m.marks(); !slices.Equal(got, marks) {
				t.Errorf("marked are %v, want %v", got, marks)
			}
			m.expect(t, tt.after)
		})
	}
}

// Runs that are taken one after the other follow each other, whatever is left of the long run that they are taken from.
func TestAllocUntilNothingIsLeft(t *testing.T) {
	for _, n := range []uint64{1, 2, 3, 63, 64, 65, 127, 128, 129, 1000, 32767, 32768, 32769} {
		onBases(t, span{0, n}.String(), []span{{0, size}}, func(t *testing.T, m *memory) {
			step := max(1, 100/n)
			for i := range uint64(size) / n {
				if got := m.alloc(n); got != at(i*n) {
					t.Fatalf("Alloc(%d) = %v, want %d", n, got, i*n)
				}
				if i%(step*50) == 0 {
					m.expect(t, []span{{(i + 1) * n, size - (i+1)*n}})
				}
			}
			if got := m.alloc(n); got != none {
				t.Fatalf("Alloc(%d) = %v, want none", n, got)
			}
			for i := range uint64(size) / n {
				if !m.Free(m.base+i*n, n) {
					t.Fatalf("[%d,%d) cannot be freed", i*n, (i+1)*n)
				}
			}
			m.expect(t, []span{{0, size}})
		})
	}
}

// layout has runs of 1, 2, 62, 64, 65, 128, 1000 and 33,000 pages, and the rest of the memory, with and without free pages
// between them.
var (
	layout = []span{{0, 1}, {1, 2}, {5, 62}, {70, 64}, {134, 65}, {256, 128}, {384, 1000}, {32000, 33000}}
	gaps   = []span{{3, 2}, {67, 3}, {199, 57}, {1384, 32000 - 1384}, {65000, size - 65000}}
)

// newRuns returns a memory with the runs of layout.
func newRuns(base uint64) *memory {
	m := newMemory(base, gaps)
	for _, r := range layout {
		m.Mark(base + r.page)
	}
	return m
}

func TestFree(t *testing.T) {
	for _, base := range bases {
		m := newRuns(base)
		left := slices.Clone(layout)
		for i := range layout { // in an order of their own
			j := i * 5 % len(layout)
			r := layout[j]
			left = slices.DeleteFunc(left, func(l span) bool { return l == r })
			if !m.Free(base+r.page, r.n) {
				t.Fatalf("base %d: %v cannot be freed", base, r)
			}
			if m.Free(base+r.page, r.n) {
				t.Fatalf("base %d: %v can be freed twice", base, r)
			}
			want := minus([]span{{0, size}}, left)
			m.expect(t, want)
			marks := []uint64{}
			for _, l := range left {
				marks = append(marks, l.page)
			}
			if got := m.marks(); !slices.Equal(got, marks) {
				t.Fatalf("base %d: after %v, marked are %v, want %v", base, r, got, marks)
			}
		}
	}
}

// Nothing but a whole run can be freed, and what fails changes nothing.
func TestFreeRefuses(t *testing.T) {
	tests := []struct {
		name string
		r    span
	}{
		{"NoPages", span{5, 0}},
		{"OneLess", span{5, 61}},
		{"OneMore", span{5, 63}},
		{"OneMoreAtWord", span{70, 65}},
		{"OneLessAtWord", span{70, 63}},
		{"FirstPageOnly", span{384, 1}},
		{"FirstWordOnly", span{384, 64}},
		{"AllButLastWord", span{384, 960}},
		{"Interior", span{385, 999}},
		{"InteriorWord", span{448, 64}},
		{"LastPage", span{1383, 1}},
		{"WithNextRun", span{70, 129}},
		{"ThroughNextRun", span{0, 3}},
		{"WithFreePages", span{5, 65}},
		{"WithFreePagesAndNextRun", span{5, 129}},
		{"FreePages", span{67, 3}},
		{"FreePage", span{68, 1}},
		{"LastFree", span{size - 1, 1}},
		{"BehindAll", span{size, 1}},
		{"FarBehindAll", span{1 << 41, 1}},
		{"BelowAll", span{1<<64 - 1, 1}},
		{"RunAndAll", span{32000, size - 32000}},
		{"RunAndMoreThanAll", span{32000, size}},
		{"RunAndMoreThanTheSpace", span{32000, 1<<64 - 1}},
	}
	for _, tt := range tests {
		for _, base := range bases {
			m := newRuns(base)
			marks := m.marks()
			if m.IsRun(base+tt.r.page, tt.r.n) {
				t.Errorf("%s, base %d: %v is a run", tt.name, base, tt.r)
			}
			if m.Free(base+tt.r.page, tt.r.n) {
				t.Errorf("%s, base %d: %v can be freed", tt.name, base, tt.r)
			}
			m.expect(t, gaps)
			if got := m.marks(); !slices.Equal(got, marks) {
				t.Errorf("%s, base %d: marked are %v, were %v", tt.name, base, got, marks)
			}
		}
	}
}

func TestRunLen(t *testing.T) {
	for _, base := range bases {
		m := newRuns(base)
		for _, r := range layout {
			if got := m.RunLen(base + r.page); got != r.n {
				t.Errorf("base %d: RunLen(%d) = %d, want %d", base, r.page, got, r.n)
			}
			if !m.IsRun(base+r.page, r.n) {
				t.Errorf("base %d: %v is no run", base, r)
			}
		}
	}
}

// A run of every length at every place in a word, ended by a free page, by another run or by the end of what is covered.
func TestRunEnds(t *testing.T) {
	for _, n := range []uint64{1, 2, 3, 62, 63, 64, 65, 66, 127, 128, 129, 191, 192, 193} {
		for start := range uint64(130) {
			free, next, last := &memory{}, &memory{}, &memory{}
			for _, m := range []*memory{free, next} {
				m.Cover(0, 512)
				m.Mark(start)
			}
			free.Add(start+n, 1)
			next.Mark(start + n)
			end := (start + n + 63) &^ 63
			last.Cover(0, end)
			last.Mark(end - n)
			checkRun(t, free, span{start, n})
			checkRun(t, next, span{start, n})
			checkRun(t, last, span{end - n, n})
		}
	}
}

// checkRun asks whether r is a run, and whether anything else of about its length is one.
func checkRun(t *testing.T, m *memory, r span) {
	t.Helper()
	if got := m.RunLen(r.page); got != r.n {
		t.Errorf("RunLen(%d) = %d, want %d", r.page, got, r.n)
	}
	for n := range r.n + 130 {
		if got := m.IsRun(r.page, n); got != (n == r.n) {
			t.Errorf("%v: IsRun(%d, %d) = %v", r, r.page, n, got)
		}
		if m.IsRun(r.page+1, n) && !m.Marked(r.page+1) {
			t.Errorf("%v: IsRun(%d, %d) = true", r, r.page+1, n)
		}
	}
}

// The last run of a memory that grows word by word, until there is no word to spare, and then on. What is asked about it
// may reach behind all that is covered.
func TestRunEndsWithMemory(t *testing.T) {
	m := &memory{}
	for word := range uint64(100) {
		m.Cover(word*64, 64)
		for _, n := range []uint64{1, 2, 63, 64} {
			r := span{word*64 + 64 - n, n}
			m.Mark(r.page)
			checkRun(t, m, r)
			if m.Free(r.page, n+64) || m.Free(r.page, n+1) || m.Free(r.page, 1<<48) || !m.Free(r.page, n) {
				t.Errorf("%v is not all of a run", r)
			}
			m.expect(t, []span{r})
			m.Remove(r.page, n)
		}
	}
}

func TestMark(t *testing.T) {
	for _, base := range bases {
		m := newMemory(base, nil)
		m.Unmark(base)
		want := []uint64{0, 1, 63, 64, 127, 128, 4095, 4096, 32767, 32768, size - 1}
		for _, i := range []int{5, 0, 10, 9, 1, 2, 8, 7, 3, 4, 6} {
			if m.Marked(base + want[i]) {
				t.Errorf("page %d is marked", want[i])
			}
			m.Mark(base + want[i])
			m.Mark(base + want[i]) // again changes nothing
			if !m.Marked(base + want[i]) {
				t.Errorf("page %d is not marked", want[i])
			}
		}
		if got := m.marks(); !slices.Equal(got, want) {
			t.Errorf("base %d: marked are %d, want %d", base, got, want)
		}
		for i, page := range want {
			m.Unmark(base + page)
			m.Unmark(base + page)
			if got := m.marks(); !slices.Equal(got, want[i+1:]) {
				t.Errorf("base %d: marked are %d, want %d", base, got, want[i+1:])
			}
		}
		m.expect(t, nil)
	}
}

// Pages that are not covered have no marks, and none of the bits of others.
func TestMarkUncovered(t *testing.T) {
	for _, base := range bases {
		m := newMemory(base, nil)
		m.Unmark(base)
		for _, page := range []uint64{base - lead(base) - 1, base - lead(base) - 64, base + size, base + size + 64, 1<<48 - 1} {
			m.Mark(page)
			m.Unmark(page)
			if m.Marked(page) {
				t.Errorf("base %d: page %d is marked", base, page)
			}
			m.Mark(page)
		}
		if got := m.marks(); got != nil {
			t.Errorf("base %d: marked are %v", base, got)
		}
		m.expect(t, nil)
	}
}

func TestIteratorsStop(t *testing.T) {
	m := newRuns(64)
	var free []span
	for page, n := range m.FreeRuns() {
		if free = append(free, span{page - 64, n}); len(free) == 2 {
			break
		}
	}
	if d := diff(free, gaps[:2]); d != "" {
		t.Error(d)
	}
	var marks []uint64
	for page := range m.Marks() {
		if marks = append(marks, page-64); len(marks) == 2 {
			break
		}
	}
	if want := []uint64{0, 1}; !slices.Equal(marks, want) {
		t.Errorf("marked are %v, want %v", marks, want)
	}
}
