//! The functions of the C interface, as `include/engram_kernels.h` describes them: each hands its
//! arguments to the object of the level that the caller names. Compiled for the target's baseline.

const std = @import("std");
const builtin = @import("builtin");
const abi = @import("abi.zig");
const config = @import("config");
const processor = @import("processor.zig");

/// No function can panic; nothing of std's panic handler is compiled in.
pub const panic = std.debug.no_panic;

const Level = abi.Level;
const Status = abi.Status;

/// The levels in this library.
const levels: []const Level = switch (builtin.cpu.arch) {
    .x86_64 => &.{ .x86_64_v4, .x86_64_v3, .x86_64_v2 },
    .aarch64 => &.{.neon},
    .wasm32 => &.{.wasm_simd128},
    else => &.{},
};

/// Calls the kernel `name` of `level`.
inline fn call(comptime name: []const u8, level: Level, arguments: anytype) Status {
    inline for (levels) |candidate| {
        if (level == candidate) {
            const symbol = "engram_" ++ @tagName(candidate) ++ "_" ++ name;
            const kernel = @extern(*const @field(abi.kernels, name), .{ .name = symbol, .visibility = .hidden });
            return @call(.auto, kernel, arguments);
        }
    }
    return .no_such_level;
}

const functions = struct {
    pub fn engram_kernels_abi_version() callconv(.c) u32 {
        return abi.version;
    }

    pub fn engram_kernels_best_level() callconv(.c) Level {
        return processor.bestLevel();
    }

    pub fn engram_vector_similarity(
        level: Level,
        query: abi.Numbers,
        query_norm: f32,
        candidates: abi.Numbers,
        scores: ?[*]f32,
        query_len: usize,
        num_candidates: usize,
    ) callconv(.c) Status {
        if (query_len == 0) return zeros(level, scores, num_candidates);
        return call("vector_similarity", level, .{ query, query_norm, candidates, scores, query_len, num_candidates });
    }

    pub fn engram_vector_dot(
        level: Level,
        query: abi.Numbers,
        candidates: abi.Numbers,
        scores: ?[*]f32,
        query_len: usize,
        num_candidates: usize,
    ) callconv(.c) Status {
        if (query_len == 0) return zeros(level, scores, num_candidates);
        return call("vector_dot", level, .{ query, candidates, scores, query_len, num_candidates });
    }

    pub fn engram_vector_dot_top_k(
        level: Level,
        query: abi.Numbers,
        candidates: abi.Numbers,
        query_len: usize,
        num_candidates: usize,
        first_id: u32,
        keys: ?[*]u64,
        num_keys: *usize,
        k: usize,
    ) callconv(.c) Status {
        return call("vector_dot_top_k", level, .{
            query, candidates, query_len, num_candidates, first_id, keys, num_keys, k,
        });
    }

    pub fn engram_vector_norms(
        level: Level,
        candidates: abi.Numbers,
        norms: ?[*]f32,
        dimensions: usize,
        num_candidates: usize,
    ) callconv(.c) Status {
        if (dimensions == 0) return zeros(level, norms, num_candidates);
        return call("vector_norms", level, .{ candidates, norms, dimensions, num_candidates });
    }

    pub fn engram_vector_dot_i8(
        level: Level,
        query: ?[*]const i16,
        codes: abi.Codes,
        dots: ?[*]i32,
        query_len: usize,
        num_candidates: usize,
    ) callconv(.c) Status {
        if (query_len == 0) return zeros(level, dots, num_candidates);
        return call("vector_dot_i8", level, .{ query, codes, dots, query_len, num_candidates });
    }

    pub fn engram_spread_activation_push(
        level: Level,
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
        return call("spread_activation_push", level, .{
            sources, released,  num_sources, offsets,   num_rows,      targets,
            weights, num_edges, accumulator, num_nodes, touched_lines, touched_regions,
        });
    }

    pub fn engram_spread_activation_settle(
        level: Level,
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
        return call("spread_activation_settle", level, .{
            lines, num_lines, activation, accumulator, retention, hop_decay, active, num_active, greatest_change,
        });
    }

    pub fn engram_spread_activation_pull(
        level: Level,
        chunk_offsets: abi.Indices,
        sources: abi.Indices,
        weights: abi.Numbers,
        rows: abi.Indices,
        num_rows: usize,
        released: abi.Numbers,
        accumulator: ?[*]f32,
    ) callconv(.c) Status {
        return call("spread_activation_pull", level, .{
            chunk_offsets, sources, weights, rows, num_rows, released, accumulator,
        });
    }

    pub fn engram_spread_activation_pull_rows(
        level: Level,
        offsets: abi.Indices,
        sources: abi.Indices,
        weights: abi.Numbers,
        rows: abi.Indices,
        num_rows: usize,
        released: abi.Numbers,
        accumulator: ?[*]f32,
    ) callconv(.c) Status {
        return call("spread_activation_pull_rows", level, .{
            offsets, sources, weights, rows, num_rows, released, accumulator,
        });
    }

    pub fn engram_spread_activation_pull_batch(
        level: Level,
        offsets: abi.Indices,
        num_rows: usize,
        sources: abi.Indices,
        weights: abi.Numbers,
        num_edges: usize,
        released: abi.Numbers,
        arrived: ?[*]f32,
    ) callconv(.c) Status {
        return call("spread_activation_pull_batch", level, .{
            offsets, num_rows, sources, weights, num_edges, released, arrived,
        });
    }

    pub fn engram_spread_activation_hop(
        level: Level,
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
        return call("spread_activation_hop", level, .{
            chunk_offsets, num_chunks, sources,       weights,       released,   activation,      retention,
            hop_decay,     releases,   thresholds,    num_releasing, next_released, num_active, greatest_change,
        });
    }

    pub fn engram_spread_activation_hop_batch(
        level: Level,
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
        return call("spread_activation_hop_batch", level, .{
            offsets,    num_rows,  sources,   weights, num_edges,     released,
            activation, retention, hop_decay, gates,   num_releasing, next_released,
            greatest_changes,
        });
    }

    pub fn engram_apply_decay(
        level: Level,
        strengths: abi.Numbers,
        ages_seconds: ?[*]const f64,
        stabilities_seconds: ?[*]const f64,
        results: ?[*]f32,
        num_memories: usize,
        curve: u32,
        exponent: f32,
    ) callconv(.c) Status {
        return call("apply_decay", level, .{
            strengths, ages_seconds, stabilities_seconds, results, num_memories, curve, exponent,
        });
    }
};

/// The result for vectors without dimensions.
fn zeros(level: Level, scores: anytype, count: usize) Status {
    inline for (levels) |candidate| {
        if (level == candidate) {
            // Volatile, so that it becomes no call of memset: the library needs nothing from outside.
            for (abi.many(scores)[0..count]) |*score| @as(*volatile @TypeOf(score.*), score).* = 0;
            return .done;
        }
    }
    return .no_such_level;
}

comptime {
    publish("engram_kernels_abi_version");
    publish("engram_kernels_best_level");
    for (abi.kernel_names) |name| publish("engram_" ++ name);
}

fn publish(comptime name: []const u8) void {
    @export(&@field(functions, name), .{
        .name = name,
        .visibility = if (config.hidden) .hidden else .default,
    });
}
