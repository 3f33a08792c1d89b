//! Recall: from a cue to the memories associated with it.
//!
//! ```text
//! cue ─ words ──► memories (BM25, one hop from terms)  ┐
//!     ─ vector ─► memories (nearest vectors)           ├─► seeds ─► spreading activation over
//!     ─ names ──► name nodes                           ┘            memories and names
//!                                                                        │
//!                  hits, each with its account ◄─ ranking ◄─ × forgetting ┘
//! ```
//!
//! Where the cue names nothing that memories bear as title, a memory also keeps a share of what its own words say: what
//! is only near the answer must not stand before it.

mod account;
pub(crate) mod cue;
mod names;
mod ranking;
mod seeds;
mod settings;
mod spread;
pub(crate) mod view;
mod words;

use std::collections::BTreeSet;

pub use account::{Hit, Recollection, SeedShares, Step, Why};
pub use cue::{Cue, DEFAULT_FORGETTING_EXPONENT, Mode};
pub use settings::Settings;
use tracing::debug_span;

use crate::embedding::{Embedder, Embedding};
use crate::engram::Engram;
use crate::error::{Error, Result};
use crate::memory::MemoryId;
use crate::store::record::{self, Record};
use crate::store::state;
use crate::store::{block, nodes};
use crate::time::Time;
use cue::Reading;
use seeds::Seeds;
use view::View;

/// How much longer a memory lasts each time that recalling it is reinforced.
const REINFORCEMENT: f32 = 1.5;

impl Engram {
    /// The memories associated with a cue, best first.
    ///
    /// Words and the vector find seed memories, names in the cue seed name nodes, activation spreads from them over the
    /// associations, and forgetting weighs what it reaches. The same store, cue and `at` give the same answer, to the bit.
    /// Cost: the cue's words' rows, one pass over the vectors, and the neighbourhood that activation reaches, which does
    /// not grow with the store.
    ///
    /// A store that was opened with an [`Embedder`](crate::Embedder) asks it for the cue's vector. Where that fails, the
    /// answer goes by words and names, and [`Recollection::notes`] says so.
    ///
    /// # Errors
    /// If the cue is empty or unfit (a vector of the wrong dimension, a pattern that is none), or the store
    /// cannot be read.
    pub fn recall(&self, cue: &Cue) -> Result<Recollection> {
        let _span = debug_span!("recall").entered();
        let started = std::time::Instant::now();
        if cue.text.trim().is_empty() && cue.vector.is_none() {
            return Err(Error::EmptyCue);
        }
        let mut notes = Vec::new();
        let at = cue.at.unwrap_or_else(Time::now);
        let mut recollection = match debug_span!("embedding").in_scope(|| self.embed_cue(cue)) {
            None => self.recall_at(cue, at, None)?,
            Some(Ok(vector)) => {
                self.recall_at(&Cue { vector: Some(vector), ..cue.clone() }, at, self.embedder.as_deref())?
            }
            Some(Err(error)) if cue.mode == Mode::Vectors => return Err(error.into()),
            Some(Err(error)) => {
                notes.push(format!("the cue has no vector: {error}; this answer goes by words and names"));
                self.recall_at(cue, at, self.embedder.as_deref())?
            }
        };
        recollection.notes.append(&mut notes);
        recollection.took = started.elapsed();
        Ok(recollection)
    }

    /// Recalls in one state of the store, whose vectors must be those of `embedder` where it made the cue's.
    fn recall_at(&self, cue: &Cue, at: Time, embedder: Option<&dyn Embedder>) -> Result<Recollection> {
        let store = self.store()?;
        let txn = store.read()?;
        let Some(state) = state::read(&store, &txn)? else { return Ok(Recollection::default()) };
        let embedding = match embedder {
            Some(embedder) => Embedding::of(embedder)?.check(&store, &txn, &state)?,
            None => Embedding::read(&store, &txn, &state)?,
        };
        let (view, reading) = debug_span!("cue").in_scope(|| -> Result<_> {
            let view = View::new(&store, &txn, &state, self.marks(&store, &txn, &state)?)?;
            let reading = Reading::of(&view, cue)?;
            Ok((view, reading))
        })?;
        let nodes = u32::try_from(reading.nodes(&view)).map_err(|_| Error::OutOfNumbers)?;
        let mut recollection = self.with_scratch(nodes as usize, |scratch| -> Result<Recollection> {
            let seeds = Seeds::find(&view, &reading, cue, scratch)?;
            let (ranked, spread) = match cue.mode {
                Mode::Associative => {
                    let spread = debug_span!("spreading")
                        .in_scope(|| spread::spread(&view, &seeds, &cue.settings, scratch))?;
                    let ranked = debug_span!("ranking")
                        .in_scope(|| ranking::by_activation(&view, &reading, &seeds, cue, scratch, at))?;
                    (ranked, Some(spread))
                }
                Mode::Words => (ranking::as_found(&seeds.words, cue), None),
                Mode::Vectors => (ranking::as_found(&seeds.vectors, cue), None),
            };
            debug_span!("account").in_scope(|| {
                account::recollection(&view, cue, &reading, &seeds, &ranked, spread.as_ref(), scratch)
            })
        })?;
        drop(view);
        drop(txn);
        if let Some(embedding) = embedding.filter(|_| cue.vector.is_none() && cue.mode != Mode::Words)
            && self.embedder.is_none()
        {
            recollection.notes.push(format!(
                "the cue has no vector: the store's embedder {} was not named; this answer goes by words and names",
                embedding.name
            ));
        }
        if cue.reinforce {
            let ids: Vec<MemoryId> = recollection.hits.iter().map(|hit| hit.id.clone()).collect();
            self.reinforce(&ids, at)?;
        }
        Ok(recollection)
    }

    /// Makes memories last longer, as recalling them does: their stability grows by half, and forgetting
    /// counts from `at`. Ids that are not there are passed over.
    ///
    /// # Errors
    /// If the store cannot be written; nothing is changed then.
    pub fn reinforce(&self, ids: &[MemoryId], at: Time) -> Result<()> {
        let ids: BTreeSet<&MemoryId> = ids.iter().collect();
        self.write(|store, txn, _| {
            for id in ids {
                let Some(number) = nodes::memory_number(store, txn, id.as_str())? else { continue };
                let Some(old) = record::get(store, txn, id.as_str())? else { continue };
                let last = old.last_recalled.map_or(at.milliseconds(), |last| last.max(at.milliseconds()));
                let record = Record {
                    last_recalled: Some(last),
                    recalls: old.recalls.saturating_add(1),
                    stability: (old.stability * REINFORCEMENT).min(crate::memory::MAX_STABILITY_SECONDS),
                    ..old
                };
                let Some(mut columns) = block::columns_now(store, txn, number)? else { continue };
                columns.refreshed = record.refreshed();
                columns.stability = record.stability;
                let tables = &store.tables;
                let key = crate::store::tables::node_key(number);
                tables.memories.put(txn, id.as_str().as_bytes(), &record.bytes())?;
                tables.recent_columns.put(txn, &key, &columns.bytes())?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
