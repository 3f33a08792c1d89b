//! Which nodes fire in a hop, and what they give.

use std::convert::Infallible;

use super::frontier::TouchedLines;
use super::parameters::{Dangling, SpreadParameters};
use crate::backend::Kernels;
use crate::graph::{Graph, GraphBlock, GraphError, Patch, is_sound};
use crate::portable::batch::Gate;
use crate::portable::spreading::{Rows, release};

/// Where there is an edge for every so many nodes, or more, all lines are settled: that costs less than
/// a mark for each edge.
pub(super) const MANY_EDGES: u64 = 4;

/// Nodes whose rows are looked up before the first of them is decided on: lookups may be far from the
/// processor, and so they are waited for together.
const TOGETHER: usize = 64;

/// Rows of one block (or of the patch) that fire one after another.
#[derive(Clone, Debug, Default)]
pub(super) struct Firing {
    rows: Vec<u32>,
    released: Vec<f32>,
    /// How many rows there are; behind them lies room for more.
    count: usize,
    /// How many edges the rows have.
    edges: u64,
    /// Nodes that are awake, what they hold, and their rows: of [`TOGETHER`] nodes.
    awake: Vec<(u32, f32)>,
    fans: Vec<Fan>,
}

/// Where a node's edges lie, and the sum of their weights.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fan {
    row: u32,
    begin: u32,
    end: u32,
    out_weight: f32,
}

impl Fan {
    #[inline(always)]
    fn of(offsets: &[u32], out_weights: &[f32], row: u32) -> Self {
        let (begin, end) = (offsets[row as usize], offsets[row as usize + 1]);
        Self { row, begin, end, out_weight: out_weights[row as usize] }
    }
}

impl Firing {
    /// The rows collected so far, and what each releases.
    pub(super) fn rows(&self) -> impl Iterator<Item = (u32, f32)> {
        self.rows[..self.count].iter().copied().zip(self.released.iter().copied())
    }

    /// How many edges the rows collected so far have.
    pub(super) fn edges(&self) -> u64 {
        self.edges
    }

    /// Pushes the rows collected so far, and forgets them.
    pub(super) fn flush(
        &mut self,
        kernels: Kernels,
        rows: Rows<'_>,
        accumulator: &mut [f32],
        touched: &mut TouchedLines,
    ) {
        if self.count > 0 {
            let marks = if self.edges * MANY_EDGES < accumulator.len() as u64 {
                Some(touched)
            } else {
                touched.mark_all();
                None
            };
            let (sources, released) = (&self.rows[..self.count], &self.released[..self.count]);
            kernels.spread_push(sources, released, rows, accumulator, marks);
            self.forget();
        }
    }

    /// Collects those of some nodes of a block that fire, and adds what the dangling ones hold.
    ///
    /// ```text
    /// for some nodes at a time: choose those that hold enough for a node with the fewest edges
    ///                           look all their rows up
    ///                           decide for each: fires, dangles or rests
    /// ```
    ///
    /// # Errors
    ///
    /// If a row does not lie within the block, or its out-weight is none. Rows before it that fire are
    /// checked first, so that the first fault is found. Or if the block's own check refuses one.
    pub(super) fn collect(
        &mut self,
        block: &GraphBlock<'_>,
        parameters: &SpreadParameters,
        nodes: &[u32],
        activation: &[f32],
        dangling: &mut f64,
    ) -> Result<(), GraphError> {
        let (offsets, out_weights) = (block.compressed_rows().offsets, block.out_weights());
        let (first, edges) = (block.first(), block.edges() as u32);
        let fan = |node: u32| Fan::of(offsets, out_weights, node - first);
        let before = |awake: &[(u32, f32)]| {
            let Some(checks) = block.checks() else { return Ok(()) };
            let mut rows = [0; TOGETHER];
            rows.iter_mut().zip(awake).for_each(|(row, (node, _))| *row = node - first);
            checks.check_bounds(&rows[..awake.len()])
        };
        if let Some(broken) =
            self.try_collect_rows(parameters, nodes, activation, dangling, edges, before, fan)?
        {
            self.count = self.rows[..self.count].partition_point(|&row| row < broken);
            self.check(block, activation.len())?;
            block.fan(broken as usize)?;
        }
        Ok(())
    }

    /// Collects those of some nodes of a whole graph that fire, and adds what the dangling ones hold.
    pub(super) fn collect_of_graph(
        &mut self,
        graph: &Graph,
        parameters: &SpreadParameters,
        nodes: &[u32],
        activation: &[f32],
        dangling: &mut f64,
    ) {
        let (offsets, out_weights) = (graph.offsets(), graph.out_weights());
        let fan = |node: u32| Fan::of(offsets, out_weights, node);
        self.collect_rows(parameters, nodes, activation, dangling, graph.edges() as u32, fan);
    }

    /// Collects a node if it fires, whose row is one of a patch.
    pub(super) fn collect_patched(
        &mut self,
        patch: &Patch,
        row: usize,
        parameters: &SpreadParameters,
        node: &[u32],
        activation: &[f32],
        dangling: &mut f64,
    ) {
        let offsets = patch.compressed_rows().offsets;
        let fan = |_| Fan::of(offsets, patch.out_weights(), row as u32);
        self.collect_rows(parameters, node, activation, dangling, patch.edges() as u32, fan);
    }

    /// Collects those of some nodes that fire, given the row of each, which ascend, among `edges` edges.
    /// Returns the first that was found broken.
    #[inline(always)]
    pub(super) fn collect_rows(
        &mut self,
        parameters: &SpreadParameters,
        nodes: &[u32],
        activation: &[f32],
        dangling: &mut f64,
        edges: u32,
        fan: impl Fn(u32) -> Fan,
    ) -> Option<u32> {
        let before = |_: &[(u32, f32)]| Ok::<(), Infallible>(());
        let Ok(broken) = self.try_collect_rows(parameters, nodes, activation, dangling, edges, before, fan);
        broken
    }

    /// [`Self::collect_rows`], which gives the nodes that are awake to `before` ahead of looking up their rows.
    ///
    /// # Errors
    ///
    /// That of `before`; what was collected is to be forgotten then.
    #[inline(always)]
    #[allow(clippy::too_many_arguments, reason = "as `collect_rows`, and a hook")]
    fn try_collect_rows<E>(
        &mut self,
        parameters: &SpreadParameters,
        nodes: &[u32],
        activation: &[f32],
        dangling: &mut f64,
        edges: u32,
        before: impl Fn(&[(u32, f32)]) -> Result<(), E>,
        fan: impl Fn(u32) -> Fan,
    ) -> Result<Option<u32>, E> {
        let Self { rows, released: amounts, awake, fans, .. } = self;
        let (mut count, mut fired, mut held) = (self.count, self.edges, *dangling);
        let room = (count + nodes.len()).max(rows.len());
        rows.resize(room, 0);
        amounts.resize(room, 0.0);
        let (rows, amounts) = (&mut rows[..room], &mut amounts[..room]);
        awake.resize(TOGETHER, (0, 0.0));
        fans.resize(TOGETHER, Fan::default());
        let enough = least_awake(parameters);
        let mut broken = u32::MAX;
        // Without branches, because which nodes fire cannot be predicted.
        for nodes in nodes.chunks(TOGETHER) {
            let mut num_awake = 0;
            for &node in nodes {
                let x = activation[node as usize];
                awake[num_awake] = (node, x);
                num_awake += usize::from(x >= enough);
            }
            let awake = &awake[..num_awake];
            before(awake)?;
            for (found, &(node, _)) in fans.iter_mut().zip(awake) {
                *found = fan(node);
            }
            for (&Fan { row, begin, end, out_weight }, &(_, x)) in fans.iter().zip(awake) {
                let sound = is_sound(begin, end, edges, out_weight);
                broken = broken.min(if sound { u32::MAX } else { row });
                let fan = end.wrapping_sub(begin);
                let Act { released, dangling } = act(parameters, x, fan, out_weight);
                let fires = released > 0.0;
                rows[count] = row;
                amounts[count] = released;
                count += usize::from(fires);
                fired += u64::from(if fires { fan } else { 0 });
                held += f64::from(dangling);
            }
        }
        (self.count, self.edges, *dangling) = (count, fired, held);
        Ok((broken < u32::MAX).then_some(broken))
    }

    /// Checks the rows collected so far, which are a block's, unless they are known to be good.
    pub(super) fn check(&self, block: &GraphBlock<'_>, nodes: usize) -> Result<(), GraphError> {
        block.check_rows(&self.rows[..self.count], nodes)
    }

    pub(super) fn forget(&mut self) {
        self.count = 0;
        self.edges = 0;
    }
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
        let (nodes, out_weights) = graph.source_order().sources();
        self.gates.clear();
        self.gates.extend(nodes.iter().zip(out_weights).map(|(&node, &out_weight)| {
            let Fanned { threshold, rests } = fanned(graph, parameters, node);
            let release = if rests { 0.0 } else { release(out_weight, parameters.fan_exponent) };
            Gate { release, threshold }
        }));
        set_dangling(&mut self.dangling, graph, parameters);
    }
}

/// What a node's fan makes of the settings.
pub(super) struct Fanned {
    /// The activation from which it fires.
    pub(super) threshold: f32,
    /// Whether it never does anything.
    pub(super) rests: bool,
}

/// Looks up what a node's fan makes of the settings.
#[inline(always)]
pub(super) fn fanned(graph: &Graph, parameters: &SpreadParameters, node: u32) -> Fanned {
    let fan = graph.offsets()[node as usize + 1] - graph.offsets()[node as usize];
    let threshold = parameters.firing_threshold * parameters.threshold_fan_exponent.of(fan as f32);
    Fanned { threshold, rests: parameters.fan_limit.is_some_and(|limit| fan > limit) }
}

/// Collects the slots of nodes whose activation leads nowhere, ascending by node, and their thresholds, if that
/// returns to the seeds.
pub(super) fn set_dangling(dangling: &mut Vec<(u32, f32)>, graph: &Graph, parameters: &SpreadParameters) {
    dangling.clear();
    if parameters.dangling == Dangling::ReturnToSeeds {
        let (slots, nodes) = (graph.source_order().slots(), graph.source_order().dangling());
        dangling.extend(nodes.iter().filter_map(|&node| {
            let Fanned { threshold, rests } = fanned(graph, parameters, node);
            (!rests).then_some((slots[node as usize], threshold))
        }));
    }
}

/// The least activation with which a node can do anything that counts.
fn least_awake(parameters: &SpreadParameters) -> f32 {
    match parameters.dangling {
        // One edge is the least that a node which fires has, and 1 to any power is 1.
        Dangling::Drop => parameters.firing_threshold,
        Dangling::ReturnToSeeds => 0.0,
    }
}

/// Whether every active node with out-edges fires.
pub(super) fn fires_unconditionally(parameters: &SpreadParameters) -> bool {
    parameters.firing_threshold == 0.0 && parameters.fan_limit.is_none()
}

/// Whether a node's activation reaches its threshold, and its fan the limit at most.
#[inline(always)]
fn is_awake(parameters: &SpreadParameters, activation: f32, fan: u32) -> bool {
    let threshold = parameters.firing_threshold * parameters.threshold_fan_exponent.of(fan as f32);
    (activation >= threshold) & (fan <= parameters.fan_limit.unwrap_or(u32::MAX))
}

/// What a node does in a hop.
pub(super) struct Act {
    /// What it gives an edge of weight 1: above 0 if it fires.
    pub(super) released: f32,
    /// What it holds if that has nowhere to go, or else 0.
    pub(super) dangling: f32,
}

/// Decides what a node with this activation, fan and out-weight does.
#[inline(always)]
pub(super) fn act(parameters: &SpreadParameters, activation: f32, fan: u32, out_weight: f32) -> Act {
    let awake = is_awake(parameters, activation, fan);
    let released = activation * release(out_weight, parameters.fan_exponent);
    // Without branches, because who is awake cannot be predicted. Nothing here is negative or NaN.
    let only_if = |condition: bool, x: f32| f32::from_bits(x.to_bits() & u32::from(condition).wrapping_neg());
    Act { released: only_if(awake, released), dangling: only_if(awake & (out_weight <= 0.0), activation) }
}
