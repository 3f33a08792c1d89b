//! Graph rows: offsets, sums of out-weights, targets, weights; and in a sealed store their checksums.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use engram_kernels::{CheckRows, Graph, GraphBlock, GraphError};
use heed::RoTxn;
use xxhash_rust::xxh3::xxh3_64;

use super::{Block, BlockKind, NewBlock, ROWS, Sink, fold, one_of, padded};
use crate::error::Result;
use crate::store::seen::SeenBlock;
use crate::store::tables::{Store, elements};

/// Rows of which the bounds and out-weights are checked together: what a look-up of one brings into the cache anyway.
pub(crate) const GROUP: usize = 16;

impl<'t> Block<'t> {
    /// The block's graph rows.
    pub(crate) fn graph(&self) -> Option<GraphRows<'t>> {
        let (rows, edges) = (self.rows as usize, self.width as usize);
        let [offsets, out_weights, targets, weights] =
            self.sections([4 * (rows + 1), 4 * rows, 4 * edges, 4 * edges])?;
        let sums = if self.is_sealed { Some(Sums::of(self)?) } else { None };
        Some(GraphRows {
            first: self.first,
            offsets: elements(offsets)?,
            out_weights: elements(out_weights)?,
            targets: elements(targets)?,
            weights: elements(weights)?,
            sums,
        })
    }

    /// Whether all rows, of a sealed store, are what was written.
    pub(super) fn is_graph_intact(&self) -> bool {
        let sums = self.all_sections(sections(self)).and_then(|_| Sums::of(self));
        let Some((rows, sums)) = self.graph().zip(sums) else { return false };
        let rows = GraphRows { sums: Some(Sums { seen: None, ..sums }), ..rows };
        let all: Vec<u32> = (0..self.rows).collect();
        let sums_from: usize = sections(self)[..4].iter().copied().map(padded).sum();
        xxh3_64(&self.payload[sums_from..]) == self.checksum
            && rows.check_bounds(&all).is_ok()
            && rows.check_edges(&all).is_ok()
    }
}

/// The bytes of a sealed block's sections.
fn sections(block: &Block<'_>) -> [usize; 6] {
    let (rows, edges) = (block.rows as usize, block.width as usize);
    [4 * (rows + 1), 4 * rows, 4 * edges, 4 * edges, 4 * rows, 4 * rows.div_ceil(GROUP)]
}

/// One row: targets, weights and the sum of the out-weights.
pub(crate) type GraphRow<'r> = (&'r [u32], &'r [f32], f32);

/// The graph rows of one block.
pub(crate) struct GraphRows<'t> {
    first: u32,
    offsets: Cow<'t, [u32]>,
    out_weights: Cow<'t, [f32]>,
    targets: Cow<'t, [u32]>,
    weights: Cow<'t, [f32]>,
    sums: Option<Sums<'t>>,
}

/// The checksums of a block's rows, and which of them were compared.
struct Sums<'t> {
    rows: Cow<'t, [u32]>,
    groups: Cow<'t, [u32]>,
    /// Nothing where all are to be compared anew.
    seen: Option<Arc<SeenBlock>>,
}

impl<'t> Sums<'t> {
    /// The checksums of a sealed block.
    fn of(block: &Block<'t>) -> Option<Self> {
        let [.., rows, groups] = block.sections(sections(block))?;
        Some(Self { rows: elements(rows)?, groups: elements(groups)?, seen: block.seen.clone() })
    }
}

/// The graph's rows, block by block. Cost: the number of blocks.
pub(crate) fn graph_rows<'t>(store: &Store, txn: &'t RoTxn<'_>, nodes: u32) -> Result<Vec<GraphRows<'t>>> {
    let row_of = |index| {
        let damaged = || store.damaged(format!("block {index} of the graph cannot be read"));
        one_of(store, txn, BlockKind::Graph, index, nodes)?.graph().ok_or_else(damaged)
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
        let (offsets, out_weights) = (&self.offsets, &self.out_weights);
        let block = GraphBlock::new(nodes, self.first, offsets, &self.targets, &self.weights, out_weights)?;
        Ok(if self.sums.is_some() { block.with_checks(self) } else { block })
    }

    /// One row. `None` where it is not in this block or is damaged.
    pub(crate) fn row(&self, node: u32) -> Option<GraphRow<'_>> {
        let row = node.checked_sub(self.first)?;
        self.check_bounds(&[row]).ok()?;
        self.check_edges(&[row]).ok()?;
        let (targets, weights) = self.edges(row as usize)?;
        Some((targets, weights, *self.out_weights.get(row as usize)?))
    }

    /// The targets and weights of a row.
    fn edges(&self, row: usize) -> Option<(&[u32], &[f32])> {
        let (start, end) = (*self.offsets.get(row)? as usize, *self.offsets.get(row + 1)? as usize);
        Some((self.targets.get(start..end)?, self.weights.get(start..end)?))
    }

    /// The checksum of a row's targets and weights.
    fn row_sum(&self, row: usize) -> Option<u32> {
        let (targets, weights) = self.edges(row)?;
        Some(row_sum(self.first + row as u32, targets, weights, *self.out_weights.get(row)?))
    }

    /// The checksum of a group's offsets and out-weights.
    fn group_sum(&self, group: usize) -> Option<u32> {
        let start = group * GROUP;
        let end = (start + GROUP).min(self.out_weights.len());
        let (offsets, out_weights) = (self.offsets.get(start..=end)?, self.out_weights.get(start..end)?);
        Some(group_sum(self.first + start as u32, offsets, out_weights))
    }
}

impl CheckRows for GraphRows<'_> {
    fn check_bounds(&self, rows: &[u32]) -> std::result::Result<(), GraphError> {
        let Some(Sums { groups, seen, .. }) = &self.sums else { return Ok(()) };
        let mut last = usize::MAX;
        for &row in rows {
            let group = row as usize / GROUP;
            if group == last || seen.as_ref().is_some_and(|seen| seen.groups.has(group)) {
                continue;
            }
            if self.group_sum(group).is_none_or(|sum| groups.get(group) != Some(&sum)) {
                return Err(GraphError::Changed(self.first + row));
            }
            last = group;
            seen.iter().for_each(|seen| seen.groups.set(group));
        }
        Ok(())
    }

    fn check_edges(&self, rows: &[u32]) -> std::result::Result<(), GraphError> {
        let Some(Sums { rows: sums, seen, .. }) = &self.sums else { return Ok(()) };
        for &row in rows {
            let at = row as usize;
            if seen.as_ref().is_some_and(|seen| seen.rows.has(at)) {
                continue;
            }
            if self.row_sum(at).is_none_or(|sum| sums.get(at) != Some(&sum)) {
                return Err(GraphError::Changed(self.first + row));
            }
            seen.iter().for_each(|seen| seen.rows.set(at));
        }
        Ok(())
    }
}

impl fmt::Debug for GraphRows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GraphRows").field("first", &self.first).finish_non_exhaustive()
    }
}

/// The checksum of a node's row. What it consists of is hashed apart, and put together so that no two parts can change
/// places.
pub(super) fn row_sum(node: u32, targets: &[u32], weights: &[f32], out_weight: f32) -> u32 {
    let edges =
        xxh3_64(bytemuck::cast_slice(targets)).rotate_left(23) ^ xxh3_64(bytemuck::cast_slice(weights));
    fold(edges ^ mixed(node, out_weight.to_bits()))
}

/// The checksum of a group's offsets and out-weights, of which `first` is the first node.
pub(super) fn group_sum(first: u32, offsets: &[u32], out_weights: &[f32]) -> u32 {
    let bounds =
        xxh3_64(bytemuck::cast_slice(offsets)).rotate_left(23) ^ xxh3_64(bytemuck::cast_slice(out_weights));
    fold(bounds ^ mixed(first, 0))
}

/// Two numbers as one, each bit of which depends on many of theirs (Fibonacci hashing).
fn mixed(high: u32, low: u32) -> u64 {
    ((u64::from(high) << 32) | u64::from(low)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Gives a graph as blocks, for a sealed store or another.
pub(crate) fn of_graph(graph: &Graph, is_sealed: bool, sink: &mut Sink<'_>) -> Result<()> {
    let nodes = graph.nodes();
    let (mut offsets, mut bytes) = (Vec::new(), Vec::new());
    let (mut row_sums, mut group_sums) = (Vec::new(), Vec::new());
    for (index, first) in (0_u32..).zip((0..nodes).step_by(ROWS as usize)) {
        let end = nodes.min(first + ROWS as usize);
        let bounds = &graph.offsets()[first..=end];
        let edges = bounds[0] as usize..bounds[end - first] as usize;
        offsets.clear();
        offsets.extend(bounds.iter().map(|offset| offset - bounds[0]));
        let out_weights = &graph.out_weights()[first..end];
        row_sums.clear();
        group_sums.clear();
        if is_sealed {
            row_sums.extend((first as u32..).zip(out_weights).map(|(node, out_weight)| {
                let (targets, weights) = graph.row(node);
                row_sum(node, targets, weights, *out_weight)
            }));
            group_sums.extend((0..out_weights.len()).step_by(GROUP).map(|start| {
                let end = (start + GROUP).min(out_weights.len());
                group_sum((first + start) as u32, &offsets[start..=end], &out_weights[start..end])
            }));
        }
        let sections: [&[u8]; 6] = [
            bytemuck::cast_slice(&offsets),
            bytemuck::cast_slice(out_weights),
            bytemuck::cast_slice(&graph.targets()[edges.clone()]),
            bytemuck::cast_slice(&graph.weights()[edges.clone()]),
            bytemuck::cast_slice(&row_sums),
            bytemuck::cast_slice(&group_sums),
        ];
        let shape = (first as u32, (end - first) as u32, edges.len() as u32);
        let sealed_from = is_sealed.then_some(4);
        let block = NewBlock { kind: BlockKind::Graph, index, shape, sections: &sections, sealed_from };
        sink(&block.encode(&mut bytes), &bytes)?;
    }
    Ok(())
}
