package linmem_test

import (
	"slices"
	"testing"
)

// maxFuzzSteps keeps one input short: a longer one finds nothing that its parts do not.
const maxFuzzSteps = 100

// FuzzPages reads an input as a configuration (three bytes, or four) and a stream of operations (three bytes each), and
// holds the allocator against the oracle after each.
func FuzzPages(f *testing.F) {
	for _, seed := range fuzzSeeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if l, err := play(data); err != nil {
			t.Fatalf("the last step %v\n%s", err, l.story())
		}
	})
}

// The seeds are where fuzzing starts; a plain test runs them, and the corpus in testdata/fuzz.
func TestFuzzSeedsReachEveryOutcome(t *testing.T) {
	seen, noticed := map[outcome]bool{}, map[event]bool{}
	for _, seed := range fuzzSeeds {
		l, err := play(seed)
		if err != nil {
			t.Fatalf("the last step %v\n%s", err, l.story())
		}
		for o := range l.seen {
			seen[o] = true
		}
		for e := range l.model.noticed {
			noticed[e] = true
		}
	}
	for _, o := range outcomes {
		if !seen[o] {
			t.Errorf("no seed has %v end in %v", op{kind: o.kind}, o.err)
		}
	}
	for _, e := range events {
		if !noticed[e] {
			t.Errorf("in no seed it happens that %s", e)
		}
	}
}

// play runs an input, and returns the first difference.
func play(data []byte) (*lockstep, error) {
	c, data := decodeConfig(data)
	l, err := newLockstep(c)
	for ; err == nil && len(data) >= 3 && len(l.log) < maxFuzzSteps; data = data[3:] {
		err = l.do(l.decode(opKind(data[0]), data[1], data[2]))
	}
	return l, err
}

// withOptions is the bit of an input's first byte that says that a fourth byte of the configuration follows.
const withOptions = 0x80

// decodeConfig makes a configuration out of an input, whatever it is, and returns what is left of it.
func decodeConfig(data []byte) (c config, rest []byte) {
	if len(data) < 4 {
		data = append(slices.Clone(data), 0, 0, 0, 0)
	}
	start, room, flags, options := data[0], data[1], data[2], data[3]
	rest = data[3:]
	starts := []uint64{0, 1, 3, 65, 4097, 4090}
	if start&withOptions != 0 {
		rest = data[4:]
		start &^= withOptions
		c.growth = []policy{{}, {double: true}, {by: 4}, {by: 7}}[options&3]
		c.best, c.source = options&4 != 0, options&8 != 0
		c.gap = []uint64{0, 1, 3, 70}[options>>4&3]
	}
	c.start = starts[int(start)%len(starts)]
	c.max, c.budget, c.pageZero = c.start+uint64(room), spacePages, flags&1 != 0
	if flags&2 != 0 {
		c.budget = uint64(flags >> 2)
	}
	return c, rest
}

// fuzzInput encodes an input: the start of [decodeConfig] by its index, the pages that the memory may grow by, and the
// operations as kind, x and y.
func fuzzInput(c config, start, room byte, ops ...opKind) []byte {
	var flags byte
	if c.pageZero {
		flags |= 1
	}
	if c.budget > 0 {
		flags |= 2 | byte(c.budget)<<2
	}
	data := []byte{start | withOptions, room, flags, 0}
	switch c.growth {
	case policy{double: true}:
		data[3] = 1
	case policy{by: 4}:
		data[3] = 2
	case policy{by: 7}:
		data[3] = 3
	}
	if c.best {
		data[3] |= 4
	}
	if c.source {
		data[3] |= 8
	}
	switch c.gap {
	case 1:
		data[3] |= 1 << 4
	case 3:
		data[3] |= 2 << 4
	}
	for _, b := range ops {
		data = append(data, byte(b))
	}
	return data
}
