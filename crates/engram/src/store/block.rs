//! Packed blocks: columns, vectors and graph rows as they lie in the map, to be read in place.
//!
//! A block is a 48-byte header and a payload of sections, each at a multiple of 64 bytes. LMDB puts a large
//! value 16 bytes behind the start of a page, so that the payload (16 + 48 bytes on) is 64-byte aligned in
//! the map. Where it is not (a small value shares its page), readers copy.

use std::borrow::Cow;
use std::ops::Range;

use engram_kernels::{Graph, GraphBlock, GraphError, QuantisedRows, QuantisedVectors};
use heed::{RoTxn, RwTxn};
use xxhash_rust::xxh3::xxh3_64;

use super::tables::{Store, elements};
use crate::error::Result;

/// Rows of columns or of graph in one block.
pub(crate) const ROWS: u32 = 65_536;
/// Vectors in one block; small, because forgetting one memory rewrites its block.
pub(crate) const VECTOR_ROWS: u32 = 1024;

const MAGIC: [u8; 8] = *b"ENGRAMB1";
const HEADER_BYTES: usize = 48; // magic 8, kind 4, first 4, rows 4, width 4, payload 8, checksum 8, reserved 8
const SECTION_ALIGNMENT: usize = 64;

/// What a block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum BlockKind {
    /// One section for each field of [`Columns`].
    Columns = 1,
    /// Row-major `f32` vectors, and the same vectors quantised: codes, scales, norms of residuals, norms.
    /// `width` is their dimension. (Stores of format 1 lack all but the first.)
    Vectors = 2,
    /// Row offsets, sums of out-weights, targets, weights; `width` is the number of edges.
    Graph = 3,
}

/// What recall needs to know of every memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Columns {
    /// The namespace's number.
    pub(crate) namespace: u32,
    /// Its length in terms.
    pub(crate) length: u32,
    /// When it was made, in milliseconds.
    pub(crate) made: i64,
    /// When it was made or last recalled, in milliseconds.
    pub(crate) refreshed: i64,
    /// Its strength.
    pub(crate) strength: f32,
    /// Its stability in seconds.
    pub(crate) stability: f32,
}

/// The bytes of [`Columns`] as a value of their own.
pub(crate) const COLUMNS_BYTES: usize = 32;

impl Columns {
    /// As a value of its own, for a recent memory.
    pub(crate) fn bytes(&self) -> [u8; COLUMNS_BYTES] {
        let mut bytes = [0; COLUMNS_BYTES];
        bytes[..4].copy_from_slice(&self.namespace.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.length.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.made.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.refreshed.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.strength.to_le_bytes());
        bytes[28..].copy_from_slice(&self.stability.to_le_bytes());
        bytes
    }

    /// Reads what [`Columns::bytes`] wrote.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; COLUMNS_BYTES] = bytes.try_into().ok()?;
        let four = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        let eight = |at: usize| {
            let (low, high) = (four(at), four(at + 4));
            [low[0], low[1], low[2], low[3], high[0], high[1], high[2], high[3]]
        };
        Some(Self {
            namespace: u32::from_le_bytes(four(0)),
            length: u32::from_le_bytes(four(4)),
            made: i64::from_le_bytes(eight(8)),
            refreshed: i64::from_le_bytes(eight(16)),
            strength: f32::from_le_bytes(four(24)),
            stability: f32::from_le_bytes(four(28)),
        })
    }
}

/// A block as it lies in the map.
pub(crate) struct Block<'t> {
    /// The first row's number.
    pub(crate) first: u32,
    /// How many rows it has.
    pub(crate) rows: u32,
    /// Dimension or number of edges, by the kind.
    pub(crate) width: u32,
    checksum: u64,
    payload: &'t [u8],
}

fn key(kind: BlockKind, index: u32) -> [u8; 5] {
    let mut key = [kind as u8; 5];
    key[1..].copy_from_slice(&index.to_be_bytes());
    key
}

fn padded(bytes: usize) -> usize {
    bytes.next_multiple_of(SECTION_ALIGNMENT)
}

/// The key and the bytes of a block of sections; `shape` is first row, rows, width.
fn encode(kind: BlockKind, index: u32, shape: (u32, u32, u32), sections: &[&[u8]]) -> ([u8; 5], Vec<u8>) {
    let payload_bytes: usize = sections.iter().map(|s| padded(s.len())).sum();
    let mut bytes = vec![0; HEADER_BYTES + payload_bytes];
    let (header, payload) = bytes.split_at_mut(HEADER_BYTES);
    let mut at = 0;
    for section in sections {
        payload[at..at + section.len()].copy_from_slice(section);
        at += padded(section.len());
    }
    let (first, rows, width) = shape;
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&u32::from(kind as u8).to_le_bytes());
    header[12..16].copy_from_slice(&first.to_le_bytes());
    header[16..20].copy_from_slice(&rows.to_le_bytes());
    header[20..24].copy_from_slice(&width.to_le_bytes());
    header[24..32].copy_from_slice(&(payload_bytes as u64).to_le_bytes());
    header[32..40].copy_from_slice(&xxh3_64(payload).to_le_bytes());
    (key(kind, index), bytes)
}

/// Reads the header of a block, and takes the rest as it lies. Cost: constant.
pub(crate) fn read<'t>(
    store: &Store,
    txn: &'t RoTxn<'_>,
    kind: BlockKind,
    index: u32,
) -> Result<Option<Block<'t>>> {
    let bytes = store.tables.blocks.get(txn, &key(kind, index)).map_err(|e| store.fail(e))?;
    let Some(bytes) = bytes else { return Ok(None) };
    parse(bytes, kind)
        .map(Some)
        .ok_or_else(|| store.damaged(format!("block {index} of {kind:?} has no valid header")))
}

/// What kind of block a key names, if any.
pub(crate) fn kind_of(key: &[u8]) -> Option<BlockKind> {
    [BlockKind::Columns, BlockKind::Vectors, BlockKind::Graph]
        .into_iter()
        .find(|kind| key.len() == 5 && key[0] == *kind as u8)
}

/// Reads a block from the bytes of its value; `None` where they are none.
pub(crate) fn parse(bytes: &[u8], kind: BlockKind) -> Option<Block<'_>> {
    let (header, payload) = bytes.split_at_checked(HEADER_BYTES)?;
    let u32_at = |at: usize| Some(u32::from_le_bytes(header.get(at..at + 4)?.try_into().ok()?));
    let u64_at = |at: usize| Some(u64::from_le_bytes(header.get(at..at + 8)?.try_into().ok()?));
    if header[..8] != MAGIC || u32_at(8)? != u32::from(kind as u8) || u64_at(24)? != payload.len() as u64 {
        return None;
    }
    let (first, rows, width) = (u32_at(12)?, u32_at(16)?, u32_at(20)?);
    first.checked_add(rows)?;
    Some(Block { first, rows, width, checksum: u64_at(32)?, payload })
}

impl<'t> Block<'t> {
    /// Whether the payload is what was written. Cost: its size.
    pub(crate) fn is_intact(&self) -> bool {
        xxh3_64(self.payload) == self.checksum
    }

    /// Takes the sections of the given byte lengths, in order.
    fn sections<const N: usize>(&self, lengths: [usize; N]) -> Option<[&'t [u8]; N]> {
        let mut at = 0_usize;
        let mut sections = [&self.payload[..0]; N];
        for (section, length) in sections.iter_mut().zip(lengths) {
            *section = self.payload.get(at..at.checked_add(length)?)?;
            at = at.checked_add(length.checked_next_multiple_of(SECTION_ALIGNMENT)?)?;
        }
        Some(sections)
    }

    /// The block's vectors.
    pub(crate) fn vectors(&self) -> Option<VectorBlock<'t>> {
        let (rows, dimensions) = (self.rows as usize, self.width as usize);
        let numbers = rows.checked_mul(dimensions)?;
        let bytes = numbers.checked_mul(4)?;
        let quantised = if self.payload.len() == padded(bytes) {
            None
        } else {
            let [_, codes, scales, residual_norms, norms] =
                self.sections([bytes, numbers, 4 * rows, 4 * rows, 4 * rows])?;
            Some(QuantisedBlock {
                codes: bytemuck::cast_slice(codes),
                scales: elements(scales)?,
                residual_norms: elements(residual_norms)?,
                norms: elements(norms)?,
            })
        };
        let [vectors] = self.sections([bytes])?;
        Some(VectorBlock { first: self.first, dimensions, vectors: elements(vectors)?, quantised })
    }

    /// The block's columns.
    pub(crate) fn columns(&self) -> Option<ColumnBlock<'t>> {
        let rows = self.rows as usize;
        let [namespace, length, made, refreshed, strength, stability] =
            self.sections([4 * rows, 4 * rows, 8 * rows, 8 * rows, 4 * rows, 4 * rows])?;
        Some(ColumnBlock {
            first: self.first,
            namespace: elements(namespace)?,
            length: elements(length)?,
            made: elements(made)?,
            refreshed: elements(refreshed)?,
            strength: elements(strength)?,
            stability: elements(stability)?,
        })
    }

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

/// The vectors of one block.
pub(crate) struct VectorBlock<'t> {
    /// The first vector's memory.
    pub(crate) first: u32,
    /// Coordinates of each vector.
    pub(crate) dimensions: usize,
    /// The vectors, row after row.
    pub(crate) vectors: Cow<'t, [f32]>,
    quantised: Option<QuantisedBlock<'t>>,
}

/// The same vectors in 8 bits a coordinate.
struct QuantisedBlock<'t> {
    codes: &'t [i8],
    scales: Cow<'t, [f32]>,
    residual_norms: Cow<'t, [f32]>,
    norms: Cow<'t, [f32]>,
}

impl VectorBlock<'_> {
    /// The vectors quantised, as the kernels take them; `None` where they were packed without.
    pub(crate) fn quantised(&self) -> Option<QuantisedRows<'_>> {
        let QuantisedBlock { codes, scales, residual_norms, norms } = self.quantised.as_ref()?;
        Some(QuantisedRows::new(self.dimensions, codes, scales, residual_norms, norms))
    }

    /// The vector of a memory, where it is in this block.
    pub(crate) fn vector(&self, memory: u32) -> Option<&[f32]> {
        let at = memory.checked_sub(self.first)? as usize * self.dimensions;
        self.vectors.get(at..at + self.dimensions)
    }
}

/// The columns of one block.
pub(crate) struct ColumnBlock<'t> {
    first: u32,
    /// Namespace numbers.
    pub(crate) namespace: Cow<'t, [u32]>,
    length: Cow<'t, [u32]>,
    /// Times of making, in milliseconds.
    pub(crate) made: Cow<'t, [i64]>,
    refreshed: Cow<'t, [i64]>,
    strength: Cow<'t, [f32]>,
    stability: Cow<'t, [f32]>,
}

impl ColumnBlock<'_> {
    /// The columns of one memory; `None` where it is not in this block.
    pub(crate) fn get(&self, memory: u32) -> Option<Columns> {
        let row = memory.checked_sub(self.first)? as usize;
        Some(Columns {
            namespace: *self.namespace.get(row)?,
            length: *self.length.get(row)?,
            made: *self.made.get(row)?,
            refreshed: *self.refreshed.get(row)?,
            strength: *self.strength.get(row)?,
            stability: *self.stability.get(row)?,
        })
    }
}

/// The columns of one memory as they are now: its own where it was written or reinforced since packing, else
/// its packed ones.
pub(crate) fn columns_now(store: &Store, txn: &RoTxn<'_>, memory: u32) -> Result<Option<Columns>> {
    let damaged = || store.damaged(format!("the columns of memory {memory} cannot be read"));
    let own = store.tables.recent_columns.get(txn, &memory.to_be_bytes()).map_err(|e| store.fail(e))?;
    if let Some(bytes) = own {
        return Columns::read(bytes).map(Some).ok_or_else(damaged);
    }
    match read(store, txn, BlockKind::Columns, memory / ROWS)? {
        Some(block) => Ok(block.columns().ok_or_else(damaged)?.get(memory)),
        None => Ok(None),
    }
}

/// What takes a block's key and bytes.
pub(crate) type Sink<'s> = dyn FnMut(&[u8], &[u8]) -> Result<()> + 's;

/// Gives columns as blocks.
pub(crate) fn of_columns(columns: &[Columns], sink: &mut Sink<'_>) -> Result<()> {
    for (index, chunk) in (0_u32..).zip(columns.chunks(ROWS as usize)) {
        let namespace: Vec<u32> = chunk.iter().map(|c| c.namespace).collect();
        let length: Vec<u32> = chunk.iter().map(|c| c.length).collect();
        let made: Vec<i64> = chunk.iter().map(|c| c.made).collect();
        let refreshed: Vec<i64> = chunk.iter().map(|c| c.refreshed).collect();
        let strength: Vec<f32> = chunk.iter().map(|c| c.strength).collect();
        let stability: Vec<f32> = chunk.iter().map(|c| c.stability).collect();
        let sections: [&[u8]; 6] = [
            bytemuck::cast_slice(&namespace),
            bytemuck::cast_slice(&length),
            bytemuck::cast_slice(&made),
            bytemuck::cast_slice(&refreshed),
            bytemuck::cast_slice(&strength),
            bytemuck::cast_slice(&stability),
        ];
        let shape = (index * ROWS, chunk.len() as u32, 0);
        let (key, bytes) = encode(BlockKind::Columns, index, shape, &sections);
        sink(&key, &bytes)?;
    }
    Ok(())
}

/// Gives the row-major vectors of `rows` memories as blocks. `fill` appends the vectors of a range of memories to an
/// empty list, for one block after another.
pub(crate) fn of_vectors(
    rows: usize,
    dimensions: u32,
    sink: &mut Sink<'_>,
    mut fill: impl FnMut(Range<usize>, &mut Vec<f32>),
) -> Result<()> {
    if dimensions == 0 {
        return Ok(());
    }
    let mut vectors = Vec::new();
    for (index, first) in (0_u32..).zip((0..rows).step_by(VECTOR_ROWS as usize)) {
        vectors.clear();
        fill(first..rows.min(first + VECTOR_ROWS as usize), &mut vectors);
        let (key, bytes) = encode_vectors(index, &vectors, dimensions);
        sink(&key, &bytes)?;
    }
    Ok(())
}

/// The key and the bytes of one block of vectors.
fn encode_vectors(index: u32, vectors: &[f32], dimensions: u32) -> ([u8; 5], Vec<u8>) {
    let quantised = QuantisedVectors::new(vectors, dimensions as usize);
    let rows = quantised.rows();
    let sections: [&[u8]; 5] = [
        bytemuck::cast_slice(vectors),
        bytemuck::cast_slice(rows.codes()),
        bytemuck::cast_slice(rows.scales()),
        bytemuck::cast_slice(rows.residual_norms()),
        bytemuck::cast_slice(rows.norms()),
    ];
    let shape = (index * VECTOR_ROWS, rows.len() as u32, dimensions);
    encode(BlockKind::Vectors, index, shape, &sections)
}

/// Overwrites a packed vector with zeros, so that nothing of a forgotten memory stays in its block.
pub(crate) fn erase_vector(store: &Store, txn: &mut RwTxn<'_>, memory: u32) -> Result<()> {
    let index = memory / VECTOR_ROWS;
    let Some(block) = read(store, txn, BlockKind::Vectors, index)? else { return Ok(()) };
    let width = block.width as usize;
    let at = (memory - block.first) as usize * width;
    let Some(mut vectors) = block.vectors().map(|block| block.vectors.into_owned()) else { return Ok(()) };
    if let Some(vector) = vectors.get_mut(at..at + width) {
        vector.fill(0.0);
    }
    let (key, bytes) = encode_vectors(index, &vectors, width as u32);
    store.tables.blocks.put(txn, &key, &bytes).map_err(|e| store.fail(e))
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
    let nodes = graph.nodes() as u32;
    let mut first = 0;
    let mut index = 0;
    while first < nodes {
        let end = nodes.min(first + ROWS);
        let (mut offsets, mut out_weights) = (vec![0_u32], Vec::new());
        let (mut targets, mut weights) = (Vec::new(), Vec::new());
        for node in first..end {
            let (row_targets, row_weights) = graph.row(node);
            targets.extend_from_slice(row_targets);
            weights.extend_from_slice(row_weights);
            out_weights.push(graph.out_weights()[node as usize]);
            offsets.push(targets.len() as u32);
        }
        let sections: [&[u8]; 4] = [
            bytemuck::cast_slice(&offsets),
            bytemuck::cast_slice(&out_weights),
            bytemuck::cast_slice(&targets),
            bytemuck::cast_slice(&weights),
        ];
        let shape = (first, end - first, targets.len() as u32);
        let (key, bytes) = encode(BlockKind::Graph, index, shape, &sections);
        sink(&key, &bytes)?;
        first = end;
        index += 1;
    }
    Ok(())
}
