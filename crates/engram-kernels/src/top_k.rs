//! The best *k* of any number of scores, fused with scoring: candidates are scored some rows at a
//! time into a buffer on the stack, and only those that beat the k-th best so far are kept.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::backend::Kernels;
use crate::selection::{ROWS_AT_A_TIME, for_each_run};
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
    /// Sort keys of the best so far, the worst of them on top.
    best: BinaryHeap<Reverse<u64>>,
}

/// A key that orders as the candidates do, the better the greater: the score's bits made monotone
/// (NaN lowest), then the id from the top down.
#[inline]
fn sort_key(id: u32, score: f32) -> u64 {
    let ordered = if score.is_nan() {
        0
    } else {
        let bits = (score + 0.0).to_bits();
        if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
    };
    u64::from(ordered) << 32 | u64::from(!id)
}

/// What [`sort_key`] was made of.
fn from_sort_key(key: u64) -> Scored {
    let ordered = (key >> 32) as u32;
    let score = match ordered {
        0 => f32::NAN,
        _ if ordered >> 31 == 1 => f32::from_bits(ordered & !(1 << 31)),
        _ => f32::from_bits(!ordered),
    };
    Scored { id: !(key as u32), score }
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
        Self { k, kernels, best: BinaryHeap::with_capacity(k.min(1024)) }
    }

    /// Offers one candidate. Costs a comparison where it is not among the best, else O(log k).
    #[inline]
    pub fn offer(&mut self, id: u32, score: f32) {
        let key = sort_key(id, score);
        if self.best.len() < self.k || self.best.peek().is_some_and(|worst| key > worst.0) {
            self.keep(key);
        }
    }

    /// Keeps one that is among the best, in the place of the worst where all places are taken.
    fn keep(&mut self, key: u64) {
        if self.best.len() < self.k {
            self.best.push(Reverse(key));
        } else if let Some(mut worst) = self.best.peek_mut() {
            *worst = Reverse(key);
        }
    }

    /// Offers all that another collection keeps: the result is that of one collection offered both.
    pub fn merge(&mut self, other: Self) {
        for Reverse(key) in other.best {
            let Scored { id, score } = from_sort_key(key);
            self.offer(id, score);
        }
    }

    /// The worst score kept, once there are `k`: what scores below it cannot change the result.
    #[must_use]
    pub fn threshold(&self) -> Option<f32> {
        let worst = self.best.peek()?;
        (self.best.len() == self.k).then(|| from_sort_key(worst.0).score)
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
        let kernels = self.kernels;
        self.scan(query, candidates, first_id, allowed, |rows, scores| {
            kernels.dot(query, rows, scores);
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
        let kernels = self.kernels;
        let norm = kernels.query_norm(query);
        self.scan(query, candidates, first_id, allowed, |rows, scores| {
            kernels.similarity(query, norm, rows, scores);
        });
    }

    /// The best candidates: score descending, id ascending, NaN last.
    #[must_use]
    pub fn into_sorted(self) -> Vec<Scored> {
        // Ascending by `Reverse`, so descending by key.
        self.best.into_sorted_vec().into_iter().map(|Reverse(key)| from_sort_key(key)).collect()
    }

    fn scan(
        &mut self,
        query: &[f32],
        candidates: &[f32],
        first_id: u32,
        allowed: Option<&[u64]>,
        score_rows: impl Fn(&[f32], &mut [f32]),
    ) {
        let dimensions = query.len();
        let rows = count_rows(candidates.len(), dimensions);
        let mut scores = [0.0f32; ROWS_AT_A_TIME];
        for_each_run(rows, first_id, allowed, |run| {
            if self.k == 0 {
                return;
            }
            let scores = &mut scores[..run.len()];
            score_rows(&candidates[run.start * dimensions..run.end * dimensions], scores);
            // Most runs hold nothing that could be kept, which one vectorised comparison tells.
            let least = self.threshold().unwrap_or(f32::NAN);
            if !least.is_nan() && !scores.iter().fold(false, |any, &score| any | (score >= least)) {
                return;
            }
            for (id, &score) in (first_id + run.start as u32..).zip(scores.iter()) {
                self.offer(id, score);
            }
        });
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
