//! Dot products of a query of 16-bit integers with rows of 8-bit codes: the scan that finds which
//! vectors are worth an exact score.
//!
//!     dots[r] = Σ query[i] · codes[r][i]        in 32 bits, wrapping, so in any order
//!
//! The fast form widens some codes at a time to 16 bits and adds the products of neighbours in pairs, which
//! is one instruction on x86-64 (pmaddwd). Four rows share each load of the query. The rows of a tile
//! lie behind one another, so what comes next is fetched ahead in the order of the block.
//!
//! A tail fills part of a vector. Any row but the last few is followed by others: there the whole vector is
//! loaded, and what belongs to the next row meets zeros of the query. The last rows load their tail in
//! pieces, so that nothing outside the block is read.

const loadFirst = @import("tail.zig").loadFirst;
const prefetch = @import("prefetch.zig").prefetch;

/// Rows of a tile.
const tile_rows = 4;

/// Bytes between the fetching of codes and their use: some hundred nanoseconds at the memory's speed.
const ahead = 4096;

/// The kernel with vectors of `width` codes.
pub fn Quantised(comptime width: comptime_int) type {
    return struct {
        const Query = @Vector(width, i16);
        const Codes = @Vector(width, i8);
        const Sums = @Vector(width / 2, i32);

        /// Scores the rows of a block. `dimensions` is at least 1.
        pub fn dot(query: [*]const i16, rows: [*]const i8, dots: [*]i32, dimensions: usize, count: usize) void {
            if (dimensions == 0) unreachable; // else the compiler writes zeros for it, by memset
            const tail = dimensions % width;
            const whole = dimensions - tail;
            const block: Block = .{
                .query = query,
                .tail = loadFirst(i16, width, query + whole, tail),
                .whole = whole,
                .dimensions = dimensions,
            };
            // The rows whose tail may be loaded as a whole vector, because the block goes on behind it.
            const codes = dimensions * count;
            const inner = if (tail == 0)
                count
            else if (codes >= whole + width)
                (codes - whole - width) / dimensions + 1
            else
                0;
            var r: usize = 0;
            while (r + tile_rows <= inner) : (r += tile_rows) {
                dots[r..][0..tile_rows].* = score(tile_rows, true, block, rows + r * dimensions);
            }
            while (r < inner) : (r += 1) dots[r..][0..1].* = score(1, true, block, rows + r * dimensions);
            while (r < count) : (r += 1) dots[r..][0..1].* = score(1, false, block, rows + r * dimensions);
        }

        const Block = struct {
            query: [*]const i16,
            /// What of the query fills no whole vector, then zeros.
            tail: Query,
            /// Dimensions before the tail.
            whole: usize,
            dimensions: usize,
        };

        inline fn score(comptime tile: comptime_int, comptime inner: bool, block: Block, rows: [*]const i8) [tile]i32 {
            const dimensions = block.dimensions;
            var sums: [tile]Sums = @splat(@splat(0));
            var i: usize = 0;
            while (i < block.whole) : (i += width) {
                if (tile > 1) prefetch(rows, i * tile + ahead, width * tile);
                const q: Query = block.query[i..][0..width].*;
                inline for (0..tile) |r| sums[r] +%= products(q, rows[r * dimensions + i ..][0..width].*);
            }
            if (block.whole < dimensions) {
                inline for (0..tile) |r| {
                    const row = rows + r * dimensions + block.whole;
                    const codes: Codes = if (inner) row[0..width].* else loadFirst(i8, width, row, dimensions - block.whole);
                    sums[r] +%= products(block.tail, codes);
                }
            }
            var dots: [tile]i32 = undefined;
            inline for (0..tile) |r| dots[r] = @reduce(.Add, sums[r]);
            return dots;
        }

        /// The products, those of neighbours added.
        inline fn products(query: Query, codes: Codes) Sums {
            const wide: Query = codes;
            const all = @as(@Vector(width, i32), query) *% @as(@Vector(width, i32), wide);
            return @shuffle(i32, all, undefined, every_second(0)) +% @shuffle(i32, all, undefined, every_second(1));
        }

        fn every_second(comptime first: comptime_int) @Vector(width / 2, i32) {
            comptime var mask: [width / 2]i32 = undefined;
            inline for (0..width / 2) |i| mask[i] = 2 * i + first;
            return mask;
        }
    };
}
