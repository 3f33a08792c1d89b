//! Many look-ups in one table, in the order of its keys.

use heed::RoTxn;

use crate::error::Result;
use crate::store::table::Table;

/// Asks a table for keys that ascend. What lies between two of the table's keys is answered without looking.
pub(crate) struct Ascending<'t> {
    table: &'t Table,
    txn: &'t RoTxn<'t>,
    /// The first key at or after the one that was asked for last; `None` before the first.
    next: Option<Option<&'t [u8]>>,
}

impl<'t> Ascending<'t> {
    /// Nothing has been asked yet.
    pub(crate) fn new(table: &'t Table, txn: &'t RoTxn<'_>) -> Self {
        Self { table, txn, next: None }
    }

    /// The table's first key that is not before `key`, which is not before the one asked for last.
    pub(crate) fn at_or_after(&mut self, key: &[u8]) -> Result<Option<&'t [u8]>> {
        if let Some(next) = self.next.filter(|next| next.is_none_or(|next| next >= key)) {
            return Ok(next);
        }
        let next = self.table.first_key_from(self.txn, key)?;
        self.next = Some(next);
        Ok(next)
    }
}
