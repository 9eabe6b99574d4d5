#!/usr/bin/env bash
# Builds the guests of the hosts here, stripped. The results are committed, so tests need no toolchain.
#
# Needs clang, wasm-ld, llvm-strip and wasi-libc; on Debian 12: apt-get install clang lld llvm wasi-libc
# libclang-rt-14-dev-wasm32. The committed files were built with Debian's clang 14 and wasi-libc 0.0~git20220510; the same
# versions build the same bytes.
set -euo pipefail
cd "$(dirname "$0")"

# finish FILE: without names and debug information, but with the section in which toolchains name themselves.
finish() {
	llvm-strip --strip-all --keep-section=producers "$1"
	chmod 644 "$1"
	ls -l "$1"
}

# freestanding FOLDER/NAME FLAGS...: FOLDER/NAME.c, without a libc.
freestanding() {
	local name=$1
	shift
	clang --target=wasm32 -O2 -Wall -Wextra -Werror -ffreestanding -nostdlib \
		-Wl,--no-entry -Wl,--stack-first -Wl,-z,stack-size=16384 "$@" -o "$name.wasm" "$name.c"
	finish "$name.wasm"
}

# reactor FOLDER/NAME FLAGS...: FOLDER/NAME.c, with wasi-libc.
reactor() {
	local name=$1
	shift
	clang --target=wasm32-wasi -mexec-model=reactor -O2 -Wall -Wextra -Werror "$@" -o "$name.wasm" "$name.c"
	finish "$name.wasm"
}

freestanding extismhost/guest/redact
reactor gopluginhost/guest/greeter -Wl,--export=malloc,--export=free
freestanding substratehost/guest/clearing -Wl,--export=__heap_base
freestanding substratehost/guest/astray -Wl,--export=__heap_base
