//! A folder of notes for tests of vaults, and what a store made freshly from it holds.

use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use engram::{Engram, Vault};

/// A folder of notes, and the place of a store beside it.
pub(crate) struct Notes {
    pub(crate) folder: tempfile::TempDir,
}

impl Notes {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("notes").join(name)
    }

    /// Writes a note. Its time stamp is old enough to count, and another one for each text.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        let sum: u64 = text.bytes().map(u64::from).sum();
        let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + sum);
        File::options().write(true).open(&path).unwrap().set_modified(changed).unwrap();
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        let to = self.path(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::rename(self.path(from), to).unwrap();
    }

    /// The vault of the folder, with a commit for each note.
    pub(crate) fn vault(&self) -> Vault {
        Vault::open(self.path("")).unwrap().with_portion_bytes(1)
    }

    /// Checks that a vault's store holds what one made freshly from the folder holds.
    #[track_caller]
    pub(crate) fn is_followed_by(&self, vault: &Vault, what: &str) {
        let fresh = tempfile::tempdir().unwrap();
        let new = Vault::open_with_store(self.path(""), fresh.path()).unwrap();
        new.synchronise(&mut |_| {}).unwrap();
        let (has, should) = (memories(vault.engram()), memories(new.engram()));
        let only_in = |one: &[Memory], other: &[Memory]| -> Vec<String> {
            one.iter().filter(|memory| !other.contains(memory)).map(|memory| memory.0.clone()).collect()
        };
        let (odd, missing) = (only_in(&has, &should), only_in(&should, &has));
        assert!(odd.is_empty() && missing.is_empty(), "{what}: has {odd:?} and lacks {missing:?}");
        let problems = vault.engram().verify().unwrap().problems;
        assert!(problems.is_empty(), "{what}: {problems:?}");
    }
}

/// A memory's id, title, and text with links.
pub(crate) type Memory = (String, Option<String>, String);

/// What a store holds, by id, without times and histories.
pub(crate) fn memories(engram: &Engram) -> Vec<Memory> {
    let mut all = Vec::new();
    engram
        .for_each::<engram::Error>(|stored| {
            let memory = stored.memory;
            let links = format!("{:?} {:?} {:?}", memory.links, memory.section_of, memory.follows);
            all.push((memory.id.to_string(), memory.title, format!("{}\n{links}", memory.text)));
            Ok(())
        })
        .unwrap();
    all
}

/// Synchronises until progress was reported `calls` times, then unwinds out of it, which leaves the store as a
/// kill would: as the last commit left it. Gives whether it was cut off.
pub(crate) fn cut_off(vault: &Vault, calls: usize) -> bool {
    let mut left = calls;
    let synchronised = catch_unwind(AssertUnwindSafe(|| {
        vault.synchronise(&mut |_| {
            if left == 0 {
                resume_unwind(Box::new("cut off"));
            }
            left -= 1;
        })
    }));
    synchronised.map(Result::unwrap).is_err()
}

/// A note that becomes several memories, one of them for each of its headings.
pub(crate) fn long_note(title: &str, headings: &[&str]) -> String {
    let mut text = format!("# {title}\n\nIt has sections.\n");
    for heading in headings {
        let sentence = format!("What {title} says about {heading} is long enough for a section of its own. ");
        text.push_str(&format!("\n## {heading}\n\n{}\n", sentence.repeat(2200 / sentence.len())));
    }
    text
}

/// Whether a folder holds a file of this name.
pub(crate) fn holds(folder: &Path, name: &str) -> bool {
    folder.join(name).exists()
}
