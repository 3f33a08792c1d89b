//! Which state of the file had sound pages when they were walked last.
//!
//! A walk reads every page of every tree, which takes longer than a recall. So the command notes what it has walked, and
//! what it has written since to pages that it had walked. A file that is as it was then need not be walked again. Whoever
//! changes the file otherwise changes its time of modification.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use super::folder::{self, Trust};
use super::open::DATA_FILE;

/// The file that holds the note.
pub(crate) const WALKED: &str = "walked";

/// A state of the file: its last transaction, and what the system says of it.
type Note = [u8; 48];

fn note_of(data: &fs::Metadata, transaction: u64) -> Option<Note> {
    let modified = data.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    #[cfg(unix)]
    let number = std::os::unix::fs::MetadataExt::ino(data);
    #[cfg(not(unix))]
    let number = 0;
    let numbers = [transaction, data.len(), modified.as_secs(), u64::from(modified.subsec_nanos()), number];
    let mut note = [0; 48];
    for (place, number) in note.chunks_exact_mut(8).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    let checksum = xxh3_64(&note[..40]);
    note[40..].copy_from_slice(&checksum.to_le_bytes());
    Some(note)
}

/// Whether the file of a folder is as it was when its pages were walked last. Cost: some microseconds.
pub(crate) fn is_noted(folder: &Path, transaction: u64) -> bool {
    let mut found = [0; 48];
    let read = File::open(folder.join(WALKED)).and_then(|mut file| file.read_exact(&mut found));
    let data = fs::metadata(folder.join(DATA_FILE)).ok();
    read.is_ok() && data.and_then(|data| note_of(&data, transaction)) == Some(found)
}

/// Notes that the pages of a file are sound as of this transaction.
pub(crate) fn note(folder: &Path, transaction: u64, trust: Trust) -> io::Result<()> {
    let data = fs::metadata(folder.join(DATA_FILE))?;
    let Some(note) = note_of(&data, transaction) else { return Ok(()) };
    let mut file = folder::lock_file(&folder.join(WALKED), true, trust)?;
    // A note that is cut off does not match its checksum.
    file.write_all(&note)
}
