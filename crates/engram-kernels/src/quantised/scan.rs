//! The exact best *k* by dot product, from quantised vectors: bounds first, exact scores for what they leave.
//!
//! ```text
//! for each row:   upper, lower = estimate ± error
//!                 L = the k-th greatest lower bound so far
//!                 keep the row if upper ≥ L
//! for the most promising of the kept, by upper descending, while upper ≥ the k-th best score:
//!                 score exactly, offer
//! for the rest, by id, where upper ≥ the k-th best score:
//!                 score exactly, offer
//! ```
//!
//! A row whose upper bound is below L has k rows before it, so it is not among the best; all others are
//! scored by the very function that a full scan uses. So the result is that of a full scan, bit for bit,
//! whatever the vectors are. Many near ties only leave more rows to score; those are then read in the order
//! in which they lie.

use std::convert::Infallible;

use super::query::IntegerQuery;
use super::{QuantisedRows, rounded_down, rounded_up};
use crate::backend::Kernels;
use crate::selection::{ROWS_AT_A_TIME, for_each_run};
use crate::similarity::count_rows;
use crate::top_k::{Scored, TopK};

/// Rows that are scored by their promise, for each that is wanted. Where none can be told from the next after so
/// many, going on from one end of the block to the other costs far more than it saves.
const PROMISING: usize = 16;

/// Kept rows beyond which those that have fallen below L are dropped; then at twice as many, and so on.
const KEPT: usize = 4096;

/// Collects what may be among the best `k` by dot product; [`QuantisedScan::finish`] scores it exactly.
///
/// As with [`TopK`], several blocks may be scanned one after another, and ids are the caller's.
///
/// ```
/// use engram_kernels::{QuantisedScan, QuantisedVectors, vector_dot_top_k};
///
/// let rows = [0.9, 0.1, 0.0, 1.0, 0.8, 0.7];
/// let quantised = QuantisedVectors::new(&rows, 2);
/// let mut scan = QuantisedScan::new(2, &[1.0, 0.5]);
/// scan.scan(quantised.rows(), 0, None);
/// let best = scan.finish(|id| &rows[id as usize * 2..]);
/// assert_eq!(best, vector_dot_top_k(&[1.0, 0.5], &rows, 2));
/// ```
#[derive(Clone, Debug)]
pub struct QuantisedScan {
    k: usize,
    kernels: Kernels,
    query: Vec<f32>,
    integers: IntegerQuery,
    /// The best lower bounds so far; the k-th is L.
    lower_bounds: TopK,
    kept: Vec<Kept>,
    /// Kept rows at which the next clearing is due.
    clear_at: usize,
}

/// A row that may be among the best.
#[derive(Clone, Copy, Debug)]
struct Kept {
    id: u32,
    /// Its score is not above this; infinite where nothing is known.
    upper: f32,
    /// Its score, where that is known already.
    score: Option<f32>,
}

impl QuantisedScan {
    /// A scan for the best `k`. Costs a pass over the query. Memory grows with the rows that may be among
    /// the best, not with `k`.
    #[must_use]
    pub fn new(k: usize, query: &[f32]) -> Self {
        Self::with_kernels(k, query, Kernels::current())
    }

    /// [`QuantisedScan::new`], by these kernels.
    #[must_use]
    pub fn with_kernels(k: usize, query: &[f32], kernels: Kernels) -> Self {
        Self {
            k,
            kernels,
            query: query.to_vec(),
            integers: IntegerQuery::of(query),
            lower_bounds: TopK::with_kernels(k, kernels),
            kept: Vec::new(),
            clear_at: KEPT,
        }
    }

    /// Bounds the score of every allowed row.
    ///
    /// Row *r* has the id `first_id + r`. `allowed` is a bitmap by id (bit `id % 64` of word `id / 64`;
    /// ids beyond it are not allowed); runs of rows that are not allowed are not read.
    ///
    /// # Panics
    ///
    /// If the rows have not the query's dimensions, or the last id exceeds `u32::MAX`.
    pub fn scan(&mut self, rows: QuantisedRows<'_>, first_id: u32, allowed: Option<&[u64]>) {
        let dimensions = self.query.len();
        assert!(
            rows.dimensions() == dimensions || rows.is_empty(),
            "a query of {dimensions} dimensions, but rows of {}",
            rows.dimensions()
        );
        let mut dots = [0i32; ROWS_AT_A_TIME];
        let (mut estimates, mut errors) = ([0.0f64; ROWS_AT_A_TIME], [0.0f64; ROWS_AT_A_TIME]);
        for_each_run(rows.len(), first_id, allowed, |run| {
            if self.k == 0 {
                return;
            }
            let id = first_id + run.start as u32;
            let run = rows.slice(run);
            let dots = &mut dots[..run.len()];
            self.kernels.vector_dot_i8_into(&self.integers.integers, run.codes(), dots);
            self.integers.estimate(run, dots, &mut estimates, &mut errors);
            self.keep(id, &estimates[..run.len()], &errors[..run.len()]);
        });
    }

    /// Scores every allowed row of `candidates` exactly: for vectors that have no codes. Otherwise as
    /// [`TopK::scan_dot`].
    ///
    /// # Panics
    ///
    /// As [`TopK::scan_dot`].
    pub fn scan_exactly(&mut self, candidates: &[f32], first_id: u32, allowed: Option<&[u64]>) {
        let dimensions = self.query.len();
        let rows = count_rows(candidates.len(), dimensions);
        let mut scores = [0.0f32; ROWS_AT_A_TIME];
        for_each_run(rows, first_id, allowed, |run| {
            if self.k == 0 {
                return;
            }
            let scores = &mut scores[..run.len()];
            let candidates = &candidates[run.start * dimensions..run.end * dimensions];
            self.kernels.vector_dot_into(&self.query, candidates, scores);
            for (row, &score) in run.zip(scores.iter()) {
                let id = first_id + row as u32;
                // A NaN comes last, as in `TopK`.
                let bound = if score.is_nan() { f32::NEG_INFINITY } else { score };
                self.offer(Kept { id, upper: bound, score: Some(score) }, bound);
            }
        });
    }

    /// Takes in what another scan for the same query has kept: the result is that of one scan over
    /// both's rows. So that blocks can be shared out among threads.
    pub fn merge(&mut self, other: Self) {
        self.lower_bounds.merge(other.lower_bounds);
        self.kept.extend(other.kept);
        self.clear();
    }

    /// The best candidates: score descending, id ascending, NaN last. `vectors_from` gives the exact vectors
    /// from an id on, at least that one's and, where they lie behind it, those of the ids that follow; it is
    /// asked for rows that may be among the best only.
    ///
    /// # Panics
    ///
    /// If a vector has not the query's dimensions.
    pub fn finish<'v>(self, mut vectors_from: impl FnMut(u32) -> &'v [f32]) -> Vec<Scored> {
        let Ok(best) = self.try_finish(|id, _| Ok::<_, Infallible>(vectors_from(id)));
        best
    }

    /// [`QuantisedScan::finish`] with vectors that may be refused, for instance because they do not match a checksum.
    ///
    /// `vectors` is asked for those of some ids that follow one another: the first id, and how many. It gives at least
    /// the first's, and of the others as many as lie behind it. Each of them is scored.
    ///
    /// # Errors
    ///
    /// The first of `vectors`.
    ///
    /// # Panics
    ///
    /// As [`QuantisedScan::finish`].
    pub fn try_finish<'v, E>(
        mut self,
        mut vectors: impl FnMut(u32, usize) -> Result<&'v [f32], E>,
    ) -> Result<Vec<Scored>, E> {
        self.clear();
        let mut best = TopK::with_kernels(self.k, self.kernels);
        let (promising, rest) = self.by_promise();
        for kept in &promising {
            if is_out(&best, kept) {
                return Ok(best.into_sorted());
            }
            self.score_run(std::slice::from_ref(kept), &mut best, &mut vectors)?;
        }
        let mut rest = rest.as_slice();
        while let Some(kept) = rest.first() {
            let scored = if is_out(&best, kept) { 1 } else { self.score_run(rest, &mut best, &mut vectors)? };
            rest = &rest[scored..];
        }
        Ok(best.into_sorted())
    }

    /// The most promising of the kept rows, best first, and the rest by id.
    fn by_promise(&mut self) -> (Vec<Kept>, Vec<Kept>) {
        let kept = std::mem::take(&mut self.kept);
        let most = self.k.saturating_mul(PROMISING);
        let (mut promising, mut rest) = (kept, Vec::new());
        if most < promising.len() {
            // Uppers and places: what is left keeps its order.
            let order = |a: &(f32, usize), b: &(f32, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
            let mut places: Vec<_> = promising.iter().map(|kept| kept.upper).zip(0..).collect();
            let (_, &mut last, _) = places.select_nth_unstable_by(most, order);
            let mut place = 0..;
            (promising, rest) = promising
                .into_iter()
                .partition(|kept| place.next().is_some_and(|at| order(&(kept.upper, at), &last).is_lt()));
        }
        promising.sort_unstable_by(|a, b| b.upper.total_cmp(&a.upper).then(a.id.cmp(&b.id)));
        // By id already, unless blocks were scanned in another order.
        rest.sort_by_key(|kept| kept.id);
        (promising, rest)
    }

    /// Scores the first of some rows, and in the same call those after it whose vectors follow its own.
    /// Returns their number.
    fn score_run<'v, E>(
        &self,
        rows: &[Kept],
        best: &mut TopK,
        vectors: &mut impl FnMut(u32, usize) -> Result<&'v [f32], E>,
    ) -> Result<usize, E> {
        let Kept { id, score, .. } = rows[0];
        if let Some(score) = score {
            best.offer(id, score);
            return Ok(1);
        }
        let dimensions = self.query.len();
        let follows =
            |(row, kept): &(usize, &Kept)| kept.id as usize == id as usize + row && kept.score.is_none();
        let run = rows.iter().enumerate().take(ROWS_AT_A_TIME).take_while(follows).count();
        let vectors = vectors(id, run)?;
        let most = vectors.len().checked_div(dimensions).unwrap_or(1);
        assert!(most > 0, "a query of {dimensions} dimensions, but a vector of {}", vectors.len());
        let run = run.min(most);
        let mut scores = [0.0; ROWS_AT_A_TIME];
        let scores = &mut scores[..run];
        self.kernels.vector_dot_into(&self.query, &vectors[..scores.len() * dimensions], scores);
        for (row, &score) in scores.iter().enumerate() {
            best.offer(id + row as u32, score);
        }
        Ok(run)
    }

    /// L: what is below it is not among the best.
    fn least(&self) -> f32 {
        self.lower_bounds.threshold().unwrap_or(f32::NEG_INFINITY)
    }

    /// Keeps those of a run of rows that may be among the best.
    fn keep(&mut self, first_id: u32, estimates: &[f64], errors: &[f64]) {
        let least = f64::from(self.least());
        let mut may_be_best = 0u64;
        for (row, (estimate, error)) in estimates.iter().zip(errors).enumerate() {
            // A NaN is not below anything, so it stays.
            let below = estimate + error < least;
            may_be_best |= u64::from(!below) << row;
        }
        while may_be_best != 0 {
            let row = may_be_best.trailing_zeros();
            may_be_best &= may_be_best - 1;
            let (estimate, error) = (estimates[row as usize], errors[row as usize]);
            let (upper, lower) = (estimate + error, estimate - error);
            let upper = if upper.is_nan() { f32::INFINITY } else { rounded_up(upper) };
            let lower = if lower.is_nan() { f32::NEG_INFINITY } else { rounded_down(lower) };
            self.offer(Kept { id: first_id + row, upper, score: None }, lower);
        }
    }

    fn offer(&mut self, kept: Kept, lower: f32) {
        if kept.upper < self.least() {
            return;
        }
        self.lower_bounds.offer(kept.id, lower);
        self.kept.push(kept);
        if self.kept.len() >= self.clear_at {
            self.clear();
        }
    }

    /// Drops what has fallen below L.
    fn clear(&mut self) {
        let least = self.least();
        self.kept.retain(|kept| kept.upper >= least);
        self.clear_at = KEPT.max(2 * self.kept.len());
    }
}

/// Whether a row cannot be among the best any more.
fn is_out(best: &TopK, kept: &Kept) -> bool {
    best.threshold().is_some_and(|least| kept.upper < least)
}

/// The best `k` rows of `candidates` by dot product with `query`, by way of their codes; ids are row
/// numbers. What [`vector_dot_top_k`](crate::vector_dot_top_k) gives, bit for bit.
///
/// # Panics
///
/// If `quantised` has not as many rows of `query.len()` dimensions as `candidates`.
#[must_use]
pub fn vector_dot_top_k_quantised(
    query: &[f32],
    candidates: &[f32],
    quantised: QuantisedRows<'_>,
    k: usize,
) -> Vec<Scored> {
    let (dimensions, rows) = (query.len(), count_rows(candidates.len(), query.len()));
    assert!(rows == quantised.len(), "{rows} candidates, but {} of them quantised", quantised.len());
    let mut scan = QuantisedScan::new(k, query);
    scan.scan(quantised, 0, None);
    scan.finish(|id| &candidates[id as usize * dimensions..])
}
