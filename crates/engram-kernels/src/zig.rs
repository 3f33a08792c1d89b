//! The Zig kernels: `extern "C"` and nothing else. The only unsafe code of the crate stands here and in
//! `zig/spreading.rs`.
//!
//! What makes a call sound is checked in the safe function around it: that the processor runs the
//! level (a [`Supported`] exists only then), and that every length fits the others. Indices are either
//! checked by the kernel itself, or those of a type that holds only good ones.

mod spreading;

use std::sync::OnceLock;

use crate::decay::Shape;
use crate::level::Level;
pub(crate) use spreading::{
    spread_hop, spread_hop_batch, spread_pull, spread_pull_batch, spread_pull_chunk, spread_pull_long,
    spread_push, spread_settle,
};

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
