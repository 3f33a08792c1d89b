//! A term's packed row: the memories that hold the term, and what it weighs in each.

use std::borrow::Cow;

use heed::{RoTxn, RwTxn};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::Result;
use crate::store::tables::{Store, elements, node_at, posting_key};

const CHECKSUM_BYTES: usize = 8;

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
    /// Whether the row is what was written. Cost: its length.
    pub(crate) fn is_intact(&self) -> bool {
        xxh3_64(self.bytes) == self.checksum
    }
}

/// The bytes of a row: checksum, memories, weights.
pub(crate) fn bytes(memories: &[u32], weights: &[f32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(CHECKSUM_BYTES + 8 * memories.len());
    bytes.resize(CHECKSUM_BYTES, 0);
    bytes.extend_from_slice(bytemuck::cast_slice(memories));
    bytes.extend_from_slice(bytemuck::cast_slice(weights));
    let checksum = xxh3_64(&bytes[CHECKSUM_BYTES..]);
    bytes[..CHECKSUM_BYTES].copy_from_slice(&checksum.to_le_bytes());
    bytes
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

/// A term's packed row; `None` where no packed memory holds the term.
pub(crate) fn packed<'t>(store: &Store, txn: &'t RoTxn<'_>, term: &str) -> Result<Option<PackedRow<'t>>> {
    let found = store.tables.postings.get(txn, term.as_bytes())?;
    let Some(bytes) = found else { return Ok(None) };
    parse(bytes)
        .map(Some)
        .ok_or_else(|| store.damaged(format!("the row of the term {term:?} cannot be read")))
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

/// Removes a forgotten memory from a term's rows, and the term itself with its last memory.
pub(crate) fn remove(store: &Store, txn: &mut RwTxn<'_>, term: &str, memory: u32) -> Result<()> {
    if store.tables.recent_postings.delete(txn, &posting_key(term, memory))? {
        return Ok(());
    }
    let Some(row) = packed(store, txn, term)? else { return Ok(()) };
    if !row.is_intact() {
        // Damage would be written again under a checksum that fits it.
        return Err(store.damaged(format!("the row of the term {term:?} is not what was written")));
    }
    let Ok(at) = row.memories.binary_search(&memory) else { return Ok(()) };
    let (mut memories, mut weights) = (row.memories.into_owned(), row.weights.into_owned());
    memories.remove(at);
    weights.remove(at);
    if memories.is_empty() {
        store.tables.postings.delete(txn, term.as_bytes())?;
        store.tables.terms.delete(txn, term.as_bytes())?;
        return Ok(());
    }
    let bytes = bytes(&memories, &weights);
    store.tables.postings.put(txn, term.as_bytes(), &bytes)
}
