//! A hop of activation for several cues at once: what a node releases for each of them lies side by side,
//! so that a read of a node, which is what a pull waits for, brings all of it.
//!
//!     for each row: sums = +0; for each in-edge, in order: sums += released[source] · weight
//!         arrived[row] = sums

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

pub const Pull = struct {
    offsets: [*]const u32,
    num_rows: usize,
    sources: [*]const u32,
    weights: [*]const f32,
    num_edges: usize,
    released: [*]const f32,
    arrived: [*]f32,
};

/// Pulls into every row.
pub inline fn pull(p: Pull) void {
    for (0..p.num_rows) |row| {
        var sums: Lanes = @splat(0);
        for (p.offsets[row]..p.offsets[row + 1]) |edge| {
            if (edge + sources_ahead < p.num_edges) {
                fetch(p.released, @as(usize, p.sources[edge + sources_ahead]) * lanes, 3);
            }
            if (edge % line_edges == 0) {
                fetch(p.sources, edge + edges_ahead, 0);
                fetch(p.weights, edge + edges_ahead, 0);
            }
            const released: Lanes = p.released[@as(usize, p.sources[edge]) * lanes ..][0..lanes].*;
            sums += released * @as(Lanes, @splat(p.weights[edge]));
        }
        p.arrived[row * lanes ..][0..lanes].* = sums;
    }
}
