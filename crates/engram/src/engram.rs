//! The handle to a store: opening it, putting memories in, changing them, taking them out.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use engram_kernels::Spreading;
use heed::RwTxn;
use tracing::debug_span;

use crate::error::{Error, Result};
use crate::index::links;
use crate::index::packed::{Packed, Vectors};
use crate::index::recent::Writer;
use crate::memory::{History, Link, LinkTarget, MemoryId, NewMemory, StoredMemory, Weight};
use crate::random_indexing;
use crate::recall::view::Marks;
use crate::store::nodes;
use crate::store::record::Record;
use crate::store::state::{self, Model, State};
use crate::store::tables::Store;
use crate::time::Time;

/// Recent writes may make up this share of a store before it is consolidated: a twentieth.
const RECENT_SHARE: u32 = 20;
/// How much text one commit of a long import takes in at least.
const PORTION_BYTES: usize = 16 << 20;

/// An associative memory: a store on disk, open.
///
/// A handle can be shared between threads, and a store between processes: readers never wait, writers take
/// turns. Each call is one transaction: it is done wholly or not at all, and what it returned is on disk.
///
/// ```
/// use engram::{Cue, Engram, NewMemory};
///
/// let folder = tempfile::tempdir()?;
/// let memory = Engram::create(folder.path().join("store"))?;
/// let mut note = NewMemory::new("rogers".parse()?, "Carl Rogers founded person-centred therapy.");
/// note.title = Some("Carl Rogers".into());
/// memory.remember(&note)?;
///
/// let recollection = memory.recall(&Cue::new("who founded person-centred therapy?"))?;
/// assert_eq!(recollection.hits[0].id.as_str(), "rogers");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Engram {
    pub(crate) store: Store,
    scratch: Mutex<Vec<Spreading>>,
    /// What was written since blocks were packed, by the latest recall that asked.
    marks: Mutex<Arc<Marks>>,
    portion_bytes: usize,
}

impl fmt::Debug for Engram {
    /// Where the store lies; what it holds is on disk, and [`Engram::stats`] tells.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engram").field("folder", &self.folder()).finish_non_exhaustive()
    }
}

/// Where the vectors of a store come from; settled when the store is made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum VectorModel {
    /// Learnt from the store's own texts by random indexing: nothing to download.
    #[default]
    RandomIndexing,
    /// Memories and cues bring vectors from a model of your own.
    Given {
        /// The model's name, so that vectors of different models are never mixed unnoticed.
        name: String,
        /// The dimension of its vectors, 1 to 65,536.
        dimensions: u32,
    },
}

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
    /// Opens the store in a folder. Cost: under a millisecond, at any size.
    ///
    /// # Errors
    /// If there is none, it is damaged or of a newer format, or the folder may not be written (readers
    /// register themselves in its lock file).
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        Self::new(Store::open(folder.as_ref(), false)?)
    }

    /// Opens the store in a folder, or makes one with the default vector model where there is none.
    ///
    /// # Errors
    /// As [`Engram::open`], and if the folder cannot be made.
    pub fn create(folder: impl AsRef<Path>) -> Result<Self> {
        Self::new(Store::open(folder.as_ref(), true)?)
    }

    /// Opens the store in a folder, or makes one for the given model.
    ///
    /// # Errors
    /// As [`Engram::create`]; also if there is a store with another model.
    pub fn create_with(folder: impl AsRef<Path>, model: &VectorModel) -> Result<Self> {
        let engram = Self::create(folder)?;
        let wanted = stored_model(model)?;
        engram.write(|_, state| {
            if state.version == 0 {
                state.model = wanted.clone();
                return Ok(());
            }
            if state.model == wanted {
                return Ok(());
            }
            Err(Error::OtherModel { found: state.model.to_string(), wanted: wanted.to_string() })
        })?;
        Ok(engram)
    }

    fn new(store: Store) -> Result<Self> {
        // Whether this build can read the store shows at once, not at the first recall.
        let txn = store.read()?;
        state::read(&store, &txn)?;
        drop(txn);
        Ok(Self { store, scratch: Mutex::default(), marks: Mutex::default(), portion_bytes: PORTION_BYTES })
    }

    /// Sets how much text one commit of [`Engram::remember_all`] takes in at least (16 MiB at first). Smaller
    /// portions lose less when the process is killed, and cost more time.
    #[must_use]
    pub fn with_portion_bytes(mut self, bytes: usize) -> Self {
        self.portion_bytes = bytes.max(1);
        self
    }

    /// The folder that the store lies in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.store.environment.folder
    }

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
            bytes += memory.memory.text.len() + 64;
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

    /// Each commit of a long import packs the whole store again, so portions grow with the store.
    fn portion_limit(&self) -> Result<usize> {
        let txn = self.store.read()?;
        let terms = state::read(&self.store, &txn)?.map_or(0, |state| state.terms);
        Ok(self.portion_bytes.max(if self.portion_bytes < PORTION_BYTES { 0 } else { terms as usize * 4 }))
    }

    /// Puts memories in and takes memories out in one transaction. Ids to forget that are not there are
    /// passed over. An id that is put in twice ends as the last.
    ///
    /// # Errors
    /// As [`Engram::remember`]; nothing is changed then.
    pub fn apply(&self, put: &[StoredMemory], forget: &[MemoryId]) -> Result<Changes> {
        for stored in put {
            stored.memory.check()?;
            stored.history.check()?;
        }
        let now = Time::now();
        self.write(|txn, state| {
            let mut changes = Changes::default();
            if state.version == 0
                && let Some(model) = put.iter().find_map(model_of)
            {
                state.model = model;
            }
            let (mut new, mut known) = (Vec::new(), 0_u32);
            for stored in last_of_each(put) {
                let id = stored.memory.id.as_str();
                check_vector(stored, &state.model)?;
                let old = record(&self.store, txn, id)?;
                let (record, change) = revised(stored, old.as_ref(), now);
                changes.count(change);
                if change != Change::Unchanged {
                    known += u32::from(change == Change::Updated);
                    new.push((id, record));
                }
            }
            let mut gone = Vec::new();
            for id in forget {
                if nodes::memory_number(&self.store, txn, id.as_str())?.is_some() {
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
                self.write_facts(txn, state, &new, &gone)?;
                let packed = Packed::build(&self.store, txn, state)?;
                packed.write(&self.store, txn, state, Vectors::ToWrite)?;
            } else {
                let mut writer = Writer::new(&self.store);
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
        })
    }

    /// Writes what was put in and leaves all that is derived to packing, which follows.
    fn write_facts(
        &self,
        txn: &mut RwTxn<'_>,
        state: &mut State,
        new: &[(&str, Record<'_>)],
        gone: &[&str],
    ) -> Result<()> {
        let store = &self.store;
        for id in gone.iter().chain(new.iter().map(|(id, _)| id)) {
            if let Some(old) = record(store, txn, id)? {
                links::remove(store, txn, id, &old)?;
                nodes::count_memory(store, txn, state, &old.namespace, -1)?;
                store.tables.memories.delete(txn, id.as_bytes()).map_err(|e| store.fail(e))?;
            }
        }
        for (id, record) in new {
            store.tables.memories.put(txn, id.as_bytes(), &record.bytes()).map_err(|e| store.fail(e))?;
            links::put(store, txn, id, record)?;
            nodes::count_memory(store, txn, state, &record.namespace, 1)?;
        }
        Ok(())
    }

    /// Changes parts of a memory; what `change` leaves alone stays.
    ///
    /// # Errors
    /// If no memory has the id, or as [`Engram::remember`].
    pub fn update(&self, id: &MemoryId, change: impl FnOnce(&mut NewMemory)) -> Result<Change> {
        let mut stored = self.get(id)?.ok_or_else(|| Error::UnknownId { id: id.clone() })?;
        change(&mut stored.memory);
        stored.memory.id = id.clone();
        let changes = self.apply(&[stored], &[])?;
        Ok(if changes.any() { Change::Updated } else { Change::Unchanged })
    }

    /// Associates one memory with another, in place of a link that was there.
    ///
    /// # Errors
    /// If either id is not in the store, or it cannot be written.
    pub fn link(&self, from: &MemoryId, to: &MemoryId, weight: Weight) -> Result<Change> {
        if self.get(to)?.is_none() {
            return Err(Error::UnknownId { id: to.clone() });
        }
        self.update(from, |memory| {
            let target = LinkTarget::Id(to.clone());
            memory.links.retain(|link| link.to != target);
            memory.links.push(Link { to: target, weight });
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

    /// The memory with this id.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn get(&self, id: &MemoryId) -> Result<Option<StoredMemory>> {
        let txn = self.store.read()?;
        let Some(record) = record(&self.store, &txn, id.as_str())? else { return Ok(None) };
        let model = state::read(&self.store, &txn)?.map(|state| state.model);
        stored(&self.store, id.clone(), &record, model.as_ref()).map(Some)
    }

    /// Calls `each` with every memory, by id.
    ///
    /// # Errors
    /// If the store cannot be read, or the first error of `each`.
    pub fn for_each<E: From<Error>>(
        &self,
        mut each: impl FnMut(StoredMemory) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        self.for_each_readable(|memory| each(memory?))
    }

    fn read_memory(&self, id: &[u8], bytes: &[u8], model: Option<&Model>) -> Result<StoredMemory> {
        let id = std::str::from_utf8(id).ok().and_then(|id| MemoryId::new(id).ok());
        let id = id.ok_or_else(|| self.store.damaged("an id cannot be read"))?;
        let record = Record::read(bytes)
            .map_err(|bad| self.store.damaged(format!("the memory {id} is unreadable: {bad}")))?;
        stored(&self.store, id, &record, model)
    }

    /// Calls `each` with every memory, by id, or with why it cannot be read.
    pub(crate) fn for_each_readable<E: From<Error>>(
        &self,
        mut each: impl FnMut(Result<StoredMemory>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let txn = self.store.read()?;
        let fail = |e| self.store.fail(e);
        let model = state::read(&self.store, &txn)?.map(|state| state.model);
        for entry in self.store.tables.memories.iter(&txn).map_err(fail)? {
            let (id, bytes) = entry.map_err(fail)?;
            each(self.read_memory(id, bytes, model.as_ref()))?;
        }
        Ok(())
    }

    /// The store's vector model; `None` while nothing was written.
    pub(crate) fn vector_model(&self) -> Result<Option<Model>> {
        let txn = self.store.read()?;
        Ok(state::read(&self.store, &txn)?.map(|state| state.model))
    }

    /// Runs a change in one transaction. A change that leaves the state as it was is not committed.
    pub(crate) fn write<R>(&self, change: impl FnOnce(&mut RwTxn<'_>, &mut State) -> Result<R>) -> Result<R> {
        let mut txn = self.store.write()?;
        let before = state::read(&self.store, &txn)?;
        let mut state = match &before {
            Some(state) => state.clone(),
            None => State::new(stored_model(&VectorModel::RandomIndexing)?),
        };
        let result = change(&mut txn, &mut state)?;
        if before.as_ref() != Some(&state) {
            state.version += 1;
            state::write(&self.store, &mut txn, &state)?;
            debug_span!("commit").in_scope(|| self.store.commit(txn))?;
        }
        Ok(result)
    }

    /// What was written since blocks were packed, read again only where something was written meanwhile.
    pub(crate) fn marks(&self, txn: &heed::RoTxn<'_>, state: &State) -> Result<Arc<Marks>> {
        let mut kept = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        // The first state of a store has version 1, so what a new handle starts with fits none.
        if kept.version != state.version {
            *kept = Arc::new(Marks::read(&self.store, txn, state)?);
        }
        Ok(Arc::clone(&kept))
    }

    /// Borrows scratch space for spreading over at least `nodes` nodes, kept from call to call.
    pub(crate) fn with_scratch<R>(&self, nodes: usize, run: impl FnOnce(&mut Spreading) -> R) -> R {
        let mut pool = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        let found = pool.iter().position(|scratch| scratch.nodes() >= nodes).map(|at| pool.swap_remove(at));
        pool.retain(|scratch| scratch.nodes() >= nodes);
        drop(pool);
        // Some more than needed, so that a few writes do not make it useless.
        let mut scratch = found.unwrap_or_else(|| Spreading::new(nodes + nodes / 16 + 64));
        let result = run(&mut scratch);
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        result
    }
}

/// Of memories with the same id the last, in the order of the ids.
fn last_of_each(memories: &[StoredMemory]) -> Vec<&StoredMemory> {
    let mut sorted: Vec<&StoredMemory> = memories.iter().rev().collect();
    sorted.sort_by_key(|stored| &stored.memory.id); // stable: the last given comes first
    sorted.dedup_by_key(|stored| &stored.memory.id);
    sorted
}

/// The record of an id.
pub(crate) fn record(store: &Store, txn: &heed::RoTxn<'_>, id: &str) -> Result<Option<Record<'static>>> {
    let Some(bytes) = store.tables.memories.get(txn, id.as_bytes()).map_err(|e| store.fail(e))? else {
        return Ok(None);
    };
    let record =
        Record::read(bytes).map_err(|bad| store.damaged(format!("the memory {id} is unreadable: {bad}")))?;
    Ok(Some(record.into_owned()))
}

fn stored(store: &Store, id: MemoryId, record: &Record<'_>, model: Option<&Model>) -> Result<StoredMemory> {
    let history = record.history();
    let text = id.to_string();
    let memory = record
        .to_memory(id)
        .ok_or_else(|| store.damaged(format!("the memory {text} has an impossible field")))?;
    let model = model.filter(|model| model.given && memory.vector.is_some()).map(|model| model.name.clone());
    Ok(StoredMemory { memory, history, model })
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

fn stored_model(model: &VectorModel) -> Result<Model> {
    match model {
        VectorModel::RandomIndexing => Ok(Model {
            given: false,
            name: random_indexing::NAME.into(),
            dimensions: random_indexing::DIMENSIONS as u32,
        }),
        VectorModel::Given { name, dimensions } => {
            if !(1..=65_536).contains(dimensions) {
                let value = dimensions.to_string();
                return Err(Error::Parameter { name: "dimensions", value, bound: "from 1 to 65536" });
            }
            Ok(Model { given: true, name: name.clone(), dimensions: *dimensions })
        }
    }
}

/// The model that a new store gets when its first vector comes with a memory.
pub(crate) fn model_of(stored: &StoredMemory) -> Option<Model> {
    let dimensions = stored.memory.vector.as_ref()?.len() as u32;
    let name = stored.model.clone().unwrap_or_else(|| "given".into());
    (1..=65_536).contains(&dimensions).then_some(Model { given: true, name, dimensions })
}

/// Refuses a vector that does not fit the store's model.
pub(crate) fn check_vector(stored: &StoredMemory, model: &Model) -> Result<()> {
    let Some(vector) = &stored.memory.vector else { return Ok(()) };
    let what = format!("the memory {}", stored.memory.id);
    if !model.given {
        return Err(Error::OwnVectors { what, model: model.name.clone() });
    }
    if vector.len() != model.dimensions as usize {
        let (found, expected) = (vector.len(), model.dimensions as usize);
        return Err(Error::Dimension { what, found, model: model.name.clone(), expected });
    }
    match &stored.model {
        Some(wanted) if *wanted != model.name => {
            Err(Error::OtherModel { found: model.to_string(), wanted: wanted.clone() })
        }
        _ => Ok(()),
    }
}
