//! Filling in the vectors of memories that have none: in batches, each answer checked, many in one transaction.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use heed::RoTxn;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    EmbedError, Embedder, Embedding, Kind, MAX_BATCH_CHARS, MAX_BATCH_TEXTS, MissingVectors, ask,
    embedded_text,
};
use crate::engram::Engram;
use crate::error::Result;
use crate::index::unit_vector;
use crate::store::nodes;
use crate::store::record::{self, Record};
use crate::store::state::State;
use crate::store::tables::{Store, node_key};

/// How many vectors one transaction writes at most.
const PORTION: usize = 1024;
/// How long a vector waits to be written at most, unless the model is slower.
const PATIENCE: Duration = Duration::from_secs(2);
/// A text that a model does not take is cut in half, until it has so many characters.
const SHORTEST_CHARS: usize = 256;
/// A model that does not take so many texts and took none will not take others.
const MOST_REFUSED: u32 = 4;
/// Vectors beside the packed blocks may make up this share of a store while there are more to come: a quarter.
const RECENT_SHARE: u32 = 4;
/// And this one when that is all.
const FINAL_SHARE: u32 = 20;

/// A memory whose vector is missing.
struct Waiting {
    id: String,
    text: String,
    /// Of the text as it lies in the store.
    hash: u64,
}

/// A memory's vector, on its way into the store.
struct Ready {
    id: String,
    hash: u64,
    vector: Vec<f32>,
}

/// One call's work of filling in vectors. After an error of the model it asks for no more.
pub(crate) struct Filling {
    embedder: Arc<dyn Embedder>,
    wanted: Embedding,
    /// Memories whose vector is there.
    done: u64,
    missing: u64,
    /// Why the first vector is missing.
    error: Option<EmbedError>,
    has_given_up: bool,
    /// Whether the model ever gave a vector, and how many texts it did not take.
    has_answered: bool,
    refused: u32,
    ready: Vec<Ready>,
    since: Instant,
}

impl Engram {
    /// The work of filling in vectors, where the store was opened with a model.
    pub(crate) fn filling(&self) -> Result<Option<Filling>> {
        self.embedder.clone().map(Filling::new).transpose()
    }

    /// Fills in what vectors of these memories are missing.
    pub(crate) fn fill<'i>(&self, ids: impl IntoIterator<Item = &'i str>) -> Result<()> {
        let Some(mut filling) = self.filling()? else { return Ok(()) };
        filling.fill(self, ids, &mut |_| {})?;
        self.note_missing_vectors(filling.finish(self)?);
        Ok(())
    }
}

impl Filling {
    pub(crate) fn new(embedder: Arc<dyn Embedder>) -> Result<Self> {
        let wanted = Embedding::of(&*embedder)?;
        Ok(Self {
            embedder,
            wanted,
            done: 0,
            missing: 0,
            error: None,
            has_given_up: false,
            has_answered: false,
            refused: 0,
            ready: Vec::new(),
            since: Instant::now(),
        })
    }

    /// Fills in what vectors of these memories are missing. Tells `progress` how many are there.
    pub(crate) fn fill<'i>(
        &mut self,
        engram: &Engram,
        ids: impl IntoIterator<Item = &'i str>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<()> {
        let mut ids = ids.into_iter().peekable();
        while ids.peek().is_some() {
            let batch = self.next_batch(engram, &mut ids)?;
            if self.has_given_up {
                self.missing += batch.len() as u64;
                continue;
            }
            self.embed(batch);
            if self.ready.len() >= PORTION || self.since.elapsed() > PATIENCE {
                self.commit(engram)?;
            }
            progress(self.done);
        }
        self.commit(engram)
    }

    /// Packs what is due, and says what is missing.
    pub(crate) fn finish(self, engram: &Engram) -> Result<Option<MissingVectors>> {
        if self.done > 0 {
            engram.pack_beyond(FINAL_SHARE)?;
        }
        Ok(self.error.map(|error| MissingVectors { memories: self.missing, error }))
    }

    /// The next memories without a vector, as many as a model is given at once.
    fn next_batch<'i>(
        &mut self,
        engram: &Engram,
        ids: &mut std::iter::Peekable<impl Iterator<Item = &'i str>>,
    ) -> Result<VecDeque<Waiting>> {
        let store = engram.store()?;
        let txn = store.read()?;
        let (mut batch, mut chars) = (VecDeque::new(), 0);
        while batch.len() < MAX_BATCH_TEXTS
            && chars < MAX_BATCH_CHARS
            && let Some(id) = ids.next()
        {
            let Some(waiting) = waiting(&store, &txn, id)? else {
                self.done += 1;
                continue;
            };
            chars += waiting.text.len();
            batch.push_back(waiting);
        }
        Ok(batch)
    }

    /// Asks the model for the vectors of a batch. Where it does not take a text, the others are asked for in smaller
    /// batches, and that text cut shorter.
    fn embed(&mut self, batch: VecDeque<Waiting>) {
        let mut batches = VecDeque::from([batch]);
        while let Some(mut batch) = batches.pop_front() {
            if batch.is_empty() {
                continue;
            }
            let texts: Vec<&str> = batch.iter().map(|waiting| waiting.text.as_str()).collect();
            match ask(&*self.embedder, &texts, Kind::Document) {
                Ok(vectors) => {
                    self.done += vectors.len() as u64;
                    self.has_answered = true;
                    let ready = batch.into_iter().zip(vectors);
                    self.ready.extend(ready.map(|(Waiting { id, hash, .. }, vector)| Ready {
                        id,
                        hash,
                        vector,
                    }));
                }
                Err(EmbedError::Text { .. }) if batch.len() > 1 => {
                    let rest = batch.split_off(batch.len() / 2);
                    batches.push_front(rest);
                    batches.push_front(batch);
                }
                Err(error @ EmbedError::Text { .. }) => {
                    let Some(waiting) = batch.front_mut() else { continue };
                    let chars = waiting.text.chars().count();
                    if chars > SHORTEST_CHARS {
                        waiting.text = waiting.text.chars().take(chars / 2).collect();
                        batches.push_front(batch);
                    } else {
                        self.missing += 1;
                        self.refused += 1;
                        self.error.get_or_insert(error);
                        if self.refused == MOST_REFUSED && !self.has_answered {
                            self.missing += batches.iter().map(|batch| batch.len() as u64).sum::<u64>();
                            self.has_given_up = true;
                            return;
                        }
                    }
                }
                Err(error) => {
                    self.missing += batch.len() as u64 + batches.iter().map(|b| b.len() as u64).sum::<u64>();
                    // What stopped the work says more than what went wrong with a text.
                    self.error = Some(error);
                    self.has_given_up = true;
                    return;
                }
            }
        }
    }

    /// Writes the vectors that are there, each unless its memory has changed meanwhile.
    fn commit(&mut self, engram: &Engram) -> Result<()> {
        self.since = Instant::now();
        if self.ready.is_empty() {
            return Ok(());
        }
        let ready = std::mem::take(&mut self.ready);
        engram.write(|store, txn, state| {
            self.wanted.check(store, txn, state)?;
            for Ready { id, hash, vector } in &ready {
                let Some(mut record) = record::get(store, txn, id)? else { continue };
                if record.vector.is_some() || hash_of(&record) != Some(*hash) {
                    continue;
                }
                let Some(number) = nodes::memory_number(store, txn, id)? else { continue };
                let unit = unit_vector(vector);
                record.vector = Some(vector.clone());
                store.tables.memories.put(txn, id.as_bytes(), &record.bytes())?;
                store.tables.recent_vectors.put(txn, &node_key(number), bytemuck::cast_slice(&unit))?;
                // The memory itself may be a recent write, which counts already.
                state.recent_writes += u32::from(number < state.packed_nodes);
            }
            Ok(())
        })?;
        engram.pack_beyond(RECENT_SHARE)
    }
}

/// Whether more than this share of a store lies beside its packed blocks.
pub(super) fn is_beyond(state: &State, share: u32) -> bool {
    state.recent_writes > state.memories / share
}

/// The memory, if it has no vector and something to embed.
fn waiting(store: &Store, txn: &RoTxn<'_>, id: &str) -> Result<Option<Waiting>> {
    let Some(bytes) = store.tables.memories.get(txn, id.as_bytes())? else { return Ok(None) };
    let record = Record::read(bytes).map_err(|bad| bad.of(store, id))?;
    Ok(text_to_embed(&record).map(|text| Waiting { id: id.to_owned(), hash: xxh3_64(text.as_bytes()), text }))
}

/// What is to be embedded of a memory whose vector is missing.
pub(super) fn text_to_embed(record: &Record<'_>) -> Option<String> {
    if record.vector.is_some() {
        return None;
    }
    embedded_text(record.title.as_deref(), &record.text)
}

fn hash_of(record: &Record<'_>) -> Option<u64> {
    embedded_text(record.title.as_deref(), &record.text).map(|text| xxh3_64(text.as_bytes()))
}
