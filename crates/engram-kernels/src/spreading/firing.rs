//! Which nodes fire in a hop, and what they give.

use super::frontier::TouchedLines;
use super::parameters::{Dangling, SpreadParameters};
use crate::backend::Kernels;
use crate::graph::Graph;
use crate::portable::batch::Gate;
use crate::portable::spreading::{Rows, release};

/// Where there is an edge for every so many nodes, or more, all lines are settled: that costs less than
/// a mark for each edge.
const MANY_EDGES: u64 = 4;

/// Rows of one block (or of the patch) that fire one after another.
#[derive(Clone, Debug, Default)]
pub(super) struct Firing {
    pub(super) rows: Vec<u32>,
    pub(super) released: Vec<f32>,
    /// How many edges the rows have.
    pub(super) edges: u64,
}

impl Firing {
    /// Pushes the rows collected so far, and forgets them.
    pub(super) fn flush(
        &mut self,
        kernels: Kernels,
        rows: Rows<'_>,
        accumulator: &mut [f32],
        touched: &mut TouchedLines,
    ) {
        if !self.rows.is_empty() {
            let marks = if self.edges * MANY_EDGES < accumulator.len() as u64 {
                Some(touched)
            } else {
                touched.mark_all();
                None
            };
            kernels.spread_push(&self.rows, &self.released, rows, accumulator, marks);
            self.forget();
        }
    }

    /// Collects those of the active nodes of a whole graph that fire. Returns what the dangling ones hold.
    pub(super) fn collect(
        &mut self,
        graph: &Graph,
        parameters: &SpreadParameters,
        active: &[u32],
        activation: &[f32],
    ) -> f32 {
        let (offsets, out_weights) = (graph.offsets(), graph.out_weights());
        self.rows.resize(active.len(), 0);
        self.released.resize(active.len(), 0.0);
        let mut count = 0;
        let mut dangling = 0.0f64;
        // Without branches, because which nodes fire cannot be predicted.
        for &node in active {
            let (x, out_weight) = (activation[node as usize], out_weights[node as usize]);
            let fan = offsets[node as usize + 1] - offsets[node as usize];
            let awake = is_awake(parameters, x, fan);
            let released = x * release(out_weight, parameters.fan_exponent);
            let fires = awake & (released > 0.0);
            self.rows[count] = node;
            self.released[count] = released;
            count += usize::from(fires);
            self.edges += if fires { u64::from(fan) } else { 0 };
            dangling += if awake & (out_weight <= 0.0) { f64::from(x) } else { 0.0 };
        }
        self.rows.truncate(count);
        self.released.truncate(count);
        dangling as f32
    }

    pub(super) fn forget(&mut self) {
        self.rows.clear();
        self.released.clear();
        self.edges = 0;
    }
}

/// What a node does in a hop.
pub(super) enum Act {
    /// It is below its threshold, above the fan limit, or gives less than `f32` can tell from 0.
    Rest,
    /// It has nowhere to send what it holds.
    Dangle,
    /// It gives each edge this much, times the edge's weight.
    Fire(f32),
}

/// What every node does at any activation.
#[derive(Clone, Debug, Default)]
pub(super) struct Gates {
    /// Of the nodes with out-edges, by slot; release is 0 for those that never fire.
    pub(super) gates: Vec<Gate>,
    /// The slots of nodes whose activation leads nowhere, ascending by node, and their thresholds.
    pub(super) dangling: Vec<(u32, f32)>,
}

impl Gates {
    /// For a graph and settings. Nodes whose fan is above the limit do nothing.
    pub(super) fn set(&mut self, graph: &Graph, parameters: &SpreadParameters) {
        let order = graph.source_order();
        let slots = order.slots();
        let fan = |node: u32| graph.offsets()[node as usize + 1] - graph.offsets()[node as usize];
        let rests = |node: u32| parameters.fan_limit.is_some_and(|limit| fan(node) > limit);
        let threshold =
            |node: u32| parameters.firing_threshold * parameters.threshold_fan_exponent.of(fan(node) as f32);
        let (nodes, out_weights) = order.sources();
        self.gates.clear();
        self.gates.extend(nodes.iter().zip(out_weights).map(|(&node, &out_weight)| Gate {
            release: if rests(node) { 0.0 } else { release(out_weight, parameters.fan_exponent) },
            threshold: threshold(node),
        }));
        self.dangling.clear();
        if parameters.dangling == Dangling::ReturnToSeeds {
            let awake = order.dangling().iter().filter(|&&node| !rests(node));
            self.dangling.extend(awake.map(|&node| (slots[node as usize], threshold(node))));
        }
    }
}

/// Whether a node's activation reaches its threshold, and its fan the limit at most.
#[inline(always)]
fn is_awake(parameters: &SpreadParameters, activation: f32, fan: u32) -> bool {
    let threshold = parameters.firing_threshold * parameters.threshold_fan_exponent.of(fan as f32);
    (activation >= threshold) & (fan <= parameters.fan_limit.unwrap_or(u32::MAX))
}

/// Decides what a node with this activation, fan and out-weight does.
#[inline(always)]
pub(super) fn act(parameters: &SpreadParameters, activation: f32, fan: u32, out_weight: f32) -> Act {
    if !is_awake(parameters, activation, fan) {
        return Act::Rest;
    }
    if out_weight <= 0.0 {
        return Act::Dangle;
    }
    let released = activation * release(out_weight, parameters.fan_exponent);
    if released > 0.0 { Act::Fire(released) } else { Act::Rest }
}
