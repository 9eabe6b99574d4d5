//! std.heap.WasmAllocator, to be called from outside.

comptime {
    @import("shim.zig").exportAll(@import("std").heap.wasm_allocator);
}
