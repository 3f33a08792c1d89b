//! The handle to a store: opening it, reading memories, and the one door for changes.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use engram_kernels::Spreading;
use heed::RwTxn;
use tracing::debug_span;

use crate::error::{Error, Result};
use crate::index::marks::Marks;
use crate::memory::{MemoryId, StoredMemory};
use crate::store::record::{self, Record};
use crate::store::state::{self, Model, State};
use crate::store::tables::Store;
use crate::text::percent_decoded;
use crate::vector_model::{VectorModel, stored_model};

/// How many bytes of memories one commit of a long import takes in at least.
pub(crate) const PORTION_BYTES: usize = 16 << 20;

/// An associative memory: a store on disk, open.
///
/// A handle can be shared between threads, and a store between processes: readers never wait, writers take
/// turns. Each call is one transaction: it is done wholly or not at all, and what it returned is on disk. Only
/// [`Engram::remember_all`] and [`Engram::import`] commit in portions.
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
    pub(crate) portion_bytes: usize,
}

impl fmt::Debug for Engram {
    /// Where the store lies; what it holds is on disk, and [`Engram::stats`] tells.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engram").field("folder", &self.folder()).finish_non_exhaustive()
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
        engram.settle_model(&stored_model(model)?)?;
        Ok(engram)
    }

    fn new(store: Store) -> Result<Self> {
        // Whether this build can read the store shows at once, not at the first recall.
        let txn = store.read()?;
        state::read(&store, &txn)?;
        drop(txn);
        Ok(Self { store, scratch: Mutex::default(), marks: Mutex::default(), portion_bytes: PORTION_BYTES })
    }

    /// Sets how many bytes of memories (texts, vectors and all) one commit of [`Engram::remember_all`] takes in
    /// at least, 16 MiB at first. Smaller portions lose less when the process is killed, and cost more time.
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

    /// The memory with this id.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn get(&self, id: &MemoryId) -> Result<Option<StoredMemory>> {
        let txn = self.store.read()?;
        let model = state::read(&self.store, &txn)?.map(|state| state.model);
        self.get_in(&txn, id, model.as_ref())
    }

    /// The id that a person means by what they typed: as it is, or as [`MemoryId::shown`] writes it. Where the store
    /// holds neither, it is the id as it was typed.
    ///
    /// # Errors
    /// If it can be no id, or the store cannot be read.
    pub fn resolve(&self, typed: &str) -> Result<MemoryId> {
        let id = MemoryId::existing(typed)?;
        let txn = self.store.read()?;
        let is_there = |id: &MemoryId| -> Result<bool> {
            let found = self.store.tables.memories.get(&txn, id.as_str().as_bytes());
            Ok(found.map_err(|e| self.store.fail(e))?.is_some())
        };
        if !is_there(&id)?
            && let Some(hidden) = percent_decoded(typed).and_then(|id| MemoryId::existing(id).ok())
            && hidden.shown() == typed
            && is_there(&hidden)?
        {
            return Ok(hidden);
        }
        Ok(id)
    }

    /// The memory with this id, as a transaction sees it.
    pub(crate) fn get_in(
        &self,
        txn: &heed::RoTxn<'_>,
        id: &MemoryId,
        model: Option<&Model>,
    ) -> Result<Option<StoredMemory>> {
        let record = record::get(&self.store, txn, id.as_str())?;
        record.map(|record| stored(&self.store, id.clone(), &record, model)).transpose()
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
        let id = std::str::from_utf8(id).ok().and_then(|id| MemoryId::existing(id).ok());
        let id = id.ok_or_else(|| self.store.damaged("an id cannot be read"))?;
        let record = Record::read(bytes).map_err(|bad| bad.of(&self.store, id.as_str()))?;
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

    /// Runs a change in one transaction. A change that leaves the state as it was is not committed.
    pub(crate) fn write<R>(&self, change: impl FnOnce(&mut RwTxn<'_>, &mut State) -> Result<R>) -> Result<R> {
        let mut txn = self.store.write()?;
        let before = state::read(&self.store, &txn)?;
        let before = match before {
            Some(state) => state,
            None => State::new(stored_model(&VectorModel::RandomIndexing)?),
        };
        let mut state = before.clone();
        let result = change(&mut txn, &mut state)?;
        if before != state {
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

fn stored(store: &Store, id: MemoryId, record: &Record<'_>, model: Option<&Model>) -> Result<StoredMemory> {
    let history = record.history();
    let text = id.to_string();
    let memory = record
        .to_memory(id)
        .ok_or_else(|| store.damaged(format!("the memory {text} has an impossible field")))?;
    let model = model.filter(|model| model.given && memory.vector.is_some()).map(|model| model.name.clone());
    Ok(StoredMemory { memory, history, model })
}
