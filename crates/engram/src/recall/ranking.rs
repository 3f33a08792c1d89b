//! Ranking: activation and direct evidence weighed by forgetting, the best first, and what fills up the answer.

use engram_kernels::{Spreading, TopK, apply_decay_into};
use rustc_hash::FxHashSet;
use tracing::debug_span;

use super::cue::{Cue, Reading};
use super::seeds::Seeds;
use super::view::View;
use crate::error::Result;
use crate::time::Time;

/// A hit is weak below this share of the first one's score.
const WEAK: f32 = 0.02;

/// A memory as it is ranked.
pub(super) struct Ranked {
    pub(super) memory: u32,
    pub(super) score: f32,
    pub(super) activation: f32,
    /// What its own words add to its activation.
    pub(super) direct: f32,
    pub(super) retention: f32,
    pub(super) is_weak: bool,
}

/// A candidate before forgetting weighs it.
#[derive(Clone, Copy)]
struct Candidate {
    memory: u32,
    activation: f32,
    direct: f32,
}

/// The best of what activation reached; then, where that is fewer than asked for, what only shares a word with the cue,
/// and what only has a vector near its own.
pub(super) fn by_activation(
    view: &View<'_>,
    reading: &Reading,
    seeds: &Seeds,
    cue: &Cue,
    scratch: &Spreading,
    at: Time,
) -> Result<Vec<Ranked>> {
    let direct = seeds.direct(&cue.settings);
    let reached: Vec<Candidate> = (scratch.touched().iter())
        .filter(|node| reading.is_allowed(view, **node))
        .map(|node| Candidate {
            memory: *node,
            activation: scratch.activation(*node),
            direct: direct.get(node).copied().unwrap_or(0.0),
        })
        .collect();
    let mut ranked = weighed(view, &reached, cue, at)?;
    if ranked.len() < cue.k {
        fill(&mut ranked, seeds, cue.k);
    }
    let floor = WEAK * ranked.first().map_or(0.0, |first| first.score);
    for hit in &mut ranked {
        hit.is_weak |= hit.score < floor;
    }
    ranked.retain(|hit| hit.score >= cue.min_score);
    Ok(ranked)
}

/// Weighs candidates by forgetting and keeps the best.
fn weighed(view: &View<'_>, candidates: &[Candidate], cue: &Cue, at: Time) -> Result<Vec<Ranked>> {
    let (mut strengths, mut ages) =
        (Vec::with_capacity(candidates.len()), Vec::with_capacity(candidates.len()));
    let mut stabilities = Vec::with_capacity(candidates.len());
    for Candidate { memory, .. } in candidates {
        let columns = view.columns(*memory)?;
        let columns = columns.ok_or_else(|| view.store.damaged(format!("memory {memory} has no columns")))?;
        strengths.push(columns.strength);
        ages.push(at.seconds_since(Time::from_milliseconds(columns.refreshed)));
        stabilities.push(f64::from(columns.stability));
    }
    let mut retained = vec![0.0; candidates.len()];
    debug_span!("decay")
        .in_scope(|| apply_decay_into(&strengths, &ages, &stabilities, cue.forgetting, &mut retained));
    let mut best = TopK::new(cue.k);
    for (row, (candidate, retained)) in (0_u32..).zip(candidates.iter().zip(&retained)) {
        best.offer(row, (candidate.activation + candidate.direct) * retained);
    }
    let ranked = best.into_sorted().into_iter().map(|scored| {
        let Candidate { memory, activation, direct } = candidates[scored.id as usize];
        let retention = retained[scored.id as usize];
        Ranked { memory, score: scored.score, activation, direct, retention, is_weak: false }
    });
    Ok(ranked.collect())
}

/// Adds memories that activation did not reach, in the order of their words' and then of their vectors' scores, below
/// all that it did.
fn fill(ranked: &mut Vec<Ranked>, seeds: &Seeds, k: usize) {
    let mut known: FxHashSet<u32> = ranked.iter().map(|hit| hit.memory).collect();
    // Scores go on falling from the last one's, as far as there are such small numbers.
    let mut score = ranked.last().map_or(1e-9, |last| last.score);
    for (memory, _) in seeds.words.iter().chain(&seeds.vectors) {
        if ranked.len() == k {
            break;
        }
        if known.insert(*memory) {
            score *= 0.99;
            let (activation, direct, retention) = (0.0, 0.0, 1.0);
            ranked.push(Ranked { memory: *memory, score, activation, direct, retention, is_weak: true });
        }
    }
}

/// Seeds alone, as they were found.
pub(super) fn as_found(seeds: &[(u32, f32)], cue: &Cue) -> Vec<Ranked> {
    seeds
        .iter()
        .take(cue.k)
        .filter(|(_, score)| *score >= cue.min_score)
        .map(|(memory, score)| Ranked {
            memory: *memory,
            score: *score,
            activation: *score,
            direct: 0.0,
            retention: 1.0,
            is_weak: false,
        })
        .collect()
}
