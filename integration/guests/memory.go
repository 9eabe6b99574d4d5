package guests

import (
	_ "embed"
	"slices"
)

// Guest is a guest that owns a heap, as a toolchain makes it. Sizes and addresses are i32, in bytes. It exports, beside
// what its allocator has,
//
//	take(size, seed) -> addr         allocates, and fills: the byte i is ((i*7 + (i>>8)) ^ seed) & 0xff
//	check(addr, size, seed) -> i32   0 if all bytes are as take filled them, else 1 + the index of the first that is not
//	give(addr, size)                 frees what take returned
//
// and the guests in C also pairs(n, size), which allocates and frees n times, for benchmarks.
//
// Where there is no memory, take returns 0; in Go, in AssemblyScript and in c_substrate the call fails. A guest imports
// nothing but WASI (Go alone does), malloc and free (c_imports), or their like in a Substrate runtime (c_substrate).
type Guest struct {
	Name string // of the file, without .wasm: the toolchain or the language, and the allocator

	// Toolchain is what made it, with the version.
	Toolchain string

	Wasm []byte

	// Alloc and Free are the exports to make an arena with, alloc(size) -> addr and free(addr), where guest.Inspect does not
	// know their names; else "".
	Alloc, Free string
}

// Memory returns the guests of each toolchain and allocator. Their sources are in src/memory. No maximum limits their
// memories, but Emscripten's 32,768 pages.
//
//   - c_wasilibc is a reactor that exports malloc, calloc, realloc, aligned_alloc and free of wasi-libc, which is dlmalloc.
//   - c_imports and c_substrate have no allocator, and export __heap_base. They need their imports before the first take.
//   - rust_unknown and rust_wasi export alloc(size, align) -> addr and dealloc(addr, size, align). The one is dlmalloc in
//     Rust, the other wasi-libc's as of Rust 1.63. This rustc makes no reactor of a library: it has no _initialize.
//   - zig_page and zig_wasm export allocate(size) -> addr and deallocate(addr, size), with std.heap.page_allocator and
//     std.heap.wasm_allocator, for freestanding targets.
//   - go_reactor exports host_alloc(size) -> addr and host_free(addr), which keep a block from the collector.
//   - assemblyscript_… have one of three runtimes each, and export __new, __pin, __unpin and __collect. The eager ones
//     allocate in _initialize; a lazy one has no heap before the first call. incremental collects by itself, minimal in give
//     and __collect, and stub never.
//   - emscripten_… export malloc and free: dlmalloc, or emmalloc. They are standalone, and define for themselves what
//     Emscripten would import from its JavaScript, emscripten_notify_memory_growth. This emmalloc takes a size of 2 GiB or
//     more for negative, and corrupts its heap.
func Memory() []Guest { return slices.Clone(memory) }

var memory = []Guest{
	{Name: "c_wasilibc", Toolchain: clang, Wasm: cWasilibc},
	{Name: "c_imports", Toolchain: clangAlone, Wasm: cImports},
	{Name: "c_substrate", Toolchain: clangAlone, Wasm: cSubstrate},
	{Name: "rust_unknown", Toolchain: rust, Wasm: rustUnknown},
	{Name: "rust_wasi", Toolchain: rust, Wasm: rustWASI},
	{Name: "zig_page", Toolchain: zig, Wasm: zigPage},
	{Name: "zig_wasm", Toolchain: zig, Wasm: zigWasm},
	{Name: "go_reactor", Toolchain: "Go 1.26", Wasm: goReactor, Alloc: "host_alloc", Free: "host_free"},
	{Name: "assemblyscript_incremental_eager", Toolchain: assemblyScript, Wasm: incrementalEager},
	{Name: "assemblyscript_incremental_lazy", Toolchain: assemblyScript, Wasm: incrementalLazy},
	{Name: "assemblyscript_minimal_eager", Toolchain: assemblyScript, Wasm: minimalEager},
	{Name: "assemblyscript_minimal_lazy", Toolchain: assemblyScript, Wasm: minimalLazy},
	{Name: "assemblyscript_stub_eager", Toolchain: assemblyScript, Wasm: stubEager},
	{Name: "assemblyscript_stub_lazy", Toolchain: assemblyScript, Wasm: stubLazy},
	{Name: "emscripten_dlmalloc", Toolchain: emscripten, Wasm: emscriptenDlmalloc},
	{Name: "emscripten_emmalloc", Toolchain: emscripten, Wasm: emscriptenEmmalloc},
}

const (
	clang          = "clang 14, wasi-libc 2022"
	clangAlone     = "clang 14, no libc"
	rust           = "Rust 1.63"
	zig            = "Zig 0.11"
	assemblyScript = "AssemblyScript 0.28"
	emscripten     = "Emscripten 3.1.6"
)

var (
	//go:embed wasm/c_wasilibc.wasm
	cWasilibc []byte
	//go:embed wasm/c_imports.wasm
	cImports []byte
	//go:embed wasm/c_substrate.wasm
	cSubstrate []byte
	//go:embed wasm/rust_unknown.wasm
	rustUnknown []byte
	//go:embed wasm/rust_wasi.wasm
	rustWASI []byte
	//go:embed wasm/zig_page.wasm
	zigPage []byte
	//go:embed wasm/zig_wasm.wasm
	zigWasm []byte
	//go:embed wasm/go_reactor.wasm
	goReactor []byte
	//go:embed wasm/assemblyscript_incremental_eager.wasm
	incrementalEager []byte
	//go:embed wasm/assemblyscript_incremental_lazy.wasm
	incrementalLazy []byte
	//go:embed wasm/assemblyscript_minimal_eager.wasm
	minimalEager []byte
	//go:embed wasm/assemblyscript_minimal_lazy.wasm
	minimalLazy []byte
	//go:embed wasm/assemblyscript_stub_eager.wasm
	stubEager []byte
	//go:embed wasm/assemblyscript_stub_lazy.wasm
	stubLazy []byte
	//go:embed wasm/emscripten_dlmalloc.wasm
	emscriptenDlmalloc []byte
	//go:embed wasm/emscripten_emmalloc.wasm
	emscriptenEmmalloc []byte
)
