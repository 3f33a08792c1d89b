//! Who links to what, whether or not it is there yet: so that a link to nowhere leads somewhere as soon as
//! its target is put in.

use std::collections::hash_map::Entry as Seat;

use heed::{RoTxn, RwTxn};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::associations::Kind;
use super::reading;
use super::work::{self, Halt, Meter};
use crate::error::Result;
use crate::store::record::Record;
use crate::store::tables::Store;

/// One link, from the memory that holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The id of the memory that links.
    pub(crate) source: String,
    /// What it links to.
    pub(crate) target: Target,
    /// [`Kind`] as a number.
    pub(crate) kind: u8,
    /// The weight it was given.
    pub(crate) weight: f32,
}

/// What a link leads to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Target {
    /// A memory.
    Id(String),
    /// Whatever bears this name in this namespace.
    Name(String, String),
}

const HASH_BYTES: usize = 16;

fn key(entry: &Entry) -> [u8; 2 * HASH_BYTES] {
    let mut key = [0; 2 * HASH_BYTES];
    key[..HASH_BYTES].copy_from_slice(&hash(&entry.target));
    let source = postcard::to_allocvec(&(&entry.source, entry.kind)).unwrap_or_default();
    key[HASH_BYTES..].copy_from_slice(&xxh3_128(&source).to_be_bytes());
    key
}

fn hash(target: &Target) -> [u8; HASH_BYTES] {
    xxh3_128(&postcard::to_allocvec(target).unwrap_or_default()).to_be_bytes()
}

/// The links that a record holds.
pub(crate) fn of(id: &str, record: &Record<'_>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut places: FxHashMap<(Target, u8), usize> = FxHashMap::default();
    let mut add = |target: Target, kind: Kind, weight: f32| {
        let kind = kind as u8;
        match places.entry((target.clone(), kind)) {
            // Several links to one target count once, as the strongest of them.
            Seat::Occupied(place) => {
                let entry = &mut entries[*place.get()];
                entry.weight = entry.weight.max(weight);
            }
            Seat::Vacant(place) => {
                place.insert(entries.len());
                entries.push(Entry { source: id.to_owned(), target, kind, weight });
            }
        }
    };
    for link in &record.links {
        if !link.by_name {
            add(Target::Id(link.to.to_string()), Kind::Link, link.weight);
        } else if let Some(name) = reading::link_name(&link.to) {
            add(Target::Name(name, record.namespace.to_string()), Kind::Link, link.weight);
        }
    }
    if let Some(target) = &record.follows {
        add(Target::Id(target.clone()), Kind::Follows, 1.0);
    }
    if let Some(target) = &record.section_of {
        add(Target::Id(target.clone()), Kind::SectionOf, 1.0);
    }
    entries
}

/// Notes the links of a record.
pub(crate) fn put(store: &Store, txn: &mut RwTxn<'_>, id: &str, record: &Record<'_>) -> Result<()> {
    for entry in of(id, record) {
        let value = postcard::to_allocvec(&entry).unwrap_or_default();
        store.tables.links.put(txn, &key(&entry), &value)?;
    }
    Ok(())
}

/// Whether the table has all these links, as they are.
pub(crate) fn are_noted(store: &Store, txn: &RoTxn<'_>, entries: &[Entry]) -> Result<bool> {
    for entry in entries {
        let noted = store.tables.links.get(txn, &key(entry))?;
        let noted = noted.and_then(|value| postcard::from_bytes::<Entry>(value).ok());
        if noted.as_ref() != Some(entry) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Forgets the links of a record.
pub(crate) fn remove(store: &Store, txn: &mut RwTxn<'_>, id: &str, record: &Record<'_>) -> Result<()> {
    for entry in of(id, record) {
        store.tables.links.delete(txn, &key(&entry))?;
    }
    Ok(())
}

/// The links that lead to a target.
pub(crate) fn to(
    store: &Store,
    txn: &RoTxn<'_>,
    target: &Target,
    meter: &mut Meter,
) -> std::result::Result<Vec<Entry>, Halt> {
    let mut found = Vec::new();
    for entry in store.tables.links.prefix_iter(txn, &hash(target))? {
        meter.charge(work::READ)?;
        let (_, value) = entry?;
        let entry: Entry =
            postcard::from_bytes(value).map_err(|_| store.damaged("the account of a link cannot be read"))?;
        if entry.target == *target {
            found.push(entry);
        }
    }
    Ok(found)
}
