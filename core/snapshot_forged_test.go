package linmem_test

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// numbers encodes what follows a snapshot's version: the size, the two counters, and the ranges.
func numbers(values ...uint64) (b []byte) {
	for _, v := range values {
		b = binary.AppendUvarint(b, v)
	}
	return b
}

func freePages(n uint64) uint64    { return n * 4 }
func usedPages(n uint64) uint64    { return n*4 + 1 }
func foreignPages(n uint64) uint64 { return n*4 + 2 }

// Here the checksum is right, and the memory large enough.
func TestRestoreOfContradictions(t *testing.T) {
	const version = "linmemP\x01"
	tests := []struct {
		name string
		head string
		rest []byte
		err  error
	}{
		{"Consistent", version, numbers(9, 3, 1, foreignPages(2), freePages(3), usedPages(4)), nil},
		{"ConsistentNothing", version, numbers(0, 0, 0), nil},
		{"ConsistentRunsSideBySide", version, numbers(9, 3, 1, foreignPages(2), usedPages(3), usedPages(4)), nil},
		{"ConsistentCounters", version, numbers(2, math.MaxUint64, math.MaxUint64, foreignPages(2)), nil},

		{"FreeRunInTwo", version, numbers(9, 3, 1, foreignPages(2), freePages(3), freePages(4)), linmem.ErrCorrupt},
		{"ForeignInTwo", version, numbers(9, 3, 1, foreignPages(2), foreignPages(3), usedPages(4)), linmem.ErrCorrupt},
		{"NoFreePages", version, numbers(9, 3, 1, foreignPages(2), freePages(0), usedPages(7)), linmem.ErrCorrupt},
		{"NoUsedPages", version, numbers(9, 3, 1, foreignPages(2), usedPages(0), usedPages(7)), linmem.ErrCorrupt},
		{"NoForeignPages", version, numbers(9, 3, 1, foreignPages(0), freePages(3), usedPages(6)), linmem.ErrCorrupt},
		{"NoPagesAtTheEnd", version, numbers(9, 3, 1, foreignPages(2), freePages(7), usedPages(0)), linmem.ErrCorrupt},
		{"OfNoKind", version, numbers(9, 3, 1, foreignPages(2), 3*4+3, usedPages(4)), linmem.ErrCorrupt},
		{"TooFew", version, numbers(9, 3, 1, foreignPages(2), freePages(3), usedPages(3)), linmem.ErrCorrupt},
		{"TooMany", version, numbers(9, 3, 1, foreignPages(2), freePages(3), usedPages(5)), linmem.ErrCorrupt},
		{"OneRangeTooMany", version, numbers(9, 3, 1, foreignPages(2), freePages(7), usedPages(1)), linmem.ErrCorrupt},
		{"NoRanges", version, numbers(9, 3, 1), linmem.ErrCorrupt},
		{"NoRefusals", version, numbers(0, 3), linmem.ErrCorrupt},
		{"NoCounters", version, numbers(0), linmem.ErrCorrupt},
		{"NoSize", version, nil, linmem.ErrCorrupt},
		{"LargerThanTheSpace", version, numbers(spacePages+1, 3, 1, foreignPages(spacePages+1)), linmem.ErrCorrupt},
		{"AsLargeAsCanBeSaid", version, numbers(math.MaxUint64, 3, 1, math.MaxUint64-1), linmem.ErrCorrupt},
		{"LengthWraps", version, numbers(9, 3, 1, foreignPages(2), math.MaxUint64-3, usedPages(7)), linmem.ErrCorrupt},
		{
			"LengthsAddUpToTheSizeAsTheyWrap", version,
			numbers(slices.Concat([]uint64{9, 3, 1}, wrapping(9))...), linmem.ErrCorrupt,
		},

		{"LongFormOfSize", version, append([]byte{0x82, 0}, numbers(0, 0, foreignPages(2))...), linmem.ErrCorrupt},
		{"LongFormOfRange", version, append(numbers(2, 0, 0), 0x8A, 0), linmem.ErrCorrupt},
		{"LongFormOfNothing", version, append(numbers(2, 0, 0, foreignPages(2)), 0x80, 0), linmem.ErrCorrupt},
		{"CutNumber", version, append(numbers(2, 0, 0, foreignPages(2)), 0x80), linmem.ErrCorrupt},
		{"NumberThatOverflows", version, append(numbers(2, 0, 0), slices.Repeat([]byte{0xFF}, 11)...), linmem.ErrCorrupt},
		{"NumberOf65Bits", version, append(numbers(2, 0, 0), append(slices.Repeat([]byte{0xFF}, 9), 2)...), linmem.ErrCorrupt},

		{"VersionZero", "linmemP\x00", numbers(2, 0, 0, foreignPages(2)), linmem.ErrCorrupt},
		{"VersionTwo", "linmemP\x02", numbers(2, 0, 0, foreignPages(2)), linmem.ErrCorrupt},
		{"VersionOfAllBits", "linmemP\xFF", numbers(2, 0, 0, foreignPages(2)), linmem.ErrCorrupt},
		{"OfSomethingElse", "linmemH\x01", numbers(2, 0, 0, foreignPages(2)), linmem.ErrCorrupt},
		{"OnlyTheHead", version, nil, linmem.ErrCorrupt},
		{"OnlyTheChecksum", "", nil, linmem.ErrCorrupt},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []uint64{9, 100, spacePages} {
				snapshot := sealed(append([]byte(tt.head), tt.rest...))
				p, err := linmem.RestorePages(&toyMemory{size: size, max: size}, snapshot)
				if class(err) != tt.err || (p == nil) != (err != nil) {
					t.Errorf("in a memory of %d pages: returned %v, %v, want the error %v", size, p, err, tt.err)
				}
			}
		})
	}
}

// wrapping returns lengths whose sum is n, with a carry out of the 64 bits.
func wrapping(n uint64) (lengths []uint64) {
	for range 4 {
		lengths = append(lengths, usedPages(1<<62-1))
	}
	return append(lengths, usedPages(n+4))
}
