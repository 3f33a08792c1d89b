//! The fold of a reduction's lanes: lane j += lane j + 16, then + 8, + 4, + 2, + 1. `@reduce(.Add)` is
//! a serial sum in strict mode, so the tree is written out; several rows share its last steps.

const std = @import("std");

/// What is left of a row's lanes before the last two steps.
pub const Four = @Vector(4, f32);

/// Folds one row, given as `count` vectors of `width` lanes, until four lanes are left.
pub inline fn toFour(comptime width: comptime_int, comptime count: comptime_int, row: [count]@Vector(width, f32)) Four {
    if (count > 1) {
        const half = count / 2;
        var sums: [half]@Vector(width, f32) = undefined;
        inline for (0..half) |i| sums[i] = row[i] + row[i + half];
        return toFour(width, half, sums);
    }
    if (width > 4) {
        const half = width / 2;
        return toFour(half, 1, .{slice(width, 0, half, row[0]) + slice(width, half, half, row[0])});
    }
    return row[0];
}

inline fn slice(
    comptime width: comptime_int,
    comptime first: comptime_int,
    comptime length: comptime_int,
    vector: @Vector(width, f32),
) @Vector(length, f32) {
    const mask = comptime std.simd.iota(i32, length) + @as(@Vector(length, i32), @splat(first));
    return @shuffle(f32, vector, undefined, mask);
}

/// The sums of `rows` rows, of each of which four lanes are left.
pub inline fn fold(comptime rows: comptime_int, four: [rows]Four) @Vector(rows, f32) {
    // Of two rows at a time: lanes 0 and 1 += lanes 2 and 3; then lane 0 += lane 1.
    const low = @Vector(4, i32){ 0, 1, -1, -2 };
    const high = @Vector(4, i32){ 2, 3, -3, -4 };
    switch (rows) {
        1 => {
            const two = slice(4, 0, 2, four[0]) + slice(4, 2, 2, four[0]);
            return @splat(two[0] + two[1]);
        },
        2 => {
            const two = @shuffle(f32, four[0], four[1], low) + @shuffle(f32, four[0], four[1], high);
            return @shuffle(f32, two, undefined, @Vector(2, i32){ 0, 2 }) +
                @shuffle(f32, two, undefined, @Vector(2, i32){ 1, 3 });
        },
        4 => {
            const first = @shuffle(f32, four[0], four[1], low) + @shuffle(f32, four[0], four[1], high);
            const last = @shuffle(f32, four[2], four[3], low) + @shuffle(f32, four[2], four[3], high);
            return @shuffle(f32, first, last, @Vector(4, i32){ 0, 2, -1, -3 }) +
                @shuffle(f32, first, last, @Vector(4, i32){ 1, 3, -2, -4 });
        },
        else => @compileError("rows are taken 1, 2 or 4 at a time"),
    }
}
