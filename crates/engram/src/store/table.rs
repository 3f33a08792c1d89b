//! One table of the store: bytes by bytes in the order of the keys, each row sealed with a checksum.
//!
//! A row's seal is a checksum of its table, its key and its value, behind the value. So a flipped bit in a key, in a
//! value, or a row that lies in the wrong table shows when the row is read. Blocks and postings are larger than what
//! a recall reads of them; they carry checksums of their own and are checked where they are used. Stores of formats 1
//! to 3 have no seals: there only memories carry a checksum, in front of the value, and it leaves out the id.

mod seal;
#[cfg(test)]
pub(crate) mod touched;

use std::ops::{Bound, RangeBounds};
use std::path::Path;
use std::sync::Arc;

use heed::types::Bytes;
use heed::{PutFlags, RoTxn};

use crate::error::{Error, Result};
use crate::store::write_txn::WriteTxn;
pub(crate) use seal::Seal;

/// Rows of up to so many bytes are sealed on the stack.
const SMALL: usize = 1024;

/// A table. Cloning it copies a handle.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    rows: heed::Database<Bytes, Bytes>,
    name: &'static str,
    seal: Seal,
    /// Whether a key that is not found is looked for once more; see [`Table::check_place`].
    is_sure: bool,
    /// The store's folder, for errors.
    folder: Arc<Path>,
}

/// A row: its key, and its value, or `None` where the value is not what was written.
type Row<'t> = (&'t [u8], Option<&'t [u8]>);

impl Table {
    pub(crate) fn new(
        rows: heed::Database<Bytes, Bytes>,
        name: &'static str,
        seal: Seal,
        is_sure: bool,
        folder: Arc<Path>,
    ) -> Self {
        Self { rows, name, seal, is_sure, folder }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// What stands beside its rows' values on disk.
    pub(crate) fn seal(&self) -> Seal {
        self.seal
    }

    /// Counts a row that is read, written or looked for, in tests.
    fn count(&self, stored: Option<&[u8]>) {
        #[cfg(test)]
        touched::count(stored.filter(|_| self.seal != Seal::Nothing));
        let _ = stored;
    }

    fn fail(&self, error: heed::Error) -> Error {
        Error::from_heed(&self.folder, error)
    }

    /// What is wrong with a row that is not what was written.
    pub(crate) fn broken(&self, key: &[u8]) -> String {
        let key = crate::text::printable_line(&String::from_utf8_lossy(key)).into_owned();
        match self.name {
            "memories" => format!("the memory {key} is unreadable: its checksum does not match"),
            name => format!("the row {key:?} of the table {name} is not what was written"),
        }
    }

    fn damaged(&self, key: &[u8]) -> Error {
        Error::Damaged { path: self.folder.to_path_buf(), what: self.broken(key) }
    }

    fn lost(&self) -> Error {
        let what = format!("rows of the table {} do not lie where their keys belong", self.name);
        Error::Damaged { path: self.folder.to_path_buf(), what }
    }

    /// Refuses a place in the table where a key was not found, unless it is where the key belongs: behind a lesser key,
    /// and before `after`. In a damaged tree LMDB may look for a key where it is not, and find nothing.
    fn check_place(&self, txn: &RoTxn<'_>, key: &[u8], after: Option<&[u8]>) -> Result<()> {
        let before = self.rows.get_lower_than(txn, key).map_err(|e| self.fail(e))?;
        let is_right = before.is_none_or(|(before, _)| before < key) && after.is_none_or(|after| after > key);
        if is_right { Ok(()) } else { Err(self.lost()) }
    }

    /// The value of a key.
    pub(crate) fn get<'t>(&self, txn: &'t RoTxn<'_>, key: &[u8]) -> Result<Option<&'t [u8]>> {
        let Some(stored) = self.get_stored(txn, key)? else {
            if self.is_sure {
                let after = self.rows.get_greater_than_or_equal_to(txn, key).map_err(|e| self.fail(e))?;
                self.check_place(txn, key, after.map(|(after, _)| after))?;
            }
            return Ok(None);
        };
        self.seal.open(key, stored).map(Some).ok_or_else(|| self.damaged(key))
    }

    /// What lies on disk for a key, seal and all.
    pub(crate) fn get_stored<'t>(&self, txn: &'t RoTxn<'_>, key: &[u8]) -> Result<Option<&'t [u8]>> {
        let stored = self.rows.get(txn, key).map_err(|e| self.fail(e))?;
        self.count(stored);
        Ok(stored)
    }

    /// The row with the least key that is not below `key`.
    pub(crate) fn first_from<'t>(
        &self,
        txn: &'t RoTxn<'_>,
        key: &[u8],
    ) -> Result<Option<(&'t [u8], &'t [u8])>> {
        let Some((key, stored)) = self.first_stored_from(txn, key)? else { return Ok(None) };
        self.seal.open(key, stored).map(|value| Some((key, value))).ok_or_else(|| self.damaged(key))
    }

    /// The least key that is not below `key`. Its value is not looked at.
    pub(crate) fn first_key_from<'t>(&self, txn: &'t RoTxn<'_>, key: &[u8]) -> Result<Option<&'t [u8]>> {
        Ok(self.first_stored_from(txn, key)?.map(|(key, _)| key))
    }

    fn first_stored_from<'t>(&self, txn: &'t RoTxn<'_>, key: &[u8]) -> Result<Option<(&'t [u8], &'t [u8])>> {
        let found = self.rows.get_greater_than_or_equal_to(txn, key).map_err(|e| self.fail(e))?;
        self.count(found.map(|(_, stored)| stored));
        if self.is_sure && found.is_none_or(|(found, _)| found != key) {
            self.check_place(txn, key, found.map(|(found, _)| found))?;
        }
        Ok(found)
    }

    /// Sets the value of a key.
    pub(crate) fn put(&self, txn: &mut WriteTxn<'_>, key: &[u8], value: &[u8]) -> Result<()> {
        self.put_with_flags(txn, PutFlags::empty(), key, value)
    }

    /// Sets what lies on disk for a key, which carries a checksum of its own.
    pub(crate) fn put_stored(&self, txn: &mut WriteTxn<'_>, key: &[u8], stored: &[u8]) -> Result<()> {
        self.count(Some(stored));
        self.rows.put(txn.writing(), key, stored).map_err(|e| self.fail(e))
    }

    /// Sets the value of a key that is above all others.
    pub(crate) fn append(&self, txn: &mut WriteTxn<'_>, key: &[u8], value: &[u8]) -> Result<()> {
        self.put_with_flags(txn, PutFlags::APPEND, key, value)
    }

    fn put_with_flags(
        &self,
        txn: &mut WriteTxn<'_>,
        flags: PutFlags,
        key: &[u8],
        value: &[u8],
    ) -> Result<()> {
        self.count(Some(value));
        let txn = txn.writing();
        let mut put =
            |stored: &[u8]| self.rows.put_with_flags(txn, flags, key, stored).map_err(|e| self.fail(e));
        let bytes = self.seal.stored_bytes(value.len());
        if self.seal == Seal::Nothing {
            put(value)
        } else if bytes <= SMALL {
            let mut stored = [0; SMALL];
            self.seal.write(key, value, &mut stored[..bytes]);
            put(&stored[..bytes])
        } else {
            let mut stored = vec![0; bytes];
            self.seal.write(key, value, &mut stored);
            put(&stored)
        }
    }

    /// Removes a key; says whether it was there.
    pub(crate) fn delete(&self, txn: &mut WriteTxn<'_>, key: &[u8]) -> Result<bool> {
        self.count(None);
        txn.writing_if(|txn| self.rows.delete(txn, key)).map_err(|e| self.fail(e))
    }

    /// Removes all keys of a range. Cost: their number.
    pub(crate) fn delete_range<'k>(
        &self,
        txn: &mut WriteTxn<'_>,
        range: &'k impl RangeBounds<&'k [u8]>,
    ) -> Result<()> {
        let range: (std::ops::Bound<&[u8]>, std::ops::Bound<&[u8]>) =
            (range.start_bound().cloned(), range.end_bound().cloned());
        let deleted = txn.writing_if(|txn| Ok(self.rows.delete_range(txn, &range)? > 0));
        deleted.map(drop).map_err(|e: heed::Error| self.fail(e))
    }

    /// Removes all rows. Cost: the number of pages.
    pub(crate) fn clear(&self, txn: &mut WriteTxn<'_>) -> Result<()> {
        self.rows.clear(txn.writing()).map_err(|e| self.fail(e))
    }

    /// The number of rows. Cost: constant.
    pub(crate) fn len(&self, txn: &RoTxn<'_>) -> Result<u64> {
        self.rows.len(txn).map_err(|e| self.fail(e))
    }

    /// Whether there are no rows. Cost: constant.
    pub(crate) fn is_empty(&self, txn: &RoTxn<'_>) -> Result<bool> {
        Ok(self.len(txn)? == 0)
    }

    /// All rows, by key. The first that is not what was written is an error, and the next call goes on behind it.
    pub(crate) fn iter<'t>(
        &'t self,
        txn: &'t RoTxn<'_>,
    ) -> Result<impl Iterator<Item = Result<(&'t [u8], &'t [u8])>>> {
        Ok(self.rows_of(self.rows.iter(txn).map_err(|e| self.fail(e))?))
    }

    /// All rows whose key begins with `prefix`, by key.
    pub(crate) fn prefix_iter<'t>(
        &'t self,
        txn: &'t RoTxn<'_>,
        prefix: &'t [u8],
    ) -> Result<impl Iterator<Item = Result<(&'t [u8], &'t [u8])>>> {
        Ok(self.rows_of(self.rows.prefix_iter(txn, prefix).map_err(|e| self.fail(e))?))
    }

    fn rows_of<'t>(
        &'t self,
        stored: impl Iterator<Item = heed::Result<(&'t [u8], &'t [u8])>>,
    ) -> impl Iterator<Item = Result<(&'t [u8], &'t [u8])>> {
        let mut last: Option<&[u8]> = None;
        stored.map(move |row| {
            let (key, stored) = row.map_err(|e| self.fail(e))?;
            self.count(Some(stored));
            if last.replace(key).is_some_and(|last| last >= key) {
                return Err(self.lost());
            }
            let value = self.seal.open(key, stored).ok_or_else(|| self.damaged(key))?;
            Ok((key, value))
        })
    }

    /// All rows as they lie on disk, for [`Seal::open`] to look at later.
    pub(crate) fn iter_stored<'t>(
        &'t self,
        txn: &'t RoTxn<'_>,
    ) -> Result<impl Iterator<Item = Result<(&'t [u8], &'t [u8])>>> {
        let rows = self.rows.iter(txn).map_err(|e| self.fail(e))?;
        Ok(rows.map(|row| row.map_err(|e| self.fail(e))))
    }

    /// The rows from a key on, as they lie on disk, for [`Seal::open`] to look at later.
    pub(crate) fn iter_stored_from<'t>(
        &'t self,
        txn: &'t RoTxn<'_>,
        first: &[u8],
    ) -> Result<impl Iterator<Item = Result<(&'t [u8], &'t [u8])>>> {
        // An empty key bounds nothing.
        let from = if first.is_empty() { Bound::Unbounded } else { Bound::Included(first) };
        let rows = self.rows.range(txn, &(from, Bound::Unbounded)).map_err(|e| self.fail(e))?;
        Ok(rows.map(|row| row.map_err(|e| self.fail(e))))
    }

    /// The bytes of the table's pages. Cost: constant.
    pub(crate) fn bytes(&self, txn: &RoTxn<'_>) -> Result<u64> {
        let stat = self.rows.stat(txn).map_err(|e| self.fail(e))?;
        Ok((stat.leaf_pages + stat.overflow_pages) as u64 * u64::from(stat.page_size))
    }

    /// All rows by key, also those that are not what was written. An error means that no more can be read.
    pub(crate) fn iter_checked<'t>(
        &'t self,
        txn: &'t RoTxn<'_>,
    ) -> Result<impl Iterator<Item = Result<Row<'t>>>> {
        let rows = self.rows.iter(txn).map_err(|e| self.fail(e))?;
        Ok(rows.map(|row| {
            let (key, stored) = row.map_err(|e| self.fail(e))?;
            self.count(Some(stored));
            Ok((key, self.seal.open(key, stored)))
        }))
    }
}
