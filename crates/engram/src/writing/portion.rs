//! Memories on their way into a store: encoded as they will lie there, one behind another, so that many of them take
//! little more memory than their texts.

use crate::memory::{History, MemoryId, StoredMemory};
use crate::store::record::Record;
use crate::store::state::Model;
use crate::time::Time;
use crate::vector_model::model_of;

/// Memories to be put in.
#[derive(Default)]
pub(crate) struct Portion {
    /// Each memory's id, the name of its vector's model if that is said, and its record.
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// The model of the first vector.
    pub(super) first_model: Option<Model>,
    /// When those without a time were made.
    now: Option<Time>,
}

/// Where a memory lies, and what its record does not tell.
#[derive(Clone, Copy)]
struct Entry {
    start: usize,
    end: usize,
    id_bytes: u32,
    /// [`NONE`] where no model is named.
    model_bytes: u32,
    /// The length of its vector, or [`NONE`].
    dimensions: u32,
    has_time: bool,
    has_history: bool,
}

const NONE: u32 = u32::MAX;

/// A memory to be put in.
#[derive(Clone, Copy)]
pub(super) struct Incoming<'p> {
    pub(super) id: &'p str,
    /// Its record, should the id be new.
    pub(super) record: &'p [u8],
    /// The name of the model that its vector is from, where it is said.
    pub(super) model: Option<&'p str>,
    /// The length of its vector.
    pub(super) dimensions: Option<usize>,
    /// Whether it says when it was made.
    pub(super) has_time: bool,
    /// Whether it brings a history of its own.
    pub(super) has_history: bool,
}

impl Portion {
    /// The portion of some memories.
    pub(crate) fn of(memories: &[StoredMemory]) -> Self {
        let mut portion = Self::default();
        memories.iter().for_each(|memory| portion.push(memory));
        portion
    }

    /// Takes a memory in; the last with an id counts.
    pub(crate) fn push(&mut self, stored: &StoredMemory) {
        let StoredMemory { memory, history, model } = stored;
        let now = *self.now.get_or_insert_with(Time::now);
        if self.first_model.is_none() {
            self.first_model = model_of(stored);
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(memory.id.as_str().as_bytes());
        self.bytes.extend_from_slice(model.as_deref().unwrap_or_default().as_bytes());
        self.bytes = Record::of(memory, history, now).append_to(std::mem::take(&mut self.bytes));
        self.entries.push(Entry {
            start,
            end: self.bytes.len(),
            id_bytes: memory.id.as_str().len() as u32,
            model_bytes: model.as_ref().map_or(NONE, |model| model.len() as u32),
            dimensions: memory.vector.as_ref().map_or(NONE, |vector| vector.len() as u32),
            has_time: memory.made.is_some(),
            has_history: *history != History::default(),
        });
    }

    /// About how many bytes of memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len() + size_of_val(&self.entries[..])
    }

    /// How many memories were taken in.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Empties it, for the next memories.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.now = None;
    }

    /// Puts the memories in the order of their ids, and leaves the last of each.
    pub(crate) fn sort(&mut self) {
        let Self { bytes, entries, .. } = self;
        // The later comes first.
        entries.sort_unstable_by(|a, b| a.id(bytes).cmp(b.id(bytes)).then(b.start.cmp(&a.start)));
        entries.dedup_by(|a, b| a.id(bytes) == b.id(bytes));
    }

    /// Whether an id is among them, once they are sorted.
    pub(super) fn holds(&self, id: &MemoryId) -> bool {
        self.entries.binary_search_by(|entry| entry.id(&self.bytes).cmp(id.as_str().as_bytes())).is_ok()
    }

    /// The memories' ids.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|incoming| incoming.id)
    }

    /// The memories.
    pub(super) fn iter(&self) -> impl Iterator<Item = Incoming<'_>> {
        self.entries.iter().map(|entry| {
            let some = |number: u32| (number != NONE).then_some(number as usize);
            let model_bytes = some(entry.model_bytes);
            let (names, record) = self.bytes[entry.start..entry.end]
                .split_at(entry.id_bytes as usize + model_bytes.unwrap_or_default());
            // What was taken in was text.
            let names = std::str::from_utf8(names).unwrap_or_default();
            let (id, model) = names.split_at_checked(entry.id_bytes as usize).unwrap_or_default();
            Incoming {
                id,
                record,
                model: model_bytes.map(|_| model),
                dimensions: some(entry.dimensions),
                has_time: entry.has_time,
                has_history: entry.has_history,
            }
        })
    }
}

impl Entry {
    /// The bytes of its id.
    fn id<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        &bytes[self.start..][..self.id_bytes as usize]
    }
}
