//! Vectors, as they are and in 8 bits a coordinate.

use std::borrow::Cow;
use std::sync::Arc;

use engram_kernels::{QuantisedRows, QuantisedVectors};
use xxhash_rust::xxh3::xxh3_64;

use super::{Block, BlockKind, NewBlock, VECTOR_ROWS, Whole, fold, padded, read};
use crate::error::Result;
use crate::store::seen::SeenBlock;
use crate::store::tables::{Store, elements};
use crate::store::write_txn::WriteTxn;

impl<'t> Block<'t> {
    /// The block's vectors.
    pub(crate) fn vectors(&self) -> Option<VectorBlock<'t>> {
        let (rows, dimensions) = (self.rows as usize, self.width as usize);
        let numbers = rows.checked_mul(dimensions)?;
        let bytes = numbers.checked_mul(4)?;
        let quantised = if !self.is_sealed && self.payload.len() == padded(bytes) {
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
        let sums = if self.is_sealed { Some(Sums::of(self)?) } else { None };
        let [vectors] = self.sections([bytes])?;
        let vectors = elements(vectors)?;
        Some(VectorBlock { first: self.first, dimensions, vectors, quantised, sums })
    }

    /// Whether all vectors, of a sealed store, are what was written.
    pub(super) fn are_vectors_intact(&self) -> bool {
        let (rows, dimensions) = (self.rows as usize, self.width as usize);
        let Some(numbers) = rows.checked_mul(dimensions) else { return false };
        let lengths = [4 * numbers, numbers, 4 * rows, 4 * rows, 4 * rows, 4 * rows];
        self.all_sections(lengths).is_some()
            && self.payload.get(padded(4 * numbers)..).map(xxh3_64) == Some(self.checksum)
            && self.vectors().is_some_and(|block| block.sums_fit())
    }
}

/// The vectors of one block.
pub(crate) struct VectorBlock<'t> {
    /// The first vector's memory.
    pub(crate) first: u32,
    /// Coordinates of each vector.
    pub(crate) dimensions: usize,
    /// The vectors, row after row, unchecked.
    pub(crate) vectors: Cow<'t, [f32]>,
    quantised: Option<QuantisedBlock<'t>>,
    sums: Option<Sums<'t>>,
}

/// The same vectors in 8 bits a coordinate.
struct QuantisedBlock<'t> {
    codes: &'t [i8],
    scales: Cow<'t, [f32]>,
    residual_norms: Cow<'t, [f32]>,
    norms: Cow<'t, [f32]>,
}

/// The checksum of each vector, and which of them were compared.
struct Sums<'t> {
    rows: Cow<'t, [u32]>,
    /// These and the vectors in 8 bits. Nothing where the block does not come from a store.
    whole: Option<Whole<'t>>,
    seen: Option<Arc<SeenBlock>>,
}

impl<'t> Sums<'t> {
    fn of(block: &Block<'t>) -> Option<Self> {
        let (rows, dimensions) = (block.rows as usize, block.width as usize);
        let numbers = rows.checked_mul(dimensions)?;
        let [.., sums] = block.sections([4 * numbers, numbers, 4 * rows, 4 * rows, 4 * rows, 4 * rows])?;
        Some(Self {
            rows: elements(sums)?,
            whole: block.whole(padded(4 * numbers)),
            seen: block.seen.clone(),
        })
    }
}

impl VectorBlock<'_> {
    /// The vectors quantised, as the kernels take them; `None` where they were packed without.
    pub(crate) fn quantised(&self) -> Option<QuantisedRows<'_>> {
        let QuantisedBlock { codes, scales, residual_norms, norms } = self.quantised.as_ref()?;
        Some(QuantisedRows::new(self.dimensions, codes, scales, residual_norms, norms))
    }

    /// Whether the quantised vectors are what was written. Cost: their size, the first time in a process.
    pub(crate) fn is_scannable(&self) -> bool {
        self.sums.as_ref().and_then(|sums| sums.whole.as_ref()).is_none_or(Whole::is_intact)
    }

    /// The vectors of so many memories, of which the first is given, in a block that was seen to be scannable. `None`
    /// where one of them is not in this block or not what was written.
    pub(crate) fn exact(&self, memory: u32, count: usize) -> Option<&[f32]> {
        let row = memory.checked_sub(self.first)? as usize;
        let end = row.checked_add(count)?;
        let vectors = self.vectors.get(row * self.dimensions..end * self.dimensions)?;
        let all_fit = || (row..end).all(|row| self.sum_fits(row));
        (self.sums.is_none() || all_fit()).then_some(vectors)
    }

    /// Whether a vector is what was written, as far as its checksum tells; of a sealed store.
    fn sum_fits(&self, row: usize) -> bool {
        let Some(Sums { rows: sums, seen, .. }) = &self.sums else { return false };
        if seen.as_ref().is_some_and(|seen| seen.rows.has(row)) {
            return true;
        }
        let vector = self.vectors.get(row * self.dimensions..(row + 1) * self.dimensions);
        let fits = vector.is_some_and(|vector| sums.get(row) == Some(&sum_of(vector)));
        if fits && let Some(seen) = seen {
            seen.rows.set(row);
        }
        fits
    }

    /// Whether every vector is what was written, compared anew; of a sealed store.
    fn sums_fit(&self) -> bool {
        let vectors = self.vectors.chunks_exact(self.dimensions.max(1));
        self.sums.as_ref().is_some_and(|sums| vectors.map(sum_of).eq(sums.rows.iter().copied()))
    }
}

/// The checksum of a vector. Which memory's it is, its place among the others says, which the block's own covers.
fn sum_of(vector: &[f32]) -> u32 {
    fold(xxh3_64(bytemuck::cast_slice(vector)))
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

/// Puts one block of row-major vectors into `bytes`, in place of what they held, and gives its key; for a sealed store
/// or another.
pub(crate) fn encode_vectors(
    slot: VectorSlot,
    index: u32,
    vectors: &[f32],
    dimensions: u32,
    is_sealed: bool,
    bytes: &mut Vec<u8>,
) -> [u8; 5] {
    let quantised = QuantisedVectors::new(vectors, dimensions as usize);
    let rows = quantised.rows();
    let sums: Vec<u32> = if is_sealed {
        vectors.chunks_exact(dimensions.max(1) as usize).map(sum_of).collect()
    } else {
        Vec::new()
    };
    let sections: [&[u8]; 6] = [
        bytemuck::cast_slice(vectors),
        bytemuck::cast_slice(rows.codes()),
        bytemuck::cast_slice(rows.scales()),
        bytemuck::cast_slice(rows.residual_norms()),
        bytemuck::cast_slice(rows.norms()),
        bytemuck::cast_slice(&sums),
    ];
    let shape = (index * VECTOR_ROWS, rows.len() as u32, dimensions);
    let sealed_from = is_sealed.then_some(1);
    NewBlock { kind: slot.kind(), index, shape, sections: &sections, sealed_from }.encode(bytes)
}

/// Overwrites packed vectors of one block with zeros, so that nothing of forgotten memories stays in it.
pub(crate) fn erase_vectors(
    store: &Store,
    txn: &mut WriteTxn<'_>,
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
    let key = encode_vectors(slot, index, &vectors, width as u32, store.is_sealed, &mut bytes);
    store.tables.blocks.put(txn, &key, &bytes)
}
