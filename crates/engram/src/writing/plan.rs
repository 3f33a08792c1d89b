//! What a write changes in a state of the store.

use std::borrow::Cow;
use std::collections::BTreeSet;

use heed::RoTxn;

use super::portion::{Incoming, Portion};
use super::{Changes, is_due};
use crate::embedding::{Embedding, embedded_text};
use crate::error::Result;
use crate::index::links::Difference;
use crate::index::packed::{Changed, Put};
use crate::memory::MemoryId;
use crate::progress::Monitor;
use crate::store::nodes;
use crate::store::record::{self, Record};
use crate::store::state::{Model, State};
use crate::store::tables::Store;
use crate::store::write_txn::WriteTxn;
use crate::vector_model::check_dimensions;

/// What a write changes in a state of the store.
pub(super) struct Plan<'w> {
    put: Vec<Put<'w>>,
    gone: Vec<&'w str>,
    pub(super) changes: Changes,
    /// The store's model, which a store that nothing was written to takes from the first vector.
    pub(super) model: Model,
}

impl<'w> Plan<'w> {
    /// Compares what is to be put in and taken out with what is there. `portion` is sorted.
    pub(super) fn new(
        store: &Store,
        txn: &RoTxn<'_>,
        state: &State,
        portion: &'w Portion,
        forget: &'w [MemoryId],
    ) -> Result<Self> {
        let settled = (state.version > 0).then_some(&state.model);
        let model = settled.or(portion.first_model.as_ref()).unwrap_or(&state.model).clone();
        let has_embedder = Embedding::read(store, txn, state)?.is_some();
        let (mut put, mut changes) = (Vec::new(), Changes::default());
        for incoming in portion.iter() {
            check_dimensions(incoming.id, incoming.dimensions, incoming.model, &model)?;
            let old = store.tables.memories.get(txn, incoming.id.as_bytes())?;
            let Some(old) = old else {
                changes.added += 1;
                put.push(Put { id: incoming.id, record: Cow::Borrowed(incoming.record), replaces: false });
                continue;
            };
            let old = Record::read(old).map_err(|bad| bad.of(store, incoming.id))?;
            match revised(store, &incoming, &old, has_embedder)? {
                Some(record) => {
                    changes.updated += 1;
                    put.push(Put { id: incoming.id, record: Cow::Owned(record), replaces: true });
                }
                None => changes.unchanged += 1,
            }
        }
        let mut gone = Vec::new();
        for id in forget.iter().collect::<BTreeSet<_>>() {
            if !portion.holds(id) && nodes::memory_number(store, txn, id.as_str())?.is_some() {
                changes.forgotten += 1;
                gone.push(id.as_str());
            }
        }
        Ok(Self { put, gone, changes, model })
    }

    /// Whether it makes it time to pack the store again.
    pub(super) fn is_due(&self, state: &State) -> bool {
        is_due(state, self.put.len() + self.gone.len(), self.changes.added as usize)
    }

    /// The bytes of the records that are put in.
    pub(super) fn bytes(&self) -> u64 {
        self.put.iter().map(|put| put.record.len() as u64).sum()
    }

    /// What is put in and taken out.
    pub(super) fn changed(&self) -> Changed<'_> {
        Changed { put: &self.put, gone: &self.gone }
    }
}

/// What a memory's record becomes beside the one that its id has now; `None` where that says the same. In a store that
/// `has_embedder`, the vector of the same text stays.
fn revised(
    store: &Store,
    incoming: &Incoming<'_>,
    old: &Record<'_>,
    has_embedder: bool,
) -> Result<Option<Vec<u8>>> {
    let mut new = Record::read(incoming.record).map_err(|bad| bad.of(store, incoming.id))?;
    let embedded = |record: &Record<'_>| embedded_text(record.title.as_deref(), &record.text);
    if has_embedder && new.vector.is_none() && old.vector.is_some() && embedded(&new) == embedded(old) {
        new.vector.clone_from(&old.vector);
    }
    // What recalling has left behind stays, unless the memory brings a history of its own.
    if !incoming.has_history {
        new.set_history(&old.history());
    }
    let made = new.made;
    if !incoming.has_time {
        new.made = old.made;
    }
    if new == *old {
        return Ok(None);
    }
    new.made = made;
    Ok(Some(new.bytes()))
}

/// Writes what is put in and takes out what is gone, and leaves all that is derived to packing. Some of it may have been
/// done where it `is_begun`.
pub(crate) fn write_facts(
    store: &Store,
    txn: &mut WriteTxn<'_>,
    changed: Changed<'_>,
    is_begun: bool,
    monitor: &Monitor,
) -> Result<()> {
    let mut steps = monitor.steps();
    for id in changed.gone {
        steps.count()?;
        if let Some(old) = record::get(store, txn, id)? {
            Difference::between(id, Some(&old), None).write(store, txn)?;
            store.tables.memories.delete(txn, id.as_bytes())?;
        }
    }
    for Put { id, record, replaces } in changed.put {
        steps.count()?;
        let old = if *replaces || is_begun { record::get(store, txn, id)? } else { None };
        let new = Record::read(record).map_err(|bad| bad.of(store, id))?;
        // Where the write is begun, this one may be done.
        if old.as_ref() != Some(&new) {
            Difference::between(id, old.as_ref(), Some(&new)).write(store, txn)?;
            store.tables.memories.put(txn, id.as_bytes(), record)?;
        }
    }
    Ok(())
}
