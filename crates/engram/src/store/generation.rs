//! Generations: each rewriting of a store makes a new file, in a folder of its own, and none ever replaces another.
//!
//! ```text
//! store/data.mdb                  generation 0, as stores begin
//! store/generation-1/data.mdb     what the first compaction made of it
//! store/generation-2/data.mdb     the highest number is the store
//! ```
//!
//! LMDB coordinates processes through a lock file beside the data. Replacing the data under a lock file that others
//! hold, or wait for, mixes two histories; so a new file gets a lock file of its own:
//!
//! - Whoever makes a generation holds `generation.lock`, writes into a folder `new-…`, and renames it to
//!   `generation-N` while it holds the write lock of generation N − 1. That rename is the moment of change.
//! - Whoever writes looks for a next generation once it has the write lock, and moves on if there is one.
//! - Whoever has a generation open holds `open.lock` in its folder. The file goes with the last of them.
//! - An empty folder stays as long as an older generation is open, so that the next number is always there to be seen.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::store::folder::{self, Trust};
use crate::store::open::{DATA_FILE, LOCK_FILE};
use crate::store::walked::WALKED;

/// Held, shared, by everybody who has a generation open. In a store's own folder it also holds a line once the
/// store has its tables, by which an empty data file is known to be a damaged one.
pub(crate) const OPEN_LOCK: &str = "open.lock";
/// Held by whoever makes a generation.
pub(crate) const GENERATION_LOCK: &str = "generation.lock";
const PREFIX: &str = "generation-";
/// How the name of a generation that is being made begins.
const NEW_PREFIX: &str = "new-";
/// What stands in [`OPEN_LOCK`] once a store has its tables.
const MADE: &[u8] = b"This store has been written to.\n";
/// What older versions of Engram find where their data was. It is no LMDB file, so they refuse it.
const MOVED: &[u8] =
    b"The memories have moved to the folder generation-N beside this file. Use a newer Engram.\n";

/// The folder of a generation.
pub(crate) fn folder_of(root: &Path, number: u64) -> PathBuf {
    if number == 0 { root.to_owned() } else { root.join(format!("{PREFIX}{number}")) }
}

/// The number of the newest generation, and whether anything older or unfinished lies beside it. Cost: lists the
/// store's folder.
pub(crate) fn newest(root: &Path) -> io::Result<(u64, bool)> {
    let (mut newest, mut generations, mut has_drafts) = (0, 0, false);
    for entry in fs::read_dir(root)? {
        let name = entry?.file_name();
        let Some(name) = name.to_str() else { continue };
        match number_of(name) {
            Some(number) => {
                newest = newest.max(number);
                generations += 1;
            }
            None => has_drafts |= name.starts_with(NEW_PREFIX),
        }
    }
    let has_first =
        || fs::symlink_metadata(root.join(DATA_FILE)).is_ok_and(|m| m.len() != MOVED.len() as u64);
    Ok((newest, has_drafts || generations > 1 || (generations == 1 && has_first())))
}

fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(PREFIX)?;
    let number = digits.parse().ok().filter(|number| (1..u64::MAX).contains(number))?;
    (format!("{number}") == digits).then_some(number)
}

/// Whether there is a generation after this one. Cost: one look at the folder, under a microsecond.
pub(crate) fn is_superseded(root: &Path, number: u64) -> Result<bool> {
    let next = folder_of(root, number + 1);
    match fs::symlink_metadata(&next) {
        Ok(_) => Ok(true),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
        Err(source) => Err(Error::from_io(root, "read", next, source)),
    }
}

/// A generation that this process has open, until it is dropped. The last to drop a superseded one removes it.
#[derive(Debug)]
pub(crate) struct Use {
    root: PathBuf,
    number: u64,
    lock: Option<File>,
}

impl Use {
    /// Says that a generation is about to be opened; `None` where it is not the newest any more.
    pub(crate) fn take(root: &Path, number: u64, trust: Trust) -> Result<Option<Self>> {
        let path = folder_of(root, number).join(OPEN_LOCK);
        let failed = |source| Error::from_io(root, "locked", &path, source);
        let lock = match folder::lock_file(&path, number == 0, trust) {
            Ok(lock) => lock,
            // Removed a moment ago, because there is a newer one.
            Err(e) if e.kind() == io::ErrorKind::NotFound && number > 0 => return Ok(None),
            Err(e) => return Err(failed(e)),
        };
        match lock.lock_shared() {
            Ok(()) => {}
            // A file system without such locks: nobody can remove anything either, see `remove_unused`.
            Err(e) if e.kind() == io::ErrorKind::Unsupported => {}
            Err(e) => return Err(failed(e)),
        }
        // While this waited, the generation may have been superseded, and even removed.
        let (newest, _) = newest(root).map_err(failed)?;
        if newest != number {
            return Ok(None);
        }
        Ok(Some(Self { root: root.to_owned(), number, lock: Some(lock) }))
    }

    /// Whether the store has had its tables at some time.
    pub(crate) fn is_made(&self) -> bool {
        self.number > 0
            || self.lock.as_ref().and_then(|lock| lock.metadata().ok()).is_some_and(|m| m.len() > 0)
    }

    /// Writes down that the store has its tables.
    pub(crate) fn set_made(&self) {
        if !self.is_made()
            && let Some(mut lock) = self.lock.as_ref()
        {
            // Where this fails, a file that is emptied later is taken for a new one, as it always was.
            let _ = lock.write_all(MADE);
        }
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        drop(self.lock.take());
        if is_superseded(&self.root, self.number).unwrap_or(false) {
            remove_unused(&self.root);
        }
    }
}

/// The newest generation, of which nobody has it open as long as this is held.
#[derive(Debug)]
pub(crate) struct Sole {
    pub(crate) number: u64,
    pub(crate) folder: PathBuf,
    _lock: File,
}

impl Sole {
    /// Takes the newest generation for itself; `None` if somebody has it open.
    pub(crate) fn take(root: &Path, trust: Trust) -> Result<Option<Self>> {
        let (number, _) = newest(root).map_err(|source| Error::from_io(root, "read", root, source))?;
        let folder = folder_of(root, number);
        let path = folder.join(OPEN_LOCK);
        let lock = folder::lock_file(&path, true, trust)
            .map_err(|source| Error::from_io(root, "locked", &path, source))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { number, folder, _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(Error::from_io(root, "locked", path, source)),
        }
    }
}

/// Removes the generations that were superseded and that nobody has open. Where one cannot be removed now, a later
/// call will.
pub(crate) fn remove_unused(root: &Path) {
    let Ok((newest, _)) = newest(root) else { return };
    let mut numbers = vec![0];
    numbers.extend(
        fs::read_dir(root).into_iter().flatten().filter_map(|entry| {
            number_of(entry.ok()?.file_name().to_str()?).filter(|number| *number < newest)
        }),
    );
    numbers.sort_unstable();
    let mut older_is_open = false;
    for number in numbers.into_iter().filter(|number| *number < newest) {
        older_is_open |= !remove(root, number, older_is_open).unwrap_or(false);
    }
}

/// Removes one generation unless it is in use; says whether it is gone.
fn remove(root: &Path, number: u64, older_is_open: bool) -> io::Result<bool> {
    let folder = folder_of(root, number);
    let data = folder.join(DATA_FILE);
    let lock = match File::options().read(true).write(true).open(folder.join(OPEN_LOCK)) {
        Ok(lock) => {
            match lock.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(false),
                Err(TryLockError::Error(e)) => return Err(e),
            }
            Some(lock)
        }
        // A store of an older version, which had no such file, or an empty folder.
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(e),
    };
    let gone = |path: &Path| match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    };
    if number == 0 {
        if fs::symlink_metadata(&data).is_ok_and(|m| m.len() != MOVED.len() as u64) {
            let notice = folder.join(format!("{NEW_PREFIX}notice-{}", std::process::id()));
            gone(&notice)?;
            folder::write_new(&notice, MOVED)?;
            fs::rename(&notice, &data)?;
        }
        gone(&folder.join(LOCK_FILE))?;
        gone(&folder.join(WALKED))?;
        return Ok(true);
    }
    gone(&data)?;
    gone(&folder.join(LOCK_FILE))?;
    gone(&folder.join(WALKED))?;
    gone(&folder.join(OPEN_LOCK))?;
    drop(lock);
    if !older_is_open {
        fs::remove_dir(&folder)?;
    }
    Ok(true)
}

/// The right to make the next generation, which one process at a time has.
#[derive(Debug)]
pub(crate) struct Maker {
    root: PathBuf,
    _lock: File,
}

impl Maker {
    /// Waits for its turn, and clears what an interrupted predecessor left.
    pub(crate) fn begin(root: &Path, trust: Trust) -> Result<Self> {
        let path = root.join(GENERATION_LOCK);
        let locked = folder::lock_file(&path, true, trust).and_then(|lock| lock.lock().map(|()| lock));
        let lock = locked.map_err(|source| Error::from_io(root, "locked", path, source))?;
        let maker = Self { root: root.to_owned(), _lock: lock };
        maker.clear();
        Ok(maker)
    }

    /// Clears what an interrupted predecessor left, if nobody is at it now.
    pub(crate) fn clear_left_overs(root: &Path, trust: Trust) {
        if let Ok(lock) = folder::lock_file(&root.join(GENERATION_LOCK), true, trust)
            && lock.try_lock().is_ok()
        {
            Self { root: root.to_owned(), _lock: lock }.clear();
        }
    }

    fn clear(&self) {
        for entry in fs::read_dir(&self.root).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(NEW_PREFIX)) {
                // What cannot be removed takes room and does no other harm.
                let removed = match entry.file_type() {
                    Ok(kind) if kind.is_dir() => fs::remove_dir_all(entry.path()),
                    _ => fs::remove_file(entry.path()),
                };
                let _ = removed;
            }
        }
    }

    /// Makes the folder in which the next generation is written.
    pub(crate) fn make(&self, trust: Trust) -> Result<Draft> {
        let made = tempfile_name(&self.root, trust);
        let folder = made.map_err(|source| Error::from_io(&self.root, "written", &self.root, source))?;
        Ok(Draft { folder, published: false })
    }

    /// Makes a draft the generation after `number`. The write lock of `number` must be held, and what lies in the
    /// draft be on disk.
    pub(crate) fn publish(&self, mut draft: Draft, number: u64) -> Result<()> {
        let next = folder_of(&self.root, number + 1);
        let failed = |source| Error::from_io(&self.root, "written", &next, source);
        match folder::write_new(&draft.folder.join(OPEN_LOCK), b"") {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            written => written.map_err(failed)?,
        }
        folder::sync(&draft.folder).map_err(failed)?;
        fs::rename(&draft.folder, &next).map_err(failed)?;
        draft.published = true;
        folder::sync(&self.root).map_err(failed)
    }
}

/// A folder that becomes a generation, or goes.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) folder: PathBuf,
    published: bool,
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.published {
            // What stays behind is cleared by the next maker.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// A new folder under a name that nobody has.
fn tempfile_name(root: &Path, trust: Trust) -> io::Result<PathBuf> {
    for attempt in 0_u32.. {
        let path = root.join(format!("{NEW_PREFIX}{}-{attempt}", std::process::id()));
        match folder::make(&path, trust) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && attempt < 1000 => {}
            made => return made.map(|()| path),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
