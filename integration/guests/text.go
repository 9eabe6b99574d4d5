package guests

import _ "embed"

// Text is a guest in the text format. wasmtime assembles it: the test package of the matrix on wasmtime holds each binary to
// what its text is assembled to, and writes it with -update.
type Text struct {
	Name   string
	Source string // src/wat/NAME.wat
	Wasm   []byte // wasm/NAME.wasm
}

// Texts are all of them.
func Texts() []Text {
	return []Text{
		{"bytes64", bytes64Text, Bytes64},
		{"large64", large64Text, Large64},
		{"several", severalText, Several},
		{"shared", sharedText, Shared},
	}
}

// Bytes64 is [Bytes] with a 64-bit memory: addresses and lengths are i64.
//
//go:embed wasm/bytes64.wasm
var Bytes64 []byte

// Large64 has a 64-bit memory of one page, which may grow to 64 GiB. It exports
//
//	load(ptr i64) -> i64     8 bytes
//	store(ptr i64, b i64)    a byte
//	grow(delta i64) -> i64   memory.grow
//
//go:embed wasm/large64.wasm
var Large64 []byte

// Several has two memories: "memory", of 1 to 16 pages, is the guest's, and "host", of 0 to 256 pages, is for the host. It
// exports
//
//	fetch(to, from, len i32)       copies from the host's memory to the guest's
//	sum(ptr, len i32) -> i32       of bytes in the guest's memory
//	grow(delta i32) -> i32         memory.grow of the guest's memory
//	grow_host(delta i32) -> i32    of the host's
//
//go:embed wasm/several.wasm
var Several []byte

// Shared has a shared memory of 1 to 256 pages. It exports
//
//	wait(stop, n i32) -> i32  looks at the word at stop until it is not 0, n times at most, and returns what it was at last
//	add(ptr, b i32) -> i32    adds to the word at ptr, atomically, and returns what was there
//	grow(delta i32) -> i32    memory.grow
//
//go:embed wasm/shared.wasm
var Shared []byte

var (
	//go:embed src/wat/bytes64.wat
	bytes64Text string
	//go:embed src/wat/large64.wat
	large64Text string
	//go:embed src/wat/several.wat
	severalText string
	//go:embed src/wat/shared.wat
	sharedText string
)
