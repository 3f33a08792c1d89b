//! Notes whose links may lead elsewhere because other notes have come or gone.

use std::collections::{BTreeMap, BTreeSet};

use xxhash_rust::xxh3::Xxh3;

use super::accounts::Known;
use crate::import::markdown::places_of;

/// The hash of paths, which ascend.
pub(super) fn hash_of<'p>(paths: impl Iterator<Item = &'p str>) -> u64 {
    let mut hash = Xxh3::new();
    for path in paths {
        hash.update(path.as_bytes());
        // No path holds a zero.
        hash.update(&[0]);
    }
    hash.digest()
}

/// The notes among `known` to be read again, though they have not changed: `paths` are those that links can lead to now,
/// and `linked` is the hash of other ones, which they could lead to when all notes had been read last.
pub(super) fn relinked(
    paths: &BTreeSet<&str>,
    known: &BTreeMap<String, Known>,
    linked: Option<u64>,
) -> BTreeSet<String> {
    // Where a synchronisation was cut off, nobody knows what had come or gone before it.
    let is_whole = linked == Some(hash_of(known.keys().map(String::as_str)));
    let come = paths.iter().copied().filter(|path| !known.contains_key(*path));
    let gone = known.keys().map(String::as_str).filter(|path| !paths.contains(path));
    let moved: BTreeSet<u32> = come.chain(gone).flat_map(places_of).collect();
    let may_lead_elsewhere = |known: &Known| match &known.places {
        Some(places) if is_whole => places.iter().any(|place| moved.contains(place)),
        Some(places) => !places.is_empty(),
        None => true,
    };
    known.iter().filter(|(_, known)| may_lead_elsewhere(known)).map(|(path, _)| path.clone()).collect()
}
