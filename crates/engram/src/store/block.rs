//! Packed blocks: columns, vectors and graph rows as they lie in the map, to be read in place.
//!
//! A block is a 48-byte header and a payload of sections, each at a multiple of 64 bytes. LMDB puts a large
//! value 16 bytes behind the start of a page, so that the payload (16 + 48 bytes on) is 64-byte aligned in
//! the map. Where it is not (a small value shares its page), readers copy.

mod columns;
mod graph;
mod vectors;

use std::ops::Bound;

use heed::{RoTxn, RwTxn};
use xxhash_rust::xxh3::xxh3_64;

use super::tables::{Store, node_at};
use crate::error::Result;
pub(crate) use columns::{ColumnBlock, Columns, columns_now, of_columns};
pub(crate) use graph::{GraphRows, graph_rows, of_graph};
pub(crate) use vectors::{VectorBlock, VectorSlot, encode_vectors, erase_vectors};

/// Rows of columns or of graph in one block.
pub(crate) const ROWS: u32 = 65_536;
/// Vectors in one block; small, because forgetting one memory rewrites its block.
pub(crate) const VECTOR_ROWS: u32 = 1024;

/// Blocks that are removed before their pages are given back: each brings a part of itself into memory.
const CLEARED_AT_ONCE: u32 = 32;

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
    /// As [`BlockKind::Vectors`]: where a consolidation writes them while those are still in use.
    OtherVectors = 4,
}

impl BlockKind {
    const ALL: [Self; 4] = [Self::Columns, Self::Vectors, Self::Graph, Self::OtherVectors];
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

/// Puts a block of sections into `bytes`, in place of what they held, and gives its key; `shape` is first row, rows,
/// width.
fn encode(
    kind: BlockKind,
    index: u32,
    shape: (u32, u32, u32),
    sections: &[&[u8]],
    bytes: &mut Vec<u8>,
) -> [u8; 5] {
    let payload_bytes: usize = sections.iter().map(|s| padded(s.len())).sum();
    bytes.clear();
    bytes.reserve(HEADER_BYTES + payload_bytes);
    bytes.resize(HEADER_BYTES, 0);
    for section in sections {
        bytes.extend_from_slice(section);
        bytes.resize(bytes.len() + padded(section.len()) - section.len(), 0);
    }
    let (header, payload) = bytes.split_at_mut(HEADER_BYTES);
    let (first, rows, width) = shape;
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&u32::from(kind as u8).to_le_bytes());
    header[12..16].copy_from_slice(&first.to_le_bytes());
    header[16..20].copy_from_slice(&rows.to_le_bytes());
    header[20..24].copy_from_slice(&width.to_le_bytes());
    header[24..32].copy_from_slice(&(payload_bytes as u64).to_le_bytes());
    header[32..40].copy_from_slice(&xxh3_64(payload).to_le_bytes());
    key(kind, index)
}

/// Removes all blocks of a kind, and gives back the pages that come into memory for it. Cost: their number.
pub(crate) fn clear(store: &Store, txn: &mut RwTxn<'_>, kind: BlockKind) -> Result<()> {
    let blocks = &store.tables.blocks;
    let mut next = Some(0_u32);
    while let Some(first) = next {
        let last = first.saturating_add(CLEARED_AT_ONCE - 1);
        let range = (Bound::Included(&key(kind, first)[..]), Bound::Included(&key(kind, last)[..]));
        blocks.delete_range(txn, &range)?;
        store.environment.give_back();
        let behind = blocks.first_from(txn, &key(kind, last))?;
        next = behind.filter(|(key, _)| kind_of(key) == Some(kind)).and_then(|(key, _)| node_at(&key[1..]));
    }
    Ok(())
}

/// Reads the header of a block, and takes the rest as it lies. Cost: constant.
pub(crate) fn read<'t>(
    store: &Store,
    txn: &'t RoTxn<'_>,
    kind: BlockKind,
    index: u32,
) -> Result<Option<Block<'t>>> {
    let bytes = store.tables.blocks.get(txn, &key(kind, index))?;
    let Some(bytes) = bytes else { return Ok(None) };
    parse(bytes, kind)
        .map(Some)
        .ok_or_else(|| store.damaged(format!("block {index} of {kind:?} has no valid header")))
}

/// What kind of block a key names, if any.
pub(crate) fn kind_of(key: &[u8]) -> Option<BlockKind> {
    BlockKind::ALL.into_iter().find(|kind| key.len() == 5 && key[0] == *kind as u8)
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
}

/// What takes a block's key and bytes.
pub(crate) type Sink<'s> = dyn FnMut(&[u8], &[u8]) -> Result<()> + 's;
