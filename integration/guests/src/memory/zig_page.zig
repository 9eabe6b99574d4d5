//! A guest on std.heap.page_allocator. Built by ../../build.sh.

comptime {
    @import("zig.zig").exportAll(@import("std").heap.page_allocator);
}
