//! Packed blocks: columns, vectors and graph rows as they lie in the map, to be read in place.
//!
//! A block is a 48-byte header and a payload of sections, each at a multiple of 64 bytes. LMDB puts a large
//! value 16 bytes behind the start of a page, so that the payload (16 + 48 bytes on) is 64-byte aligned in
//! the map. Where it is not (a small value shares its page), readers copy.
//!
//! In a sealed store (see [`super::table`]) whoever uses a part of a block checks that part first, once in a process
//! ([`super::seen`]), so that the cost follows what is used:
//!
//! | part | its checksum | checked when |
//! |---|---|---|
//! | header | at its end | it is read, each time |
//! | columns | one for the block, in the header | any is used |
//! | vectors in 8 bits, and the checksums of the others | one for the block, in the header | the block is scanned |
//! | a vector as it is | 4 bytes in a section of their own | it is scored |
//! | where 16 rows of the graph begin, and their out-weights | 4 bytes in a section of their own | one of them is awake |
//! | the targets and weights of a row of the graph | 4 bytes in a section of their own | it fires, or explains a hit |
//!
//! Blocks of stores without seals have one checksum for the payload, which is compared by those who rewrite a block and
//! by [`crate::Engram::verify`].

mod columns;
mod graph;
mod vectors;

use std::ops::Bound;
use std::sync::Arc;

use heed::RoTxn;
use xxhash_rust::xxh3::xxh3_64;

use super::seen::SeenBlock;
use super::tables::Store;
use super::write_txn::WriteTxn;
use crate::error::Result;
pub(crate) use columns::{ColumnBlock, Columns, columns_now, of_columns};
pub(crate) use graph::{GROUP, GraphRow, GraphRows, graph_rows, of_graph};
pub(crate) use vectors::{VectorBlock, VectorSlot, encode_vectors, erase_vectors};

/// Rows of columns or of graph in one block.
pub(crate) const ROWS: u32 = 65_536;
/// Vectors in one block; small, because forgetting one memory rewrites its block.
pub(crate) const VECTOR_ROWS: u32 = 1024;

/// Blocks that are removed before their pages are given back: each brings a part of itself into memory.
const CLEARED_AT_ONCE: u32 = 32;

/// How a block of a store without seals begins.
const MAGIC: [u8; 8] = *b"ENGRAMB1";
/// How a block of a sealed store begins.
const SEALED_MAGIC: [u8; 8] = *b"ENGRAMB2";
/// Magic 8, kind 4, first 4, rows 4, width 4, bytes of the payload 8, checksum 8; then 8 reserved bytes, or in a sealed
/// store the checksum of all that.
const HEADER_BYTES: usize = 48;
const SEALED_BYTES: usize = 40;
const SECTION_ALIGNMENT: usize = 64;

/// What a block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum BlockKind {
    /// One section for each field of [`Columns`].
    Columns = 1,
    /// Row-major `f32` vectors; the same vectors quantised: codes, scales, norms of residuals, norms; and in a sealed
    /// store a checksum for each `f32` vector. `width` is their dimension. (Stores of format 1 lack all but the first.)
    Vectors = 2,
    /// Row offsets, sums of out-weights, targets, weights; in a sealed store a checksum for each row, and one for each
    /// [`GROUP`] rows' offsets and sums. `width` is the number of edges.
    Graph = 3,
    /// As [`BlockKind::Vectors`]: where a consolidation writes them while those are still in use.
    OtherVectors = 4,
}

impl BlockKind {
    const ALL: [Self; 4] = [Self::Columns, Self::Vectors, Self::Graph, Self::OtherVectors];

    /// The most rows that a block of this kind has; all but the last have them.
    fn most_rows(self) -> u32 {
        match self {
            Self::Columns | Self::Graph => ROWS,
            Self::Vectors | Self::OtherVectors => VECTOR_ROWS,
        }
    }
}

/// A block as it lies in the map.
pub(crate) struct Block<'t> {
    kind: BlockKind,
    /// The first row's number.
    pub(crate) first: u32,
    /// How many rows it has.
    pub(crate) rows: u32,
    /// Dimension or number of edges, by the kind.
    pub(crate) width: u32,
    checksum: u64,
    payload: &'t [u8],
    is_sealed: bool,
    /// What was checked of it; nothing where it does not come from a store, or from one without seals.
    seen: Option<Arc<SeenBlock>>,
}

/// What is written as a block.
struct NewBlock<'s> {
    kind: BlockKind,
    index: u32,
    /// First row, rows, width.
    shape: (u32, u32, u32),
    sections: &'s [&'s [u8]],
    /// For a sealed store: the first of the sections that the block's checksum covers, which are all from there on.
    sealed_from: Option<usize>,
}

/// A part of a block that is checked as a whole.
struct Whole<'t> {
    bytes: &'t [u8],
    checksum: u64,
    seen: Arc<SeenBlock>,
}

impl Whole<'_> {
    /// Whether it is what was written. Cost: its size, the first time in a process.
    fn is_intact(&self) -> bool {
        self.seen.is_whole(|| xxh3_64(self.bytes) == self.checksum)
    }
}

fn key(kind: BlockKind, index: u32) -> [u8; 5] {
    let mut key = [kind as u8; 5];
    key[1..].copy_from_slice(&index.to_be_bytes());
    key
}

fn padded(bytes: usize) -> usize {
    bytes.next_multiple_of(SECTION_ALIGNMENT)
}

/// The low and the high half of a hash as one: a checksum of four bytes.
fn fold(hash: u64) -> u32 {
    (hash ^ (hash >> 32)) as u32
}

impl NewBlock<'_> {
    /// Puts the block into `bytes`, in place of what they held, and gives its key.
    fn encode(&self, bytes: &mut Vec<u8>) -> [u8; 5] {
        let bytes_of = |sections: &[&[u8]]| sections.iter().map(|s| padded(s.len())).sum::<usize>();
        let payload_bytes = bytes_of(self.sections);
        bytes.clear();
        bytes.reserve(HEADER_BYTES + payload_bytes);
        bytes.resize(HEADER_BYTES, 0);
        for section in self.sections {
            bytes.extend_from_slice(section);
            bytes.resize(bytes.len() + padded(section.len()) - section.len(), 0);
        }
        let (header, payload) = bytes.split_at_mut(HEADER_BYTES);
        let (first, rows, width) = self.shape;
        header[..8].copy_from_slice(if self.sealed_from.is_some() { &SEALED_MAGIC } else { &MAGIC });
        header[8..12].copy_from_slice(&u32::from(self.kind as u8).to_le_bytes());
        header[12..16].copy_from_slice(&first.to_le_bytes());
        header[16..20].copy_from_slice(&rows.to_le_bytes());
        header[20..24].copy_from_slice(&width.to_le_bytes());
        header[24..32].copy_from_slice(&(payload_bytes as u64).to_le_bytes());
        let covered = &payload[bytes_of(&self.sections[..self.sealed_from.unwrap_or(0)])..];
        header[32..40].copy_from_slice(&xxh3_64(covered).to_le_bytes());
        if self.sealed_from.is_some() {
            let seal = xxh3_64(&header[..SEALED_BYTES]);
            header[SEALED_BYTES..].copy_from_slice(&seal.to_le_bytes());
        }
        key(self.kind, self.index)
    }
}

/// Removes all blocks of a kind, and gives back the pages that come into memory for it. Cost: their number.
pub(crate) fn clear(store: &Store, txn: &mut WriteTxn<'_>, kind: BlockKind) -> Result<()> {
    let blocks = &store.tables.blocks;
    let mut next = Some(0_u32);
    while let Some(first) = next {
        let last = first.saturating_add(CLEARED_AT_ONCE - 1);
        let range = (Bound::Included(&key(kind, first)[..]), Bound::Included(&key(kind, last)[..]));
        blocks.delete_range(txn, &range)?;
        store.environment.give_back();
        let behind = blocks.first_from(txn, &key(kind, last))?;
        next = behind.and_then(|(key, _)| kind_of(key)).filter(|(k, _)| *k == kind).map(|(_, index)| index);
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
    let block = parse(bytes, kind, store.is_sealed).filter(|block| block.is_at(index));
    let mut block =
        block.ok_or_else(|| store.damaged(format!("block {index} of {kind:?} has no valid header")))?;
    if block.is_sealed {
        block.seen = Some(store.environment.seen.block(kind, index, block.checksum, block.rows));
    }
    Ok(Some(block))
}

/// Reads a block of a kind that has `all` rows together. Missing, or with another number of rows, it is damage.
pub(crate) fn one_of<'t>(
    store: &Store,
    txn: &'t RoTxn<'_>,
    kind: BlockKind,
    index: u32,
    all: u32,
) -> Result<Block<'t>> {
    let rows = all.saturating_sub(index.saturating_mul(kind.most_rows())).min(kind.most_rows());
    let block = read(store, txn, kind, index)?.filter(|block| block.rows == rows);
    block.ok_or_else(|| store.damaged(format!("block {index} of {kind:?} is missing")))
}

/// What kind of block a key names, and which, if any.
pub(crate) fn kind_of(key: &[u8]) -> Option<(BlockKind, u32)> {
    let (kind, index) = key.split_first()?;
    let kind = BlockKind::ALL.into_iter().find(|known| *known as u8 == *kind)?;
    Some((kind, u32::from_be_bytes(index.try_into().ok()?)))
}

/// Reads a block from the bytes of its value; `None` where they are none.
pub(crate) fn parse(bytes: &[u8], kind: BlockKind, is_sealed: bool) -> Option<Block<'_>> {
    let (header, payload) = bytes.split_at_checked(HEADER_BYTES)?;
    let u32_at = |at: usize| Some(u32::from_le_bytes(header.get(at..at + 4)?.try_into().ok()?));
    let u64_at = |at: usize| Some(u64::from_le_bytes(header.get(at..at + 8)?.try_into().ok()?));
    let magic = if is_sealed { SEALED_MAGIC } else { MAGIC };
    if header[..8] != magic || u32_at(8)? != u32::from(kind as u8) || u64_at(24)? != payload.len() as u64 {
        return None;
    }
    if is_sealed && xxh3_64(&header[..SEALED_BYTES]) != u64_at(SEALED_BYTES)? {
        return None;
    }
    let (first, rows, width) = (u32_at(12)?, u32_at(16)?, u32_at(20)?);
    first.checked_add(rows)?;
    Some(Block { kind, first, rows, width, checksum: u64_at(32)?, payload, is_sealed, seen: None })
}

impl<'t> Block<'t> {
    /// Whether it may be the block of this index.
    pub(crate) fn is_at(&self, index: u32) -> bool {
        let most = self.kind.most_rows();
        index.checked_mul(most) == Some(self.first) && self.rows <= most
    }

    /// Whether all of it is what was written. Cost: its size.
    pub(crate) fn is_intact(&self) -> bool {
        if !self.is_sealed {
            return xxh3_64(self.payload) == self.checksum;
        }
        match self.kind {
            BlockKind::Columns => self.columns().is_some() && xxh3_64(self.payload) == self.checksum,
            BlockKind::Vectors | BlockKind::OtherVectors => self.are_vectors_intact(),
            BlockKind::Graph => self.is_graph_intact(),
        }
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

    /// As [`Block::sections`], where they are all there is, and nothing lies between them.
    fn all_sections<const N: usize>(&self, lengths: [usize; N]) -> Option<[&'t [u8]; N]> {
        let sections = self.sections(lengths)?;
        let mut rest = self.payload;
        for length in lengths {
            let (section, behind) = rest.split_at_checked(padded(length))?;
            if section[length..].iter().any(|byte| *byte != 0) {
                return None;
            }
            rest = behind;
        }
        rest.is_empty().then_some(sections)
    }

    /// The part from a place of the payload on, which the block's checksum covers; `None` where nothing is checked when
    /// it is used.
    fn whole(&self, from: usize) -> Option<Whole<'t>> {
        let seen = Arc::clone(self.seen.as_ref()?);
        // A place behind the end is refused with the sections.
        let bytes = self.payload.get(from..).unwrap_or_default();
        Some(Whole { bytes, checksum: self.checksum, seen })
    }
}

/// What takes a block's key and bytes.
pub(crate) type Sink<'s> = dyn FnMut(&[u8], &[u8]) -> Result<()> + 's;

#[cfg(test)]
pub(crate) mod tests;
