#!/usr/bin/env bash
# Builds every guest from src/ into wasm/, stripped. The results are committed, so tests need no toolchain.
#
# Needs clang, wasm-ld and llvm-strip; on Debian 12: apt-get install clang lld llvm. The committed files were built
# with Debian's clang 14; the same version builds the same bytes.
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

c sha256
c bytes -Wl,--max-memory=$((256 * 65536))

ls -l wasm
