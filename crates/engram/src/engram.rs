//! The handle to a store: opening it, reading memories, and the one door for changes.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use engram_kernels::Spreading;
use tracing::debug_span;

use crate::embedding::{Embedder, MissingVectors};
use crate::error::{Error, Result};
use crate::index::marks::Marks;
use crate::memory::{MemoryId, StoredMemory};
use crate::store::folder::{Root, Trust};
use crate::store::record::{self, BadRecord, Record};
use crate::store::state::{self, Model, State};
use crate::store::tables::Store;
use crate::store::write_txn::WriteTxn;
use crate::text::percent_decoded;
use crate::vector_model::{VectorModel, stored_model};

/// How many bytes of memories one commit of a long import takes in at least.
pub(crate) const PORTION_BYTES: usize = 128 << 20;

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
    root: Root,
    trust: Trust,
    check_pages: bool,
    /// The newest generation that this handle has seen.
    current: Mutex<Store>,
    scratch: Mutex<Vec<Spreading>>,
    /// What was written since blocks were packed, by the latest recall that asked.
    marks: Mutex<Arc<Marks>>,
    pub(crate) portion_bytes: usize,
    /// The model that embeds what comes in, and cues.
    pub(crate) embedder: Option<Arc<dyn Embedder>>,
    pub(crate) missing_vectors: Mutex<Option<MissingVectors>>,
}

/// How a store is opened.
///
/// ```
/// use engram::{Engram, OpenOptions};
///
/// let folder = tempfile::tempdir()?;
/// let memory = OpenOptions::new().create(true).open(folder.path().join("store"))?;
/// assert!(memory.folder().ends_with("store"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct OpenOptions {
    create: bool,
    trust: Trust,
    follow: bool,
    check_pages: bool,
    pub(crate) embedder: Option<Arc<dyn Embedder>>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { create: false, trust: Trust::Private, follow: true, check_pages: false, embedder: None }
    }
}

impl OpenOptions {
    /// Opens a store that is there, of this user's own.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the store, and the folders that lead to it, where there is none.
    #[must_use]
    pub fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Leaves owners and permissions alone, for a store that several users share on purpose.
    ///
    /// Otherwise the store's folder must belong to this user. It is made so that nobody else can enter it (0700),
    /// and its files so that nobody else can read them (0600).
    #[must_use]
    pub fn shared(mut self, shared: bool) -> Self {
        self.trust = if shared { Trust::Shared } else { Trust::Private };
        self
    }

    /// Refuses a path that is itself a symbolic link, for a store in a folder that others may write to. Links within
    /// the store's folder are always refused.
    #[must_use]
    pub fn no_follow(mut self, no_follow: bool) -> Self {
        self.follow = !no_follow;
        self
    }

    /// Walks all pages of the store's file when it is opened, by plain reads, unless it is as it was when that was done
    /// last. Damage within a page that LMDB itself goes by is an error then, and cannot end the process or corrupt its
    /// memory. The `engram` command does so.
    ///
    /// What was walked is noted in the store's folder, and so is each commit after it. Cost where it was not: reading the
    /// file's trees, without long values; otherwise some microseconds.
    #[must_use]
    pub fn check_pages(mut self, check_pages: bool) -> Self {
        self.check_pages = check_pages;
        self
    }

    pub(crate) fn trust(&self) -> Trust {
        self.trust
    }

    pub(crate) fn follows(&self) -> bool {
        self.follow
    }

    /// Opens the store in a folder. Cost: under a millisecond, at any size.
    ///
    /// # Errors
    /// If there is none and none is to be made; if it is damaged, of a newer format, or may not be written (readers
    /// register themselves in its lock file); if the folder is another user's, or holds links where the store has its
    /// files.
    pub fn open(&self, folder: impl AsRef<Path>) -> Result<Engram> {
        let root = Root::open(folder.as_ref(), self.create, self.follow, self.trust)?;
        let engram = Engram::new(root, self)?;
        match &self.embedder {
            Some(embedder) => engram.with_embedder(Arc::clone(embedder)),
            None => Ok(engram),
        }
    }
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
    /// As [`OpenOptions::open`].
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        OpenOptions::new().open(folder)
    }

    /// Opens the store in a folder, or makes one with the default vector model where there is none.
    ///
    /// # Errors
    /// As [`OpenOptions::open`], and if the folder cannot be made.
    pub fn create(folder: impl AsRef<Path>) -> Result<Self> {
        OpenOptions::new().create(true).open(folder)
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

    fn new(root: Root, options: &OpenOptions) -> Result<Self> {
        let OpenOptions { create, trust, check_pages, .. } = *options;
        let store = Store::open(&root.path, create, trust)?;
        if check_pages {
            store.check_pages_once()?;
        }
        // Whether this build can read the store shows at once, not at the first recall.
        let txn = store.read()?;
        state::read(&store, &txn)?;
        drop(txn);
        Ok(Self {
            root,
            trust,
            check_pages,
            current: Mutex::new(store),
            scratch: Mutex::default(),
            marks: Mutex::default(),
            portion_bytes: PORTION_BYTES,
            embedder: None,
            missing_vectors: Mutex::default(),
        })
    }

    /// Makes the store of a draft, a folder in which the next generation of another store is written.
    pub(crate) fn open_draft(folder: &Path, trust: Trust) -> Result<Self> {
        Self::new(
            Root::open(folder, false, false, trust)?,
            &OpenOptions { trust, create: true, ..OpenOptions::default() },
        )
    }

    /// The newest generation of the store. Cost: a look at the store's folder, a microsecond.
    pub(crate) fn store(&self) -> Result<Store> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.environment.is_superseded()? {
            let newest = Store::open(&self.root.path, false, self.trust)?;
            if self.check_pages {
                newest.check_pages_once()?;
            }
            *current = newest;
        }
        Ok(current.clone())
    }

    /// Who may use the store.
    pub(crate) fn trust(&self) -> Trust {
        self.trust
    }

    /// Whether others could enter the store's folder until this handle was opened, which has made it private.
    #[must_use]
    pub fn was_made_private(&self) -> bool {
        self.root.tightened
    }

    /// Sets how many bytes of memories (texts, vectors and all) one commit of [`Engram::remember_all`] takes in
    /// at least, 128 MiB at first. Smaller portions lose less when the process is killed, and cost more time.
    #[must_use]
    pub fn with_portion_bytes(mut self, bytes: usize) -> Self {
        self.portion_bytes = bytes.max(1);
        self
    }

    /// The folder that the store lies in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.root.path
    }

    /// The memory with this id.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn get(&self, id: &MemoryId) -> Result<Option<StoredMemory>> {
        let store = self.store()?;
        let txn = store.read()?;
        let model = state::read(&store, &txn)?.map(|state| state.model);
        get_in(&store, &txn, id, model.as_ref())
    }

    /// The id that a person means by what they typed: as it is, or as [`MemoryId::shown`] writes it. Where the store
    /// holds neither, it is the id as it was typed.
    ///
    /// # Errors
    /// If it can be no id, or the store cannot be read.
    pub fn resolve(&self, typed: &str) -> Result<MemoryId> {
        let id = MemoryId::existing(typed)?;
        let store = self.store()?;
        let txn = store.read()?;
        let is_there = |id: &MemoryId| -> Result<bool> {
            Ok(store.tables.memories.get(&txn, id.as_str().as_bytes())?.is_some())
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

    /// Calls `each` with every memory, by id, or with why it cannot be read.
    pub(crate) fn for_each_readable<E: From<Error>>(
        &self,
        mut each: impl FnMut(Result<StoredMemory>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let store = self.store()?;
        let txn = store.read()?;
        let model = state::read(&store, &txn)?.map(|state| state.model);
        for entry in store.tables.memories.iter_checked(&txn)? {
            let (id, value) = entry?;
            each(read_memory(store.folder(), id, value, model.as_ref()))?;
        }
        Ok(())
    }

    /// Runs a change in one transaction. Whoever writes anything makes a new version of the state; a change that writes
    /// nothing, or abandons its transaction, is not committed.
    pub(crate) fn write<R>(
        &self,
        change: impl FnOnce(&Store, &mut WriteTxn<'_>, &mut State) -> Result<R>,
    ) -> Result<R> {
        self.with_write_lock(|store, mut txn| {
            let before = match state::read(store, &txn)? {
                Some(state) => state,
                None => new_state(store)?,
            };
            let mut state = before.clone();
            let result = change(store, &mut txn, &mut state)?;
            if !txn.is_abandoned() && (txn.has_written() || before != state) {
                state.version += 1;
                state::write(store, &mut txn, &state)?;
                debug_span!("commit").in_scope(|| store.commit(txn))?;
            }
            Ok(result)
        })
    }

    /// Runs something in a write transaction of the newest generation, of which none comes after it meanwhile.
    pub(crate) fn with_write_lock<R>(
        &self,
        run: impl FnOnce(&Store, WriteTxn<'_>) -> Result<R>,
    ) -> Result<R> {
        loop {
            let store = self.store()?;
            let txn = store.write()?;
            // While this waited for its turn, the store may have moved on; under the lock it does not.
            if !store.environment.is_superseded()? {
                return run(&store, txn);
            }
        }
    }

    /// What was written since blocks were packed, read again only where something was written meanwhile.
    pub(crate) fn marks(&self, store: &Store, txn: &heed::RoTxn<'_>, state: &State) -> Result<Arc<Marks>> {
        let mut kept = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        // The first state of a store has version 1, so what a new handle starts with fits none.
        if kept.version != state.version {
            *kept = Arc::new(Marks::read(store, txn, state)?);
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
        let enough = (nodes + nodes / 16 + 64).min(u32::MAX as usize);
        let mut scratch = found.unwrap_or_else(|| Spreading::new(enough));
        let result = run(&mut scratch);
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        result
    }
}

/// The state of a store that nothing was written to.
pub(crate) fn new_state(store: &Store) -> Result<State> {
    Ok(State::new(state::packing_format(store), stored_model(&VectorModel::RandomIndexing)?))
}

/// The memory with this id, as a transaction sees it.
pub(crate) fn get_in(
    store: &Store,
    txn: &heed::RoTxn<'_>,
    id: &MemoryId,
    model: Option<&Model>,
) -> Result<Option<StoredMemory>> {
    let record = record::get(store, txn, id.as_str())?;
    record.map(|record| stored(store.folder(), id.clone(), &record, model)).transpose()
}

/// Reads a row of the memories of the store in `root`, whose value is `None` where it is not what was written.
pub(crate) fn read_memory(
    root: &Path,
    id: &[u8],
    value: Option<&[u8]>,
    model: Option<&Model>,
) -> Result<StoredMemory> {
    let damaged = |what| Error::Damaged { path: root.to_owned(), what };
    let id = std::str::from_utf8(id).ok().and_then(|id| MemoryId::existing(id).ok());
    let id = id.ok_or_else(|| damaged("an id cannot be read".to_owned()))?;
    let record = value.ok_or(BadRecord::Checksum).and_then(Record::read);
    let record = record.map_err(|bad| damaged(bad.sentence(id.as_str())))?;
    stored(root, id, &record, model)
}

fn stored(root: &Path, id: MemoryId, record: &Record<'_>, model: Option<&Model>) -> Result<StoredMemory> {
    let history = record.history();
    let text = id.to_string();
    let memory = record.to_memory(id).ok_or_else(|| {
        let what = format!("the memory {text} has an impossible field");
        Error::Damaged { path: root.to_owned(), what }
    })?;
    let model = model.filter(|model| model.given && memory.vector.is_some()).map(|model| model.name.clone());
    Ok(StoredMemory { memory, history, model })
}
