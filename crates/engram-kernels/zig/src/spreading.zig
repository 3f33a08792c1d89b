//! One hop of activation along the edges of a graph, pushed or pulled. Both give the same bits, because
//! a target's in-edges add in ascending order of their sources either way.
//!
//!     push: for each firing row, ascending: for each edge: accumulator[target] += released · weight
//!     pull: for each target: sum = +0; for each in-edge, by ascending source:
//!               sum += released[source] · weight
//!           accumulator[target] = sum
//!
//! Or the whole hop in one: what a pull has summed is settled, and gives what will be released next, at once.
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

/// A number for each row of a chunk.
const Chunk = @Vector(chunk_rows, f32);

/// Pulls into every row of chunks.
pub inline fn pull(p: Pull) void {
    var first: usize = 0;
    var chunk: usize = 0;
    while (first < p.num_rows) : ({
        first += chunk_rows;
        chunk += 1;
    }) {
        const results: [chunk_rows]f32 = pullChunk(p.offsets[chunk], p.offsets[chunk + 1], p.sources, p.weights, p.released);
        const rows = p.rows + first;
        if (p.num_rows - first >= chunk_rows) {
            inline for (0..chunk_rows) |lane| p.accumulator[rows[lane]] = results[lane];
        } else {
            for (0..p.num_rows - first) |lane| p.accumulator[rows[lane]] = results[lane];
        }
    }
}

/// What arrives at the rows of a chunk.
inline fn pullChunk(begin: usize, end: usize, all_sources: [*]const u32, all_weights: [*]const f32, all_released: [*]const f32) Chunk {
    var sums: Chunk = @splat(0);
    for (begin..end) |step| {
        const sources = all_sources + step * chunk_rows;
        // Past the caches, as an edge is used once and what is released many times.
        fetch(all_sources, (step + ahead) * chunk_rows, 0);
        fetch(all_weights, (step + ahead) * chunk_rows, 0);
        const weights: Chunk = all_weights[step * chunk_rows ..][0..chunk_rows].*;
        var released: [chunk_rows]f32 = undefined;
        inline for (0..chunk_rows) |lane| released[lane] = all_released[sources[lane]];
        sums += @as(Chunk, released) * weights;
    }
    return sums;
}

/// A hop into chunks of rows, of which the first release something.
pub const Hop = struct {
    offsets: [*]const u32,
    num_chunks: usize,
    sources: [*]const u32,
    weights: [*]const f32,
    released: [*]const f32,
    activation: [*]f32,
    retention: f32,
    hop_decay: f32,
    /// What a row releases when its activation is 1, and from which on it does.
    releases: [*]const f32,
    thresholds: [*]const f32,
    num_releasing: usize,
    next_released: [*]f32,
};

pub const Hopped = struct { num_active: usize, greatest_change: f32 };

/// Pulls into every row, gives it its next activation and says what it will release: from some activation on,
/// or `always`.
///
///     next = min(retention · x + hop_decay · sum, 2^60); greatest change = max(that, |next - x|); x = next
///     next released = next · release if next ≥ threshold, else +0
pub inline fn hop(h: Hop, comptime always: bool) Hopped {
    const retention: Chunk = @splat(h.retention);
    const hop_decay: Chunk = @splat(h.hop_decay);
    const most: Chunk = @splat(0x1p60);
    const zero: Chunk = @splat(0);
    // Numbers that are not negative are ordered as their bits are.
    var greatest: @Vector(chunk_rows, u32) = @splat(0);
    var count: usize = 0;
    for (0..h.num_chunks) |chunk| {
        const activation = h.activation[chunk * chunk_rows ..][0..chunk_rows];
        const x: Chunk = activation.*;
        const sums = pullChunk(h.offsets[chunk], h.offsets[chunk + 1], h.sources, h.weights, h.released);
        const arrived = retention * x + hop_decay * sums;
        const next = @select(f32, arrived < most, arrived, most);
        greatest = @max(greatest, @as(@Vector(chunk_rows, u32), @bitCast(@abs(next - x))));
        activation.* = next;
        count += @popCount(@as(u16, @bitCast(next > zero)));
        if (chunk < h.num_releasing) {
            const at = chunk * chunk_rows;
            const share = next * @as(Chunk, h.releases[at..][0..chunk_rows].*);
            const fires = if (always) share else @select(f32, next >= @as(Chunk, h.thresholds[at..][0..chunk_rows].*), share, zero);
            h.next_released[at..][0..chunk_rows].* = fires;
        }
    }
    return .{ .num_active = count, .greatest_change = @bitCast(@reduce(.Max, greatest)) };
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
