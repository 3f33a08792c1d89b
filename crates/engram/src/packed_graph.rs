//! The packed association graph as it lies in the store's map, for those who look at it or spread over it
//! themselves.

use std::fmt;

use engram_kernels::GraphBlock;

use crate::engram::Engram;
use crate::error::Result;
use crate::store::block::{self, GraphRows};
use crate::store::state;

/// The association graph as it was packed last: memories by id, behind them names by key. What was written
/// since is not in it.
pub struct PackedGraph<'t> {
    nodes: usize,
    copied_bytes: usize,
    blocks: Vec<GraphBlock<'t>>,
}

impl fmt::Debug for PackedGraph<'_> {
    /// Its size, not its rows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (nodes, edges) = (self.nodes, self.edges());
        f.debug_struct("PackedGraph").field("nodes", &nodes).field("edges", &edges).finish_non_exhaustive()
    }
}

impl PackedGraph<'_> {
    /// How many nodes there are.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// How many edges there are: each association in either direction, parallel ones merged.
    #[must_use]
    pub fn edges(&self) -> usize {
        self.blocks.iter().map(GraphBlock::edges).sum()
    }

    /// The rows, as the kernels take them.
    #[must_use]
    pub fn blocks(&self) -> &[GraphBlock<'_>] {
        &self.blocks
    }

    /// The bytes that had to be copied out of the map, because a block too small for a page of its own does not
    /// lie at an address that its numbers need; 0 for any larger graph.
    #[must_use]
    pub fn copied_bytes(&self) -> usize {
        self.copied_bytes
    }
}

impl Engram {
    /// Calls `look` with the packed association graph. Its blocks are borrowed from the map, where one state of
    /// the store stays as it is until `look` returns. Cost: the number of blocks, one for each 65,536 nodes.
    ///
    /// # Errors
    /// If the store cannot be read, or a block does not have the shape of one. Rows are not looked at;
    /// [`GraphBlock::check`] does that.
    pub fn with_packed_graph<R>(&self, look: impl FnOnce(&PackedGraph<'_>) -> R) -> Result<R> {
        let store = &self.store()?;
        let txn = store.read()?;
        let nodes = state::read(store, &txn)?.map_or(0, |state| state.packed_nodes);
        let rows = block::graph_rows(store, &txn, nodes)?;
        let blocks = (rows.iter().map(|rows| rows.view(nodes as usize)))
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(|bad| store.damaged(format!("a block of the graph is none: {bad}")))?;
        let copied_bytes = rows.iter().map(GraphRows::copied_bytes).sum();
        Ok(look(&PackedGraph { nodes: nodes as usize, copied_bytes, blocks }))
    }
}
