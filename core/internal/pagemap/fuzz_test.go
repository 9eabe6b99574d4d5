package pagemap_test

import (
	"math/rand/v2"
	"testing"
)

// maxFuzzSteps keeps one input short: a longer one finds nothing that its parts do not.
const maxFuzzSteps = 200

// input is a source of steps: the bytes of a fuzzer, one or more for each choice. When they are used up, every choice is
// the first one.
type input struct{ data []byte }

func (in *input) pick(n uint64) (v uint64) {
	for most := n - 1; most > 0; most >>= 8 {
		if len(in.data) == 0 {
			break
		}
		v = v<<8 | uint64(in.data[0])
		in.data = in.data[1:]
	}
	return v % n
}

// FuzzMap reads an input as a memory and a stream of steps, and holds the map against the slow one after each.
func FuzzMap(f *testing.F) {
	for _, seed := range fuzzSeeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if l, err := playInput(data); err != nil {
			t.Fatalf("%v\n%s", err, l.story())
		}
	})
}

func playInput(data []byte) (*lockstep, error) {
	in := &input{data}
	total := windowSizes[in.pick(3)] // the largest takes too long
	return play(in, total, func(taken int) bool { return len(in.data) == 0 || taken == maxFuzzSteps })
}

// fuzzSeeds returns inputs of few and of many steps.
func fuzzSeeds() (seeds [][]byte) {
	seeds = append(seeds, nil)
	for i := range uint64(40) {
		r := rand.New(rand.NewPCG(i, 0))
		data := make([]byte, 16<<(i%8))
		for j := range data {
			data[j] = byte(r.Uint32())
		}
		seeds = append(seeds, data)
	}
	return seeds
}

// The seeds are where fuzzing starts; a plain test runs them, and what is in testdata/fuzz.
func TestFuzzSeedsReachEveryOutcome(t *testing.T) {
	seen := map[string]bool{}
	for _, seed := range fuzzSeeds() {
		l, err := playInput(seed)
		if err != nil {
			t.Fatalf("%v\n%s", err, l.story())
		}
		for outcome := range l.seen {
			seen[outcome] = true
		}
	}
	for _, outcome := range outcomes {
		if !seen[outcome] {
			t.Errorf("no seed ends a step in %q", outcome)
		}
	}
}
