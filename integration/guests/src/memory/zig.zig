//! The exports of the guests whose allocator is one of Zig's standard library.

const std = @import("std");

/// The alignment of every block.
const block_align = 16;

pub fn exportAll(comptime allocator: std.mem.Allocator) void {
    const guest = struct {
        /// Returns 0 for error.OutOfMemory.
        fn allocate(size: usize) callconv(.C) usize {
            const block = allocator.alignedAlloc(u8, block_align, @max(size, 1)) catch return 0;
            return @intFromPtr(block.ptr);
        }

        fn deallocate(addr: usize, size: usize) callconv(.C) void {
            allocator.free(@as([]align(block_align) u8, @alignCast(bytes(addr, @max(size, 1)))));
        }

        fn take(size: usize, seed: u32) callconv(.C) usize {
            const addr = allocate(size);
            if (addr == 0) return 0;
            for (bytes(addr, size), 0..) |*byte, i| byte.* = pattern(i, seed);
            return addr;
        }

        fn check(addr: usize, size: usize, seed: u32) callconv(.C) usize {
            for (bytes(addr, size), 0..) |byte, i| {
                if (byte != pattern(i, seed)) return 1 + i;
            }
            return 0;
        }

        fn pattern(i: usize, seed: u32) u8 {
            return @truncate((i *% 7 +% (i >> 8)) ^ seed);
        }

        fn bytes(addr: usize, size: usize) []u8 {
            return @as([*]u8, @ptrFromInt(addr))[0..size];
        }
    };
    @export(guest.allocate, .{ .name = "allocate" });
    @export(guest.deallocate, .{ .name = "deallocate" });
    @export(guest.take, .{ .name = "take" });
    @export(guest.check, .{ .name = "check" });
    @export(guest.deallocate, .{ .name = "give" });
}
