//! Dot products, norms and cosines of one query against the rows of a block.
//!
//! ```text
//! lanes[0..32] = +0
//! for i in 0..dimensions: lanes[i mod 32] += query[i] · row[i]      (multiply, then add)
//! dot    = lanes folded by halving
//! norm   = sqrt(row · row)
//! cosine = dot / (query_norm · row_norm), 0 where either norm is 0, then clamped to [−1, 1]
//! ```
//!
//! `rows` holds `scores.len()` rows of `query.len()` coordinates each, which is at least one.

use crate::contract::{LANES, sum_lanes};

/// The sum of products over 32 lanes.
#[inline(always)]
fn dot_row(query: &[f32], row: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (query_chunks, query_tail) = query.as_chunks::<LANES>();
    let (row_chunks, row_tail) = row.as_chunks::<LANES>();
    for (q, c) in query_chunks.iter().zip(row_chunks) {
        for lane in 0..LANES {
            lanes[lane] += q[lane] * c[lane];
        }
    }
    for ((lane, q), c) in lanes.iter_mut().zip(query_tail).zip(row_tail) {
        *lane += q * c;
    }
    sum_lanes(lanes)
}

/// cosine from its three parts.
#[inline(always)]
pub(crate) fn cosine(dot: f32, query_norm: f32, row_norm: f32) -> f32 {
    if query_norm == 0.0 || row_norm == 0.0 {
        return 0.0;
    }
    let cosine = dot / (query_norm * row_norm);
    // `clamp` keeps a NaN, which `min` and `max` would drop. Adding +0 turns an underflowed −0 into +0.
    cosine.clamp(-1.0, 1.0) + 0.0
}

/// `scores[r] = query · rows[r]`.
pub(crate) fn vector_dot(query: &[f32], rows: &[f32], scores: &mut [f32]) {
    for (score, row) in scores.iter_mut().zip(rows.chunks_exact(query.len())) {
        *score = dot_row(query, row);
    }
}

/// `norms[r] = sqrt(rows[r] · rows[r])`.
pub(crate) fn vector_norms(rows: &[f32], dimensions: usize, norms: &mut [f32]) {
    for (norm, row) in norms.iter_mut().zip(rows.chunks_exact(dimensions)) {
        *norm = dot_row(row, row).sqrt();
    }
}

/// `scores[r] = cosine(query, rows[r])`, where `query_norm` is what [`vector_norms`] gives for it.
pub(crate) fn vector_similarity(query: &[f32], query_norm: f32, rows: &[f32], scores: &mut [f32]) {
    for (score, row) in scores.iter_mut().zip(rows.chunks_exact(query.len())) {
        // Two passes over a row that stays in the first-level cache: at the x86-64 baseline the 64
        // lanes of one fused pass would not fit the registers.
        *score = cosine(dot_row(query, row), query_norm, dot_row(row, row).sqrt());
    }
}
