// Package guests holds the wasm guests of tests and commands. Their sources are in src/; build.sh builds them all.
package guests

import _ "embed"

// SHA256 exports sha256(ptr, len i32) -> i32, which returns the address of a digest of 32 bytes. It has no allocator and
// never grows its memory.
//
//go:embed wasm/sha256.wasm
var SHA256 []byte

// Bytes is the guest's side of the matrix; matrix/native has the same in Go. Its memory begins with [BytesPages] pages
// and ends at [BytesMaxPages]. It exports
//
//	fnv1a(ptr, len i32) -> i64  64-bit FNV-1a of the bytes
//	reverse(ptr, len i32)       reverses the bytes in place
//	grow(delta i32) -> i32      memory.grow
//	own() -> i32                the address of 4,096 bytes of the guest's own
//	trap(ptr, len i32)          traps
//
//go:embed wasm/bytes.wasm
var Bytes []byte

// ZigPageAllocator and ZigWasmAllocator are Zig's two allocators for WebAssembly, compiled by Zig 0.11.0; package zigref
// of core must do as they do. Their memories begin with 1 page and have no maximum. They export
//
//	alloc(len, log2_align i32) -> i32               an address, or 0 if there is none
//	resize(addr, len, log2_align, new_len i32) -> i32
//	free(addr, len, log2_align i32)
var (
	//go:embed wasm/zig_page_allocator.wasm
	ZigPageAllocator []byte
	//go:embed wasm/zig_wasm_allocator.wasm
	ZigWasmAllocator []byte
)

// The size of the memory of Bytes, in pages.
const (
	BytesPages    = 1
	BytesMaxPages = 256
)
