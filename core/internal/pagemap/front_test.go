package pagemap_test

import (
	"fmt"
	"testing"
)

// A long run that is taken from at its front, and given back to, is put off in the index. Whatever is asked next has to
// know how long it is now. Each question is the first one after that, on a memory of its own.
func TestLongRunTakenFromItsFront(t *testing.T) {
	questions := map[string]func(m *memory, r span) string{
		"FreeLen": func(m *memory, r span) string { return expectNumber(m.FreeLen(m.base+r.page), r.n) },
		"StartBefore": func(m *memory, r span) string {
			return expectNumber(m.StartBefore(m.base+r.end())-m.base, r.page)
		},
		"Longest":      func(m *memory, r span) string { return expectNumber(m.Longest(), r.n) },
		"NumFreeRuns":  func(m *memory, _ span) string { return expectNumber(m.NumFreeRuns(), 1) },
		"Find":         func(m *memory, r span) string { return expectPage(m.find(r.n), at(r.page)) },
		"FindMore":     func(m *memory, r span) string { return expectPage(m.find(r.n+1), none) },
		"FindShort":    func(m *memory, r span) string { return expectPage(m.find(5), at(r.page)) },
		"FindBest":     func(m *memory, r span) string { return expectPage(m.findBest(r.n, 1), at(r.page)) },
		"FindBestMore": func(m *memory, r span) string { return expectPage(m.findBest(r.n+1, 1), none) },
		"FindAligned": func(m *memory, r span) string {
			return expectPage(m.findAligned(r.n-70, 2), at(r.page+r.page%2))
		},
		"FindAlignedMore": func(m *memory, r span) string { return expectPage(m.findAligned(r.n+1, 2), none) },
		"Alloc":           func(m *memory, r span) string { return expectPage(m.alloc(r.n), at(r.page)) },
		"AllocMore":       func(m *memory, r span) string { return expectPage(m.alloc(r.n+1), none) },
		"Remove": func(m *memory, r span) string {
			m.Remove(m.base+r.page+1, r.n-2)
			return expectPage(m.find(2), none)
		},
		"Add": func(m *memory, r span) string {
			m.Unmark(m.base + r.end())
			m.Add(m.base+r.end(), 1)
			return expectPage(m.find(r.n+1), at(r.page))
		},
		"Cover": func(m *memory, r span) string {
			m.Cover(1<<44, 1)
			return expectPage(m.find(r.n), at(r.page)) + expectPage(m.find(r.n+1), none)
		},
		"Check": func(m *memory, _ span) string {
			if err := m.Check(); err != nil {
				return err.Error()
			}
			return ""
		},
	}
	for _, length := range []uint64{130, 140, 200, 1000, 32767, 32768, 32772, 40000} {
		for _, start := range []uint64{0, 1, 50, 57, 58, 60} {
			for name, ask := range questions {
				onBases(t, fmt.Sprintf("%s/%d/%d", name, length, start), []span{{start, length}}, func(t *testing.T, m *memory) {
					// Three pages are taken, two of them are given back.
					for i := range uint64(3) {
						if got := m.alloc(1); got != at(start+i) {
							t.Fatalf("Alloc(1) = %v, want %d", got, start+i)
						}
					}
					for _, i := range []uint64{2, 1} {
						if !m.Free(m.base+start+i, 1) {
							t.Fatalf("page %d cannot be freed", start+i)
						}
					}
					r := span{start + 1, length - 1}
					if d := ask(m, r); d != "" {
						t.Error(d)
					}
					if err := m.Check(); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
}

func expectNumber(got, want uint64) string {
	if got == want {
		return ""
	}
	return fmt.Sprintf("got %d, want %d", got, want)
}

func expectPage(got, want found) string {
	if got == want {
		return ""
	}
	return fmt.Sprintf("got %v, want %v", got, want)
}

// What an alignment was found not to have, it has once the long run reaches further down, page by page.
func TestLongRunGrowsAtItsFront(t *testing.T) {
	for log2 := 1; log2 <= 12; log2++ {
		align := uint64(1) << log2
		for _, length := range []uint64{200, 1000, 30000} {
			for _, used := range []uint64{1, 2, 3, 16, 33, 60} {
				name := fmt.Sprintf("%d/%d/%d", align, length, used)
				// The first page has the alignment, and the run begins a few pages behind it, in the same word.
				page := uint64(1) << 12
				onBases(t, name, nil, func(t *testing.T, m *memory) {
					first := page + -(m.base+page)&(align-1)
					m.unmark(span{first, length})
					for i := range used {
						m.Mark(m.base + first + i)
					}
					m.Add(m.base+first+used, length-used)
					if got := m.findAligned(length, align); got != none {
						t.Fatalf("FindAligned(%d, %d) = %v, want none", length, align, got)
					}
					// One page taken and given back puts the run off.
					if got := m.alloc(1); got != at(first+used) || !m.Free(m.base+first+used, 1) {
						t.Fatalf("Alloc(1) = %v, want %d", got, first+used)
					}
					for i := range used {
						if !m.Free(m.base+first+used-1-i, 1) {
							t.Fatalf("page %d cannot be freed", first+used-1-i)
						}
					}
					if got := m.findAligned(length, align); got != at(first) {
						t.Errorf("FindAligned(%d, %d) = %v, want %d", length, align, got, first)
					}
					m.expect(t, []span{{first, length}})
				})
			}
		}
	}
}
