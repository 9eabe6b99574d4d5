package wasm_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/linmem/linmem/core/internal/wasm"
	. "github.com/linmem/linmem/core/internal/wasm/wasmtest"
)

const (
	unknown = wasm.UseUnknown
	address = wasm.UseAddress
	status  = wasm.UseStatus
)

// Pieces of code. A growth leaves the result of a memory.grow on the stack.
var (
	growth      = Bytes(0x41, 1, 0x40, 0)
	toAddress   = Bytes(0x41, 16, 0x74)
	i32         = []byte{0x7f}
	push        = Bytes(0x41, 0)
	drop        = Bytes(0x1a)
	store       = Bytes(0x36, 2, 0)
	load        = Bytes(0x28, 2, 0)
	add         = Bytes(0x6a)
	unreachable = Bytes(0x00)
	end         = Bytes(0x0b)
	els         = Bytes(0x05)
	pageSize    = Bytes(0x41, S(65536))

	block, blockI32 = Bytes(0x02, 0x40), Bytes(0x02, 0x7f)
	loop            = Bytes(0x03, 0x40)
	iff, iffI32     = Bytes(0x04, 0x40), Bytes(0x04, 0x7f)
	keep            = Bytes(toAddress, 0x24, 0) // as an address, in global 0
)

func get(local int) []byte  { return Bytes(0x20, local) }
func set(local int) []byte  { return Bytes(0x21, local) }
func call(f int) []byte     { return Bytes(0x10, f) }
func tailCall(f int) []byte { return Bytes(0x12, f) }
func br(label int) []byte   { return Bytes(0x0c, label) }
func brIf(label int) []byte { return Bytes(0x0d, label) }

// guest returns a module with a memory, two globals and these functions.
func guest(memory []byte, funcs ...Func) []byte {
	mutable := Bytes(0x7f, 1, push, end)
	return Guest{Memories: [][]byte{memory}, Globals: [][]byte{mutable, mutable}, Funcs: funcs}.Binary()
}

func follow(t *testing.T, binary []byte) []wasm.Use {
	t.Helper()
	m, err := wasm.Parse(binary)
	if err != nil {
		t.Fatal(err)
	}
	return m.FollowGrowths()
}

// TestFlow is about growths in one function, which has two parameters and four locals, all i32, and returns nothing.
func TestFlow(t *testing.T) {
	for _, tt := range []struct {
		name string
		code []byte
		want []wasm.Use
	}{
		{"stored as an address", Bytes(push, growth, toAddress, store), []wasm.Use{address}},
		{"stored through", Bytes(growth, toAddress, push, store), []wasm.Use{unknown}},
		{"loaded through", Bytes(growth, toAddress, load, drop), []wasm.Use{unknown}},
		{"kept in a global", Bytes(growth, keep), []wasm.Use{address}},
		{"passed to a call", Bytes(growth, toAddress, push, call(0)), []wasm.Use{unknown}},
		{"passed to an indirect call", Bytes(growth, toAddress, push, push, 0x11, 0, 0), []wasm.Use{unknown}},
		{"filled", Bytes(growth, toAddress, push, push, 0xfc, 11, 0), []wasm.Use{unknown}},
		{"copied to", Bytes(growth, toAddress, push, push, 0xfc, 10, 0, 0), []wasm.Use{unknown}},
		{"copied from", Bytes(push, growth, toAddress, push, 0xfc, 10, 0, 0), []wasm.Use{unknown}},
		{"length of a copy", Bytes(push, push, growth, toAddress, 0xfc, 10, 0, 0), []wasm.Use{unknown}},
		{"multiplied", Bytes(growth, pageSize, 0x6c, 0x24, 0), []wasm.Use{address}},
		{"multiplied from the left", Bytes(pageSize, growth, 0x6c, 0x24, 0), []wasm.Use{address}},
		{"multiplied by something else", Bytes(growth, 0x41, 16, 0x6c, 0x24, 0), []wasm.Use{unknown}},
		{"shifted by something else", Bytes(growth, 0x41, 12, 0x74, 0x24, 0), []wasm.Use{unknown}},
		{"shifted by a local", Bytes(0x41, 16, set(2), growth, get(2), 0x74, 0x24, 0), []wasm.Use{unknown}},
		{"what is shifted by", Bytes(0x41, 16, growth, 0x74, 0x24, 0), []wasm.Use{unknown}},
		{"where the memory ends", Bytes(growth, push, add, keep), []wasm.Use{unknown}},
		{"where it begins and ends", Bytes(growth, 0x22, 2, push, add, keep, get(2), keep), []wasm.Use{address}},
		{"calculated with behind the shift", Bytes(growth, toAddress, push, 0x6b, push, 0x71, push, 0x72, 0x24, 0), []wasm.Use{unknown}},
		{"end kept that the compiler calculates behind the shift", Bytes(growth, toAddress, pageSize, add, 0x24, 0), []wasm.Use{unknown}},
		{"end stored", Bytes(push, growth, toAddress, pageSize, add, store), []wasm.Use{unknown}},
		{"end passed to a call", Bytes(growth, toAddress, push, add, push, call(0)), []wasm.Use{unknown}},
		{"start and end kept", Bytes(growth, toAddress, 0x22, 2, 0x24, 0, get(2), push, add, 0x24, 0), []wasm.Use{address}},
		{"stored through behind the start", Bytes(growth, toAddress, push, add, push, store), []wasm.Use{unknown}},
		{
			"filled and its end kept", Bytes(growth, toAddress, 0x22, 2, push, push, 0xfc, 11, 0, get(2), pageSize, add, 0x24, 0),
			[]wasm.Use{unknown},
		},
		{"through 64 bits", Bytes(growth, 0xad, 0x42, 16, 0x86, 0xa7, 0x24, 0), []wasm.Use{address}},
		{"negated bits", Bytes(growth, toAddress, push, 0x73, 0x24, 0), []wasm.Use{unknown}},
		{"calculated with and kept", Bytes(growth, toAddress, 0x22, 2, push, 0x73, drop, get(2), 0x24, 0), []wasm.Use{address}},

		{"dropped", Bytes(growth, drop), []wasm.Use{status}},
		{"compared", Bytes(growth, 0x41, 0x7f, 0x46, brIf(0)), []wasm.Use{status}},
		{"condition of a branch", Bytes(growth, brIf(0)), []wasm.Use{status}},
		{"condition of an if", Bytes(growth, iff, end), []wasm.Use{status}},
		{"condition of a select", Bytes(push, push, growth, 0x1b, 0x24, 0), []wasm.Use{status}},
		{"index of a branch", Bytes(growth, 0x0e, 1, 0, 0), []wasm.Use{status}},
		{"address compared only", Bytes(growth, toAddress, push, 0x46, drop), []wasm.Use{status}},
		{"kept in a local only", Bytes(growth, set(2)), []wasm.Use{status}},

		{"stored raw", Bytes(push, growth, store), []wasm.Use{unknown}},
		{"accessed through raw", Bytes(growth, load, drop), []wasm.Use{unknown}},
		{"global raw", Bytes(growth, 0x24, 0), []wasm.Use{unknown}},
		{"passed raw", Bytes(growth, push, call(0)), []wasm.Use{unknown}},
		{"passed raw to a tail call", Bytes(growth, push, tailCall(0)), []wasm.Use{unknown}},
		{"thrown raw", Bytes(growth, 0x08, 0), []wasm.Use{unknown}},
		{"stored raw and as an address", Bytes(growth, 0x22, 2, 0x24, 0, get(2), keep), []wasm.Use{unknown}},
		{"grown by", Bytes(growth, 0x40, 0, drop), []wasm.Use{unknown, status}},

		{"local used again", Bytes(growth, set(2), push, set(2), get(2), keep), []wasm.Use{status}},
		{"local used before", Bytes(get(2), drop, push, set(2), growth, set(2), get(2), keep), []wasm.Use{address}},
		{"two growths in one local", Bytes(growth, set(2), get(2), drop, growth, set(2), get(2), keep), []wasm.Use{status, address}},
		{"three locals at once", Bytes(growth, 0x22, 4, 0x22, 2, set(3), push, set(2), get(3), keep), []wasm.Use{address}},
		{"tee", Bytes(growth, 0x22, 2, 0x41, 0x7f, 0x46, brIf(0), get(2), keep), []wasm.Use{address}},

		{"result of a block", Bytes(blockI32, growth, end, keep), []wasm.Use{address}},
		{"carried by a branch", Bytes(blockI32, growth, br(0), end, keep), []wasm.Use{address}},
		{"carried by two branches", Bytes(blockI32, push, growth, brIf(0), end, drop), []wasm.Use{status}},
		{"carried past a block", Bytes(blockI32, block, growth, br(1), end, push, end, keep), []wasm.Use{address}},
		{"carried by a table", Bytes(blockI32, blockI32, growth, push, 0x0e, 1, 0, 1, end, drop, push, end, keep), []wasm.Use{address}},
		{"left by a branch", Bytes(blockI32, growth, push, brIf(0), keep, push, end, drop), []wasm.Use{address}},
		{"result of an if", Bytes(push, iffI32, growth, els, push, end, keep), []wasm.Use{address}},
		{"results of both parts", Bytes(push, iffI32, growth, els, growth, end, keep), []wasm.Use{address, address}},
		{"parameter of an if without else", Bytes(growth, push, 0x04, U(9), end, keep), []wasm.Use{address}},
		{"if that sets a local", Bytes(push, iff, growth, set(2), end, get(2), keep), []wasm.Use{address}},
		{"else that sets a local", Bytes(push, iff, els, growth, set(2), end, get(2), keep), []wasm.Use{address}},
		{"a local in each part", Bytes(push, iff, growth, set(2), els, growth, set(3), end, get(2), keep, get(3), keep), []wasm.Use{address, address}},
		{"a local in each part, backwards", Bytes(push, iff, growth, set(3), els, growth, set(2), end, get(2), keep, get(3), keep), []wasm.Use{address, address}},
		{"local of the first part in the second", Bytes(push, iff, growth, set(2), els, get(2), keep, end), []wasm.Use{status}},
		{"address on one way only", Bytes(growth, set(2), push, iff, get(2), keep, end), []wasm.Use{address}},
		{"same constant on both ways", Bytes(growth, push, iffI32, 0x41, 16, els, 0x41, 16, end, 0x74, 0x24, 0), []wasm.Use{address}},
		{"two constants", Bytes(growth, push, iffI32, 0x41, 16, els, 0x41, 17, end, 0x74, 0x24, 0), []wasm.Use{unknown}},
		{"selected", Bytes(growth, push, push, 0x1b, keep), []wasm.Use{address}},
		{"selected with types", Bytes(push, growth, push, 0x1c, 1, 0x7f, keep), []wasm.Use{address}},

		{"carried by a loop", Bytes(loop, get(2), keep, growth, set(2), push, brIf(0), end), []wasm.Use{address}},
		{"loop that is left", Bytes(loop, get(2), keep, growth, set(2), end), []wasm.Use{status}},
		{"carried by four rounds", Bytes(loop, get(5), keep, get(4), set(5), get(3), set(4), get(2), set(3), growth, set(2), push, brIf(0), end), []wasm.Use{address}},
		{"carried by an outer loop", Bytes(loop, loop, get(2), keep, push, brIf(0), end, growth, set(2), br(0), end), []wasm.Use{address}},
		{"parameter of a loop", Bytes(growth, 0x03, U(9), keep, push, push, brIf(0), end, drop), []wasm.Use{address}},

		{"behind what cannot be reached", Bytes(growth, set(2), unreachable, get(2), keep), []wasm.Use{status}},
		{"growth that cannot be reached", Bytes(unreachable, growth, keep), []wasm.Use{unknown}},
		{"blocks that cannot be reached", Bytes(unreachable, block, push, iff, growth, drop, els, loop, end, end, end), []wasm.Use{unknown}},
		{"behind a block that is left", Bytes(growth, set(2), block, br(0), drop, drop, end, get(2), keep), []wasm.Use{address}},
		{"behind a block that does not end", Bytes(growth, set(2), block, unreachable, end, get(2), keep), []wasm.Use{status}},
		{"behind an if that ends in one part", Bytes(growth, set(2), push, iff, 0x0f, end, get(2), keep), []wasm.Use{address}},

		{"try", Bytes(0x06, 0x40, growth, keep, 0x19, end), []wasm.Use{unknown}},
		{"try_table", Bytes(0x1f, 0x40, 0, growth, keep, end), []wasm.Use{unknown}},
		{"garbage collection", Bytes(growth, keep, 0xfb, 0, 0, drop), []wasm.Use{unknown}},
		{"too few operands", Bytes(growth, keep, drop), []wasm.Use{unknown}},
		{"too few arguments", Bytes(growth, keep, push, call(0)), []wasm.Use{unknown}},
		{"too few parameters of a block", Bytes(growth, keep, 0x02, U(9), drop, push, end, drop), []wasm.Use{unknown}},
		{"too few results of a branch", Bytes(growth, keep, blockI32, br(0), end, drop), []wasm.Use{unknown}},
		{"operands of an outer block", Bytes(growth, block, keep, end), []wasm.Use{unknown}},
		{"operands too many", Bytes(growth, keep, block, push, end), []wasm.Use{unknown}},
		{"no such label", Bytes(growth, keep, br(7)), []wasm.Use{unknown}},
		{"no such function", Bytes(growth, keep, call(9)), []wasm.Use{unknown}},
		{"no such type", Bytes(growth, keep, 0x02, 0xc8, 0x01, end), []wasm.Use{unknown}},
	} {
		i32s := []byte{0x7f, 0x7f}
		f := Func{Params: i32s, Locals: []byte{0x7f, 0x7f, 0x7f, 0x7f}, Code: tt.code}
		nothing := Func{Params: i32s}
		binary := guest([]byte{0, 1}, nothing, f, nothing, nothing, nothing, nothing, nothing, nothing, nothing)
		// Type 9 is from i32 to i32, which no function has.
		binary = bytes.Replace(binary, Bytes(Types, Sized(9, bytes.Repeat(Bytes(0x60, 2, 0x7f, 0x7f, 0), 9))),
			Bytes(Types, Sized(10, bytes.Repeat(Bytes(0x60, 2, 0x7f, 0x7f, 0), 9), 0x60, 1, 0x7f, 1, 0x7f)), 1)
		if got := follow(t, binary); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestFlowOfMemory64(t *testing.T) {
	f := Func{Code: Bytes(0x42, 0, 0x42, 1, 0x40, 0, 0x42, 16, 0x86, 0x37, 3, 0)}
	if got := follow(t, guest([]byte{4, 1}, f)); !slices.Equal(got, []wasm.Use{address}) {
		t.Errorf("%v", got)
	}
}

// TestWrappers is about functions that return growths.
func TestWrappers(t *testing.T) {
	wrapper := Func{Results: i32, Code: growth}
	asAddress := func(f int) Func { return Func{Code: Bytes(call(f), keep)} }
	asStatus := func(f int) Func { return Func{Code: Bytes(call(f), drop)} }
	returned := func(f int) Func { return Func{Results: i32, Code: call(f)} }
	exported := Func{Results: i32, Export: "f", Code: growth}
	for _, tt := range []struct {
		name  string
		funcs []Func
		want  []wasm.Use
	}{
		{"address returned", []Func{{Results: i32, Code: Bytes(growth, toAddress)}}, []wasm.Use{address}},
		{"address returned early", []Func{{Results: i32, Code: Bytes(growth, toAddress, 0x0f)}}, []wasm.Use{address}},
		{"address returned by a branch", []Func{{Results: i32, Code: Bytes(block, growth, toAddress, br(1), end, push)}}, []wasm.Use{address}},
		{"not called", []Func{wrapper}, []wasm.Use{unknown}},
		{"exported", []Func{exported, asAddress(0)}, []wasm.Use{unknown}},
		{"called for an address", []Func{wrapper, asAddress(0)}, []wasm.Use{address}},
		{"called before it is defined", []Func{asAddress(1), wrapper}, []wasm.Use{address}},
		{"called for its status", []Func{wrapper, asStatus(0), asStatus(0)}, []wasm.Use{status}},
		{"called for both", []Func{wrapper, asAddress(0), asStatus(0)}, []wasm.Use{unknown}},
		{"stored by a caller", []Func{wrapper, asAddress(0), {Code: Bytes(call(0), 0x24, 0)}}, []wasm.Use{unknown}},
		{"called where it cannot be reached", []Func{wrapper, {Code: Bytes(unreachable, call(0), keep)}}, []wasm.Use{unknown}},
		{"called in a try", []Func{wrapper, {Code: Bytes(0x06, 0x40, call(0), keep, 0x19, end)}}, []wasm.Use{unknown}},
		{"compared and returned", []Func{{Results: i32, Locals: i32, Code: Bytes(growth, 0x22, 0, 0x41, 0x7f, 0x46, 0x04, 0x40, unreachable, end, get(0))}, asAddress(0)}, []wasm.Use{address}},
		{"two growths returned", []Func{{Results: i32, Code: Bytes(push, iffI32, growth, els, growth, end)}, asAddress(0)}, []wasm.Use{address, address}},
		{"stored and returned", []Func{{Results: i32, Locals: i32, Code: Bytes(growth, 0x22, 0, 0x24, 0, get(0))}, asAddress(0)}, []wasm.Use{unknown}},
		{"address and returned", []Func{{Results: i32, Locals: i32, Code: Bytes(growth, 0x22, 0, keep, get(0))}, asStatus(0)}, []wasm.Use{address}},
		{"caller with a growth of its own", []Func{wrapper, {Code: Bytes(growth, drop, call(0), keep)}}, []wasm.Use{address, status}},
		{"two deep", []Func{wrapper, returned(0), asAddress(1)}, []wasm.Use{address}},
		{"two deep, exported", []Func{wrapper, {Results: i32, Export: "f", Code: call(0)}, asAddress(1)}, []wasm.Use{unknown}},
		{"two deep by a tail call", []Func{wrapper, {Results: i32, Code: tailCall(0)}, asAddress(1)}, []wasm.Use{address}},
		{"two deep and called in between", []Func{wrapper, returned(0), asAddress(1), asStatus(0)}, []wasm.Use{unknown}},
		{"three deep, backwards", []Func{asAddress(1), returned(2), returned(3), wrapper}, []wasm.Use{address}},
		{"deeper than is followed", []Func{wrapper, returned(0), returned(1), returned(2), returned(3), asAddress(4)}, []wasm.Use{unknown}},
		{"in a circle", []Func{{Results: i32, Code: Bytes(push, iffI32, growth, els, call(1), end)}, returned(0), asAddress(0)}, []wasm.Use{unknown}},
		{"one of two results", []Func{{Results: []byte{0x7f, 0x7f}, Code: Bytes(push, growth)}, {Code: Bytes(call(0), keep, drop)}}, []wasm.Use{unknown}},
	} {
		if got := follow(t, guest([]byte{0, 1}, tt.funcs...)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestReferenced is about a wrapper that something else than direct calls may call.
func TestReferenced(t *testing.T) {
	funcs := []Func{{Results: i32, Code: growth}, {Code: Bytes(call(0), keep)}}
	for _, tt := range []struct {
		name string
		g    Guest
		want wasm.Use
	}{
		{"no", Guest{}, address},
		{"by an element", Guest{Elements: Section(Elements, 1, 0, push, end, 1, 0)}, unknown},
		{"by an element's expression", Guest{Elements: Section(Elements, 1, 5, 0x70, 1, 0xd2, 0, end)}, unknown},
		{"by a global", Guest{Globals: [][]byte{Bytes(0x70, 0, 0xd2, 0, end)}}, unknown},
		{"by a second export", Guest{Exports: [][]byte{Bytes(Sized("f"), 0, 0)}}, unknown},
	} {
		tt.g.Funcs, tt.g.Memories = funcs, [][]byte{{0, 1}}
		tt.g.Globals = append([][]byte{Bytes(0x7f, 1, push, end)}, tt.g.Globals...)
		if got := follow(t, tt.g.Binary()); !slices.Equal(got, []wasm.Use{tt.want}) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestStackEffects has a growth below the operands of an instruction, which becomes an address only if what the instruction
// pops and pushes is known.
func TestStackEffects(t *testing.T) {
	for _, tt := range []struct {
		name        string
		instruction []byte
		pop, push   int
	}{
		{"nop", Bytes(0x01), 0, 0},
		{"global.get", Bytes(0x23, 0), 0, 1},
		{"table.get", Bytes(0x25, 0), 1, 1},
		{"table.set", Bytes(0x26, 0), 2, 0},
		{"i64.load32_u", Bytes(0x35, 2, 0), 1, 1},
		{"i64.store32", Bytes(0x3e, 2, 0), 2, 0},
		{"memory.size", Bytes(0x3f, 0), 0, 1},
		{"f64.const", Bytes(0x44, 0, 0, 0, 0, 0, 0, 0, 0), 0, 1},
		{"i32.eqz", Bytes(0x45), 1, 1},
		{"i32.eq", Bytes(0x46), 2, 1},
		{"i64.eqz", Bytes(0x50), 1, 1},
		{"f64.ge", Bytes(0x66), 2, 1},
		{"i32.popcnt", Bytes(0x69), 1, 1},
		{"i32.rotr", Bytes(0x78), 2, 1},
		{"i64.clz", Bytes(0x79), 1, 1},
		{"i64.rotr", Bytes(0x8a), 2, 1},
		{"f32.sqrt", Bytes(0x91), 1, 1},
		{"f32.copysign", Bytes(0x98), 2, 1},
		{"f64.abs", Bytes(0x99), 1, 1},
		{"f64.add", Bytes(0xa0), 2, 1},
		{"i32.extend8_s", Bytes(0xc0), 1, 1},
		{"ref.null", Bytes(0xd0, 0x70), 0, 1},
		{"ref.is_null", Bytes(0xd1), 1, 1},
		{"ref.func", Bytes(0xd2, 0), 0, 1},
		{"ref.eq", Bytes(0xd3), 2, 1},
		{"call", call(1), 2, 3},
		{"call_indirect", Bytes(0x11, 1, 0), 3, 3},
		{"call_ref", Bytes(0x14, 1), 3, 3},
		{"i64.trunc_sat_f64_u", Bytes(0xfc, 7), 1, 1},
		{"memory.init", Bytes(0xfc, 8, 0, 0), 3, 0},
		{"data.drop", Bytes(0xfc, 9, 0), 0, 0},
		{"table.init", Bytes(0xfc, 12, 0, 0), 3, 0},
		{"table.grow", Bytes(0xfc, 15, 0), 2, 1},
		{"table.size", Bytes(0xfc, 16, 0), 0, 1},
		{"table.fill", Bytes(0xfc, 17, 0), 3, 0},
		{"i64.add128", Bytes(0xfc, 19), 4, 2},
		{"i64.mul_wide_u", Bytes(0xfc, 22), 2, 2},
		{"v128.load64_splat", Bytes(0xfd, 10, 3, 0), 1, 1},
		{"v128.store", Bytes(0xfd, 11, 4, 0), 2, 0},
		{"v128.const", Bytes(0xfd, 12, "0123456789abcdef"), 0, 1},
		{"i8x16.shuffle", Bytes(0xfd, 13, "0123456789abcdef"), 2, 1},
		{"f64x2.splat", Bytes(0xfd, 20), 1, 1},
		{"i8x16.extract_lane_u", Bytes(0xfd, 22, 0), 1, 1},
		{"i8x16.replace_lane", Bytes(0xfd, 23, 0), 2, 1},
		{"f64x2.replace_lane", Bytes(0xfd, 34, 0), 2, 1},
		{"v128.not", Bytes(0xfd, 0x4d), 1, 1},
		{"v128.bitselect", Bytes(0xfd, 0x52), 3, 1},
		{"v128.any_true", Bytes(0xfd, 0x53), 1, 1},
		{"v128.load8_lane", Bytes(0xfd, 0x54, 0, 0, 0), 2, 1},
		{"v128.store64_lane", Bytes(0xfd, 0x5b, 0, 0, 0), 2, 0},
		{"i8x16.shl", Bytes(0xfd, 0x6b), 2, 1},
		{"i16x8.abs", Bytes(0xfd, 0x80, 1), 1, 1},
		{"i64x2.extmul_high_i32x4_u", Bytes(0xfd, 0xdf, 1), 2, 1},
		{"f64x2.convert_low_i32x4_u", Bytes(0xfd, 0xff, 1), 1, 1},
		{"f32x4.relaxed_madd", Bytes(0xfd, 0x85, 2), 3, 1},
		{"i32x4.relaxed_dot_add", Bytes(0xfd, 0x93, 2), 3, 1},
		{"memory.atomic.notify", Bytes(0xfe, 0, 2, 0), 2, 1},
		{"memory.atomic.wait64", Bytes(0xfe, 2, 3, 0), 3, 1},
		{"atomic.fence", Bytes(0xfe, 3, 0), 0, 0},
		{"i32.atomic.load", Bytes(0xfe, 0x10, 2, 0), 1, 1},
		{"i64.atomic.store32", Bytes(0xfe, 0x1d, 2, 0), 2, 0},
		{"i64.atomic.rmw32.xchg_u", Bytes(0xfe, 0x47, 2, 0), 2, 1},
		{"i32.atomic.rmw.cmpxchg", Bytes(0xfe, 0x48, 2, 0), 3, 1},
	} {
		code := Bytes(growth, bytes.Repeat(push, tt.pop), tt.instruction, bytes.Repeat(drop, tt.push), keep)
		many := Func{Params: []byte{0x7f, 0x7f}, Results: []byte{0x7f, 0x7f, 0x7f}, Code: unreachable}
		if got := follow(t, guest([]byte{0, 1}, Func{Code: code}, many)); !slices.Equal(got, []wasm.Use{address}) {
			t.Errorf("%s does not pop %d and push %d: %v", tt.name, tt.pop, tt.push, got)
		}
	}
}

// TestManyGrowths has more growths in a function than are told apart.
func TestManyGrowths(t *testing.T) {
	const followed = 64
	got := follow(t, guest([]byte{0, 1}, Func{Code: bytes.Repeat(Bytes(growth, keep), followed+2)}))
	for i, use := range got {
		if want := map[bool]wasm.Use{true: address, false: unknown}[i < followed]; use != want {
			t.Errorf("growth %d: %v, want %v", i, use, want)
		}
	}
	if len(got) != followed+2 {
		t.Errorf("%d growths", len(got))
	}
}

// TestHostile is about code that would take long if there was no bound: it ends, and decides nothing.
func TestHostile(t *testing.T) {
	const n = 20_000
	tagged := Bytes()
	for i := range 100 {
		tagged = Bytes(tagged, growth, set(i))
	}
	for _, tt := range []struct {
		name string
		code []byte
	}{
		{"many locals at many joins", Bytes(tagged, bytes.Repeat(Bytes(block, push, brIf(0), end), n))},
		{"nested loops", Bytes(tagged, bytes.Repeat(loop, n), bytes.Repeat(Bytes(push, brIf(100), end), n))},
		{"a table of branches", Bytes(tagged, block, push, 0x0e, U(n), bytes.Repeat([]byte{0}, n+1), end)},
		{"many results", bytes.Repeat(Bytes(growth, drop, call(1)), n)},
	} {
		many := Func{Results: bytes.Repeat(i32, 1000), Code: unreachable}
		got := follow(t, guest([]byte{0, 1}, Func{Locals: bytes.Repeat(i32, 100), Code: tt.code}, many))
		if slices.ContainsFunc(got, func(u wasm.Use) bool { return u != unknown }) {
			t.Errorf("%s: decided", tt.name)
		}
	}
}
