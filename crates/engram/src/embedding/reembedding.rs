//! Filling in all vectors that are missing, and moving a store to another model.
//!
//! A move is one transaction: it takes the vectors of the old model out and makes the store one of the new model. Then
//! what is missing is filled in, in portions. So at every moment all vectors of a store are from one model, whichever
//! portion was the last.

use std::sync::Arc;

use super::filling::{is_beyond, text_to_embed};
use super::{Embedder, Embedding, Filling, Kind, MissingVectors, ask};
use crate::engram::Engram;
use crate::error::Result;
use crate::index::packed::{Facts, Packed, Vectors};
use crate::progress::Monitor;
use crate::store::record::Record;
use crate::store::state;
use crate::store::tables::Store;
use crate::store::write_txn::WriteTxn;

/// How many ids are looked up at once.
const PAGE: usize = 4096;

/// How far a re-embedding has come, or came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Reembedding {
    /// The model that the store had before, where it was another.
    pub moved_from: Option<String>,
    /// Memories that had no vector.
    pub total: u64,
    /// Those of them that have one now.
    pub embedded: u64,
    /// Those that still have none, and why.
    pub missing: Option<MissingVectors>,
}

impl Engram {
    /// Fills in the vectors that are missing; where the store's vectors are of another model, or its own, all of them.
    ///
    /// A move begins with a trial of the model, so that one that does not answer changes nothing. While vectors are
    /// filled in, memories that have none yet are found by words and names. Done again after it was cut off, it goes on
    /// where it stopped. A handle that was opened with the old model must be opened anew.
    ///
    /// Cost: asking the model for each text, in batches of [`MAX_BATCH_TEXTS`](super::MAX_BATCH_TEXTS); a move also
    /// writes each memory and packs the store.
    ///
    /// # Errors
    /// If the model fails at the trial, or the store cannot be written. What the model leaves undone after that is no
    /// error but in the result.
    pub fn reembed(
        &self,
        embedder: &Arc<dyn Embedder>,
        progress: &mut dyn FnMut(&Reembedding),
    ) -> Result<Reembedding> {
        let mut report = Reembedding { moved_from: self.move_to(&**embedder)?, ..Reembedding::default() };
        progress(&report);
        let mut last = None;
        while let Some(page) = self.missing_after(&mut last)? {
            report.total += page.len() as u64;
        }
        let mut filling = Filling::new(Arc::clone(embedder))?;
        let mut last = None;
        while let Some(page) = self.missing_after(&mut last)? {
            let ids = page.iter().map(String::as_str);
            filling.fill(self, ids, &mut |done| {
                report.embedded = done;
                progress(&report);
            })?;
        }
        report.missing = filling.finish(self)?;
        Ok(report)
    }

    /// How many memories have something to embed and no vector, in a store with an embedding model; `None` in others.
    /// Cost: reading all records.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn without_vector(&self) -> Result<Option<u64>> {
        if self.embedding()?.is_none() {
            return Ok(None);
        }
        let (mut count, mut last) = (0, None);
        while let Some(page) = self.missing_after(&mut last)? {
            count += page.len() as u64;
        }
        Ok(Some(count))
    }

    /// Makes the store one of this model; says which it had, if that was another.
    fn move_to(&self, embedder: &dyn Embedder) -> Result<Option<String>> {
        let wanted = Embedding::of(embedder)?;
        if !self.is_of_another(&wanted)? {
            self.settle_embedder(embedder)?;
            return Ok(None);
        }
        ask(embedder, &["Engram"], Kind::Document)?;
        self.write(|store, txn, state| {
            let found = Embedding::read(store, txn, state)?;
            let found = found.map_or_else(|| state.model.to_string(), |found| found.to_string());
            if state.version > 0 && wanted.check(store, txn, state).is_ok() {
                wanted.settle(store, txn, state)?; // another process was first
                return Ok(None);
            }
            take_vectors_out(store, txn)?;
            state.model = wanted.model()?;
            wanted.settle(store, txn, state)?;
            let monitor = &Monitor::unwatched();
            let packed = Packed::build(Facts::of(store, txn), state, monitor)?;
            packed.write(store, txn, state, Vectors::ToWrite, monitor)?;
            Ok(Some(found))
        })
    }

    fn is_of_another(&self, wanted: &Embedding) -> Result<bool> {
        let store = self.store()?;
        let txn = store.read()?;
        let Some(state) = state::read(&store, &txn)? else { return Ok(false) };
        match wanted.check(&store, &txn, &state) {
            Err(crate::Error::OtherEmbedder { .. }) => Ok(true),
            checked => checked.map(|_| false),
        }
    }

    /// Some more ids, in their order, of memories without a vector; `None` when there are no more memories.
    fn missing_after(&self, last: &mut Option<String>) -> Result<Option<Vec<String>>> {
        let store = self.store()?;
        let txn = store.read()?;
        let page = ids_after(&store, &txn, last.as_deref(), |record| text_to_embed(record).is_some())?;
        *last = page.last;
        Ok(last.is_some().then_some(page.ids))
    }

    /// Packs the store where more than this share of it lies beside the packed blocks.
    pub(super) fn pack_beyond(&self, share: u32) -> Result<()> {
        let store = self.store()?;
        let txn = store.read()?;
        let is_due = state::read(&store, &txn)?.is_some_and(|state| is_beyond(&state, share));
        drop(txn);
        if is_due { self.pack(&Monitor::unwatched()) } else { Ok(()) }
    }
}

/// Some ids, and the last memory that was looked at for them.
struct Page {
    ids: Vec<String>,
    last: Option<String>,
}

/// The ids of some memories after an id, those that `is_wanted`.
fn ids_after(
    store: &Store,
    txn: &heed::RoTxn<'_>,
    after: Option<&str>,
    is_wanted: impl Fn(&Record<'_>) -> bool,
) -> Result<Page> {
    let mut page = Page { ids: Vec::new(), last: None };
    let table = &store.tables.memories;
    for row in table.iter_stored_from(txn, after.unwrap_or_default().as_bytes())? {
        let (key, stored) = row?;
        let id = std::str::from_utf8(key).map_err(|_| store.damaged("an id is not text"))?;
        if Some(id) == after {
            continue;
        }
        let value = table.seal().open(key, stored).ok_or_else(|| store.damaged(table.broken(key)))?;
        let record = Record::read(value).map_err(|bad| bad.of(store, id))?;
        page.last = Some(id.to_owned());
        if is_wanted(&record) {
            page.ids.push(id.to_owned());
            if page.ids.len() == PAGE {
                break;
            }
        }
    }
    Ok(page)
}

/// Takes the vectors out of all memories.
fn take_vectors_out(store: &Store, txn: &mut WriteTxn<'_>) -> Result<()> {
    let mut last = None;
    loop {
        let page = ids_after(store, txn, last.as_deref(), |record| record.vector.is_some())?;
        for id in &page.ids {
            let Some(mut record) = crate::store::record::get(store, txn, id)? else { continue };
            record.vector = None;
            store.tables.memories.put(txn, id.as_bytes(), &record.bytes())?;
        }
        last = page.last;
        if last.is_none() {
            return Ok(());
        }
    }
}
