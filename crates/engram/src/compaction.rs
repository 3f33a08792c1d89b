//! Compaction: a new generation of the store without what was forgotten, made beside whoever uses the old one.
//!
//! ```text
//! one at a time, under the generation lock:
//!     consolidate
//!     three times at most, as long as others write meanwhile, and then once more while they wait:
//!         copy what is alive into a new file, check it, bring it to disk
//!         under the write lock: was nothing written since?  publish the new file as the next generation
//! ```
//!
//! Readers keep the generation that they have open, whoever writes moves on first, and the old file goes with the last
//! that has it open. See [`crate::store::generation`].

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use heed::CompactionOption;
use tracing::debug_span;

use crate::engram::Engram;
use crate::error::{Error, Result};
use crate::progress::{Answer, Monitor, Progress, Stage, watch};
use crate::rewriting;
use crate::store::folder::{self, Trust};
use crate::store::generation::{self, Draft, Maker};
use crate::store::open::DATA_FILE;
use crate::store::pages::{self, Contents, Damage, Header};
use crate::store::state;
use crate::store::tables::Store;
use crate::store::walked;
use crate::store::write_txn::WriteTxn;

/// How often a copy is made beside other writers before they have to wait.
const TRIES: usize = 3;

/// What a compaction has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compaction {
    /// The bytes of the store's file before.
    pub bytes_before: u64,
    /// And after.
    pub bytes_after: u64,
    /// Whether somebody, this process or another, still has the old file open. It goes with the last of them.
    pub old_file_is_open: bool,
}

impl Engram {
    /// Consolidates the store and rewrites its file without free pages, so that nothing of what was forgotten is left in
    /// it.
    ///
    /// Others may use the store meanwhile. The new file takes the place of the old one at once and whole; handles move on
    /// to it with their next call. Until then they keep the old file on the disk. Cost: a consolidation, and writing the
    /// file once; what others write meanwhile makes it start over, and the fourth time they wait.
    ///
    /// # Errors
    /// If the store cannot be read or written; it is as it was then.
    pub fn compact(&self) -> Result<Compaction> {
        self.compact_watched(&Monitor::unwatched())
    }

    /// [`Engram::compact`], which tells `progress` how far it has come and ends if that says so. The store may be
    /// consolidated then, and has the file that it had. See [`Engram::consolidate_with`] for what `progress` may do.
    ///
    /// # Errors
    /// As [`Engram::compact`]; [`Error::Cancelled`] if `progress` has ended it.
    pub fn compact_with<A: Answer>(&self, progress: &mut dyn FnMut(Progress) -> A) -> Result<Compaction> {
        watch(&mut |now| progress(now).flow(), |monitor| self.compact_watched(monitor))
    }

    fn compact_watched(&self, monitor: &Monitor) -> Result<Compaction> {
        let _span = debug_span!("compact").entered();
        self.consolidate_watched(monitor)?;
        let root = self.folder();
        let maker = Maker::begin(root, self.trust())?;
        let (bytes_before, bytes_after) = self.next_generation(&maker, &|store| {
            let draft = maker.make(self.trust())?;
            copy_into(store, &draft.folder, self.trust(), monitor)?;
            monitor.check()?;
            Ok(draft)
        })?;
        monitor.tell(Stage::Clearing, 0);
        // This handle lets go of the old file.
        drop(self.store()?);
        generation::remove_unused(root);
        let old_file_is_open = generation::newest(root).is_ok_and(|(_, has_others)| has_others);
        Ok(Compaction { bytes_before, bytes_after, old_file_is_open })
    }

    /// Takes a store of an older format to a generation of today's; says whether that was needed.
    pub(crate) fn upgrade(&self, monitor: &Monitor) -> Result<bool> {
        if self.store()?.is_sealed {
            return Ok(false);
        }
        let maker = Maker::begin(self.folder(), self.trust())?;
        // Another process may have done it meanwhile.
        if !self.store()?.is_sealed {
            self.next_generation(&maker, &|store| {
                let txn = store.read()?;
                let state = state::read(store, &txn)?;
                let state = state.ok_or_else(|| store.damaged("its state record is missing"))?;
                rewriting::rewrite(&maker, self.trust(), rewriting::facts_of(store, &txn, state)?, monitor)
            })?;
        }
        Ok(true)
    }

    /// Makes the next generation of what `build` writes. Gives the bytes of the file before and after.
    fn next_generation(&self, maker: &Maker, build: &dyn Fn(&Store) -> Result<Draft>) -> Result<(u64, u64)> {
        for _ in 0..TRIES {
            let store = self.store()?;
            // Taken first: what is written while the file is made must not count as being in it. And from a reader: the
            // header page shows a commit already while it goes to disk, when readers do not see it yet.
            let last = store.read()?.id();
            let draft = build(&store)?;
            let done = self.with_write_lock(|newest, txn| {
                let is_whole = newest.is_same(&store) && txn.id() == last + 1;
                if is_whole { publish(newest, txn, maker, draft).map(Some) } else { Ok(None) }
            })?;
            if let Some(done) = done {
                return Ok(done);
            }
        }
        self.with_write_lock(|store, txn| {
            let draft = build(store)?;
            publish(store, txn, maker, draft)
        })
    }
}

/// Copies what is alive in a store into a new file in a folder, on disk and checked.
pub(crate) fn copy_into(store: &Store, target: &Path, trust: Trust, monitor: &Monitor) -> Result<()> {
    let path = target.join(DATA_FILE);
    let written = |source| Error::from_io(store.folder(), "written", &path, source);
    let mut file = folder::new_file(&path, trust).map_err(written)?;
    let alive = store.environment.env.non_free_pages_size().map_err(|e| store.fail(e))?;
    let measured = path.clone();
    monitor.begin_measured(Stage::Copying, alive, move || {
        fs::metadata(&measured).map_or(0, |copy| copy.len())
    })?;
    let copied = debug_span!("copying")
        .in_scope(|| store.environment.env.copy_to_file(&mut file, CompactionOption::Enabled));
    if let Err(heed::Error::Mdb(heed::MdbError::Incompatible)) = copied {
        // LMDB does not copy a file of which it has lost pages.
        drop(file);
        fs::remove_file(&path).map_err(written)?;
        let txn = store.read()?;
        let state = state::read(store, &txn)?.ok_or_else(|| store.damaged("its state record is missing"))?;
        return rewriting::rewrite_into(target, trust, rewriting::facts_of(store, &txn, state)?, monitor);
    }
    copied.map_err(|e| store.fail(e))?;
    finish(store.folder(), target, file, trust, monitor)
}

/// Clears and checks a file that was written in the folder `target` for the store in `root`, and brings both to disk.
/// Nobody has the file open.
pub(crate) fn finish(
    root: &Path,
    target: &Path,
    mut file: File,
    trust: Trust,
    monitor: &Monitor,
) -> Result<()> {
    let path = target.join(DATA_FILE);
    let written = |source| Error::from_io(root, "written", &path, source);
    monitor.begin(Stage::Clearing, 0)?;
    debug_span!("clearing").in_scope(|| clear_unused(root, &path, &mut file))?;
    monitor.begin(Stage::Committing, 0)?;
    file.sync_all().map_err(written)?;
    drop(file);
    check_copy(root, target, trust, monitor)?;
    folder::sync(target).map_err(written)
}

fn damaged(root: &Path, what: String) -> Error {
    Error::Damaged { path: root.to_owned(), what }
}

/// Walks all pages of a copy, and notes that they are sound.
fn check_copy(root: &Path, target: &Path, trust: Trust, monitor: &Monitor) -> Result<()> {
    let path = target.join(DATA_FILE);
    let unreadable = |source| Error::from_io(root, "read", &path, source);
    let file = File::open(&path).map_err(unreadable)?;
    let damage = match Header::read(&file).map_err(unreadable)? {
        Contents::Sound(header) => {
            monitor.begin(Stage::Checking, header.last_page.saturating_add(1))?;
            match pages::walk_watched(&file, &header, monitor).damage.into_iter().next() {
                None => {
                    // Without a note it is walked again, which only takes time.
                    let _ = walked::note(target, header.transaction, trust);
                    return Ok(());
                }
                damage => damage,
            }
        }
        Contents::Damaged(damage) => Some(damage),
        Contents::Empty | Contents::Unwritten => None,
    };
    let what = damage.map_or_else(|| "it is empty".to_owned(), |damage| damage.to_string());
    Err(damaged(root, format!("its copy cannot be used: {what}")))
}

/// Overwrites with zeros what a copy has between its entries and behind long values: LMDB leaves there what the memory
/// held, and that may be a part of what was forgotten.
fn clear_unused(root: &Path, path: &Path, file: &mut File) -> Result<()> {
    let failed = |source| Error::from_io(root, "written", path, source);
    let copy = File::open(path).map_err(failed)?;
    let header = match Header::read(&copy).map_err(failed)? {
        Contents::Sound(header) => header,
        Contents::Empty | Contents::Unwritten => return Ok(()),
        Contents::Damaged(damage) => return Err(damaged(root, damage.to_string())),
    };
    let zeros = vec![0; header.page_bytes as usize];
    let cleared =
        pages::for_each_unused(&copy, &header, |mut unused| -> std::result::Result<(), NotCleared> {
            file.seek(SeekFrom::Start(unused.start))?;
            while !unused.is_empty() {
                let bytes = (unused.end - unused.start).min(zeros.len() as u64);
                file.write_all(&zeros[..bytes as usize])?;
                unused.start += bytes;
            }
            Ok(())
        });
    cleared.map_err(|e| match e {
        NotCleared::Damage(damage) => damaged(root, damage.to_string()),
        NotCleared::Io(source) => failed(source),
    })
}

/// Why a copy could not be cleared.
enum NotCleared {
    Damage(Damage),
    Io(io::Error),
}

impl From<Damage> for NotCleared {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

impl From<io::Error> for NotCleared {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Makes a draft the next generation of a store whose write lock is held. Gives the bytes of the file before and after.
fn publish(store: &Store, mut txn: WriteTxn<'_>, maker: &Maker, draft: Draft) -> Result<(u64, u64)> {
    let bytes = |folder: &Path| {
        let path = folder.join(DATA_FILE);
        fs::metadata(&path).map(|m| m.len()).map_err(|source| Error::File { action: "read", path, source })
    };
    let (before, after) = (bytes(&store.environment.folder)?, bytes(&draft.folder)?);
    maker.publish(draft, store.environment.generation)?;
    // From here on the new generation is the store. What follows is for older versions of Engram alone, which would go on
    // writing to the old file; where it fails, they do.
    let marked = state::write_moved(store, &mut txn).and_then(|()| store.commit(txn));
    let _ = marked;
    Ok((before, after))
}

#[cfg(test)]
mod tests;
