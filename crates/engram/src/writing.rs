//! Putting memories in, changing them, taking them out: each one transaction.

use std::collections::BTreeSet;

use heed::RwTxn;

use crate::engram::{Engram, PORTION_BYTES, get_in};
use crate::error::{Error, Result};
use crate::index::links;
use crate::index::packed::{Packed, Vectors};
use crate::index::recent::Writer;
use crate::memory::{History, Link, LinkTarget, MemoryId, NewMemory, StoredMemory, Weight};
use crate::store::nodes;
use crate::store::record::{self, Record};
use crate::store::state::{self, State};
use crate::store::tables::Store;
use crate::time::Time;
use crate::vector_model::{check_vector, model_of};

/// Recent writes may make up this share of a store before it is consolidated: a twentieth.
const RECENT_SHARE: u32 = 20;

/// What putting a memory in has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The id is new.
    Added,
    /// The id was there with other contents.
    Updated,
    /// The same memory was there already.
    Unchanged,
}

/// What putting many memories in has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Changes {
    /// Memories whose id is new.
    pub added: u64,
    /// Memories whose id was there with other contents.
    pub updated: u64,
    /// Memories that were there already.
    pub unchanged: u64,
    /// Memories that were taken out.
    pub forgotten: u64,
}

impl Changes {
    /// The sum of two.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            added: self.added + other.added,
            updated: self.updated + other.updated,
            unchanged: self.unchanged + other.unchanged,
            forgotten: self.forgotten + other.forgotten,
        }
    }

    fn count(&mut self, change: Change) {
        match change {
            Change::Added => self.added += 1,
            Change::Updated => self.updated += 1,
            Change::Unchanged => self.unchanged += 1,
        }
    }

    /// Whether anything was changed.
    #[must_use]
    pub fn any(&self) -> bool {
        self.added + self.updated + self.forgotten > 0
    }
}

impl From<NewMemory> for StoredMemory {
    fn from(memory: NewMemory) -> Self {
        Self { memory, history: History::default(), model: None }
    }
}

impl Engram {
    /// Puts a memory in, in place of the one with its id. The same memory again changes nothing.
    ///
    /// Its words, vector, names and links count from the next recall on, in any process. Cost: a few
    /// milliseconds, most of them for the disk; now and then (when recent writes pass a twentieth of the
    /// store) a [consolidation](Engram::consolidate).
    ///
    /// # Errors
    /// If the memory is not fit to be stored, or the store cannot be written; nothing is changed then.
    pub fn remember(&self, memory: &NewMemory) -> Result<Change> {
        let changes = self.apply(&[memory.clone().into()], &[])?;
        Ok(match changes {
            Changes { added: 1, .. } => Change::Added,
            Changes { updated: 1, .. } => Change::Updated,
            _ => Change::Unchanged,
        })
    }

    /// Puts many memories in, each in place of the one with its id, in as few commits as is sensible.
    ///
    /// What a killed import had committed is there; doing it again goes on where it stopped, because
    /// memories that are there already cost next to nothing.
    ///
    /// # Errors
    /// As [`Engram::remember`]. Portions committed before stay.
    pub fn remember_all<M: Into<StoredMemory>>(
        &self,
        memories: impl IntoIterator<Item = M>,
    ) -> Result<Changes> {
        let mut changes = Changes::default();
        let mut portion: Vec<StoredMemory> = Vec::new();
        let mut bytes = 0;
        let mut limit = self.portion_limit()?;
        for memory in memories {
            let memory = memory.into();
            bytes += memory.memory.bytes();
            portion.push(memory);
            if bytes >= limit {
                changes = changes.and(self.apply(&portion, &[])?);
                portion.clear();
                bytes = 0;
                limit = self.portion_limit()?;
            }
        }
        Ok(changes.and(self.apply(&portion, &[])?))
    }

    /// Each commit of a long import packs the whole store again, so portions grow with the store, unless they
    /// were made smaller.
    fn portion_limit(&self) -> Result<usize> {
        if self.portion_bytes < PORTION_BYTES {
            return Ok(self.portion_bytes);
        }
        let store = self.store()?;
        let txn = store.read()?;
        let stored = state::read(&store, &txn)?.map_or(0, |state| {
            let vectors = u64::from(state.memories) * u64::from(state.model.dimensions);
            4 * (state.terms + if state.model.given { vectors } else { 0 })
        });
        Ok(self.portion_bytes.max(usize::try_from(stored).unwrap_or(usize::MAX)))
    }

    /// Puts memories in and takes memories out in one transaction. Ids to forget that are not there are
    /// passed over, and so are those that are put in as well. An id that is put in twice ends as the last.
    ///
    /// # Errors
    /// As [`Engram::remember`]; nothing is changed then.
    pub fn apply(&self, put: &[StoredMemory], forget: &[MemoryId]) -> Result<Changes> {
        check(put)?;
        self.write(|store, txn, state| self.apply_in(store, txn, state, put, forget))
    }

    /// [`Engram::apply`] within a transaction, of memories that were checked.
    fn apply_in(
        &self,
        store: &Store,
        txn: &mut RwTxn<'_>,
        state: &mut State,
        put: &[StoredMemory],
        forget: &[MemoryId],
    ) -> Result<Changes> {
        let now = Time::now();
        let mut changes = Changes::default();
        if state.version == 0
            && let Some(model) = put.iter().find_map(model_of)
        {
            state.model = model;
        }
        let (mut new, mut known) = (Vec::new(), 0_u32);
        let put = last_of_each(put);
        for stored in &put {
            let id = stored.memory.id.as_str();
            check_vector(stored, &state.model)?;
            let old = record::get(store, txn, id)?;
            let (record, change) = revised(stored, old.as_ref(), now);
            changes.count(change);
            if change != Change::Unchanged {
                known += u32::from(change == Change::Updated);
                new.push((id, record));
            }
        }
        let mut gone = Vec::new();
        for id in forget.iter().collect::<BTreeSet<_>>() {
            let is_put = put.binary_search_by_key(&id, |stored| &stored.memory.id).is_ok();
            if !is_put && nodes::memory_number(store, txn, id.as_str())?.is_some() {
                changes.forgotten += 1;
                gone.push(id.as_str());
            }
        }
        if new.is_empty() && gone.is_empty() {
            return Ok(changes);
        }
        let writes = (new.len() + gone.len()) as u32;
        let after = state.memories.saturating_add(new.len() as u32 - known);
        if state.recent_writes.saturating_add(writes) > after / RECENT_SHARE {
            write_facts(store, txn, state, &new, &gone)?;
            let packed = Packed::build(store, txn, state)?;
            packed.write(store, txn, state, Vectors::ToWrite)?;
        } else {
            let mut writer = Writer::new(store);
            for id in gone {
                writer.forget(txn, state, id)?;
            }
            for (id, record) in &new {
                writer.forget(txn, state, id)?;
                writer.remember(txn, state, id, record)?;
            }
            state.recent_writes += writes;
        }
        Ok(changes)
    }

    /// Changes parts of a memory; what `change` leaves alone stays, as it is at that moment: nobody else writes
    /// in between. So `change` itself must not write to this store, which would wait for its own end.
    ///
    /// # Errors
    /// If no memory has the id, or as [`Engram::remember`].
    pub fn update(&self, id: &MemoryId, change: impl FnOnce(&mut NewMemory)) -> Result<Change> {
        self.write(|store, txn, state| self.update_in(store, txn, state, id, change))
    }

    fn update_in(
        &self,
        store: &Store,
        txn: &mut RwTxn<'_>,
        state: &mut State,
        id: &MemoryId,
        change: impl FnOnce(&mut NewMemory),
    ) -> Result<Change> {
        let stored = get_in(store, txn, id, Some(&state.model))?;
        let mut stored = stored.ok_or_else(|| Error::UnknownId { id: id.clone() })?;
        change(&mut stored.memory);
        stored.memory.id = id.clone();
        let stored = [stored];
        check(&stored)?;
        let changes = self.apply_in(store, txn, state, &stored, &[])?;
        Ok(if changes.any() { Change::Updated } else { Change::Unchanged })
    }

    /// Associates one memory with another, in place of a link that was there.
    ///
    /// # Errors
    /// If either id is not in the store, or it cannot be written.
    pub fn link(&self, from: &MemoryId, to: &MemoryId, weight: Weight) -> Result<Change> {
        self.write(|store, txn, state| {
            if record::get(store, txn, to.as_str())?.is_none() {
                return Err(Error::UnknownId { id: to.clone() });
            }
            self.update_in(store, txn, state, from, |memory| {
                let target = LinkTarget::Id(to.clone());
                memory.links.retain(|link| link.to != target);
                memory.links.push(Link { to: target, weight });
            })
        })
    }

    /// Takes a memory out, with its words, names, vector and associations, from the next recall on.
    ///
    /// The file's free pages keep old bytes until they are written over; [`Engram::compact`] leaves them
    /// behind.
    ///
    /// # Errors
    /// If no memory has the id, or the store cannot be written.
    pub fn forget(&self, id: &MemoryId) -> Result<()> {
        let changes = self.apply(&[], std::slice::from_ref(id))?;
        if changes.forgotten == 0 { Err(Error::UnknownId { id: id.clone() }) } else { Ok(()) }
    }
}

/// Writes what was put in and leaves all that is derived to packing, which follows.
fn write_facts(
    store: &Store,
    txn: &mut RwTxn<'_>,
    state: &mut State,
    new: &[(&str, Record<'_>)],
    gone: &[&str],
) -> Result<()> {
    for id in gone.iter().chain(new.iter().map(|(id, _)| id)) {
        if let Some(old) = record::get(store, txn, id)? {
            links::remove(store, txn, id, &old)?;
            nodes::count_memory(store, txn, state, &old.namespace, -1)?;
            store.tables.memories.delete(txn, id.as_bytes())?;
        }
    }
    for (id, record) in new {
        store.tables.memories.put(txn, id.as_bytes(), &record.bytes())?;
        links::put(store, txn, id, record)?;
        nodes::count_memory(store, txn, state, &record.namespace, 1)?;
    }
    Ok(())
}

/// Refuses memories that are not fit to be stored.
fn check(put: &[StoredMemory]) -> Result<()> {
    for stored in put {
        stored.memory.check()?;
        stored.history.check()?;
    }
    Ok(())
}

/// Of memories with the same id the last, in the order of the ids.
fn last_of_each(memories: &[StoredMemory]) -> Vec<&StoredMemory> {
    let mut sorted: Vec<&StoredMemory> = memories.iter().rev().collect();
    sorted.sort_by_key(|stored| &stored.memory.id); // stable: the last given comes first
    sorted.dedup_by_key(|stored| &stored.memory.id);
    sorted
}

/// The record that a memory becomes beside the one that its id has now.
fn revised<'a>(stored: &'a StoredMemory, old: Option<&Record<'_>>, now: Time) -> (Record<'a>, Change) {
    let Some(old) = old else {
        return (Record::of(&stored.memory, &stored.history, now), Change::Added);
    };
    // What recalling has left behind stays, unless the memory brings a history of its own.
    let history = if stored.history == History::default() { old.history() } else { stored.history };
    let made = stored.memory.made.unwrap_or(Time::from_milliseconds(old.made));
    let mut new = Record::of(&stored.memory, &history, made);
    if new == *old {
        return (new, Change::Unchanged);
    }
    new.made = stored.memory.made.unwrap_or(now).milliseconds();
    (new, Change::Updated)
}
