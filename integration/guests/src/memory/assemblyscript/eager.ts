// What lazy.ts is, but that it allocates while it is initialized.

export * from "./lazy";

let eager = new Uint8Array(16);
eager[0] = 1;

// The first byte of what was allocated at initialization.
export function first(): u8 {
  return eager[0];
}
