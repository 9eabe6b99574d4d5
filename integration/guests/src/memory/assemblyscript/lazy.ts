// The guests whose allocator is a runtime of AssemblyScript's. Nothing is allocated before the first call, and so the heap
// is not begun before. Built by ../../../build.sh.
//
// A block is the bytes of an ArrayBuffer that is pinned for as long as the host has it. Where there is no memory, the
// runtime traps.

import { Runtime } from "shared/runtime";

export function take(size: usize, seed: u32): usize {
  const block = __pin(changetype<usize>(new ArrayBuffer(<i32>size)));
  for (let i: usize = 0; i < size; i++) store<u8>(block + i, pattern(i, seed));
  return block;
}

export function check(block: usize, size: usize, seed: u32): usize {
  for (let i: usize = 0; i < size; i++) {
    if (load<u8>(block + i) != pattern(i, seed)) return 1 + i;
  }
  return 0;
}

export function give(block: usize, size: usize): void {
  __unpin(block);
  // This runtime collects only when it is told to.
  if (ASC_RUNTIME == Runtime.Minimal) __collect();
}

function pattern(i: usize, seed: u32): u8 {
  return <u8>((i * 7 + (i >> 8)) ^ seed);
}
