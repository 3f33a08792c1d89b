//! Which of the files that are gone has become which of the new ones.

use std::collections::{BTreeMap, BTreeSet};

use super::accounts::{Known, Version};

/// The files that are gone, to be found by their text.
#[derive(Debug, Default)]
pub(super) struct Renames {
    gone: BTreeMap<String, Known>,
    /// The paths of the files with a text and a name, or with a text and any name.
    by_text: BTreeMap<(u64, Option<String>), BTreeSet<String>>,
}

/// A file that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gone {
    pub(super) relative: String,
    pub(super) bytes: u64,
    /// The version of its entry.
    pub(super) version: Version,
}

fn name(relative: &str) -> String {
    relative.rsplit('/').next().unwrap_or(relative).to_owned()
}

impl Renames {
    pub(super) fn new(gone: BTreeMap<String, Known>) -> Self {
        let mut by_text: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        // A text of 0 was never read.
        for (relative, known) in gone.iter().filter(|(_, known)| known.text != 0) {
            for name in [None, Some(name(relative))] {
                by_text.entry((known.text, name)).or_default().insert(relative.clone());
            }
        }
        Self { gone, by_text }
    }

    /// Takes out the file that has become a new one: of those with its text the one with its name, else any.
    pub(super) fn take(&mut self, relative: &str, text: u64) -> Option<Gone> {
        let first = |name| self.by_text.get(&(text, name)).and_then(BTreeSet::first).cloned();
        let found = first(Some(name(relative))).or_else(|| first(None))?;
        for name in [None, Some(name(&found))] {
            if let Some(paths) = self.by_text.get_mut(&(text, name)) {
                paths.remove(&found);
            }
        }
        let known = self.gone.remove(&found)?;
        Some(Gone { relative: found, bytes: known.bytes, version: known.version })
    }

    /// The files that have become no other, by path.
    pub(super) fn left(self) -> impl Iterator<Item = Gone> {
        let gone = self.gone.into_iter();
        gone.map(|(relative, known)| Gone { relative, bytes: known.bytes, version: known.version })
    }
}
