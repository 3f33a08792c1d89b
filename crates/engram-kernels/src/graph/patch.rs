//! Rows that replace those of packed blocks: what was written since the blocks were built.

use super::{GraphError, check_row, out_weight};
use crate::portable::spreading::Rows;

/// A few rows by node. Where a node has a row here, its packed row does not count; an empty row takes
/// all its edges away.
#[derive(Clone, Debug)]
pub struct Patch {
    nodes: usize,
    sources: Vec<u32>,
    offsets: Vec<u32>,
    targets: Vec<u32>,
    weights: Vec<f32>,
    out_weights: Vec<f32>,
}

impl Patch {
    /// An empty patch of a graph of `nodes` nodes.
    #[must_use]
    pub fn new(nodes: usize) -> Self {
        Self {
            nodes,
            sources: Vec::new(),
            offsets: vec![0],
            targets: Vec::new(),
            weights: Vec::new(),
            out_weights: Vec::new(),
        }
    }

    /// Adds the row of `source`, which comes after those there are. Targets strictly ascend.
    ///
    /// # Errors
    ///
    /// If `source` does not exist or does not come after the rows so far, the two slices differ in
    /// length, a target does not exist or does not ascend, or a weight is not from 0 to 2^40. The
    /// patch is then as it was.
    pub fn push_row(&mut self, source: u32, targets: &[u32], weights: &[f32]) -> Result<(), GraphError> {
        if source as usize >= self.nodes {
            return Err(GraphError::NoSuchNode { node: source, nodes: self.nodes });
        }
        if self.sources.last().is_some_and(|&last| last >= source) {
            return Err(GraphError::RowsNotAscending(source));
        }
        if targets.len() != weights.len() {
            let (found, expected) = (weights.len(), targets.len());
            return Err(GraphError::Length { what: "weights", found, expected });
        }
        check_row(source, targets, weights, self.nodes)?;
        let edges = self.targets.len() + targets.len();
        let end = u32::try_from(edges).map_err(|_| GraphError::TooLarge(edges))?;
        self.sources.push(source);
        self.offsets.push(end);
        self.targets.extend_from_slice(targets);
        self.weights.extend(weights.iter().map(|weight| weight + 0.0)); // −0 becomes +0
        self.out_weights.push(out_weight(weights));
        Ok(())
    }

    /// How many nodes the patched graph has.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// The nodes which have rows here, ascending.
    #[must_use]
    pub fn sources(&self) -> &[u32] {
        &self.sources
    }

    /// How many edges the rows hold.
    #[must_use]
    pub fn edges(&self) -> usize {
        self.targets.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// The row of `source`, if it has one here.
    #[must_use]
    pub fn row(&self, source: u32) -> Option<(&[u32], &[f32])> {
        self.sources.binary_search(&source).ok().map(|row| self.compressed_rows().row(row))
    }

    /// The out-weight of the row of `source`, if it has one here.
    #[must_use]
    pub fn out_weight(&self, source: u32) -> Option<f32> {
        self.sources.binary_search(&source).ok().map(|row| self.out_weights[row])
    }

    /// The sum of each row's weights.
    pub(crate) fn out_weights(&self) -> &[f32] {
        &self.out_weights
    }

    pub(crate) fn compressed_rows(&self) -> Rows<'_> {
        Rows { offsets: &self.offsets, neighbours: &self.targets, weights: &self.weights }
    }
}
