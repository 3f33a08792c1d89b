//! The kernel: no allocation, no libc, no panic path; the caller owns every byte.
const std = @import("std");

pub const panic = std.debug.no_panic;

fn dot(a: [*]const f32, b: [*]const f32, len: usize) callconv(.c) f32 {
    var sum: f32 = 0;
    for (a[0..len], b[0..len]) |x, y| sum += x * y;
    return sum;
}

fn fill(out: [*]u8, len: usize, value: u8) callconv(.c) void {
    @memset(out[0..len], value); // becomes a call to memset, which the Rust program's libc answers
}

comptime {
    // Hidden: a shared library made from the Rust program exports neither of them.
    @export(&dot, .{ .name = "example_dot", .visibility = .hidden });
    @export(&fill, .{ .name = "example_fill", .visibility = .hidden });
}
