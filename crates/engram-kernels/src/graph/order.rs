//! In which order a pull finds what nodes release: those whose edges are many lie together, so that most of
//! what is read stays near the processor.

use super::Graph;

/// A permutation of a graph's nodes: by the power of two of their out-edges' number, most first, and
/// ascending among those of one power, so that neighbours stay neighbours (Faldu et al., "A closer look at
/// lightweight graph reordering", 2019, whose degree-based grouping this is). Nodes without out-edges come
/// last.
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
        // 0 for 2^31 and more edges, 31 for one, 32 for none.
        let group = |bounds: &[u32]| (bounds[1] - bounds[0]).leading_zeros() as usize;
        let mut next = [0u32; 34];
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
        let slots: Vec<u32> = graph.offsets.windows(2).map(place).collect();
        let sources = next[32 - 1] as usize;
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
        for &target in &graph.targets {
            offsets[order[target as usize] as usize + 1] += 1;
        }
        for node in 0..graph.nodes {
            offsets[node + 1] += offsets[node];
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
