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

// LibcMalloc is a guest in C that exports the malloc of wasi-libc, as of 2022: the first allocation claims all of the memory
// that there is then. RustAlloc exports the allocator of Rust's standard library, as of 1.63. Both are dlmalloc, use what
// memory.grow returns, begin with 1 page and have no maximum. LibcMalloc exports
//
//	malloc(size i32) -> i32                an address, or 0 if there is none
//	aligned_alloc(align, size i32) -> i32
//	realloc(addr, size i32) -> i32
//	free(addr i32)
//
// and RustAlloc
//
//	alloc(size, align i32) -> i32          an address, or 0 if there is none
//	realloc(addr, size, align, new_size i32) -> i32
//	dealloc(addr, size, align i32)
//
// and both
//
//	digest(addr, len i32) -> i64           the sum of the words of 8 bytes, little-endian, and then of the bytes that
//	                                       are left, times 1, 3, 5 and so on
var (
	//go:embed wasm/libc_malloc.wasm
	LibcMalloc []byte
	//go:embed wasm/rust_alloc.wasm
	RustAlloc []byte
)

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

// TinyGo is a reactor that TinyGo 0.35.0 made, of another project: see src/memory/tinygo. It imports fd_write and random_get
// of WASI, and exports
//
//	add(x, y i32) -> i32
//	malloc(size i32) -> i32   an address; the guest traps if there is no memory
//	calloc(n, size i32) -> i32
//	realloc(addr, size i32) -> i32
//	free(addr i32)
//	_initialize()
//
// and asyncify's five functions. Its collector frees what is not from malloc.
//
//go:embed wasm/tinygo.wasm
var TinyGo []byte

// Thumbnail makes small pictures of large ones, with the stb libraries, and has the host allocate: it imports malloc,
// realloc and free from env as they are in C, and has no instruction that grows or measures its memory, which begins with
// 2 pages and has no maximum. It exports the memory, __heap_base and
//
//	thumbnail(file, len, max_side i32) -> i32
//	error() -> i32                             the address of why the last thumbnail failed, ended by a byte of 0
//
// thumbnail reads a JPEG or PNG of len bytes, which stays the host's, and makes a PNG whose longer side is max_side pixels,
// or as long as before if that is less. It returns the address of a block from malloc, which the host frees:
//
//	png, len, width, height  4 words of 4 bytes, little-endian: the address of the PNG, its length, its sides in pixels;
//	                         and, in the same block, the PNG
//
// or 0 if max_side is less than 1, the file is broken or of another kind, or there is no memory to decode or resize in. It
// has then freed what it took. Without memory to encode in, it traps.
//
//go:embed wasm/thumbnail.wasm
var Thumbnail []byte
