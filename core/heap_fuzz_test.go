package linmem_test

import (
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// maxHeapFuzzSteps keeps one input short: a longer one finds nothing that its parts do not.
const maxHeapFuzzSteps = 150

// FuzzHeap reads an input as the number of a configuration (a byte) and a stream of operations (four bytes each), and holds
// the heap to the contract after each.
func FuzzHeap(f *testing.F) {
	for _, seed := range heapFuzzSeeds {
		f.Add(seed)
	}
	most := uint64(0)
	for _, c := range heapConfigs {
		most = max(most, c.config.max)
	}
	scratch := make([]byte, most*linmem.PageSize)
	f.Fuzz(func(t *testing.T, data []byte) {
		if l, err := playHeap(data, scratch); err != nil {
			t.Fatalf("the last step %v\n%s", err, l.story())
		}
	})
}

// playHeap runs an input, and returns what is wrong.
func playHeap(data, scratch []byte) (l *heapLockstep, err error) {
	number := 0
	if len(data) > 0 {
		number = int(data[0]) % len(heapConfigs)
		data = data[1:]
	}
	if l, err = newHeapLockstep(heapConfigs[number].config, scratch); err != nil {
		return l, err
	}
	for ; len(data) >= 4 && len(l.log) < maxHeapFuzzSteps; data = data[4:] {
		if err := l.do(l.decode(data[0], data[1], data[2], data[3])); err != nil {
			return l, err
		}
	}
	return l, l.finish()
}

// heapFuzzSeeds are where fuzzing starts: a bit of everything in each configuration.
var heapFuzzSeeds = func() (seeds [][]byte) {
	for number := range heapConfigs {
		seed := []byte{byte(number)}
		for i := range byte(100) {
			kind := weightedHeapOps[int(i)*37%len(weightedHeapOps)]
			seed = append(seed, byte(kind), i*73+byte(number), i*i, i*151)
		}
		seeds = append(seeds, seed)
	}
	return seeds
}()
