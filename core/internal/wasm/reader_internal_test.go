package wasm

import (
	"math"
	"testing"

	"github.com/linmem/linmem/core/internal/wasm/wasmtest"
)

func TestUnsigned(t *testing.T) {
	const fails = math.MaxUint64 - 1
	for _, tt := range []struct {
		name  string
		bits  uint
		bytes string
		want  uint64
	}{
		{"zero", 32, "\x00", 0},
		{"largest of a byte", 32, "\x7f", 127},
		{"smallest of two", 32, "\x80\x01", 128},
		{"zero, padded", 32, "\x80\x80\x80\x80\x00", 0},
		{"largest of 32 bits", 32, "\xff\xff\xff\xff\x0f", math.MaxUint32},
		{"a bit too much of 32", 32, "\xff\xff\xff\xff\x1f", fails},
		{"highest bits of the last byte", 32, "\x80\x80\x80\x80\x70", fails},
		{"a byte too much of 32", 32, "\x80\x80\x80\x80\x80\x00", fails},
		{"nothing", 32, "", fails},
		{"cut", 32, "\x80\x80", fails},
		{"largest of 64 bits", 64, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", math.MaxUint64},
		{"zero of 64 bits, padded", 64, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 0},
		{"a bit too much of 64", 64, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", fails},
		{"a byte too much of 64", 64, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", fails},
	} {
		r := &reader{b: []byte(tt.bytes)}
		got := r.unsigned(tt.bits, "a number")
		if (r.err != nil) != (tt.want == fails) || r.err == nil && (got != tt.want || r.at != len(tt.bytes)) {
			t.Errorf("%s: % x is %d, %v, and ends at %d, want %d", tt.name, tt.bytes, got, r.err, r.at, tt.want)
		}
	}
}

func TestSigned(t *testing.T) {
	const fails = 12345
	for _, tt := range []struct {
		name  string
		bits  uint
		bytes string
		want  int64
	}{
		{"zero", 32, "\x00", 0},
		{"minus one", 32, "\x7f", -1},
		{"largest of a byte", 32, "\x3f", 63},
		{"smallest of a byte", 32, "\x40", -64},
		{"two bytes", 32, "\xc0\x00", 64},
		{"minus one, padded", 32, "\xff\xff\xff\xff\x7f", -1},
		{"zero, padded", 32, "\x80\x80\x80\x80\x00", 0},
		{"largest of 32 bits", 32, "\xff\xff\xff\xff\x07", math.MaxInt32},
		{"smallest of 32 bits", 32, "\x80\x80\x80\x80\x78", math.MinInt32},
		{"larger than 32 bits", 32, "\x80\x80\x80\x80\x08", fails},
		{"smaller than 32 bits", 32, "\xff\xff\xff\xff\x77", fails},
		{"sign repeated in part", 32, "\xff\xff\xff\xff\x4f", fails},
		{"a byte too much", 32, "\x80\x80\x80\x80\x80\x00", fails},
		{"nothing", 32, "", fails},
		{"cut", 32, "\xff", fails},
		{"largest of 33 bits", 33, "\xff\xff\xff\xff\x0f", math.MaxUint32},
		{"smallest of 33 bits", 33, "\x80\x80\x80\x80\x70", -1 << 32},
		{"larger than 33 bits", 33, "\x80\x80\x80\x80\x10", fails},
		{"largest of 64 bits", 64, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00", math.MaxInt64},
		{"smallest of 64 bits", 64, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f", math.MinInt64},
		{"larger than 64 bits", 64, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", fails},
	} {
		r := &reader{b: []byte(tt.bytes)}
		got := r.signed(tt.bits, "a number")
		if (r.err != nil) != (tt.want == fails) || r.err == nil && (got != tt.want || r.at != len(tt.bytes)) {
			t.Errorf("%s: % x is %d, %v, and ends at %d, want %d", tt.name, tt.bytes, got, r.err, r.at, tt.want)
		}
	}
}

// TestConstants reads immediates of one byte, which have a way of their own.
func TestConstants(t *testing.T) {
	for _, v := range []int64{0, 1, 16, 63, 64, 127, 128, 65535, 65536, -1, -64, -65, math.MaxInt32, math.MinInt32} {
		for _, o := range []opcode{opI32Const, opI64Const} {
			var in instruction
			r := &reader{b: wasmtest.Bytes(byte(o), wasmtest.S(v))}
			if r.next(&in); r.err != nil || int64(in.a) != v || r.at != len(r.b) {
				t.Errorf("the constant %d of opcode %#x is %d, %v", v, o, int64(in.a), r.err)
			}
		}
	}
}

func TestFirstFailureStays(t *testing.T) {
	r := &reader{b: []byte{1, 2, 3, 4}}
	r.u32("a number")
	r.failf(1, "the first")
	r.failf(2, "the second")
	if r.byte("a byte"); r.at != len(r.b) || r.err.Error() != "at byte 0x1: the first" {
		t.Errorf("the reader is at %d with %v", r.at, r.err)
	}
}
