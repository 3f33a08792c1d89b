//! Putting memories in, changing them, taking them out: each one transaction.

mod decided;
mod plan;
mod portion;

use std::borrow::Cow;
use std::cell::RefCell;

use heed::RoTxn;

use crate::embedding::{Embedding, embedded_text};
use crate::engram::{Engram, PORTION_BYTES, get_in};
use crate::error::{Error, Result};
use crate::index::packed::{Facts, Packed, Vectors};
use crate::index::recent;
use crate::index::work::{self, Halt};
use crate::memory::{History, Link, LinkTarget, MemoryId, NewMemory, StoredMemory, Weight};
use crate::progress::{Monitor, Progress, Stage, Watcher, watch};
use crate::store::record;
use crate::store::state::State;
use crate::store::tables::Store;
use crate::store::write_txn::WriteTxn;
pub(crate) use decided::{Besides, Decided, Held};
use plan::Plan;
pub(crate) use plan::write_facts;
pub(crate) use portion::Portion;

/// Recent writes may make up this share of a store before it is consolidated: a twentieth.
const RECENT_SHARE: u64 = 20;
/// Work of packing for which others need not wait: a tenth of a second.
const LONG: u64 = 100_000_000;

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
    /// As [`Engram::remember`]; [`Error::Incomplete`] if portions were committed before, which stay.
    pub fn remember_all<M: Into<StoredMemory>>(
        &self,
        memories: impl IntoIterator<Item = M>,
    ) -> Result<Changes> {
        let mut changes = Changes::default();
        let put = |portion: &mut Portion| self.apply_portion(portion, &[], &Monitor::unwatched());
        let memories = memories.into_iter().map(|memory| Ok(memory.into()));
        self.put_in_portions(memories, put, &mut |_| {}, &mut changes)
            .map_err(|error| error.after(changes))?;
        Ok(changes)
    }

    /// [`Engram::remember_all`], of memories that come with progress: the watcher is told of each stage.
    pub(crate) fn remember_watched(
        &self,
        memories: impl Iterator<Item = Result<StoredMemory>>,
        watcher: &mut Watcher<'_>,
    ) -> Result<Changes> {
        let mut changes = Changes::default();
        let watcher = RefCell::new(watcher);
        let put = |portion: &mut Portion| {
            watch(&mut **watcher.borrow_mut(), |monitor| self.apply_portion(portion, &[], monitor))
        };
        let mut embedded = |embedded| {
            let now = Progress { stage: Stage::Embedding, done: embedded, embedded, ..Progress::default() };
            // A call that is to end does so with the next portion: what the model is asked for is put in.
            let _ = (watcher.borrow_mut())(now);
        };
        self.put_in_portions(memories, put, &mut embedded, &mut changes)
            .map_err(|error| error.after(changes))?;
        Ok(changes)
    }

    /// Gathers memories up to the first error and lets `put` commit them portion by portion; adds to `changes` what each
    /// commit has done, and tells `embedded` how many memories have their vectors, where a model makes them.
    fn put_in_portions(
        &self,
        memories: impl Iterator<Item = Result<StoredMemory>>,
        mut put: impl FnMut(&mut Portion) -> Result<Changes>,
        embedded: &mut dyn FnMut(u64),
        changes: &mut Changes,
    ) -> Result<()> {
        let mut filling = self.filling()?;
        let mut put = |portion: &mut Portion, changes: &mut Changes| {
            *changes = changes.and(put(portion)?);
            match &mut filling {
                Some(filling) => filling.fill(self, portion.ids(), embedded),
                None => Ok(()),
            }
        };
        let mut portion = Portion::default();
        let mut limit = self.portion_limit()?;
        for memory in memories {
            let memory = memory?;
            check(std::slice::from_ref(&memory))?;
            portion.push(&memory);
            if portion.bytes() >= limit {
                put(&mut portion, changes)?;
                portion.clear();
                limit = self.portion_limit()?;
            }
        }
        put(&mut portion, changes)?;
        if let Some(filling) = filling {
            self.note_missing_vectors(filling.finish(self)?);
        }
        Ok(())
    }

    /// How many bytes of memories the next commit of a long import takes in. Each packs the whole store again, so
    /// portions grow with the store, unless they were made smaller.
    fn portion_limit(&self) -> Result<usize> {
        self.portion_limit_from(self.portion_bytes)
    }

    /// [`Engram::portion_limit`], where a commit takes in at least so many bytes unless portions were made smaller.
    pub(crate) fn portion_limit_from(&self, least: usize) -> Result<usize> {
        if self.portion_bytes < PORTION_BYTES {
            return Ok(self.portion_bytes);
        }
        let store = self.store()?;
        let txn = store.read()?;
        let stored = store.tables.memories.bytes(&txn)?;
        Ok(least.max(usize::try_from(stored).unwrap_or(usize::MAX)))
    }

    /// Puts memories in and takes memories out in one transaction. Ids to forget that are not there are
    /// passed over, and so are those that are put in as well. An id that is put in twice ends as the last.
    ///
    /// # Errors
    /// As [`Engram::remember`]; nothing is changed then.
    pub fn apply(&self, put: &[StoredMemory], forget: &[MemoryId]) -> Result<Changes> {
        check(put)?;
        let changes = self.apply_portion(&mut Portion::of(put), forget, &Monitor::unwatched())?;
        self.fill(put.iter().map(|stored| stored.memory.id.as_str()))?;
        Ok(changes)
    }

    /// [`Engram::apply`], of memories that were checked.
    fn apply_portion(
        &self,
        portion: &mut Portion,
        forget: &[MemoryId],
        monitor: &Monitor,
    ) -> Result<Changes> {
        portion.sort();
        let portion = &*portion;
        let decide = |_: &Store, _: &RoTxn<'_>| {
            Ok(Decided { portion: Held::Borrowed(portion), forget: Cow::Borrowed(forget), besides: () })
        };
        Ok(self.apply_decided(&decide, monitor)?.0)
    }

    /// Changes parts of a memory; what `change` leaves alone stays, as it is at that moment: nobody else writes
    /// in between. So `change` itself must not write to this store, which would wait for its own end.
    ///
    /// # Errors
    /// If no memory has the id, or as [`Engram::remember`].
    pub fn update(&self, id: &MemoryId, change: impl FnOnce(&mut NewMemory)) -> Result<Change> {
        let changed = self.write(|store, txn, state| self.update_in(store, txn, state, id, change))?;
        self.fill([id.as_str()])?;
        Ok(changed)
    }

    fn update_in(
        &self,
        store: &Store,
        txn: &mut WriteTxn<'_>,
        state: &mut State,
        id: &MemoryId,
        change: impl FnOnce(&mut NewMemory),
    ) -> Result<Change> {
        let stored = get_in(store, txn, id, Some(&state.model))?;
        let mut stored = stored.ok_or_else(|| Error::UnknownId { id: id.clone() })?;
        let before = (
            stored.memory.vector.clone(),
            embedded_text(stored.memory.title.as_deref(), &stored.memory.text),
        );
        change(&mut stored.memory);
        let memory = &mut stored.memory;
        let is_of_old_text =
            before.0 == memory.vector && before.1 != embedded_text(memory.title.as_deref(), &memory.text);
        if is_of_old_text && Embedding::read(store, txn, state)?.is_some() {
            memory.vector = None;
        }
        stored.memory.id = id.clone();
        let stored = [stored];
        check(&stored)?;
        let portion = Portion::of(&stored);
        let plan = Plan::new(store, txn, state, &portion, &[])?;
        in_turn(store, txn, state, &plan, &(), u64::MAX, &Monitor::unwatched())?;
        Ok(if plan.changes.any() { Change::Updated } else { Change::Unchanged })
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

/// Refuses memories that are not fit to be stored.
fn check(put: &[StoredMemory]) -> Result<()> {
    for stored in put {
        stored.memory.check()?;
        stored.history.check()?;
    }
    Ok(())
}

/// Whether so many writes, so many of them of new memories, make it time to pack the store again.
fn is_due(state: &State, writes: usize, new: usize) -> bool {
    let after = u64::from(state.memories) + new as u64;
    state.is_outdated() || u64::from(state.recent_writes) + writes as u64 > after / RECENT_SHARE
}

/// Writes what is planned in the transaction that it was planned in: beside the packed blocks where that is no more than
/// two fifths of the work of packing everything, and by packing everything otherwise, unless that is more work than
/// `patience`; then nothing is changed in the end, and it says so.
///
/// How much work it is shows only as it is done. So a write that ends in packing is at most two fifths more work than a
/// consolidation, and with what the estimates are wrong by, half as much again.
fn in_turn(
    store: &Store,
    txn: &mut WriteTxn<'_>,
    state: &mut State,
    plan: &Plan<'_>,
    besides: &impl Besides,
    patience: u64,
    monitor: &Monitor,
) -> Result<bool> {
    let changed = plan.changed();
    if changed.len() == 0 {
        besides.write(store, txn)?;
        return Ok(true);
    }
    state.model = plan.model.clone();
    let packing = work::packing(store, txn, state, plan.changes.added, plan.bytes())?;
    let mut is_begun = false;
    if !plan.is_due(state) && !state.is_sparse(store) {
        monitor.begin(Stage::Writing, 0)?;
        match recent::write(store, txn, state, changed, packing * 2 / 5) {
            Ok(_) => {
                besides.write(store, txn)?;
                monitor.begin(Stage::Committing, 0)?;
                return Ok(true);
            }
            Err(Halt::Failed(error)) => return Err(error),
            // What is half done, packing derives anew.
            Err(Halt::TooDear) => is_begun = true,
        }
    }
    if packing > patience {
        txn.abandon();
        return Ok(false);
    }
    pack(store, txn, state, plan, is_begun, monitor)?;
    besides.write(store, txn)?;
    monitor.begin(Stage::Committing, 0)?;
    Ok(true)
}

/// Writes what is planned by packing everything; some of it may have been written beside the packed blocks where that
/// `is_begun`.
fn pack(
    store: &Store,
    txn: &mut WriteTxn<'_>,
    state: &mut State,
    plan: &Plan<'_>,
    is_begun: bool,
    monitor: &Monitor,
) -> Result<()> {
    let changed = plan.changed();
    let packed = Packed::build(Facts { store, txn, changed }, state, monitor)?;
    monitor.begin(Stage::Gathering, u64::from(changed.len()))?;
    plan::write_facts(store, txn, changed, is_begun, monitor)?;
    packed.write(store, txn, state, Vectors::ToWrite, monitor)
}

#[cfg(test)]
mod tests;
