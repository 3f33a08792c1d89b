//! A graph's edges laid out for pulling: SELL-16 (Kreutzer et al., "A unified sparse matrix data
//! format", 2014). Rows hold what leads to a node; they are sorted by length, and 16 of them make a
//! chunk, one row a lane, padded to the longest. So one step of a pull adds one edge to each of 16
//! sums, in the order in which a single row would add them. Rows that are far longer than those after
//! them would be mostly padding: they lie by themselves.

use std::cmp::Reverse;

use super::{Graph, InRows};

/// Rows of a chunk.
pub(crate) const CHUNK_ROWS: usize = 16;

/// A row is long, and not in a chunk, if it has at least so many edges...
const LONG_ROW: u32 = 64;

/// ...and its chunk would hold an edge in less than one of so many places.
const LONG_ROW_FILL: u64 = 3;

/// Step *s* of chunk *c* holds, for each lane, a source and a weight; a padding has any source and
/// weight 0. Sources are given by their slots. Made from a [`Graph`] and never changed, so: `nodes` and
/// `long_nodes` are a permutation of the graph's nodes, every slot is below their number, and `offsets`
/// ascend to the number of steps.
#[derive(Debug)]
pub(crate) struct PullRows {
    /// The node of each row; 16 rows a chunk, fewer in the last.
    nodes: Vec<u32>,
    /// The first step of each chunk, and at the end the number of steps.
    offsets: Vec<u32>,
    slots: Vec<[u32; CHUNK_ROWS]>,
    weights: Vec<[f32; CHUNK_ROWS]>,
    /// The nodes of the long rows, longest first.
    long_nodes: Vec<u32>,
    long: InRows,
}

/// Where the next edge of a row goes.
#[derive(Clone, Copy)]
enum Place {
    Chunk { step: u32, lane: u8 },
    Long { edge: u32 },
}

impl PullRows {
    /// Lays out the edges of `graph`: two passes over them, and a sort of the nodes.
    pub(super) fn of(graph: &Graph) -> Self {
        let mut fan_in = vec![0u32; graph.nodes];
        for &target in &graph.targets {
            fan_in[target as usize] += 1;
        }
        let mut nodes: Vec<u32> = (0..graph.nodes as u32).collect();
        nodes.sort_unstable_by_key(|&node| (Reverse(fan_in[node as usize]), node));
        let long_nodes: Vec<u32> = take_long(&mut nodes, &fan_in);

        let mut places = vec![Place::Long { edge: 0 }; graph.nodes];
        let mut long_offsets = vec![0];
        let mut edge = 0;
        for &node in &long_nodes {
            places[node as usize] = Place::Long { edge };
            edge += fan_in[node as usize];
            long_offsets.push(edge);
        }
        let mut offsets = Vec::with_capacity(nodes.len().div_ceil(CHUNK_ROWS) + 1);
        offsets.push(0);
        let mut steps = 0;
        for chunk in nodes.chunks(CHUNK_ROWS) {
            for (lane, &node) in (0..).zip(chunk) {
                places[node as usize] = Place::Chunk { step: steps, lane };
            }
            // The first row is the longest. A third of the places hold edges, or there are fewer than 64
            // steps, so steps fit 32 bits as the edges do.
            steps += fan_in[chunk[0] as usize];
            offsets.push(steps);
        }
        let mut slots = vec![[0; CHUNK_ROWS]; steps as usize];
        let mut weights = vec![[0.0; CHUNK_ROWS]; steps as usize];
        let mut long_slots = vec![0; edge as usize];
        let mut long_weights = vec![0.0; edge as usize];
        // Sources are visited ascending, so each row fills up ascending.
        for (source, &slot) in (0..).zip(graph.source_order().slots()) {
            let (row_targets, row_weights) = graph.row(source);
            for (&target, &weight) in row_targets.iter().zip(row_weights) {
                match &mut places[target as usize] {
                    Place::Chunk { step, lane } => {
                        slots[*step as usize][*lane as usize % CHUNK_ROWS] = slot;
                        weights[*step as usize][*lane as usize % CHUNK_ROWS] = weight;
                        *step += 1;
                    }
                    Place::Long { edge } => {
                        long_slots[*edge as usize] = slot;
                        long_weights[*edge as usize] = weight;
                        *edge += 1;
                    }
                }
            }
        }
        let long = InRows::from_parts(long_offsets, long_slots, long_weights);
        Self { nodes, offsets, slots, weights, long_nodes, long }
    }

    /// How many nodes there are.
    #[cfg_attr(not(engram_zig), expect(dead_code, reason = "only the Zig kernels need it"))]
    pub(crate) fn num_nodes(&self) -> usize {
        self.nodes.len() + self.long_nodes.len()
    }

    /// The node of each row in a chunk.
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

    /// Offsets of all chunks, and slots and weights of all steps.
    #[cfg_attr(not(engram_zig), expect(dead_code, reason = "only the Zig kernels need them"))]
    pub(crate) fn parts(&self) -> (&[u32], &[u32], &[f32]) {
        (&self.offsets, self.slots.as_flattened(), self.weights.as_flattened())
    }
}

/// Takes the nodes whose rows are long out of `nodes`, which are sorted by the rows' lengths.
fn take_long(nodes: &mut Vec<u32>, fan_in: &[u32]) -> Vec<u32> {
    let lengths: Vec<u32> =
        nodes.iter().map(|&node| fan_in[node as usize]).take_while(|&n| n >= LONG_ROW).collect();
    // Shorter rows count as if they were just not long.
    let length = |row: usize| u64::from(lengths.get(row).copied().unwrap_or(LONG_ROW));
    let (mut long, mut kept) = (Vec::new(), Vec::new());
    let mut row = 0;
    while row < lengths.len() {
        let chunk: u64 = (row..row + CHUNK_ROWS).map(length).sum();
        if chunk * LONG_ROW_FILL < length(row) * CHUNK_ROWS as u64 {
            long.push(nodes[row]);
            row += 1;
        } else {
            kept.extend(&nodes[row..(row + CHUNK_ROWS).min(nodes.len())]);
            row += CHUNK_ROWS;
        }
    }
    if !long.is_empty() {
        kept.extend(nodes.iter().skip(row));
        *nodes = kept;
    }
    long
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
        assert_eq!((rows.nodes.len(), rows.nodes[0]), (2093, 77));
    }
}
