//! What is taken out of packed rows and blocks: gathered for all memories of a transaction, so that each row and block is
//! written again once.

use std::collections::BTreeMap;

use heed::RoTxn;

use super::Step;
use crate::error::Result;
use crate::index::postings;
use crate::index::work::{self, Meter};
use crate::store::block::{self, VECTOR_ROWS};
use crate::store::state::State;
use crate::store::tables::Store;
use crate::store::write_txn::WriteTxn;

/// Memories that are gone from packed rows and blocks as soon as this is written.
#[derive(Default)]
pub(super) struct Removed {
    /// By term.
    postings: BTreeMap<String, Vec<u32>>,
    /// By block of vectors.
    vectors: BTreeMap<u32, Vec<u32>>,
}

impl Removed {
    /// Notes that a packed memory is to leave the row of a term.
    pub(super) fn posting(
        &mut self,
        store: &Store,
        txn: &RoTxn<'_>,
        term: &str,
        memory: u32,
        meter: &mut Meter,
    ) -> Step<()> {
        if let Some(memories) = self.postings.get_mut(term) {
            memories.push(memory);
            return Ok(());
        }
        let row = store.tables.postings.get(txn, term.as_bytes())?;
        meter.charge(work::WRITE + work::ROW_BYTE * row.map_or(0, <[u8]>::len) as u64)?;
        self.postings.insert(term.to_owned(), vec![memory]);
        Ok(())
    }

    /// Notes that the vector of a packed memory is to be erased.
    pub(super) fn vector(
        &mut self,
        store: &Store,
        txn: &RoTxn<'_>,
        state: &State,
        memory: u32,
        meter: &mut Meter,
    ) -> Step<()> {
        let index = memory / VECTOR_ROWS;
        if let Some(memories) = self.vectors.get_mut(&index) {
            memories.push(memory);
            return Ok(());
        }
        if let Some(block) = block::read(store, txn, state.vector_slot.kind(), index)? {
            meter.charge(work::VECTOR_ELEMENT * u64::from(block.rows) * u64::from(block.width))?;
            self.vectors.insert(index, vec![memory]);
        }
        Ok(())
    }

    /// Takes all of them out.
    pub(super) fn write(self, store: &Store, txn: &mut WriteTxn<'_>, state: &State) -> Result<()> {
        for (term, mut memories) in self.postings {
            memories.sort_unstable();
            postings::remove(store, txn, &term, &memories)?;
        }
        for (index, memories) in self.vectors {
            block::erase_vectors(store, txn, state.vector_slot, index, &memories)?;
        }
        Ok(())
    }
}
