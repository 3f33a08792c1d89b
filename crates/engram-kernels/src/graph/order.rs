//! In which order a pull goes over nodes: those whose edges are many lie together, so that most of what is
//! read stays near the processor.

use std::cmp::Reverse;

use super::Graph;

/// A permutation of a graph's nodes: by the power of two of their out-edges' number, most first (Faldu et al.,
/// "A closer look at lightweight graph reordering", 2019, whose degree-based grouping this is); among those of
/// one power by the number of their in-edges, most first, and then ascending, so that neighbours stay
/// neighbours. Nodes without out-edges come last.
///
/// So what leads to a node is as much as what leads to the one before it, or hardly less, and when a row of
/// in-edges ends is foreseen by the processor, or 16 rows end together.
#[derive(Debug)]
pub(crate) struct SourceOrder {
    /// The place of each node.
    slots: Vec<u32>,
    /// The nodes by their places.
    nodes: Vec<u32>,
    /// The out-weights of those that have out-edges, by their places.
    out_weights: Vec<f32>,
    /// The nodes whose edges weigh nothing, or that have none, ascending.
    dangling: Vec<u32>,
}

impl SourceOrder {
    /// A pass over the edges, and a sort of the nodes.
    pub(super) fn of(graph: &Graph) -> Self {
        let fan_in = fan_in(graph);
        let fan = |node: u32| graph.offsets[node as usize + 1] - graph.offsets[node as usize];
        let mut nodes: Vec<u32> = (0..graph.nodes as u32).collect();
        // More zeros lead a number below a lower power of two.
        nodes.sort_unstable_by_key(|&node| (fan(node).leading_zeros(), Reverse(fan_in[node as usize]), node));
        let mut slots = vec![0; graph.nodes];
        for (slot, &node) in (0..).zip(&nodes) {
            slots[node as usize] = slot;
        }
        let sources = nodes.iter().take_while(|&&node| fan(node) > 0);
        let out_weights = sources.map(|&node| graph.out_weights[node as usize]).collect();
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
        (&self.nodes[..self.out_weights.len()], &self.out_weights)
    }

    /// All nodes by their places.
    pub(super) fn nodes(&self) -> &[u32] {
        &self.nodes
    }

    /// The place of each node.
    pub(crate) fn slots(&self) -> &[u32] {
        &self.slots
    }
}

/// How many edges lead to each node.
pub(super) fn fan_in(graph: &Graph) -> Vec<u32> {
    let mut fan_in = vec![0u32; graph.nodes];
    for &target in &graph.targets {
        fan_in[target as usize] += 1;
    }
    fan_in
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
    /// A row for each node, by their slots too: two passes over the edges.
    pub(super) fn of(graph: &Graph) -> Self {
        let order = graph.source_order().slots();
        let mut offsets = vec![0u32; graph.nodes + 1];
        for (fan_in, &slot) in fan_in(graph).into_iter().zip(order) {
            offsets[slot as usize + 1] = fan_in;
        }
        for slot in 0..graph.nodes {
            offsets[slot + 1] += offsets[slot];
        }
        let mut next = offsets.clone();
        let mut slots = vec![0u32; graph.targets.len()];
        let mut weights = vec![0.0f32; graph.targets.len()];
        // Sources are visited ascending, so each row fills up ascending.
        for (source, &slot) in (0..).zip(order) {
            let (row_targets, row_weights) = graph.row(source);
            for (&target, &weight) in row_targets.iter().zip(row_weights) {
                let edge = &mut next[order[target as usize] as usize];
                slots[*edge as usize] = slot;
                weights[*edge as usize] = weight;
                *edge += 1;
            }
        }
        Self { offsets, slots, weights }
    }

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
