//! Spreading over a whole graph, pushed or pulled, whichever is cheaper at each hop.

use super::firing::fires_unconditionally;
use super::frontier::LINE_NODES;
use super::parameters::{Dangling, SpreadParameters, SpreadRule};
use super::seeds::SeedError;
use super::state::{Progress, Spreading};
use crate::graph::Graph;
use crate::portable::spreading::{compact, release_all};

/// How a hop over a whole graph goes. All give the same bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpreadMethod {
    /// Push while few edges fire, pull while many do.
    #[default]
    Auto,
    /// From each active node along its edges: costs by the edges that fire.
    Push,
    /// From each node back along its in-edges: costs by all edges, but less for each; the first pull
    /// over a graph also lays its edges out for it.
    Pull,
}

/// Where one in so many nodes is active, what they release is computed for all nodes in one loop.
const DENSE: usize = 8;

/// A hop is pulled when at least one in so many edges fires.
const PULL_FROM_EDGES_OVER: u64 = 3;

/// Pulled hops go over the nodes in an order of their own when at least so many may come: putting what nodes hold
/// in order, and back, takes as long as a few hops gain.
const DENSE_HOPS: u32 = 4;

/// Spreads activation from `seeds` (node, activation) over a graph until `rule` stops it, and returns
/// every node's activation.
///
/// # Errors
///
/// If a seed is no node, or its activation is negative, infinite or NaN.
///
/// ```
/// use engram_kernels::{Edge, Graph, SpreadParameters, spread_activation};
///
/// let edge = |source, target, weight| Edge { source, target, kind: 0, weight };
/// let graph = Graph::from_edges(3, [edge(0, 1, 1.0), edge(0, 2, 3.0), edge(1, 0, 1.0)])?;
/// let rule = SpreadParameters::personalised_page_rank(0.5).with_max_hops(1).check()?;
/// assert_eq!(spread_activation(&graph, &[(0, 1.0)], &rule)?, [0.5, 0.125, 0.375]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn spread_activation(
    graph: &Graph,
    seeds: &[(u32, f32)],
    rule: &SpreadRule,
) -> Result<Vec<f32>, SeedError> {
    let mut spreading = Spreading::new(graph.nodes());
    spreading.run(graph, seeds, rule, SpreadMethod::Auto)?;
    spreading.activation.truncate(graph.nodes());
    Ok(spreading.activation)
}

/// [`spread_activation`] into the caller's `activation`, one for each node, by a given method.
///
/// # Errors
///
/// As [`spread_activation`]; `activation` is then untouched.
///
/// # Panics
///
/// If `activation` does not hold one number for each node.
pub fn spread_activation_into(
    graph: &Graph,
    seeds: &[(u32, f32)],
    rule: &SpreadRule,
    method: SpreadMethod,
    activation: &mut [f32],
) -> Result<(), SeedError> {
    let (nodes, room) = (graph.nodes(), activation.len());
    assert!(nodes == room, "a graph of {nodes} nodes but room for {room} activations");
    let mut spreading = Spreading::new(nodes);
    spreading.run(graph, seeds, rule, method)?;
    activation.copy_from_slice(spreading.activations());
    Ok(())
}

impl Spreading {
    /// A whole run over one graph: [`Self::begin`], then hops until done.
    ///
    /// # Errors
    ///
    /// As [`Self::begin`].
    ///
    /// # Panics
    ///
    /// If the graph has not [`Self::nodes`] nodes.
    pub fn run(
        &mut self,
        graph: &Graph,
        seeds: &[(u32, f32)],
        rule: &SpreadRule,
        method: SpreadMethod,
    ) -> Result<(), SeedError> {
        self.begin(rule, seeds)?;
        while self.hop_of_run(graph, method) == Progress::Continue {}
        self.list_active();
        Ok(())
    }

    /// One hop over a whole graph by a given method.
    ///
    /// # Panics
    ///
    /// If the graph has not [`Self::nodes`] nodes.
    pub fn hop_over(&mut self, graph: &Graph, method: SpreadMethod) -> Progress {
        let Some(rule) = self.rule.filter(|_| !self.is_done()) else {
            return Progress::Done;
        };
        if self.is_pulled(graph, method) {
            self.hop_by_pull(&rule, graph, true)
        } else {
            self.hop_by_push(&rule, graph)
        }
    }

    /// A hop over a whole graph, or several pulled ones: nobody sees which nodes are active between them.
    fn hop_of_run(&mut self, graph: &Graph, method: SpreadMethod) -> Progress {
        let Some(rule) = self.rule.filter(|_| !self.is_done()) else {
            return Progress::Done;
        };
        if !self.is_pulled(graph, method) {
            return self.hop_by_push(&rule, graph);
        }
        match self.hops_at_most - self.hops() {
            DENSE_HOPS.. => self.hops_by_pull(&rule, graph, method),
            left => self.hop_by_pull(&rule, graph, left == 1),
        }
    }

    /// Whether the next hop is to be pulled. If it is not, the active nodes are listed.
    fn is_pulled(&mut self, graph: &Graph, method: SpreadMethod) -> bool {
        let (nodes, room) = (graph.nodes(), self.nodes());
        assert!(nodes == room, "a graph of {nodes} nodes but room for {room}");
        // Where no fewer nodes are active than when a hop was pulled last, their edges are not counted.
        let as_many = method == SpreadMethod::Auto && self.num_active >= self.pulled_with;
        if method == SpreadMethod::Pull || as_many {
            return true;
        }
        self.list_active();
        method == SpreadMethod::Auto && self.pulls(graph, PULL_FROM_EDGES_OVER)
    }

    /// Lists the active nodes, if the last hop has not.
    pub(super) fn list_active(&mut self) {
        if std::mem::take(&mut self.unlisted) {
            let Self { activation, active, num_active, .. } = self;
            active.resize(activation.len().max(active.len()), 0);
            *num_active = 0;
            for (first, x) in (0..).step_by(LINE_NODES).zip(activation.as_chunks::<LINE_NODES>().0) {
                *num_active += compact(first, x, &mut active[*num_active..]);
            }
        }
    }

    /// Whether more than one in `over` edges leads out of an active node.
    pub(super) fn pulls(&self, graph: &Graph, over: u64) -> bool {
        let all = graph.edges() as u64;
        self.edges_of_active(graph, all / over) * over > all
    }

    /// The out-edges of the active nodes, counted until they exceed `enough`.
    fn edges_of_active(&self, graph: &Graph, enough: u64) -> u64 {
        let mut edges = 0;
        for &node in self.active() {
            edges += u64::from(fan(graph, node));
            if edges > enough {
                break;
            }
        }
        edges
    }

    fn hop_by_pull(&mut self, rule: &SpreadRule, graph: &Graph, listed: bool) -> Progress {
        let parameters = rule.parameters();
        self.pulled_with = self.num_active;
        self.released.resize(graph.nodes(), 0.0);
        if fires_unconditionally(parameters) && self.num_active >= graph.nodes() / DENSE {
            let Self { activation, released, .. } = self;
            release_all(activation, graph.source_order(), parameters.fan_exponent, released);
            let mut dangling = 0.0f64;
            if parameters.dangling == Dangling::ReturnToSeeds {
                let nodes = graph.source_order().dangling();
                dangling = nodes.iter().fold(0.0, |sum, &node| sum + f64::from(activation[node as usize]));
            }
            self.all_released = true;
            self.pull(graph);
            let change = self.settle_all(parameters, dangling as f32, listed);
            return self.after_hop(rule, change);
        }
        self.list_active();
        let slots = graph.source_order().slots();
        let Self { activation, active, num_active, released, firing, .. } = self;
        if std::mem::take(&mut self.all_released) {
            released.fill(0.0);
        }
        let mut dangling = 0.0;
        firing.collect_of_graph(graph, parameters, &active[..*num_active], activation, &mut dangling);
        for (node, amount) in firing.rows() {
            released[slots[node as usize] as usize] = amount;
        }
        self.pull(graph);
        for (node, _) in self.firing.rows() {
            self.released[slots[node as usize] as usize] = 0.0;
        }
        self.firing.forget();
        let change = self.settle_all(parameters, dangling as f32, listed);
        self.after_hop(rule, change)
    }

    /// Pulls what nodes release over all edges.
    fn pull(&mut self, graph: &Graph) {
        let accumulator = &mut self.accumulator[..graph.nodes()];
        self.kernels.spread_pull(graph.pull_rows(), &self.released, accumulator);
        self.edges_traversed += graph.edges() as u64;
    }

    /// Gives every node its next activation. Returns the greatest change.
    fn settle_all(&mut self, parameters: &SpreadParameters, dangling: f32, listed: bool) -> f32 {
        self.lines.clear();
        self.lines.extend(0..(self.activation.len() / LINE_NODES) as u32);
        self.unlisted = !listed;
        self.settle(parameters, dangling)
    }
}

/// The number of a node's out-edges.
fn fan(graph: &Graph, node: u32) -> u32 {
    graph.offsets()[node as usize + 1] - graph.offsets()[node as usize]
}
