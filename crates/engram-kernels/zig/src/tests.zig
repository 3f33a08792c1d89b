//! The golden vectors, through the functions of the C interface, at every level that the library has
//! and this processor runs.

const std = @import("std");
const abi = @import("abi.zig");

const Level = abi.Level;
const Status = abi.Status;
const expectEqual = std.testing.expectEqual;

extern fn engram_kernels_abi_version() u32;
extern fn engram_kernels_best_level() Level;
extern fn engram_vector_similarity(Level, [*]const f32, f32, [*]const f32, [*]f32, usize, usize) Status;
extern fn engram_vector_dot(Level, ?[*]const f32, ?[*]const f32, ?[*]f32, usize, usize) Status;
extern fn engram_vector_dot_top_k(Level, [*]const f32, [*]const f32, usize, usize, u32, [*]u64, *usize, usize) Status;
extern fn engram_vector_dot_i8(Level, [*]const i16, [*]const i8, [*]i32, usize, usize) Status;
extern fn engram_vector_norms(Level, [*]const f32, [*]f32, usize, usize) Status;
extern fn engram_spread_activation_push(Level, [*]const u32, [*]const f32, usize, [*]const u32, usize, [*]const u32, [*]const f32, usize, [*]f32, usize, [*]u8, [*]u8) Status;
extern fn engram_spread_activation_settle(Level, [*]const u32, usize, [*]f32, [*]f32, f32, f32, ?[*]u32, *usize, *f32) Status;
extern fn engram_spread_activation_pull_rows(Level, [*]const u32, [*]const u32, [*]const f32, [*]const u32, usize, [*]const f32, [*]f32) Status;
extern fn engram_spread_activation_hop(Level, [*]const u32, usize, [*]const u32, [*]const f32, [*]const f32, [*]f32, f32, f32, [*]const f32, ?[*]const f32, usize, [*]f32, *usize, *f32) Status;
extern fn engram_spread_activation_hop_batch(Level, [*]const u32, usize, [*]const u32, [*]const f32, usize, [*]const f32, [*]f32, f32, f32, [*]const [2]f32, usize, [*]f32, *[8]f32) Status;
extern fn engram_spread_activation_pull_batch(Level, [*]const u32, usize, [*]const u32, [*]const f32, usize, [*]const f32, [*]f32) Status;
extern fn engram_spread_activation_pull(Level, [*]const u32, [*]const u32, [*]const f32, [*]const u32, usize, [*]const f32, [*]f32) Status;
extern fn engram_apply_decay(Level, [*]const f32, [*]const f64, [*]const f64, [*]f32, usize, u32, f32) Status;

/// The levels that run here.
fn levels(buffer: *[4]Level) []const Level {
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
const Vectors = struct {
    lines: std.mem.SplitIterator(u8, .scalar),
    words: std.StringHashMapUnmanaged([]const u32) = .empty,
    arena: std.mem.Allocator,
    kind: []const u8 = "",

    fn of(arena: std.mem.Allocator, text: []const u8) Vectors {
        return .{ .lines = std.mem.splitScalar(u8, text, '\n'), .arena = arena };
    }

    /// Reads to the end of the next case; returns its kind.
    fn next(vectors: *Vectors) !?[]const u8 {
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

    fn get(vectors: Vectors, name: []const u8) []const u32 {
        return vectors.words.get(name).?;
    }

    fn floats(vectors: Vectors, name: []const u8) []const f32 {
        return @ptrCast(vectors.get(name));
    }

    /// Two words each, the low one first.
    fn doubles(vectors: Vectors, name: []const u8) ![]const f64 {
        const words = vectors.get(name);
        const numbers = try vectors.arena.alloc(f64, words.len / 2);
        for (numbers, 0..) |*number, i| {
            number.* = @bitCast(@as(u64, words[2 * i + 1]) << 32 | words[2 * i]);
        }
        return numbers;
    }
};

/// All NaNs are one.
fn expectBits(expected: []const u32, found: []const f32) !void {
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

test "spreading" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    var buffer: [4]Level = undefined;
    for (levels(&buffer)) |level| {
        var vectors: Vectors = .of(arena.allocator(), @embedFile("spreading.txt"));
        var hops: usize = 0;
        while (try vectors.next()) |kind| {
            if (!std.mem.eql(u8, kind, "hop")) continue;
            hops += 1;
            try push(arena.allocator(), level, vectors);
            try pull(arena.allocator(), level, vectors);
            try pullRows(arena.allocator(), level, vectors);
            try pullBatch(arena.allocator(), level, vectors);
        }
        try expectEqual(10, hops);
    }
}

/// Every node fires, some of them nothing.
fn push(arena: std.mem.Allocator, level: Level, vectors: Vectors) !void {
    const released = vectors.floats("released");
    const nodes = released.len;
    const sources = try arena.alloc(u32, nodes);
    for (sources, 0..) |*source, i| source.* = @intCast(i);
    const offsets = vectors.get("offsets");
    const targets = vectors.get("targets");
    const found = try arena.alloc(f32, nodes);
    @memset(found, 0);
    const lines = try arena.alloc(u8, (nodes + 15) / 16);
    const regions = try arena.alloc(u8, (nodes + 1023) / 1024);
    @memset(lines, 0);
    @memset(regions, 0);

    const status = engram_spread_activation_push(level, sources.ptr, released.ptr, nodes, offsets.ptr, nodes, targets.ptr, vectors.floats("weights").ptr, targets.len, found.ptr, nodes, lines.ptr, regions.ptr);
    try expectEqual(.done, status);
    try expectBits(vectors.get("arrived"), found);
    var touched: usize = 0;
    for (lines) |mark| touched += mark;
    for (targets) |target| {
        try expectEqual(1, regions[target / 1024]);
        touched -= lines[target / 16];
        lines[target / 16] = 0;
    }
    try expectEqual(0, touched);

    // A target that does not exist is noticed before it is touched.
    if (targets.len == 0) return;
    const few = std.mem.max(u32, targets);
    const refused = engram_spread_activation_push(level, sources.ptr, released.ptr, nodes, offsets.ptr, nodes, targets.ptr, vectors.floats("weights").ptr, targets.len, found.ptr, few, lines.ptr, regions.ptr);
    try expectEqual(.bad_graph, refused);
}

/// Pulls over chunks of the nodes as they come, which need not be sorted by length.
fn pull(arena: std.mem.Allocator, level: Level, vectors: Vectors) !void {
    const released = vectors.floats("released");
    const nodes = released.len;
    const offsets = vectors.get("offsets");
    const targets = vectors.get("targets");
    const chunks = (nodes + 15) / 16;
    const chunk_offsets = try arena.alloc(u32, chunks + 1);
    const fan_in = try arena.alloc(u32, chunks * 16);
    @memset(fan_in, 0);
    for (targets) |target| fan_in[target] += 1;
    chunk_offsets[0] = 0;
    for (0..chunks) |c| chunk_offsets[c + 1] = chunk_offsets[c] + std.mem.max(u32, fan_in[c * 16 ..][0..16]);
    const sources = try arena.alloc(u32, chunk_offsets[chunks] * 16);
    @memset(sources, 0);
    const weights = try arena.alloc(f32, sources.len);
    @memset(weights, 0);
    @memset(fan_in, 0);
    const rows = try arena.alloc(u32, nodes);
    for (rows, 0..) |*row, source| {
        row.* = @intCast(source);
        for (offsets[source]..offsets[source + 1]) |edge| {
            const target = targets[edge];
            const at = (chunk_offsets[target / 16] + fan_in[target]) * 16 + target % 16;
            sources[at] = @intCast(source);
            weights[at] = vectors.floats("weights")[edge];
            fan_in[target] += 1;
        }
    }
    const found = try arena.alloc(f32, nodes);
    const status = engram_spread_activation_pull(level, chunk_offsets.ptr, sources.ptr, weights.ptr, rows.ptr, nodes, released.ptr, found.ptr);
    try expectEqual(.done, status);
    try expectBits(vectors.get("arrived"), found);

    // The whole hop, in which the first chunks give twice what their nodes hold: each second node only at 2^60,
    // or all always.
    const activation = try arena.alloc(f32, chunks * 16);
    const releases = try arena.alloc(f32, chunks * 16);
    @memset(releases, 2);
    const thresholds = try arena.alloc(f32, chunks * 16);
    for (thresholds, 0..) |*threshold, node| threshold.* = if (node % 2 == 0) 0 else 0x1p60;
    const next = try arena.alloc(f32, chunks * 16);
    for ([2]?[*]const f32{ null, thresholds.ptr }) |given| {
        @memset(activation, 0);
        @memset(next, -1);
        var num_active: usize = undefined;
        var found_change: f32 = undefined;
        const hopped = engram_spread_activation_hop(level, chunk_offsets.ptr, chunks, sources.ptr, weights.ptr, released.ptr, activation.ptr, 0, 0.5, releases.ptr, given, chunks / 2, next.ptr, &num_active, &found_change);
        try expectEqual(.done, hopped);
        var change: f32 = 0;
        var active: usize = 0;
        for (found, 0..) |a, node| {
            const expected = @min(0.5 * a, 0x1p60);
            change = @max(change, expected);
            active += @intFromBool(expected > 0);
            try expectEqual(expected, activation[node]);
            const fires = given == null or expected >= thresholds[node];
            try expectEqual(if (node / 16 >= chunks / 2) -1 else if (fires) 2 * expected else 0, next[node]);
        }
        try expectEqual(active, num_active);
        try expectEqual(change, found_change);
    }
}

/// Pulls row by row, the longest first.
fn pullRows(arena: std.mem.Allocator, level: Level, vectors: Vectors) !void {
    const released = vectors.floats("released");
    const nodes = released.len;
    const offsets = vectors.get("offsets");
    const targets = vectors.get("targets");
    const fan_in = try arena.alloc(u32, nodes);
    @memset(fan_in, 0);
    for (targets) |target| fan_in[target] += 1;
    const rows = try arena.alloc(u32, nodes);
    for (rows, 0..) |*row, node| row.* = @intCast(node);
    std.mem.sort(u32, rows, @as([]const u32, fan_in), longerFirst);

    const row_offsets = try arena.alloc(u32, nodes + 1);
    const sources = try arena.alloc(u32, targets.len);
    const weights = try arena.alloc(f32, targets.len);
    var edge: u32 = 0;
    for (rows, 0..) |row, r| {
        row_offsets[r] = edge;
        for (0..nodes) |source| {
            for (offsets[source]..offsets[source + 1]) |e| {
                if (targets[e] != row) continue;
                sources[edge] = @intCast(source);
                weights[edge] = vectors.floats("weights")[e];
                edge += 1;
            }
        }
    }
    row_offsets[nodes] = edge;
    const found = try arena.alloc(f32, nodes);
    const status = engram_spread_activation_pull_rows(level, row_offsets.ptr, sources.ptr, weights.ptr, rows.ptr, nodes, released.ptr, found.ptr);
    try expectEqual(.done, status);
    try expectBits(vectors.get("arrived"), found);
}

fn longerFirst(fan_in: []const u32, a: u32, b: u32) bool {
    return fan_in[a] > fan_in[b];
}

/// Pulls for eight cues that are all the same.
fn pullBatch(arena: std.mem.Allocator, level: Level, vectors: Vectors) !void {
    const released = vectors.floats("released");
    const nodes = released.len;
    const offsets = vectors.get("offsets");
    const targets = vectors.get("targets");
    const by_cue = try arena.alloc(f32, 8 * nodes);
    for (by_cue, 0..) |*amount, i| amount.* = released[i / 8];
    const row_offsets = try arena.alloc(u32, nodes + 1);
    const sources = try arena.alloc(u32, targets.len);
    const weights = try arena.alloc(f32, targets.len);
    var edge: u32 = 0;
    for (0..nodes) |node| {
        row_offsets[node] = edge;
        for (0..nodes) |source| {
            for (offsets[source]..offsets[source + 1]) |e| {
                if (targets[e] != node) continue;
                sources[edge] = @intCast(source);
                weights[edge] = vectors.floats("weights")[e];
                edge += 1;
            }
        }
    }
    row_offsets[nodes] = edge;
    const arrived = try arena.alloc(f32, 8 * nodes);
    const status = engram_spread_activation_pull_batch(level, row_offsets.ptr, nodes, sources.ptr, weights.ptr, edge, by_cue.ptr, arrived.ptr);
    try expectEqual(.done, status);
    const found = try arena.alloc(f32, nodes);
    for (0..8) |cue| {
        for (found, 0..) |*number, node| number.* = arrived[8 * node + cue];
        try expectBits(vectors.get("arrived"), found);
    }

    // The whole hop, in which the first nodes give twice what they hold, each second one only at 2^60.
    const activation = try arena.alloc(f32, 8 * nodes);
    @memset(activation, 0);
    const gates = try arena.alloc([2]f32, nodes);
    for (gates, 0..) |*gate, node| gate.* = .{ 2, if (node % 2 == 0) 0 else 0x1p60 };
    const next = try arena.alloc(f32, 8 * nodes);
    @memset(next, -1);
    var changes: [8]f32 = @splat(0);
    const hopped = engram_spread_activation_hop_batch(level, row_offsets.ptr, nodes, sources.ptr, weights.ptr, edge, by_cue.ptr, activation.ptr, 0, 0.5, gates.ptr, nodes / 2, next.ptr, &changes);
    try expectEqual(.done, hopped);
    var change: f32 = 0;
    for (activation, next, arrived, 0..) |x, released_next, a, i| {
        const expected = @min(0.5 * a, 0x1p60);
        change = @max(change, expected);
        try expectEqual(expected, x);
        const released_expected = if (i / 8 >= nodes / 2) -1 else if (expected >= gates[i / 8][1]) 2 * expected else 0;
        try expectEqual(released_expected, released_next);
    }
    for (changes) |found_change| try expectEqual(change, found_change);
}

test "the end of a hop" {
    var buffer: [4]Level = undefined;
    for (levels(&buffer)) |level| {
        var activation: [32]f32 = @splat(0);
        var accumulator: [32]f32 = @splat(0);
        activation[18] = 4;
        accumulator[18] = 10;
        activation[31] = 0x1p60;
        accumulator[31] = 0x1p62;
        var active: [16]u32 = undefined;
        var num_active: usize = undefined;
        var change: f32 = undefined;
        const status = engram_spread_activation_settle(level, &.{1}, 1, &activation, &accumulator, 0.5, 0.25, &active, &num_active, &change);
        try expectEqual(.done, status);
        try std.testing.expectEqualSlices(u32, &.{ 18, 31 }, active[0..num_active]);
        try expectEqual(4.5, activation[18]);
        try expectEqual(0x1p60, activation[31]);
        try expectEqual(0.5, change);
        for (accumulator) |left| try expectEqual(0, left);

        // Counted only.
        const counted = engram_spread_activation_settle(level, &.{1}, 1, &activation, &accumulator, 0.5, 0.25, null, &num_active, &change);
        try expectEqual(.done, counted);
        try expectEqual(2, num_active);
        try expectEqual(2.25, activation[18]);
        try expectEqual(0x1p59, activation[31]);
        try expectEqual(0x1p59, change);
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
