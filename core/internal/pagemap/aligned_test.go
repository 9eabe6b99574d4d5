package pagemap_test

import (
	"fmt"
	"slices"
	"testing"
)

// maxAlignLog2 is that of the largest alignment that is tested. Memories at alignedBases have a page of each alignment not
// far from their first one.
const maxAlignLog2 = 20

var alignedBases = []uint64{0, 64, 1<<maxAlignLog2 - 64, 1<<maxAlignLog2 - 128, 1<<maxAlignLog2 - 40000&^63, 5<<maxAlignLog2 - 512}

// aligned returns the lowest place for n pages in the runs, at a multiple of align, if base is added to their pages.
func aligned(base uint64, free []span, n, align uint64) found {
	for _, r := range free {
		skip := -(base + r.page) & (align - 1)
		if skip+n <= r.n {
			return at(r.page + skip)
		}
	}
	return none
}

// best is aligned in the smallest run.
func best(base uint64, free []span, n, align uint64) found {
	answer, length := none, ^uint64(0)
	for _, r := range free {
		if f := aligned(base, []span{r}, n, align); f.ok && r.n < length {
			answer, length = f, r.n
		}
	}
	return answer
}

func TestFindAligned(t *testing.T) {
	tests := []struct {
		name string
		free []span
	}{
		{"NoneFree", nil},
		{"AllFree", []span{{0, size}}},
		{"AllButFirst", []span{{1, size - 1}}},
		{"OnePage", []span{{64, 1}}},
		{"PagesOfEveryAlignment", []span{{2, 1}, {4, 1}, {8, 1}, {16, 1}, {32, 1}, {64, 1}, {128, 1}, {256, 1}, {512, 1}}},
		{"OnePageLate", []span{{3, 10}, {15, 16}, {33, 30}, {65, 62}, {129, 126}, {257, 400}}},
		{"OnePageEarly", []span{{1, 15}, {17, 15}, {33, 31}, {65, 63}, {129, 127}, {257, 255}, {513, 511}}},
		{"WholeWords", []span{{64, 64}, {192, 128}, {384, 192}, {640, 512}}},
		{"WholeWordsOffByOne", []span{{65, 64}, {193, 128}, {385, 192}, {641, 512}}},
		{"LongMisplacedShortInPlace", []span{{1, 14}, {16, 9}, {33, 30}, {65, 62}, {192, 10}, {257, 254}, {512, 100}, {1025, 1022}, {2048, 900}}},
		{"ShortInPlaceBehindLongMisplaced", []span{{1, 14}, {16, 9}}},
		{"LongRunsMisplaced", []span{{1, 510}, {513, 1022}, {1537, 2000}, {4097, 8000}, {12289, 20000}}},
		{"AlignedPagesAtRunEnds", []span{{1, 64}, {66, 63}, {130, 127}, {258, 255}, {514, 511}, {1026, 1023}, {2050, 31000}}},
		{"AcrossLargeBlocks", []span{{100, 32600}, {32800, 32700}, {65600, size - 65600}}},
		{"LongestInPlace", []span{{128, 32769}}},
		{"LongestMisplaced", []span{{1, 32769}, {32800, 32832}}},
		{"LastOfAll", []span{{size - 1, 1}}},
		{"LastWord", []span{{size - 64, 64}}},
		{"FirstAndLast", []span{{0, 1}, {size - 2, 2}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, base := range alignedBases {
				m := newMemory(base, tt.free)
				for log2 := range maxAlignLog2 + 1 {
					checkAligned(t, m, tt.free, 1<<log2)
				}
				m.expect(t, tt.free)
			}
		})
	}
}

// checkAligned puts questions at one alignment, for many lengths, the longest first, since a search that fails leaves notes
// of what there is; and then once more.
func checkAligned(t *testing.T, m *memory, free []span, align uint64) {
	t.Helper()
	asked := slices.Clone(lengths)
	for n := range uint64(40) {
		asked = append(asked, n+1)
	}
	slices.Sort(asked)
	for range 2 {
		for _, n := range slices.Backward(asked) {
			if got, want := m.findAligned(n, align), aligned(m.base, free, n, align); got != want {
				t.Errorf("base %d: FindAligned(%d, %d) = %v, want %v", m.base, n, align, got, want)
			}
			if got, want := m.findBest(n, align), best(m.base, free, n, align); got != want {
				t.Errorf("base %d: FindBest(%d, %d) = %v, want %v", m.base, n, align, got, want)
			}
		}
	}
}

// Runs of two alignments minus one page miss every place of the alignment if they begin right behind one. Then one page
// more, below or above, makes a place, and is found whatever the searches before have noted.
func TestFindAlignedAfterChange(t *testing.T) {
	for log2 := 1; log2 <= 14; log2++ {
		align := uint64(1) << log2
		for _, base := range alignedBases {
			t.Run(fmt.Sprintf("%d/%d", align, base), func(t *testing.T) {
				first := -base & (align - 1)
				var free []span
				for page := first; page+2*align <= size; page += 2 * align {
					free = append(free, span{page + 1, 2*align - 2})
				}
				m := newMemory(base, free)
				for range 2 {
					if got := m.findAligned(align, align); got != none {
						t.Errorf("found %v, want none", got)
					}
				}
				for i := range free {
					r := free[len(free)-1-i]
					below, above := span{r.page - 1, 1}, span{r.end(), 1}
					m.unmark(span{r.page - 1, 1})
					m.Add(base+below.page, 1)
					if got, want := m.findAligned(align, align), at(below.page); got != want {
						t.Fatalf("one more below: found %v, want %v", got, want)
					}
					m.Remove(base+below.page, 1)
					if got := m.findAligned(align, align); got != none {
						t.Fatalf("none more below: found %v, want none", got)
					}
					m.unmark(above)
					m.Add(base+above.page, 1)
					if got, want := m.findAligned(align, align), at(above.page-align+1); got != want {
						t.Fatalf("one more above: found %v, want %v", got, want)
					}
					m.Remove(base+above.page, 1)
					if i > 20 {
						break
					}
				}
				m.expect(t, free)
			})
		}
	}
}

// What Alloc, Free and FindAligned do in turn at every alignment leaves every index as it should be.
func TestFindAlignedTakesAll(t *testing.T) {
	for log2 := range 13 {
		align := uint64(1) << log2
		onBases(t, fmt.Sprint(align), []span{{0, size}}, func(t *testing.T, m *memory) {
			free, n := []span{{0, size}}, max(1, align/2)
			n = max(n, size/1000)
			var taken []span
			for {
				got, want := m.findAligned(n, align), aligned(m.base, free, n, align)
				if got != want {
					t.Fatalf("FindAligned(%d, %d) = %v, want %v", n, align, got, want)
				}
				if !got.ok {
					break
				}
				r := span{got.page, n}
				m.Remove(m.base+r.page, n)
				m.Mark(m.base + r.page)
				taken = append(taken, r)
				free = minus(free, []span{r})
			}
			m.expect(t, free)
			for _, r := range taken {
				if !m.Free(m.base+r.page, r.n) {
					t.Fatalf("%v cannot be freed", r)
				}
			}
			m.expect(t, []span{{0, size}})
		})
	}
}
