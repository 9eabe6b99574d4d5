package pagemap_test

import "testing"

func TestAdd(t *testing.T) {
	tests := []struct {
		name   string
		before []span
		add    span
		after  []span
	}{
		{"OnePage", nil, span{5, 1}, []span{{5, 1}}},
		{"FirstOfAll", nil, span{0, 1}, []span{{0, 1}}},
		{"LastOfAll", nil, span{size - 1, 1}, []span{{size - 1, 1}}},
		{"All", nil, span{0, size}, []span{{0, size}}},
		{"LastOfWord", nil, span{63, 1}, []span{{63, 1}}},
		{"FirstOfWord", nil, span{64, 1}, []span{{64, 1}}},
		{"WholeWord", nil, span{64, 64}, []span{{64, 64}}},
		{"AllButLastOfWord", nil, span{64, 63}, []span{{64, 63}}},
		{"AcrossWord", nil, span{63, 2}, []span{{63, 2}}},
		{"AcrossTwoWords", nil, span{63, 66}, []span{{63, 66}}},
		{"Length127", nil, span{10, 127}, []span{{10, 127}}},
		{"Length128", nil, span{10, 128}, []span{{10, 128}}},
		{"AcrossBlocks", nil, span{511, 514}, []span{{511, 514}}},
		{"Length32767", nil, span{1, 32767}, []span{{1, 32767}}},
		{"Length32768", nil, span{1, 32768}, []span{{1, 32768}}},
		{"Apart", []span{{10, 10}}, span{21, 1}, []span{{10, 10}, {21, 1}}},
		{"ApartInNextWord", []span{{60, 3}}, span{64, 1}, []span{{60, 3}, {64, 1}}},
		{"TouchesBelow", []span{{10, 10}}, span{9, 1}, []span{{9, 11}}},
		{"TouchesAbove", []span{{10, 10}}, span{20, 1}, []span{{10, 11}}},
		{"TouchesBelowAcrossWord", []span{{64, 10}}, span{63, 1}, []span{{63, 11}}},
		{"TouchesAboveAcrossWord", []span{{60, 4}}, span{64, 1}, []span{{60, 5}}},
		{"TouchesAboveAcrossManyWords", []span{{60, 400}}, span{460, 1}, []span{{60, 401}}},
		{"Joins", []span{{10, 10}, {30, 10}}, span{20, 10}, []span{{10, 30}}},
		{"JoinsAtBorderOfWord", []span{{0, 63}, {65, 63}}, span{63, 2}, []span{{0, 128}}},
		{"JoinsWords", []span{{0, 64}, {128, 64}}, span{64, 64}, []span{{0, 192}}},
		{"JoinsLongRuns", []span{{0, 1000}, {1001, 1000}}, span{1000, 1}, []span{{0, 2001}}},
		{"JoinsLongestRuns", []span{{0, 32768}, {32769, 32768}}, span{32768, 1}, []span{{0, 65537}}},
		{"LeavesShorterOfWord", []span{{0, 3}, {10, 2}, {13, 9}}, span{12, 1}, []span{{0, 3}, {10, 12}}},
		{"LeavesLongerOfWord", []span{{0, 30}, {40, 2}}, span{42, 1}, []span{{0, 30}, {40, 3}}},
		{"TakesStartOutOfWord", []span{{60, 3}, {64, 5}, {70, 2}}, span{63, 1}, []span{{60, 9}, {70, 2}}},
		{"TakesLongStartOutOfWord", []span{{3, 1}, {64, 50}, {120, 300}}, span{114, 6}, []span{{3, 1}, {64, 356}}},
		{"BecomesLong", []span{{50, 100}}, span{150, 27}, []span{{50, 127}}},
		{"BecomesLongest", []span{{50, 32000}}, span{32050, 767}, []span{{50, 32767}}},
		{"BecomesLongBelow", []span{{50, 100}}, span{23, 27}, []span{{23, 127}}},
		{"BecomesLongestBelow", []span{{1050, 32000}}, span{283, 767}, []span{{283, 32767}}},
		{"StartMovesToLowerBlock", []span{{33000, 40000}}, span{32000, 1000}, []span{{32000, 41000}}},
		{"ShortBeforeLong", []span{{0, 1}, {2, 400}}, span{1, 1}, []span{{0, 402}}},
		{"WordOfThreeAndLong", []span{{1, 9}, {11, 1}, {13, 400}}, span{12, 1}, []span{{1, 9}, {11, 402}}},
	}
	for _, tt := range tests {
		onBases(t, tt.name, tt.before, func(t *testing.T, m *memory) {
			m.unmark(tt.add)
			m.Add(m.base+tt.add.page, tt.add.n)
			m.expect(t, tt.after)
		})
	}
}

func TestRemove(t *testing.T) {
	tests := []struct {
		name   string
		before []span
		remove span
		after  []span
	}{
		{"OnePage", []span{{5, 1}}, span{5, 1}, nil},
		{"All", []span{{0, size}}, span{0, size}, nil},
		{"Front", []span{{5, 5}}, span{5, 1}, []span{{6, 4}}},
		{"Back", []span{{5, 5}}, span{9, 1}, []span{{5, 4}}},
		{"Interior", []span{{5, 5}}, span{7, 1}, []span{{5, 2}, {8, 2}}},
		{"FirstOfAll", []span{{0, size}}, span{0, 1}, []span{{1, size - 1}}},
		{"LastOfAll", []span{{0, size}}, span{size - 1, 1}, []span{{0, size - 1}}},
		{"LastOfWord", []span{{0, 128}}, span{63, 1}, []span{{0, 63}, {64, 64}}},
		{"FirstOfWord", []span{{0, 128}}, span{64, 1}, []span{{0, 64}, {65, 63}}},
		{"AcrossWord", []span{{0, 128}}, span{63, 2}, []span{{0, 63}, {65, 63}}},
		{"WholeWord", []span{{0, 192}}, span{64, 64}, []span{{0, 64}, {128, 64}}},
		{"FrontIntoNextWord", []span{{60, 10}}, span{60, 4}, []span{{64, 6}}},
		{"FrontLeavesLong", []span{{60, 1000}}, span{60, 10}, []span{{70, 990}}},
		{"FrontOfLongInWord", []span{{60, 1000}}, span{60, 1}, []span{{61, 999}}},
		{"FrontOfLongLeaves127", []span{{60, 128}}, span{60, 1}, []span{{61, 127}}},
		{"FrontOfLongLeaves126", []span{{60, 127}}, span{60, 1}, []span{{61, 126}}},
		{"BackLeaves127", []span{{60, 128}}, span{187, 1}, []span{{60, 127}}},
		{"BackLeaves126", []span{{60, 127}}, span{186, 1}, []span{{60, 126}}},
		{"BackLeaves32767", []span{{60, 32768}}, span{32827, 1}, []span{{60, 32767}}},
		{"BackLeaves32766", []span{{60, 32767}}, span{32826, 1}, []span{{60, 32766}}},
		{"FrontLeaves32767", []span{{60, 32768}}, span{60, 1}, []span{{61, 32767}}},
		{"FrontLeaves32766", []span{{60, 32767}}, span{60, 1}, []span{{61, 32766}}},
		{"InteriorLeavesTwoLong", []span{{60, 1000}}, span{500, 20}, []span{{60, 440}, {520, 540}}},
		{"InteriorLeavesTwoLongest", []span{{0, size}}, span{40000, 1}, []span{{0, 40000}, {40001, size - 40001}}},
		{"InteriorLeavesTwoInWord", []span{{60, 1000}}, span{61, 2}, []span{{60, 1}, {63, 997}}},
		{"InteriorLeavesOneEach", []span{{10, 1000}}, span{11, 998}, []span{{10, 1}, {1009, 1}}},
		{"LeavesLongerOfWord", []span{{0, 30}, {40, 10}}, span{40, 9}, []span{{0, 30}, {49, 1}}},
		{"LeavesShorterOfWord", []span{{0, 3}, {10, 20}}, span{10, 20}, []span{{0, 3}}},
		{"LeavesEqualOfWord", []span{{0, 3}, {10, 3}}, span{0, 3}, []span{{10, 3}}},
		{"LeavesRunAcrossWord", []span{{10, 20}, {60, 18}}, span{10, 20}, []span{{60, 18}}},
		{"LeavesRunAcrossWordOf67", []span{{10, 20}, {60, 67}}, span{10, 20}, []span{{60, 67}}},
		{"LeavesRunAcrossWordsOf200", []span{{10, 20}, {60, 200}}, span{10, 20}, []span{{60, 200}}},
		{"EndsInWordWithLonger", []span{{0, 70}, {80, 40}}, span{0, 66}, []span{{66, 4}, {80, 40}}},
		{"EndsInWordWithShorter", []span{{0, 100}, {120, 3}}, span{0, 66}, []span{{66, 34}, {120, 3}}},
	}
	for _, tt := range tests {
		onBases(t, tt.name, tt.before, func(t *testing.T, m *memory) {
			marks := m.marks()
			m.Remove(m.base+tt.remove.page, tt.remove.n)
			if got := m.marks(); len(got) != len(marks) {
				t.Errorf("marked are %d, were %d", got, marks)
			}
			m.expect(t, tt.after)
		})
	}
}
