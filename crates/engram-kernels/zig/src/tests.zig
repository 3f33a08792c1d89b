//! The golden vectors, through the functions of the C interface, at every level that the library has
//! and this processor runs.

const std = @import("std");
const abi = @import("abi.zig");

const Level = abi.Level;
const Status = abi.Status;
const expectEqual = std.testing.expectEqual;

test {
    _ = @import("spreading_tests.zig");
}

extern fn engram_kernels_abi_version() u32;
extern fn engram_kernels_best_level() Level;
extern fn engram_vector_similarity(Level, [*]const f32, f32, [*]const f32, [*]f32, usize, usize) Status;
extern fn engram_vector_dot(Level, ?[*]const f32, ?[*]const f32, ?[*]f32, usize, usize) Status;
extern fn engram_vector_dot_top_k(Level, [*]const f32, [*]const f32, usize, usize, u32, [*]u64, *usize, usize) Status;
extern fn engram_vector_dot_i8(Level, [*]const i16, [*]const i8, [*]i32, usize, usize) Status;
extern fn engram_vector_norms(Level, [*]const f32, [*]f32, usize, usize) Status;
extern fn engram_apply_decay(Level, [*]const f32, [*]const f64, [*]const f64, [*]f32, usize, u32, f32) Status;

/// The levels that run here.
pub fn levels(buffer: *[4]Level) []const Level {
    const families = [_][]const Level{
        &.{ .x86_64_v2, .x86_64_v3, .x86_64_v4 },
        &.{.neon},
        &.{.wasm_simd128},
    };
    const best = engram_kernels_best_level();
    for (families) |family| {
        for (family, 1..) |level, count| {
            @memcpy(buffer[0..count], family[0..count]);
            if (level == best) return buffer[0..count];
        }
    }
    return &.{};
}

/// The lines of a file as they are met, each under the latest of its name.
pub const Vectors = struct {
    lines: std.mem.SplitIterator(u8, .scalar),
    words: std.StringHashMapUnmanaged([]const u32) = .empty,
    arena: std.mem.Allocator,
    kind: []const u8 = "",

    pub fn of(arena: std.mem.Allocator, text: []const u8) Vectors {
        return .{ .lines = std.mem.splitScalar(u8, text, '\n'), .arena = arena };
    }

    /// Reads to the end of the next case; returns its kind.
    pub fn next(vectors: *Vectors) !?[]const u8 {
        while (vectors.lines.next()) |line| {
            var parts = std.mem.splitScalar(u8, line, ' ');
            const name = parts.first();
            if (std.mem.eql(u8, name, "case")) {
                const kind = vectors.kind;
                vectors.kind = parts.rest();
                if (kind.len > 0) return kind;
            } else if (name.len > 0) {
                const words = try vectors.arena.alloc(u32, std.mem.count(u8, line, " "));
                for (words) |*word| word.* = try std.fmt.parseInt(u32, parts.next().?, 16);
                try vectors.words.put(vectors.arena, name, words);
            }
        }
        defer vectors.kind = "";
        return if (vectors.kind.len > 0) vectors.kind else null;
    }

    pub fn get(vectors: Vectors, name: []const u8) []const u32 {
        return vectors.words.get(name).?;
    }

    pub fn floats(vectors: Vectors, name: []const u8) []const f32 {
        return @ptrCast(vectors.get(name));
    }

    /// Two words each, the low one first.
    pub fn doubles(vectors: Vectors, name: []const u8) ![]const f64 {
        const words = vectors.get(name);
        const numbers = try vectors.arena.alloc(f64, words.len / 2);
        for (numbers, 0..) |*number, i| {
            number.* = @bitCast(@as(u64, words[2 * i + 1]) << 32 | words[2 * i]);
        }
        return numbers;
    }
};

/// All NaNs are one.
pub fn expectBits(expected: []const u32, found: []const f32) !void {
    try expectEqual(expected.len, found.len);
    for (expected, found) |word, number| {
        const bits: u32 = if (std.math.isNan(number)) 0x7fc0_0000 else @bitCast(number);
        try expectEqual(word, bits);
    }
}

test "the version is the header's" {
    try expectEqual(abi.version, engram_kernels_abi_version());
}

test "similarity" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    var buffer: [4]Level = undefined;
    for (levels(&buffer)) |level| {
        var vectors: Vectors = .of(arena.allocator(), @embedFile("similarity.txt"));
        var cases: usize = 0;
        while (try vectors.next()) |kind| : (cases += 1) {
            if (std.mem.eql(u8, kind, "integers")) {
                const integers = vectors.get("integers");
                const words = vectors.get("codes");
                const query = try arena.allocator().alloc(i16, integers.len);
                const codes = try arena.allocator().alloc(i8, words.len);
                const dots = try arena.allocator().alloc(i32, words.len / integers.len);
                for (query, integers) |*number, word| number.* = @truncate(@as(i32, @bitCast(word)));
                for (codes, words) |*number, word| number.* = @truncate(@as(i32, @bitCast(word)));
                try expectEqual(.done, engram_vector_dot_i8(level, query.ptr, codes.ptr, dots.ptr, query.len, dots.len));
                for (vectors.get("dot_i8"), dots) |word, dot| try expectEqual(@as(i32, @bitCast(word)), dot);
                continue;
            }
            const query = vectors.floats("query");
            const rows = vectors.floats("rows");
            const found = try arena.allocator().alloc(f32, rows.len / query.len);

            try expectEqual(.done, engram_vector_dot(level, query.ptr, rows.ptr, found.ptr, query.len, found.len));
            try expectBits(vectors.get("dot"), found);
            try expectEqual(.done, engram_vector_norms(level, rows.ptr, found.ptr, query.len, found.len));
            try expectBits(vectors.get("norms"), found);
            var norm: [1]f32 = undefined;
            try expectEqual(.done, engram_vector_norms(level, query.ptr, &norm, query.len, 1));
            try expectEqual(.done, engram_vector_similarity(level, query.ptr, norm[0], rows.ptr, found.ptr, query.len, found.len));
            try expectBits(vectors.get("cosine"), found);
            var keys: [3]u64 = undefined;
            var kept: usize = 0;
            try expectEqual(.done, engram_vector_dot_top_k(level, query.ptr, rows.ptr, query.len, found.len, 0, &keys, &kept, keys.len));
            std.mem.sort(u64, keys[0..kept], {}, std.sort.desc(u64));
            const best = vectors.get("best");
            try expectEqual(best.len, kept);
            for (best, keys[0..kept]) |id, key| try expectEqual(id, ~@as(u32, @truncate(key)));
        }
        try expectEqual(67, cases);
    }
}

test "decay" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    var buffer: [4]Level = undefined;
    for (levels(&buffer)) |level| {
        var vectors: Vectors = .of(arena.allocator(), @embedFile("decay.txt"));
        while (try vectors.next()) |kind| {
            const strengths = vectors.floats("strengths");
            const ages = try vectors.doubles("ages");
            const stabilities = try vectors.doubles("stabilities");
            const found = try arena.allocator().alloc(f32, strengths.len);
            const power = std.mem.eql(u8, kind, "power");
            const curves: []const []const u8 = if (power) &.{"power"} else &.{ "half_life", "time_constant" };
            for (curves, if (power) 2 else 0..) |name, curve| {
                const exponent = if (power) vectors.floats("exponent")[0] else 0;
                const status = engram_apply_decay(level, strengths.ptr, ages.ptr, stabilities.ptr, found.ptr, found.len, @intCast(curve), exponent);
                try expectEqual(.done, status);
                try expectBits(vectors.get(name), found);
            }
        }
    }
}

test "what is not there is refused, and nothing may be null" {
    try expectEqual(.no_such_level, engram_vector_dot(.portable, null, null, null, 0, 0));
    try expectEqual(.no_such_level, engram_vector_dot(@enumFromInt(77), null, null, null, 1, 0));
    var buffer: [4]Level = undefined;
    for (levels(&buffer)) |level| {
        try expectEqual(.done, engram_vector_dot(level, null, null, null, 0, 0));
        var zeros = [2]f32{ 7, 7 };
        try expectEqual(.done, engram_vector_dot(level, null, null, &zeros, 0, 2));
        try expectEqual([2]f32{ 0, 0 }, zeros);
        const nothing = [1]f32{0};
        var result = [1]f32{7};
        const status = engram_apply_decay(level, &nothing, &.{0}, &.{0}, &result, 1, 3, 1);
        try expectEqual(.no_such_curve, status);
        try expectEqual([1]f32{7}, result);
    }
}
