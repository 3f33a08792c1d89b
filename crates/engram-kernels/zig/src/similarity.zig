//! Dot products, norms and cosines of one query against the rows of a block.
//!
//!     lanes[0..32] = +0
//!     for i in 0..dimensions: lanes[i mod 32] += query[i] · row[i]       (multiply, then add)
//!     dot    = lanes folded by halving
//!     norm   = sqrt(row · row)
//!     cosine = dot / (query_norm · row_norm), 0 where either norm is 0, then clamped to [−1, 1]
//!
//! The fast form reads the block from its beginning to its end, one row after another, as memory likes it
//! best; the lanes of four rows are then folded together, so that they share its last steps, the square
//! root and the division. Where 32 lanes of each sum would not fit the registers, a row is read twice,
//! once for each half of the lanes.
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
const Best = @import("top_k.zig").Best;

/// How far ahead of its use a block is fetched, by its size, as the caches of today's processors are: one
/// that fits those next to a core is not, because there it costs more than it saves; one that fits a shared
/// one a little, and one that must come from memory far.
const Ahead = struct {
    const least_shared = 512 << 10;
    const least_far = 8 << 20;

    /// Bytes between the fetching of numbers and their use.
    inline fn of(block: usize) usize {
        return if (block < least_far) 2048 else 8192;
    }
};

/// Rows that are folded together.
const folded = 4;

/// Rows that are scored before any is offered to the best.
const run_rows = 64;

/// What is computed of each row.
pub const Kind = enum { dot, norm, cosine };

/// Lanes of a row that are summed at a time: 32, or 16 in two goes, as the registers allow.
pub const Lanes = struct {
    dot: comptime_int,
    norm: comptime_int,
    cosine: comptime_int,
};

/// The kernels with vectors of `width` numbers.
pub fn Similarity(comptime width: comptime_int, comptime lanes: Lanes) type {
    return struct {
        const V = @Vector(width, f32);
        const zero: V = @splat(0);

        pub fn dot(query: [*]const f32, rows: [*]const f32, scores: [*]f32, dimensions: usize, count: usize) void {
            run(.dot, lanes.dot, query, 0, rows, scores, dimensions, count, count);
        }

        /// Scores the rows of a block, whose ids ascend from `first_id`, and offers them to the best.
        pub fn dotTopK(query: [*]const f32, rows: [*]const f32, dimensions: usize, count: usize, first_id: u32, best: *Best) void {
            var scores: [run_rows]f32 = undefined;
            var r: usize = 0;
            while (r < count) : (r += run_rows) {
                const scored = @min(run_rows, count - r);
                run(.dot, lanes.dot, query, 0, rows + r * dimensions, &scores, dimensions, scored, count - r);
                best.offerAll(first_id +% @as(u32, @truncate(r)), scores[0..scored]);
            }
        }

        pub fn norms(rows: [*]const f32, results: [*]f32, dimensions: usize, count: usize) void {
            run(.norm, lanes.norm, rows, 0, rows, results, dimensions, count, count);
        }

        pub fn similarity(
            query: [*]const f32,
            query_norm: f32,
            rows: [*]const f32,
            scores: [*]f32,
            dimensions: usize,
            count: usize,
        ) void {
            run(.cosine, lanes.cosine, query, query_norm, rows, scores, dimensions, count, count);
        }

        /// Goes through the first `count` rows of a block of `block_rows`. `dimensions` is at least 1.
        inline fn run(
            comptime kind: Kind,
            comptime at_a_time: comptime_int,
            query: [*]const f32,
            query_norm: f32,
            rows: [*]const f32,
            results: [*]f32,
            dimensions: usize,
            count: usize,
            block_rows: usize,
        ) void {
            @setEvalBranchQuota(20_000);
            const tail = dimensions % width;
            const whole = dimensions - tail;
            const numbers = dimensions * block_rows;
            const bytes = numbers * @sizeOf(f32);
            const block: Block = .{
                .query = query,
                .query_tail = if (kind == .norm) zero else loadFirst(f32, width, query + whole, tail),
                .query_norm = query_norm,
                .dimensions = dimensions,
                .ahead = Ahead.of(bytes),
            };
            // The rows whose tail may be loaded as a whole vector, because the block goes on behind it.
            const inner = if (tail == 0)
                count
            else if (numbers >= whole + width)
                @min(count, (numbers - whole - width) / dimensions + 1)
            else
                0;
            const Scan = Rows(kind, at_a_time);
            var r: usize = 0;
            if (bytes >= Ahead.least_shared) {
                while (r + folded <= inner) : (r += folded) {
                    Scan.score(folded, true, true, block, rows + r * dimensions, results + r);
                }
            } else {
                while (r + folded <= inner) : (r += folded) {
                    Scan.score(folded, true, false, block, rows + r * dimensions, results + r);
                }
            }
            while (r < inner) : (r += 1) Scan.score(1, true, false, block, rows + r * dimensions, results + r);
            while (r < count) : (r += 1) Scan.score(1, false, false, block, rows + r * dimensions, results + r);
        }

        const Block = struct {
            query: [*]const f32,
            /// What of the query fills no whole vector, then zeros.
            query_tail: V,
            query_norm: f32,
            dimensions: usize,
            /// Bytes between the fetching of numbers and their use.
            ahead: usize,
        };

        fn Rows(comptime kind: Kind, comptime at_a_time: comptime_int) type {
            return struct {
                const vectors = at_a_time / width;

                /// The sums of the lanes of one row.
                const Sums = struct {
                    dots: if (kind == .norm) void else [vectors]V,
                    squares: if (kind == .dot) void else [vectors]V,
                };

                /// Scores some rows.
                inline fn score(
                    comptime rows_folded: comptime_int,
                    comptime inner: bool,
                    comptime fetch: bool,
                    block: Block,
                    rows: [*]const f32,
                    results: [*]f32,
                ) void {
                    var dots: [rows_folded]reduce.Four = undefined;
                    var squares: [rows_folded]reduce.Four = undefined;
                    for (0..rows_folded) |r| {
                        const sums = row(inner, fetch, block, rows + r * block.dimensions);
                        if (kind != .norm) dots[r] = reduce.toFour(width, vectors, sums.dots);
                        if (kind != .dot) squares[r] = reduce.toFour(width, vectors, sums.squares);
                    }
                    const R = @Vector(rows_folded, f32);
                    const values: R = switch (kind) {
                        .dot => reduce.fold(rows_folded, dots),
                        .norm => @sqrt(reduce.fold(rows_folded, squares)),
                        .cosine => cosines(
                            R,
                            reduce.fold(rows_folded, dots),
                            block.query_norm,
                            @sqrt(reduce.fold(rows_folded, squares)),
                        ),
                    };
                    results[0..rows_folded].* = values;
                }

                /// The sums of one row, in as many lanes as are summed at a time.
                inline fn row(comptime inner: bool, comptime fetch: bool, block: Block, numbers: [*]const f32) Sums {
                    var sums = accumulate(inner, fetch, 0, block, numbers);
                    if (at_a_time == 16) {
                        // The first step of the fold: lane j += lane j + 16.
                        const upper = accumulate(inner, false, 16, block, numbers);
                        inline for (0..vectors) |v| {
                            if (kind != .norm) sums.dots[v] += upper.dots[v];
                            if (kind != .dot) sums.squares[v] += upper.squares[v];
                        }
                    }
                    return sums;
                }

                /// The sums of the lanes from `first` on.
                inline fn accumulate(
                    comptime inner: bool,
                    comptime fetch: bool,
                    comptime first: comptime_int,
                    block: Block,
                    numbers: [*]const f32,
                ) Sums {
                    const dimensions = block.dimensions;
                    const start: [vectors]V = @splat(zero);
                    var sums: Sums = .{
                        .dots = if (kind == .norm) {} else start,
                        .squares = if (kind == .dot) {} else start,
                    };
                    var i: usize = 0;
                    while (i + contract.lanes <= dimensions) : (i += contract.lanes) {
                        if (fetch) prefetch(numbers, i * @sizeOf(f32) + block.ahead, contract.lanes * @sizeOf(f32));
                        inline for (0..vectors) |v| {
                            const at = i + first + v * width;
                            const q = if (kind == .norm) zero else load(block.query + at);
                            add(&sums, v, q, load(numbers + at));
                        }
                    }
                    inline for (0..vectors) |v| {
                        const at = i + first + v * width;
                        if (at + width <= dimensions) {
                            const q = if (kind == .norm) zero else load(block.query + at);
                            add(&sums, v, q, load(numbers + at));
                        } else if (at < dimensions) {
                            const count = dimensions - at;
                            const rest = numbers + at;
                            const c = if (inner) keepFirst(load(rest), count) else loadFirst(f32, width, rest, count);
                            add(&sums, v, block.query_tail, c);
                        }
                    }
                    return sums;
                }

                inline fn add(sums: *Sums, comptime v: usize, q: V, c: V) void {
                    if (kind != .norm) sums.dots[v] += q * c;
                    if (kind != .dot) sums.squares[v] += c * c;
                }
            };
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
