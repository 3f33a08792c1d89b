//! What was written since blocks were packed, as far as every recall asks for it.

use heed::RoTxn;
use rustc_hash::FxHashSet;

use crate::error::Result;
use crate::store::state::State;
use crate::store::tables::{Store, node_at};

/// What was written since blocks were packed, as far as every recall asks for it.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// The state's version that they belong to.
    pub(crate) version: u64,
    /// The bits of packed nodes whose row has changed; empty where none has.
    pub(crate) changed_rows: Vec<u64>,
    /// Packed nodes that were forgotten.
    pub(crate) gone: FxHashSet<u32>,
    /// Memories behind the packed ones.
    pub(crate) memories: FxHashSet<u32>,
    /// Whether any memory, packed or not, has columns of its own.
    pub(crate) has_columns: bool,
}

impl Marks {
    /// Reads them. Cost: the number of nodes touched since the last consolidation.
    pub(crate) fn read(store: &Store, txn: &RoTxn<'_>, state: &State) -> Result<Self> {
        let mut marks = Self { version: state.version, ..Self::default() };
        for entry in store.tables.recent_rows.iter(txn)? {
            let Some(node) = node_at(entry?.0).filter(|node| *node < state.packed_nodes) else {
                continue;
            };
            if marks.changed_rows.is_empty() {
                marks.changed_rows = vec![0; (state.packed_nodes as usize).div_ceil(64)];
            }
            marks.changed_rows[node as usize / 64] |= 1 << (node % 64);
        }
        for entry in store.tables.gone.iter(txn)? {
            marks.gone.extend(node_at(entry?.0));
        }
        for entry in store.tables.recent_columns.iter(txn)? {
            marks.has_columns = true;
            // They also stand for packed memories that were reinforced; those are passed over.
            marks.memories.extend(node_at(entry?.0).filter(|node| *node >= state.packed_nodes));
        }
        let gone = marks.gone.iter().filter(|node| **node < state.packed_memories).count() as u64;
        let there = (u64::from(state.packed_memories) + marks.memories.len() as u64).checked_sub(gone);
        let is_in_range = marks.memories.iter().all(|memory| *memory < state.next_node);
        if store.is_sealed && (there != Some(u64::from(state.memories)) || !is_in_range) {
            return Err(store.damaged("the marks of what was written since blocks were packed do not add up"));
        }
        Ok(marks)
    }
}
