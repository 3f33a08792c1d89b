//! The one small record that says what a store is: its format, its generation, its counts, its models.

use heed::RoTxn;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::block::VectorSlot;
use super::record::Record;
use super::table::Table;
use super::tables::Store;
use super::write_txn::WriteTxn;
use crate::error::{Error, Result};
use crate::random_indexing;
use crate::vector_model::MOST_DIMENSIONS;

/// The newest store format that this build reads, and the one of new generations.
///
/// 1 had vectors without their quantised form, 2 had one place for vectors and not two, and up to 3 rows had no seals.
/// Such a store is read and written as it is, and packed as one of format 3; `Engram::consolidate` makes a generation
/// of today's format of it. What 4 derived from the memories was less: titles counted once, and every text had a
/// language of its own. Such a store is read as it is, and the next write packs it.
pub(crate) const FORMAT: u32 = 5;
/// The first format whose rows are sealed; see [`super::table`].
pub(crate) const SEALED_FORMAT: u32 = 4;
/// The format in which a store without seals is packed.
const UNSEALED_FORMAT: u32 = 3;
/// The format that an older version of Engram finds in a generation from which the store has moved on. It refuses it.
pub(crate) const MOVED_FORMAT: u32 = u32::MAX;

/// The format in which a store is packed.
pub(crate) fn packing_format(store: &Store) -> u32 {
    if store.is_sealed { FORMAT } else { UNSEALED_FORMAT }
}

pub(crate) const KEY: &[u8] = b"state";
const SECOND_SLOT: u8 = 1;
/// More than there ever are.
const MOST_CHANGES: u64 = 1 << 60;

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

impl Model {
    /// Whether a store can have it.
    fn is_possible(&self) -> bool {
        if self.given {
            return (1..=MOST_DIMENSIONS).contains(&self.dimensions);
        }
        self.name == random_indexing::NAME && self.dimensions as usize == random_indexing::DIMENSIONS
    }
}

impl Model {
    /// Whether vectors of its dimensions for so many memories are beyond a file of so many bytes.
    pub(crate) fn claims_more(&self, memories: u64, file_bytes: u64) -> bool {
        self.given && memories.saturating_mul(u64::from(self.dimensions)) > file_bytes
    }

    /// Whether a memory of this record brings a vector of its dimensions.
    pub(crate) fn is_of(&self, record: &[u8]) -> bool {
        let vector = Record::read(record).ok().and_then(|record| record.vector);
        vector.is_some_and(|vector| vector.len() == self.dimensions as usize)
    }

    /// What is wrong where it claims more than the file and no memory brings such a vector.
    pub(crate) fn unfounded(&self) -> String {
        format!("its vectors have {} dimensions, and no memory has such a vector", self.dimensions)
    }
}

impl std::fmt::Display for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.name, self.dimensions)
    }
}

impl State {
    /// A new store's state.
    pub(crate) fn new(format: u32, model: Model) -> Self {
        Self {
            format,
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

    /// The state of a store with the same model that has so many memories and nothing derived from them yet.
    pub(crate) fn of_facts(self, format: u32, memories: u32) -> Self {
        Self {
            generation: self.generation.min(MOST_CHANGES / 2),
            version: self.version.min(MOST_CHANGES / 2) + 1,
            memories,
            next_node: memories,
            // One write is still to be packed: everything.
            recent_writes: 1,
            ..Self::new(format, self.model)
        }
    }

    /// Whether its numbers can be those of a file of so many bytes. What is sized by one of them is then bounded by the
    /// file: a node in blocks takes eight bytes for its row's place and out-weight, an element of a packed vector four, a
    /// memory more than eight for its row, a term a byte of a text. For numbers that were given out since blocks were packed see [`State::is_sparse`].
    fn is_possible(&self, file_bytes: u64) -> bool {
        let recent = u64::from(self.next_node).checked_sub(u64::from(self.packed_nodes));
        let fits = |number: u64, each: u64| number <= file_bytes / each;
        self.packed_memories <= self.packed_nodes
            && recent.is_some_and(|recent| {
                fits(recent, 1) && u64::from(self.memories) <= u64::from(self.packed_memories) + recent
            })
            && fits(u64::from(self.packed_nodes), 8)
            && fits(u64::from(self.packed_memories) * u64::from(self.model.dimensions), 4)
            && fits(u64::from(self.memories), 8)
            && fits(u64::from(self.next_namespace), 8)
            && fits(self.terms, 1)
            && self.version < MOST_CHANGES
            && self.generation < MOST_CHANGES
            && self.languages.is_sorted_by(|a, b| a < b)
            && self.model.is_possible()
    }

    /// Whether an older version of Engram derived what a sealed store has packed.
    pub(crate) fn is_outdated(&self) -> bool {
        (SEALED_FORMAT..FORMAT).contains(&self.format)
    }

    /// Whether so many numbers were given out since blocks were packed that it is time to pack, which gives them out
    /// anew: every recall takes some bytes for each, also for those that nothing has any more.
    pub(crate) fn is_sparse(&self, store: &Store) -> bool {
        u64::from(self.next_node.saturating_sub(self.packed_nodes)) > store.environment.bytes() / 8
    }

    /// The mean length of a memory, in terms; 1 for an empty store.
    pub(crate) fn mean_length(&self) -> f64 {
        if self.terms == 0 { 1.0 } else { self.terms as f64 / f64::from(self.memories.max(1)) }
    }
}

/// Whether a row of `meta` goes along when a store is written anew: neither the state, which is written as it is then,
/// nor a consolidation's claim.
pub(crate) fn is_kept(key: &[u8]) -> bool {
    key != KEY && key != super::staging::KEY
}

/// The format of a store; `None` where nothing was written to it.
pub(crate) fn format(meta: &Table, txn: &RoTxn<'_>) -> Result<Option<u32>> {
    Ok(meta.get_stored(txn, KEY)?.and_then(format_of))
}

/// The format in a state's record.
pub(crate) fn format_of(record: &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(record.get(..4)?.try_into().ok()?))
}

/// Reads a state's record by itself; `None` where it is not what was written, is of a newer format, or has a vector model
/// that cannot be. Its numbers may be any.
pub(crate) fn parse(record: &[u8]) -> Option<State> {
    let format = format_of(record).filter(|format| *format <= FORMAT)?;
    parse_fields(format, record.get(4..)?).filter(|state| state.model.is_possible())
}

fn parse_fields(format: u32, rest: &[u8]) -> Option<State> {
    let (checksum, fields) = rest.split_at_checked(8)?;
    if checksum != checksum_of(format, fields).to_le_bytes() {
        return None;
    }
    let (state, rest) = postcard::take_from_bytes::<State>(fields).ok()?;
    let vector_slot = match rest {
        [] => VectorSlot::First,
        [SECOND_SLOT] => VectorSlot::Second,
        _ => return None,
    };
    Some(State { format, vector_slot, ..state })
}

/// Marks a generation as one from which the store has moved on, for versions of Engram that know no generations.
pub(crate) fn write_moved(store: &Store, txn: &mut WriteTxn<'_>) -> Result<()> {
    let Some(bytes) = store.tables.meta.get_stored(txn, KEY)? else { return Ok(()) };
    let mut bytes = bytes.to_vec();
    bytes.splice(..bytes.len().min(4), MOVED_FORMAT.to_le_bytes());
    store.tables.meta.put_stored(txn, KEY, &bytes)
}

/// Reads the state; `None` for a store that nothing was written to.
pub(crate) fn read(store: &Store, txn: &RoTxn<'_>) -> Result<Option<State>> {
    let Some(bytes) = store.tables.meta.get_stored(txn, KEY)? else {
        // Whoever puts a memory in writes the state with it.
        if !store.tables.memories.is_empty(txn)? {
            return Err(store.damaged("its state record is missing"));
        }
        return Ok(None);
    };
    let damaged = || store.damaged("its state record cannot be read");
    let (format, rest) = bytes.split_at_checked(4).ok_or_else(damaged)?;
    let mut format = u32::from_le_bytes(format.try_into().map_err(|_| damaged())?);
    if format == MOVED_FORMAT {
        // What is read here is the last state before the store moved on.
        format = packing_format(store);
    }
    if format > FORMAT {
        let path = store.folder().to_owned();
        return Err(Error::NewerFormat { path, found: format, known: FORMAT });
    }
    if store.is_sealed != (format >= SEALED_FORMAT) {
        return Err(store.damaged(format!("its format is {format}, and its rows are those of another")));
    }
    let state = parse_fields(format, rest).ok_or_else(damaged)?;
    if !state.is_possible(store.environment.bytes()) {
        return Err(store.damaged("its state record has numbers that cannot be"));
    }
    Ok(Some(state))
}

/// Compares the numbers of rows with one another and with the state's, as far as they are the same in every state of a
/// sealed store; the first that differs is damage: rows are missing. Cost: constant.
pub(crate) fn check_counts(store: &Store, txn: &RoTxn<'_>, state: &State) -> Result<()> {
    if !store.is_sealed {
        return Ok(());
    }
    let tables = &store.tables;
    let memories = u64::from(state.memories);
    for table in [&tables.memories, &tables.numbers] {
        let rows = table.len(txn)?;
        if rows != memories {
            let name = table.name();
            return Err(
                store.damaged(format!("it has {memories} memories, and {rows} rows of the table {name}"))
            );
        }
    }
    let (nodes, names) = (tables.nodes.len(txn)?, tables.names.len(txn)?);
    if nodes != memories + names {
        return Err(store.damaged(format!("it has {memories} memories and {names} names, and {nodes} nodes")));
    }
    let (postings, terms) = (tables.postings.len(txn)?, tables.terms.len(txn)?);
    if terms != if state.model.given { 0 } else { postings } {
        return Err(store.damaged(format!("it has {postings} rows of terms, and {terms} vectors for them")));
    }
    Ok(())
}

/// Refuses a vector model of more dimensions than the file speaks for: no memory has such a vector, and vectors of zeros
/// for all of them would be far larger than the file, in which they lie if it was ever packed. Cost: constant, but for
/// those that are refused or nearly so.
pub(crate) fn check_dimensions(store: &Store, txn: &RoTxn<'_>, state: &State) -> Result<()> {
    let memories = store.tables.memories.len(txn)?;
    if !state.model.claims_more(memories, store.environment.bytes()) {
        return Ok(());
    }
    for entry in store.tables.memories.iter(txn)? {
        if state.model.is_of(entry?.1) {
            return Ok(());
        }
    }
    Err(store.damaged(state.model.unfounded()))
}

/// The checksum of a state. From format 4 on it includes the format.
fn checksum_of(format: u32, fields: &[u8]) -> u64 {
    xxh3_64(fields) ^ if format < SEALED_FORMAT { 0 } else { u64::from(format).rotate_left(40) }
}

/// The version of the state; 0 for a store that nothing was written to.
pub(crate) fn version(store: &Store, txn: &RoTxn<'_>) -> Result<u64> {
    Ok(read(store, txn)?.map_or(0, |state| state.version))
}

/// Writes the state.
pub(crate) fn write(store: &Store, txn: &mut WriteTxn<'_>, state: &State) -> Result<()> {
    let mut fields = postcard::to_allocvec(state).expect("a state is plain data, and a vector grows");
    if state.vector_slot == VectorSlot::Second {
        fields.push(SECOND_SLOT);
    }
    let mut bytes = Vec::with_capacity(fields.len() + 12);
    bytes.extend_from_slice(&state.format.to_le_bytes());
    bytes.extend_from_slice(&checksum_of(state.format, &fields).to_le_bytes());
    bytes.extend_from_slice(&fields);
    store.tables.meta.put_stored(txn, KEY, &bytes)
}
