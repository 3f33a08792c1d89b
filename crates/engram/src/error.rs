//! What can go wrong with a store, each as one sentence that says what to do.

use std::path::{Path, PathBuf};

use crate::memory::{InvalidMemory, MemoryId};
use crate::writing::Changes;

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong with a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no store in this folder.
    #[error("there is no store in {}; make one with `engram import` or `engram remember`", path.display())]
    NoStore {
        /// The folder.
        path: PathBuf,
    },
    /// A file or folder could not be read or written.
    #[error("{} cannot be {action}: {source}; check that it exists and that you may use it", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The store was written by a newer Engram.
    #[error(
        "the store {} has format {found} and this Engram reads up to {known}; use a newer Engram, or export \
         with the one that wrote it",
        path.display()
    )]
    NewerFormat {
        /// The store's folder.
        path: PathBuf,
        /// The format it has.
        found: u32,
        /// The newest format that this build reads.
        known: u32,
    },
    /// The store's file is damaged.
    #[error("the store {} is damaged: {what}; try `engram consolidate --rebuild`, or restore it from a backup or an export", path.display())]
    Damaged {
        /// The store's folder.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// The disk or the map is full.
    #[error("{}; nothing was changed", no_room(path))]
    Full {
        /// The store's folder.
        path: PathBuf,
    },
    /// The store may not be written.
    #[error(
        "the store {} cannot be opened for writing: {source}; make its folder writable, or name another with --store",
        path.display()
    )]
    NotWritable {
        /// The store's folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Something that the system has only so much of is used up.
    #[error("the store {} cannot be used now: {what}", path.display())]
    Exhausted {
        /// The store's folder.
        path: PathBuf,
        /// What is used up, and what to do about it.
        what: &'static str,
    },
    /// The database failed in a way without its own sentence.
    #[error("the store {} failed: {source}; run `engram verify` on it", path.display())]
    Database {
        /// The store's folder.
        path: PathBuf,
        /// What the database said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A store's folder, or a file in it, is not what a store may use.
    #[error(
        "{} is {what}, and was left alone; a store needs a directory of your own with regular files in it: remove what \
         is there, or name another store",
        path.display()
    )]
    Untrusted {
        /// The path.
        path: PathBuf,
        /// What is there instead.
        what: &'static str,
    },
    /// No memory has this id.
    #[error("no memory has the id {}; `engram list` shows the ids", id.shown())]
    UnknownId {
        /// The id.
        id: MemoryId,
    },
    /// A path is no folder.
    #[error("{} is no folder; name the folder that holds the notes", path.display())]
    NoFolder {
        /// The path.
        path: PathBuf,
    },
    /// A store keeps the notes of another vault.
    #[error(
        "the store {} keeps the notes of {}; give this folder a store of its own with --store",
        path.display(), vault.display()
    )]
    OtherVault {
        /// The store's folder.
        path: PathBuf,
        /// The vault's folder.
        vault: PathBuf,
    },
    /// A vault holds no note any more.
    #[error(
        "{} holds no notes, and the store {} remembers {known} from it; mount its disk if it has one, or delete the \
         store if the notes are gone for good",
        path.display(), store.display()
    )]
    NoNotes {
        /// The vault's folder.
        path: PathBuf,
        /// The store's folder.
        store: PathBuf,
        /// How many notes the store remembers.
        known: usize,
    },
    /// A file is of no kind that can be imported.
    #[error(
        "{} is of no kind that can be imported; name a .md, .txt or .jsonl file, or a folder", path.display()
    )]
    UnknownKind {
        /// The path.
        path: PathBuf,
    },
    /// A file or folder to be imported could not be read.
    #[error(transparent)]
    Read(#[from] crate::import::ReadError),
    /// A BEIR folder could not be read.
    #[error(transparent)]
    Beir(#[from] crate::import::beir::BeirError),
    /// A file of questions could not be read.
    #[error(transparent)]
    Questions(#[from] crate::import::questions::QuestionsError),
    /// What was to be written outside the store could not be.
    #[error("the output cannot be written: {0}")]
    Output(#[source] std::io::Error),
    /// A memory is not fit to be stored.
    #[error(transparent)]
    Invalid(#[from] InvalidMemory),
    /// The cue has no text.
    #[error("the cue is empty; say what to recall, in a few words or a question")]
    EmptyCue,
    /// A parameter is out of range.
    #[error("{name} is {value}; it must be {bound}")]
    Parameter {
        /// Which one.
        name: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        bound: &'static str,
    },
    /// A source pattern is no glob.
    #[error("{pattern:?} is no file pattern: {reason}; write for example 'notes/*.md'")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A vector does not fit the store's model.
    #[error(
        "the vector of {what} has {found} elements and the store's model {model:?} has {expected}; embed it with \
         that model, or export the store and import it into a new one made for your model"
    )]
    Dimension {
        /// Whose vector.
        what: String,
        /// Its length.
        found: usize,
        /// The model's name.
        model: String,
        /// The model's dimension.
        expected: usize,
    },
    /// A store was made for another vector model.
    #[error(
        "the store has the model {found} and {wanted} was asked for; leave the model out, or export the store and \
         import it into a new one"
    )]
    OtherModel {
        /// The store's model.
        found: String,
        /// The one asked for.
        wanted: String,
    },
    /// A store has vectors of another embedding model.
    #[error(
        "the store has vectors of {found} and the embedder gives those of {wanted}; leave the embedder out, or move the \
         store to it with `engram reembed --embedder`"
    )]
    OtherEmbedder {
        /// The store's model, with its prefixes.
        found: String,
        /// The embedder's.
        wanted: String,
    },
    /// An embedding model gave no vectors where nothing goes without.
    #[error("{0}; check that it runs and is the one that you mean, and try again")]
    Embedder(#[from] crate::embedding::EmbedError),
    /// A vector was given to a store that makes its own.
    #[error(
        "{what} brings a vector, and the store makes its own with the model {model:?}; leave the vector out, or \
         make the store with `engram import --vectors NAME:DIMENSIONS`"
    )]
    OwnVectors {
        /// Whose vector.
        what: String,
        /// The store's model.
        model: String,
    },
    /// A long import or synchronisation failed after it had committed a part of its work.
    #[error(
        "{}; what was committed before stays ({} added, {} updated, {} forgotten), and doing it again goes on from there",
        source.cause(), committed.added, committed.updated, committed.forgotten
    )]
    Incomplete {
        /// What was committed.
        committed: Changes,
        /// Why the rest was not.
        source: Box<Error>,
    },
    /// Whoever was told of the progress has ended the call.
    #[error("it was cancelled; do it again to go on")]
    Cancelled,
    /// The store holds as many memories and names as it can number.
    #[error("the store is out of numbers; `engram consolidate` gives unused ones back")]
    OutOfNumbers,
}

/// The numbers that every Unix has for these errors.
#[cfg(unix)]
mod system {
    pub(super) const INPUT_OUTPUT: i32 = 5;
    pub(super) const OUT_OF_MEMORY: i32 = 12;
    pub(super) const TOO_MANY_FILES_IN_SYSTEM: i32 = 23;
    pub(super) const TOO_MANY_FILES: i32 = 24;
}

/// What is used up, if that is what the system reports.
fn exhausted(error: &std::io::Error) -> Option<&'static str> {
    #[cfg(unix)]
    match error.raw_os_error() {
        Some(system::TOO_MANY_FILES) => {
            return Some(
                "this process has as many files open as it may; close some, or allow more (`ulimit -n`)",
            );
        }
        Some(system::TOO_MANY_FILES_IN_SYSTEM) => {
            return Some("the system has as many files open as it can; close some programs and try again");
        }
        Some(system::OUT_OF_MEMORY) => {
            return Some(
                "there is not enough memory or address space; close some programs, or allow more (`ulimit -v`)",
            );
        }
        _ => {}
    }
    match error.kind() {
        std::io::ErrorKind::OutOfMemory => Some("there is not enough memory; close some programs"),
        // LMDB copies with a second thread.
        std::io::ErrorKind::WouldBlock => Some(
            "the system gives no more threads, or no memory for one; close some programs, or allow more (`ulimit -u`, \
             `ulimit -v`)",
        ),
        _ => None,
    }
}

/// Whether the system reports that the disk, a quota or a limit on the size of files has no room left.
fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

fn no_room(path: &Path) -> String {
    format!(
        "there is no room left to write the store {} (or its disk fails); free some space and try again",
        path.display()
    )
}

impl Error {
    /// The error for what the system reported about a file or folder of the store in `root`.
    pub(crate) fn from_io(
        root: &Path,
        action: &'static str,
        path: impl Into<PathBuf>,
        source: std::io::Error,
    ) -> Self {
        use std::io::ErrorKind;
        if let Some(what) = exhausted(&source) {
            return Self::Exhausted { path: root.to_owned(), what };
        }
        match source.kind() {
            _ if is_full(&source) => Self::Full { path: root.to_owned() },
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem if action != "read" => {
                Self::NotWritable { path: root.to_owned(), source }
            }
            _ => Self::File { action, path: path.into(), source },
        }
    }

    /// The error of a work that has committed a part before it failed.
    #[must_use]
    pub(crate) fn after(self, committed: Changes) -> Self {
        match self {
            Self::Incomplete { committed: more, source } => {
                Self::Incomplete { committed: committed.and(more), source }
            }
            error if committed.any() => Self::Incomplete { committed, source: Box::new(error) },
            error => error,
        }
    }

    /// Why something failed, without what became of it.
    fn cause(&self) -> String {
        match self {
            Self::Full { path } => no_room(path),
            Self::Cancelled => "it was cancelled".to_owned(),
            other => other.to_string(),
        }
    }

    /// The error for what LMDB reported about the store in `folder`.
    pub(crate) fn from_heed(folder: &Path, error: heed::Error) -> Self {
        use std::io::ErrorKind;
        let path = folder.to_owned();
        match error {
            heed::Error::Mdb(heed::MdbError::MapFull) => Self::Full { path },
            heed::Error::Mdb(heed::MdbError::ReadersFull) => Self::Exhausted {
                path,
                what: "4094 are reading it, which is as many as it takes; wait until some of them are done, or end a program \
                       that keeps reading",
            },
            // LMDB reads through its map, so an input/output error comes from a write; it reports one that
            // ended early, as on a disk that fills up, as EIO.
            heed::Error::Io(e) if is_full(&e) || is_input_output(&e) => Self::Full { path },
            heed::Error::Io(e) if exhausted(&e).is_some() => {
                Self::Exhausted { path, what: exhausted(&e).unwrap_or_default() }
            }
            heed::Error::Io(source)
                if matches!(source.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) =>
            {
                Self::NotWritable { path, source }
            }
            heed::Error::Mdb(
                heed::MdbError::Corrupted
                | heed::MdbError::Invalid
                | heed::MdbError::VersionMismatch
                | heed::MdbError::PageNotFound,
            ) => Self::Damaged { path, what: "its pages contradict each other".into() },
            other => Self::Database { path, source: Box::new(std::io::Error::other(other.to_string())) },
        }
    }
}

fn is_input_output(error: &std::io::Error) -> bool {
    #[cfg(unix)]
    return error.raw_os_error() == Some(system::INPUT_OUTPUT);
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}
