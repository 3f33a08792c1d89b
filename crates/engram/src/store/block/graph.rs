//! Graph rows: offsets, sums of out-weights, targets, weights.

use std::borrow::Cow;

use engram_kernels::{Graph, GraphBlock, GraphError};
use heed::RoTxn;

use super::{Block, BlockKind, ROWS, Sink, encode, read};
use crate::error::Result;
use crate::store::tables::{Store, elements};

impl<'t> Block<'t> {
    /// The block's graph rows.
    pub(crate) fn graph(&self) -> Option<GraphRows<'t>> {
        let (rows, edges) = (self.rows as usize, self.width as usize);
        let [offsets, out_weights, targets, weights] =
            self.sections([4 * (rows + 1), 4 * rows, 4 * edges, 4 * edges])?;
        Some(GraphRows {
            first: self.first,
            offsets: elements(offsets)?,
            out_weights: elements(out_weights)?,
            targets: elements(targets)?,
            weights: elements(weights)?,
        })
    }
}

/// The graph rows of one block.
pub(crate) struct GraphRows<'t> {
    first: u32,
    offsets: Cow<'t, [u32]>,
    out_weights: Cow<'t, [f32]>,
    targets: Cow<'t, [u32]>,
    weights: Cow<'t, [f32]>,
}

/// The graph's rows, block by block. Cost: the number of blocks.
pub(crate) fn graph_rows<'t>(store: &Store, txn: &'t RoTxn<'_>, nodes: u32) -> Result<Vec<GraphRows<'t>>> {
    let row_of = |index| {
        let damaged = || store.damaged(format!("block {index} of the graph cannot be read"));
        let block = read(store, txn, BlockKind::Graph, index)?.ok_or_else(damaged)?;
        block.graph().ok_or_else(damaged)
    };
    (0..nodes.div_ceil(ROWS)).map(row_of).collect()
}

impl GraphRows<'_> {
    /// The bytes that do not lie in the map, because they are not aligned there.
    pub(crate) fn copied_bytes(&self) -> usize {
        let owned = [
            (matches!(self.offsets, Cow::Owned(_)), self.offsets.len()),
            (matches!(self.out_weights, Cow::Owned(_)), self.out_weights.len()),
            (matches!(self.targets, Cow::Owned(_)), self.targets.len()),
            (matches!(self.weights, Cow::Owned(_)), self.weights.len()),
        ];
        // Entries of all four have four bytes.
        owned.into_iter().filter(|(owned, _)| *owned).map(|(_, entries)| 4 * entries).sum()
    }

    /// The rows as the kernels take them; each row is checked there when a push first touches it.
    pub(crate) fn view(&self, nodes: usize) -> std::result::Result<GraphBlock<'_>, GraphError> {
        GraphBlock::new(nodes, self.first, &self.offsets, &self.targets, &self.weights, &self.out_weights)
    }

    /// One row: targets, weights and the sum of the out-weights. `None` where it is not in this block or is damaged.
    pub(crate) fn row(&self, node: u32) -> Option<(&[u32], &[f32], f32)> {
        let row = node.checked_sub(self.first)? as usize;
        let (start, end) = (*self.offsets.get(row)? as usize, *self.offsets.get(row + 1)? as usize);
        Some((self.targets.get(start..end)?, self.weights.get(start..end)?, *self.out_weights.get(row)?))
    }
}

/// Gives a graph as blocks.
pub(crate) fn of_graph(graph: &Graph, sink: &mut Sink<'_>) -> Result<()> {
    let nodes = graph.nodes();
    let (mut offsets, mut bytes) = (Vec::new(), Vec::new());
    for (index, first) in (0_u32..).zip((0..nodes).step_by(ROWS as usize)) {
        let end = nodes.min(first + ROWS as usize);
        let bounds = &graph.offsets()[first..=end];
        let edges = bounds[0] as usize..bounds[end - first] as usize;
        offsets.clear();
        offsets.extend(bounds.iter().map(|offset| offset - bounds[0]));
        let sections: [&[u8]; 4] = [
            bytemuck::cast_slice(&offsets),
            bytemuck::cast_slice(&graph.out_weights()[first..end]),
            bytemuck::cast_slice(&graph.targets()[edges.clone()]),
            bytemuck::cast_slice(&graph.weights()[edges.clone()]),
        ];
        let shape = (first as u32, (end - first) as u32, edges.len() as u32);
        let key = encode(BlockKind::Graph, index, shape, &sections, &mut bytes);
        sink(&key, &bytes)?;
    }
    Ok(())
}
