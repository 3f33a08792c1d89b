//! Spreading from several cues over one graph at once.

use std::ops::Range;
use std::slice;

use super::firing::Gates;
use super::parameters::SpreadRule;
use super::seeds::{SeedError, Seeds};
use super::state::Spreading;
use super::whole::SpreadMethod;
use crate::backend::Kernels;
use crate::graph::Graph;
use crate::portable::batch::{LANES, Lanes, Settled, release, settle_node};
use crate::portable::spreading::{Factors, Restart};

/// Nodes whose activations are written for one cue after another.
const WINDOW: usize = 512;

/// A cue joins the batch when at least one in so many edges fires: a pull for all costs each less than
/// one for itself.
const PULL_FROM_EDGES_OVER: u64 = 4;

/// Spreads activation over a graph from each of several cues, which are seeds (node, activation) each,
/// until `rule` stops it, and returns every node's activation for each cue.
///
/// Each has the bits of [`spread_activation`](crate::spread_activation) from that cue alone; where
/// activation goes far, eight cues cost less than half of eight runs.
///
/// # Errors
///
/// If a seed is no node, or its activation is negative, infinite or NaN.
///
/// ```
/// use engram_kernels::{Edge, Graph, SpreadParameters, spread_activation_batch};
///
/// let edge = |source, target, weight| Edge { source, target, kind: 0, weight };
/// let graph = Graph::from_edges(3, [edge(0, 1, 1.0), edge(0, 2, 3.0), edge(1, 0, 1.0)])?;
/// let rule = SpreadParameters::personalised_page_rank(0.5).with_max_hops(1).check()?;
/// let activations = spread_activation_batch(&graph, &[&[(0, 1.0)], &[(1, 1.0)]], &rule)?;
/// assert_eq!(activations, [[0.5, 0.125, 0.375], [0.5, 0.5, 0.0]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn spread_activation_batch(
    graph: &Graph,
    cues: &[&[(u32, f32)]],
    rule: &SpreadRule,
) -> Result<Vec<Vec<f32>>, SeedError> {
    let nodes = graph.nodes();
    let mut activations = vec![0.0; cues.len() * nodes];
    spread_activation_batch_into(graph, cues, rule, &mut activations)?;
    Ok((0..cues.len()).map(|cue| activations[cue * nodes..(cue + 1) * nodes].to_vec()).collect())
}

/// [`spread_activation_batch`] into the caller's `activations`: one number for each node for the first
/// cue, then for the second, and so on.
///
/// # Errors
///
/// As [`spread_activation_batch`]; `activations` is then untouched.
///
/// # Panics
///
/// If `activations` does not hold one number for each node and cue.
pub fn spread_activation_batch_into(
    graph: &Graph,
    cues: &[&[(u32, f32)]],
    rule: &SpreadRule,
    activations: &mut [f32],
) -> Result<(), SeedError> {
    BatchSpreading::new(graph.nodes()).run(graph, cues, rule, activations)
}

/// Room for spreading from several cues over a graph of a given size, to be used again and again: 8 bytes
/// a node, and 120 once activation has gone far.
///
/// A cue spreads by itself while few edges fire. Then it joins seven others, whose activations lie side
/// by side, and each hop pulls for all of them, until the rule has stopped the last. The first batch over a
/// graph lays out its edges for it, which takes another 8 bytes an edge.
#[derive(Clone, Debug)]
pub struct BatchSpreading {
    single: Spreading,
    /// x of the contract by slot of the source order, which is that of the others too.
    activation: Vec<Lanes>,
    /// z of the contract: of this hop, and of the next.
    released: [Vec<Lanes>; 2],
    gates: Gates,
    /// Who has joined: a lane each, from the first on.
    members: Vec<Member>,
    /// What seeds add, by ascending slot.
    restarts: Vec<SeedInLane>,
}

/// A cue in the batch.
#[derive(Clone, Copy, Debug)]
struct Member {
    /// Its place among the cues.
    cue: usize,
    hops: u32,
    hops_at_most: u32,
    done: bool,
}

/// A seed of a cue in the batch.
#[derive(Clone, Copy, Debug)]
struct SeedInLane {
    slot: usize,
    lane: usize,
    /// ι·s of the contract.
    restarted: f32,
    share: f32,
}

impl BatchSpreading {
    /// Room for a graph of `nodes` nodes.
    ///
    /// # Panics
    ///
    /// If `nodes` exceeds `u32::MAX`.
    #[must_use]
    pub fn new(nodes: usize) -> Self {
        Self::with_kernels(nodes, Kernels::current())
    }

    /// [`BatchSpreading::new`], spreading by these kernels.
    ///
    /// # Panics
    ///
    /// If `nodes` exceeds `u32::MAX`.
    #[must_use]
    pub fn with_kernels(nodes: usize, kernels: Kernels) -> Self {
        Self {
            single: Spreading::with_kernels(nodes, kernels),
            activation: Vec::new(),
            released: [Vec::new(), Vec::new()],
            gates: Gates::default(),
            members: Vec::new(),
            restarts: Vec::new(),
        }
    }

    /// How many nodes there is room for.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.single.nodes()
    }

    /// Spreads from each cue, and writes every node's activation for the first to `activations`, then for
    /// the second, and so on.
    ///
    /// # Errors
    ///
    /// If a seed is no node, or its activation is negative, infinite or NaN; `activations` is then
    /// untouched.
    ///
    /// # Panics
    ///
    /// If the graph has not [`Self::nodes`] nodes, or `activations` does not hold one number for each node
    /// and cue.
    pub fn run(
        &mut self,
        graph: &Graph,
        cues: &[&[(u32, f32)]],
        rule: &SpreadRule,
        activations: &mut [f32],
    ) -> Result<(), SeedError> {
        let (nodes, room) = (graph.nodes(), self.nodes());
        assert!(nodes == room, "a graph of {nodes} nodes but room for {room}");
        let (count, room) = (cues.len(), activations.len());
        assert!(nodes * count == room, "{count} cues of {nodes} nodes, but room for {room} activations");
        let mut seeds = Seeds::default();
        cues.iter().try_for_each(|cue| seeds.set(nodes, cue, false))?;
        let mut prepared = false;
        for (group, cues) in cues.chunks(LANES).enumerate() {
            self.spread_singly(graph, cues, group * LANES, rule, activations)?;
            if !self.members.is_empty() {
                if !prepared {
                    self.prepare(graph, rule);
                    prepared = true;
                }
                self.pull_until_done(graph, rule, activations);
            }
        }
        Ok(())
    }

    /// Spreads from at most as many cues as there are lanes, of which `first` is the first, until they are
    /// done or join.
    fn spread_singly(
        &mut self,
        graph: &Graph,
        cues: &[&[(u32, f32)]],
        first: usize,
        rule: &SpreadRule,
        activations: &mut [f32],
    ) -> Result<(), SeedError> {
        let nodes = graph.nodes();
        self.members.clear();
        self.restarts.clear();
        for (cue, seeds) in (first..).zip(cues) {
            if cues.len() == 1 {
                self.single.run(graph, seeds, rule, SpreadMethod::Auto)?;
            } else {
                self.single.begin(rule, seeds)?;
                while !self.single.is_done() && !self.single.pulls(graph, PULL_FROM_EDGES_OVER) {
                    self.single.hop_over(graph, SpreadMethod::Push);
                }
            }
            if self.single.is_done() {
                activations[cue * nodes..][..nodes].copy_from_slice(self.single.activations());
            } else {
                self.join(graph, cue, rule);
            }
        }
        self.restarts.sort_unstable_by_key(|seed| (seed.slot, seed.lane));
        Ok(())
    }

    /// Looks up what nodes do, and makes room for what they release.
    fn prepare(&mut self, graph: &Graph, rule: &SpreadRule) {
        self.gates.set(graph, rule.parameters());
        for released in &mut self.released {
            released.resize(graph.nodes(), Lanes::default());
        }
    }

    /// Takes over what the single run holds.
    fn join(&mut self, graph: &Graph, cue: usize, rule: &SpreadRule) {
        let slots = graph.source_order().slots();
        let lane = self.members.len();
        if lane == 0 {
            self.activation.clear();
            self.activation.resize(self.single.nodes(), Lanes::default());
        }
        for &node in self.single.active() {
            self.activation[slots[node as usize] as usize].0[lane] = self.single.activation(node);
        }
        for seed in &self.single.seeds.entries {
            self.restarts.push(SeedInLane {
                slot: slots[seed.node as usize] as usize,
                lane,
                restarted: rule.parameters().restart * seed.activation,
                share: seed.share,
            });
        }
        let (hops, hops_at_most) = (self.single.hops(), self.single.hops_at_most);
        self.members.push(Member { cue, hops, hops_at_most, done: false });
    }

    /// Hops for all members, until the rule has stopped the last.
    fn pull_until_done(&mut self, graph: &Graph, rule: &SpreadRule, activations: &mut [f32]) {
        release(&self.activation, &self.gates.gates, &mut self.released[0]);
        while self.members.iter().any(|member| !member.done) {
            let greatest = self.hop(graph, rule);
            let mut ending = Vec::new();
            for (lane, member) in self.members.iter_mut().enumerate().filter(|(_, member)| !member.done) {
                member.hops += 1;
                member.done =
                    member.hops >= member.hops_at_most || greatest.0[lane] <= rule.parameters().tolerance;
                if member.done {
                    ending.push((lane, member.cue));
                }
            }
            self.write(graph, &ending, activations);
        }
    }

    /// One hop for all lanes. Returns each lane's greatest change.
    fn hop(&mut self, graph: &Graph, rule: &SpreadRule) -> Lanes {
        let returned = held(&self.gates.dangling, &self.activation).map(|held| held as f32);
        let Self { single, activation, released, gates, restarts, .. } = self;
        let parameters = rule.parameters();
        let factors = Factors { retention: parameters.retention, hop_decay: parameters.hop_decay };
        let [before, after] = released;
        let (kernels, rows, gates) = (single.kernels, graph.in_rows(), &gates.gates);
        let mut greatest = Lanes::default();
        let mut settled = 0;
        let among = |nodes: Range<usize>| nodes.start.min(gates.len())..nodes.end.min(gates.len());
        let mut settle = |nodes: Range<usize>, greatest: &mut Lanes, activation: &mut [Lanes]| {
            let releasing = among(nodes.clone());
            let first = nodes.start;
            let settled = Settled {
                activation: &mut activation[nodes],
                gates: &gates[releasing.clone()],
                released: &mut after[releasing],
            };
            kernels.spread_hop_batch(rows, first, before, settled, factors, greatest);
        };
        for seeds in restarts.chunk_by(|a, b| a.slot == b.slot) {
            let node = seeds[0].slot;
            // The nodes between two seeds go in one call.
            settle(settled..node, &mut greatest, activation);
            settled = node + 1;
        }
        settle(settled..activation.len(), &mut greatest, activation);
        for seeds in restarts.chunk_by(|a, b| a.slot == b.slot) {
            let node = seeds[0].slot;
            let mut added = [Restart::default(); LANES];
            for seed in seeds {
                let returned = returned[seed.lane] * seed.share;
                added[seed.lane] = Restart { restarted: seed.restarted, returned };
            }
            let mut arrived = Lanes::default();
            kernels.spread_pull_batch(rows, node, before, slice::from_mut(&mut arrived));
            settle_node(&mut activation[node], &arrived, &added, factors, &mut greatest);
            let releasing = among(node..node + 1);
            release(&activation[node..=node], &gates[releasing.clone()], &mut after[releasing]);
        }
        released.swap(0, 1);
        greatest
    }

    /// Writes the activations of lanes to those of their cues.
    fn write(&self, graph: &Graph, ending: &[(usize, usize)], activations: &mut [f32]) {
        let slots = graph.source_order().slots();
        for (first, slots) in (0..).step_by(WINDOW).zip(slots.chunks(WINDOW)) {
            for &(lane, cue) in ending {
                let activations = &mut activations[cue * graph.nodes() + first..];
                for (activation, &slot) in activations.iter_mut().zip(slots) {
                    *activation = self.activation[slot as usize].0[lane];
                }
            }
        }
    }
}

/// What dangling nodes hold, added in ascending order.
fn held(dangling: &[(u32, f32)], activation: &[Lanes]) -> [f64; LANES] {
    let mut held = [0.0f64; LANES];
    for &(slot, threshold) in dangling {
        let Lanes(x) = &activation[slot as usize];
        for lane in 0..LANES {
            held[lane] += if x[lane] >= threshold { f64::from(x[lane]) } else { 0.0 };
        }
    }
    held
}
