//! Spreading by the Zig kernels.

use std::ptr;

use super::{Supported, check};
use crate::graph::{CHUNK_ROWS, InRows, PullRows};
use crate::portable::batch::{Lanes, Settled};
use crate::portable::spreading::{Chunks, Factors, Rows};
use crate::spreading::frontier::{LINE_NODES, REGION_NODES, TouchedLines};

unsafe extern "C" {
    fn engram_spread_activation_push(
        level: u32,
        sources: *const u32,
        released: *const f32,
        num_sources: usize,
        offsets: *const u32,
        num_rows: usize,
        targets: *const u32,
        weights: *const f32,
        num_edges: usize,
        accumulator: *mut f32,
        num_nodes: usize,
        touched_lines: *mut u8,
        touched_regions: *mut u8,
    ) -> u32;
    fn engram_spread_activation_settle(
        level: u32,
        lines: *const u32,
        num_lines: usize,
        activation: *mut f32,
        accumulator: *mut f32,
        retention: f32,
        hop_decay: f32,
        active: *mut u32,
        num_active: *mut usize,
        greatest_change: *mut f32,
    ) -> u32;
    fn engram_spread_activation_pull(
        level: u32,
        chunk_offsets: *const u32,
        sources: *const u32,
        weights: *const f32,
        rows: *const u32,
        num_rows: usize,
        released: *const f32,
        accumulator: *mut f32,
    ) -> u32;
    fn engram_spread_activation_pull_rows(
        level: u32,
        offsets: *const u32,
        sources: *const u32,
        weights: *const f32,
        rows: *const u32,
        num_rows: usize,
        released: *const f32,
        accumulator: *mut f32,
    ) -> u32;
    fn engram_spread_activation_pull_batch(
        level: u32,
        offsets: *const u32,
        num_rows: usize,
        sources: *const u32,
        weights: *const f32,
        num_edges: usize,
        released: *const f32,
        arrived: *mut f32,
    ) -> u32;
    fn engram_spread_activation_hop(
        level: u32,
        chunk_offsets: *const u32,
        num_chunks: usize,
        sources: *const u32,
        weights: *const f32,
        released: *const f32,
        activation: *mut f32,
        retention: f32,
        hop_decay: f32,
        releases: *const f32,
        thresholds: *const f32,
        num_releasing: usize,
        next_released: *mut f32,
        num_active: *mut usize,
        greatest_change: *mut f32,
    ) -> u32;
    fn engram_spread_activation_hop_batch(
        level: u32,
        offsets: *const u32,
        num_rows: usize,
        sources: *const u32,
        weights: *const f32,
        num_edges: usize,
        released: *const f32,
        activation: *mut f32,
        retention: f32,
        hop_decay: f32,
        gates: *const f32,
        num_releasing: usize,
        next_released: *mut f32,
        greatest_changes: *mut f32,
    ) -> u32;
}

pub(crate) fn spread_push(
    level: Supported,
    sources: &[u32],
    released: &[f32],
    rows: Rows<'_>,
    accumulator: &mut [f32],
    touched: Option<&mut TouchedLines>,
) {
    let Rows { offsets, neighbours, weights } = rows;
    let nodes = accumulator.len();
    assert!(sources.len() == released.len(), "{} rows release {}", sources.len(), released.len());
    assert!(neighbours.len() == weights.len(), "{} edges, {} weights", neighbours.len(), weights.len());
    let (lines, regions) = touched.map_or((ptr::null_mut(), ptr::null_mut()), |touched| {
        let (lines, regions) = touched.parts_mut();
        let enough =
            lines.len() >= nodes.div_ceil(LINE_NODES) && regions.len() >= nodes.div_ceil(REGION_NODES);
        assert!(enough, "{} and {} marks for {nodes} nodes", lines.len(), regions.len());
        (lines.as_mut_ptr(), regions.as_mut_ptr())
    });
    let (num_rows, num_edges) = (offsets.len().saturating_sub(1), neighbours.len());
    let (sources, count, released) = (sources.as_ptr(), sources.len(), released.as_ptr());
    let (offsets, neighbours, weights) = (offsets.as_ptr(), neighbours.as_ptr(), weights.as_ptr());
    let accumulator = accumulator.as_mut_ptr();
    // SAFETY: the processor runs the level. `count` sources and released amounts, `num_rows + 1`
    // offsets (none where there are no rows), `num_edges` neighbours and weights, and accumulators and
    // marks for `nodes`, unless there are none, are at least as long as the kernel takes them to be. It checks each source against
    // `num_rows`, each offset against `num_edges` and each neighbour against `nodes` before use.
    check(unsafe {
        engram_spread_activation_push(
            level.code(),
            sources,
            released,
            count,
            offsets,
            num_rows,
            neighbours,
            weights,
            num_edges,
            accumulator,
            nodes,
            lines,
            regions,
        )
    });
}

pub(crate) fn spread_settle(
    level: Supported,
    lines: &[u32],
    activation: &mut [f32],
    accumulator: &mut [f32],
    Factors { retention, hop_decay }: Factors,
    active: Option<&mut [u32]>,
) -> (usize, f32) {
    let (count, whole) = (lines.len(), activation.len() / LINE_NODES);
    assert!(accumulator.len() == activation.len(), "{} of {}", accumulator.len(), activation.len());
    let active = active.map_or(ptr::null_mut(), |active| {
        assert!(active.len() / LINE_NODES >= count, "{count} lines, room for {} nodes", active.len());
        active.as_mut_ptr()
    });
    assert!(lines.iter().all(|&line| (line as usize) < whole), "a line is not among {whole}");
    let (mut num_active, mut change) = (0, 0.0);
    let lines = lines.as_ptr();
    let (activation, accumulator) = (activation.as_mut_ptr(), accumulator.as_mut_ptr());
    let level = level.code();
    // SAFETY: the processor runs the level. Each of the `count` lines is 16 numbers of both arrays, and
    // there is room for 16 active nodes a line, unless none are to be listed. The last two point to what they are written to.
    check(unsafe {
        engram_spread_activation_settle(
            level,
            lines,
            count,
            activation,
            accumulator,
            retention,
            hop_decay,
            active,
            &raw mut num_active,
            &raw mut change,
        )
    });
    (num_active, change)
}

pub(crate) fn spread_pull(level: Supported, rows: &PullRows, released: &[f32], accumulator: &mut [f32]) {
    let nodes = rows.num_nodes();
    let lengths = [released.len(), accumulator.len()];
    assert!(lengths == [nodes; 2], "{nodes} nodes, but {lengths:?} released and accumulated");
    let (level, released, accumulator) = (level.code(), released.as_ptr(), accumulator.as_mut_ptr());
    let (offsets, slots, weights) = rows.parts();
    let (offsets, slots, weights) = (offsets.as_ptr(), slots.as_ptr(), weights.as_ptr());
    let (targets, count) = (rows.nodes().as_ptr(), rows.nodes().len());
    // SAFETY: the processor runs the level. A `PullRows` has an offset for each chunk of 16 rows and
    // one more, ascending to the number of steps, 16 slots and weights a step, and a node for each row;
    // nodes and slots are below `nodes`, the length of the other two arrays.
    check(unsafe {
        engram_spread_activation_pull(level, offsets, slots, weights, targets, count, released, accumulator)
    });
    pull_long(level, rows, rows.long().0, released, accumulator);
}

/// Sets the sums of the long rows, by their slots.
pub(crate) fn spread_pull_long(level: Supported, rows: &PullRows, released: &[f32], sums: &mut [f32]) {
    let nodes = rows.num_nodes();
    let lengths = [released.len(), sums.len()];
    assert!(
        lengths.iter().all(|&length| length >= nodes),
        "{nodes} nodes, but {lengths:?} released and sums"
    );
    pull_long(level.code(), rows, rows.long_slots(), released.as_ptr(), sums.as_mut_ptr());
}

/// Pulls into the long rows, whose sums go to these places: their nodes, or their slots. Both arrays have a
/// number for each node of the graph.
fn pull_long(level: u32, rows: &PullRows, places: &[u32], released: *const f32, accumulator: *mut f32) {
    let (_, rows) = rows.long();
    let (offsets, slots, weights) = rows.parts();
    assert!(places.len() == rows.nodes(), "{} rows, {} places", rows.nodes(), places.len());
    let (offsets, slots, weights) = (offsets.as_ptr(), slots.as_ptr(), weights.as_ptr());
    let (places, count) = (places.as_ptr(), places.len());
    // SAFETY: the processor runs the level. The long rows have an offset each and one more, ascending to the
    // number of their edges; their places and slots are numbers of nodes, of which both arrays have all.
    check(unsafe {
        engram_spread_activation_pull_rows(
            level,
            offsets,
            slots,
            weights,
            places,
            count,
            released,
            accumulator,
        )
    });
}

/// What arrives at the rows of one chunk, of which long ones get nothing.
pub(crate) fn spread_pull_chunk(
    level: Supported,
    rows: &PullRows,
    chunk: usize,
    released: &[f32],
) -> [f32; CHUNK_ROWS] {
    const LANES: [u32; CHUNK_ROWS] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
    let (nodes, length) = (rows.num_nodes(), released.len());
    assert!(length >= nodes, "{nodes} nodes, but {length} released");
    let mut sums = [0.0; CHUNK_ROWS];
    let (offsets, slots, weights) = rows.parts();
    let offsets = offsets[chunk..chunk + 2].as_ptr();
    let (slots, weights, released) = (slots.as_ptr(), weights.as_ptr(), released.as_ptr());
    let (level, lanes, found) = (level.code(), LANES.as_ptr(), sums.as_mut_ptr());
    // SAFETY: as in `spread_pull`, for one chunk, whose 16 rows go to the 16 sums.
    check(unsafe {
        engram_spread_activation_pull(level, offsets, slots, weights, lanes, CHUNK_ROWS, released, found)
    });
    sums
}

pub(crate) fn spread_hop(
    level: Supported,
    rows: &PullRows,
    first: usize,
    released: &[f32],
    chunks: Chunks<'_>,
    Factors { retention, hop_decay }: Factors,
) -> (usize, f32) {
    let (nodes, length) = (rows.num_nodes(), released.len());
    assert!(length >= nodes, "{nodes} nodes, but {length} released");
    let Chunks { activation, releases, thresholds, released: next } = chunks;
    let (count, releasing) = (activation.len(), releases.len());
    let lengths = [next.len(), thresholds.map_or(releasing, <[_]>::len)];
    let fit = lengths == [releasing; 2] && releasing <= count;
    assert!(fit, "{releasing} of {count} chunks release, but {lengths:?} have room and thresholds");
    let (offsets, slots, weights) = rows.parts();
    let offsets = offsets[first..=first + count].as_ptr();
    let (slots, weights, released) = (slots.as_ptr(), weights.as_ptr(), released.as_ptr());
    let (activation, next) = (activation.as_mut_ptr().cast(), next.as_mut_ptr().cast());
    let (releases, thresholds) =
        (releases.as_ptr().cast(), thresholds.map_or(ptr::null(), |some| some.as_ptr().cast()));
    let (mut num_active, mut change) = (0, 0.0);
    let level = level.code();
    // SAFETY: the processor runs the level. There are `count + 1` offsets, which in a `PullRows` ascend to
    // the number of steps, with 16 slots and weights each; its slots are below `nodes`, of which `released`
    // has all. Each of the `count` chunks has 16 numbers in `activation`, and of the first `releasing`, which
    // are no more, in `releases`, `thresholds`, unless there are none, and `next`. The last two point to what
    // they are written to.
    check(unsafe {
        engram_spread_activation_hop(
            level,
            offsets,
            count,
            slots,
            weights,
            released,
            activation,
            retention,
            hop_decay,
            releases,
            thresholds,
            releasing,
            next,
            &raw mut num_active,
            &raw mut change,
        )
    });
    (num_active, change)
}

pub(crate) fn spread_pull_batch(
    level: Supported,
    rows: &InRows,
    first: usize,
    released: &[Lanes],
    arrived: &mut [Lanes],
) {
    let (nodes, lanes) = (rows.nodes(), released.len());
    assert!(lanes == nodes, "{nodes} nodes, but {lanes} released");
    let (offsets, slots, weights) = rows.parts();
    let (rows, edges) = (arrived.len(), slots.len());
    let offsets = offsets[first..=first + rows].as_ptr();
    let (slots, weights) = (slots.as_ptr(), weights.as_ptr());
    let (released, arrived) = (released.as_ptr().cast(), arrived.as_mut_ptr().cast());
    let level = level.code();
    // SAFETY: the processor runs the level. There are `rows + 1` offsets, which in an `InRows` ascend to
    // `edges`, the length of slots and weights; its slots are below `nodes`, and each has 8 numbers in
    // `released`, as each row has in `arrived`.
    check(unsafe {
        engram_spread_activation_pull_batch(level, offsets, rows, slots, weights, edges, released, arrived)
    });
}

pub(crate) fn spread_hop_batch(
    level: Supported,
    rows: &InRows,
    first: usize,
    released: &[Lanes],
    settled: Settled<'_>,
    factors: Factors,
    greatest: &mut Lanes,
) {
    let (nodes, lanes) = (rows.nodes(), released.len());
    assert!(lanes == nodes, "{nodes} nodes, but {lanes} released");
    let Settled { activation, gates, released: next } = settled;
    let (count, releasing, room) = (activation.len(), gates.len(), next.len());
    assert!(releasing == room && releasing <= count, "{releasing} of {count} rows release, {room} have room");
    let (offsets, slots, weights) = rows.parts();
    let edges = slots.len();
    let offsets = offsets[first..=first + count].as_ptr();
    let (slots, weights) = (slots.as_ptr(), weights.as_ptr());
    let (released, activation) = (released.as_ptr().cast(), activation.as_mut_ptr().cast());
    let (gates, next, greatest) =
        (gates.as_ptr().cast(), next.as_mut_ptr().cast(), ptr::from_mut(greatest).cast());
    let Factors { retention, hop_decay } = factors;
    let level = level.code();
    // SAFETY: as in `spread_pull_batch`, with 8 numbers in `activation` for each row. Of the first
    // `releasing` rows, which are no more, each has a gate, which is two numbers, and 8 in `next`.
    // `greatest` has 8.
    check(unsafe {
        engram_spread_activation_hop_batch(
            level, offsets, count, slots, weights, edges, released, activation, retention, hop_decay, gates,
            releasing, next, greatest,
        )
    });
}
