package traces

import "encoding/binary"

// pattern is the contents of one block at one time. No two patterns are alike, nor is a pattern like itself when moved by
// some bytes: so contents that come from elsewhere are noticed. By chance one byte in 256 is right.
type pattern uint64

// newPattern returns the pattern of a block as of an operation. It is never 0, whose first word would be 0, like fresh
// memory.
func newPattern(id uint32, op int) pattern { return pattern(uint64(op+1)<<32 | uint64(id)) }

// word returns the 8 bytes at 8*i: SplitMix64's output function over the pattern and the place.
func (p pattern) word(i int) uint64 {
	x := uint64(p) + uint64(i)*0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	return x ^ x>>27
}

func (p pattern) fill(b []byte) {
	i := 0
	for ; len(b) >= 8; i++ {
		binary.LittleEndian.PutUint64(b, p.word(i))
		b = b[8:]
	}
	var last [8]byte
	binary.LittleEndian.PutUint64(last[:], p.word(i))
	copy(b, last[:])
}

// differs returns the index of the first byte that is not the pattern's, and what it should be; -1 if all are.
func (p pattern) differs(b []byte) (at int, want byte) {
	for i := 0; i*8 < len(b); i++ {
		var expected [8]byte
		binary.LittleEndian.PutUint64(expected[:], p.word(i))
		part := b[i*8:]
		if len(part) >= 8 && binary.LittleEndian.Uint64(part) == p.word(i) {
			continue
		}
		for j := range min(8, len(part)) {
			if part[j] != expected[j] {
				return i*8 + j, expected[j]
			}
		}
	}
	return -1, 0
}
