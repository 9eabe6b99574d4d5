//! A guest on std.heap.wasm_allocator. Built by ../../build.sh.

comptime {
    @import("zig.zig").exportAll(@import("std").heap.wasm_allocator);
}
