//! Spreading at every level that runs here: one hop of the golden vectors pushed, pulled, and whole.

const std = @import("std");
const abi = @import("abi.zig");
const tests = @import("tests.zig");

const Level = abi.Level;
const Status = abi.Status;
const Vectors = tests.Vectors;
const levels = tests.levels;
const expectBits = tests.expectBits;
const expectEqual = std.testing.expectEqual;

extern fn engram_spread_activation_push(Level, [*]const u32, [*]const f32, usize, [*]const u32, usize, [*]const u32, [*]const f32, usize, [*]f32, usize, [*]u8, [*]u8) Status;
extern fn engram_spread_activation_settle(Level, [*]const u32, usize, [*]f32, [*]f32, f32, f32, ?[*]u32, *usize, *f32) Status;
extern fn engram_spread_activation_pull_rows(Level, [*]const u32, [*]const u32, [*]const f32, [*]const u32, usize, [*]const f32, [*]f32) Status;
extern fn engram_spread_activation_hop(Level, [*]const u32, usize, [*]const u32, [*]const f32, [*]const f32, [*]f32, f32, f32, [*]const f32, ?[*]const f32, usize, [*]f32, *usize, *f32) Status;
extern fn engram_spread_activation_hop_batch(Level, [*]const u32, usize, [*]const u32, [*]const f32, usize, [*]const f32, [*]f32, f32, f32, [*]const [2]f32, usize, [*]f32, *[8]f32) Status;
extern fn engram_spread_activation_pull_batch(Level, [*]const u32, usize, [*]const u32, [*]const f32, usize, [*]const f32, [*]f32) Status;
extern fn engram_spread_activation_pull(Level, [*]const u32, [*]const u32, [*]const f32, [*]const u32, usize, [*]const f32, [*]f32) Status;

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
