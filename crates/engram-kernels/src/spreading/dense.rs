//! Hops in which much of a whole graph is active, one after another: what nodes hold lies in the order in which
//! a pull goes over them, so that a hop goes over them once.
//!
//! ```text
//! enter: activation and releases by slot
//! hop:   long rows are summed; then chunk by chunk
//!            sums = what arrives; next activations; what they release next, into the other of two arrays
//!        (a kernel for most chunks; those with seeds or long rows one by one)
//! leave: activation by node
//! ```

use std::ops::Range;

use super::firing::{fanned, set_dangling};
use super::frontier::LINE_NODES;
use super::parameters::{Dangling, SpreadParameters, SpreadRule};
use super::state::{Progress, Spreading};
use super::whole::SpreadMethod;
use crate::graph::{CHUNK_ROWS, Graph};
use crate::portable::spreading::{
    Chunk, Chunks, Factors, Restart, active, release, release_chunk, settle_nodes,
};

/// Numbers by slot, in whole chunks; those behind the last node are 0.
#[derive(Clone, Debug, Default)]
pub(super) struct Dense {
    /// x of the contract.
    activation: Vec<Chunk>,
    /// z of the contract: of this hop, and of the next.
    released: [Vec<Chunk>; 2],
    /// What a node releases if its activation is 1, for the chunks with sources.
    releases: Vec<Chunk>,
    /// From which activation on nodes release, unless all always do.
    thresholds: Option<Vec<Chunk>>,
    /// The slots of nodes whose activation leads nowhere, ascending by node, and their thresholds.
    dangling: Vec<(u32, f32)>,
    /// Seeds and long rows, ascending by slot.
    apart: Vec<Apart>,
}

/// A node that is not settled like others.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Apart {
    slot: u32,
    /// What a seed adds, and its share of what comes back to the seeds.
    restarted: f32,
    share: f32,
    /// Whether what arrives at it is summed before.
    long: bool,
}

impl Apart {
    fn chunk(&self) -> usize {
        self.slot as usize / CHUNK_ROWS
    }

    fn lane(&self) -> usize {
        self.slot as usize % CHUNK_ROWS
    }
}

impl Dense {
    /// For a graph and settings, and room for what its nodes hold and release.
    fn set(&mut self, graph: &Graph, parameters: &SpreadParameters) {
        let (nodes, out_weights) = graph.source_order().sources();
        let (chunks, sources) = (graph.nodes().div_ceil(CHUNK_ROWS), nodes.len().div_ceil(CHUNK_ROWS));
        self.activation.clear();
        self.activation.resize(chunks, [0.0; CHUNK_ROWS]);
        self.released.iter_mut().for_each(|released| released.resize(chunks, [0.0; CHUNK_ROWS]));
        self.releases.clear();
        self.releases.resize(sources, [0.0; CHUNK_ROWS]);
        let releases = self.releases.as_flattened_mut();
        for (share, &out_weight) in releases.iter_mut().zip(out_weights) {
            *share = release(out_weight, parameters.fan_exponent);
        }
        if parameters.fan_limit.is_some() {
            for (share, &node) in releases.iter_mut().zip(nodes) {
                *share = if fanned(graph, parameters, node).rests { 0.0 } else { *share };
            }
        }
        self.thresholds = (parameters.firing_threshold > 0.0).then(|| {
            let mut thresholds = self.thresholds.take().unwrap_or_default();
            thresholds.resize(sources, [0.0; CHUNK_ROWS]);
            for (threshold, &node) in thresholds.as_flattened_mut().iter_mut().zip(nodes) {
                *threshold = fanned(graph, parameters, node).threshold;
            }
            thresholds
        });
        set_dangling(&mut self.dangling, graph, parameters);
    }

    /// Says what all nodes release, which is what this hop pulls.
    fn release(&mut self) {
        let thresholds = self.thresholds.as_deref();
        let chunks = self.activation.iter().zip(&self.releases).zip(&mut self.released[0]);
        for (chunk, ((x, releases), released)) in chunks.enumerate() {
            *released = release_chunk(x, releases, thresholds.map(|thresholds| &thresholds[chunk]));
        }
    }

    /// What dangling nodes hold, added in ascending order.
    fn held(&self) -> f32 {
        let activation = self.activation.as_flattened();
        let held = |&(slot, threshold): &(u32, f32)| {
            let x = activation[slot as usize];
            if x >= threshold { f64::from(x) } else { 0.0 }
        };
        self.dangling.iter().map(held).fold(0.0, |sum, held| sum + held) as f32
    }
}

impl Spreading {
    /// Pulled hops: one in any case, and then others, until the run is done or far fewer nodes are active than
    /// before.
    pub(super) fn hops_by_pull(
        &mut self,
        rule: &SpreadRule,
        graph: &Graph,
        method: SpreadMethod,
    ) -> Progress {
        self.list_active();
        self.enter(rule.parameters(), graph);
        loop {
            self.pulled_with = self.num_active;
            let change = self.hop_dense(rule.parameters(), graph);
            self.edges_traversed += graph.edges() as u64;
            let progress = self.after_hop(rule, change);
            let fewer = self.num_active < self.pulled_with - self.pulled_with / 8;
            if progress == Progress::Done || (fewer && method == SpreadMethod::Auto) {
                self.leave(graph);
                return progress;
            }
        }
    }

    /// Puts what nodes hold in order.
    fn enter(&mut self, parameters: &SpreadParameters, graph: &Graph) {
        let Self { dense, activation, active, num_active, seeds, .. } = self;
        dense.set(graph, parameters);
        let slots = graph.source_order().slots();
        let by_slot = dense.activation.as_flattened_mut();
        for &node in &active[..*num_active] {
            by_slot[slots[node as usize] as usize] = activation[node as usize];
        }
        dense.release();
        dense.apart.clear();
        let long = graph.pull_rows().long_slots().iter();
        dense.apart.extend(long.map(|&slot| Apart { slot, restarted: 0.0, share: 0.0, long: true }));
        dense.apart.extend(seeds.entries.iter().map(|seed| Apart {
            slot: slots[seed.node as usize],
            restarted: parameters.restart * seed.activation,
            share: seed.share,
            long: false,
        }));
        dense.apart.sort_unstable_by_key(|apart| apart.slot);
    }

    /// One hop. Returns the greatest change.
    fn hop_dense(&mut self, parameters: &SpreadParameters, graph: &Graph) -> f32 {
        let factors = Factors { retention: parameters.retention, hop_decay: parameters.hop_decay };
        let Self { kernels, dense, accumulator, num_active, .. } = self;
        let returned = if parameters.dangling == Dangling::ReturnToSeeds { dense.held() } else { 0.0 };
        let Dense { activation, released, releases, thresholds, apart, .. } = dense;
        let [before, after] = released;
        let before = before.as_flattened();
        let (rows, thresholds, sources) = (graph.pull_rows(), thresholds.as_deref(), releases.len());
        kernels.spread_pull_long(rows, before, accumulator);

        let (mut settled, mut count, mut greatest) = (0, 0, 0.0f32);
        let settle = |activation: &mut [Chunk], after: &mut [Chunk], chunks: Range<usize>| {
            let releasing = chunks.start.min(sources)..chunks.end.min(sources);
            let first = chunks.start;
            let chunks = Chunks {
                activation: &mut activation[chunks],
                releases: &releases[releasing.clone()],
                thresholds: thresholds.map(|thresholds| &thresholds[releasing.clone()]),
                released: &mut after[releasing],
            };
            kernels.spread_hop(rows, first, before, chunks, factors)
        };
        for apart in apart.chunk_by(|a, b| a.chunk() == b.chunk()) {
            let chunk = apart[0].chunk();
            // The chunks between go in one call.
            let (more, change) = settle(activation, after, settled..chunk);
            (count, greatest) = (count + more, greatest.max(change));
            settled = chunk + 1;

            let mut arrived = kernels.spread_pull_chunk(rows, chunk, before);
            let mut restarts = [Restart::default(); LINE_NODES];
            for node in apart {
                if node.long {
                    arrived[node.lane()] = std::mem::take(&mut accumulator[node.slot as usize]);
                } else {
                    restarts[node.lane()] =
                        Restart { restarted: node.restarted, returned: returned * node.share };
                }
            }
            let x = &mut activation[chunk];
            greatest = greatest.max(settle_nodes(x, &arrived, factors, &restarts));
            count += active(x);
            if let Some(releases) = releases.get(chunk) {
                after[chunk] = release_chunk(x, releases, thresholds.map(|thresholds| &thresholds[chunk]));
            }
        }
        let chunks = activation.len();
        let (more, change) = settle(activation, after, settled..chunks);
        *num_active = count + more;
        released.swap(0, 1);
        greatest.max(change)
    }

    /// Gives every node what it holds. Which are active is to be listed.
    fn leave(&mut self, graph: &Graph) {
        let by_slot = self.dense.activation.as_flattened();
        for (x, &slot) in self.activation.iter_mut().zip(graph.source_order().slots()) {
            *x = by_slot[slot as usize];
        }
        self.unlisted = true;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::graph::{Edge, Graph};
    use crate::spreading::{Dangling, FanExponent, SpreadMethod, SpreadParameters, Spreading};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// By any rule, with one state for all runs: what was active, how many hops it took, and the bits.
        #[test]
        fn many_pulled_hops_give_what_pushed_ones_do(
            edges in prop::collection::vec((0u32..90, 0u32..90, prop_oneof![9 => 0.01f32..2.0, 1 => Just(0.0)]), 0..600),
            hub in prop::option::of(0u32..90),
            seeds in prop::collection::vec((0u32..90, 0.0f32..1.0), 0..8),
            (restart, retention, threshold) in (0.0f32..=1.0, prop_oneof![Just(0.0f32), 0.0f32..1.0], prop_oneof![Just(0.0f32), 0.0f32..0.2]),
            (fan_exponent, limit, hops) in (prop_oneof![Just(FanExponent::One), Just(FanExponent::Half)], prop::option::of(0u32..9), 4u32..9),
            (back, tolerance) in (any::<bool>(), prop_oneof![Just(0.0f32), 0.0f32..0.1]),
        ) {
            let fail = |error: &dyn std::fmt::Display| TestCaseError::fail(error.to_string());
            // A row that is too long for its chunk.
            let to_hub = hub.into_iter().flat_map(|hub| (0..90).map(move |node| (node, hub, 0.5)));
            let edges = edges.into_iter().chain(to_hub);
            let edges = edges.map(|(source, target, weight)| Edge { source, target, kind: 0, weight });
            let graph = Graph::from_edges(90, edges).map_err(|e| fail(&e))?;
            let mut parameters = SpreadParameters::leaky(0.9, 0.0, hops)
                .with_restart(restart)
                .with_retention(retention)
                .with_fan_exponent(fan_exponent)
                .with_firing_threshold(threshold, FanExponent::Half)
                .with_tolerance(tolerance)
                .with_dangling(if back { Dangling::ReturnToSeeds } else { Dangling::Drop });
            parameters.fan_limit = limit;
            let rule = parameters.check().map_err(|e| fail(&e))?;
            let mut spreading = Spreading::new(90);
            let mut expected = None;
            for method in [SpreadMethod::Push, SpreadMethod::Pull, SpreadMethod::Auto, SpreadMethod::Push] {
                spreading.run(&graph, &seeds, &rule, method).map_err(|e| fail(&e))?;
                let bits: Vec<u32> = spreading.activations().iter().map(|x| x.to_bits()).collect();
                let found = (bits, spreading.active().to_vec(), spreading.hops());
                let expected = expected.get_or_insert_with(|| found.clone());
                prop_assert_eq!(expected, &found, "{:?}", method);
            }
        }
    }
}
