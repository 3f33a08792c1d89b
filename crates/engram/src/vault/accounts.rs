//! What the store knows of each file of a vault: the table `files`.

use std::collections::BTreeMap;

use heed::RoTxn;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::leftovers;
use crate::error::Result;
use crate::store::tables::Store;
use crate::store::write_txn::WriteTxn;
use crate::writing::Besides;

/// What the store knows of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct FileEntry {
    /// Its path seen from the folder, with `/` between its parts.
    pub(super) relative: String,
    pub(super) bytes: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub(super) changed: i128,
    /// Whether the time stamp was old enough when the file was read.
    pub(super) settled: bool,
    /// The hash of its text when it was last read; 0 for a file that never could be.
    pub(super) text: u64,
    /// The memories that it became.
    pub(super) ids: Vec<String>,
    /// The places where its links look for other notes, ascending; see [`crate::import::markdown::places_of`].
    pub(super) places: Vec<u32>,
}

/// An entry as earlier versions wrote it.
#[derive(Deserialize)]
struct FileEntryWithoutPlaces {
    relative: String,
    bytes: u64,
    changed: i128,
    settled: bool,
    text: u64,
    ids: Vec<String>,
}

/// An entry of the table without its ids.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) bytes: u64,
    pub(super) changed: i128,
    pub(super) settled: bool,
    pub(super) text: u64,
    pub(super) version: Version,
    /// The places where its links look for other notes; `None` where an earlier version has read it.
    pub(super) places: Option<Vec<u32>>,
}

/// The hash of an entry's bytes. An entry that has changed has another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version(u64);

/// What a commit writes about the files whose memories it changes.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    pub(super) put: Vec<FileEntry>,
    pub(super) deleted: Vec<String>,
    /// Whether it says that the store holds no leftovers.
    pub(super) has_no_leftovers: bool,
    /// The files whose steps were stale. Nothing is written about them.
    pub(super) stale: Vec<String>,
}

impl Besides for Accounts {
    fn is_nothing(&self) -> bool {
        self.put.is_empty() && self.deleted.is_empty() && !self.has_no_leftovers
    }

    fn write(&self, store: &Store, txn: &mut WriteTxn<'_>) -> Result<()> {
        if self.is_nothing() {
            return Ok(());
        }
        for relative in &self.deleted {
            store.tables.files.delete(txn, &key(relative))?;
        }
        for entry in &self.put {
            put(store, txn, entry)?;
        }
        if self.has_no_leftovers {
            leftovers::note_that_there_are_none(store, txn)?;
        }
        Ok(())
    }
}

/// Whether bytes are the account of a file.
pub(crate) fn is_file_entry(bytes: &[u8]) -> bool {
    read(bytes).is_some()
}

impl From<FileEntryWithoutPlaces> for FileEntry {
    fn from(entry: FileEntryWithoutPlaces) -> Self {
        let FileEntryWithoutPlaces { relative, bytes, changed, settled, text, ids } = entry;
        Self { relative, bytes, changed, settled, text, ids, places: Vec::new() }
    }
}

impl FileEntry {
    /// Whether two say the same, but for how sure the time stamp is.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        let settled = self.settled;
        *self == Self { settled, ..other.clone() }
    }
}

/// Reads an entry, and whether it names places. One that cannot be read counts as missing, so its file is read again.
fn read(bytes: &[u8]) -> Option<(FileEntry, bool)> {
    let entry = postcard::from_bytes(bytes).map(|entry| (entry, true));
    entry
        .or_else(|_| postcard::from_bytes::<FileEntryWithoutPlaces>(bytes).map(|old| (old.into(), false)))
        .ok()
}

fn key(relative: &str) -> [u8; 16] {
    xxh3_128(relative.as_bytes()).to_be_bytes()
}

/// Returns all entries, by path.
pub(super) fn all(store: &Store) -> Result<BTreeMap<String, Known>> {
    let txn = store.read()?;
    let mut known = BTreeMap::new();
    for entry in store.tables.files.iter_checked(&txn)? {
        let (_, Some(bytes)) = entry? else { continue };
        let Some((entry, has_places)) = read(bytes) else { continue };
        let FileEntry { relative, bytes: length, changed, settled, text, places, .. } = entry;
        let (places, version) = (has_places.then_some(places), version(bytes));
        known.insert(relative, Known { bytes: length, changed, settled, text, version, places });
    }
    Ok(known)
}

/// Returns the entry of a file and its version.
pub(super) fn get(store: &Store, txn: &RoTxn<'_>, relative: &str) -> Result<Option<(FileEntry, Version)>> {
    let key = key(relative);
    let files = &store.tables.files;
    let bytes = files.get_stored(txn, &key)?.and_then(|stored| files.seal().open(&key, stored));
    Ok(bytes.and_then(|bytes| Some((read(bytes)?.0, version(bytes)))))
}

fn version(bytes: &[u8]) -> Version {
    Version(xxh3_64(bytes))
}

/// Writes the entry of a file.
pub(super) fn put(store: &Store, txn: &mut WriteTxn<'_>, entry: &FileEntry) -> Result<()> {
    let bytes = postcard::to_allocvec(entry).expect("an account is plain data, and a vector grows");
    store.tables.files.put(txn, &key(&entry.relative), &bytes)
}
