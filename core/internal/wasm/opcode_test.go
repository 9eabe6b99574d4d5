package wasm_test

import (
	"errors"
	"testing"

	"github.com/linmem/linmem/core/internal/wasm"
	. "github.com/linmem/linmem/core/internal/wasm/wasmtest"
)

// Immediates of instructions. What is left of one that is read too short is no instruction, as 0xff is none and a byte of
// less opens a block that nobody ends; one that is read too long takes the memory.grow behind it.
var (
	idx   = []byte{0xff, 0x7f}
	mem   = Bytes(2, idx)
	lane  = []byte{0xff}
	heap  = []byte{0xee, 0x7f} // any, in two bytes
	empty = []byte{}
)

// instructions are all that there are, by the standard and the proposals, but for those that need others around them.
//
// See https://webassembly.github.io/spec/core/appendix/index-instructions.html
var instructions = []struct {
	prefix   int // 0 for none
	from, to int
	suffix   []byte
}{
	{0, 0x00, 0x01, empty},                                     // unreachable, nop
	{0, 0x08, 0x09, idx},                                       // throw, rethrow
	{0, 0x0a, 0x0a, empty},                                     // throw_ref
	{0, 0x0c, 0x0d, idx},                                       // br, br_if
	{0, 0x0e, 0x0e, Bytes(3, idx, idx, idx, idx)},              // br_table
	{0, 0x0f, 0x0f, empty},                                     // return
	{0, 0x10, 0x10, idx},                                       // call
	{0, 0x11, 0x11, Bytes(idx, idx)},                           // call_indirect
	{0, 0x12, 0x12, idx},                                       // return_call
	{0, 0x13, 0x13, Bytes(idx, idx)},                           // return_call_indirect
	{0, 0x14, 0x15, idx},                                       // call_ref, return_call_ref
	{0, 0x1a, 0x1b, empty},                                     // drop, select
	{0, 0x1c, 0x1c, Bytes(2, 0x7f, 0x63, heap)},                // select of types
	{0, 0x20, 0x26, idx},                                       // locals, globals, tables
	{0, 0x28, 0x3e, mem},                                       // loads and stores
	{0, 0x3f, 0x40, []byte{0x80, 0x00}},                        // memory.size, memory.grow
	{0, 0x41, 0x42, idx},                                       // i32.const, i64.const
	{0, 0x43, 0x43, Bytes("\xff\xff\xff\xff")},                 // f32.const
	{0, 0x44, 0x44, Bytes("\xff\xff\xff\xff\xff\xff\xff\xff")}, // f64.const
	{0, 0x45, 0xc4, empty},                                     // numeric
	{0, 0xd0, 0xd0, heap},                                      // ref.null
	{0, 0xd1, 0xd1, empty},                                     // ref.is_null
	{0, 0xd2, 0xd2, idx},                                       // ref.func
	{0, 0xd3, 0xd4, empty},                                     // ref.eq, ref.as_non_null
	{0, 0xd5, 0xd6, idx},                                       // br_on_null, br_on_non_null
	{0, 0xe0, 0xe0, idx},                                       // cont.new
	{0, 0xe1, 0xe1, Bytes(idx, idx)},                           // cont.bind
	{0, 0xe2, 0xe2, idx},                                       // suspend
	{0, 0xe3, 0xe3, Bytes(idx, 2, 0, idx, idx, 1, idx)},        // resume
	{0, 0xe4, 0xe4, Bytes(idx, idx, 2, 1, idx, 0, idx, idx)},   // resume_throw
	{0, 0xe6, 0xe6, Bytes(idx, idx)},                           // switch
	{0xfb, 0, 1, idx},                                          // struct.new, struct.new_default
	{0xfb, 2, 5, Bytes(idx, idx)},                              // struct.get, struct.set
	{0xfb, 6, 7, idx},                                          // array.new, array.new_default
	{0xfb, 8, 10, Bytes(idx, idx)},                             // array.new_fixed, new_data, new_elem
	{0xfb, 11, 14, idx},                                        // array.get, array.set
	{0xfb, 15, 15, empty},                                      // array.len
	{0xfb, 16, 16, idx},                                        // array.fill
	{0xfb, 17, 19, Bytes(idx, idx)},                            // array.copy, init_data, init_elem
	{0xfb, 20, 23, heap},                                       // ref.test, ref.cast
	{0xfb, 24, 25, Bytes(0xff, idx, heap, heap)},               // br_on_cast, br_on_cast_fail
	{0xfb, 26, 30, empty},                                      // extern and any, i31
	{0xfc, 0, 7, empty},                                        // trunc_sat
	{0xfc, 8, 8, Bytes(idx, idx)},                              // memory.init
	{0xfc, 9, 9, idx},                                          // data.drop
	{0xfc, 10, 10, Bytes(idx, idx)},                            // memory.copy
	{0xfc, 11, 11, idx},                                        // memory.fill
	{0xfc, 12, 12, Bytes(idx, idx)},                            // table.init
	{0xfc, 13, 13, idx},                                        // elem.drop
	{0xfc, 14, 14, Bytes(idx, idx)},                            // table.copy
	{0xfc, 15, 17, idx},                                        // table.grow, size, fill
	{0xfc, 19, 22, empty},                                      // wide arithmetic
	{0xfd, 0, 11, mem},                                         // v128.load, v128.store
	{0xfd, 12, 13, Bytes("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")}, // v128.const, shuffle
	{0xfd, 14, 20, empty},            // swizzle, splat
	{0xfd, 21, 34, lane},             // extract_lane, replace_lane
	{0xfd, 35, 83, empty},            // comparisons, bits
	{0xfd, 84, 91, Bytes(mem, lane)}, // load_lane, store_lane
	{0xfd, 92, 93, mem},              // load_zero
	{0xfd, 94, 0x99, empty},
	{0xfd, 0x9b, 0xa1, empty},
	{0xfd, 0xa3, 0xa4, empty},
	{0xfd, 0xa7, 0xae, empty},
	{0xfd, 0xb1, 0xb1, empty},
	{0xfd, 0xb5, 0xba, empty},
	{0xfd, 0xbc, 0xc1, empty},
	{0xfd, 0xc3, 0xc4, empty},
	{0xfd, 0xc7, 0xce, empty},
	{0xfd, 0xd1, 0xd1, empty},
	{0xfd, 0xd5, 0xe1, empty},
	{0xfd, 0xe3, 0xed, empty},
	{0xfd, 0xef, 0xff, empty},
	{0xfd, 0x100, 0x113, empty}, // relaxed
	{0xfe, 0, 2, mem},           // notify, wait
	{0xfe, 3, 3, []byte{0}},     // fence
	{0xfe, 0x10, 0x4e, mem},     // atomic accesses
}

// parseCode returns a module with a memory and one function of that code, which has no end.
func parseCode(code ...any) (*wasm.Module, error) {
	return wasm.Parse(Guest{Memories: [][]byte{{0, 1}}, Funcs: []Func{{Code: Bytes(code...)}}}.Binary())
}

func encoding(prefix, n int) []byte {
	if prefix == 0 {
		return []byte{byte(n)}
	}
	return Bytes(prefix, U(uint64(n)))
}

func TestInstructions(t *testing.T) {
	const grow, nSub = 0x40, 0x400
	known := map[[2]int]bool{}
	for _, tt := range instructions {
		for n := tt.from; n <= tt.to; n++ {
			known[[2]int{tt.prefix, n}] = true
			want := 1
			if tt.prefix == 0 && n == grow {
				want++
			}
			m, err := parseCode(encoding(tt.prefix, n), tt.suffix, grow, 0)
			if err != nil || len(m.Grows) != want {
				t.Errorf("memory.grow behind % x % x: %v", encoding(tt.prefix, n), tt.suffix, err)
			}
		}
	}
	for _, n := range []int{2, 3, 4, 5, 6, 7, 0x0b, 0x18, 0x19, 0x1f} { // blocks: see TestBlocks
		known[[2]int{0, n}] = true
	}
	for _, prefix := range []int{0, 0xfb, 0xfc, 0xfd, 0xfe} {
		for n := range nSub {
			if known[[2]int{prefix, n}] || prefix == 0 && n >= 0xfb && n <= 0xfe || prefix == 0 && n > 0xff {
				continue
			}
			if _, err := parseCode(encoding(prefix, n), "\x00\x00\x00\x00", grow, 0); !isFormat(err) {
				t.Errorf("% x is taken for an instruction: %v", encoding(prefix, n), err)
			}
		}
	}
}

func isFormat(err error) bool {
	e := (*wasm.Error)(nil)
	return errors.As(err, &e)
}

func TestMemArgWithMemory(t *testing.T) {
	m, err := parseCode(0x28, 0x42, idx, idx, 0x40, 0)
	if err != nil || len(m.Grows) != 1 {
		t.Errorf("a load from memory 16383: %v", err)
	}
	if _, err := parseCode(0x28, 0x80, 0x01, idx, idx); !isFormat(err) {
		t.Errorf("alignment 128: %v", err)
	}
}

func TestBlocks(t *testing.T) {
	const (
		block, loop, iff, els, try, catch, end = 2, 3, 4, 5, 6, 7, 0x0b
		delegate, catchAll, tryTable           = 0x18, 0x19, 0x1f
		void                                   = 0x40
	)
	grow := []byte{0x40, 0}
	for _, tt := range []struct {
		name   string
		code   []byte
		nGrows int // or -1 if it is refused
	}{
		{"block", Bytes(block, void, grow, end, grow), 2},
		{"loop of a number", Bytes(loop, 0x7f, grow, end, grow), 2},
		{"block of a v128", Bytes(block, 0x7b, end, grow), 1},
		{"block of a reference", Bytes(block, 0x70, end, grow), 1},
		{"block of a typed reference", Bytes(block, 0x63, heap, end, grow), 1},
		{"block of a type", Bytes(block, idx[0], 0, end, grow), 1},
		{"block of no type", Bytes(block, 0x41, end, grow), -1},
		{"block of a negative number", Bytes(block, 0xff, 0x7f, end, grow), -1},
		{"if", Bytes(iff, void, grow, end, grow), 2},
		{"if and else", Bytes(iff, void, grow, els, grow, end, grow), 3},
		{"two elses", Bytes(iff, void, els, els, end), -1},
		{"else of a block", Bytes(block, void, els, end), -1},
		{"else of the function", Bytes(els), -1},
		{"try and catches", Bytes(try, void, grow, catch, idx, grow, catch, idx, catchAll, grow, end, grow), 4},
		{"catch behind the one for all", Bytes(try, void, catchAll, catch, idx, end), -1},
		{"catch of a block", Bytes(block, void, catch, idx, end), -1},
		{"else of a try", Bytes(try, void, els, end), -1},
		{"delegate", Bytes(try, void, grow, delegate, idx, grow), 2},
		{"delegate of a block", Bytes(block, void, delegate, idx, grow), -1},
		{"delegate behind a catch", Bytes(try, void, catchAll, delegate, idx), -1},
		{"delegate of the function", Bytes(delegate, idx), -1},
		{"try_table", Bytes(tryTable, void, 4, 0, idx, idx, 1, idx, idx, 2, idx, 3, idx, grow, end, grow), 2},
		{"try_table of no kind of clause", Bytes(tryTable, void, 1, 4, idx, end), -1},
		{"no end", Bytes(block, void), -1},
		{"an end too much", Bytes(block, void, end, end), -1},
		{"code behind the end", Bytes(end, grow), -1},
		{"memory.grow of a memory that is not there", Bytes(0x40, 1), -1},
		{"memory.size of a memory that is not there", Bytes(0x3f, 1), -1},
		{"memory.grow as an immediate", Bytes(0x41, 0xc0, 0x00, 0x44, "\x40\x00\x40\x00\x40\x00\x40\x00", grow), 1},
	} {
		m, err := parseCode(tt.code)
		switch {
		case err != nil:
			if tt.nGrows >= 0 || !isFormat(err) {
				t.Errorf("%s: %v", tt.name, err)
			}
		case len(m.Grows) != tt.nGrows:
			t.Errorf("%s: %d times memory.grow, want %d", tt.name, len(m.Grows), tt.nGrows)
		}
	}
}
