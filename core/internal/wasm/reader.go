package wasm

import (
	"fmt"
	"unicode/utf8"
)

// reader reads the bytes of a section, or of a body. Offsets are from the beginning of the input: b is the input up to the
// end of what is read.
//
// The first failure stays. It moves the reader to the end, so that what reads on ends soon, and gets zeros.
type reader struct {
	b   []byte
	at  int
	err error // an *Error, or nil
}

func (r *reader) failf(offset int, format string, args ...any) {
	if r.err == nil {
		r.err = &Error{Offset: offset, Reason: fmt.Sprintf(format, args...)}
	}
	r.at = len(r.b)
}

// finish checks that all was read.
func (r *reader) finish(what string) {
	if r.err == nil && r.at != len(r.b) {
		r.failf(r.at, "expected the end of the %s, and %d bytes more belong to it", what, len(r.b)-r.at)
	}
}

func (r *reader) byte(what string) byte {
	if r.at >= len(r.b) {
		r.failf(r.at, "expected %s, and the bytes end", what)
		return 0
	}
	c := r.b[r.at]
	r.at++
	return c
}

// bytes reads n bytes.
func (r *reader) bytes(n int, what string) []byte {
	if n > len(r.b)-r.at {
		r.failf(r.at, "expected %s, %d bytes, and only %d follow", what, n, len(r.b)-r.at)
		return nil
	}
	r.at += n
	return r.b[r.at-n : r.at]
}

// u32 reads an unsigned number in LEB128.
func (r *reader) u32(what string) uint32 {
	if c, ok := r.short(); ok {
		return uint32(c)
	}
	return uint32(r.unsigned(32, what))
}

// short reads a number in LEB128 if it has one byte, as most have: the compiler can inline it.
func (r *reader) short() (c byte, ok bool) {
	if r.at < len(r.b) && r.b[r.at] < 0x80 {
		r.at++
		return r.b[r.at-1], true
	}
	return 0, false
}

// extend extends the sign of the seven bits of a byte of LEB128.
func extend(c byte) int64 { return int64(int8(c<<1) >> 1) }

// unsigned reads a number of that many bits in LEB128. An encoding may have zeros in front, and linkers write such, but no
// more bytes than the largest number has.
//
// See https://webassembly.github.io/spec/core/binary/values.html#integers
func (r *reader) unsigned(bits uint, what string) (v uint64) {
	start := r.at
	for shift := uint(0); ; shift += 7 {
		c, ok := r.digit(start, what)
		if !ok {
			return 0
		}
		if left := bits - shift; left < 7 && c>>left != 0 {
			r.tooLong(start, bits, what)
			return 0
		}
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
}

// digit reads a byte of a number in LEB128 that begins at start.
func (r *reader) digit(start int, what string) (c byte, ok bool) {
	if r.at >= len(r.b) {
		r.failf(start, "expected %s, a number in LEB128, and the bytes end inside it", what)
		return 0, false
	}
	r.at++
	return r.b[r.at-1], true
}

// signed is unsigned for a number in two's complement, whose last byte repeats the sign in the bits that it has too many.
func (r *reader) signed(bits uint, what string) (v int64) {
	start := r.at
	for shift := uint(0); ; shift += 7 {
		c, ok := r.digit(start, what)
		if !ok {
			return 0
		}
		extended := extend(c)
		if left := bits - shift; left < 7 {
			if top := extended >> (left - 1); c >= 0x80 || top != 0 && top != -1 {
				r.tooLong(start, bits, what)
				return 0
			}
		}
		if c < 0x80 {
			return v | extended<<shift
		}
		v |= int64(c&0x7f) << shift
	}
}

func (r *reader) tooLong(start int, bits uint, what string) {
	r.failf(start, "expected %s, a number of %d bits in LEB128, and this one has more", what, bits)
}

// count reads the length of a vector. Each element takes a byte at least, so that there are no more than bytes.
func (r *reader) count(what string) int {
	start := r.at
	n := int64(r.u32(what))
	if left := len(r.b) - r.at; n > int64(left) {
		r.failf(start, "expected %s to be at most the %d bytes that follow, not %d", what, left, n)
		return 0
	}
	return int(n)
}

// index reads an index below n.
func (r *reader) index(n int, what string) uint32 {
	start := r.at
	i := r.u32(what)
	if r.err == nil && uint64(i) >= uint64(n) {
		r.failf(start, "expected %s below %d, not %d", what, n, i)
		return 0
	}
	return i
}

// name reads a string. Its error is at the length, or at the bytes that are not UTF-8.
func (r *reader) name(what string) string {
	b := r.bytes(r.count(what), what)
	if !utf8.Valid(b) {
		r.failf(r.at-len(b), "expected %s in UTF-8, and %q is not", what, b)
		return ""
	}
	return string(b)
}
