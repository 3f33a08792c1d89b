//! How much work a write is, so that it can be done the cheaper way: beside the packed blocks, or by packing everything.
//!
//! Work is counted in nanoseconds of one Zen 5 core, as they were measured once; nothing looks at a clock, so that the
//! same write to the same store is done the same way on every machine.

use heed::RoTxn;

use crate::error::{Error, Result};
use crate::store::state::State;
use crate::store::tables::Store;

/// Reading an entry of a table at a random place.
pub(crate) const READ: u64 = 400;
/// Writing one, or taking it out.
pub(crate) const WRITE: u64 = 1200;

/// Writing all that every memory has, and taking it out again.
pub(crate) const MEMORY: u64 = 15_000;
/// Writing one of a memory's terms, with its share in the vector.
pub(crate) const TERM: u64 = 2000;
/// Reading a byte of a memory's own text for terms, names and phrases.
pub(crate) const TEXT_BYTE: u64 = 30;
/// Reading a byte of another memory's record for a name.
pub(crate) const RECORD_BYTE: u64 = 12;
/// Reading a word of a text for a name that begins with it, without the look-ups.
pub(crate) const TOKEN: u64 = 100;
/// Changing a name.
pub(crate) const NAME: u64 = 1500;
/// Noting that a memory links to something, which is done in the order of the keys.
pub(crate) const NEW_LINK: u64 = 1000;
/// Taking such a note out.
pub(crate) const GONE_LINK: u64 = 400;
/// Writing an association, or taking it out.
pub(crate) const EDGE: u64 = 4500;
/// Reading an association of a packed row.
pub(crate) const ROW_EDGE: u64 = 2;
/// Reading one that was written since.
pub(crate) const RECENT_EDGE: u64 = 60;
/// Marking the node at the other end of a packed association.
pub(crate) const MARK: u64 = 1500;
/// Looking for a memory in the row of a term.
pub(crate) const SEARCH: u64 = 50;
/// Writing a byte of a term's packed row again.
pub(crate) const ROW_BYTE: u64 = 2;
/// Writing an element of a packed vector again.
pub(crate) const VECTOR_ELEMENT: u64 = 10;

/// Work, and the most of it that may be done.
#[derive(Debug)]
pub(crate) struct Meter {
    done: u64,
    most: u64,
}

/// Why writing beside the packed blocks ends early.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The work would be more than it may be.
    TooDear,
    Failed(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Meter {
    /// A meter of work that may be `most`.
    pub(crate) fn new(most: u64) -> Self {
        Self { done: 0, most }
    }

    /// Counts work that is about to be done.
    ///
    /// # Errors
    /// [`Halt::TooDear`] if that is too much.
    pub(crate) fn charge(&mut self, work: u64) -> std::result::Result<(), Halt> {
        self.done = self.done.saturating_add(work);
        if self.done > self.most { Err(Halt::TooDear) } else { Ok(()) }
    }

    /// The work that was counted.
    pub(crate) fn done(&self) -> u64 {
        self.done
    }
}

/// Packing anything at all.
const PACKED: u64 = 4_000_000;
/// Packing a memory: its id, columns and node.
const PACKED_MEMORY: u64 = 900;
/// Packing a byte of its record.
const PACKED_BYTE: u64 = 12;
/// Packing an element of its vector.
const PACKED_ELEMENT: u64 = 4;
/// Packing a term: its row and its vector.
const PACKED_TERM: u64 = 2000;
/// Packing a byte of the terms' rows.
const PACKED_ROW_BYTE: u64 = 3;
/// Packing a name, or a phrase that one memory has.
const PACKED_NAME: u64 = 1200;
/// Packing a byte of the graph.
const PACKED_GRAPH_BYTE: u64 = 4;

/// About the work of packing a store, with so many new memories, and records of so many bytes, put in. Cost: constant.
pub(crate) fn packing(
    store: &Store,
    txn: &RoTxn<'_>,
    state: &State,
    new_memories: u64,
    new_bytes: u64,
) -> Result<u64> {
    let tables = &store.tables;
    let memories = u64::from(state.memories) + new_memories;
    let elements = memories * u64::from(state.model.dimensions);
    // What lies in blocks beside vectors, each as a number and as a code.
    let packed_elements = u64::from(state.packed_memories) * u64::from(state.model.dimensions);
    let graph = tables.blocks.bytes(txn)?.saturating_sub(5 * packed_elements);
    Ok(PACKED
        + PACKED_MEMORY * memories
        + PACKED_BYTE * (tables.memories.bytes(txn)? + new_bytes)
        + PACKED_ELEMENT * elements
        + PACKED_TERM * tables.postings.len(txn)?
        + PACKED_ROW_BYTE * tables.postings.bytes(txn)?
        + PACKED_NAME * (tables.names.len(txn)? + tables.phrases.len(txn)?)
        + PACKED_GRAPH_BYTE * graph)
}
