//! The last few numbers of a row, which fill part of a vector: read in pieces of half its width, a quarter
//! and so on, so that nothing behind them is.

const std = @import("std");

/// The first `count` numbers, fewer than `width`, then zeros.
pub fn loadFirst(comptime T: type, comptime width: comptime_int, numbers: [*]const T, count: usize) @Vector(width, T) {
    @setEvalBranchQuota(10_000);
    return switch (count) {
        inline 1...width - 1 => |few| pieces(T, width, few, numbers),
        else => @splat(0),
    };
}

/// Halves the vector until each half is full or empty.
inline fn pieces(comptime T: type, comptime size: usize, comptime count: usize, numbers: [*]const T) @Vector(size, T) {
    if (count == size) return numbers[0..size].*;
    if (count == 0) return @splat(0);
    const half = size / 2;
    const low = pieces(T, half, @min(count, half), numbers);
    const high = pieces(T, half, count - @min(count, half), numbers + half);
    return std.simd.join(low, high);
}
