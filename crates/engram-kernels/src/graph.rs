//! Weighted directed graphs as compressed rows: whole and owned ([`Graph`]), a borrowed block of
//! rows ([`GraphBlock`]), and rows that replace others ([`Patch`]).

mod block;
mod build;
mod order;
mod patch;
mod pull;

use std::sync::OnceLock;

pub(crate) use block::is_sound;
pub use block::{CheckRows, GraphBlock};
pub(crate) use order::{InRows, SourceOrder};
pub use patch::Patch;
pub(crate) use pull::{CHUNK_ROWS, PullRows};

use crate::contract::WEIGHT_MAX;

/// An edge of a graph to be built.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    /// Where activation comes from.
    pub source: u32,
    /// Where it goes.
    pub target: u32,
    /// What kind of association it is. It only orders the merging of parallel edges.
    pub kind: u8,
    /// Finite, from 0 to 2^40.
    pub weight: f32,
}

/// Why a graph, a block of one or a row was refused.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// A graph has more nodes, or more edges, than 32 bits can number.
    #[error("a graph holds at most 2^32 − 1 nodes and edges, not {0}")]
    TooLarge(usize),
    /// Two arrays that belong together differ in length.
    #[error("{what} has {found} entries where {expected} belong")]
    Length {
        /// Which array.
        what: &'static str,
        /// How long it is.
        found: usize,
        /// How long it should be.
        expected: usize,
    },
    /// A node does not exist.
    #[error("node {node} does not exist in a graph of {nodes}")]
    NoSuchNode {
        /// The node.
        node: u32,
        /// How many there are.
        nodes: usize,
    },
    /// A weight is negative, NaN or above 2^40.
    #[error("the weight {weight} on an edge of node {source_node} is not between 0 and 2^40")]
    Weight {
        /// The edge's source.
        source_node: u32,
        /// The weight.
        weight: f32,
    },
    /// The stored sum of a row's weights is negative, infinite or NaN.
    #[error("the out-weight {weight} of node {node} is not a sum of weights")]
    OutWeight {
        /// The row's node.
        node: u32,
        /// The stored sum.
        weight: f32,
    },
    /// Offsets do not ascend, or lead out of the block.
    #[error("the row of node {0} does not lie within its block")]
    Offsets(u32),
    /// A row's targets do not strictly ascend.
    #[error("the targets of node {0} do not ascend")]
    TargetsNotAscending(u32),
    /// A row is not what the caller's own check knows it to be; see [`CheckRows`].
    #[error("the row of node {0} is not what was written")]
    Changed(u32),
    /// Rows, or blocks of rows, overlap or are not given in ascending order.
    #[error("the rows from node {0} on do not come after those before them")]
    RowsNotAscending(u32),
    /// A block belongs to a larger graph than it is used with.
    #[error("a block of a graph of {block} nodes cannot spread in one of {nodes}")]
    BlockTooLarge {
        /// The nodes of the block's graph.
        block: usize,
        /// The nodes that there is room for.
        nodes: usize,
    },
}

/// A whole graph: for each node the nodes it leads to, ascending, with their weights.
///
/// Takes 8 bytes an edge and 8 a node; about 8 and 24 more once it has been pulled over, and 8 and 4 more
/// once a batch of cues has.
#[derive(Debug)]
pub struct Graph {
    nodes: usize,
    offsets: Vec<u32>,
    targets: Vec<u32>,
    weights: Vec<f32>,
    out_weights: Vec<f32>,
    transposed: OnceLock<Box<Graph>>,
    pull_rows: OnceLock<PullRows>,
    source_order: OnceLock<SourceOrder>,
    in_rows: OnceLock<InRows>,
}

/// Refuses a weight that is not from 0 to 2^40.
fn check_weight(source_node: u32, weight: f32) -> Result<(), GraphError> {
    if (0.0..=WEIGHT_MAX).contains(&weight) {
        Ok(())
    } else {
        Err(GraphError::Weight { source_node, weight })
    }
}

/// Refuses a row whose targets do not strictly ascend below `nodes`, or whose weights are out of
/// range.
fn check_row(source: u32, targets: &[u32], weights: &[f32], nodes: usize) -> Result<(), GraphError> {
    // One loop for all, and one branch for all edges, make this cheap; which was wrong is found afterwards.
    // Numbers from +0 on are ordered as their bits are.
    let mut good = targets.last().is_none_or(|&last| (last as usize) < nodes);
    for ((&target, next), weight) in targets.iter().zip(targets.iter().skip(1)).zip(weights) {
        good &= (target < *next) & (weight.to_bits() <= WEIGHT_MAX.to_bits());
    }
    if good & weights.last().is_none_or(|last| last.to_bits() <= WEIGHT_MAX.to_bits()) {
        return Ok(());
    }
    if let Some(&node) = targets.iter().find(|&&target| target as usize >= nodes) {
        return Err(GraphError::NoSuchNode { node, nodes });
    }
    weights.iter().try_for_each(|&weight| check_weight(source, weight))?;
    // A weight of −0 is one of 0.
    if targets.is_sorted_by(|a, b| a < b) { Ok(()) } else { Err(GraphError::TargetsNotAscending(source)) }
}

/// D of the contract: a row's weights summed in `f64` by ascending target, rounded once.
fn out_weight(weights: &[f32]) -> f32 {
    weights.iter().fold(0.0f64, |sum, &weight| sum + f64::from(weight)) as f32
}

impl Graph {
    /// A graph of `nodes` nodes from its edges, in any order.
    ///
    /// Edges are ordered by (source, target, kind); parallel ones become one, whose weight is their sum
    /// in that order (in `f64`, rounded once, at most 2^40). Costs O(E) and the sorting of each row; edges
    /// that come sorted are not sorted again. Takes 28 bytes an edge on the way; see
    /// [`Graph::from_edge_passes`] for less.
    ///
    /// # Errors
    ///
    /// If an edge names a node that does not exist or has a weight that is not from 0 to 2^40, or if
    /// there are more than `u32::MAX` nodes or edges.
    ///
    /// ```
    /// use engram_kernels::{Edge, Graph};
    ///
    /// let graph = Graph::from_edges(2, [Edge { source: 0, target: 1, kind: 0, weight: 0.5 }])?;
    /// assert_eq!(graph.row(0), (&[1][..], &[0.5][..]));
    /// # Ok::<(), engram_kernels::GraphError>(())
    /// ```
    pub fn from_edges(nodes: usize, edges: impl IntoIterator<Item = Edge>) -> Result<Self, GraphError> {
        let edges: Vec<Edge> = edges.into_iter().collect();
        Self::from_edge_passes(nodes, || edges.iter().copied())
    }

    /// As [`Graph::from_edges`], from edges that can be given twice and so need not be kept: `edges` is called
    /// twice, and both times gives the same edges in the same order. Takes 12 bytes an edge on the way, and
    /// none where they come sorted.
    ///
    /// # Errors
    ///
    /// As [`Graph::from_edges`].
    ///
    /// # Panics
    ///
    /// It may, if the second pass gives other edges than the first.
    pub fn from_edge_passes<I: Iterator<Item = Edge>>(
        nodes: usize,
        edges: impl Fn() -> I,
    ) -> Result<Self, GraphError> {
        let build::BuiltRows { offsets, targets, weights } = build::rows(nodes, edges)?;
        Ok(Self::with_out_weights(nodes, offsets, targets, weights))
    }

    /// A graph from its compressed rows: row *i* is `offsets[i]..offsets[i + 1]` of `targets` and
    /// `weights`. Costs one pass.
    ///
    /// # Errors
    ///
    /// If the arrays do not fit one another, a row's targets do not strictly ascend below `nodes`, or
    /// a weight is not from 0 to 2^40.
    pub fn from_csr(
        nodes: usize,
        offsets: Vec<u32>,
        targets: Vec<u32>,
        mut weights: Vec<f32>,
    ) -> Result<Self, GraphError> {
        if nodes > u32::MAX as usize {
            return Err(GraphError::TooLarge(nodes));
        }
        // Borrowing these as a block checks all but the rows.
        let out_weights = vec![0.0; nodes];
        GraphBlock::new(nodes, 0, &offsets, &targets, &weights, &out_weights)?.check()?;
        for weight in &mut weights {
            *weight += 0.0; // −0 becomes +0
        }
        Ok(Self::with_out_weights(nodes, offsets, targets, weights))
    }

    fn with_out_weights(nodes: usize, offsets: Vec<u32>, targets: Vec<u32>, weights: Vec<f32>) -> Self {
        let out_weights = offsets
            .windows(2)
            .map(|bounds| out_weight(&weights[bounds[0] as usize..bounds[1] as usize]))
            .collect();
        Self {
            nodes,
            offsets,
            targets,
            weights,
            out_weights,
            transposed: OnceLock::new(),
            pull_rows: OnceLock::new(),
            source_order: OnceLock::new(),
            in_rows: OnceLock::new(),
        }
    }

    /// How many nodes there are.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// How many edges there are, parallel ones counted once.
    #[must_use]
    pub fn edges(&self) -> usize {
        self.targets.len()
    }

    /// Whether there are no nodes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes == 0
    }

    /// The targets of a node, ascending, and the weights of the edges there.
    ///
    /// # Panics
    ///
    /// If the node does not exist.
    #[must_use]
    pub fn row(&self, node: u32) -> (&[u32], &[f32]) {
        let range = self.offsets[node as usize] as usize..self.offsets[node as usize + 1] as usize;
        (&self.targets[range.clone()], &self.weights[range])
    }

    /// Where each row begins, and at the end the number of edges: `nodes + 1` entries.
    #[must_use]
    pub fn offsets(&self) -> &[u32] {
        &self.offsets
    }

    /// The targets of all rows, one row after another.
    #[must_use]
    pub fn targets(&self) -> &[u32] {
        &self.targets
    }

    /// The weights of all rows, one row after another.
    #[must_use]
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// The sum of each row's weights: summed in `f64` by ascending target, rounded once.
    #[must_use]
    pub fn out_weights(&self) -> &[f32] {
        &self.out_weights
    }

    /// The whole graph as one block, whose rows are known to be good.
    #[must_use]
    pub fn block(&self) -> GraphBlock<'_> {
        GraphBlock::of_graph(self)
    }

    /// The same edges the other way round, so that a row holds what leads to a node. Built at the
    /// first call, in two passes over the edges, and kept.
    #[must_use]
    pub fn transposed(&self) -> &Graph {
        self.transposed.get_or_init(|| Box::new(self.transpose()))
    }

    /// The edges laid out for pulling: built at the first call, and kept.
    pub(crate) fn pull_rows(&self) -> &PullRows {
        self.pull_rows.get_or_init(|| PullRows::of(self))
    }

    /// In which order a pull goes over nodes: found at the first call, and kept.
    pub(crate) fn source_order(&self) -> &SourceOrder {
        self.source_order.get_or_init(|| SourceOrder::of(self))
    }

    /// What leads to each node, laid out for pulling for many cues: built at the first call, and kept.
    pub(crate) fn in_rows(&self) -> &InRows {
        self.in_rows.get_or_init(|| InRows::of(self))
    }

    fn transpose(&self) -> Graph {
        let mut offsets = vec![0u32; self.nodes + 1];
        for &target in &self.targets {
            offsets[target as usize + 1] += 1;
        }
        for node in 0..self.nodes {
            offsets[node + 1] += offsets[node];
        }
        // Sources are visited ascending, so each row fills up ascending.
        let mut next = offsets.clone();
        let mut sources = vec![0u32; self.targets.len()];
        let mut weights = vec![0.0f32; self.targets.len()];
        for source in 0..self.nodes as u32 {
            let (row_targets, row_weights) = self.row(source);
            for (&target, &weight) in row_targets.iter().zip(row_weights) {
                let slot = &mut next[target as usize];
                sources[*slot as usize] = source;
                weights[*slot as usize] = weight;
                *slot += 1;
            }
        }
        Self::with_out_weights(self.nodes, offsets, sources, weights)
    }
}
