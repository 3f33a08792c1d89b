//! The Zig kernels: `extern "C"` and nothing else. The only unsafe code of the crate.
//!
//! What makes a call sound is checked in the safe function around it: that the processor runs the
//! level (a [`Supported`] exists only then), and that every length fits the others. Indices are either
//! checked by the kernel itself, or those of a type that holds only good ones.

use std::ptr;
use std::sync::OnceLock;

use crate::decay::Shape;
use crate::graph::{InRows, PullRows};
use crate::level::Level;
use crate::portable::batch::{Lanes, Settled};
use crate::portable::spreading::{Factors, Rows};
use crate::spreading::frontier::{LINE_NODES, REGION_NODES, TouchedLines};

/// The version of `include/engram_kernels.h` that the declarations below follow.
const ABI_VERSION: u32 = 2;

/// The status of a call that did its work.
const DONE: u32 = 0;

unsafe extern "C" {
    safe fn engram_kernels_abi_version() -> u32;
    safe fn engram_kernels_best_level() -> u32;
    fn engram_vector_similarity(
        level: u32,
        query: *const f32,
        query_norm: f32,
        candidates: *const f32,
        scores: *mut f32,
        query_len: usize,
        num_candidates: usize,
    ) -> u32;
    fn engram_vector_dot(
        level: u32,
        query: *const f32,
        candidates: *const f32,
        scores: *mut f32,
        query_len: usize,
        num_candidates: usize,
    ) -> u32;
    fn engram_vector_dot_top_k(
        level: u32,
        query: *const f32,
        candidates: *const f32,
        query_len: usize,
        num_candidates: usize,
        first_id: u32,
        keys: *mut u64,
        num_keys: *mut usize,
        k: usize,
    ) -> u32;
    fn engram_vector_norms(
        level: u32,
        candidates: *const f32,
        norms: *mut f32,
        dimensions: usize,
        num_candidates: usize,
    ) -> u32;
    fn engram_vector_dot_i8(
        level: u32,
        query: *const i16,
        codes: *const i8,
        dots: *mut i32,
        query_len: usize,
        num_candidates: usize,
    ) -> u32;
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
    fn engram_apply_decay(
        level: u32,
        strengths: *const f32,
        ages_seconds: *const f64,
        stabilities_seconds: *const f64,
        results: *mut f32,
        num_memories: usize,
        curve: u32,
        exponent: f32,
    ) -> u32;
}

/// A level that is in the library and that this processor runs: only [`supported`] makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Supported(Level);

impl Supported {
    pub(crate) fn level(self) -> Level {
        self.0
    }

    fn code(self) -> u32 {
        code(self.0)
    }
}

/// The level's number in the C interface; 0 for none.
const fn code(level: Level) -> u32 {
    match level {
        Level::Portable => 0,
        Level::X86_64V2 => 2,
        Level::X86_64V3 => 3,
        Level::X86_64V4 => 4,
        Level::Neon => 16,
        Level::WasmSimd128 => 32,
    }
}

/// Whether the library has the level. `build.zig` says for which architecture it builds which.
pub(crate) fn is_built(level: Level) -> bool {
    match level {
        Level::Portable => false,
        Level::X86_64V2 | Level::X86_64V3 | Level::X86_64V4 => cfg!(target_arch = "x86_64"),
        Level::Neon => cfg!(all(target_arch = "aarch64", target_endian = "little")),
        Level::WasmSimd128 => cfg!(target_arch = "wasm32"),
    }
}

/// The level, if it is in the library and this processor runs it, as both Rust and the library see it.
pub(crate) fn supported(level: Level) -> Option<Supported> {
    static BEST: OnceLock<u32> = OnceLock::new();
    let best = *BEST.get_or_init(|| {
        let version = engram_kernels_abi_version();
        assert!(version == ABI_VERSION, "the kernels' interface is version {version}, not {ABI_VERSION}");
        engram_kernels_best_level()
    });
    (is_built(level) && code(level) <= best && level.runs_here()).then_some(Supported(level))
}

/// A kernel refuses only what the checks before it have ruled out.
#[track_caller]
fn check(status: u32) {
    assert!(status == DONE, "a kernel refused its arguments with status {status}");
}

#[track_caller]
fn check_block(numbers: usize, dimensions: usize, rows: usize) {
    assert!(dimensions.checked_mul(rows) == Some(numbers), "{rows} rows of {dimensions} are not {numbers}");
}

pub(crate) fn vector_similarity(
    level: Supported,
    query: &[f32],
    query_norm: f32,
    rows: &[f32],
    scores: &mut [f32],
) {
    check_block(rows.len(), query.len(), scores.len());
    let (query_at, rows_at, scores_at) = (query.as_ptr(), rows.as_ptr(), scores.as_mut_ptr());
    let (level, dimensions, count) = (level.code(), query.len(), scores.len());
    // SAFETY: the processor runs the level. The kernel reads `dimensions` numbers of the query and
    // `dimensions · count` of the rows, which is their length, and writes the `count` scores.
    check(unsafe {
        engram_vector_similarity(level, query_at, query_norm, rows_at, scores_at, dimensions, count)
    });
}

pub(crate) fn vector_dot(level: Supported, query: &[f32], rows: &[f32], scores: &mut [f32]) {
    check_block(rows.len(), query.len(), scores.len());
    let (query_at, rows_at, scores_at) = (query.as_ptr(), rows.as_ptr(), scores.as_mut_ptr());
    let (level, dimensions, count) = (level.code(), query.len(), scores.len());
    // SAFETY: as in `vector_similarity`.
    check(unsafe { engram_vector_dot(level, query_at, rows_at, scores_at, dimensions, count) });
}

pub(crate) fn vector_dot_top_k(
    level: Supported,
    query: &[f32],
    rows: &[f32],
    first_id: u32,
    k: usize,
    keys: &mut Vec<u64>,
) {
    let (dimensions, count) = (query.len(), rows.len() / query.len());
    check_block(rows.len(), dimensions, count);
    let mut kept = keys.len();
    // Room for all that may be kept; more than `k` is nothing that a heap of `k` holds.
    keys.resize(k.min(kept + count).max(kept), 0);
    let (query, rows, room) = (query.as_ptr(), rows.as_ptr(), keys.len());
    let (level, keys_at) = (level.code(), keys.as_mut_ptr());
    // SAFETY: the processor runs the level. The kernel reads `dimensions` numbers of the query and
    // `dimensions · count` of the rows, which is their length, the first `kept` keys, and writes at most
    // `room` keys, which is their length, and their number.
    check(unsafe {
        engram_vector_dot_top_k(level, query, rows, dimensions, count, first_id, keys_at, &raw mut kept, room)
    });
    keys.truncate(kept);
}

pub(crate) fn vector_norms(level: Supported, rows: &[f32], dimensions: usize, norms: &mut [f32]) {
    check_block(rows.len(), dimensions, norms.len());
    let (rows_at, norms_at, count) = (rows.as_ptr(), norms.as_mut_ptr(), norms.len());
    // SAFETY: the processor runs the level. The kernel reads `dimensions · count` numbers of the rows,
    // which is their length, and writes the `count` norms.
    check(unsafe { engram_vector_norms(level.code(), rows_at, norms_at, dimensions, count) });
}

pub(crate) fn vector_dot_i8(level: Supported, query: &[i16], codes: &[i8], dots: &mut [i32]) {
    check_block(codes.len(), query.len(), dots.len());
    let (query_at, codes_at, dots_at) = (query.as_ptr(), codes.as_ptr(), dots.as_mut_ptr());
    let (level, dimensions, count) = (level.code(), query.len(), dots.len());
    // SAFETY: as in `vector_similarity`, with dot products for scores.
    check(unsafe { engram_vector_dot_i8(level, query_at, codes_at, dots_at, dimensions, count) });
}

pub(crate) fn apply_decay(
    level: Supported,
    shape: Shape,
    strengths: &[f32],
    ages: &[f64],
    stabilities: &[f64],
    out: &mut [f32],
) {
    let count = strengths.len();
    let lengths = [ages.len(), stabilities.len(), out.len()];
    assert!(lengths == [count; 3], "{count} strengths, but {lengths:?} ages, stabilities and results");
    let (curve, exponent) = match shape {
        Shape::HalfLife => (0, 0.0),
        Shape::TimeConstant => (1, 0.0),
        Shape::Power(exponent) => (2, exponent),
    };
    let (strengths, ages, stabilities) = (strengths.as_ptr(), ages.as_ptr(), stabilities.as_ptr());
    let (level, out) = (level.code(), out.as_mut_ptr());
    // SAFETY: the processor runs the level. The kernel reads `count` numbers of each of the three
    // arrays and writes `count` results, which is the length of all four.
    check(unsafe { engram_apply_decay(level, strengths, ages, stabilities, out, count, curve, exponent) });
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
    let (targets, rows) = rows.long();
    let (offsets, slots, weights) = rows.parts();
    let (offsets, slots, weights) = (offsets.as_ptr(), slots.as_ptr(), weights.as_ptr());
    let (targets, count) = (targets.as_ptr(), targets.len());
    // SAFETY: as above; the long rows have an offset each and one more, ascending to the number of their
    // edges.
    check(unsafe {
        engram_spread_activation_pull_rows(
            level,
            offsets,
            slots,
            weights,
            targets,
            count,
            released,
            accumulator,
        )
    });
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
