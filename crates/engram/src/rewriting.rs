//! Rewriting: a new generation of the store made of its facts alone, with everything else derived anew.
//!
//! A store of an older format becomes one of today's this way, and what a damaged file still holds gets a sound one.

use std::fs;
use std::path::Path;

use heed::RoTxn;
use tracing::debug_span;

use crate::compaction::finish;
use crate::engram::Engram;
use crate::error::{Error, Result};
use crate::progress::{Monitor, Stage};
use crate::rebuild::accounts;
use crate::store::folder::Trust;
use crate::store::generation::{Draft, Maker};
use crate::store::open::{DATA_FILE, LOCK_FILE};
use crate::store::opening::OPENING_LOCK;
use crate::store::state::{self, State};
use crate::store::tables::Store;
use crate::store::write_txn::WriteTxn;

/// The bytes of facts that one transaction writes, and holds in memory until it is done.
const PORTION_BYTES: usize = 32 << 20;

/// A table's row: key and value.
pub(crate) type Fact<'t> = (&'t [u8], &'t [u8]);

/// What a store is made of, from which everything else follows.
pub(crate) struct Facts<M, F> {
    /// The memories, by id: ids and records.
    pub(crate) memories: M,
    /// A vault's accounts of its files.
    pub(crate) files: F,
    /// The rows of `meta` but for the state.
    pub(crate) meta: Vec<(Vec<u8>, Vec<u8>)>,
    /// The state, of which the vector model counts, and how often it was changed.
    pub(crate) state: State,
}

/// Writes a store into a new draft: its facts, and all that is derived from them.
pub(crate) fn rewrite<'t>(
    maker: &Maker,
    trust: Trust,
    facts: Facts<impl Iterator<Item = Result<Fact<'t>>>, impl Iterator<Item = Result<Fact<'t>>>>,
    monitor: &Monitor,
) -> Result<Draft> {
    let draft = maker.make(trust)?;
    rewrite_into(&draft.folder, trust, facts, monitor)?;
    Ok(draft)
}

/// Writes a store into an empty folder: its facts, and all that is derived from them. It is on disk then, and checked, and
/// holds nothing but what it says.
pub(crate) fn rewrite_into<'t>(
    folder: &Path,
    trust: Trust,
    facts: Facts<impl Iterator<Item = Result<Fact<'t>>>, impl Iterator<Item = Result<Fact<'t>>>>,
    monitor: &Monitor,
) -> Result<()> {
    let _span = debug_span!("rewriting").entered();
    // The folder is a store of its own until it becomes a generation of another.
    let target = Engram::open_draft(folder, trust)?;
    let store = target.store()?;
    let tables = &store.tables;
    // Memories without a state would be damage.
    target.write(|_, _, state| {
        state.model = facts.state.model.clone();
        state.version = 1;
        Ok(())
    })?;
    let mut writing = Portions { store: &store, txn: None, bytes: 0 };
    monitor.begin(Stage::Gathering, u64::from(facts.state.memories))?;
    let mut steps = monitor.steps();
    for row in facts.memories {
        writing.put(&tables.memories, row?)?;
        steps.count()?;
    }
    for row in facts.files {
        writing.put(&tables.files, row?)?;
    }
    for (key, value) in &facts.meta {
        writing.put(&tables.meta, (key, value))?;
    }
    writing.finish()?;
    drop(writing);
    target.with_write_lock(|store, mut txn| {
        accounts(store, &mut txn, monitor)?;
        let memories = u32::try_from(store.tables.memories.len(&txn)?).map_err(|_| Error::OutOfNumbers)?;
        state::write(store, &mut txn, &facts.state.of_facts(state::packing_format(store), memories))?;
        store.commit(txn)
    })?;
    target.pack(monitor)?;
    drop(store);
    drop(target);
    for name in [LOCK_FILE, OPENING_LOCK] {
        let lock = folder.join(name);
        fs::remove_file(&lock).map_err(|source| Error::File { action: "removed", path: lock, source })?;
    }
    let path = folder.join(DATA_FILE);
    let file = fs::File::options().write(true).open(&path);
    let file = file.map_err(|source| Error::File { action: "written", path, source })?;
    finish(folder, folder, file, trust, monitor)
}

/// The facts of a store as a transaction sees them.
pub(crate) fn facts_of<'t>(
    store: &'t Store,
    txn: &'t RoTxn<'_>,
    state: State,
) -> Result<Facts<impl Iterator<Item = Result<Fact<'t>>>, impl Iterator<Item = Result<Fact<'t>>>>> {
    let mut meta = Vec::new();
    for row in store.tables.meta.iter_stored(txn)? {
        let (key, stored) = row?;
        if state::is_kept(key) {
            let value = store.tables.meta.seal().open(key, stored);
            let value = value.ok_or_else(|| store.damaged(store.tables.meta.broken(key)))?;
            meta.push((key.to_vec(), value.to_vec()));
        }
    }
    Ok(Facts {
        memories: store.tables.memories.iter(txn)?,
        files: store.tables.files.iter(txn)?,
        meta,
        state,
    })
}

/// Writes in portions: nobody reads a draft, so it need not be written at once.
struct Portions<'s> {
    store: &'s Store,
    txn: Option<WriteTxn<'s>>,
    bytes: usize,
}

impl Portions<'_> {
    fn put(&mut self, table: &crate::store::table::Table, (key, value): Fact<'_>) -> Result<()> {
        if self.bytes > PORTION_BYTES {
            self.finish()?;
        }
        let txn = match &mut self.txn {
            Some(txn) => txn,
            None => self.txn.insert(self.store.write()?),
        };
        self.bytes += key.len() + value.len();
        table.put(txn, key, value)
    }

    fn finish(&mut self) -> Result<()> {
        self.bytes = 0;
        self.txn.take().map_or(Ok(()), |txn| self.store.commit(txn))
    }
}
