package guest

import (
	"fmt"
	"math"

	linmem "github.com/linmem/linmem/core"
)

// ValueType is the type of a wasm value, as the binary format encodes it.
//
// See https://webassembly.github.io/spec/core/binary/types.html#value-types
type ValueType byte

// The numeric types, which is all that [Instance] deals in.
const (
	I32 ValueType = 0x7f
	I64 ValueType = 0x7e
	F32 ValueType = 0x7d
	F64 ValueType = 0x7c
)

// IsNumeric reports whether t is one of the four.
func (t ValueType) IsNumeric() bool { return F64 <= t && t <= I32 }

// String returns the type's name in the text format.
func (t ValueType) String() string {
	switch t {
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F32:
		return "f32"
	case F64:
		return "f64"
	}
	return fmt.Sprintf("type %#x", byte(t))
}

// MarshalText implements [encoding.TextMarshaler].
func (t ValueType) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// Signature is the type of a function.
type Signature struct {
	Params  []ValueType `json:"params,omitempty"`
	Results []ValueType `json:"results,omitempty"`
}

// checkCall returns why the function cannot be called with that many raw arguments.
func (s Signature) checkCall(nArgs int) error {
	for _, types := range [][]ValueType{s.Params, s.Results} {
		for _, t := range types {
			if !t.IsNumeric() {
				return fmt.Errorf("%w: its signature has types that are not numbers", linmem.ErrUnsupported)
			}
		}
	}
	if nArgs != len(s.Params) {
		return fmt.Errorf("%w: it takes %d arguments, not %d", linmem.ErrInvalid, len(s.Params), nArgs)
	}
	return nil
}

// GoArgs converts raw arguments to the Go values (int32, int64, float32, float64) by which wasmtime-go and wasmer-go know
// them. It is for those who implement [Instance].
func (s Signature) GoArgs(raw []uint64) []any {
	values := make([]any, len(raw))
	for i, t := range s.Params {
		switch t {
		case I32:
			values[i] = int32(raw[i])
		case I64:
			values[i] = int64(raw[i])
		case F32:
			values[i] = math.Float32frombits(uint32(raw[i]))
		case F64:
			values[i] = math.Float64frombits(raw[i])
		}
	}
	return values
}

// Raw converts a Go value as in [Signature.GoArgs] back. It panics for any other type: the signature was not checked.
func Raw(value any) uint64 {
	switch value := value.(type) {
	case int32:
		return uint64(uint32(value))
	case int64:
		return uint64(value)
	case float32:
		return uint64(math.Float32bits(value))
	case float64:
		return math.Float64bits(value)
	}
	panic(fmt.Sprintf("guest: a %T among numbers", value))
}
