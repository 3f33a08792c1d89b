//! Vectors that are written ahead of the consolidation that they belong to.
//!
//! One transaction for all that a consolidation writes would hold all of it in memory, and vectors are most of it. So
//! they are put under the free one of two kinds of block first, in several transactions, while readers and writers
//! use the other. A mark in the store says whose they are: who begins takes it over and clears what an interrupted
//! predecessor left; who finds another's mark, or that something was written meanwhile, gives up.

use heed::RoTxn;

use super::block::{self, VectorSlot};
use super::state::{self, State};
use super::tables::Store;
use super::write_txn::WriteTxn;
use crate::error::Result;

pub(crate) const KEY: &[u8] = b"staging";

/// A claim on the free place for vectors.
pub(crate) struct Claim {
    /// The number of the transaction that made it, which no other has.
    mark: [u8; 8],
    /// The version of the state that the vectors are derived from.
    version: u64,
}

impl Claim {
    /// Claims the free place for vectors derived from `state`, and clears it; `None` where something was written
    /// since. Takes the place of any claim there is.
    pub(crate) fn take(store: &Store, state: &State) -> Result<Option<Self>> {
        let mut txn = store.write()?;
        let claim = Self { mark: (txn.id() as u64).to_le_bytes(), version: state.version };
        if !claim.fits(store, &txn)? {
            return Ok(None);
        }
        block::clear(store, &mut txn, state.vector_slot.other().kind())?;
        store.environment.give_back();
        store.tables.meta.put(&mut txn, KEY, &claim.mark)?;
        store.commit(txn)?;
        Ok(Some(claim))
    }

    /// Whether the claim still stands: nobody took it over, and nothing was written since.
    pub(crate) fn stands(&self, store: &Store, txn: &RoTxn<'_>) -> Result<bool> {
        Ok(self.is_marked(store, txn)? && self.fits(store, txn)?)
    }

    /// Clears what was in use before and ends the claim, once the store has changed over; unless somebody else has
    /// claimed that place meanwhile. In a transaction of its own, so that the old vectors, which come into memory to be
    /// cleared, are not there together with all that is new.
    pub(crate) fn finish(&self, store: &Store, before: VectorSlot) -> Result<()> {
        let mut txn = store.write()?;
        if self.is_marked(store, &txn)? {
            block::clear(store, &mut txn, before.kind())?;
            end(store, &mut txn)?;
            store.environment.give_back();
            store.commit(txn)?;
        }
        Ok(())
    }

    fn is_marked(&self, store: &Store, txn: &RoTxn<'_>) -> Result<bool> {
        let mark = store.tables.meta.get(txn, KEY)?;
        Ok(mark == Some(&self.mark[..]))
    }

    fn fits(&self, store: &Store, txn: &RoTxn<'_>) -> Result<bool> {
        Ok(state::version(store, txn)? == self.version)
    }
}

/// Whether there is a claim, or what it left.
pub(crate) fn is_claimed(store: &Store, txn: &RoTxn<'_>) -> Result<bool> {
    Ok(store.tables.meta.get(txn, KEY)?.is_some())
}

/// Ends any claim. What lies in the free place must have been cleared, or taken into use.
pub(crate) fn end(store: &Store, txn: &mut WriteTxn<'_>) -> Result<()> {
    store.tables.meta.delete(txn, KEY)?;
    Ok(())
}
