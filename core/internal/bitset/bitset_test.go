package bitset_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/linmem/linmem/core/internal/bitset"
)

func TestEmpty(t *testing.T) {
	var s bitset.Set
	s.Remove(7)
	s.Clear()
	if i, ok := s.First(); ok || s.Has(0) || s.Has(1<<40) {
		t.Errorf("an empty set has %d", i)
	}
}

// TestModel holds the set against a map, at sizes that take one to four levels.
func TestModel(t *testing.T) {
	for _, limit := range []uint64{1, 64, 65, 4096, 4097, 300_000, 20_000_000} {
		r := rand.New(rand.NewPCG(limit, 1))
		var s bitset.Set
		model := map[uint64]bool{}
		for step := range 3000 {
			i := r.Uint64N(limit)
			if step%500 == 499 {
				s.Clear()
				clear(model)
			}
			if r.IntN(2) == 0 {
				s.Add(i)
				model[i] = true
			} else {
				if r.IntN(2) == 0 {
					if first, ok := s.First(); ok {
						i = first
					}
				}
				s.Remove(i)
				delete(model, i)
			}
			if s.Has(i) != model[i] {
				t.Fatalf("limit %d, step %d: Has(%d) is %v", limit, step, i, s.Has(i))
			}
			if step%50 > 0 && limit > 100 {
				continue
			}
			var want []uint64
			for i := range model {
				want = append(want, i)
			}
			slices.Sort(want)
			if got := slices.Collect(s.All()); !slices.Equal(got, want) {
				t.Fatalf("limit %d, step %d: the set is %v, want %v", limit, step, got, want)
			}
			first, ok := s.First()
			if ok != (len(want) > 0) || ok && first != want[0] {
				t.Fatalf("limit %d, step %d: First is %d, %v, want the first of %v", limit, step, first, ok, want)
			}
		}
	}
}
