package pagemap_test

import "testing"

// borders are where words and blocks of every size begin, in positions of a memory or another.
var borders = []uint64{64, 128, 192, 512, 4096, 32704, 32768, 65536}

// Every run that begins and ends at or beside a border, alone in a memory that is not free and, as a run that is not free,
// in one that is.
func TestBorders(t *testing.T) {
	points := []uint64{0, 1}
	for _, border := range borders {
		points = append(points, border-1, border, border+1)
	}
	for _, base := range bases {
		for i, a := range points {
			for _, b := range points[i+1:] {
				r := span{a, b - a}
				m := newMemory(base, []span{r})
				checkOnly(t, m, r)
				m.Remove(base+r.page, r.n)
				m.expect(t, nil)

				m = newMemory(base, minus([]span{{0, size}}, []span{r}))
				m.expect(t, minus([]span{{0, size}}, []span{r}))
				if !m.IsRun(base+r.page, r.n) || m.RunLen(base+r.page) != r.n {
					t.Errorf("base %d: %v is not all of a run", base, r)
				}
				if !m.Free(base+r.page, r.n) {
					t.Errorf("base %d: %v cannot be freed", base, r)
				}
				m.expect(t, []span{{0, size}})
			}
		}
	}
}

// checkOnly asks everything about the only run of free pages.
func checkOnly(t *testing.T, m *memory, r span) {
	t.Helper()
	m.expect(t, []span{r})
	for _, n := range []uint64{1, (r.n + 1) / 2, r.n, r.n + 1} {
		want := none
		if n <= r.n {
			want = at(r.page)
		}
		if got := m.find(n); got != want {
			t.Errorf("base %d, free %v: Find(%d) = %v, want %v", m.base, r, n, got, want)
		}
		if got := m.findBest(n, 1); got != want {
			t.Errorf("base %d, free %v: FindBest(%d, 1) = %v, want %v", m.base, r, n, got, want)
		}
	}
	for _, page := range []uint64{r.page - 1, r.end(), r.end() + 1, size, size + 1} {
		if got := m.FreeLen(m.base + page); got != 0 {
			t.Errorf("base %d, free %v: FreeLen(%d) = %d, want 0", m.base, r, page, got)
		}
	}
	starts := []struct{ page, want uint64 }{
		{r.page, r.page},
		{r.page + 1, r.page},
		{r.page + (r.n+1)/2, r.page},
		{r.end(), r.page},
		{r.end() + 1, r.end() + 1},
		{size + 64, size + 64},
	}
	for _, s := range starts {
		if got := m.StartBefore(m.base+s.page) - m.base; got != s.want {
			t.Errorf("base %d, free %v: StartBefore(%d) = %d, want %d", m.base, r, s.page, got, s.want)
		}
	}
}

// Two runs, with one page between them at a border, become one and two again.
func TestJoinAtBorders(t *testing.T) {
	bases := bases
	if testing.Short() {
		bases = bases[:2]
	}
	for _, base := range bases {
		for _, border := range borders {
			for _, page := range []uint64{border - 1, border, border + 1} {
				for _, below := range []uint64{0, 1, 62, 63, 64, 126, 127, 128, 4000, 32767, 32768} {
					for _, above := range []uint64{0, 1, 62, 63, 64, 65, 126, 127, 128, 30000} {
						joinAndCut(t, base, page, min(below, page), above)
					}
				}
			}
		}
	}
}

func joinAndCut(t *testing.T, base, page, below, above uint64) {
	t.Helper()
	var apart []span
	if below > 0 {
		apart = append(apart, span{page - below, below})
	}
	if above > 0 {
		apart = append(apart, span{page + 1, above})
	}
	joined := []span{{page - below, below + 1 + above}}
	m := newMemory(base, apart)
	m.unmark(span{page, 1})
	for range 2 {
		m.Add(base+page, 1)
		m.expect(t, joined)
		m.Remove(base+page, 1)
		m.expect(t, apart)
	}
	if t.Failed() {
		t.Fatalf("base %d: %d and %d pages below and above page %d", base, below, above, page)
	}
}
