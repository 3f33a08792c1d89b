//! In which order a pull finds what nodes release: those whose edges are many lie together, so that most of
//! what is read stays near the processor.

use std::cmp::Reverse;

use super::Graph;

/// A permutation of a graph's nodes: by the power of two of their out-edges' number, most first, and
/// ascending among those of one power, so that neighbours stay neighbours (Faldu et al., "A closer look at
/// lightweight graph reordering", 2019, whose degree-based grouping this is). Nodes without out-edges come
/// last. For a batch of cues, nodes of one power come in the order of their in-edges' number.
#[derive(Debug)]
pub(crate) struct SourceOrder {
    /// The place of each node.
    slots: Vec<u32>,
    /// The nodes with out-edges, by their places, and their out-weights.
    nodes: Vec<u32>,
    out_weights: Vec<f32>,
    /// The nodes whose edges weigh nothing, or that have none, ascending.
    dangling: Vec<u32>,
}

impl SourceOrder {
    /// Two passes over the nodes.
    pub(super) fn of(graph: &Graph) -> Self {
        let mut next = [0u32; GROUPS + 1];
        for bounds in graph.offsets.windows(2) {
            next[group(bounds) + 1] += 1;
        }
        for group in 1..next.len() {
            next[group] += next[group - 1];
        }
        let place = |bounds: &[u32]| {
            let slot = &mut next[group(bounds)];
            *slot += 1;
            *slot - 1
        };
        let slots = graph.offsets.windows(2).map(place).collect();
        Self::from_slots(graph, slots)
    }

    /// Within a power, those with most in-edges first, of which `fan_in` is the number: then each row of a
    /// pull into the nodes, slot by slot, is as long as the one before it or hardly shorter, and when it ends
    /// is foreseen by the processor. A sort of the nodes.
    fn of_rows(graph: &Graph, fan_in: &[u32]) -> Self {
        let mut nodes: Vec<u32> = (0..graph.nodes as u32).collect();
        let bounds = |node: u32| &graph.offsets[node as usize..][..2];
        nodes.sort_unstable_by_key(|&node| (group(bounds(node)), Reverse(fan_in[node as usize]), node));
        let mut slots = vec![0; graph.nodes];
        for (slot, node) in (0..).zip(nodes) {
            slots[node as usize] = slot;
        }
        Self::from_slots(graph, slots)
    }

    /// From a permutation in which nodes without out-edges come last.
    fn from_slots(graph: &Graph, slots: Vec<u32>) -> Self {
        let sources = graph.offsets.windows(2).filter(|bounds| bounds[0] < bounds[1]).count();
        let (mut nodes, mut out_weights) = (vec![0; sources], vec![0.0; sources]);
        for ((node, &slot), &out_weight) in (0..).zip(&slots).zip(&graph.out_weights) {
            if let Some(place) = nodes.get_mut(slot as usize) {
                *place = node;
                out_weights[slot as usize] = out_weight;
            }
        }
        let weightless = (0..).zip(&graph.out_weights).filter(|(_, weight)| **weight <= 0.0);
        let dangling = weightless.map(|(node, _)| node).collect();
        Self { slots, nodes, out_weights, dangling }
    }

    /// The nodes whose edges weigh nothing, or that have none, ascending.
    pub(crate) fn dangling(&self) -> &[u32] {
        &self.dangling
    }

    /// The nodes with out-edges, by their places, and their out-weights.
    pub(crate) fn sources(&self) -> (&[u32], &[f32]) {
        (&self.nodes, &self.out_weights)
    }

    /// The place of each node.
    pub(crate) fn slots(&self) -> &[u32] {
        &self.slots
    }
}

/// How many groups of nodes there are.
const GROUPS: usize = 33;

/// The group of a node whose row has these bounds: 0 for 2^31 and more edges, 31 for one, 32 for none.
fn group(bounds: &[u32]) -> usize {
    (bounds[1] - bounds[0]).leading_zeros() as usize
}

/// A graph laid out for pulling for a batch of cues: an order of the nodes, and in it a row of in-edges for
/// each.
#[derive(Debug)]
pub(crate) struct BatchRows {
    pub(crate) order: SourceOrder,
    pub(crate) rows: InRows,
}

impl BatchRows {
    /// Three passes over the edges, and a sort of the nodes.
    pub(super) fn of(graph: &Graph) -> Self {
        let mut fan_in = vec![0u32; graph.nodes];
        for &target in &graph.targets {
            fan_in[target as usize] += 1;
        }
        let order = SourceOrder::of_rows(graph, &fan_in);
        let mut offsets = vec![0u32; graph.nodes + 1];
        for (fan_in, &slot) in fan_in.into_iter().zip(&order.slots) {
            offsets[slot as usize + 1] = fan_in;
        }
        for slot in 0..graph.nodes {
            offsets[slot + 1] += offsets[slot];
        }
        let mut next = offsets.clone();
        let mut slots = vec![0u32; graph.targets.len()];
        let mut weights = vec![0.0f32; graph.targets.len()];
        // Sources are visited ascending, so each row fills up ascending.
        for (source, &slot) in (0..).zip(&order.slots) {
            let (row_targets, row_weights) = graph.row(source);
            for (&target, &weight) in row_targets.iter().zip(row_weights) {
                let edge = &mut next[order.slots[target as usize] as usize];
                slots[*edge as usize] = slot;
                weights[*edge as usize] = weight;
                *edge += 1;
            }
        }
        Self { order, rows: InRows { offsets, slots, weights } }
    }
}

/// What leads to nodes: compressed rows, in which edges ascend by source, and sources are given by their
/// slots. Made from a [`Graph`] and never changed, so every slot is below the number of nodes and `offsets`
/// ascend to the number of edges.
#[derive(Debug)]
pub(crate) struct InRows {
    offsets: Vec<u32>,
    slots: Vec<u32>,
    weights: Vec<f32>,
}

impl InRows {
    /// Rows whose offsets ascend to the number of edges.
    pub(super) fn from_parts(offsets: Vec<u32>, slots: Vec<u32>, weights: Vec<f32>) -> Self {
        Self { offsets, slots, weights }
    }

    /// How many rows there are.
    #[cfg_attr(not(engram_zig), expect(dead_code, reason = "only the Zig kernels need them"))]
    pub(crate) fn nodes(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Where each row begins, the slots of all rows, and their weights.
    #[cfg_attr(not(engram_zig), expect(dead_code, reason = "only the Zig kernels need them"))]
    pub(crate) fn parts(&self) -> (&[u32], &[u32], &[f32]) {
        (&self.offsets, &self.slots, &self.weights)
    }

    /// The slots and weights of a row.
    #[inline(always)]
    pub(crate) fn row(&self, row: usize) -> (&[u32], &[f32]) {
        let range = self.offsets[row] as usize..self.offsets[row + 1] as usize;
        (&self.slots[range.clone()], &self.weights[range])
    }
}
