//! A term's packed row: the memories that hold the term, and what it weighs in each.

use std::borrow::Cow;
use std::collections::BTreeSet;

use heed::RoTxn;
use xxhash_rust::xxh3::xxh3_64;

use super::ascending::Ascending;
use crate::error::Result;
use crate::store::tables::{Store, elements, node_at};
use crate::store::write_txn::WriteTxn;

const CHECKSUM_BYTES: usize = 8;
/// Rows of up to so many bytes are checked whenever they are read: looking up whether they were costs as much.
const SMALL: usize = 1024;

/// A row as it lies in the map.
pub(crate) struct PackedRow<'t> {
    checksum: u64,
    bytes: &'t [u8],
    /// Memories, ascending.
    pub(crate) memories: Cow<'t, [u32]>,
    /// The BM25 weight of the term in each.
    pub(crate) weights: Cow<'t, [f32]>,
}

impl PackedRow<'_> {
    /// Whether the row is what was written for this key, a term. Cost: its length.
    pub(crate) fn is_intact(&self, key: &[u8], is_sealed: bool) -> bool {
        self.checksum == checksum(key, self.bytes, is_sealed)
    }
}

/// The checksum of a row. In a sealed store it includes the term.
fn checksum(key: &[u8], row: &[u8], is_sealed: bool) -> u64 {
    xxh3_64(row) ^ if is_sealed { xxh3_64(key).rotate_left(23) } else { 0 }
}

/// The bytes of a term's row: checksum, memories, weights.
pub(crate) fn bytes(term: &str, memories: &[u32], weights: &[f32], is_sealed: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(CHECKSUM_BYTES + 8 * memories.len());
    bytes.resize(CHECKSUM_BYTES, 0);
    bytes.extend_from_slice(bytemuck::cast_slice(memories));
    bytes.extend_from_slice(bytemuck::cast_slice(weights));
    let checksum = checksum(term.as_bytes(), &bytes[CHECKSUM_BYTES..], is_sealed);
    bytes[..CHECKSUM_BYTES].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Makes the checksum of a sealed row fit what it holds, as somebody would who makes one up.
#[cfg(test)]
pub(crate) fn reseal(key: &[u8], bytes: &mut [u8]) {
    let (place, row) = bytes.split_at_mut(CHECKSUM_BYTES);
    place.copy_from_slice(&checksum(key, row, true).to_le_bytes());
}

/// Reads a row; `None` where the bytes cannot be one.
pub(crate) fn parse(bytes: &[u8]) -> Option<PackedRow<'_>> {
    let (checksum, bytes) = bytes.split_at_checked(CHECKSUM_BYTES)?;
    if !bytes.len().is_multiple_of(8) {
        return None;
    }
    let (memories, weights) = bytes.split_at(bytes.len() / 2);
    let checksum = u64::from_le_bytes(checksum.try_into().ok()?);
    Some(PackedRow { checksum, bytes, memories: elements(memories)?, weights: elements(weights)? })
}

/// A term's packed row; `None` where no packed memory holds the term. In a sealed store it is checked: a short one each
/// time, a longer one once in a process.
pub(crate) fn packed<'t>(store: &Store, txn: &'t RoTxn<'_>, term: &str) -> Result<Option<PackedRow<'t>>> {
    let found = store.tables.postings.get(txn, term.as_bytes())?;
    let Some(bytes) = found else { return Ok(None) };
    let damaged = |what| store.damaged(format!("the row of the term {term:?} {what}"));
    let row = parse(bytes).ok_or_else(|| damaged("cannot be read"))?;
    if store.is_sealed {
        let check = || row.is_intact(term.as_bytes(), true);
        let is_small = row.bytes.len() <= SMALL;
        let seen = &store.environment.seen;
        if !(if is_small { check() } else { seen.is_intact_posting(row.checksum, check) }) {
            return Err(damaged("is not what was written"));
        }
    }
    Ok(Some(row))
}

/// The recent memories that hold a term, ascending, with the term's frequency in each.
pub(crate) fn recent(store: &Store, txn: &RoTxn<'_>, term: &str) -> Result<Vec<(u32, u32)>> {
    let mut prefix = term.as_bytes().to_vec();
    prefix.push(0);
    let mut found = Vec::new();
    for entry in store.tables.recent_postings.prefix_iter(txn, &prefix)? {
        let (key, value) = entry?;
        let memory = key.get(prefix.len()..).and_then(node_at);
        let (memory, frequency) =
            memory.zip(node_at(value)).ok_or_else(|| store.damaged("a recent posting cannot be read"))?;
        found.push((memory, frequency));
    }
    Ok(found)
}

/// The first terms that begin with some bytes, at most so many; ascending. Cost: a look-up or two for each.
pub(crate) fn beginning(store: &Store, txn: &RoTxn<'_>, start: &str, most: usize) -> Result<Vec<String>> {
    let mut found = BTreeSet::new();
    for table in [&store.tables.postings, &store.tables.recent_postings] {
        let mut from = start.as_bytes().to_vec();
        for _ in 0..most {
            let Some(key) = table.first_key_from(txn, &from)? else { break };
            let term = key.split(|byte| *byte == 0).next().unwrap_or_default();
            let Some(term) = std::str::from_utf8(term).ok().filter(|term| term.starts_with(start)) else {
                break;
            };
            // Behind the term itself, and behind its rows of recent memories.
            from = [term.as_bytes(), &[1]].concat();
            found.insert(term.to_owned());
        }
    }
    Ok(found.into_iter().take(most).collect())
}

/// Keeps those of some terms, which ascend, that a memory holds. Cost: a look-up for each that is kept, and for each
/// gap between the store's terms that others fall into; no more than one for each term of the store.
pub(crate) fn retain_known<T>(store: &Store, txn: &RoTxn<'_>, terms: &mut Vec<(String, T)>) -> Result<()> {
    let mut packed = Ascending::new(&store.tables.postings, txn);
    let mut recent = Ascending::new(&store.tables.recent_postings, txn);
    let mut failed = None;
    let mut prefix = Vec::new();
    terms.retain(|(term, _)| {
        prefix.clear();
        prefix.extend_from_slice(term.as_bytes());
        let packed = packed.at_or_after(&prefix).map(|key| key == Some(&prefix));
        prefix.push(0);
        let known = packed.and_then(|packed| {
            Ok(packed || recent.at_or_after(&prefix)?.is_some_and(|key| key.starts_with(&prefix)))
        });
        known.unwrap_or_else(|error| {
            failed.get_or_insert(error);
            false
        })
    });
    failed.map_or(Ok(()), Err)
}

/// Removes forgotten memories, ascending, from a term's packed row, and the term itself with its last memory.
pub(crate) fn remove(store: &Store, txn: &mut WriteTxn<'_>, term: &str, gone: &[u32]) -> Result<()> {
    let Some(row) = packed(store, txn, term)? else { return Ok(()) };
    if !store.is_sealed && !row.is_intact(term.as_bytes(), false) {
        // Damage would be written again under a checksum that fits it.
        return Err(store.damaged(format!("the row of the term {term:?} is not what was written")));
    }
    let before = row.memories.len();
    let (mut memories, mut weights) = (Vec::with_capacity(before), Vec::with_capacity(before));
    let mut from = 0;
    let ends = gone.iter().filter_map(|memory| row.memories.binary_search(memory).ok());
    for end in ends.chain([before]) {
        memories.extend_from_slice(&row.memories[from..end]);
        weights.extend_from_slice(&row.weights[from..end]);
        from = end + 1;
    }
    if memories.len() == before {
        return Ok(());
    }
    if memories.is_empty() {
        store.tables.postings.delete(txn, term.as_bytes())?;
        store.tables.terms.delete(txn, term.as_bytes())?;
        return Ok(());
    }
    let bytes = bytes(term, &memories, &weights, store.is_sealed);
    store.tables.postings.put(txn, term.as_bytes(), &bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engram::Engram;
    use crate::memory::{MemoryId, NewMemory};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn known_terms_are_those_that_have_a_row(
            texts in prop::collection::vec("([ab]{1,3}x ){0,6}", 1..6),
            recent in "([ab]{1,3}x ){0,6}",
            terms in prop::collection::btree_set("[ab]{1,3}x?|[ab]{1,3}xa?|c", 0..40),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let engram = Engram::create(folder.path()).unwrap();
            let remember = |name: String, text: &str| {
                engram.remember(&NewMemory::new(MemoryId::new(name).unwrap(), text)).unwrap();
            };
            texts.iter().enumerate().for_each(|(at, text)| remember(format!("m{at}"), text));
            engram.consolidate().unwrap();
            remember("recent".into(), &recent);
            let store = engram.store().unwrap();
            let txn = store.read().unwrap();
            let mut kept: Vec<(String, ())> = terms.iter().map(|term| (term.clone(), ())).collect();
            retain_known(&store, &txn, &mut kept).unwrap();
            let has_row = |term: &&String| {
                super::packed(&store, &txn, term).unwrap().is_some()
                    || !super::recent(&store, &txn, term).unwrap().is_empty()
            };
            let expected: Vec<(String, ())> =
                terms.iter().filter(has_row).map(|term| (term.clone(), ())).collect();
            prop_assert_eq!(kept, expected);
        }
    }
}
