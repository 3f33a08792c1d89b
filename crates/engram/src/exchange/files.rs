//! The files below a folder, and the notes in them.

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::error::{Error, Result};
use crate::import::markdown::NotePaths;
use crate::import::{self, Kind, Notices, markdown, plain};
use crate::memory::StoredMemory;

/// A file below a folder.
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    /// The path seen from the folder, with `/` between its parts.
    pub(crate) relative: String,
    pub(crate) kind: Kind,
    pub(crate) bytes: u64,
    /// When it was last changed, in nanoseconds since 1970; 0 where the system does not say.
    pub(crate) changed: i128,
}

/// A place below a folder that could not be looked into.
pub(crate) struct Unread {
    /// Its path seen from the folder, with `/` between its parts; empty for the folder itself.
    pub(crate) relative: String,
    /// Why, as a sentence.
    pub(crate) sentence: String,
}

/// The files below a folder that an import takes, by relative path, and what could not be looked into.
/// Hidden ones are passed over, and symbolic links are not followed. Calls `found` for each file.
///
/// # Errors
/// [`Error::Cancelled`] if `found` breaks off.
pub(crate) fn files_below(
    folder: &Path,
    found: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<(Vec<Found>, Vec<Unread>)> {
    let (mut files, mut unread) = (Vec::new(), Vec::new());
    let relative = |path: &Path| {
        let parts = path.strip_prefix(folder).unwrap_or(path).components();
        let parts: Vec<_> = parts.map(|part| part.as_os_str().to_string_lossy()).collect();
        parts.join("/")
    };
    let hidden =
        |entry: &walkdir::DirEntry| entry.depth() > 0 && entry.file_name().to_string_lossy().starts_with('.');
    for entry in WalkDir::new(folder).into_iter().filter_entry(|entry| !hidden(entry)) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) => {
                let path = e.path().unwrap_or(folder).to_owned();
                let error = e.into_io_error().unwrap_or_else(|| io::Error::other("a cycle of links"));
                let sentence = import::ReadError::from_io(&path, error).to_string();
                unread.push(Unread { relative: relative(&path), sentence });
                continue;
            }
        };
        let kind = Kind::of_file_name(entry.path());
        if !entry.file_type().is_file() || kind == Kind::Unknown {
            continue;
        }
        if entry.path().strip_prefix(folder).unwrap_or(entry.path()).to_str().is_none() {
            let sentence =
                format!("{} has a name that is not UTF-8; rename it", entry.path().to_string_lossy());
            unread.push(Unread { relative: relative(entry.path()), sentence });
            continue;
        }
        if found().is_break() {
            return Err(Error::Cancelled);
        }
        let metadata = entry.metadata().ok();
        let changed = metadata.as_ref().and_then(|m| m.modified().ok()).map_or(0, nanoseconds);
        files.push(Found {
            path: entry.path().to_owned(),
            relative: relative(entry.path()),
            kind,
            bytes: metadata.map_or(0, |m| m.len()),
            changed,
        });
    }
    files.sort_unstable_by(|a, b| a.relative.cmp(&b.relative));
    Ok((files, unread))
}

fn nanoseconds(time: std::time::SystemTime) -> i128 {
    match time.duration_since(std::time::UNIX_EPOCH) {
        Ok(after) => after.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    }
}

/// The sites that the folder of some files is published as. Cost: reading up to three notes at its root.
pub(crate) fn sites(files: &[Found]) -> Vec<String> {
    let may_name = files.iter().filter(|file| markdown::may_name_sites(&file.relative));
    // One that cannot be read is reported where it is taken in.
    may_name
        .filter_map(|file| import::read_text(&file.path).ok())
        .flat_map(|text| markdown::sites_of(&text))
        .collect()
}

/// The notes among some files, as links in them find each other. Cost: the number of files.
pub(crate) fn note_paths(files: &[Found], sites: Vec<String>) -> NotePaths {
    let notes = files.iter().filter(|file| matches!(file.kind, Kind::Markdown | Kind::Plain));
    NotePaths::new(notes.map(|file| file.relative.clone()), sites)
}

/// What a note was read as.
pub(crate) struct ReadNote {
    pub(crate) memories: Vec<StoredMemory>,
    pub(crate) text: String,
    /// The places where its links look for notes, ascending; see [`markdown::places_of`].
    pub(crate) places: Vec<u32>,
}

/// Reads a Markdown or plain text file in a folder of these notes.
pub(crate) fn read_note(found: &Found, notes: &NotePaths, warnings: &mut Notices) -> Result<ReadNote> {
    let text = import::read_text(&found.path)?;
    let (memories, places) = if found.kind == Kind::Markdown {
        let note = markdown::parse_among(&found.relative, &text, notes)?;
        warnings.extend(note.warnings.iter().map(ToString::to_string));
        (note.memories, note.places)
    } else {
        (plain::parse(&found.relative, &text)?, Vec::new())
    };
    Ok(ReadNote { memories: memories.into_iter().map(StoredMemory::from).collect(), text, places })
}
