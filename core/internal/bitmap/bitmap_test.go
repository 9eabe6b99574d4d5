package bitmap_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/linmem/linmem/core/internal/bitmap"
)

const (
	chunk = 4096
	far   = 1 << 40 // a chunk border that no dense table of chunks could reach
	top   = 1 << 63 // members are below it
)

// span is [start, start+n).
type span struct{ start, n uint64 }

func (r span) String() string { return fmt.Sprintf("[%d,%d)", r.start, r.start+r.n) }

func newSet(runs []span) *bitmap.Set {
	s := new(bitmap.Set)
	for _, r := range runs {
		s.Add(r.start, r.n)
	}
	return s
}

func runsOf(s *bitmap.Set, limit uint64) []span {
	var runs []span
	for start, n := range s.Runs(limit) {
		runs = append(runs, span{start, n})
	}
	return runs
}

// minus returns the parts of a that are not in b.
func minus(a, b []span) []span {
	for _, cut := range b {
		var rest []span
		for _, r := range a {
			if end := min(r.start+r.n, cut.start); end > r.start {
				rest = append(rest, span{r.start, end - r.start})
			}
			if start, end := max(r.start, cut.start+cut.n), r.start+r.n; start < end {
				rest = append(rest, span{start, end - start})
			}
		}
		a = rest
	}
	return a
}

// diff returns how two lists of runs differ, or "". Equal members in other runs differ too.
func diff(got, want []span) string {
	if slices.Equal(got, want) {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "missing %v, surplus %v", minus(want, got), minus(got, want))
	if len(got)+len(want) <= 40 {
		fmt.Fprintf(&b, "\n got %v\nwant %v", got, want)
	}
	return b.String()
}

func TestAdd(t *testing.T) {
	tests := []struct {
		name   string
		before []span
		add    span
		after  []span
	}{
		{"Nothing", nil, span{5, 0}, nil},
		{"OneBit", nil, span{5, 1}, []span{{5, 1}}},
		{"LastBitOfWord", nil, span{63, 1}, []span{{63, 1}}},
		{"FirstBitOfSecondWord", nil, span{64, 1}, []span{{64, 1}}},
		{"WholeWord", nil, span{64, 64}, []span{{64, 64}}},
		{"AcrossWord", nil, span{63, 2}, []span{{63, 2}}},
		{"AcrossTwoWords", nil, span{63, 66}, []span{{63, 66}}},
		{"LastBitOfChunk", nil, span{chunk - 1, 1}, []span{{chunk - 1, 1}}},
		{"FirstBitOfSecondChunk", nil, span{chunk, 1}, []span{{chunk, 1}}},
		{"WholeChunk", nil, span{chunk, chunk}, []span{{chunk, chunk}}},
		{"AcrossChunk", nil, span{chunk - 1, 2}, []span{{chunk - 1, 2}}},
		{"AcrossTwoChunks", nil, span{chunk - 1, chunk + 2}, []span{{chunk - 1, chunk + 2}}},
		{"AcrossFarChunk", nil, span{far - 1, 2}, []span{{far - 1, 2}}},
		{"LastOfAll", nil, span{top - 1, 1}, []span{{top - 1, 1}}},
		{"AlreadyThere", []span{{10, 10}}, span{12, 3}, []span{{10, 10}}},
		{"Overlap", []span{{10, 10}}, span{15, 10}, []span{{10, 15}}},
		{"Apart", []span{{10, 10}}, span{21, 1}, []span{{10, 10}, {21, 1}}},
		{"TouchesBelow", []span{{10, 10}}, span{9, 1}, []span{{9, 11}}},
		{"TouchesAbove", []span{{10, 10}}, span{20, 1}, []span{{10, 11}}},
		{"JoinsTwo", []span{{0, 63}, {65, 63}}, span{63, 2}, []span{{0, 128}}},
		{"JoinsAcrossChunk", []span{{chunk - 9, 9}, {chunk + 1, 9}}, span{chunk, 1}, []span{{chunk - 9, 19}}},
		{"BelowFirstChunk", []span{{far, 1}}, span{1, 1}, []span{{1, 1}, {far, 1}}},
		{"BetweenChunks", []span{{1, 1}, {far, 1}}, span{far / 2, 1}, []span{{1, 1}, {far / 2, 1}, {far, 1}}},
		{"FillsMissingChunk", []span{{0, chunk}, {2 * chunk, 1}}, span{chunk, chunk}, []span{{0, 2*chunk + 1}}},
		{"AboveLastChunk", []span{{1, 1}}, span{far, 1}, []span{{1, 1}, {far, 1}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSet(tt.before)
			s.Add(tt.add.start, tt.add.n)
			if d := diff(runsOf(s, top), tt.after); d != "" {
				t.Errorf("%v.Add(%v): %s", tt.before, tt.add, d)
			}
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
		{"Nothing", []span{{5, 5}}, span{6, 0}, []span{{5, 5}}},
		{"EmptySet", nil, span{0, 3 * chunk}, nil},
		{"NotThere", []span{{5, 5}}, span{10, 5}, []span{{5, 5}}},
		{"All", []span{{5, 5}}, span{5, 5}, nil},
		{"MoreThanAll", []span{{5, 5}}, span{0, 20}, nil},
		{"Front", []span{{5, 5}}, span{5, 1}, []span{{6, 4}}},
		{"Back", []span{{5, 5}}, span{9, 1}, []span{{5, 4}}},
		{"Interior", []span{{5, 5}}, span{7, 1}, []span{{5, 2}, {8, 2}}},
		{"LastBitOfWord", []span{{0, 128}}, span{63, 1}, []span{{0, 63}, {64, 64}}},
		{"FirstBitOfWord", []span{{0, 128}}, span{64, 1}, []span{{0, 64}, {65, 63}}},
		{"AcrossWord", []span{{0, 128}}, span{63, 2}, []span{{0, 63}, {65, 63}}},
		{"WholeWord", []span{{0, 192}}, span{64, 64}, []span{{0, 64}, {128, 64}}},
		{"AcrossChunk", []span{{0, 2 * chunk}}, span{chunk - 1, 2}, []span{{0, chunk - 1}, {chunk + 1, chunk - 1}}},
		{"WholeChunk", []span{{0, 3 * chunk}}, span{chunk, chunk}, []span{{0, chunk}, {2 * chunk, chunk}}},
		{"MissingChunk", []span{{0, 1}, {far, 1}}, span{chunk, chunk}, []span{{0, 1}, {far, 1}}},
		{
			"AcrossMissingChunk",
			[]span{{0, chunk}, {2 * chunk, chunk}},
			span{chunk - 1, chunk + 2},
			[]span{{0, chunk - 1}, {2*chunk + 1, chunk - 1}},
		},
		{"AcrossFarChunk", []span{{far - 2, 4}}, span{far - 1, 2}, []span{{far - 2, 1}, {far + 1, 1}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSet(tt.before)
			s.Remove(tt.remove.start, tt.remove.n)
			if d := diff(runsOf(s, top), tt.after); d != "" {
				t.Errorf("%v.Remove(%v): %s", tt.before, tt.remove, d)
			}
		})
	}
}

func TestNext(t *testing.T) {
	sparse := []span{{63, 1}, {chunk - 1, 2}, {far, 1}}
	tests := []struct {
		name        string
		before      []span
		from, limit uint64
		want        uint64
	}{
		{"EmptySet", nil, 0, 100, 100},
		{"Itself", sparse, 63, top, 63},
		{"SameWord", sparse, 0, top, 63},
		{"SameChunk", sparse, 64, top, chunk - 1},
		{"NextChunk", []span{{chunk, 1}}, 5, top, chunk},
		{"FromAboveAWordWithMembers", []span{{64, 2}}, 65, top, 65},
		{"NextChunkFromTheLastBit", []span{{0, 1}, {chunk, 1}}, chunk - 1, top, chunk},
		{"LowBitsOfTheNextChunkCount", []span{{chunk - 1, 1}, {chunk, 1}}, chunk, top, chunk},
		{"OverMissingChunks", sparse, chunk + 1, top, far},
		{"FromMissingChunk", sparse, far / 2, top, far},
		{"PastTheLast", sparse, far + 1, top, top},
		{"PastTheLastChunk", sparse, far + chunk, top, top},
		{"AtLimit", sparse, 0, 63, 63},
		{"BelowLimit", sparse, 0, 64, 63},
		{"LimitInsideWord", []span{{10, 1}}, 0, 5, 5},
		{"LimitInMissingChunk", sparse, chunk + 1, far / 2, far / 2},
		{"FromIsLimit", sparse, 63, 63, 63},
		{"FromAboveLimit", sparse, 64, 63, 63},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := newSet(tt.before).Next(tt.from, tt.limit); got != tt.want {
				t.Errorf("%v.Next(%d, %d) = %d, want %d", tt.before, tt.from, tt.limit, got, tt.want)
			}
		})
	}
}

func TestNextAbsent(t *testing.T) {
	dense := []span{{0, 64}, {66, 2*chunk - 66}, {far - 1, 2}}
	tests := []struct {
		name        string
		before      []span
		from, limit uint64
		want        uint64
	}{
		{"EmptySet", nil, 7, 100, 7},
		{"Itself", dense, 65, top, 65},
		{"WholeWord", dense, 0, top, 64},
		{"AcrossWords", dense, 66, top, 2 * chunk},
		{"AcrossChunk", dense, chunk - 1, top, 2 * chunk},
		{"MissingChunk", dense, 3 * chunk, top, 3 * chunk},
		{"AcrossFarChunk", dense, far - 1, top, far + 1},
		{"AtLimit", dense, 0, 64, 64},
		{"LimitInsideRun", dense, 0, 63, 63},
		{"LimitInsideChunk", dense, chunk, chunk + 1, chunk + 1},
		{"FromIsLimit", dense, 5, 5, 5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := newSet(tt.before).NextAbsent(tt.from, tt.limit); got != tt.want {
				t.Errorf("%v.NextAbsent(%d, %d) = %d, want %d", tt.before, tt.from, tt.limit, got, tt.want)
			}
		})
	}
}

func TestRunBefore(t *testing.T) {
	tests := []struct {
		name   string
		before []span
		end    uint64
		want   uint64
	}{
		{"EmptySet", nil, 100, 100},
		{"Zero", []span{{0, 9}}, 0, 0},
		{"ToZero", []span{{0, 9}}, 9, 0},
		{"EndInsideRun", []span{{0, 9}}, 5, 0},
		{"NotTouching", []span{{0, 9}}, 10, 10},
		{"OneBit", []span{{8, 1}}, 9, 8},
		{"FirstBitOfWord", []span{{64, 1}}, 65, 64},
		{"LastBitOfWord", []span{{63, 1}}, 64, 63},
		{"AcrossWord", []span{{63, 2}}, 65, 63},
		{"WordStart", []span{{64, 64}}, 128, 64},
		{"AcrossChunk", []span{{chunk - 1, 2}}, chunk + 1, chunk - 1},
		{"ChunkStart", []span{{chunk, chunk}}, 2 * chunk, chunk},
		{"WholeChunks", []span{{1, 3*chunk - 1}}, 3 * chunk, 1},
		{"StopsAtMissingChunk", []span{{0, 9}, {2 * chunk, 5}}, 2*chunk + 5, 2 * chunk},
		{"EndInMissingChunk", []span{{0, 9}, {far, 5}}, far / 2, far / 2},
		{"AcrossFarChunk", []span{{far - 1, 2}}, far + 1, far - 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := newSet(tt.before).RunBefore(tt.end); got != tt.want {
				t.Errorf("%v.RunBefore(%d) = %d, want %d", tt.before, tt.end, got, tt.want)
			}
		})
	}
}
