//! A folder of linked notes with a store of its own, kept in step with what changes in the folder.

mod accounts;
mod leftovers;
mod places;
mod portion;
mod renames;
mod synchronisation;

use std::fs;
use std::path::{Path, PathBuf};

use heed::RoTxn;

use self::synchronisation::Synchronisation;
use crate::engram::{Engram, OpenOptions};
use crate::error::{Error, Result};
use crate::exchange::ImportReport;
use crate::import::ReadError;
use crate::progress::{Answer, Progress};
use crate::store::folder::write_new;
use crate::store::tables::Store;

pub(crate) use self::accounts::is_file_entry;

/// The folder within a vault that holds its store.
pub const STORE_FOLDER: &str = ".engram";

/// Where a store outside the vault says whose notes it keeps, in the table `meta`.
const FOLDER_KEY: &[u8] = b"vault";
/// The sites that the folder was published as when its notes were read.
const SITES_KEY: &[u8] = b"sites";
/// The hash of the paths among which links were looked for when the notes were read.
const LINKED_KEY: &[u8] = b"linked";

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

    /// Sets how many bytes of memories one commit of [`Vault::synchronise`] takes in at least, as
    /// [`Engram::with_portion_bytes`] does.
    #[must_use]
    pub fn with_portion_bytes(mut self, bytes: usize) -> Self {
        self.engram = self.engram.with_portion_bytes(bytes);
        self
    }

    /// Changes the handle of the store.
    pub(crate) fn map_engram(self, change: impl FnOnce(Engram) -> Result<Engram>) -> Result<Self> {
        let Self { folder, engram, claim } = self;
        Ok(Self { folder, engram: change(engram)?, claim })
    }

    /// The store.
    #[must_use]
    pub fn engram(&self) -> &Engram {
        &self.engram
    }

    /// Takes in what has changed in the folder since the last time: new, changed, renamed and deleted notes.
    ///
    /// A file whose size and time stamp are as before is not read. A renamed note keeps what recalling it has
    /// left behind. The work is done in portions, each one transaction: the memories that it puts in, those that it
    /// takes out, and the account of their files. So it may be cut off at any moment, and others may synchronise the
    /// same vault meanwhile; the next call goes on from there. No more notes than those of one portion are in memory.
    /// Cost: looking at each file's metadata, and reading what has changed.
    ///
    /// `progress` is called while the folder is looked at, for each file that is taken in or forgotten, and during and after
    /// each commit; see [`Engram::consolidate_with`] for what it may do. If it ends the synchronisation, what was
    /// committed before stays. Deleted files count with the bytes that they had.
    ///
    /// # Errors
    /// If the store cannot be read or written; [`Error::Cancelled`] if `progress` has ended it; [`Error::Incomplete`]
    /// around these if portions were committed before. A store
    /// outside the folder also refuses another vault than the one whose notes it keeps, as long as that is there, and a
    /// folder that has lost all of its notes. Files that cannot be read are reported each time and do not stop the
    /// rest; what was known of them stays.
    pub fn synchronise<A: Answer>(&self, progress: &mut dyn FnMut(Progress) -> A) -> Result<ImportReport> {
        Synchronisation::new(self, &mut |now| progress(now).flow())?.run()
    }

    /// Writes into a store outside the folder whose notes it keeps. Errors where it would forget the notes of another
    /// folder, or of a disk that is not mounted.
    fn claim_store(&self, known: usize, is_empty: bool) -> Result<()> {
        let Some(claim) = &self.claim else { return Ok(()) };
        let store = self.engram.store()?;
        let txn = store.read()?;
        let is_claimed = self.is_claimed(&store, &txn)?;
        if is_empty && known > 0 {
            let path = store.folder().to_owned();
            return Err(Error::NoNotes { path: self.folder.clone(), store: path, known });
        }
        drop(txn);
        if is_claimed {
            return Ok(());
        }
        self.engram.write(|store, txn, _| {
            if !self.is_claimed(store, txn)? {
                store.tables.meta.put(txn, FOLDER_KEY, claim.as_bytes())?;
            }
            Ok(())
        })
    }

    /// Whether the notes were read when the folder was published as these sites.
    fn is_published_at(&self, sites: &[String]) -> Result<bool> {
        let store = self.engram.store()?;
        let txn = store.read()?;
        let known = store.tables.meta.get(&txn, SITES_KEY)?.unwrap_or_default();
        Ok(known == sites.join("\n").as_bytes())
    }

    /// The hash of the paths among which links were looked for when all notes had been read last.
    fn linked_among(&self) -> Result<Option<u64>> {
        let store = self.engram.store()?;
        let txn = store.read()?;
        let known = store.tables.meta.get(&txn, LINKED_KEY)?;
        Ok(known.and_then(|bytes| Some(u64::from_le_bytes(*bytes.first_chunk()?))))
    }

    /// Writes down that all notes were read as a part of this folder.
    fn note_linked_among(&self, sites: &[String], linked: u64) -> Result<()> {
        self.engram.write(|store, txn, _| {
            store.tables.meta.put(txn, SITES_KEY, sites.join("\n").as_bytes())?;
            store.tables.meta.put(txn, LINKED_KEY, &linked.to_le_bytes())?;
            Ok(())
        })
    }

    /// Returns whether a store outside the folder is marked as this vault's. Errors if it is marked as that of another
    /// vault that exists.
    fn is_claimed(&self, store: &Store, txn: &RoTxn<'_>) -> Result<bool> {
        match self.other_claim(store, txn)? {
            None => Ok(true),
            Some(vault) if vault.is_dir() => {
                Err(Error::OtherVault { path: store.folder().to_owned(), vault })
            }
            Some(_) => Ok(false),
        }
    }

    /// Errors if a store outside the folder is marked as that of another vault.
    fn check_claim(&self, store: &Store, txn: &RoTxn<'_>) -> Result<()> {
        match self.other_claim(store, txn)? {
            None => Ok(()),
            Some(vault) => Err(Error::OtherVault { path: store.folder().to_owned(), vault }),
        }
    }

    /// Returns the folder that a store outside the folder is marked with, if it is not this one.
    fn other_claim(&self, store: &Store, txn: &RoTxn<'_>) -> Result<Option<PathBuf>> {
        let Some(claim) = &self.claim else { return Ok(None) };
        let held = store.tables.meta.get(txn, FOLDER_KEY)?;
        let held = held.map(String::from_utf8_lossy).unwrap_or_default();
        Ok((held != claim.as_str()).then(|| PathBuf::from(held.into_owned())))
    }
}

impl Engram {
    /// Returns whether the store keeps the notes of the folder that it lies in, as [`Vault::open`] makes it.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn is_of_its_folder(&self) -> Result<bool> {
        let store = self.store()?;
        let txn = store.read()?;
        let is_of_another = store.tables.meta.get(&txn, FOLDER_KEY)?.is_some();
        Ok(!is_of_another && !store.tables.files.is_empty(&txn)?)
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
        let opened = self.clone().create(true).no_follow(true).open(&own);
        // If the folder itself cannot be read, that is the error, not what it does to the store in it.
        let engram = opened.map_err(|error| match fs::read_dir(&folder) {
            Ok(_) => error,
            Err(unreadable) => ReadError::from_io(&folder, unreadable).into(),
        })?;
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
        let claim = fs::canonicalize(&folder).map_err(|e| ReadError::from_io(&folder, e))?;
        let claim = Some(claim.to_string_lossy().into_owned());
        Ok(Vault { folder, engram: self.clone().create(true).open(store)?, claim })
    }
}

/// Whether a path is another one or lies below it, both seen from one folder; everything lies below the empty path.
fn is_below(path: &str, place: &str) -> bool {
    place.is_empty() || path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A folder, once it is seen to be one.
fn notes_folder(folder: &Path) -> Result<PathBuf> {
    let metadata = fs::metadata(folder).map_err(|e| ReadError::from_io(folder, e))?;
    if metadata.is_dir() { Ok(folder.to_owned()) } else { Err(Error::NoFolder { path: folder.to_owned() }) }
}

#[cfg(test)]
mod tests;
