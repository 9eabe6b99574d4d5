// Package guests holds the wasm guests of tests and commands. Their sources are in src/; build.sh builds them all.
package guests

import _ "embed"

// SHA256 exports sha256(ptr, len i32) -> i32, which returns the address of a digest of 32 bytes. It has no allocator and
// never grows its memory.
//
//go:embed wasm/sha256.wasm
var SHA256 []byte

// Bytes is the guest's side of the matrix; engines.GoGuest is the same in Go. Its memory begins with [BytesPages] pages
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

// The size of the memory of Bytes, in pages.
const (
	BytesPages    = 1
	BytesMaxPages = 256
)
