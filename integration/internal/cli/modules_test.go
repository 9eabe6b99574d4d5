package cli_test

import (
	"encoding/binary"
	"strings"
)

// Modules by hand, for what no guest of package guests has.

// sized returns bytes behind their number in LEB128.
func sized(content string) string {
	return string(binary.AppendUvarint(nil, uint64(len(content)))) + content
}

func section(id byte, content ...string) string {
	return string(rune(id)) + sized(strings.Join(content, ""))
}

func wasm(sections ...string) []byte { return []byte(core + strings.Join(sections, "")) }

var (
	// (module (func) (export "_initialize" (func 0)) (export "_start" (func 0)) (start 0))
	starting = wasm(section(1, "\x01\x60\x00\x00"), section(3, "\x01\x00"),
		section(7, "\x02", "\x0b_initialize\x00\x00", "\x06_start\x00\x00"), section(8, "\x00"), section(10, "\x01\x02\x00\x0b"))

	// (module (import "env" "malloc" (func (param i32) (result i32))) (import "env" "free" (func (param i32))))
	serving = wasm(section(1, "\x02", "\x60\x01\x7f\x01\x7f", "\x60\x01\x7f\x00"),
		section(2, "\x02", "\x03env\x06malloc\x00\x00", "\x03env\x04free\x00\x01"))

	// (module (import "env" "m" (memory 2 4 shared)) (memory i64 1))
	manyMemories = wasm(section(2, "\x01", "\x03env\x01m\x02\x03\x02\x04"), section(5, "\x01\x04\x01"))

	// importing imports a function that no engine has:
	//
	//	(module (import "env" "f" (func)) (memory (export "memory") 1)
	//	  (func (export "g") (param i32 i32)) (func (export "malloc") (param i32) (result i32) i32.const 8))
	importing = wasm(section(1, "\x03", "\x60\x00\x00", "\x60\x02\x7f\x7f\x00", "\x60\x01\x7f\x01\x7f"),
		section(2, "\x01", "\x03env\x01f\x00\x00"), section(3, "\x02\x01\x02"), section(5, "\x01\x00\x01"),
		section(7, "\x03", "\x06memory\x02\x00", "\x01g\x00\x01", "\x06malloc\x00\x02"),
		section(10, "\x02", "\x02\x00\x0b", "\x04\x00\x41\x08\x0b"))

	// growingBy1 grows its memory: (module (memory (export "memory") 1)
	//	  (func (export "f") (param i32 i32) i32.const 1 memory.grow drop))
	growingBy1 = wasm(section(1, "\x01\x60\x02\x7f\x7f\x00"), section(3, "\x01\x00"), section(5, "\x01\x00\x01"),
		section(7, "\x02", "\x06memory\x02\x00", "\x01f\x00\x00"), section(10, "\x01\x07\x00\x41\x01\x40\x00\x1a\x0b"))

	// trapping has an allocator that traps:
	//
	//	(module (memory (export "memory") 1) (func (export "malloc") (param i32) (result i32) unreachable))
	trapping = wasm(section(1, "\x01\x60\x01\x7f\x01\x7f"), section(3, "\x01\x00"), section(5, "\x01\x00\x01"),
		section(7, "\x02", "\x06memory\x02\x00", "\x06malloc\x00\x00"), section(10, "\x01\x03\x00\x00\x0b"))

	// memoryless exports a function, and no memory: (module (func (export "g") (param i32 i32)))
	memoryless = wasm(section(1, "\x01\x60\x02\x7f\x7f\x00"), section(3, "\x01\x00"), section(7, "\x01\x01g\x00\x00"),
		section(10, "\x01\x02\x00\x0b"))
)

// growing returns a module with a function that grows the memory n times, by 0 pages.
func growing(n int) []byte {
	body := "\x00" + strings.Repeat("\x41\x00\x40\x00\x1a", n) + "\x0b"
	return wasm(section(1, "\x01\x60\x00\x00"), section(3, "\x01\x00"), section(5, "\x01\x00\x01"), section(10, "\x01", sized(body)))
}
