//! Many look-ups in one table, in the order of its keys.

use heed::RoTxn;

use crate::error::Result;
use crate::store::tables::{Store, Table};

/// Asks a table for keys that ascend. What lies between two of the table's keys is answered without looking.
pub(crate) struct Ascending<'s, 't> {
    store: &'s Store,
    table: Table,
    txn: &'t RoTxn<'t>,
    /// The first key at or after the one that was asked for last; `None` before the first.
    next: Option<Option<&'t [u8]>>,
}

impl<'s, 't> Ascending<'s, 't> {
    /// Nothing has been asked yet.
    pub(crate) fn new(store: &'s Store, table: Table, txn: &'t RoTxn<'_>) -> Self {
        Self { store, table, txn, next: None }
    }

    /// The table's first key that is not before `key`, which is not before the one asked for last.
    pub(crate) fn at_or_after(&mut self, key: &[u8]) -> Result<Option<&'t [u8]>> {
        if let Some(next) = self.next.filter(|next| next.is_none_or(|next| next >= key)) {
            return Ok(next);
        }
        let found = self.table.get_greater_than_or_equal_to(self.txn, key);
        let next = found.map_err(|e| self.store.fail(e))?.map(|(key, _)| key);
        self.next = Some(next);
        Ok(next)
    }
}
