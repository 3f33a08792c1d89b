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

const fetch = @import("prefetch.zig").fetch;

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
    /// A byte for each line of 16 nodes, and for each region of 64 lines.
    touched_lines: [*]u8,
    touched_regions: [*]u8,
};

/// Rows between the fetching of a row's offsets and that of its first edges, and their use.
const offsets_ahead = 12;
const rows_ahead = 6;

/// Edges in a line of the caches, edges between their fetching and their use, and how many of a row's
/// first lines are fetched before it begins: always as many, as how long rows are cannot be predicted.
const line_edges = 16;
const edges_ahead = 16 * line_edges;
const first_lines = 2;

/// Pushes along the rows `sources`, and marks what is reached if `marked`. Every index is checked before
/// it is used: the rows may lie in a file that somebody else wrote. Returns whether all were good; it
/// stops at the first that is not.
///
/// An edge waits for its row's offsets, for its own place in the row, and for its target's accumulator,
/// each of which may be far from the processor. So rows are fetched ahead of their turn, and edges go by
/// sixteen, with one branch for all, so that many accumulators are waited for at once.
pub inline fn push(p: Push, comptime marked: bool) bool {
    // Where there are more nodes than 32 bits number, none of the greatest that they do is a target.
    const nodes: @Vector(line_edges, u32) = @splat(@min(p.num_nodes, 0xffff_ffff));
    for (0..p.num_sources) |s| {
        if (s + offsets_ahead < p.num_sources) {
            fetch(p.offsets, p.sources[s + offsets_ahead], 3);
            fetchRow(p, p.sources[s + rows_ahead]);
        }
        const row: usize = p.sources[s];
        if (row >= p.num_rows) return false;
        const begin: usize = p.offsets[row];
        const end: usize = p.offsets[row + 1];
        if (begin > end or end > p.num_edges) return false;
        const released = p.released[s];
        var edge = begin;
        while (end - edge >= line_edges) : (edge += line_edges) {
            fetch(p.targets, edge + edges_ahead, 3);
            fetch(p.weights, edge + edges_ahead, 3);
            const targets: @Vector(line_edges, u32) = p.targets[edge..][0..line_edges].*;
            if (@reduce(.Or, targets >= nodes)) return false;
            inline for (0..line_edges) |next| add(p, marked, edge + next, released);
        }
        while (edge < end) : (edge += 1) {
            if (p.targets[edge] >= p.num_nodes) return false;
            add(p, marked, edge, released);
        }
    }
    return true;
}

/// Adds what goes along an edge to its target, which is good.
inline fn add(p: Push, comptime marked: bool, edge: usize, released: f32) void {
    const target: usize = p.targets[edge];
    p.accumulator[target] += released * p.weights[edge];
    if (marked) {
        p.touched_lines[target / 16] = 1;
        p.touched_regions[target / 1024] = 1;
    }
}

/// Fetches the first edges of a row.
inline fn fetchRow(p: Push, row: usize) void {
    if (row >= p.num_rows) return;
    const first: usize = p.offsets[row];
    inline for (0..first_lines) |line| {
        fetch(p.targets, first + line * line_edges, 3);
        fetch(p.weights, first + line * line_edges, 3);
    }
}

/// Steps of a pull between the fetching of edges and their use.
const ahead = 64;

/// In-edges of rows: by chunks of 16 rows, or row by row.
pub const Pull = struct {
    /// Of the chunks' steps, or of the rows' edges.
    offsets: [*]const u32,
    sources: [*]const u32,
    weights: [*]const f32,
    rows: [*]const u32,
    num_rows: usize,
    released: [*]const f32,
    accumulator: [*]f32,
};

/// Pulls into every row of chunks.
pub inline fn pull(p: Pull) void {
    var first: usize = 0;
    var chunk: usize = 0;
    while (first < p.num_rows) : ({
        first += chunk_rows;
        chunk += 1;
    }) {
        var sums: @Vector(chunk_rows, f32) = @splat(0);
        var step: usize = p.offsets[chunk];
        const end: usize = p.offsets[chunk + 1];
        while (step < end) : (step += 1) {
            const sources = p.sources + step * chunk_rows;
            // Past the caches, as an edge is used once and what is released many times.
            fetch(p.sources, (step + ahead) * chunk_rows, 0);
            fetch(p.weights, (step + ahead) * chunk_rows, 0);
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

/// Long rows that are pulled into side by side: an addition waits for the one before it in its row, but
/// not for those of other rows.
const side_by_side = 4;

/// Pulls into rows that lie one after another, longest first.
pub inline fn pullRows(p: Pull) void {
    var first: usize = 0;
    while (first < p.num_rows) {
        const count = @min(p.num_rows - first, side_by_side);
        var edges: [side_by_side]usize = undefined;
        var sums: [side_by_side]f32 = undefined;
        inline for (0..side_by_side) |i| {
            edges[i] = p.offsets[first + @min(i, count - 1)];
            sums[i] = 0;
        }
        // As many edges as the last, and shortest, has; then the rest of each.
        const last = first + count - 1;
        const shared = if (count == side_by_side) p.offsets[last + 1] - p.offsets[last] else 0;
        for (0..shared) |_| {
            inline for (0..side_by_side) |i| {
                sums[i] += p.released[p.sources[edges[i]]] * p.weights[edges[i]];
                edges[i] += 1;
            }
        }
        inline for (0..side_by_side) |i| {
            if (i < count) {
                var sum = sums[i];
                for (edges[i]..p.offsets[first + i + 1]) |edge| sum += p.released[p.sources[edge]] * p.weights[edge];
                p.accumulator[p.rows[first + i]] = sum;
            }
        }
        first += count;
    }
}
