//! Activation in the course of spreading, hop by hop.

use super::dense::Dense;
use super::firing::Firing;
use super::frontier::LINE_NODES;
use super::parameters::{Dangling, SpreadParameters, SpreadRule};
use super::reached::Reached;
use super::seeds::{SeedError, Seeds};
use crate::backend::Kernels;
use crate::graph::Graph;
use crate::portable::spreading::{Factors, Restart, settle_line};

/// Whether a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Another hop may change something.
    Continue,
    /// The hops are used up, or nothing changed by more than the tolerance.
    Done,
}

/// The state of spreading over a graph of a given size, to be used again and again.
///
/// Takes 8 bytes a node (16 once activation has gone far, 36 once it has for many hops of one run), which the
/// system provides as they are touched;
/// the cost of a run follows the nodes and edges that it touches, not the graph's size.
///
/// ```
/// use engram_kernels::{Edge, Graph, Patch, Progress, SpreadParameters, Spreading};
///
/// let graph = Graph::from_edges(3, [Edge { source: 0, target: 1, kind: 0, weight: 1.0 }])?;
/// let rule = SpreadParameters::constrained(0.5, 0.1, 3).check()?;
/// let mut spreading = Spreading::new(3);
/// spreading.begin(&rule, &[(0, 1.0)])?;
/// while spreading.hop(&[graph.block()], &Patch::new(3))? == Progress::Continue {}
/// assert_eq!(spreading.active(), [0, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Spreading {
    pub(super) kernels: Kernels,
    pub(super) nodes: usize,
    /// x of the contract, in whole lines: 0 outside `active`.
    pub(super) activation: Vec<f32>,
    /// a of the contract, in whole lines: 0 outside `touched`, and everywhere between hops.
    pub(super) accumulator: Vec<f32>,
    /// The nodes which this hop has reached; none between hops.
    pub(super) reached: Reached,
    /// The lines that a hop settles, ascending.
    pub(super) lines: Vec<u32>,
    /// Nodes with activation above 0, ascending: the first `num_active`, unless they are `unlisted`.
    pub(super) active: Vec<u32>,
    pub(super) num_active: usize,
    /// Whether the last hop only counted the active nodes; never so between calls from outside.
    pub(super) unlisted: bool,
    /// How many nodes were active when this run pulled a hop last; before, more than there are.
    pub(super) pulled_with: usize,
    pub(super) seeds: Seeds,
    pub(super) rule: Option<SpreadRule>,
    /// z of the contract by slot, for pulling: 0 between hops, unless `all_released`; empty until the
    /// first pull.
    pub(super) released: Vec<f32>,
    pub(super) all_released: bool,
    pub(super) firing: Firing,
    pub(super) dense: Dense,
    hops: u32,
    pub(super) hops_at_most: u32,
    pub(super) edges_traversed: u64,
    pub(super) done: bool,
}

impl Spreading {
    /// Room for a graph of `nodes` nodes.
    ///
    /// # Panics
    ///
    /// If `nodes` exceeds `u32::MAX`.
    #[must_use]
    pub fn new(nodes: usize) -> Self {
        Self::with_kernels(nodes, Kernels::current())
    }

    /// [`Spreading::new`], spreading by these kernels.
    ///
    /// # Panics
    ///
    /// If `nodes` exceeds `u32::MAX`.
    #[must_use]
    pub fn with_kernels(nodes: usize, kernels: Kernels) -> Self {
        assert!(nodes <= u32::MAX as usize, "{nodes} nodes exceed the {} that 32 bits number", u32::MAX);
        Self {
            kernels,
            nodes,
            activation: vec![0.0; nodes.next_multiple_of(LINE_NODES)],
            accumulator: vec![0.0; nodes.next_multiple_of(LINE_NODES)],
            reached: Reached::new(nodes),
            lines: Vec::new(),
            active: Vec::new(),
            num_active: 0,
            unlisted: false,
            pulled_with: usize::MAX,
            seeds: Seeds::default(),
            rule: None,
            released: Vec::new(),
            all_released: false,
            firing: Firing::default(),
            dense: Dense::default(),
            hops: 0,
            hops_at_most: 0,
            edges_traversed: 0,
            done: true,
        }
    }

    /// How many nodes there is room for.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// Starts a run: forgets the last one, and gives the seeds their activation. Seeds may come in any
    /// order; those of one node add up; they saturate at 2^60.
    ///
    /// # Errors
    ///
    /// If a seed is no node, or its activation is negative, infinite or NaN. There is no run then.
    pub fn begin(&mut self, rule: &SpreadRule, seeds: &[(u32, f32)]) -> Result<(), SeedError> {
        self.clear();
        let returns = rule.parameters().dangling == Dangling::ReturnToSeeds;
        self.seeds.set(self.nodes(), seeds, returns)?;
        self.num_active = self.seeds.entries.len();
        self.active.resize(self.num_active.max(self.active.len()), 0);
        for (seed, active) in self.seeds.entries.iter().zip(&mut self.active) {
            self.activation[seed.node as usize] = seed.activation;
            *active = seed.node;
        }
        self.hops_at_most = rule.hops_at_most(self.seeds.total);
        self.done = self.hops_at_most == 0;
        self.rule = Some(*rule);
        Ok(())
    }

    /// Forgets the run, at the cost of the nodes that it touched last.
    fn clear(&mut self) {
        for &node in &self.active[..self.num_active] {
            self.activation[node as usize] = 0.0;
        }
        self.num_active = 0;
        // A hop that met an error left these behind.
        self.reached.clear(&mut self.accumulator);
        self.firing.forget();
        self.seeds.entries.clear();
        self.rule = None;
        self.pulled_with = usize::MAX;
        self.hops = 0;
        self.edges_traversed = 0;
        self.done = true;
    }

    /// Nodes with activation above 0, ascending.
    #[must_use]
    pub fn active(&self) -> &[u32] {
        &self.active[..self.num_active]
    }

    /// Nodes with activation other than 0, ascending: those of [`Self::active`], since activation is
    /// never negative.
    #[must_use]
    pub fn touched(&self) -> &[u32] {
        self.active()
    }

    /// The activation of a node.
    ///
    /// # Panics
    ///
    /// If the node does not exist.
    #[must_use]
    pub fn activation(&self, node: u32) -> f32 {
        self.activations()[node as usize]
    }

    /// The activation of every node.
    #[must_use]
    pub fn activations(&self) -> &[f32] {
        &self.activation[..self.nodes]
    }

    /// Hops done in this run.
    #[must_use]
    pub fn hops(&self) -> u32 {
        self.hops
    }

    /// Edges along which activation went in this run; a pulled hop counts every edge.
    #[must_use]
    pub fn edges_traversed(&self) -> u64 {
        self.edges_traversed
    }

    /// Whether the run has ended (or none has begun): [`Self::hop`] does nothing then.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// One hop over a whole graph, pushed. The same bits as [`Self::hop`] without a patch.
    pub(super) fn hop_by_push(&mut self, rule: &SpreadRule, graph: &Graph) -> Progress {
        let Self { kernels, activation, accumulator, reached, firing, edges_traversed, .. } = self;
        let (active, accumulator) = (&self.active[..self.num_active], &mut accumulator[..self.nodes]);
        let parameters = rule.parameters();
        let mut dangling = 0.0;
        reached.begin(active.len() + self.seeds.entries.len());
        let (done, edges) =
            reached.push_first(graph, parameters, active, activation, accumulator, &mut dangling);
        *edges_traversed += edges;
        if let Some(active) = active.get(done..).filter(|active| !active.is_empty()) {
            firing.collect_of_graph(graph, parameters, active, activation, &mut dangling);
            *edges_traversed += firing.edges();
            reached.push(*kernels, firing, graph.block().compressed_rows(), accumulator);
        }
        let change = self.settle_reached(parameters, dangling as f32);
        self.after_hop(rule, change)
    }

    /// Gives every node that was active, was reached or is a seed its next activation. Returns the
    /// greatest change.
    pub(super) fn settle_reached(&mut self, parameters: &SpreadParameters, dangling: f32) -> f32 {
        if self.reached.are_few() {
            return self.settle_few(parameters, dangling);
        }
        let active = self.active[..self.num_active].iter().copied();
        let seeds = self.seeds.entries.iter().map(|seed| seed.node);
        self.reached.drain_lines(active.chain(seeds), &mut self.lines);
        self.settle(parameters, dangling)
    }

    /// Gives the nodes of `lines`, among which are those of the active nodes and of the seeds, their next
    /// activation. Returns the greatest change.
    pub(super) fn settle(&mut self, parameters: &SpreadParameters, dangling: f32) -> f32 {
        let returned = if parameters.dangling == Dangling::ReturnToSeeds { dangling } else { 0.0 };
        let factors = Factors { retention: parameters.retention, hop_decay: parameters.hop_decay };
        let Self { kernels, activation, accumulator, lines, active, seeds, .. } = self;
        let listed = !self.unlisted;
        if listed {
            // A line's nodes are written whole, though not all of them count.
            active.resize((lines.len() * LINE_NODES).max(active.len()), 0);
        }
        let (mut settled, mut count, mut greatest) = (0, 0, 0.0f32);
        for seeds in seeds.entries.chunk_by(|a, b| a.line() == b.line()) {
            let line = seeds[0].line();
            // The lines between two seeds' go in one call.
            let seeded = settled + lines[settled..].partition_point(|&before| before < line);
            let (more, change) = kernels.spread_settle(
                &lines[settled..seeded],
                activation,
                accumulator,
                factors,
                listed.then(|| &mut active[count..]),
            );
            count += more;
            let mut restarts = [Restart::default(); LINE_NODES];
            for seed in seeds {
                restarts[seed.node as usize % LINE_NODES] = Restart {
                    restarted: parameters.restart * seed.activation,
                    returned: returned * seed.share,
                };
            }
            let (more, seeds_change) = settle_line(
                line,
                activation,
                accumulator,
                factors,
                &restarts,
                listed.then(|| &mut active[count..]),
            );
            count += more;
            greatest = greatest.max(change).max(seeds_change);
            settled = seeded + 1;
        }
        let (more, change) = kernels.spread_settle(
            &lines[settled..],
            activation,
            accumulator,
            factors,
            listed.then(|| &mut active[count..]),
        );
        self.num_active = count + more;
        greatest.max(change)
    }

    /// Counts a hop whose greatest change is known, and says whether the run goes on.
    pub(super) fn after_hop(&mut self, rule: &SpreadRule, change: f32) -> Progress {
        self.hops += 1;
        self.done = self.hops >= self.hops_at_most || change <= rule.parameters().tolerance;
        if self.done { Progress::Done } else { Progress::Continue }
    }
}
