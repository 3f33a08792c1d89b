//! Who links to what, whether or not it is there yet: so that a link to nowhere leads somewhere as soon as
//! its target is put in.

use std::borrow::Cow;
use std::cmp::Ordering;

use heed::RoTxn;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::associations::Kind;
use super::reading;
use super::work::{self, Halt, Meter};
use crate::error::Result;
use crate::store::record::Record;
use crate::store::tables::Store;
use crate::store::write_txn::WriteTxn;

/// One link, from the memory that holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry<'a> {
    /// The id of the memory that links.
    #[serde(borrow)]
    pub(crate) source: Cow<'a, str>,
    /// What it links to.
    #[serde(borrow)]
    pub(crate) target: Target<'a>,
    /// [`Kind`] as a number.
    pub(crate) kind: u8,
    /// The weight it was given.
    pub(crate) weight: f32,
}

/// What a link leads to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Target<'a> {
    /// A memory.
    #[serde(borrow)]
    Id(Cow<'a, str>),
    /// Whatever bears this name in this namespace.
    Name(#[serde(borrow)] Cow<'a, str>, #[serde(borrow)] Cow<'a, str>),
}

const HASH_BYTES: usize = 16;

fn key(entry: &Entry<'_>) -> [u8; 2 * HASH_BYTES] {
    let mut key = [0; 2 * HASH_BYTES];
    key[..HASH_BYTES].copy_from_slice(&hash(&entry.target));
    let source =
        postcard::to_allocvec(&(&entry.source, entry.kind)).expect("an id and a kind are plain data");
    key[HASH_BYTES..].copy_from_slice(&xxh3_128(&source).to_be_bytes());
    key
}

fn hash(target: &Target<'_>) -> [u8; HASH_BYTES] {
    xxh3_128(&postcard::to_allocvec(target).expect("a target is plain data")).to_be_bytes()
}

/// The links that a record holds, by target and kind. Several links to one target count once, as the strongest of them.
pub(crate) fn of<'a>(id: &'a str, record: &'a Record<'_>) -> Vec<Entry<'a>> {
    let entry = |target: Target<'a>, kind: Kind, weight: f32| Entry {
        source: Cow::Borrowed(id),
        target,
        kind: kind as u8,
        weight,
    };
    let links = record.links.iter().filter_map(|link| {
        let target = if link.by_name {
            Target::Name(reading::link_name(&link.to)?.into(), Cow::Borrowed(&record.namespace))
        } else {
            Target::Id(Cow::Borrowed(&link.to))
        };
        Some(entry(target, Kind::Link, link.weight))
    });
    let neighbour = |id: &'a Option<String>, kind| {
        id.as_deref().map(|id| entry(Target::Id(Cow::Borrowed(id)), kind, 1.0))
    };
    let follows = neighbour(&record.follows, Kind::Follows);
    let section_of = neighbour(&record.section_of, Kind::SectionOf);
    let mut entries: Vec<Entry<'a>> = links.chain(follows).chain(section_of).collect();
    entries.sort_unstable_by(|a, b| by_link(a, b).then(b.weight.total_cmp(&a.weight)));
    entries.dedup_by(|next, first| by_link(next, first).is_eq());
    entries
}

/// What the links of a record become.
#[derive(Debug, Default)]
pub(crate) struct Difference<'a> {
    /// Those that go.
    pub(crate) gone: Vec<Entry<'a>>,
    /// Those that come, or come with another weight.
    pub(crate) new: Vec<Entry<'a>>,
    /// Those that stay as they are, by target and kind.
    kept: Vec<Entry<'a>>,
    /// Whether a new one takes the place of one with another weight.
    has_changed: bool,
}

impl<'a> Difference<'a> {
    /// What the links of `old`, if the memory was there, become with `new`, if it stays.
    pub(crate) fn between(id: &'a str, old: Option<&'a Record<'_>>, new: Option<&'a Record<'_>>) -> Self {
        let links = |record: Option<&'a Record<'_>>| record.map_or_else(Vec::new, |record| of(id, record));
        let (gone, new) = (links(old), links(new));
        if gone.is_empty() || new.is_empty() {
            return Self { gone, new, ..Self::default() };
        }
        let mut difference = Self::default();
        let mut old = gone.into_iter().peekable();
        for entry in new {
            while let Some(before) = old.next_if(|old| by_link(old, &entry).is_lt()) {
                difference.gone.push(before);
            }
            match old.next_if(|old| by_link(old, &entry).is_eq()) {
                Some(before) if before.weight == entry.weight => difference.kept.push(entry),
                before => {
                    difference.has_changed |= before.is_some();
                    difference.new.push(entry);
                }
            }
        }
        difference.gone.extend(old);
        difference
    }

    /// Whether links come and all others stay.
    pub(crate) fn only_adds(&self) -> bool {
        self.gone.is_empty() && !self.has_changed
    }

    /// Whether a link of this kind leads to the target before and after.
    pub(crate) fn keeps(&self, target: &Target<'_>, kind: u8) -> bool {
        self.kept.binary_search_by(|entry| (&entry.target, entry.kind).cmp(&(target, kind))).is_ok()
    }

    /// Whether any link by name stays.
    pub(crate) fn keeps_names(&self) -> bool {
        // Names come behind ids.
        self.kept.last().is_some_and(|entry| matches!(entry.target, Target::Name(..)))
    }

    /// Notes it. Cost: the rows that change, whatever else the memory links to.
    pub(crate) fn write(&self, store: &Store, txn: &mut WriteTxn<'_>) -> Result<()> {
        self.write_gone(store, txn)?;
        self.write_new(store, txn)
    }

    /// Takes out those that go.
    pub(crate) fn write_gone(&self, store: &Store, txn: &mut WriteTxn<'_>) -> Result<()> {
        // By key, so that rows of one page come together.
        let mut gone: Vec<_> = self.gone.iter().map(key).collect();
        gone.sort_unstable();
        for key in gone {
            store.tables.links.delete(txn, &key)?;
        }
        Ok(())
    }

    /// Notes those that come.
    pub(crate) fn write_new(&self, store: &Store, txn: &mut WriteTxn<'_>) -> Result<()> {
        let mut new: Vec<_> = self.new.iter().map(|entry| (key(entry), entry)).collect();
        new.sort_unstable_by_key(|(key, _)| *key);
        for (key, entry) in new {
            let value = postcard::to_allocvec(entry).expect("a link is plain data, and a vector grows");
            store.tables.links.put(txn, &key, &value)?;
        }
        Ok(())
    }
}

fn by_link(a: &Entry<'_>, b: &Entry<'_>) -> Ordering {
    (&a.target, a.kind).cmp(&(&b.target, b.kind))
}

/// Whether the table has all these links, as they are.
pub(crate) fn are_noted(store: &Store, txn: &RoTxn<'_>, entries: &[Entry<'_>]) -> Result<bool> {
    for entry in entries {
        let noted = store.tables.links.get(txn, &key(entry))?;
        let noted = noted.and_then(|value| postcard::from_bytes::<Entry<'_>>(value).ok());
        if noted.as_ref() != Some(entry) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The links that lead to a target: the ids of the memories that link, how, and the weights given.
pub(crate) fn to(
    store: &Store,
    txn: &RoTxn<'_>,
    target: &Target<'_>,
    meter: &mut Meter,
) -> std::result::Result<Vec<(String, Kind, f32)>, Halt> {
    let mut found = Vec::new();
    for entry in store.tables.links.prefix_iter(txn, &hash(target))? {
        meter.charge(work::READ)?;
        let (_, value) = entry?;
        let entry: Entry<'_> =
            postcard::from_bytes(value).map_err(|_| store.damaged("the account of a link cannot be read"))?;
        if let Some(kind) = Kind::of(entry.kind).filter(|_| entry.target == *target) {
            found.push((entry.source.into_owned(), kind, entry.weight));
        }
    }
    Ok(found)
}
