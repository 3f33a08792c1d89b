//! A hop of activation for several cues at once: what a node holds for each of them lies side by side,
//! so that a read of a node, which is what a hop waits for, brings all of it.
//!
//! ```text
//! for each node: sums = +0; for each in-edge, by ascending source: sums += released[source] · weight
//!                next = (what seeds add + retention · x) + hop_decay · sums, saturated
//!                if it has out-edges: next released = next · release if next ≥ threshold, else 0
//! ```
//!
//! Each lane has the bits that its cue would have alone.

use super::spreading::{Factors, Restart, next_activation};
use crate::graph::InRows;

/// Cues side by side: 32 bytes a node, so that two nodes fill a line of the processor's caches.
pub(crate) const LANES: usize = 8;

/// What a node holds, releases or gets, for each cue.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(32))]
pub(crate) struct Lanes(pub(crate) [f32; LANES]);

/// What a node gives along an edge of weight 1 if its activation is 1, and the activation from which it
/// gives anything.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Gate {
    pub(crate) release: f32,
    pub(crate) threshold: f32,
}

/// Nodes that come one after another: what they hold, and of the first of them, which have out-edges, how
/// they release and what they release next.
pub(crate) struct Settled<'a> {
    pub(crate) activation: &'a mut [Lanes],
    pub(crate) gates: &'a [Gate],
    pub(crate) released: &'a mut [Lanes],
}

/// Nodes that are pulled into and settled in one go: what arrives at them stays in the processor's
/// nearest cache.
const WINDOW: usize = 512;

/// A hop into the nodes from slot `first` on, none of which is a seed. Raises `greatest` to each lane's
/// greatest change.
pub(crate) fn hop(
    rows: &InRows,
    first: usize,
    released: &[Lanes],
    settled: Settled<'_>,
    factors: Factors,
    greatest: &mut Lanes,
) {
    let mut arrived = [Lanes::default(); WINDOW];
    for (window, x) in (0..).step_by(WINDOW).zip(settled.activation.chunks_mut(WINDOW)) {
        let arrived = &mut arrived[..x.len()];
        pull(rows, first + window, released, arrived);
        settle(x, arrived, factors, greatest);
        if let Some(gates) = settled.gates.get(window..) {
            release(x, gates, &mut settled.released[window..]);
        }
    }
}

/// What arrives at the nodes from slot `first` on.
pub(crate) fn pull(rows: &InRows, first: usize, released: &[Lanes], arrived: &mut [Lanes]) {
    for (row, arrived) in (first..).zip(arrived) {
        let (slots, weights) = rows.row(row);
        let mut sums = [0.0; LANES];
        for (&slot, &weight) in slots.iter().zip(weights) {
            let Lanes(released) = released[slot as usize];
            for lane in 0..LANES {
                sums[lane] += released[lane] * weight;
            }
        }
        *arrived = Lanes(sums);
    }
}

/// The next activations of nodes that are nobody's seeds. Raises `greatest` to each lane's greatest
/// change.
fn settle(activation: &mut [Lanes], arrived: &[Lanes], factors: Factors, greatest: &mut Lanes) {
    for (x, a) in activation.iter_mut().zip(arrived) {
        settle_node(x, a, &[Restart::default(); LANES], factors, greatest);
    }
}

/// The next activations of a node, to which some of the cues may add.
#[inline(always)]
pub(crate) fn settle_node(
    Lanes(x): &mut Lanes,
    Lanes(a): &Lanes,
    restarts: &[Restart; LANES],
    Factors { retention, hop_decay }: Factors,
    Lanes(greatest): &mut Lanes,
) {
    for lane in 0..LANES {
        let Restart { restarted, returned } = restarts[lane];
        let next = next_activation(restarted, retention * x[lane], hop_decay * (a[lane] + returned));
        let change = (next - x[lane]).abs();
        greatest[lane] = if change > greatest[lane] { change } else { greatest[lane] };
        x[lane] = next;
    }
}

/// What nodes release.
pub(crate) fn release(activation: &[Lanes], gates: &[Gate], released: &mut [Lanes]) {
    for ((Lanes(x), gate), Lanes(released)) in activation.iter().zip(gates).zip(released) {
        for lane in 0..LANES {
            let share = x[lane] * gate.release;
            released[lane] = if x[lane] >= gate.threshold { share } else { 0.0 };
        }
    }
}
