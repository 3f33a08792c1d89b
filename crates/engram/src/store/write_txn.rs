//! A write transaction that knows whether anything was written in it.

use std::ops::Deref;

use heed::RwTxn;

/// A write transaction. It reads like a read transaction; whoever writes asks for it by [`WriteTxn::writing`], so nothing
/// can be written that it does not know of.
///
/// Dropped without being committed, it leaves the store as it was.
pub(crate) struct WriteTxn<'e> {
    txn: RwTxn<'e>,
    has_written: bool,
    is_abandoned: bool,
}

impl<'e> WriteTxn<'e> {
    pub(super) fn new(txn: RwTxn<'e>) -> Self {
        Self { txn, has_written: false, is_abandoned: false }
    }

    /// Whether anything was written so far.
    pub(crate) fn has_written(&self) -> bool {
        self.has_written
    }

    /// Gives up what was written, and what will be: it is not to be committed.
    pub(crate) fn abandon(&mut self) {
        self.is_abandoned = true;
    }

    /// Whether what was written was given up.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.is_abandoned
    }

    /// The transaction, to write in it.
    pub(super) fn writing(&mut self) -> &mut RwTxn<'e> {
        self.has_written = true;
        &mut self.txn
    }

    /// The transaction, for what leaves it as it is unless it returns that something was written.
    pub(super) fn writing_if<E>(
        &mut self,
        write: impl FnOnce(&mut RwTxn<'e>) -> Result<bool, E>,
    ) -> Result<bool, E> {
        let written = write(&mut self.txn)?;
        self.has_written |= written;
        Ok(written)
    }

    pub(super) fn into_inner(self) -> RwTxn<'e> {
        self.txn
    }
}

impl<'e> Deref for WriteTxn<'e> {
    type Target = RwTxn<'e>;

    fn deref(&self) -> &Self::Target {
        &self.txn
    }
}
