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
const loadFirst = @import("tail.zig").loadFirst;
const prefetch = @import("prefetch.zig").prefetch;
const reduce = @import("reduce.zig");

/// Bytes between the fetching of numbers and their use. The rows of a tile lie behind one another, so what comes
/// next is fetched in the order of the block. Measured on Zen 5 at x86-64-v4, two rows and 8 KiB are the best over
/// blocks in L2, in L3 and in memory: with 2 KiB, those in memory gain nothing; with 16 KiB or tiles of four
/// rows, those in L2 are slower.
const ahead = 8192;

/// What is computed of each row.
pub const Kind = enum { dot, norm, cosine };

/// How a tile of rows fits the registers of a processor level.
pub const Tile = struct {
    /// Rows at a time: 1, 2 or 4.
    rows: comptime_int,
    /// Lanes at a time: 32, or 16 in two goes.
    lanes: comptime_int,
};

pub const Tiles = struct {
    dot: Tile,
    norm: Tile,
    cosine: Tile,
    /// Bytes of the least block that is fetched ahead of its use. With registers of less than a line, the
    /// instructions for it cost more than they save while the block is in a cache.
    fetched: comptime_int,
};

/// The kernels with vectors of `width` numbers.
pub fn Similarity(comptime width: comptime_int, comptime tiles: Tiles) type {
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
                .query_tail = if (kind == .norm) zero else loadFirst(f32, width, query + whole, tail),
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
            if (numbers * @sizeOf(f32) >= tiles.fetched) {
                while (r + tile.rows <= inner) : (r += tile.rows) {
                    score(kind, tile, true, true, block, rows + r * dimensions, results + r);
                }
            } else {
                while (r + tile.rows <= inner) : (r += tile.rows) {
                    score(kind, tile, true, false, block, rows + r * dimensions, results + r);
                }
            }
            const single: Tile = .{ .rows = 1, .lanes = tile.lanes };
            while (r < inner) : (r += 1) score(kind, single, true, false, block, rows + r * dimensions, results + r);
            while (r < count) : (r += 1) score(kind, single, false, false, block, rows + r * dimensions, results + r);
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
            comptime fetch: bool,
            block: Block,
            rows: [*]const f32,
            results: [*]f32,
        ) void {
            var sums: Sums(kind, tile, tile.lanes) = accumulate(kind, tile, inner, fetch, 0, block, rows);
            if (tile.lanes == 16) {
                // The first step of the fold: lane j += lane j + 16.
                const upper = accumulate(kind, tile, inner, false, 16, block, rows);
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
            comptime fetch: bool,
            comptime first: comptime_int,
            block: Block,
            rows: [*]const f32,
        ) Sums(kind, tile, tile.lanes) {
            const dimensions = block.dimensions;
            const vectors = tile.lanes / width;
            const step = tile.rows * @sizeOf(f32); // bytes of the tile to a dimension
            const start: [tile.rows][vectors]V = @splat(@splat(zero));
            var sums: Sums(kind, tile, tile.lanes) = .{
                .dots = if (kind == .norm) {} else start,
                .squares = if (kind == .dot) {} else start,
            };
            var i: usize = 0;
            while (i + contract.lanes <= dimensions) : (i += contract.lanes) {
                if (fetch) prefetch(rows, i * step + ahead, contract.lanes * step);
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
                        const c = if (inner) keepFirst(load(row), count) else loadFirst(f32, width, row, count);
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
