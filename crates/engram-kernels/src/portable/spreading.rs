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
use crate::graph::{CHUNK_ROWS, PullRows, SourceOrder};
use crate::spreading::FanExponent;
use crate::spreading::frontier::{LINE_NODES, TouchedLines};

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

/// Adds `released[k]` times each weight of row `sources[k]` to the edge's target, and marks the target's
/// line, unless there are no marks. Rows go in the given order.
pub(crate) fn push(
    sources: &[u32],
    released: &[f32],
    rows: Rows<'_>,
    accumulator: &mut [f32],
    touched: Option<&mut TouchedLines>,
) {
    #[inline(always)]
    fn each(
        (sources, released): (&[u32], &[f32]),
        rows: Rows<'_>,
        accumulator: &mut [f32],
        mut reach: impl FnMut(u32),
    ) {
        for (&source, &released) in sources.iter().zip(released) {
            let (targets, weights) = rows.row(source as usize);
            for (&target, &weight) in targets.iter().zip(weights) {
                accumulator[target as usize] += released * weight;
                reach(target);
            }
        }
    }
    match touched {
        Some(touched) => each((sources, released), rows, accumulator, |target| touched.mark(target)),
        None => each((sources, released), rows, accumulator, |_| {}),
    }
}

/// Sets the accumulator of every node to what its in-edges bring. A row is a lane of its chunk: its
/// edges add in their order, and a padding adds +0. What nodes release lies in the order of their slots.
pub(crate) fn pull(rows: &PullRows, released: &[f32], accumulator: &mut [f32]) {
    for (chunk, nodes) in rows.nodes().chunks(CHUNK_ROWS).enumerate() {
        for (&node, sum) in nodes.iter().zip(pull_chunk(rows, chunk, released)) {
            accumulator[node as usize] = sum;
        }
    }
    pull_long(rows, rows.long().0, released, accumulator);
}

/// What arrives at the rows of a chunk, of which long ones get nothing.
#[inline(always)]
pub(crate) fn pull_chunk(rows: &PullRows, chunk: usize, released: &[f32]) -> [f32; CHUNK_ROWS] {
    let (slots, weights) = rows.chunk(chunk);
    let mut sums = [0.0f32; CHUNK_ROWS];
    for (slots, weights) in slots.iter().zip(weights) {
        for lane in 0..CHUNK_ROWS {
            sums[lane] += released[slots[lane] as usize] * weights[lane];
        }
    }
    sums
}

/// Pulls into the long rows, whose sums go to these places.
pub(crate) fn pull_long(rows: &PullRows, places: &[u32], released: &[f32], accumulator: &mut [f32]) {
    let (_, rows) = rows.long();
    for (row, &place) in places.iter().enumerate() {
        let (slots, weights) = rows.row(row);
        let edges = slots.iter().zip(weights);
        accumulator[place as usize] =
            edges.fold(0.0, |sum, (&slot, &weight)| sum + released[slot as usize] * weight);
    }
}

/// A number for each row of a chunk.
pub(crate) type Chunk = [f32; CHUNK_ROWS];

/// Chunks that come one after another: what their nodes hold, and of the first of them, in which there are
/// out-edges, how much they release if their activation is 1, from which on they do (always, if it is not
/// given), and what they release next.
pub(crate) struct Chunks<'a> {
    pub(crate) activation: &'a mut [Chunk],
    pub(crate) releases: &'a [Chunk],
    pub(crate) thresholds: Option<&'a [Chunk]>,
    pub(crate) released: &'a mut [Chunk],
}

/// A hop into chunks from `first` on, in which there is neither a seed nor a long row. Returns how many nodes are
/// active, and the greatest change.
///
/// ```text
/// for each chunk: sums = what arrives; next = retention · x + hop_decay · sums, saturated
///     next released = next · release if next ≥ threshold, else 0
/// ```
pub(crate) fn hop(
    rows: &PullRows,
    first: usize,
    released: &[f32],
    chunks: Chunks<'_>,
    factors: Factors,
) -> (usize, f32) {
    let Chunks { activation, releases, thresholds, released: next } = chunks;
    let none = [Restart::default(); CHUNK_ROWS];
    let (mut count, mut greatest) = (0, 0.0);
    for (chunk, x) in activation.iter_mut().enumerate() {
        let arrived = pull_chunk(rows, first + chunk, released);
        let change = settle_nodes(x, &arrived, factors, &none);
        greatest = if change > greatest { change } else { greatest };
        count += active(x);
        if let Some(next) = next.get_mut(chunk) {
            *next = release_chunk(x, &releases[chunk], thresholds.map(|thresholds| &thresholds[chunk]));
        }
    }
    (count, greatest)
}

/// How many nodes are active.
#[inline(always)]
pub(crate) fn active(activation: &Chunk) -> usize {
    activation.iter().map(|x| usize::from(x.to_bits() != 0)).sum()
}

/// What the nodes of a chunk release.
#[inline(always)]
pub(crate) fn release_chunk(activation: &Chunk, releases: &Chunk, thresholds: Option<&Chunk>) -> Chunk {
    let mut released = [0.0; CHUNK_ROWS];
    for lane in 0..CHUNK_ROWS {
        let fires = thresholds.is_none_or(|thresholds| activation[lane] >= thresholds[lane]);
        let share = activation[lane] * releases[lane];
        released[lane] = if fires { share } else { 0.0 };
    }
    released
}

/// What a node with activation 1 gives along an edge of weight 1: 1 / D^β; 0 for a node with no
/// out-weight.
#[inline(always)]
pub(crate) fn release(out_weight: f32, fan_exponent: FanExponent) -> f32 {
    if out_weight > 0.0 { saturate(1.0 / fan_exponent.of(out_weight)) } else { 0.0 }
}

/// What every node with out-edges releases, where nothing keeps a node from firing: its activation times
/// [`release`].
pub(crate) fn release_all(
    activation: &[f32],
    order: &SourceOrder,
    fan_exponent: FanExponent,
    released: &mut [f32],
) {
    /// Nodes whose activations are gathered before they are multiplied in a loop that is vectorised.
    const TOGETHER: usize = 1024;

    #[inline(always)]
    fn each(activation: &[f32], order: &SourceOrder, power: impl Fn(f32) -> f32, released: &mut [f32]) {
        let (nodes, out_weights) = order.sources();
        let chunks = nodes.chunks(TOGETHER).zip(out_weights.chunks(TOGETHER));
        for (released, (nodes, out_weights)) in released.chunks_mut(TOGETHER).zip(chunks) {
            for (released, &node) in released.iter_mut().zip(nodes) {
                *released = activation[node as usize];
            }
            for (released, &d) in released.iter_mut().zip(out_weights) {
                let share = saturate(1.0 / power(d));
                *released *= if d > 0.0 { share } else { 0.0 };
            }
        }
    }
    // One loop for each exponent, so that each is vectorised.
    match fan_exponent {
        FanExponent::Zero => each(activation, order, |_| 1.0, released),
        FanExponent::Half => each(activation, order, f32::sqrt, released),
        FanExponent::One => each(activation, order, |d| d, released),
    }
}

/// The next activation of a node: x' = (ι·s + κ·x) + λ·a, saturated.
#[inline(always)]
pub(crate) fn next_activation(restarted: f32, kept: f32, arrived: f32) -> f32 {
    saturate((restarted + kept) + arrived)
}

/// κ and λ of the contract.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Factors {
    pub(crate) retention: f32,
    pub(crate) hop_decay: f32,
}

/// What a seed adds to its node's next activation: ι·s, and its part of what comes back to the seeds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Restart {
    pub(crate) restarted: f32,
    pub(crate) returned: f32,
}

/// Gives the nodes of each line their next activation (none is a seed), empties their accumulators, and
/// writes those that are active to `active`, which has room for all of the lines' nodes, if it is given.
/// Returns how many are active, and the greatest change.
pub(crate) fn settle(
    lines: &[u32],
    activation: &mut [f32],
    accumulator: &mut [f32],
    factors: Factors,
    mut active: Option<&mut [u32]>,
) -> (usize, f32) {
    let none = [Restart::default(); LINE_NODES];
    let (mut count, mut greatest) = (0, 0.0);
    for &line in lines {
        let active = active.as_deref_mut().map(|active| &mut active[count..]);
        let (more, change) = settle_line(line, activation, accumulator, factors, &none, active);
        count += more;
        greatest = if change > greatest { change } else { greatest };
    }
    (count, greatest)
}

/// [`settle`] of one line, some of whose nodes are seeds.
#[inline(always)]
pub(crate) fn settle_line(
    line: u32,
    activation: &mut [f32],
    accumulator: &mut [f32],
    factors: Factors,
    restarts: &[Restart; LINE_NODES],
    active: Option<&mut [u32]>,
) -> (usize, f32) {
    let x = &mut activation.as_chunks_mut::<LINE_NODES>().0[line as usize];
    let a = &mut accumulator.as_chunks_mut::<LINE_NODES>().0[line as usize];
    let greatest = settle_nodes(x, a, factors, restarts);
    *a = [0.0; LINE_NODES];
    let count = match active {
        Some(active) => compact(line * LINE_NODES as u32, x, active),
        None => self::active(x),
    };
    (count, greatest)
}

/// The next activations of some nodes, at which `a` has arrived. Returns the greatest change.
#[inline(always)]
pub(crate) fn settle_nodes(
    x: &mut [f32; LINE_NODES],
    a: &[f32; LINE_NODES],
    Factors { retention, hop_decay }: Factors,
    restarts: &[Restart; LINE_NODES],
) -> f32 {
    let mut changes = [0.0f32; LINE_NODES];
    for lane in 0..LINE_NODES {
        let Restart { restarted, returned } = restarts[lane];
        let next = next_activation(restarted, retention * x[lane], hop_decay * (a[lane] + returned));
        changes[lane] = (next - x[lane]).abs();
        x[lane] = next;
    }
    changes.into_iter().fold(0.0, |most, change| if change > most { change } else { most })
}

/// Writes which of the nodes from `first` on are active to `active`, which has room for all of them. Returns how
/// many they are.
#[inline(always)]
pub(crate) fn compact(first: u32, activation: &[f32; LINE_NODES], active: &mut [u32]) -> usize {
    // Without a branch, because which nodes are active cannot be predicted. Activation is never negative, so
    // it is above 0 where its bits are not.
    let mut nodes = [0; LINE_NODES];
    let mut count = 0;
    for (node, x) in (first..).zip(activation) {
        nodes[count % LINE_NODES] = node;
        count += usize::from(x.to_bits() != 0);
    }
    active[..LINE_NODES].copy_from_slice(&nodes);
    count
}
