//! Dot products, norms and cosines of one query against the rows of a block.
//!
//!     lanes[0..32] = +0
//!     for i in 0..dimensions: lanes[i mod 32] += query[i] · row[i]       (multiply, then add)
//!     dot    = lanes folded by halving
//!     norm   = sqrt(row · row)
//!     cosine = dot / (query_norm · row_norm), 0 where either norm is 0, then clamped to [−1, 1]
//!
//! The fast form scores several rows at once, so that they share each load of the query, the fold of
//! the lanes, the square root and the division. Where 32 lanes of each sum would not fit the
//! registers, a tile goes through its rows twice, once for each half of the lanes.
//!
//! A tail fills part of one vector. Any row but the last few is followed by other rows of the block:
//! there the whole vector is loaded and what belongs to the next row replaced by zeros. The last rows
//! load their tail in pieces of 8, 4, 2 and 1, so nothing outside the block is ever read. A zero adds
//! +0 to its lane, which changes nothing, because lanes that start at +0 never become −0.

const std = @import("std");
const contract = @import("contract.zig");
const reduce = @import("reduce.zig");

/// What is computed of each row.
pub const Kind = enum { dot, norm, cosine };

/// How a tile of rows fits the registers of a processor level.
pub const Tile = struct {
    /// Rows at a time: 1, 2 or 4.
    rows: comptime_int,
    /// Lanes at a time: 32, or 16 in two goes.
    lanes: comptime_int,
};

/// The kernels with vectors of `width` numbers.
pub fn Similarity(comptime width: comptime_int, comptime tiles: struct { dot: Tile, norm: Tile, cosine: Tile }) type {
    return struct {
        const V = @Vector(width, f32);
        const zero: V = @splat(0);

        pub fn dot(query: [*]const f32, rows: [*]const f32, scores: [*]f32, dimensions: usize, count: usize) void {
            run(.dot, tiles.dot, query, 0, rows, scores, dimensions, count);
        }

        pub fn norms(rows: [*]const f32, results: [*]f32, dimensions: usize, count: usize) void {
            run(.norm, tiles.norm, rows, 0, rows, results, dimensions, count);
        }

        pub fn similarity(
            query: [*]const f32,
            query_norm: f32,
            rows: [*]const f32,
            scores: [*]f32,
            dimensions: usize,
            count: usize,
        ) void {
            run(.cosine, tiles.cosine, query, query_norm, rows, scores, dimensions, count);
        }

        /// Goes through the block tile by tile. `dimensions` is at least 1.
        inline fn run(
            comptime kind: Kind,
            comptime tile: Tile,
            query: [*]const f32,
            query_norm: f32,
            rows: [*]const f32,
            results: [*]f32,
            dimensions: usize,
            count: usize,
        ) void {
            const tail = dimensions % width;
            const whole = dimensions - tail;
            const block: Block = .{
                .query = query,
                .query_tail = if (kind == .norm) zero else loadFirst(query + whole, tail),
                .query_norm = query_norm,
                .dimensions = dimensions,
            };
            // The rows whose tail may be loaded as a whole vector, because the block goes on behind it.
            const numbers = dimensions * count;
            const inner = if (tail == 0)
                count
            else if (numbers >= whole + width)
                (numbers - whole - width) / dimensions + 1
            else
                0;
            var r: usize = 0;
            while (r + tile.rows <= inner) : (r += tile.rows) {
                score(kind, tile, true, block, rows + r * dimensions, results + r);
            }
            const single: Tile = .{ .rows = 1, .lanes = tile.lanes };
            while (r < inner) : (r += 1) score(kind, single, true, block, rows + r * dimensions, results + r);
            while (r < count) : (r += 1) score(kind, single, false, block, rows + r * dimensions, results + r);
        }

        const Block = struct {
            query: [*]const f32,
            /// What of the query fills no whole vector, then zeros.
            query_tail: V,
            query_norm: f32,
            dimensions: usize,
        };

        /// Scores the rows of one tile.
        inline fn score(
            comptime kind: Kind,
            comptime tile: Tile,
            comptime inner: bool,
            block: Block,
            rows: [*]const f32,
            results: [*]f32,
        ) void {
            var sums: Sums(kind, tile, tile.lanes) = accumulate(kind, tile, inner, 0, block, rows);
            if (tile.lanes == 16) {
                // The first step of the fold: lane j += lane j + 16.
                const upper = accumulate(kind, tile, inner, 16, block, rows);
                inline for (0..tile.rows) |r| inline for (0..16 / width) |v| {
                    if (kind != .norm) sums.dots[r][v] += upper.dots[r][v];
                    if (kind != .dot) sums.squares[r][v] += upper.squares[r][v];
                };
            }
            const count = tile.lanes / width;
            const R = @Vector(tile.rows, f32);
            const values: R = switch (kind) {
                .dot => reduce.fold(width, count, tile.rows, sums.dots),
                .norm => @sqrt(reduce.fold(width, count, tile.rows, sums.squares)),
                .cosine => cosine: {
                    const dots = reduce.fold(width, count, tile.rows, sums.dots);
                    const squares = reduce.fold(width, count, tile.rows, sums.squares);
                    const row_norms = @sqrt(squares);
                    break :cosine cosines(R, dots, block.query_norm, row_norms);
                },
            };
            results[0..tile.rows].* = values;
        }

        fn Sums(comptime kind: Kind, comptime tile: Tile, comptime lanes: comptime_int) type {
            const Lanes = [tile.rows][lanes / width]V;
            return struct {
                dots: if (kind == .norm) void else Lanes,
                squares: if (kind == .dot) void else Lanes,
            };
        }

        /// The sums of lanes `first..first + tile.lanes` of each row.
        inline fn accumulate(
            comptime kind: Kind,
            comptime tile: Tile,
            comptime inner: bool,
            comptime first: comptime_int,
            block: Block,
            rows: [*]const f32,
        ) Sums(kind, tile, tile.lanes) {
            const dimensions = block.dimensions;
            const vectors = tile.lanes / width;
            const start: [tile.rows][vectors]V = @splat(@splat(zero));
            var sums: Sums(kind, tile, tile.lanes) = .{
                .dots = if (kind == .norm) {} else start,
                .squares = if (kind == .dot) {} else start,
            };
            var i: usize = 0;
            while (i + contract.lanes <= dimensions) : (i += contract.lanes) {
                inline for (0..vectors) |v| {
                    const at = i + first + v * width;
                    const q = if (kind == .norm) zero else load(block.query + at);
                    inline for (0..tile.rows) |r| {
                        add(kind, &sums, r, v, q, load(rows + r * dimensions + at));
                    }
                }
            }
            inline for (0..vectors) |v| {
                const at = i + first + v * width;
                if (at + width <= dimensions) {
                    const q = if (kind == .norm) zero else load(block.query + at);
                    inline for (0..tile.rows) |r| {
                        add(kind, &sums, r, v, q, load(rows + r * dimensions + at));
                    }
                } else if (at < dimensions) {
                    inline for (0..tile.rows) |r| {
                        const row = rows + r * dimensions + at;
                        const count = dimensions - at;
                        const c = if (inner) keepFirst(load(row), count) else loadFirst(row, count);
                        add(kind, &sums, r, v, block.query_tail, c);
                    }
                }
            }
            return sums;
        }

        inline fn add(comptime kind: Kind, sums: anytype, comptime r: usize, comptime v: usize, q: V, c: V) void {
            if (kind != .norm) sums.dots[r][v] += q * c;
            if (kind != .dot) sums.squares[r][v] += c * c;
        }

        inline fn load(numbers: [*]const f32) V {
            return numbers[0..width].*;
        }

        /// The first `count` numbers, then zeros.
        inline fn keepFirst(numbers: V, count: usize) V {
            const Lane = @Vector(width, u32);
            const limit: Lane = @splat(@intCast(count));
            return @select(f32, std.simd.iota(u32, width) < limit, numbers, zero);
        }

        /// As `keepFirst`, but reads no more than these.
        fn loadFirst(numbers: [*]const f32, count: usize) V {
            @setEvalBranchQuota(10_000);
            return switch (count) {
                inline 1...width - 1 => |few| pieces(width, few, numbers),
                else => zero,
            };
        }

        /// Halves the vector until each half is full or empty.
        inline fn pieces(comptime size: usize, comptime count: usize, numbers: [*]const f32) @Vector(size, f32) {
            if (count == size) return numbers[0..size].*;
            if (count == 0) return @splat(0);
            const half = size / 2;
            const low = pieces(half, @min(count, half), numbers);
            const high = pieces(half, count - @min(count, half), numbers + half);
            return std.simd.join(low, high);
        }
    };
}

/// Cosines from their parts. A NaN stays one: comparisons with it are false.
inline fn cosines(comptime R: type, dots: R, query_norm: f32, row_norms: R) R {
    const zero: R = @splat(0);
    const one: R = @splat(1);
    const query_norms: R = @splat(query_norm);
    const ratio = dots / (query_norms * row_norms);
    const clamped = @select(f32, ratio > one, one, @select(f32, ratio < -one, -one, ratio));
    const positive = clamped + zero; // an underflowed −0 becomes +0
    return @select(f32, query_norms == zero, zero, @select(f32, row_norms == zero, zero, positive));
}
