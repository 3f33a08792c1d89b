//! The fold of a reduction's lanes: lane j += lane j + 16, then + 8, + 4, + 2, + 1. `@reduce(.Add)` is
//! a serial sum in strict mode, so the tree is written out; several rows share its last steps.

/// Folds one row, given as `count` vectors of `width` lanes, until four lanes are left.
inline fn toFour(comptime width: comptime_int, comptime count: comptime_int, row: [count]@Vector(width, f32)) @Vector(4, f32) {
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
    comptime var mask: [length]i32 = undefined;
    inline for (0..length) |i| mask[i] = first + i;
    return @shuffle(f32, vector, undefined, mask);
}

/// The sums of `rows` rows, each given as `count` vectors of `width` lanes.
pub inline fn fold(
    comptime width: comptime_int,
    comptime count: comptime_int,
    comptime rows: comptime_int,
    accumulators: [rows][count]@Vector(width, f32),
) @Vector(rows, f32) {
    var four: [rows]@Vector(4, f32) = undefined;
    inline for (0..rows) |r| four[r] = toFour(width, count, accumulators[r]);
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
