//! The memories' vectors, block by block. Those of the store's own model are made as they are asked for.

use crate::random_indexing::{DIMENSIONS, GROUP, Model, Sums};
use crate::store::block::{self, VECTOR_ROWS, VectorSlot};

/// What the memories' vectors are made of.
#[derive(Clone, Copy)]
pub(crate) struct VectorSource<'p> {
    pub(super) memories: usize,
    pub(super) dimensions: u32,
    /// Vectors that memories brought along, where the store's model is not its own.
    pub(super) given: Option<&'p Vec<f32>>,
    pub(super) model: &'p Model,
}

impl<'p> VectorSource<'p> {
    /// The bytes of all vectors, as numbers and as codes.
    pub(crate) fn bytes(self) -> usize {
        self.memories * self.dimensions as usize * 5
    }

    /// The blocks, for either place.
    pub(crate) fn blocks(self, slot: VectorSlot) -> VectorBlocks<'p> {
        VectorBlocks { source: self, slot, index: 0, vectors: Vec::new(), sums: Vec::new() }
    }
}

/// Blocks of vectors: the key and the bytes of each.
pub(crate) struct VectorBlocks<'p> {
    source: VectorSource<'p>,
    slot: VectorSlot,
    index: u32,
    /// Those of a group of memories.
    vectors: Vec<f32>,
    sums: Sums,
}

impl Iterator for VectorBlocks<'_> {
    type Item = ([u8; 5], Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        let memories = self.source.memories;
        let dimensions = self.source.dimensions as usize;
        let first = self.index as usize * VECTOR_ROWS as usize;
        let rows = first..memories.min(first + VECTOR_ROWS as usize);
        if rows.is_empty() || dimensions == 0 {
            return None;
        }
        let vectors = match self.source.given {
            Some(given) => &given[rows.start * dimensions..rows.end * dimensions],
            None => {
                let begin = first % GROUP;
                if begin == 0 {
                    self.vectors.resize(GROUP.min(memories - first) * DIMENSIONS, 0.0);
                    self.source.model.combine(first / GROUP, &mut self.sums, &mut self.vectors);
                }
                &self.vectors[begin * DIMENSIONS..][..rows.len() * DIMENSIONS]
            }
        };
        let mut bytes = Vec::new();
        let key = block::encode_vectors(self.slot, self.index, vectors, self.source.dimensions, &mut bytes);
        self.index += 1;
        Some((key, bytes))
    }
}
