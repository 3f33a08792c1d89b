//! Sources that a build writes itself.
//!
//! Cargo goes by times: a file that `build.zig` writes among its sources is newer than the run that wrote it, so that
//! every build would be followed by another. A file that says after a run what it said before it has not changed, and
//! gets its time from before the run back. The same goes for a folder with the same names in it.
//!
//! What somebody edits while Zig runs says something else, and is left alone.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// So much is read, to be compared later. Larger sources are left to cargo, which then builds more often than it need.
const BYTES_MAX: u64 = 64 << 20;

/// What was there before a run.
pub(crate) struct Kept(Vec<Entry>);

struct Entry {
    path: PathBuf,
    time: SystemTime,
    content: Content,
}

#[derive(PartialEq, Eq)]
enum Content {
    File(Vec<u8>),
    Folder(Vec<OsString>),
}

impl Kept {
    /// Everything in the watched `paths`, folders with all that lies in them.
    pub(crate) fn of(paths: &[PathBuf]) -> Self {
        let mut entries = Vec::new();
        let mut left = BYTES_MAX;
        for path in paths {
            add(path, &mut entries, &mut left);
        }
        Self(entries)
    }

    /// Gives those their times back that say the same as before. What cannot be read or changed stays as it is.
    pub(crate) fn restore(&self) {
        // A file's time is no matter of its folder's, so the order is none either.
        for entry in &self.0 {
            let is_newer = |metadata: fs::Metadata| Ok(metadata.modified()? != entry.time);
            if entry.path.metadata().and_then(is_newer).unwrap_or(false)
                && content(&entry.path).is_ok_and(|content| content == entry.content)
            {
                open_for_times(&entry.path).and_then(|file| file.set_modified(entry.time)).ok();
            }
        }
    }
}

fn add(path: &Path, entries: &mut Vec<Entry>, left: &mut u64) {
    let Ok(metadata) = path.metadata() else { return };
    let size = if metadata.is_dir() { 0 } else { metadata.len() };
    if size <= *left
        && let (Ok(time), Ok(content)) = (metadata.modified(), content(path))
    {
        *left -= size;
        entries.push(Entry { path: path.to_owned(), time, content });
    }
    if metadata.is_dir() && path.symlink_metadata().is_ok_and(|metadata| !metadata.is_symlink()) {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            add(&entry.path(), entries, left);
        }
    }
}

fn content(path: &Path) -> io::Result<Content> {
    if !path.is_dir() {
        return fs::read(path).map(Content::File);
    }
    let names = fs::read_dir(path)?.map(|entry| Ok(entry?.file_name()));
    let mut names: Vec<OsString> = names.collect::<io::Result<_>>()?;
    names.sort();
    Ok(Content::Folder(names))
}

/// Unix sets times through any handle of the owner's, Windows through one that was opened for it.
#[cfg(not(windows))]
fn open_for_times(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(windows)]
fn open_for_times(path: &Path) -> io::Result<File> {
    use std::os::windows::fs::OpenOptionsExt;
    const FILE_WRITE_ATTRIBUTES: u32 = 0x100;
    const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000; // without it no folder is opened
    fs::OpenOptions::new()
        .access_mode(FILE_WRITE_ATTRIBUTES)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_the_same_gets_its_time_back_and_what_changed_does_not() -> io::Result<()> {
        let root = tempfile::tempdir()?;
        let path = |name: &str| root.path().join(name);
        fs::create_dir_all(path("src/deep"))?;
        let files = ["build.zig", "src/same.zig", "src/deep/edited.zig"];
        let folders = ["src/deep", "src", "."];
        let long_ago = SystemTime::now() - std::time::Duration::from_secs(1000);
        for name in files {
            fs::write(path(name), "before")?;
        }
        for name in files.iter().chain(&folders) {
            open_for_times(&path(name))?.set_modified(long_ago)?;
        }
        let kept = Kept::of(&[path("build.zig"), path("src")]);
        fs::write(path("src/same.zig"), "before")?;
        fs::write(path("src/deep/edited.zig"), "after")?;
        // A file that comes and goes changes the folder's time, and not what is in it.
        fs::write(path("src/passing"), "")?;
        fs::remove_file(path("src/passing"))?;
        fs::write(path("src/deep/new.zig"), "")?;
        kept.restore();
        let changed = |name: &str| Ok::<_, io::Error>(path(name).metadata()?.modified()? != long_ago);
        for (name, expected) in [
            ("build.zig", false),
            ("src", false),
            ("src/same.zig", false),
            ("src/deep", true),
            ("src/deep/edited.zig", true),
        ] {
            assert_eq!(changed(name)?, expected, "{name}");
        }
        Ok(())
    }
}
