//! Vectors, as they are and in 8 bits a coordinate.

use std::borrow::Cow;

use engram_kernels::{QuantisedRows, QuantisedVectors};
use heed::RwTxn;

use super::{Block, BlockKind, VECTOR_ROWS, encode, padded, read};
use crate::error::Result;
use crate::store::tables::{Store, elements};

impl<'t> Block<'t> {
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

    /// The vectors of a memory that is in this block, and of those after it.
    pub(crate) fn vectors_from(&self, memory: u32) -> Option<&[f32]> {
        self.vectors.get(memory.checked_sub(self.first)? as usize * self.dimensions..)
    }
}

/// Under which of two kinds a store's packed vectors lie. A consolidation writes the new ones under the other, beside
/// those in use, and then changes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum VectorSlot {
    /// Under [`BlockKind::Vectors`], as in all stores before format 3.
    #[default]
    First,
    /// Under [`BlockKind::OtherVectors`].
    Second,
}

impl VectorSlot {
    /// The kind of its blocks.
    pub(crate) fn kind(self) -> BlockKind {
        match self {
            Self::First => BlockKind::Vectors,
            Self::Second => BlockKind::OtherVectors,
        }
    }

    /// The one that is free.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// Puts one block of row-major vectors into `bytes`, in place of what they held, and gives its key.
pub(crate) fn encode_vectors(
    slot: VectorSlot,
    index: u32,
    vectors: &[f32],
    dimensions: u32,
    bytes: &mut Vec<u8>,
) -> [u8; 5] {
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
    encode(slot.kind(), index, shape, &sections, bytes)
}

/// Overwrites packed vectors of one block with zeros, so that nothing of forgotten memories stays in it.
pub(crate) fn erase_vectors(
    store: &Store,
    txn: &mut RwTxn<'_>,
    slot: VectorSlot,
    index: u32,
    memories: &[u32],
) -> Result<()> {
    let Some(block) = read(store, txn, slot.kind(), index)? else { return Ok(()) };
    let width = block.width as usize;
    let damaged = || store.damaged(format!("block {index} of the vectors is not what was written"));
    // Damage would be written again under a checksum that fits it.
    let intact = block.is_intact().then(|| block.vectors()).flatten();
    let (first, mut vectors) = (block.first, intact.ok_or_else(damaged)?.vectors.into_owned());
    for memory in memories {
        let at = memory.checked_sub(first).map(|row| row as usize * width);
        let vector = at.and_then(|at| vectors.get_mut(at..at + width)).ok_or_else(damaged)?;
        vector.fill(0.0);
    }
    let mut bytes = Vec::new();
    let key = encode_vectors(slot, index, &vectors, width as u32, &mut bytes);
    store.tables.blocks.put(txn, &key, &bytes)
}
