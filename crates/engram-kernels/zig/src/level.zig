//! The kernels as compiled for one processor level, which `config.level` names: the root of one object
//! of the library. Nothing here decides whether the processor can run it.

const std = @import("std");
const abi = @import("abi.zig");
const batch = @import("batch.zig");
const config = @import("config");
const decay = @import("decay.zig");
const settling = @import("settling.zig");
const spreading = @import("spreading.zig");
const Quantised = @import("quantised.zig").Quantised;
const Similarity = @import("similarity.zig").Similarity;
const Best = @import("top_k.zig").Best;

/// No kernel can panic; nothing of std's panic handler is compiled in.
pub const panic = std.debug.no_panic;

const Status = abi.Status;
const many = abi.many;
const level = @field(abi.Level, config.level);

/// Numbers in a register, and the lanes whose sums fit the level's registers: 16 registers on x86-64-v2
/// and v3, of 4 and 8 numbers, 32 of 16 on v4 and of 4 on aarch64.
const similarity = switch (level) {
    .x86_64_v4 => Similarity(16, .{ .dot = 32, .norm = 32, .cosine = 32 }),
    .x86_64_v3 => Similarity(8, .{ .dot = 32, .norm = 32, .cosine = 32 }),
    .neon => Similarity(4, .{ .dot = 32, .norm = 32, .cosine = 32 }),
    else => Similarity(4, .{ .dot = 32, .norm = 32, .cosine = 16 }),
};

/// Codes at a time: as many 16-bit integers as fit a register.
const quantised = switch (level) {
    .x86_64_v4 => Quantised(32),
    .x86_64_v3 => Quantised(16),
    else => Quantised(8),
};

/// Memories at a time: some registers' worth, so that divisions overlap with polynomials.
const memories = if (batches) 32 else 16;
const batches = level != .x86_64_v3 and level != .x86_64_v4;

const implementations = struct {
    fn vector_similarity(query: abi.Numbers, query_norm: f32, rows: abi.Numbers, scores: ?[*]f32, dimensions: usize, count: usize) callconv(.c) Status {
        similarity.similarity(many(query), query_norm, many(rows), many(scores), dimensions, count);
        return .done;
    }

    fn vector_dot(query: abi.Numbers, rows: abi.Numbers, scores: ?[*]f32, dimensions: usize, count: usize) callconv(.c) Status {
        similarity.dot(many(query), many(rows), many(scores), dimensions, count);
        return .done;
    }

    fn vector_dot_top_k(
        query: abi.Numbers,
        rows: abi.Numbers,
        dimensions: usize,
        count: usize,
        first_id: u32,
        keys: ?[*]u64,
        num_keys: *usize,
        k: usize,
    ) callconv(.c) Status {
        if (k == 0) return .done;
        var best: Best = .{ .keys = many(keys), .kept = num_keys.*, .k = k };
        if (dimensions == 0) {
            const zero = [1]f32{0};
            for (0..count) |r| best.offerAll(first_id +% @as(u32, @truncate(r)), &zero);
        } else {
            similarity.dotTopK(many(query), many(rows), dimensions, count, first_id, &best);
        }
        num_keys.* = best.kept;
        return .done;
    }

    fn vector_norms(rows: abi.Numbers, results: ?[*]f32, dimensions: usize, count: usize) callconv(.c) Status {
        similarity.norms(many(rows), many(results), dimensions, count);
        return .done;
    }

    fn vector_dot_i8(query: ?[*]const i16, codes: abi.Codes, dots: ?[*]i32, dimensions: usize, count: usize) callconv(.c) Status {
        quantised.dot(many(query), many(codes), many(dots), dimensions, count);
        return .done;
    }

    fn spread_activation_push(
        sources: abi.Indices,
        released: abi.Numbers,
        num_sources: usize,
        offsets: abi.Indices,
        num_rows: usize,
        targets: abi.Indices,
        weights: abi.Numbers,
        num_edges: usize,
        accumulator: ?[*]f32,
        num_nodes: usize,
        touched_lines: ?[*]u8,
        touched_regions: ?[*]u8,
    ) callconv(.c) Status {
        const push: spreading.Push = .{
            .sources = many(sources),
            .released = many(released),
            .num_sources = num_sources,
            .offsets = many(offsets),
            .num_rows = num_rows,
            .targets = many(targets),
            .weights = many(weights),
            .num_edges = num_edges,
            .accumulator = many(accumulator),
            .num_nodes = num_nodes,
            .touched_lines = many(touched_lines),
            .touched_regions = many(touched_regions),
        };
        const marked = touched_lines != null and touched_regions != null;
        const good = if (marked) spreading.push(push, true) else spreading.push(push, false);
        return if (good) .done else .bad_graph;
    }

    fn spread_activation_settle(
        lines: abi.Indices,
        num_lines: usize,
        activation: ?[*]f32,
        accumulator: ?[*]f32,
        retention: f32,
        hop_decay: f32,
        active: ?[*]u32,
        num_active: *usize,
        greatest_change: *f32,
    ) callconv(.c) Status {
        const settle: settling.Settle = .{
            .lines = many(lines),
            .num_lines = num_lines,
            .activation = many(activation),
            .accumulator = many(accumulator),
            .retention = retention,
            .hop_decay = hop_decay,
            .active = many(active),
        };
        const settled = if (active != null) settling.settle(settle, true) else settling.settle(settle, false);
        num_active.* = settled.num_active;
        greatest_change.* = settled.greatest_change;
        return .done;
    }

    fn spread_activation_pull(
        chunk_offsets: abi.Indices,
        sources: abi.Indices,
        weights: abi.Numbers,
        rows: abi.Indices,
        num_rows: usize,
        released: abi.Numbers,
        accumulator: ?[*]f32,
    ) callconv(.c) Status {
        spreading.pull(.{
            .offsets = many(chunk_offsets),
            .sources = many(sources),
            .weights = many(weights),
            .rows = many(rows),
            .num_rows = num_rows,
            .released = many(released),
            .accumulator = many(accumulator),
        });
        return .done;
    }

    fn spread_activation_pull_rows(
        offsets: abi.Indices,
        sources: abi.Indices,
        weights: abi.Numbers,
        rows: abi.Indices,
        num_rows: usize,
        released: abi.Numbers,
        accumulator: ?[*]f32,
    ) callconv(.c) Status {
        spreading.pullRows(.{
            .offsets = many(offsets),
            .sources = many(sources),
            .weights = many(weights),
            .rows = many(rows),
            .num_rows = num_rows,
            .released = many(released),
            .accumulator = many(accumulator),
        });
        return .done;
    }

    fn spread_activation_pull_batch(
        offsets: abi.Indices,
        num_rows: usize,
        sources: abi.Indices,
        weights: abi.Numbers,
        num_edges: usize,
        released: abi.Numbers,
        arrived: ?[*]f32,
    ) callconv(.c) Status {
        const rows: batch.Rows = .{
            .offsets = many(offsets),
            .num_rows = num_rows,
            .sources = many(sources),
            .weights = many(weights),
            .num_edges = num_edges,
            .released = many(released),
        };
        batch.pull(rows, many(arrived));
        return .done;
    }

    fn spread_activation_hop(
        chunk_offsets: abi.Indices,
        num_chunks: usize,
        sources: abi.Indices,
        weights: abi.Numbers,
        released: abi.Numbers,
        activation: ?[*]f32,
        retention: f32,
        hop_decay: f32,
        releases: abi.Numbers,
        thresholds: abi.Numbers,
        num_releasing: usize,
        next_released: ?[*]f32,
        num_active: *usize,
        greatest_change: *f32,
    ) callconv(.c) Status {
        const hop: spreading.Hop = .{
            .offsets = many(chunk_offsets),
            .num_chunks = num_chunks,
            .sources = many(sources),
            .weights = many(weights),
            .released = many(released),
            .activation = many(activation),
            .retention = retention,
            .hop_decay = hop_decay,
            .releases = many(releases),
            .thresholds = many(thresholds),
            .num_releasing = num_releasing,
            .next_released = many(next_released),
        };
        const hopped = if (thresholds == null) spreading.hop(hop, true) else spreading.hop(hop, false);
        num_active.* = hopped.num_active;
        greatest_change.* = hopped.greatest_change;
        return .done;
    }

    fn spread_activation_hop_batch(
        offsets: abi.Indices,
        num_rows: usize,
        sources: abi.Indices,
        weights: abi.Numbers,
        num_edges: usize,
        released: abi.Numbers,
        activation: ?[*]f32,
        retention: f32,
        hop_decay: f32,
        gates: abi.Numbers,
        num_releasing: usize,
        next_released: ?[*]f32,
        greatest_changes: *[8]f32,
    ) callconv(.c) Status {
        const rows: batch.Rows = .{
            .offsets = many(offsets),
            .num_rows = num_rows,
            .sources = many(sources),
            .weights = many(weights),
            .num_edges = num_edges,
            .released = many(released),
        };
        batch.hop(rows, .{
            .activation = many(activation),
            .retention = retention,
            .hop_decay = hop_decay,
            .gates = @ptrCast(many(gates)),
            .num_releasing = num_releasing,
            .next_released = many(next_released),
            .greatest = greatest_changes,
        });
        return .done;
    }

    fn apply_decay(
        strengths: abi.Numbers,
        ages: ?[*]const f64,
        stabilities: ?[*]const f64,
        results: ?[*]f32,
        count: usize,
        curve: u32,
        exponent: f32,
    ) callconv(.c) Status {
        inline for (.{ decay.Curve.half_life, .time_constant, .power }) |known| {
            if (curve == @intFromEnum(@as(decay.Curve, known))) {
                decay.apply(memories, batches, known, exponent, many(strengths), many(ages), many(stabilities), many(results), count);
                return .done;
            }
        }
        return .no_such_curve;
    }
};

comptime {
    for (abi.kernel_names) |name| {
        const kernel: *const @field(abi.kernels, name) = &@field(implementations, name);
        @export(kernel, .{ .name = "engram_" ++ config.level ++ "_" ++ name, .visibility = .hidden });
    }
}
