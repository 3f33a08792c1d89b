//! The facts that packing derives everything from: the memories of one state of a store, as a write leaves them that
//! may not be done yet.

use std::borrow::Cow;

use heed::RoTxn;

use crate::error::Result;
use crate::store::record::{BadRecord, Record};
use crate::store::table::Seal;
use crate::store::tables::Store;

/// A memory that a write puts in: its id and its record.
pub(crate) struct Put<'w> {
    pub(crate) id: &'w str,
    pub(crate) record: Cow<'w, [u8]>,
    /// Whether the store held the id before.
    pub(crate) replaces: bool,
}

/// What a write changes, each id once and in order; no id is put in and taken out.
#[derive(Clone, Copy, Default)]
pub(crate) struct Changed<'w> {
    pub(crate) put: &'w [Put<'w>],
    pub(crate) gone: &'w [&'w str],
}

impl Changed<'_> {
    /// How many memories are put in or taken out.
    pub(crate) fn len(self) -> u32 {
        (self.put.len() + self.gone.len()) as u32
    }
}

/// The memories of a store's state with a write's changes made.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'f> {
    pub(crate) store: &'f Store,
    pub(crate) txn: &'f RoTxn<'f>,
    pub(crate) changed: Changed<'f>,
}

/// A memory's record as it lies on disk, or as a write will put it there.
#[derive(Clone, Copy)]
pub(super) struct Kept<'f> {
    pub(super) bytes: &'f [u8],
    is_stored: bool,
}

impl<'f> Kept<'f> {
    /// The record of the memory `id`, in a table of this seal.
    pub(super) fn read(self, seal: Seal, id: &str) -> std::result::Result<Record<'f>, BadRecord> {
        let value = if self.is_stored { seal.open(id.as_bytes(), self.bytes) } else { Some(self.bytes) };
        value.ok_or(BadRecord::Checksum).and_then(Record::read)
    }
}

impl<'f> Facts<'f> {
    /// The memories as the store has them.
    pub(crate) fn of(store: &'f Store, txn: &'f RoTxn<'_>) -> Self {
        Self { store, txn, changed: Changed::default() }
    }

    /// The memories from the id `first` on, by id.
    pub(super) fn starting_at(
        self,
        first: &str,
    ) -> Result<impl Iterator<Item = Result<(&'f str, Kept<'f>)>>> {
        let Self { store, txn, changed } = self;
        let mut rows = store.tables.memories.iter_stored_from(txn, first.as_bytes())?;
        // In a damaged tree, rows may come twice or not at all; packing relies on what it was given.
        let mut expected = if first.is_empty() { Some(store.tables.memories.len(txn)?) } else { None };
        let (mut last, mut found): (Option<&str>, u64) = (None, 0);
        let mut read = move |(id, bytes): (&'f [u8], &'f [u8])| {
            let id = std::str::from_utf8(id).map_err(|_| store.damaged("an id is not text"))?;
            if last.replace(id).is_some_and(|last| last >= id) {
                return Err(store.damaged("the ids of its memories do not ascend"));
            }
            Ok((id, Kept { bytes, is_stored: true }))
        };
        let stored = std::iter::from_fn(move || match rows.next() {
            Some(row) => {
                found += 1;
                Some(row.and_then(&mut read))
            }
            None => expected.take().filter(|expected| *expected != found).map(|expected| {
                Err(store.damaged(format!("of its {expected} memories, {found} can be reached")))
            }),
        });
        let mut stored = stored.peekable();
        let new = |put: &'f Put<'f>| Ok((put.id, Kept { bytes: &put.record[..], is_stored: false }));
        let mut put = changed.put[changed.put.partition_point(|put| put.id < first)..].iter().peekable();
        let mut gone = changed.gone[changed.gone.partition_point(|id| *id < first)..].iter().peekable();
        Ok(std::iter::from_fn(move || {
            loop {
                let Some(Ok((id, _))) = stored.peek() else {
                    // The end, or an error.
                    return stored.next().or_else(|| put.next().map(new));
                };
                let id = *id;
                if let Some(put) = put.next_if(|put| put.id <= id) {
                    if put.id == id {
                        stored.next();
                    }
                    return Some(new(put));
                }
                let next = stored.next();
                while gone.next_if(|gone| **gone < id).is_some() {}
                if gone.peek().is_none_or(|gone| **gone != id) {
                    return next;
                }
            }
        }))
    }
}
