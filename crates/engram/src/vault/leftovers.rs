//! Notes that an earlier version took in without noting which file they came from, because it was cut off between
//! the two: if their file went before the next synchronisation, they were never forgotten.
//!
//! Earlier versions wrote the account of the files after all memories. So each store is looked through once. A
//! memory is such a leftover if
//!
//! - it has the form that notes get: its source is the path of a note, and its id is made from that path;
//! - no account of a file knows it, and that file is not in the folder, or was read and does not yield it;
//! - it was committed together with notes of the folder: a note without a date was made at the moment of its commit, to
//!   the millisecond, and a memory that was remembered by hand, or came with the import of another folder, was
//!   committed at another.
//!
//! Memories that have the form and no such witness may have been put in by hand. They stay, and are named once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use heed::RoTxn;

use super::Vault;
use super::accounts::{self, Accounts};
use super::portion::part_of;
use super::synchronisation::Look;
use crate::error::Result;
use crate::exchange::{Found, read_note};
use crate::import::markdown::NotePaths;
use crate::import::{Kind, Notices};
use crate::memory::MemoryId;
use crate::progress::{Monitor, Stage};
use crate::store::record::{self, Record};
use crate::store::tables::Store;
use crate::store::write_txn::WriteTxn;
use crate::writing::{Changes, Decided, Held, Portion};

/// Where a store says, in the table `meta`, that it holds no leftovers.
const KEY: &[u8] = b"vault-leftovers";
const NONE: &[u8] = b"none";

/// How many notes are read to find one that witnesses a commit.
const WITNESSES: usize = 4;

/// How many files are named at most.
const NAMED: usize = 5;

/// A memory that looks like a leftover.
struct Suspect {
    id: MemoryId,
    source: String,
    made: i64,
}

/// The account of the file that was asked for last: the memories of one file lie next to one another.
#[derive(Default)]
struct LastAccount {
    source: String,
    /// The ids that are the file's; `None` where there is no account of it.
    ids: Option<BTreeSet<String>>,
}

impl LastAccount {
    fn of(&mut self, store: &Store, txn: &RoTxn<'_>, source: &str) -> Result<Option<&BTreeSet<String>>> {
        if self.source != source {
            let entry = accounts::get(store, txn, source)?;
            self.ids = entry.map(|(entry, _)| entry.ids.into_iter().collect());
            source.clone_into(&mut self.source);
        }
        Ok(self.ids.as_ref())
    }
}

/// Whether a memory has the form that those of notes have.
fn has_the_form(id: &str, record: &Record<'_>) -> bool {
    let Some(source) = record.source.as_deref() else { return false };
    let is_note = matches!(Kind::of_file_name(Path::new(source)), Kind::Markdown | Kind::Plain);
    is_note
        && part_of(id, source).is_some()
        && record.namespace == "default"
        && record.strength == 1.0
        && record.vector.is_none()
}

/// Calls `each` with every memory that has the form of a note's and can be read.
fn notes(
    store: &Store,
    txn: &RoTxn<'_>,
    mut each: impl FnMut(&str, &str, &Record<'_>) -> Result<()>,
) -> Result<()> {
    for entry in store.tables.memories.iter_checked(txn)? {
        let (id, Some(bytes)) = entry? else { continue };
        if let Ok(id) = std::str::from_utf8(id)
            && let Ok(record) = Record::read(bytes)
            && has_the_form(id, &record)
            && let Some(source) = record.source.as_deref()
        {
            each(id, source, &record)?;
        }
    }
    Ok(())
}

fn is_settled(store: &Store, txn: &RoTxn<'_>) -> Result<bool> {
    Ok(store.tables.meta.get(txn, KEY)?.is_some())
}

/// Whether a store has no memories yet, and so no leftovers, and does not say that.
pub(super) fn is_new(store: &Store, txn: &RoTxn<'_>) -> Result<bool> {
    Ok(store.tables.memories.is_empty(txn)? && !is_settled(store, txn)?)
}

/// Writes into a store that there are no leftovers in it.
pub(super) fn note_that_there_are_none(store: &Store, txn: &mut WriteTxn<'_>) -> Result<()> {
    store.tables.meta.put(txn, KEY, NONE)
}

impl Vault {
    /// Whether leftovers are to be looked for.
    pub(super) fn may_have_leftovers(&self) -> Result<bool> {
        let store = &self.engram.store()?;
        let txn = store.read()?;
        Ok(!is_settled(store, &txn)? && !store.tables.memories.is_empty(&txn)?)
    }

    /// Forgets leftovers, once for each store; returns a sentence about memories that may be such and stay.
    pub(super) fn forget_leftovers(
        &self,
        look: &Look,
        unreadable: &BTreeSet<String>,
        monitor: &Monitor,
    ) -> Result<(Changes, Option<String>)> {
        let store = &self.engram.store()?;
        let txn = store.read()?;
        monitor.begin(Stage::Gathering, 0)?;
        let mut accounts = LastAccount::default();
        let (mut suspects, mut must_wait) = (Vec::new(), false);
        notes(store, &txn, |id, source, record| {
            let account = accounts.of(store, &txn, source)?;
            if account.is_some_and(|ids| ids.contains(id)) {
                return Ok(());
            }
            // What its file says is not known yet.
            let is_unread = look.there.contains(source) && (account.is_none() || unreadable.contains(source));
            if is_unread || look.is_hidden(source) {
                must_wait = true;
            } else if let Ok(id) = MemoryId::existing(id) {
                suspects.push(Suspect { id, source: source.to_owned(), made: record.made });
            }
            Ok(())
        })?;
        let moments = self.moments_of_commits(store, &txn, &suspects)?;
        drop(txn);
        let (leftovers, others): (Vec<_>, Vec<_>) =
            suspects.into_iter().partition(|suspect| moments.contains(&suspect.made));
        let decide = |store: &Store, txn: &RoTxn<'_>| {
            self.check_claim(store, txn)?;
            let is_settled = is_settled(store, txn)?;
            let forget = if is_settled { Vec::new() } else { still_leftovers(store, txn, &leftovers)? };
            let besides = Accounts { has_no_leftovers: !must_wait && !is_settled, ..Accounts::default() };
            Ok(Decided { portion: Held::Owned(Portion::default()), forget: forget.into(), besides })
        };
        let (changes, _) = self.engram.apply_decided(&decide, monitor)?;
        let named = if must_wait { None } else { named(&self.folder, &others) };
        Ok((changes, named))
    }

    /// Of the moments at which suspects were made those at which notes of the folder were committed.
    fn moments_of_commits(
        &self,
        store: &Store,
        txn: &RoTxn<'_>,
        suspects: &[Suspect],
    ) -> Result<BTreeSet<i64>> {
        // For each moment some notes, by path, with their ids.
        let mut witnesses: BTreeMap<i64, BTreeMap<String, String>> =
            suspects.iter().map(|suspect| (suspect.made, BTreeMap::new())).collect();
        if witnesses.is_empty() {
            return Ok(BTreeSet::new());
        }
        let mut accounts = LastAccount::default();
        notes(store, txn, |id, source, record| {
            if part_of(id, source) == Some("")
                && let Some(files) = witnesses.get_mut(&record.made)
                && files.len() < WITNESSES
                && accounts.of(store, txn, source)?.is_some_and(|ids| ids.contains(id))
            {
                files.insert(source.to_owned(), id.to_owned());
            }
            Ok(())
        })?;
        let mut moments = BTreeSet::new();
        for (moment, files) in witnesses {
            for (file, id) in files {
                if self.is_without_date_and_as_stored(store, txn, &file, &id)? {
                    moments.insert(moment);
                    break;
                }
            }
        }
        Ok(moments)
    }

    /// Whether a note is in the folder as the store has it, and says nothing of when it was made.
    fn is_without_date_and_as_stored(
        &self,
        store: &Store,
        txn: &RoTxn<'_>,
        relative: &str,
        id: &str,
    ) -> Result<bool> {
        let path = self.folder.join(relative);
        let kind = Kind::of_file_name(&path);
        let found = Found { path, relative: relative.to_owned(), kind, bytes: 0, changed: 0 };
        let Ok(note) = read_note(&found, &NotePaths::default(), &mut Notices::default()) else {
            return Ok(false);
        };
        let Some(first) = note.memories.first().map(|stored| &stored.memory) else { return Ok(false) };
        let record = record::get(store, txn, id)?;
        Ok(first.made.is_none()
            && record.is_some_and(|record| {
                record.text == first.text && record.title.as_deref() == first.title.as_deref()
            }))
    }
}

/// Of leftovers those that are what they were: another process may have taken their files in since.
fn still_leftovers(store: &Store, txn: &RoTxn<'_>, leftovers: &[Suspect]) -> Result<Vec<MemoryId>> {
    let mut still = Vec::new();
    for Suspect { id, source, made } in leftovers {
        let is_noted = accounts::get(store, txn, source)?
            .is_some_and(|(entry, _)| entry.ids.iter().any(|noted| noted == id.as_str()));
        let is_same = record::get(store, txn, id.as_str())?.is_some_and(|now| now.made == *made);
        if is_same && !is_noted {
            still.push(id.clone());
        }
    }
    Ok(still)
}

/// A sentence that names the files of some memories.
fn named(folder: &Path, suspects: &[Suspect]) -> Option<String> {
    let files: BTreeSet<&str> = suspects.iter().map(|suspect| suspect.source.as_str()).collect();
    if files.is_empty() {
        return None;
    }
    let names: Vec<&str> = files.iter().copied().take(NAMED).collect();
    let more = match files.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "the store has notes that are not in {}, from an import or from before they were deleted: {}{more}; they stay, \
         and `engram forget ID` takes them out",
        folder.display(),
        names.join(", "),
    ))
}

#[cfg(test)]
mod tests;
