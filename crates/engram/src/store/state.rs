//! The one small record that says what a store is: its format, its generation, its counts, its models.

use heed::{RoTxn, RwTxn};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::block::VectorSlot;
use super::tables::Store;
use crate::error::{Error, Result};

/// The newest store format that this build reads, and the one in which it packs.
///
/// 1 had vectors without their quantised form. Such a store is read and written as it is; it becomes one of
/// today's format when it is consolidated, as does one of format 2, which had one place for vectors and not two.
pub(crate) const FORMAT: u32 = 3;

const KEY: &[u8] = b"state";
const SECOND_SLOT: u8 = 1;

/// What a store is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// The format of the packed blocks; stands before the other fields, where any build finds it.
    #[serde(skip)]
    pub(crate) format: u32,
    /// The number of times that packed blocks were built.
    pub(crate) generation: u64,
    /// Rises with every change, so that a reader knows whether what it prepared still holds.
    pub(crate) version: u64,
    /// Memories that are in the store.
    pub(crate) memories: u32,
    /// The sum of the memories' lengths, in terms.
    pub(crate) terms: u64,
    /// Memories in packed blocks: nodes below this number.
    pub(crate) packed_memories: u32,
    /// All nodes in packed blocks; names follow memories.
    pub(crate) packed_nodes: u32,
    /// The number that the next node will get.
    pub(crate) next_node: u32,
    /// Memories written or forgotten since blocks were packed.
    pub(crate) recent_writes: u32,
    /// The number that the next namespace will get.
    pub(crate) next_namespace: u32,
    /// The codes of the languages of the memories, sorted.
    pub(crate) languages: Vec<String>,
    /// Where vectors come from.
    pub(crate) model: Model,
    /// Where they lie; a byte behind the other fields, which is missing where it is the first.
    #[serde(skip)]
    pub(crate) vector_slot: VectorSlot,
}

/// Where a store's vectors come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Model {
    /// Whether memories bring their vectors along.
    pub(crate) given: bool,
    pub(crate) name: String,
    pub(crate) dimensions: u32,
}

impl std::fmt::Display for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.name, self.dimensions)
    }
}

impl State {
    /// A new store's state.
    pub(crate) fn new(model: Model) -> Self {
        Self {
            format: FORMAT,
            generation: 0,
            version: 0,
            memories: 0,
            terms: 0,
            packed_memories: 0,
            packed_nodes: 0,
            next_node: 0,
            recent_writes: 0,
            next_namespace: 0,
            languages: Vec::new(),
            model,
            vector_slot: VectorSlot::First,
        }
    }

    /// The mean length of a memory, in terms; 1 for an empty store.
    pub(crate) fn mean_length(&self) -> f64 {
        if self.terms == 0 { 1.0 } else { self.terms as f64 / f64::from(self.memories.max(1)) }
    }
}

/// Reads the state; `None` for a store that nothing was written to.
pub(crate) fn read(store: &Store, txn: &RoTxn<'_>) -> Result<Option<State>> {
    let Some(bytes) = store.tables.meta.get(txn, KEY).map_err(|e| store.fail(e))? else {
        return Ok(None);
    };
    let damaged = || store.damaged("its state record cannot be read");
    let (format, rest) = bytes.split_at_checked(4).ok_or_else(damaged)?;
    let format = u32::from_le_bytes(format.try_into().map_err(|_| damaged())?);
    if format > FORMAT {
        let path = store.environment.folder.clone();
        return Err(Error::NewerFormat { path, found: format, known: FORMAT });
    }
    let (checksum, fields) = rest.split_at_checked(8).ok_or_else(damaged)?;
    if checksum != xxh3_64(fields).to_le_bytes() {
        return Err(damaged());
    }
    let (state, rest) = postcard::take_from_bytes::<State>(fields).map_err(|_| damaged())?;
    let vector_slot = match rest {
        [] => VectorSlot::First,
        [SECOND_SLOT] => VectorSlot::Second,
        _ => return Err(damaged()),
    };
    Ok(Some(State { format, vector_slot, ..state }))
}

/// Writes the state.
pub(crate) fn write(store: &Store, txn: &mut RwTxn<'_>, state: &State) -> Result<()> {
    let mut fields = postcard::to_allocvec(state).unwrap_or_default();
    if state.vector_slot == VectorSlot::Second {
        fields.push(SECOND_SLOT);
    }
    let mut bytes = Vec::with_capacity(fields.len() + 12);
    bytes.extend_from_slice(&state.format.to_le_bytes());
    bytes.extend_from_slice(&xxh3_64(&fields).to_le_bytes());
    bytes.extend_from_slice(&fields);
    store.tables.meta.put(txn, KEY, &bytes).map_err(|e| store.fail(e))
}
