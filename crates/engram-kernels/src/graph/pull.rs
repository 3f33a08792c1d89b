//! A graph's edges laid out for pulling: SELL-16 (Kreutzer et al., "A unified sparse matrix data
//! format", 2014). Rows hold what leads to a node; they are sorted by length, and 16 of them make a
//! chunk, one row a lane, padded to the longest. So one step of a pull adds one edge to each of 16
//! sums, in the order in which a single row would add them.

use std::cmp::Reverse;

use super::Graph;

/// Rows of a chunk.
pub(crate) const CHUNK_ROWS: usize = 16;

/// Step *s* of chunk *c* holds, for each lane, a source and a weight; a padding has source 0 and
/// weight 0. Made from a [`Graph`] and never changed, so: `nodes` is a permutation of the graph's
/// nodes, every source is a node, and `offsets` ascend to the number of steps.
#[derive(Debug)]
pub(crate) struct PullRows {
    /// The node of each row; 16 rows a chunk, fewer in the last.
    nodes: Vec<u32>,
    /// The first step of each chunk, and at the end the number of steps.
    offsets: Vec<u32>,
    sources: Vec<[u32; CHUNK_ROWS]>,
    weights: Vec<[f32; CHUNK_ROWS]>,
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

        let mut offsets = Vec::with_capacity(nodes.len().div_ceil(CHUNK_ROWS) + 1);
        offsets.push(0);
        let mut steps = 0;
        // The row of each node, and the step of its next edge.
        let mut places = vec![(0u32, 0u32); graph.nodes];
        for (chunk, chunk_nodes) in nodes.chunks(CHUNK_ROWS).enumerate() {
            for (lane, &node) in chunk_nodes.iter().enumerate() {
                places[node as usize] = ((chunk * CHUNK_ROWS + lane) as u32, steps);
            }
            // The first row is the longest. Steps are at most a sixteenth of the edges and the longest
            // row, so they fit 32 bits as the edges do.
            steps += fan_in[chunk_nodes[0] as usize];
            offsets.push(steps);
        }
        let mut sources = vec![[0; CHUNK_ROWS]; steps as usize];
        let mut weights = vec![[0.0; CHUNK_ROWS]; steps as usize];
        // Sources are visited ascending, so each lane fills up ascending.
        for source in 0..graph.nodes as u32 {
            let (row_targets, row_weights) = graph.row(source);
            for (&target, &weight) in row_targets.iter().zip(row_weights) {
                let (row, step) = &mut places[target as usize];
                let lane = *row as usize % CHUNK_ROWS;
                sources[*step as usize][lane] = source;
                weights[*step as usize][lane] = weight;
                *step += 1;
            }
        }
        Self { nodes, offsets, sources, weights }
    }

    /// The node of each row.
    pub(crate) fn nodes(&self) -> &[u32] {
        &self.nodes
    }

    /// The steps of a chunk.
    #[inline(always)]
    pub(crate) fn chunk(&self, chunk: usize) -> (&[[u32; CHUNK_ROWS]], &[[f32; CHUNK_ROWS]]) {
        let steps = self.offsets[chunk] as usize..self.offsets[chunk + 1] as usize;
        (&self.sources[steps.clone()], &self.weights[steps])
    }

    /// Offsets of all chunks, and sources and weights of all steps.
    #[cfg_attr(not(engram_zig), expect(dead_code, reason = "only the Zig kernels need them"))]
    pub(crate) fn parts(&self) -> (&[u32], &[u32], &[f32]) {
        (&self.offsets, self.sources.as_flattened(), self.weights.as_flattened())
    }
}
