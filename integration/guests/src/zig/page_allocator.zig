//! std.heap.WasmPageAllocator, to be called from outside.

comptime {
    @import("shim.zig").exportAll(@import("std").heap.page_allocator);
}
