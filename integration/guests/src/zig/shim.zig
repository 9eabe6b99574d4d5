//! The three calls of a Zig allocator as exports. They go straight to the vtable, and so past the checks of
//! std.mem.Allocator, which keeps sizes of 0 from it.

const std = @import("std");

pub fn exportAll(comptime allocator: std.mem.Allocator) void {
    const shim = struct {
        /// Returns 0 for error.OutOfMemory.
        fn alloc(len: usize, log2_align: u8) callconv(.C) usize {
            return @intFromPtr(allocator.rawAlloc(len, log2_align, 0));
        }

        fn resize(addr: usize, len: usize, log2_align: u8, new_len: usize) callconv(.C) bool {
            return allocator.rawResize(slice(addr, len), log2_align, new_len, 0);
        }

        fn free(addr: usize, len: usize, log2_align: u8) callconv(.C) void {
            allocator.rawFree(slice(addr, len), log2_align, 0);
        }

        fn slice(addr: usize, len: usize) []u8 {
            return @as([*]u8, @ptrFromInt(addr))[0..len];
        }
    };
    @export(shim.alloc, .{ .name = "alloc" });
    @export(shim.resize, .{ .name = "resize" });
    @export(shim.free, .{ .name = "free" });
}
