//! One hop of activation along the edges of a block, pushed or pulled. Both give the same bits,
//! because a target's in-edges add in ascending order of their sources either way.
//!
//! ```text
//! push: for each firing source, ascending: for each edge: accumulator[target] += released · weight
//! pull: for each target: accumulator[target] = +0; for each in-edge, by ascending source:
//!           accumulator[target] += released[source] · weight
//! ```
//!
//! What a pull adds for a source that does not fire is +0, which changes no bits.

use crate::contract::saturate;
use crate::graph::{CHUNK_ROWS, PullRows};
use crate::spreading::FanExponent;
use crate::spreading::frontier::NodeSet;

/// Compressed rows: row *r* is `offsets[r]..offsets[r + 1]` of `neighbours` and `weights`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a> {
    pub(crate) offsets: &'a [u32],
    pub(crate) neighbours: &'a [u32],
    pub(crate) weights: &'a [f32],
}

impl<'a> Rows<'a> {
    /// The neighbours and weights of one row.
    #[inline(always)]
    pub(crate) fn row(&self, row: usize) -> (&'a [u32], &'a [f32]) {
        let range = self.offsets[row] as usize..self.offsets[row + 1] as usize;
        (&self.neighbours[range.clone()], &self.weights[range])
    }
}

/// Adds `released[k]` times each weight of row `sources[k]` to the edge's target, and marks the
/// targets as reached; those whose accumulator is not 0 have been marked before. Rows go in the given
/// order.
pub(crate) fn push(
    sources: &[u32],
    released: &[f32],
    rows: Rows<'_>,
    accumulator: &mut [f32],
    reached: &mut NodeSet,
) {
    for (&source, &released) in sources.iter().zip(released) {
        let (targets, weights) = rows.row(source as usize);
        for (&target, &weight) in targets.iter().zip(weights) {
            let arrived = &mut accumulator[target as usize];
            if *arrived == 0.0 {
                reached.insert(target);
            }
            *arrived += released * weight;
        }
    }
}

/// Sets the accumulator of every node to what its in-edges bring. A row is a lane of its chunk: its
/// edges add in their order, and a padding adds +0.
pub(crate) fn pull(rows: &PullRows, released: &[f32], accumulator: &mut [f32]) {
    for (chunk, nodes) in rows.nodes().chunks(CHUNK_ROWS).enumerate() {
        let (sources, weights) = rows.chunk(chunk);
        let mut sums = [0.0f32; CHUNK_ROWS];
        for (sources, weights) in sources.iter().zip(weights) {
            for lane in 0..CHUNK_ROWS {
                sums[lane] += released[sources[lane] as usize] * weights[lane];
            }
        }
        for (&node, sum) in nodes.iter().zip(sums) {
            accumulator[node as usize] = sum;
        }
    }
}

/// What a node with activation 1 gives along an edge of weight 1: 1 / D^β; 0 for a node with no
/// out-weight.
#[inline(always)]
pub(crate) fn release(out_weight: f32, fan_exponent: FanExponent) -> f32 {
    if out_weight > 0.0 { saturate(1.0 / fan_exponent.of(out_weight)) } else { 0.0 }
}

/// What every node releases, where nothing keeps a node from firing: its activation times [`release`].
pub(crate) fn release_all(
    activation: &[f32],
    out_weights: &[f32],
    fan_exponent: FanExponent,
    released: &mut [f32],
) {
    #[inline(always)]
    fn each(activation: &[f32], out_weights: &[f32], power: impl Fn(f32) -> f32, released: &mut [f32]) {
        for ((released, &x), &d) in released.iter_mut().zip(activation).zip(out_weights) {
            let share = saturate(1.0 / power(d));
            *released = x * if d > 0.0 { share } else { 0.0 };
        }
    }
    // One loop for each exponent, so that each is vectorised.
    match fan_exponent {
        FanExponent::Zero => each(activation, out_weights, |_| 1.0, released),
        FanExponent::Half => each(activation, out_weights, f32::sqrt, released),
        FanExponent::One => each(activation, out_weights, |d| d, released),
    }
}

/// The next activation of a node: x' = (ι·s + κ·x) + λ·a, saturated.
#[inline(always)]
pub(crate) fn next_activation(restarted: f32, kept: f32, arrived: f32) -> f32 {
    saturate((restarted + kept) + arrived)
}

/// The next activations of a run of nodes that are no seeds. Empties the accumulator, and returns
/// the greatest change.
pub(crate) fn settle(activation: &mut [f32], accumulator: &mut [f32], retention: f32, hop_decay: f32) -> f32 {
    let mut greatest = [0.0f32; 8];
    let (activation_chunks, activation_tail) = activation.as_chunks_mut::<8>();
    let (accumulator_chunks, accumulator_tail) = accumulator.as_chunks_mut::<8>();
    for (x, a) in activation_chunks.iter_mut().zip(accumulator_chunks) {
        for i in 0..8 {
            let next = next_activation(0.0, retention * x[i], hop_decay * a[i]);
            let change = (next - x[i]).abs();
            greatest[i] = if change > greatest[i] { change } else { greatest[i] };
            x[i] = next;
            a[i] = 0.0;
        }
    }
    for (x, a) in activation_tail.iter_mut().zip(accumulator_tail) {
        let next = next_activation(0.0, retention * *x, hop_decay * *a);
        greatest[0] = greatest[0].max((next - *x).abs());
        *x = next;
        *a = 0.0;
    }
    greatest.into_iter().fold(0.0, f32::max)
}
