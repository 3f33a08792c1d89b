//! Looking after a store: what it holds, and rewriting its file without what was forgotten.

use std::fs::{self, File, OpenOptions};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use heed::CompactionOption;

use crate::engram::Engram;
use crate::error::{Error, Result};
use crate::store::{nodes, open, state};

/// How long to wait for this process's own mapping of the file to be closed.
const CLOSING_PATIENCE: Duration = Duration::from_secs(10);

/// What a store holds.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Memories.
    pub memories: u64,
    /// Names: titles, aliases, shared phrases.
    pub names: u64,
    /// Packed associations, each direction counted, and recent ones.
    pub associations: u64,
    /// Different terms in packed rows.
    pub terms: u64,
    /// Namespaces with the memories of each, by name.
    pub namespaces: Vec<(String, u64)>,
    /// The codes of the languages of the memories.
    pub languages: Vec<String>,
    /// The vector model's name.
    pub model: String,
    /// The vector model's dimension.
    pub dimensions: u32,
    /// How often blocks were packed.
    pub generation: u64,
    /// Memories written or forgotten since.
    pub recent_writes: u64,
    /// The size of the file in bytes, free pages included.
    pub bytes: u64,
}

impl Engram {
    /// What the store holds. Cost: the number of names.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn stats(&self) -> Result<Stats> {
        let store = &self.store;
        let txn = store.read()?;
        let Some(state) = state::read(store, &txn)? else { return Ok(Stats::default()) };
        let fail = |e| store.fail(e);
        let mut associations = store.tables.recent_edges.len(&txn).map_err(fail)?;
        for entry in store.tables.blocks.iter(&txn).map_err(fail)? {
            let (key, value) = entry.map_err(fail)?;
            if crate::store::block::kind_of(key) == Some(crate::store::block::BlockKind::Graph) {
                let block = crate::store::block::parse(value, crate::store::block::BlockKind::Graph);
                associations += block.map_or(0, |block| u64::from(block.width));
            }
        }
        let namespaces = nodes::namespaces(store, &txn)?;
        Ok(Stats {
            memories: u64::from(state.memories),
            names: store.tables.names.len(&txn).map_err(fail)?,
            associations,
            terms: store.tables.postings.len(&txn).map_err(fail)?,
            namespaces: namespaces
                .into_iter()
                .filter(|(_, entry)| entry.memories > 0)
                .map(|(name, entry)| (name, u64::from(entry.memories)))
                .collect(),
            languages: state.languages,
            model: state.model.name,
            dimensions: state.model.dimensions,
            generation: state.generation,
            recent_writes: u64::from(state.recent_writes),
            bytes: store.environment.env.real_disk_size().map_err(fail)?,
        })
    }

    /// Consolidates the store and rewrites its file without free pages, so that nothing of what was forgotten
    /// is left in it. Gives the bytes before and after.
    ///
    /// The new file takes the place of the old one at once and whole. Nobody else may have the store open,
    /// as they would go on with the old file.
    ///
    /// # Errors
    /// If another handle or process has the store open, or it cannot be written; the old file stays then.
    pub fn compact(self) -> Result<(u64, u64)> {
        self.consolidate()?;
        let before = self.store.environment.env.real_disk_size().map_err(|e| self.store.fail(e))?;
        let folder = self.store.environment.folder.clone();
        let in_use = || Error::InUse { path: folder.clone() };
        if Arc::strong_count(&self.store.environment) > 1 {
            return Err(in_use());
        }
        let new = folder.join("data.mdb.new");
        let written = |source| Error::File { action: "written", path: new.clone(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&new)
            .map_err(written)?;
        let old = fs::metadata(folder.join(open::DATA_FILE)).map_err(written)?;
        file.set_permissions(old.permissions()).map_err(written)?;
        // Taken first: what is written while the file is copied must not count as copied.
        let transaction = self.store.environment.env.info().last_txn_id as u64;
        let copied = self.store.environment.env.copy_to_file(&mut file, CompactionOption::Enabled);
        let done = copied
            .map_err(|e| self.store.fail(e))
            .and_then(|()| file.sync_all().map_err(written))
            .and_then(|()| {
                open::alone(|| {
                    // Another handle may have been opened while the copy was written.
                    if Arc::strong_count(&self.store.environment) > 1 {
                        return Err(in_use());
                    }
                    let closing = self.store.environment.env.clone().prepare_for_closing();
                    drop(self);
                    if !closing.wait_timeout(CLOSING_PATIENCE) {
                        return Err(in_use());
                    }
                    replace(&folder, &new, transaction)
                })
            });
        if done.is_err() {
            // The copy is of no use; that it stays behind would be no harm either.
            let _ = fs::remove_file(&new);
        }
        done?;
        let after = file.metadata().map_err(written)?.len();
        Ok((before, after))
    }
}

/// Puts the new file in place of the old one, if no other process has the store open and nothing was written
/// since.
fn replace(folder: &std::path::Path, new: &PathBuf, transaction: u64) -> Result<()> {
    let failed = |path: PathBuf| move |source| Error::File { action: "replaced", path, source };
    let in_use = || Error::InUse { path: folder.to_owned() };
    let lock_path = folder.join("lock.mdb");
    let lock = OpenOptions::new().read(true).write(true).open(&lock_path).map_err(failed(lock_path))?;
    // Every process that has the store open holds a shared lock on this file.
    #[cfg(unix)]
    rustix::fs::fcntl_lock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| in_use())?;
    if open::last_transaction(folder)? != Some(transaction) {
        return Err(in_use());
    }
    let data = folder.join(open::DATA_FILE);
    fs::rename(new, &data).map_err(failed(data))?;
    #[cfg(unix)]
    File::open(folder).and_then(|f| f.sync_all()).map_err(failed(folder.to_owned()))?;
    drop(lock);
    Ok(())
}
