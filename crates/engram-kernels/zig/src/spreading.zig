//! One hop of activation along the edges of a graph, pushed or pulled. Both give the same bits, because
//! a target's in-edges add in ascending order of their sources either way.
//!
//!     push: for each firing row, ascending: for each edge: accumulator[target] += released · weight
//!     pull: for each target: sum = +0; for each in-edge, by ascending source:
//!               sum += released[source] · weight
//!           accumulator[target] = sum
//!
//! The pull reads rows in chunks of 16, one row a lane, sorted by length so that little is padded
//! (SELL-16): a padding has weight 0 and adds +0, which changes nothing.

/// Rows of a chunk of the pull.
pub const chunk_rows = 16;

pub const Push = struct {
    sources: [*]const u32,
    released: [*]const f32,
    num_sources: usize,
    offsets: [*]const u32,
    num_rows: usize,
    targets: [*]const u32,
    weights: [*]const f32,
    num_edges: usize,
    accumulator: [*]f32,
    num_nodes: usize,
    reached: [*]u64,
    reached_summary: [*]u64,
};

/// Pushes along the rows `sources`. Every index is checked before it is used: the rows may lie in a
/// file that somebody else wrote. Returns whether all were good; it stops at the first that is not.
pub inline fn push(p: Push) bool {
    for (0..p.num_sources) |s| {
        const row: usize = p.sources[s];
        if (row >= p.num_rows) return false;
        const begin: usize = p.offsets[row];
        const end: usize = p.offsets[row + 1];
        if (begin > end or end > p.num_edges) return false;
        const released = p.released[s];
        for (begin..end) |e| {
            const target: usize = p.targets[e];
            if (target >= p.num_nodes) return false;
            // What holds something was reached before. So most edges need not write a mark, and later
            // ones need not wait for it.
            const arrived = p.accumulator[target];
            if (arrived == 0) {
                p.reached[target / 64] |= @as(u64, 1) << @intCast(target % 64);
                p.reached_summary[target / 4096] |= @as(u64, 1) << @intCast(target / 64 % 64);
            }
            p.accumulator[target] = arrived + released * p.weights[e];
        }
    }
    return true;
}

/// Steps of a pull between the fetching of edges and their use.
const ahead = 16;

/// Has element `index` fetched past the caches, as it is used once and what is released many times. The
/// address may lie beyond the array: a prefetch reads nothing that a program could notice.
inline fn prefetchOnce(array: anytype, index: usize) void {
    const address = @intFromPtr(array) +% index *% 4;
    @prefetch(@as([*]allowzero const u8, @ptrFromInt(address)), .{ .locality = 0 });
}

pub const Pull = struct {
    chunk_offsets: [*]const u32,
    sources: [*]const u32,
    weights: [*]const f32,
    rows: [*]const u32,
    num_rows: usize,
    released: [*]const f32,
    accumulator: [*]f32,
};

/// Pulls into every row.
pub inline fn pull(p: Pull) void {
    var first: usize = 0;
    var chunk: usize = 0;
    while (first < p.num_rows) : ({
        first += chunk_rows;
        chunk += 1;
    }) {
        var sums: @Vector(chunk_rows, f32) = @splat(0);
        var step: usize = p.chunk_offsets[chunk];
        const end: usize = p.chunk_offsets[chunk + 1];
        while (step < end) : (step += 1) {
            const sources = p.sources + step * chunk_rows;
            prefetchOnce(p.sources, (step + ahead) * chunk_rows);
            prefetchOnce(p.weights, (step + ahead) * chunk_rows);
            const weights: @Vector(chunk_rows, f32) = p.weights[step * chunk_rows ..][0..chunk_rows].*;
            var released: [chunk_rows]f32 = undefined;
            inline for (0..chunk_rows) |lane| released[lane] = p.released[sources[lane]];
            sums += @as(@Vector(chunk_rows, f32), released) * weights;
        }
        const results: [chunk_rows]f32 = sums;
        const rows = p.rows + first;
        if (p.num_rows - first >= chunk_rows) {
            inline for (0..chunk_rows) |lane| p.accumulator[rows[lane]] = results[lane];
        } else {
            for (0..p.num_rows - first) |lane| p.accumulator[rows[lane]] = results[lane];
        }
    }
}
