//! A graph's edges laid out for pulling: SELL-16 (Kreutzer et al., "A unified sparse matrix data
//! format", 2014). Rows hold what leads to a node; they come in the order of [`SourceOrder`], in which rows
//! of like length are neighbours, and 16 of them make a chunk, one row a lane, padded to the longest. So one
//! step of a pull adds one edge to each of 16 sums, in the order in which a single row would add them. Rows
//! that are far longer than the others of their chunk would be mostly padding: they lie by themselves.
//!
//! [`SourceOrder`]: super::SourceOrder

use std::cmp::Reverse;

use super::order::fan_in;
use super::{Graph, InRows};

/// Rows of a chunk.
pub(crate) const CHUNK_ROWS: usize = 16;

/// A row is long, and not in a chunk, if it has at least so many edges...
const LONG_ROW: u32 = 64;

/// ...and its chunk would hold an edge in less than one of so many places.
const LONG_ROW_FILL: u64 = 3;

/// Step *s* of chunk *c* holds, for each lane, a source and a weight; a padding has any source and
/// weight 0. Sources are given by their slots. Made from a [`Graph`] and never changed, so: `nodes` are a
/// permutation of the graph's nodes, of which `long_nodes` are some, every slot is below their number, and
/// `offsets` ascend to the number of steps.
#[derive(Debug)]
pub(crate) struct PullRows {
    /// The node of each row, which is that of its slot; 16 rows a chunk, fewer in the last. To long ones
    /// nothing leads in their chunk.
    nodes: Vec<u32>,
    /// The first step of each chunk, and at the end the number of steps.
    offsets: Vec<u32>,
    slots: Vec<[u32; CHUNK_ROWS]>,
    weights: Vec<[f32; CHUNK_ROWS]>,
    /// The nodes of the long rows, longest first, and their slots.
    long_nodes: Vec<u32>,
    long_slots: Vec<u32>,
    long: InRows,
}

/// Where the next edge of a row goes.
#[derive(Clone, Copy)]
enum Place {
    Chunk { step: u32, lane: u8 },
    Long { edge: u32 },
}

impl PullRows {
    /// Lays out the edges of `graph`: two passes over them.
    pub(super) fn of(graph: &Graph) -> Self {
        let (fan_in, order) = (fan_in(graph), graph.source_order());
        let nodes = order.nodes().to_vec();
        let mut places = vec![Place::Long { edge: 0 }; graph.nodes];
        let mut long_nodes: Vec<u32> = Vec::new();
        let mut offsets = Vec::with_capacity(nodes.len().div_ceil(CHUNK_ROWS) + 1);
        offsets.push(0);
        let mut steps = 0u32;
        for chunk in nodes.chunks(CHUNK_ROWS) {
            let mut rows: Vec<(u32, u8, u32)> =
                (0u8..).zip(chunk).map(|(lane, &node)| (fan_in[node as usize], lane, node)).collect();
            rows.sort_unstable_by_key(|&(fan_in, lane, _)| (Reverse(fan_in), lane));
            let (long, rows) = rows.split_at(long(&rows));
            long_nodes.extend(long.iter().map(|&(_, _, node)| node));
            for &(_, lane, node) in rows {
                places[node as usize] = Place::Chunk { step: steps, lane };
            }
            // A third of the places hold edges, or there are fewer than 64 steps, and then no more than
            // the shortest row before has edges unless a new power of two begins. So steps fit 32 bits as
            // the edges do.
            steps += rows.first().map_or(0, |&(fan_in, ..)| fan_in);
            offsets.push(steps);
        }
        long_nodes.sort_unstable_by_key(|&node| (Reverse(fan_in[node as usize]), node));
        let long_slots: Vec<u32> = long_nodes.iter().map(|&node| order.slots()[node as usize]).collect();
        let mut long_offsets = vec![0];
        let mut edge = 0;
        for &node in &long_nodes {
            places[node as usize] = Place::Long { edge };
            edge += fan_in[node as usize];
            long_offsets.push(edge);
        }
        let mut slots = vec![[0; CHUNK_ROWS]; steps as usize];
        let mut weights = vec![[0.0; CHUNK_ROWS]; steps as usize];
        let mut long_sources = vec![0; edge as usize];
        let mut long_weights = vec![0.0; edge as usize];
        // Sources are visited ascending, so each row fills up ascending.
        for (source, &slot) in (0..).zip(order.slots()) {
            let (row_targets, row_weights) = graph.row(source);
            for (&target, &weight) in row_targets.iter().zip(row_weights) {
                match &mut places[target as usize] {
                    Place::Chunk { step, lane } => {
                        slots[*step as usize][*lane as usize % CHUNK_ROWS] = slot;
                        weights[*step as usize][*lane as usize % CHUNK_ROWS] = weight;
                        *step += 1;
                    }
                    Place::Long { edge } => {
                        long_sources[*edge as usize] = slot;
                        long_weights[*edge as usize] = weight;
                        *edge += 1;
                    }
                }
            }
        }
        let long = InRows::from_parts(long_offsets, long_sources, long_weights);
        Self { nodes, offsets, slots, weights, long_nodes, long_slots, long }
    }

    /// How many nodes there are.
    #[cfg_attr(not(engram_zig), expect(dead_code, reason = "only the Zig kernels need it"))]
    pub(crate) fn num_nodes(&self) -> usize {
        self.nodes.len()
    }

    /// The node of each row.
    pub(crate) fn nodes(&self) -> &[u32] {
        &self.nodes
    }

    /// The slots and weights of a chunk's steps.
    #[inline(always)]
    pub(crate) fn chunk(&self, chunk: usize) -> (&[[u32; CHUNK_ROWS]], &[[f32; CHUNK_ROWS]]) {
        let steps = self.offsets[chunk] as usize..self.offsets[chunk + 1] as usize;
        (&self.slots[steps.clone()], &self.weights[steps])
    }

    /// The nodes of the long rows, and these.
    pub(crate) fn long(&self) -> (&[u32], &InRows) {
        (&self.long_nodes, &self.long)
    }

    /// The slots of the long rows.
    pub(crate) fn long_slots(&self) -> &[u32] {
        &self.long_slots
    }

    /// Offsets of all chunks, and slots and weights of all steps.
    #[cfg_attr(not(engram_zig), expect(dead_code, reason = "only the Zig kernels need them"))]
    pub(crate) fn parts(&self) -> (&[u32], &[u32], &[f32]) {
        (&self.offsets, self.slots.as_flattened(), self.weights.as_flattened())
    }
}

/// How many of a chunk's rows, which are sorted by their lengths, are long.
fn long(rows: &[(u32, u8, u32)]) -> usize {
    let mut edges: u64 = rows.iter().map(|&(fan_in, ..)| u64::from(fan_in)).sum();
    let is_long = |&&(fan_in, ..): &&(u32, u8, u32)| {
        let long = fan_in >= LONG_ROW && edges * LONG_ROW_FILL < u64::from(fan_in) * CHUNK_ROWS as u64;
        edges -= u64::from(fan_in);
        long
    };
    rows.iter().take_while(is_long).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Edge;

    #[test]
    #[allow(clippy::unwrap_used, reason = "the graph is good")]
    fn hubs_far_above_the_others_are_no_padding() {
        let fans = [2000, 1999, 1990, 1500, 500, 400, 300, 20];
        let edges = (0u32..).zip(fans).flat_map(|(hub, fan)| {
            (0..fan).map(move |i| Edge { source: i + 90, target: hub * 11, kind: 0, weight: 1.0 })
        });
        let graph = Graph::from_edges(2100, edges).unwrap();
        let rows = PullRows::of(&graph);
        assert_eq!(rows.long_nodes, [0, 11, 22, 33, 44, 55, 66]);
        assert_eq!(rows.slots.len(), 20);
        assert_eq!(rows.nodes[rows.long_slots[6] as usize], 66);
    }
}
