//! The best *k* of any number of scores, fused with scoring: candidates are scored some rows at a
//! time into a buffer on the stack, and only those that beat the k-th best so far are kept.

use crate::backend::Kernels;
use crate::portable::top_k::{from_key, key, offer, offer_all};
use crate::selection::{ROWS_AT_A_TIME, check_ids, for_each_run};
use crate::similarity::count_rows;

/// A candidate and its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// The candidate's id: its row's number, counted from the scan's `first_id`.
    pub id: u32,
    /// Its score.
    pub score: f32,
}

/// Collects the best `k` candidates: score descending, then id ascending, NaN last.
///
/// Several blocks may be scanned one after another; the result is that of one block holding them
/// all. Ids are the caller's: one offered twice is kept twice. All NaNs count as one, and −0 as +0.
#[derive(Clone, Debug)]
pub struct TopK {
    k: usize,
    kernels: Kernels,
    /// Keys of the best so far, a heap with that of the worst on top.
    keys: Vec<u64>,
}

impl TopK {
    /// An empty collection of at most `k`. Memory grows with what is kept, not with `k`.
    #[must_use]
    pub fn new(k: usize) -> Self {
        Self::with_kernels(k, Kernels::current())
    }

    /// [`TopK::new`], scoring by these kernels.
    #[must_use]
    pub fn with_kernels(k: usize, kernels: Kernels) -> Self {
        Self { k, kernels, keys: Vec::with_capacity(k.min(1024)) }
    }

    /// Offers one candidate. Costs a comparison where it is not among the best, else O(log k).
    #[inline]
    pub fn offer(&mut self, id: u32, score: f32) {
        offer(&mut self.keys, self.k, key(id, score));
    }

    /// Offers all that another collection keeps: the result is that of one collection offered both.
    pub fn merge(&mut self, other: Self) {
        for key in other.keys {
            offer(&mut self.keys, self.k, key);
        }
    }

    /// The worst score kept, once there are `k`: what scores below it cannot change the result.
    #[must_use]
    pub fn threshold(&self) -> Option<f32> {
        let &worst = self.keys.first()?;
        (self.keys.len() == self.k).then(|| from_key(worst).1)
    }

    /// Scores every allowed row of `candidates` by its dot product with `query`.
    ///
    /// Row *r* has the id `first_id + r`. `allowed` is a bitmap by id (bit `id % 64` of word
    /// `id / 64`; ids beyond it are not allowed); runs of rows that are not allowed are not read.
    ///
    /// # Panics
    ///
    /// If `candidates.len()` is not a multiple of `query.len()`, or the last id exceeds `u32::MAX`.
    pub fn scan_dot(&mut self, query: &[f32], candidates: &[f32], first_id: u32, allowed: Option<&[u64]>) {
        let dimensions = query.len();
        let rows = count_rows(candidates.len(), dimensions);
        if allowed.is_none() {
            check_ids(rows, first_id);
            return self.kernels.dot_top_k(query, candidates, first_id, self.k, &mut self.keys);
        }
        for_each_run(rows, first_id, allowed, |run| {
            let first_id = first_id + run.start as u32;
            let candidates = &candidates[run.start * dimensions..run.end * dimensions];
            self.kernels.dot_top_k(query, candidates, first_id, self.k, &mut self.keys);
        });
    }

    /// Scores every allowed row of `candidates` by its cosine with `query`, from raw vectors;
    /// otherwise as [`TopK::scan_dot`].
    ///
    /// # Panics
    ///
    /// As [`TopK::scan_dot`].
    pub fn scan_similarity(
        &mut self,
        query: &[f32],
        candidates: &[f32],
        first_id: u32,
        allowed: Option<&[u64]>,
    ) {
        let dimensions = query.len();
        let norm = self.kernels.query_norm(query);
        let mut scores = [0.0f32; ROWS_AT_A_TIME];
        for_each_run(count_rows(candidates.len(), dimensions), first_id, allowed, |run| {
            let scores = &mut scores[..run.len()];
            let first_id = first_id + run.start as u32;
            let candidates = &candidates[run.start * dimensions..run.end * dimensions];
            self.kernels.similarity(query, norm, candidates, scores);
            offer_all(&mut self.keys, self.k, first_id, scores);
        });
    }

    /// The best candidates: score descending, id ascending, NaN last.
    #[must_use]
    pub fn into_sorted(mut self) -> Vec<Scored> {
        self.keys.sort_unstable_by(|a, b| b.cmp(a));
        self.keys.into_iter().map(from_key).map(|(id, score)| Scored { id, score }).collect()
    }
}

/// The best `k` rows of `candidates` by dot product with `query`; ids are row numbers.
///
/// # Panics
///
/// As [`TopK::scan_dot`].
#[must_use]
pub fn vector_dot_top_k(query: &[f32], candidates: &[f32], k: usize) -> Vec<Scored> {
    let mut top_k = TopK::new(k);
    top_k.scan_dot(query, candidates, 0, None);
    top_k.into_sorted()
}

/// The best `k` rows of `candidates` by cosine with `query`, from raw vectors; ids are row numbers.
///
/// # Panics
///
/// As [`TopK::scan_dot`].
///
/// ```
/// let best = engram_kernels::vector_similarity_top_k(&[1.0, 0.0], &[0.0, 1.0, 2.0, 0.0, 1.0, 1.0], 2);
/// assert_eq!([best[0].id, best[1].id], [1, 2]);
/// ```
#[must_use]
pub fn vector_similarity_top_k(query: &[f32], candidates: &[f32], k: usize) -> Vec<Scored> {
    let mut top_k = TopK::new(k);
    top_k.scan_similarity(query, candidates, 0, None);
    top_k.into_sorted()
}
