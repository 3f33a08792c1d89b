//! Similarity of one query to every row of a block: cosine, dot product, norms.
//!
//! A block is row-major: `num_candidates × query.len()` numbers of `f32`. Any value is allowed in
//! it; infinities and NaNs go through IEEE arithmetic and come out as what they make.

use crate::backend::Kernels;
use crate::portable;

/// Panics unless `numbers` fill `rows` rows of `dimensions`.
#[track_caller]
pub(crate) fn check_block(numbers: usize, dimensions: usize, rows: usize) {
    let expected = dimensions.checked_mul(rows);
    assert!(
        expected == Some(numbers),
        "{rows} rows of {dimensions} dimensions need {} numbers, but the block holds {numbers}",
        expected.map_or_else(|| String::from("more than memory's"), |count| count.to_string()),
    );
}

/// How many rows of `dimensions` the block has; panics if there is a remainder.
#[track_caller]
pub(crate) fn count_rows(numbers: usize, dimensions: usize) -> usize {
    let rows = numbers.checked_div(dimensions).unwrap_or(0);
    check_block(numbers, dimensions, rows);
    rows
}

impl Kernels {
    /// [`vector_similarity_into`] by these kernels.
    ///
    /// # Panics
    ///
    /// As [`vector_similarity_into`].
    pub fn vector_similarity_into(self, query: &[f32], candidates: &[f32], scores: &mut [f32]) {
        check_block(candidates.len(), query.len(), scores.len());
        if query.is_empty() {
            scores.fill(0.0);
        } else {
            self.similarity(query, self.query_norm(query), candidates, scores);
        }
    }

    /// [`vector_dot_into`] by these kernels.
    ///
    /// # Panics
    ///
    /// As [`vector_dot_into`].
    pub fn vector_dot_into(self, query: &[f32], candidates: &[f32], scores: &mut [f32]) {
        check_block(candidates.len(), query.len(), scores.len());
        if query.is_empty() {
            scores.fill(0.0);
        } else {
            self.dot(query, candidates, scores);
        }
    }

    /// [`vector_norms_into`] by these kernels.
    ///
    /// # Panics
    ///
    /// As [`vector_norms_into`].
    pub fn vector_norms_into(self, candidates: &[f32], dimensions: usize, norms: &mut [f32]) {
        check_block(candidates.len(), dimensions, norms.len());
        if dimensions == 0 {
            norms.fill(0.0);
        } else {
            self.norms(candidates, dimensions, norms);
        }
    }

    /// The norm of the query, exactly as [`vector_norms`] gives it; 0 with no dimensions.
    pub(crate) fn query_norm(self, query: &[f32]) -> f32 {
        let mut norm = [0.0];
        self.vector_norms_into(query, query.len(), &mut norm);
        norm[0]
    }
}

/// Cosine similarity of `query` to each row of `candidates`: `q·c / (|q| |c|)`, in [−1, 1].
///
/// 0 where either norm is 0; NaN where a NaN or an overflow makes one. Reads the block once: about
/// two multiplications and additions a number. Where the norms are known already, [`vector_dot`] and
/// [`cosine_from_dot`] give the same bits for half the work.
///
/// # Panics
///
/// If `candidates.len()` is not a multiple of `query.len()`. A query of no dimensions takes an empty
/// block, and gives no scores.
///
/// ```
/// let scores = engram_kernels::vector_similarity(&[1.0, 0.0], &[3.0, 0.0, 0.0, 2.0, -1.0, 0.0]);
/// assert_eq!(scores, [1.0, 0.0, -1.0]);
/// ```
#[must_use]
pub fn vector_similarity(query: &[f32], candidates: &[f32]) -> Vec<f32> {
    let mut scores = vec![0.0; count_rows(candidates.len(), query.len())];
    vector_similarity_into(query, candidates, &mut scores);
    scores
}

/// [`vector_similarity`] into the caller's `scores`, one for each row.
///
/// # Panics
///
/// If `candidates` does not hold `scores.len()` rows of `query.len()` numbers. With a query of no
/// dimensions `candidates` is empty, and every score is 0.
pub fn vector_similarity_into(query: &[f32], candidates: &[f32], scores: &mut [f32]) {
    Kernels::current().vector_similarity_into(query, candidates, scores);
}

/// The dot product of `query` with each row of `candidates`.
///
/// # Panics
///
/// As [`vector_similarity`].
///
/// ```
/// assert_eq!(engram_kernels::vector_dot(&[1.0, 2.0], &[3.0, 4.0, -1.0, 0.5]), [11.0, 0.0]);
/// ```
#[must_use]
pub fn vector_dot(query: &[f32], candidates: &[f32]) -> Vec<f32> {
    let mut scores = vec![0.0; count_rows(candidates.len(), query.len())];
    vector_dot_into(query, candidates, &mut scores);
    scores
}

/// [`vector_dot`] into the caller's `scores`, one for each row.
///
/// # Panics
///
/// As [`vector_similarity_into`].
pub fn vector_dot_into(query: &[f32], candidates: &[f32], scores: &mut [f32]) {
    Kernels::current().vector_dot_into(query, candidates, scores);
}

/// The Euclidean norm of each row of `candidates`: `sqrt(c·c)`.
///
/// # Panics
///
/// If `candidates.len()` is not a multiple of `dimensions`; with no dimensions it must be empty.
///
/// ```
/// assert_eq!(engram_kernels::vector_norms(&[3.0, 4.0, 0.0, 0.0], 2), [5.0, 0.0]);
/// ```
#[must_use]
pub fn vector_norms(candidates: &[f32], dimensions: usize) -> Vec<f32> {
    let mut norms = vec![0.0; count_rows(candidates.len(), dimensions)];
    vector_norms_into(candidates, dimensions, &mut norms);
    norms
}

/// [`vector_norms`] into the caller's `norms`, one for each row.
///
/// # Panics
///
/// If `candidates` does not hold `norms.len()` rows of `dimensions` numbers. With no dimensions
/// `candidates` is empty, and every norm is 0.
pub fn vector_norms_into(candidates: &[f32], dimensions: usize, norms: &mut [f32]) {
    Kernels::current().vector_norms_into(candidates, dimensions, norms);
}

/// The cosine of two vectors whose dot product and norms are known: the very bits that
/// [`vector_similarity`] gives from the raw vectors.
#[must_use]
#[inline]
pub fn cosine_from_dot(dot: f32, query_norm: f32, candidate_norm: f32) -> f32 {
    portable::similarity::cosine(dot, query_norm, candidate_norm)
}
