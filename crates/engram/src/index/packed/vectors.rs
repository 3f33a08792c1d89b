//! The memories' vectors, block by block, none of them kept: those of the store's own model are made as they are asked
//! for, and those that memories brought along are read again from their records.

use super::facts::Facts;
use super::strings::Strings;
use crate::error::Result;
use crate::index::unit_vector;
use crate::random_indexing::{GROUP, Model, Sums};
use crate::store::block::{self, VECTOR_ROWS, VectorSlot};
use crate::store::pass::Pass;

/// What the memories' vectors are made of.
#[derive(Clone, Copy)]
pub(crate) struct VectorSource<'p> {
    pub(super) ids: &'p Strings,
    pub(super) dimensions: u32,
    /// The store's own model; none where memories bring their vectors along.
    pub(super) model: Option<&'p Model>,
}

impl<'p> VectorSource<'p> {
    /// How many memories there are.
    pub(crate) fn len(self) -> u64 {
        self.ids.len() as u64
    }

    /// The bytes of all vectors, as numbers and as codes.
    pub(crate) fn bytes(self) -> usize {
        self.ids.len() * self.dimensions as usize * 5
    }

    /// Whether memories bring their vectors along.
    pub(crate) fn is_given(self) -> bool {
        self.model.is_none()
    }

    /// The blocks, for either place of a store that is sealed or not.
    pub(crate) fn blocks(self, slot: VectorSlot, is_sealed: bool) -> VectorBlocks<'p> {
        VectorBlocks { source: self, slot, is_sealed, index: 0, vectors: Vec::new(), sums: Vec::new() }
    }
}

/// Blocks of vectors: the key and the bytes of each.
pub(crate) struct VectorBlocks<'p> {
    source: VectorSource<'p>,
    slot: VectorSlot,
    is_sealed: bool,
    index: u32,
    /// Those of a group of memories.
    vectors: Vec<f32>,
    sums: Sums,
}

/// A block's key and bytes.
pub(crate) type EncodedBlock = ([u8; 5], Vec<u8>);

impl VectorBlocks<'_> {
    /// The next block. Where memories bring their vectors along, they are read in `records`, which are those that
    /// were packed; otherwise nothing is.
    pub(crate) fn next(&mut self, records: Option<Facts<'_>>) -> Result<Option<EncodedBlock>> {
        let VectorSource { ids, dimensions, model } = self.source;
        let first = self.index as usize * VECTOR_ROWS as usize;
        let rows = ids.len().saturating_sub(first).min(VECTOR_ROWS as usize);
        let width = dimensions as usize;
        if rows == 0 || width == 0 {
            return Ok(None);
        }
        let group = if model.is_some() { GROUP } else { VECTOR_ROWS as usize };
        let begin = first % group;
        if begin == 0 {
            self.vectors.clear();
            self.vectors.resize(group.min(ids.len() - first) * width, 0.0);
            match (model, records) {
                (Some(model), _) => model.combine(first / GROUP, &mut self.sums, &mut self.vectors),
                (None, Some(records)) => {
                    read_given(records, ids.get(first as u32), width, &mut self.vectors)?;
                }
                (None, None) => {}
            }
        }
        let vectors = &self.vectors[begin * width..][..rows * width];
        let mut bytes = Vec::new();
        let key =
            block::encode_vectors(self.slot, self.index, vectors, dimensions, self.is_sealed, &mut bytes);
        self.index += 1;
        Ok(Some((key, bytes)))
    }
}

/// Reads the vectors that memories bring along into `vectors`, row after row from that of the memory `first` on; rows of
/// memories without one stay as they are.
fn read_given(facts: Facts<'_>, first: &str, dimensions: usize, vectors: &mut [f32]) -> Result<()> {
    let store = facts.store;
    let seal = store.tables.memories.seal();
    let mut pass = Pass::over(&store.environment);
    for (row, entry) in vectors.chunks_exact_mut(dimensions).zip(facts.starting_at(first)?) {
        let (id, record) = entry?;
        pass.read(record.bytes, record.bytes.len());
        let record = record.read(seal, id).map_err(|bad| bad.of(store, id))?;
        if let Some(vector) = record.vector.filter(|vector| vector.len() == dimensions) {
            row.copy_from_slice(&unit_vector(&vector));
        }
    }
    Ok(())
}
