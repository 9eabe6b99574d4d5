package freeset_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/linmem/linmem/core/internal/freeset"
)

// slowSet is a set that is obviously right. Every method but add and remove walks the sorted members.
type slowSet map[uint64]bool

func (s slowSet) add(r span) {
	for i := r.start; i < r.start+r.n; i++ {
		s[i] = true
	}
}

func (s slowSet) remove(r span) {
	for i := r.start; i < r.start+r.n; i++ {
		delete(s, i)
	}
}

func (s slowSet) runs(limit uint64) []span {
	var runs []span
	for _, i := range slices.Sorted(maps.Keys(s)) {
		if i >= limit {
			break
		}
		if n := len(runs); n > 0 && runs[n-1].start+runs[n-1].n == i {
			runs[n-1].n++
		} else {
			runs = append(runs, span{i, 1})
		}
	}
	return runs
}

func (s slowSet) next(from, limit uint64) uint64 {
	lowest := limit
	for i := range s {
		if i >= from && i < lowest {
			lowest = i
		}
	}
	return lowest
}

func (s slowSet) nextAbsent(from, limit uint64) uint64 {
	for from < limit && s[from] {
		from++
	}
	return from
}

func (s slowSet) runBefore(end uint64) uint64 {
	for end > 0 && s[end-1] {
		end--
	}
	return end
}

func (s slowSet) findRun(n, align, limit uint64) (uint64, bool) {
	for _, r := range s.runs(limit) {
		for i := r.start; i+n <= r.start+r.n; i++ {
			if i%align == 0 {
				return i, true
			}
		}
	}
	return 0, false
}

// windows are where the random members lie: around borders of words and chunks, and with wide holes between.
var windows = []uint64{0, 40, chunk - 100, 3*chunk - 150, far - 100, far + 5*chunk - 60, 1 << 47, top - 600}

func randomPlace(r *rand.Rand) uint64 { return windows[r.IntN(len(windows))] + r.Uint64N(200) }

func randomLen(r *rand.Rand) uint64 {
	switch r.IntN(20) {
	case 0:
		return 0
	case 1:
		return 63 + r.Uint64N(3)
	case 2:
		return r.Uint64N(400)
	}
	return 1 + r.Uint64N(12)
}

func TestRandom(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("Seed", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			var set freeset.Set
			slow := slowSet{}
			var last string
			for step := range 200 {
				target := span{randomPlace(r), randomLen(r)}
				last = "Add"
				if r.IntN(2) == 0 {
					set.Add(target.start, target.n)
					slow.add(target)
				} else {
					last = "Remove"
					set.Remove(target.start, target.n)
					slow.remove(target)
				}
				if got, want := runsOf(&set, top), slow.runs(top); !slices.Equal(got, want) {
					t.Fatalf("seed %d, step %d, %s(%v): got %v, want %v", seed, step, last, target, got, want)
				}
				if d := ask(r, &set, slow); d != "" {
					t.Fatalf("seed %d, step %d, after %s(%v): %s\nmembers %v", seed, step, last, target, d, slow.runs(top))
				}
			}
		})
	}
}

// ask puts one random question to each query of both sets, and returns how the answers differ, or "".
func ask(r *rand.Rand, set *freeset.Set, slow slowSet) string {
	at, limit := randomPlace(r), randomPlace(r)
	if r.IntN(2) == 0 {
		limit = top
	}
	if got, want := set.Has(at), slow[at]; got != want {
		return fmt.Sprintf("Has(%d) = %v", at, got)
	}
	from := min(at, limit)
	if got, want := set.Next(from, limit), slow.next(from, limit); got != want {
		return fmt.Sprintf("Next(%d, %d) = %d, want %d", from, limit, got, want)
	}
	if got, want := set.NextAbsent(from, limit), slow.nextAbsent(from, limit); got != want {
		return fmt.Sprintf("NextAbsent(%d, %d) = %d, want %d", from, limit, got, want)
	}
	if got, want := set.RunBefore(at), slow.runBefore(at); got != want {
		return fmt.Sprintf("RunBefore(%d) = %d, want %d", at, got, want)
	}
	if got, want := runsOf(set, limit), slow.runs(limit); !slices.Equal(got, want) {
		return fmt.Sprintf("Runs(%d) = %v, want %v", limit, got, want)
	}
	n, align := max(1, randomLen(r)), uint64(1)<<r.IntN(8)
	got, gotOK := set.FindRun(n, align, limit)
	want, wantOK := slow.findRun(n, align, limit)
	if gotOK != wantOK || gotOK && got != want {
		return fmt.Sprintf("FindRun(%d, %d, %d) = %d, %v, want %d, %v", n, align, limit, got, gotOK, want, wantOK)
	}
	return ""
}
