package guest

import (
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

func TestWithout(t *testing.T) {
	r := func(pairs ...uint64) (ranges []linmem.Range) {
		for i := 0; i < len(pairs); i += 2 {
			ranges = append(ranges, linmem.Range{Start: linmem.Page(pairs[i]), Len: pairs[i+1] - pairs[i]})
		}
		return ranges
	}
	for _, tt := range []struct {
		name       string
		a, b, want []linmem.Range
	}{
		{"nothing", nil, r(1, 2), nil},
		{"nothing taken", r(1, 5), nil, r(1, 5)},
		{"all", r(1, 5, 7, 9), r(1, 9), nil},
		{"apart", r(1, 5), r(5, 7), r(1, 5)},
		{"the front", r(1, 5), r(0, 2), r(2, 5)},
		{"the end", r(1, 5), r(4, 8), r(1, 4)},
		{"the middle", r(1, 9), r(3, 4, 6, 7), r(1, 3, 4, 6, 7, 9)},
		{"across two", r(1, 5, 7, 12), r(3, 8), r(1, 3, 8, 12)},
		{"the same", r(1, 5), r(1, 5), nil},
	} {
		if got := without(tt.a, tt.b); !slices.Equal(got, tt.want) {
			t.Errorf("%s: without(%v, %v) = %v, want %v", tt.name, tt.a, tt.b, got, tt.want)
		}
	}
}
