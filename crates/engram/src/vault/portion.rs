//! One commit of a synchronisation: what it puts in, what it takes out and the account of the files, in one
//! transaction.
//!
//! A step was decided by what the account of its file said before. If another process has changed the account
//! since, that process may have seen a newer file: the step is stale, nothing of it is done, and it is decided again.

use std::collections::{BTreeMap, BTreeSet};

use heed::RoTxn;

use super::Vault;
use super::accounts::{self, Accounts, FileEntry, Version};
use super::leftovers;
use super::renames::Gone;
use crate::error::Result;
use crate::memory::{MemoryId, StoredMemory};
use crate::progress::Monitor;
use crate::store::record;
use crate::store::tables::Store;
use crate::writing::{Besides, Changes, Decided, Held, Portion};

/// What is to be done about one file.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) relative: String,
    /// The version of its entry that this was decided by.
    pub(super) before: Option<Version>,
    pub(super) outcome: Outcome,
}

impl Step {
    /// The ids of the memories that it puts in.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        let read = match &self.outcome {
            Outcome::Read(reading) => Some(reading),
            Outcome::Gone => None,
        };
        read.into_iter().flat_map(|reading| reading.memories.iter().map(|stored| stored.memory.id.as_str()))
    }
}

/// What has become of a file.
#[derive(Debug)]
pub(super) enum Outcome {
    Read(Box<Reading>),
    Gone,
}

/// A file that was read.
#[derive(Debug)]
pub(super) struct Reading {
    /// Its entry, with the ids of `memories`.
    pub(super) entry: FileEntry,
    pub(super) memories: Vec<StoredMemory>,
    /// The ids of memories that were refused. What is in the store under them stays, and stays the file's.
    pub(super) refused: Vec<String>,
    /// The file that was renamed to this one.
    pub(super) renamed: Option<Gone>,
}

impl Reading {
    /// The entry to be written in place of `old`.
    pub(super) fn entry_after(&self, old: Option<&FileEntry>) -> FileEntry {
        let mut entry = self.entry.clone();
        // An id that was not the file's before may be that of a memory that somebody else put in.
        let Some(old) = old.filter(|_| !self.refused.is_empty()) else { return entry };
        let relative = &entry.relative;
        let refused: BTreeSet<&str> = self.refused.iter().filter_map(|id| part_of(id, relative)).collect();
        let kept =
            old.ids.iter().filter(|id| part_of(id, relative).is_some_and(|part| refused.contains(part)));
        entry.ids.extend(kept.cloned());
        entry
    }
}

impl Vault {
    /// Does the steps that are not stale, in one transaction; returns the files of those that are.
    pub(super) fn commit(&self, steps: &[Step], monitor: &Monitor) -> Result<(Changes, Vec<String>)> {
        let decide = |store: &Store, txn: &RoTxn<'_>| self.decide(store, txn, steps);
        let (changes, accounts) = self.engram.apply_decided(&decide, monitor)?;
        Ok((changes, accounts.stale))
    }

    /// What the steps come to in a state of the store.
    fn decide(&self, store: &Store, txn: &RoTxn<'_>, steps: &[Step]) -> Result<Decided<'static, Accounts>> {
        self.check_claim(store, txn)?;
        let mut writes = Writes::default();
        for step in steps {
            if !writes.add(store, txn, step)? {
                writes.accounts.stale.push(step.relative.clone());
            }
        }
        let Writes { mut portion, forget, mut accounts } = writes;
        accounts.has_no_leftovers = !accounts.is_nothing() && leftovers::is_new(store, txn)?;
        portion.sort();
        Ok(Decided { portion: Held::Owned(portion), forget: forget.into(), besides: accounts })
    }
}

/// What the steps of a portion come to.
#[derive(Default)]
struct Writes {
    portion: Portion,
    forget: Vec<MemoryId>,
    accounts: Accounts,
}

impl Writes {
    /// Adds what a step writes; `false` if it is stale.
    fn add(&mut self, store: &Store, txn: &RoTxn<'_>, step: &Step) -> Result<bool> {
        let now = accounts::get(store, txn, &step.relative)?;
        let is_fresh = now.as_ref().map(|(_, version)| *version) == step.before;
        let now = now.map(|(entry, _)| entry);
        let reading = match &step.outcome {
            Outcome::Read(reading) => reading,
            Outcome::Gone => {
                let Some(now) = now else { return Ok(true) }; // another process has done it
                if is_fresh {
                    self.forget(now.ids.iter());
                    self.accounts.deleted.push(step.relative.clone());
                }
                return Ok(is_fresh);
            }
        };
        let entry = reading.entry_after(now.as_ref());
        if !is_fresh {
            // It is as well where another process has done the same.
            return Ok(now.is_some_and(|now| now.agrees_with(&entry)));
        }
        let mut old = now;
        if let Some(renamed) = &reading.renamed {
            let Some((gone, version)) = accounts::get(store, txn, &renamed.relative)? else {
                return Ok(false);
            };
            if version != renamed.version {
                return Ok(false);
            }
            self.accounts.deleted.push(renamed.relative.clone());
            old = Some(gone);
        }
        self.put(store, txn, &step.relative, reading, old.as_ref())?;
        if let Some(old) = &old {
            let kept: BTreeSet<&String> = entry.ids.iter().collect();
            self.forget(old.ids.iter().filter(|id| !kept.contains(id)));
        }
        self.accounts.put.push(entry);
        Ok(true)
    }

    fn forget<'i>(&mut self, ids: impl Iterator<Item = &'i String>) {
        self.forget.extend(ids.filter_map(|id| MemoryId::existing(id.as_str()).ok()));
    }

    /// Puts the memories of a file in. Where it had another name, or other ids, they get what recalling them under
    /// their old ids has left behind.
    fn put(
        &mut self,
        store: &Store,
        txn: &RoTxn<'_>,
        relative: &str,
        reading: &Reading,
        old: Option<&FileEntry>,
    ) -> Result<()> {
        let parts = old
            .into_iter()
            .flat_map(|old| old.ids.iter().filter_map(|id| Some((part_of(id, &old.relative)?, id.as_str()))));
        let parts: BTreeMap<&str, &str> = parts.collect();
        for stored in &reading.memories {
            let id = stored.memory.id.as_str();
            let old_id = part_of(id, relative).and_then(|part| parts.get(part));
            let history = match old_id.filter(|old_id| **old_id != id) {
                Some(old_id) => record::get(store, txn, old_id)?.map(|record| record.history()),
                None => None,
            };
            match history.filter(|history| history.check().is_ok()) {
                Some(history) => self.portion.push(&StoredMemory { history, ..stored.clone() }),
                None => self.portion.push(stored),
            }
        }
        Ok(())
    }
}

/// Returns which part of a note a memory is: nothing for the note itself, or `#` and an anchor. The id begins with the
/// path in the form that paths have in ids, or, in a store of an earlier version, with the path as it is.
pub(super) fn part_of<'i>(id: &'i str, relative: &str) -> Option<&'i str> {
    let after = |path: &str| id.strip_prefix(path).filter(|part| part.is_empty() || part.starts_with('#'));
    after(relative).or_else(|| after(MemoryId::of_path(relative).ok()?.as_str()))
}
