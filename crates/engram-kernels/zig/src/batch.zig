//! A hop of activation for several cues at once: what a node releases for each of them lies side by side,
//! so that a read of a node, which is what a pull waits for, brings all of it.
//!
//!     pull: for each row: sums = +0; for each in-edge, in order: sums += released[source] · weight
//!               arrived[row] = sums
//!     hop:  for each row: sums as above; next = min(retention · x + hop_decay · sums, 2^60)
//!               greatest changes = max(those, |next - x|); x = next
//!               if it is one of the first rows, those with out-edges:
//!                   next released = next · release if next ≥ threshold, else +0

const fetch = @import("prefetch.zig").fetch;

/// Cues side by side.
const lanes = 8;
const Lanes = @Vector(lanes, f32);

/// Edges between the fetching of what a source releases and its use, and between the fetching of an edge
/// and that.
const sources_ahead = 320;
const edges_ahead = 1024;

/// Edges whose sources, or weights, fill a line of the caches.
const line_edges = 16;

/// Where activations saturate: 2^60.
const activation_max: Lanes = @splat(0x1p60);

pub const Rows = struct {
    offsets: [*]const u32,
    num_rows: usize,
    sources: [*]const u32,
    weights: [*]const f32,
    num_edges: usize,
    released: [*]const f32,
};

/// What a node gives along an edge of weight 1 if its activation is 1, and the activation from which it gives
/// anything.
pub const Gate = extern struct { release: f32, threshold: f32 };

pub const Settle = struct {
    activation: [*]f32,
    retention: f32,
    hop_decay: f32,
    gates: [*]const Gate,
    num_releasing: usize,
    next_released: [*]f32,
    greatest: *[lanes]f32,
};

/// Pulls into every row.
pub inline fn pull(rows: Rows, arrived: [*]f32) void {
    for (0..rows.num_rows) |row| of(arrived, row).* = sum(rows, row);
}

/// Pulls into every row, gives it its next activation and says what it will release.
pub inline fn hop(rows: Rows, settle: Settle) void {
    const retention: Lanes = @splat(settle.retention);
    const hop_decay: Lanes = @splat(settle.hop_decay);
    var greatest: Lanes = settle.greatest.*;
    for (0..rows.num_rows) |row| {
        const x: Lanes = of(settle.activation, row).*;
        const arrived = retention * x + hop_decay * sum(rows, row);
        const next = @select(f32, arrived < activation_max, arrived, activation_max);
        const change = @abs(next - x);
        greatest = @select(f32, change > greatest, change, greatest);
        of(settle.activation, row).* = next;
        if (row < settle.num_releasing) {
            const gate = settle.gates[row];
            const fires = next >= @as(Lanes, @splat(gate.threshold));
            const released = next * @as(Lanes, @splat(gate.release));
            of(settle.next_released, row).* = @select(f32, fires, released, @as(Lanes, @splat(0)));
        }
    }
    settle.greatest.* = greatest;
}

/// A node's numbers.
inline fn of(numbers: anytype, node: usize) @TypeOf(numbers[0..lanes]) {
    return numbers[node * lanes ..][0..lanes];
}

/// What arrives at a row.
inline fn sum(rows: Rows, row: usize) Lanes {
    const begin: usize = rows.offsets[row];
    const end: usize = rows.offsets[row + 1];
    // The last rows' edges have none so far ahead of them.
    return if (end + sources_ahead <= rows.num_edges) sumEdges(rows, begin, end, true) else sumEdges(rows, begin, end, false);
}

inline fn sumEdges(rows: Rows, begin: usize, end: usize, comptime ahead: bool) Lanes {
    var sums: Lanes = @splat(0);
    var edge = begin;
    while (end - edge >= line_edges) {
        fetch(rows.sources, edge + edges_ahead, 0);
        fetch(rows.weights, edge + edges_ahead, 0);
        inline for (0..line_edges) |next| sums += along(rows, edge + next, ahead);
        edge += line_edges;
    }
    fetch(rows.sources, edge + edges_ahead, 0);
    fetch(rows.weights, edge + edges_ahead, 0);
    while (edge < end) : (edge += 1) sums += along(rows, edge, ahead);
    return sums;
}

/// What an edge brings, and if there is one so far ahead, the fetching of what its source releases.
inline fn along(rows: Rows, edge: usize, comptime ahead: bool) Lanes {
    if (ahead) fetch(rows.released, @as(usize, rows.sources[edge + sources_ahead]) * lanes, 3);
    const released: Lanes = of(rows.released, rows.sources[edge]).*;
    return released * @as(Lanes, @splat(rows.weights[edge]));
}
