package pagemap_test

import (
	"fmt"
	"testing"
)

// lengths lie around what words, blocks and lanes hold.
var lengths = []uint64{
	1, 2, 3, 63, 64, 65, 66, 126, 127, 128, 129, 191, 192, 193, 255, 256, 257, 511, 512, 513, 32766, 32767, 32768, 32769,
}

// Of runs of n, n+1 and n+2 pages, each search finds the first that is long enough, wherever they lie in a word and
// whatever is between them.
func TestFindLengths(t *testing.T) {
	for _, n := range lengths {
		for _, start := range []uint64{0, 1, 31, 62, 63, 64, 65, 126, 127, 128} {
			for _, gap := range []uint64{1, 2, 63, 64, 65, 200, 500} {
				b := start + n + gap
				c := b + n + 1 + gap
				free := []span{{start, n}, {b, n + 1}, {c, n + 2}}
				if c+n+2 > size {
					continue
				}
				base := bases[(n+start+gap)%uint64(len(bases))]
				m := newMemory(base, free)
				for i, want := range []found{at(start), at(b), at(c), none} {
					if got := m.find(n + uint64(i)); got != want {
						t.Errorf("base %d, free %v: Find(%d) = %v, want %v", base, free, n+uint64(i), got, want)
					}
				}
				m.expect(t, free)
			}
		}
	}
}

func TestFind(t *testing.T) {
	tests := []struct {
		name string
		free []span
		n    uint64
		want found
	}{
		{"NoneFree", nil, 1, none},
		{"Empty64", nil, 64, none},
		{"Shortest", []span{{9, 1}}, 1, at(9)},
		{"LowestOfEqual", []span{{9, 4}, {20, 4}}, 4, at(9)},
		{"LowestNotBest", []span{{9, 40}, {60, 4}}, 4, at(9)},
		{"SpillIsNotARun", []span{{60, 30}, {100, 26}, {127, 1}}, 27, at(60)},
		{"SpillIsTooShort", []span{{60, 30}, {100, 26}, {140, 31}}, 31, at(140)},
		{"WordOfManyTakesSecond", []span{{1, 2}, {4, 2}, {7, 5}, {13, 5}}, 5, at(7)},
		{"WordOfManyGoesOn", []span{{1, 2}, {4, 2}, {7, 5}, {60, 6}}, 6, at(60)},
		{"LongBehindShortInBlock", []span{{3, 60}, {66, 200}}, 200, at(66)},
		{"LongBehindSpillInBlock", []span{{0, 65}, {66, 200}}, 200, at(66)},
		{"LongBehindLongSpillInBlock", []span{{0, 100}, {102, 200}}, 200, at(102)},
		{"LongBehindSpillInNextBlock", []span{{64, 65}, {130, 200}}, 200, at(130)},
		{"LongInSecondWordOfBlock", []span{{3, 60}, {127, 200}}, 200, at(127)},
		{"LongestBehindLongInBlock", []span{{0, 500}, {32767, 40000}}, 40000, at(32767)},
		{"LongestBehindTooShort", []span{{10, 32766}, {32800, 40000}}, 32767, at(32800)},
		{"TwoLongest", []span{{10, 33000}, {34000, 40000}}, 33001, at(34000)},
		{"LengthOfSpace", []span{{0, size}}, size, at(0)},
		{"MoreThanAnyNumberHolds", []span{{0, size}}, 1 << 32, none},
		{"MoreThanTheSpace", []span{{0, size}}, 1<<64 - 1, none},
	}
	for _, tt := range tests {
		onBases(t, tt.name, tt.free, func(t *testing.T, m *memory) {
			if got := m.find(tt.n); got != tt.want {
				t.Errorf("Find(%d) = %v, want %v", tt.n, got, tt.want)
			}
			if got := m.findAligned(tt.n, 1); got != tt.want {
				t.Errorf("FindAligned(%d, 1) = %v, want %v", tt.n, got, tt.want)
			}
			m.expect(t, tt.free)
		})
	}
}

// A search for single pages, or for the length of the last search, begins where that one ended. It has to notice what has
// become free below, in one piece or joined, and what has gone.
func TestFindAgainAfterChanges(t *testing.T) {
	for _, n := range []uint64{1, 2, 5, 63, 64, 65, 127} {
		onBases(t, fmt.Sprint(n), []span{{1000, n}, {5000, n + 1}}, func(t *testing.T, m *memory) {
			steps := []struct {
				add, remove span
				want        found
			}{
				{want: at(1000)},
				{want: at(1000)},
				{remove: span{1000, n}, want: at(5000)},
				{remove: span{5000, 1}, want: at(5001)},
				{add: span{40000, n}, want: at(5001)},
				{remove: span{5001, n}, want: at(40000)},
				{add: span{200, n}, want: at(200)},
				{remove: span{200, n}, want: at(40000)},
				{remove: span{40000, n}, want: none},
				{want: none},
				{add: span{90000, 2 * n}, want: at(90000)},
				{remove: span{90000, n}, want: at(90000 + n)},
				{add: span{300, (n + 1) / 2}, want: map[bool]found{false: at(90000 + n), true: at(300)}[n == 1]},
				{add: span{300 + (n+1)/2, n}, want: at(300)},
				{remove: span{300, 1}, want: at(301)},
				{add: span{0, n}, want: at(0)},
			}
			for i, s := range steps {
				if s.add.n > 0 {
					m.unmark(s.add)
					m.Add(m.base+s.add.page, s.add.n)
				}
				if s.remove.n > 0 {
					m.Remove(m.base+s.remove.page, s.remove.n)
				}
				if got := m.find(n); got != s.want {
					t.Fatalf("step %d: Find(%d) = %v, want %v", i, n, got, s.want)
				}
				if err := m.Check(); err != nil {
					t.Fatalf("step %d: %v", i, err)
				}
			}
		})
	}
}

// Runs of one length are taken and given back by Alloc and Free alone, in turn with those of another length.
func TestAllocTwoLengths(t *testing.T) {
	for _, n := range []uint64{1, 2, 31, 64, 100, 127, 128} {
		onBases(t, fmt.Sprint(n), []span{{0, size}}, func(t *testing.T, m *memory) {
			for i := range uint64(100) {
				if got := m.alloc(n); got != at(i*(n+3)) {
					t.Fatalf("Alloc(%d) = %v, want %d", n, got, i*(n+3))
				}
				if got := m.alloc(3); got != at(i*(n+3)+n) {
					t.Fatalf("Alloc(3) = %v, want %d", got, i*(n+3)+n)
				}
			}
			for i := range uint64(50) { // every second one, from the last on, so that each is lower than the one before
				page := (98 - 2*i) * (n + 3)
				if !m.Free(m.base+page, n) {
					t.Fatalf("[%d,%d) cannot be freed", page, page+n)
				}
				if got := m.find(n); got != at(page) {
					t.Fatalf("Find(%d) = %v, want %d", n, got, page)
				}
			}
			for i := range uint64(50) {
				if got, want := m.alloc(n), at(2*i*(n+3)); got != want {
					t.Fatalf("Alloc(%d) = %v, want %v", n, got, want)
				}
			}
			m.expect(t, []span{{100 * (n + 3), size - 100*(n+3)}})
		})
	}
}

func TestFindBest(t *testing.T) {
	tests := []struct {
		name     string
		free     []span
		n, align uint64
		want     found
	}{
		{"NoneFree", nil, 1, 1, none},
		{"Exact", []span{{1, 9}, {20, 4}, {30, 5}}, 4, 1, at(20)},
		{"Smallest", []span{{1, 9}, {20, 6}, {30, 7}}, 5, 1, at(20)},
		{"SmallestIsLast", []span{{1, 9}, {20, 8}, {30, 7}}, 5, 1, at(30)},
		{"SmallestIsFirst", []span{{1, 6}, {20, 8}, {30, 7}}, 5, 1, at(1)},
		{"LowestOfEqual", []span{{1, 9}, {20, 7}, {30, 7}, {40, 7}}, 5, 1, at(20)},
		{"LowestOfExact", []span{{1, 9}, {20, 5}, {30, 5}}, 5, 1, at(20)},
		{"NoneLongEnough", []span{{1, 9}, {20, 9}}, 10, 1, none},
		{"InOneWord", []span{{0, 5}, {6, 4}, {11, 3}, {15, 20}}, 3, 1, at(11)},
		{"AcrossWords", []span{{10, 80}, {100, 70}, {190, 66}}, 65, 1, at(190)},
		{"LongAndLonger", []span{{0, 2000}, {2001, 1000}, {4000, 500}, {4501, 600}}, 128, 1, at(4000)},
		{"Length127", []span{{0, 129}, {200, 127}, {400, 128}}, 127, 1, at(200)},
		{"Length128", []span{{0, 130}, {200, 127}, {400, 129}}, 128, 1, at(400)},
		{"Length32767", []span{{0, 32769}, {33000, 32767}, {66000, 200}}, 32767, 1, at(33000)},
		{"Length32768", []span{{0, 40000}, {40001, 32769}}, 32768, 1, at(40001)},
		{"All", []span{{0, size}}, size, 1, at(0)},
		{"TooMany", []span{{0, size}}, size + 1, 1, none},
		{"AlignedAtStart", []span{{0, 9}, {16, 5}}, 4, 16, at(16)},
		{"AlignedInside", []span{{0, 9}, {15, 6}}, 4, 16, at(16)},
		{"AlignedMissesByOne", []span{{0, 9}, {13, 6}}, 4, 16, at(0)},
		{"AlignedMisses", []span{{1, 14}, {17, 14}}, 4, 16, none},
		{"AlignedExactButMisplaced", []span{{1, 4}, {32, 8}}, 4, 4, at(32)},
		{"AlignedEqual", []span{{3, 9}, {19, 9}, {35, 9}}, 4, 4, at(4)},
		{"AlignedFar", []span{{0, size}}, 5, 64, at(0)},
	}
	for _, tt := range tests {
		onBases(t, tt.name, tt.free, func(t *testing.T, m *memory) {
			if got := m.findBest(tt.n, tt.align); got != tt.want {
				t.Errorf("FindBest(%d, %d) = %v, want %v", tt.n, tt.align, got, tt.want)
			}
			m.expect(t, tt.free)
		})
	}
}

// The smallest run is found among one of every length, in whatever order they lie.
func TestFindBestAmongAllLengths(t *testing.T) {
	for _, factor := range []uint64{1, 47, 200, 331} { // coprime to 401
		var free []span
		place := map[uint64]uint64{}
		page := uint64(3)
		for i := range uint64(400) {
			n := (i + 1) * factor % 401
			place[n] = page
			free = append(free, span{page, n})
			page += n + 1 + i%3
		}
		onBases(t, fmt.Sprint(factor), free, func(t *testing.T, m *memory) {
			for n := uint64(1); n <= 400; n++ {
				if got, want := m.findBest(n, 1), at(place[n]); got != want {
					t.Errorf("FindBest(%d, 1) = %v, want %v", n, got, want)
				}
			}
			if got := m.findBest(401, 1); got != none {
				t.Errorf("FindBest(401, 1) = %v, want none", got)
			}
		})
	}
}

// A search for a length that is nowhere must not be taken in by what was there.
func TestFindAfterEveryLengthHasGone(t *testing.T) {
	m := newMemory(64, []span{{0, size}})
	for i := len(lengths) - 1; i >= 0; i-- {
		n := lengths[i]
		// Cut everything that is free to runs of n-1 pages.
		var cuts []uint64
		for page, length := range m.FreeRuns() {
			for cut := page + n - 1; cut < page+length; cut += n {
				cuts = append(cuts, cut)
			}
		}
		for _, cut := range cuts {
			m.Remove(cut, 1)
		}
		if got := m.find(n); got != none {
			t.Errorf("Find(%d) = %v, want none", n, got)
		}
		if got := m.findAligned(n, 2); got != none {
			t.Errorf("FindAligned(%d, 2) = %v, want none", n, got)
		}
		if got := m.findBest(n, 1); got != none {
			t.Errorf("FindBest(%d, 1) = %v, want none", n, got)
		}
		if got, want := m.Longest(), n-1; got != want {
			t.Errorf("the longest run has %d pages, want %d", got, want)
		}
		if err := m.Check(); err != nil {
			t.Fatal(err)
		}
	}
}
