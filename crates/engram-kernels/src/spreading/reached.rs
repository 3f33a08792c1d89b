//! Which nodes a pushed hop has reached: listed one by one while they are few, then marked by lines.
//!
//! ```text
//! short way:  for each firing row, ascending: for each edge: accumulator[target] += released · weight
//!                 list the target when its accumulator rises from 0
//!             list the seeds that add something and are not listed
//!             settle the active nodes that are not listed; sort the list; settle the listed nodes
//! long way:   kernels push and mark lines; all nodes of the marked lines are settled
//! ```
//!
//! The bits are the same, because a target adds up in the same order, and each node settles by itself.

use super::firing::{Act, Firing, MANY_EDGES, act, fires_unconditionally};
use super::frontier::{LINE_NODES, TouchedLines};
use super::parameters::{Dangling, FanExponent, SpreadParameters};
use super::seeds::Seed;
use super::state::Spreading;
use crate::backend::Kernels;
use crate::contract::saturate;
use crate::graph::Graph;
use crate::portable::spreading::{Rows, next_activation};

/// A hop goes the short way while it has to do with at most so many active nodes, seeds and edges: one costs
/// less there than its line does on the long way, until the list takes long to sort. (On a graph of 2^20
/// nodes, 30 edges take a quarter of the time, a hundred half, a thousand nine tenths.)
const FEW: usize = 1024;

/// Nodes whose accumulators are not 0; none between hops.
#[derive(Clone, Debug)]
pub(super) struct Reached {
    /// One by one, each once, while there is `room`: the first `num_listed`. There is a place for each of
    /// `few`, and one more.
    listed: Vec<u32>,
    num_listed: usize,
    /// How many more edges may be listed; none on the long way.
    room: Option<usize>,
    /// By lines, on the long way.
    touched: TouchedLines,
    /// Whether any line may be marked.
    marked: bool,
    /// Up to how many a hop goes the short way.
    few: usize,
}

impl Reached {
    /// No nodes, of a graph of `nodes` nodes.
    pub(super) fn new(nodes: usize) -> Self {
        // Behind that share of the nodes the long way looks for no lines: it settles all.
        let few = FEW.min(nodes / MANY_EDGES as usize);
        let listed = Vec::new();
        Self { listed, num_listed: 0, room: None, touched: TouchedLines::new(nodes), marked: false, few }
    }

    /// Begins a hop that has so many active nodes and seeds to settle in any case.
    pub(super) fn begin(&mut self, nodes: usize) {
        self.room = self.few.checked_sub(nodes);
        self.listed.resize(self.few + 1, 0);
    }

    /// Pushes from the first of the active nodes of a whole graph, as long as there is room, and adds what the
    /// dangling ones hold. Returns how many they were, and how many edges.
    pub(super) fn push_first(
        &mut self,
        graph: &Graph,
        parameters: &SpreadParameters,
        active: &[u32],
        activation: &[f32],
        accumulator: &mut [f32],
        dangling: &mut f64,
    ) -> (usize, u64) {
        let from = Pushed { graph, active, activation };
        if fires_unconditionally(parameters) {
            // One loop for each exponent, without what others would ask for each node.
            match parameters.fan_exponent {
                FanExponent::Zero => {
                    self.push_nodes(from, accumulator, dangling, |x, _, d| give(x, d, |_| 1.0))
                }
                FanExponent::Half => {
                    self.push_nodes(from, accumulator, dangling, |x, _, d| give(x, d, f32::sqrt))
                }
                FanExponent::One => self.push_nodes(from, accumulator, dangling, |x, _, d| give(x, d, |d| d)),
            }
        } else {
            self.push_nodes(from, accumulator, dangling, |x, fan, d| act(parameters, x, fan, d))
        }
    }

    /// [`Self::push_first`], given what a node with an activation, a fan and an out-weight does.
    #[inline(always)]
    fn push_nodes(
        &mut self,
        Pushed { graph, active, activation }: Pushed<'_>,
        accumulator: &mut [f32],
        dangling: &mut f64,
        act: impl Fn(f32, u32, f32) -> Act,
    ) -> (usize, u64) {
        let Some(all) = self.room else { return (0, 0) };
        let (offsets, out_weights) = (graph.offsets(), graph.out_weights());
        let (mut done, mut room, mut held) = (0, all, *dangling);
        for &node in active {
            let fan = offsets[node as usize + 1] - offsets[node as usize];
            let act = act(activation[node as usize], fan, out_weights[node as usize]);
            if act.released > 0.0 {
                let Some(left) = room.checked_sub(fan as usize) else { break };
                room = left;
                self.list(graph.row(node), act.released, accumulator);
            }
            held += f64::from(act.dangling);
            done += 1;
        }
        (self.room, *dangling) = (Some(room), held);
        (done, (all - room) as u64)
    }

    /// Pushes along the rows that fire, and forgets them.
    #[inline]
    pub(super) fn push(
        &mut self,
        kernels: Kernels,
        firing: &mut Firing,
        rows: Rows<'_>,
        accumulator: &mut [f32],
    ) {
        self.room = self.room.and_then(|room| room.checked_sub(firing.edges() as usize));
        if self.room.is_some() {
            firing
                .rows()
                .for_each(|(row, released)| self.list(rows.row(row as usize), released, accumulator));
            firing.forget();
        } else {
            let listed = &self.listed[..std::mem::take(&mut self.num_listed)];
            listed.iter().for_each(|&node| self.touched.mark(node));
            self.marked = true;
            firing.flush(kernels, rows, accumulator, &mut self.touched);
        }
    }

    /// Adds what a row brings its targets, and lists those whose accumulators were 0 and are no more.
    #[inline(always)]
    fn list(&mut self, (targets, weights): (&[u32], &[f32]), released: f32, accumulator: &mut [f32]) {
        let (listed, mut count) = (self.listed.as_mut_slice(), self.num_listed);
        for (&target, &weight) in targets.iter().zip(weights) {
            let sum = &mut accumulator[target as usize];
            let before = *sum;
            *sum += released * weight;
            // Without a branch, because which targets are new cannot be predicted.
            listed[count] = target;
            count += usize::from((before.to_bits() == 0) & (sum.to_bits() != 0));
        }
        self.num_listed = count;
    }

    /// Whether all nodes reached are listed.
    pub(super) fn are_few(&self) -> bool {
        self.room.is_some()
    }

    /// Marks the lines of more nodes, takes the marks away, and collects the lines that had one, ascending.
    pub(super) fn drain_lines(&mut self, more: impl Iterator<Item = u32>, lines: &mut Vec<u32>) {
        more.for_each(|node| self.touched.mark(node));
        lines.clear();
        self.touched.drain(|line| lines.push(line as u32));
        self.marked = false;
    }

    /// Empties the accumulators of what a hop has reached that met an error.
    pub(super) fn clear(&mut self, accumulator: &mut [f32]) {
        let listed = &self.listed[..std::mem::take(&mut self.num_listed)];
        listed.iter().for_each(|&node| accumulator[node as usize] = 0.0);
        self.room = None;
        if std::mem::take(&mut self.marked) {
            let (lines, _) = accumulator.as_chunks_mut::<LINE_NODES>();
            self.touched.drain(|line| lines[line] = [0.0; LINE_NODES]);
        }
    }
}

impl Spreading {
    /// Gives every node that was active, is listed or is a seed its next activation. Returns the greatest
    /// change.
    pub(super) fn settle_few(&mut self, parameters: &SpreadParameters, dangling: f32) -> f32 {
        let returned = if parameters.dangling == Dangling::ReturnToSeeds { dangling } else { 0.0 };
        let SpreadParameters { restart, retention, hop_decay, .. } = *parameters;
        let Self { activation, accumulator, active, num_active, seeds, reached, .. } = self;
        let (activation, accumulator) = (activation.as_mut_slice(), accumulator.as_mut_slice());
        let (listed, mut num_listed) =
            (reached.listed.as_mut_slice(), std::mem::take(&mut reached.num_listed));
        // Where they add nothing they are nodes like others.
        let adds = restart > 0.0 || returned > 0.0;
        let mut seeds: &[Seed] = if adds { &seeds.entries } else { &[] };
        for seed in seeds {
            let arrived = &mut accumulator[seed.node as usize];
            if arrived.to_bits() == 0 {
                // −0 tells that it is listed; +0 and it are +0, so it changes no bits.
                *arrived = -0.0;
                listed[num_listed] = seed.node;
                num_listed += 1;
            }
        }
        let mut greatest = 0.0f32;
        let mut settle = |node: u32, restarted: f32, arrived: f32| {
            let x = &mut activation[node as usize];
            let before = *x;
            *x = next_activation(restarted, retention * before, hop_decay * arrived);
            let change = (*x - before).abs();
            greatest = if change > greatest { change } else { greatest };
            *x > 0.0
        };
        let (mut staying, nodes) = (0, &mut active[..*num_active]);
        for at in 0..nodes.len() {
            let node = nodes[at];
            if accumulator[node as usize].to_bits() == 0 {
                nodes[staying] = node;
                staying += usize::from(settle(node, 0.0, 0.0));
            }
        }
        let listed = &mut listed[..num_listed];
        listed.sort_unstable();
        let mut count = 0;
        for at in 0..listed.len() {
            let node = listed[at];
            let arrived = std::mem::take(&mut accumulator[node as usize]);
            let (mut restarted, mut share) = (0.0, 0.0);
            while let Some((seed, others)) = seeds.split_first().filter(|(seed, _)| seed.node <= node) {
                if seed.node == node {
                    (restarted, share) = (restart * seed.activation, seed.share);
                }
                seeds = others;
            }
            listed[count] = node;
            count += usize::from(settle(node, restarted, arrived + returned * share));
        }
        *num_active = staying + count;
        active.resize((*num_active).max(active.len()), 0);
        merge(active, staying, &listed[..count]);
        greatest
    }
}

/// Active nodes of a whole graph.
struct Pushed<'a> {
    graph: &'a Graph,
    active: &'a [u32],
    activation: &'a [f32],
}

/// What a node does that always fires.
#[inline(always)]
fn give(activation: f32, out_weight: f32, power: impl Fn(f32) -> f32) -> Act {
    let share = if out_weight > 0.0 { saturate(1.0 / power(out_weight)) } else { 0.0 };
    Act { released: activation * share, dangling: if out_weight > 0.0 { 0.0 } else { activation } }
}

/// Puts ascending `others` among the first `count` of ascending `nodes`, none of which is among them.
fn merge(nodes: &mut [u32], mut count: usize, mut others: &[u32]) {
    if count == 0 {
        return nodes[..others.len()].copy_from_slice(others);
    }
    // From the end, so that nothing is overwritten that is still to be moved.
    while let Some((&other, before)) = others.split_last() {
        let end = count + others.len();
        if count > 0 && nodes[count - 1] > other {
            count -= 1;
            nodes[end - 1] = nodes[count];
        } else {
            nodes[end - 1] = other;
            others = before;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::graph::{Edge, Graph, Patch};
    use crate::spreading::{Dangling, FanExponent, Progress, SpreadMethod, SpreadParameters, Spreading};

    #[test]
    fn merging_keeps_the_order() {
        for (nodes, others) in [(vec![], vec![3]), (vec![1, 4], vec![]), (vec![2, 5, 9], vec![0, 3, 4, 12])] {
            let mut merged = nodes.clone();
            merged.resize(nodes.len() + others.len(), 0);
            super::merge(&mut merged, nodes.len(), &others);
            let mut sorted = [nodes, others].concat();
            sorted.sort_unstable();
            assert_eq!(merged, sorted);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// From a hop that never goes the short way to one that always does, by edges and by blocks.
        #[test]
        fn both_ways_give_the_same_bits(
            edges in prop::collection::vec((0u32..60, 0u32..60, prop_oneof![9 => 0.01f32..2.0, 1 => Just(0.0)]), 0..200),
            seeds in prop::collection::vec((0u32..60, 0.0f32..1.0), 0..8),
            (restart, retention, threshold) in (0.0f32..=1.0, prop_oneof![Just(0.0f32), 0.0f32..1.0], 0.0f32..0.2),
            back in any::<bool>(),
        ) {
            let edges = edges.into_iter().map(|(source, target, weight)| Edge { source, target, kind: 0, weight });
            let graph = Graph::from_edges(60, edges).map_err(|e| TestCaseError::fail(e.to_string()))?;
            let rule = SpreadParameters::leaky(0.9, 0.0, 4)
                .with_restart(restart)
                .with_retention(retention)
                .with_fan_exponent(FanExponent::One)
                .with_firing_threshold(threshold, FanExponent::Half)
                .with_dangling(if back { Dangling::ReturnToSeeds } else { Dangling::Drop })
                .check().map_err(|e| TestCaseError::fail(e.to_string()))?;
            let mut expected: Option<(Vec<u32>, Vec<u32>)> = None;
            for few in [0, 5, 20, 60, 400] {
                let mut spreading = Spreading::new(60);
                spreading.reached.few = few;
                for blocks in [false, true] {
                    spreading.begin(&rule, &seeds).map_err(|e| TestCaseError::fail(e.to_string()))?;
                    let mut progress = Progress::Continue;
                    while progress == Progress::Continue {
                        progress = if blocks {
                            let hop = spreading.hop(&[graph.block()], &Patch::new(60));
                            hop.map_err(|e| TestCaseError::fail(e.to_string()))?
                        } else {
                            spreading.hop_over(&graph, SpreadMethod::Push)
                        };
                    }
                    let bits = spreading.activations().iter().map(|x| x.to_bits()).collect();
                    let found = (bits, spreading.active().to_vec());
                    let expected = expected.get_or_insert_with(|| found.clone());
                    prop_assert_eq!(expected, &found, "few: {}, blocks: {}", few, blocks);
                }
            }
        }
    }
}
