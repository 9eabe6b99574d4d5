package traces

import (
	"fmt"
	"math/bits"
	"strconv"
)

// The limits of a trace. With them, no sum of sizes in it overflows 64 bits.
const (
	MaxSize  = 1 << 40 // bytes in a block
	MaxAlign = 1 << 30 // bytes
	MaxOps   = 1 << 23 // operations in a trace
)

// Kind is what an operation does.
type Kind uint8

// The kinds. They have no zero value: the zero Op is not an operation.
const (
	Alloc Kind = iota + 1
	Free
	Realloc
)

// kindLetters are the kinds in a file.
const kindLetters = " afr"

// String returns the kind's letter in a file: a, f or r.
func (k Kind) String() string {
	if k < Alloc || k > Realloc {
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
	return kindLetters[k : k+1]
}

// Op is one operation of a trace: 16 bytes, so that a replay waits for the allocator and not for its script.
type Op struct {
	Size uint64 // bytes; 0 in a Free
	ID   uint32 // of the block; below the trace's MaxLive
	Kind Kind

	// log2Align is 1 more than the binary logarithm of the alignment that the program asked for; 0 if it asked for none.
	log2Align uint8
}

// NewOp returns an operation. align is in bytes, a power of two, or 0 for none; it panics if it is anything else.
func NewOp(kind Kind, id uint32, size, align uint64) Op {
	if align&(align-1) != 0 {
		panic(fmt.Sprintf("traces: alignment %d is no power of two", align))
	}
	return Op{Size: size, ID: id, Kind: kind, log2Align: uint8(bits.Len64(align))}
}

// Align returns the alignment in bytes that the program asked for, or 0 if it left that to malloc.
func (o Op) Align() uint64 { return 1 << o.log2Align >> 1 }

// DefaultAlign returns what an address must be a multiple of if a block of so many bytes has no alignment of its own: the
// largest power of two not above the size, 16 at most, 1 at least.
func DefaultAlign(size uint64) uint64 { return 1 << (bits.Len64(max(1, min(size, 16))) - 1) }

// String returns the operation's line in a file, without the newline.
func (o Op) String() string { return string(o.appendTo(nil)) }

func (o Op) appendTo(b []byte) []byte {
	b = append(b, o.Kind.String()...)
	b = strconv.AppendUint(append(b, ' '), uint64(o.ID), 10)
	if o.Kind == Free {
		return b
	}
	b = strconv.AppendUint(append(b, ' '), o.Size, 10)
	if align := o.Align(); align != 0 {
		b = strconv.AppendUint(append(b, ' '), align, 10)
	}
	return b
}
