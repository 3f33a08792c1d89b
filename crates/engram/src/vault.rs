//! A folder of linked notes with a store of its own, kept in step with what changes in the folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::engram::{Engram, OpenOptions};
use crate::error::{Error, Result};
use crate::exchange::{Found, ImportReport, Importer, Progress, files_below, read_note};
use crate::import::Kind;
use crate::memory::{History, MemoryId, StoredMemory};
use crate::store::folder::write_new;

/// The folder within a vault that holds its store.
pub const STORE_FOLDER: &str = ".engram";

/// Where a store outside the vault says whose notes it keeps, in the table `meta`.
const FOLDER_KEY: &[u8] = b"vault";

/// A file changed within this time before it was read might change again without a new time stamp.
const CLOCK_GRAIN_NANOSECONDS: i128 = 2_000_000_000;

/// A folder of Markdown and text notes, and the store that remembers them.
///
/// ```no_run
/// use engram::{Cue, Vault};
/// let vault = Vault::open("notes")?;
/// vault.synchronise(&mut |_| {})?;
/// for hit in vault.engram().recall(&Cue::new("what did we decide about lanes?"))?.hits {
///     println!("{}", hit.id);
/// }
/// # Ok::<(), engram::Error>(())
/// ```
#[derive(Debug)]
pub struct Vault {
    folder: PathBuf,
    engram: Engram,
    /// The folder's absolute path, where the store does not lie in the folder itself.
    claim: Option<String>,
}

/// What the store knows of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct FileEntry {
    relative: String,
    bytes: u64,
    changed: i128,
    /// Whether the time stamp was old enough when the file was read.
    settled: bool,
    /// The hash of its text when it was last read; 0 for a file that never could be.
    text: u64,
    /// The memories that it became.
    ids: Vec<String>,
}

/// Whether bytes are the account of a file.
pub(crate) fn is_file_entry(bytes: &[u8]) -> bool {
    postcard::from_bytes::<FileEntry>(bytes).is_ok()
}

impl FileEntry {
    fn key(&self) -> [u8; 16] {
        xxh3_128(self.relative.as_bytes()).to_be_bytes()
    }
}

impl Vault {
    /// Opens a folder of notes. Its store lies in the folder's own `.engram`, which is made where it is missing
    /// and which version control is told to ignore.
    ///
    /// # Errors
    /// If the folder is none, or the store cannot be opened or made.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        OpenOptions::new().open_vault(folder)
    }

    /// Opens a folder of notes whose store lies elsewhere: in the folder `store`, where it is made if it is
    /// missing.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub fn open_with_store(folder: impl AsRef<Path>, store: impl AsRef<Path>) -> Result<Self> {
        OpenOptions::new().open_vault_with_store(folder, store)
    }

    /// The store.
    #[must_use]
    pub fn engram(&self) -> &Engram {
        &self.engram
    }

    /// Takes in what has changed in the folder since the last time: new, changed, renamed and deleted notes.
    ///
    /// A file whose size and time stamp are as before is not read. A renamed note keeps what recalling it has
    /// left behind. Cost: looking at each file's metadata, and reading what has changed.
    ///
    /// # Errors
    /// If the store cannot be read or written. A store outside the folder also refuses another vault than the one
    /// whose notes it keeps, as long as that is there, and a folder that has lost all of its notes. Files that
    /// cannot be read are reported each time and do not stop the rest; what was known of them stays.
    pub fn synchronise(&self, progress: &mut dyn FnMut(Progress)) -> Result<ImportReport> {
        let mut report = ImportReport::default();
        // Asked before the folder is looked at: a note that another process takes in meanwhile is then no deleted one.
        let mut known = self.known()?;
        let (mut files, unread) = files_below(&self.folder);
        files.retain(|file| matches!(file.kind, Kind::Markdown | Kind::Plain));
        self.claim_store(known.len(), files.is_empty() && unread.is_empty())?;
        let changed: Vec<&Found> = files
            .iter()
            .filter(|file| {
                known.get(&file.relative).is_none_or(|entry| {
                    entry.bytes != file.bytes || entry.changed != file.changed || !entry.settled
                })
            })
            .collect();
        let there: BTreeSet<&str> = files.iter().map(|file| file.relative.as_str()).collect();
        // What could not be looked into is not deleted.
        let below = |path: &str, place: &str| {
            place.is_empty() || path.strip_prefix(place).is_some_and(|r| r.is_empty() || r.starts_with('/'))
        };
        let deleted: Vec<FileEntry> = known
            .values()
            .filter(|entry| !there.contains(entry.relative.as_str()))
            .filter(|entry| !unread.iter().any(|unread| below(&entry.relative, &unread.relative)))
            .cloned()
            .collect();
        report.refused.extend(unread.into_iter().map(|unread| unread.sentence));
        if changed.is_empty() && deleted.is_empty() {
            return Ok(report);
        }
        let now = crate::time::Time::now().milliseconds();
        let total = changed.iter().map(|file| file.bytes).sum();
        let mut entries: Vec<FileEntry> = Vec::new();
        let mut forget: BTreeSet<String> = deleted.iter().flat_map(|entry| entry.ids.clone()).collect();
        let mut put: Vec<StoredMemory> = Vec::new();
        let mut gone: Vec<&FileEntry> = deleted.iter().collect();
        for file in changed {
            let old = known.remove(&file.relative);
            let settled = i128::from(now) * 1_000_000 - file.changed > CLOCK_GRAIN_NANOSECONDS;
            let (relative, bytes, changed) = (file.relative.clone(), file.bytes, file.changed);
            let mut entry = FileEntry { relative, bytes, changed, settled, text: 0, ids: Vec::new() };
            match read_note(file, &mut report.warnings) {
                Ok((memories, text)) => {
                    entry.text = xxh3_64(text.as_bytes());
                    entry.ids = memories.iter().map(|stored| stored.memory.id.to_string()).collect();
                    if let Some(old) = &old {
                        let kept: BTreeSet<&String> = entry.ids.iter().collect();
                        forget.extend(old.ids.iter().filter(|id| !kept.contains(id)).cloned());
                    }
                    // A memory that will be refused is refused each time, until the note is mended.
                    entry.settled &= memories.iter().all(|stored| stored.memory.check().is_ok());
                    let moved = if old.is_none() { take_moved(&mut gone, &entry) } else { None };
                    for (at, mut stored) in memories.into_iter().enumerate() {
                        if let Some(moved) = moved {
                            stored.history = self.history(&moved.ids[at])?;
                        }
                        put.push(stored);
                    }
                }
                Err(error) => {
                    report.refused.push(error.to_string());
                    // Read again next time: mending it may leave size and time stamp alone.
                    entry.settled = false;
                    // By the text that was known it is found again under another name.
                    (entry.text, entry.ids) = old.map(|old| (old.text, old.ids)).unwrap_or_default();
                }
            }
            entries.push(entry);
        }
        let kept: BTreeSet<&str> = entries.iter().flat_map(|e| e.ids.iter().map(String::as_str)).collect();
        forget.retain(|id| !kept.contains(id.as_str()));
        let forget: Vec<MemoryId> = forget.into_iter().filter_map(|id| MemoryId::existing(id).ok()).collect();
        let put = put.into_iter().map(Ok);
        let changes = Importer::new(&self.engram).take_in(put, total, &mut report, progress)?;
        report.changes = changes.and(self.engram.apply(&[], &forget)?);
        // Written last: what is cut off before is simply taken in again.
        self.note(&entries, &deleted)?;
        Ok(report)
    }

    /// Notes in a store outside the folder whose it is. Refuses what would make it forget the notes of another folder,
    /// or of a disk that is not mounted.
    fn claim_store(&self, known: usize, is_empty: bool) -> Result<()> {
        let Some(claim) = &self.claim else { return Ok(()) };
        let store = &self.engram.store()?;
        let path = store.folder().to_owned();
        let txn = store.read()?;
        let held = store.tables.meta.get(&txn, FOLDER_KEY)?;
        let is_noted = held == Some(claim.as_bytes());
        let vault = held.and_then(|held| std::str::from_utf8(held).ok()).map(PathBuf::from);
        drop(txn);
        if let Some(vault) = vault.filter(|vault| vault != Path::new(claim) && vault.is_dir()) {
            return Err(Error::OtherVault { path, vault });
        }
        if is_empty && known > 0 {
            return Err(Error::NoNotes { path: self.folder.clone(), store: path, known });
        }
        if is_noted {
            return Ok(());
        }
        self.engram.write(|store, txn, state| {
            store.tables.meta.put(txn, FOLDER_KEY, claim.as_bytes())?;
            state.version += 1;
            Ok(())
        })
    }

    /// What the store knows of the folder's files, by relative path.
    fn known(&self) -> Result<BTreeMap<String, FileEntry>> {
        let store = &self.engram.store()?;
        let txn = store.read()?;
        let mut known = BTreeMap::new();
        for entry in store.tables.files.iter(&txn)? {
            let (_, bytes) = entry?;
            // An account that cannot be read only means that the file is read again.
            if let Ok(entry) = postcard::from_bytes::<FileEntry>(bytes) {
                known.insert(entry.relative.clone(), entry);
            }
        }
        Ok(known)
    }

    fn history(&self, id: &str) -> Result<History> {
        let stored = match MemoryId::existing(id) {
            Ok(id) => self.engram.get(&id)?,
            Err(_) => None,
        };
        Ok(stored.map(|stored| stored.history).unwrap_or_default())
    }

    fn note(&self, entries: &[FileEntry], deleted: &[FileEntry]) -> Result<()> {
        self.engram.write(|store, txn, state| {
            for entry in deleted {
                store.tables.files.delete(txn, &entry.key())?;
            }
            for entry in entries {
                let bytes = postcard::to_allocvec(entry).unwrap_or_default();
                store.tables.files.put(txn, &entry.key(), &bytes)?;
            }
            state.version += 1;
            Ok(())
        })
    }
}

impl OpenOptions {
    /// Opens a folder of notes; see [`Vault::open`]. The folder may be one that others write to: its `.engram` must be a
    /// real folder, not a link.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub fn open_vault(&self, folder: impl AsRef<Path>) -> Result<Vault> {
        let folder = notes_folder(folder.as_ref())?;
        let own = folder.join(STORE_FOLDER);
        let engram = self.clone().create(true).no_follow(true).open(&own)?;
        let ignore = own.join(".gitignore");
        match write_new(&ignore, b"*\n") {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            written => written.map_err(|source| Error::File { action: "written", path: ignore, source })?,
        }
        Ok(Vault { folder, engram, claim: None })
    }

    /// Opens a folder of notes whose store lies elsewhere; see [`Vault::open_with_store`].
    ///
    /// # Errors
    /// As [`Vault::open_with_store`].
    pub fn open_vault_with_store(&self, folder: impl AsRef<Path>, store: impl AsRef<Path>) -> Result<Vault> {
        let folder = notes_folder(folder.as_ref())?;
        let claim = fs::canonicalize(&folder).map_err(|e| crate::import::ReadError::from_io(&folder, e))?;
        let claim = Some(claim.to_string_lossy().into_owned());
        Ok(Vault { folder, engram: self.clone().create(true).open(store)?, claim })
    }
}

/// Takes out the deleted file that has become this one: of those with its text one with its name, else any.
fn take_moved<'d>(gone: &mut Vec<&'d FileEntry>, new: &FileEntry) -> Option<&'d FileEntry> {
    let same = |gone: &FileEntry| gone.text == new.text && new.text != 0 && gone.ids.len() == new.ids.len();
    let name = |entry: &FileEntry| entry.relative.rsplit('/').next().map(str::to_owned);
    let at = gone
        .iter()
        .position(|gone| same(gone) && name(gone) == name(new))
        .or_else(|| gone.iter().position(|gone| same(gone)))?;
    Some(gone.remove(at))
}

/// A folder, once it is seen to be one.
fn notes_folder(folder: &Path) -> Result<PathBuf> {
    let metadata = fs::metadata(folder).map_err(|e| crate::import::ReadError::from_io(folder, e))?;
    if metadata.is_dir() { Ok(folder.to_owned()) } else { Err(Error::NoFolder { path: folder.to_owned() }) }
}
