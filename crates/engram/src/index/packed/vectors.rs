//! The memories' vectors, block by block. Those of the store's own model are made as they are asked for.

use super::postings::Counts;
use crate::random_indexing::{self, DIMENSIONS};
use crate::store::block::{self, VECTOR_ROWS, VectorSlot};

/// What the memories' vectors are made of.
#[derive(Clone, Copy)]
pub(crate) struct VectorSource<'p> {
    pub(super) memories: usize,
    pub(super) dimensions: u32,
    /// Vectors that memories brought along, where the store's model is not its own.
    pub(super) given: Option<&'p Vec<f32>>,
    pub(super) counts: &'p Counts,
    pub(super) idf: &'p [f32],
    pub(super) term_vectors: &'p [i16],
}

impl<'p> VectorSource<'p> {
    /// The bytes of all vectors, as numbers and as codes.
    pub(crate) fn bytes(self) -> usize {
        self.memories * self.dimensions as usize * 5
    }

    /// The blocks, for either place.
    pub(crate) fn blocks(self, slot: VectorSlot) -> VectorBlocks<'p> {
        let (vectors, weights) = (Vec::new(), random_indexing::Weights::default());
        VectorBlocks { source: self, slot, index: 0, vectors, weights }
    }
}

/// Blocks of vectors: the key and the bytes of each.
pub(crate) struct VectorBlocks<'p> {
    source: VectorSource<'p>,
    slot: VectorSlot,
    index: u32,
    vectors: Vec<f32>,
    weights: random_indexing::Weights,
}

impl Iterator for VectorBlocks<'_> {
    type Item = ([u8; 5], Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        let VectorSource { memories, given, counts, idf, term_vectors, .. } = self.source;
        let dimensions = self.source.dimensions as usize;
        let first = self.index as usize * VECTOR_ROWS as usize;
        let rows = first..memories.min(first + VECTOR_ROWS as usize);
        if rows.is_empty() || dimensions == 0 {
            return None;
        }
        let vectors = match given {
            Some(given) => &given[rows.start * dimensions..rows.end * dimensions],
            None => {
                self.vectors.clear();
                self.vectors.resize(rows.len() * dimensions, 0.0);
                for (memory, vector) in rows.zip(self.vectors.chunks_exact_mut(DIMENSIONS)) {
                    let counts = counts.of(memory);
                    random_indexing::combine_terms(counts, idf, term_vectors, &mut self.weights, vector);
                }
                &self.vectors
            }
        };
        let mut bytes = Vec::new();
        let key = block::encode_vectors(self.slot, self.index, vectors, self.source.dimensions, &mut bytes);
        self.index += 1;
        Some((key, bytes))
    }
}
