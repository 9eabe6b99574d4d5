package compareheaps

import (
	"math"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

func TestGoals(t *testing.T) {
	r := &report{Figures: []figure{
		{key{pair, "64 B", "wazero", "heap"}, 10, 0.4},
		{key{pair, "64 B", "wazero", "libc"}, 30, 0},
		{key{pair, "64 B", "wazero", "rust"}, 25, 0},
		{key{warm, "x", noRuntime, "heap"}, 8, 0},
		{key{warm, "x", noRuntime, "modernc"}, 4, 0},
		{key{warm, "y", noRuntime, "heap"}, 3, 0},
		{key{warm, "y", noRuntime, "modernc"}, 6, 0},
		{key{cold, "x", noRuntime, "heap"}, 2, 0},
		{key{cold, "x", noRuntime, "modernc"}, 12, 0},
		{key{cold, "y", noRuntime, "heap"}, 2, 0},
		{key{cold, "y", noRuntime, "modernc"}, 8, 0},
		{key{peak, "x", noRuntime, "heap"}, 14, 0},
		{key{peak, "x", noRuntime, live}, 4 * linmem.PageSize, 0},
		{key{locals, pair, noRuntime, "1"}, 100, 0},
		{key{locals, pair, noRuntime, "2"}, 180, 0},
		{key{locals, mix, noRuntime, "1"}, 10, 0},
		{key{locals, mix, noRuntime, "2"}, 19, 0},
	}}
	for _, c := range []struct {
		name   string
		find   func(*report) (float64, string, bool)
		want   float64
		detail string
	}{
		{"PairAllocs", pairAllocs, 0, ""},
		{"AgainstTheFasterGuest", againstGuest(pair, "wazero"), 2.5, "rust"},
		{"WorstIsMost", worst(warm, "heap", "modernc"), 2, "x"},
		{"WorstIsLeast", worst(cold, "modernc", "heap"), 4, "y"},
		{"Mean", mean(warm, "heap", "modernc"), 1, "2 traces"},
		{"Peak", worstPeak, 2, "x"},
		{"Scaling", scaling, 1.8, pair},
	} {
		figure, detail, ok := c.find(r)
		if !ok || math.Abs(figure-c.want) > 1e-9 || detail != c.detail {
			t.Errorf("%s: %v %q, %t; want %v %q", c.name, figure, detail, ok, c.want, c.detail)
		}
		if figure, _, ok := c.find(new(report)); ok {
			t.Errorf("%s: %v of nothing", c.name, figure)
		}
	}
}
