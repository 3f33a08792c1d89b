//! The greatest *k* of the keys of scored candidates, kept in a heap whose least is on top.
//!
//! ```text
//! key(id, score) = the score's bits, made to ascend with the score, then the id from the top down
//! for each row: if key(row) is among the k greatest so far: keep it, in place of the least of k
//! ```
//!
//! Keys are distinct numbers that order as the candidates do, so the k greatest are the same in whatever
//! order rows are offered.

use super::similarity::vector_dot;
use crate::selection::ROWS_AT_A_TIME;

/// A key that orders as the candidates do, the better the greater: the score's bits made monotone
/// (NaN lowest), then the id from the top down.
#[inline]
pub(crate) fn key(id: u32, score: f32) -> u64 {
    let ordered = if score.is_nan() {
        0
    } else {
        let bits = (score + 0.0).to_bits();
        if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
    };
    u64::from(ordered) << 32 | u64::from(!id)
}

/// What [`key`] was made of: the id, and the score.
pub(crate) fn from_key(key: u64) -> (u32, f32) {
    let ordered = (key >> 32) as u32;
    let score = match ordered {
        0 => f32::NAN,
        _ if ordered >> 31 == 1 => f32::from_bits(ordered & !(1 << 31)),
        _ => f32::from_bits(!ordered),
    };
    (!(key as u32), score)
}

/// Offers one key to a heap of at most `k`.
#[inline]
pub(crate) fn offer(keys: &mut Vec<u64>, k: usize, key: u64) {
    if keys.len() < k || keys.first().is_some_and(|&least| key > least) {
        keep(keys, k, key);
    }
}

/// Keeps a key that is among the greatest, in the place of the least where all places are taken.
fn keep(keys: &mut Vec<u64>, k: usize, key: u64) {
    if keys.len() < k {
        let mut at = keys.len();
        keys.push(key);
        while at > 0 && keys[(at - 1) / 2] > key {
            keys.swap(at, (at - 1) / 2);
            at = (at - 1) / 2;
        }
    } else {
        keys[0] = key;
        let mut at = 0;
        // The lesser child moves up until neither is less than the key.
        while let Some(&left) = keys.get(2 * at + 1) {
            let right = keys.get(2 * at + 2).is_some_and(|&right| right < left);
            let child = 2 * at + 1 + usize::from(right);
            if keys[child] >= key {
                break;
            }
            keys.swap(at, child);
            at = child;
        }
    }
}

/// Offers the scores of candidates with ids from `first_id` on.
pub(crate) fn offer_all(keys: &mut Vec<u64>, k: usize, first_id: u32, scores: &[f32]) {
    if keys.len() == k && k > 0 {
        // Most runs hold nothing that could be kept, which one vectorised comparison tells.
        let (_, least) = from_key(keys[0]);
        if !least.is_nan() && !scores.iter().fold(false, |any, &score| any | (score >= least)) {
            return;
        }
    }
    for (row, &score) in scores.iter().enumerate() {
        offer(keys, k, key(first_id + row as u32, score));
    }
}

/// Offers the dot products of `query`, which has at least one dimension, with the rows of a block; ids are
/// row numbers from `first_id` on.
pub(crate) fn vector_dot_top_k(query: &[f32], rows: &[f32], first_id: u32, k: usize, keys: &mut Vec<u64>) {
    let mut scores = [0.0f32; ROWS_AT_A_TIME];
    for (run, rows) in (0u32..).zip(rows.chunks(ROWS_AT_A_TIME * query.len())) {
        let scores = &mut scores[..rows.len() / query.len()];
        vector_dot(query, rows, scores);
        offer_all(keys, k, first_id + run * ROWS_AT_A_TIME as u32, scores);
    }
}
