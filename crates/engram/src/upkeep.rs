//! What a store holds.

use crate::engram::Engram;
use crate::error::Result;
use crate::store::block::{self, BlockKind};
use crate::store::{nodes, state};

/// What a store holds.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Memories.
    pub memories: u64,
    /// Names: titles, aliases, shared phrases.
    pub names: u64,
    /// Packed associations, each direction counted, and recent ones.
    pub associations: u64,
    /// Different terms in packed rows.
    pub terms: u64,
    /// Namespaces with the memories of each, by name.
    pub namespaces: Vec<(String, u64)>,
    /// The codes of the languages of the memories.
    pub languages: Vec<String>,
    /// The vector model's name.
    pub model: String,
    /// The vector model's dimension.
    pub dimensions: u32,
    /// How often blocks were packed.
    pub generation: u64,
    /// Memories written or forgotten since.
    pub recent_writes: u64,
    /// The size of the file in bytes, free pages included.
    pub bytes: u64,
}

impl Engram {
    /// What the store holds. Cost: the number of names.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn stats(&self) -> Result<Stats> {
        let store = &self.store()?;
        let txn = store.read()?;
        let Some(state) = state::read(store, &txn)? else { return Ok(Stats::default()) };
        let mut associations = store.tables.recent_edges.len(&txn)?;
        for entry in store.tables.blocks.iter(&txn)? {
            let (key, value) = entry?;
            if let Some((BlockKind::Graph, _)) = block::kind_of(key) {
                let block = block::parse(value, BlockKind::Graph, store.is_sealed);
                associations += block.map_or(0, |block| u64::from(block.width));
            }
        }
        let namespaces = nodes::namespaces(store, &txn)?;
        Ok(Stats {
            memories: u64::from(state.memories),
            names: store.tables.names.len(&txn)?,
            associations,
            terms: store.tables.postings.len(&txn)?,
            namespaces: namespaces
                .into_iter()
                .filter(|(_, entry)| entry.memories > 0)
                .map(|(name, entry)| (name, u64::from(entry.memories)))
                .collect(),
            languages: state.languages,
            model: state.model.name,
            dimensions: state.model.dimensions,
            generation: state.generation,
            recent_writes: u64::from(state.recent_writes),
            bytes: store.environment.env.real_disk_size().map_err(|e| store.fail(e))?,
        })
    }
}
