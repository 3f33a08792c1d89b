//! Writes and forgets single memories beside what is packed.
//!
//! Everything that packing would derive is derived for the one memory, against what the store holds now:
//! its terms, its vector by the frozen model, the names in it. Both ways: a name that is new is also looked
//! for in the texts that hold all its words. What only packing settles: the weights of packed rows, and a
//! shorter name in an old text that a new, longer one now covers.

mod linking;
mod matching;
mod names;
mod removed;

use heed::RoTxn;
use rustc_hash::FxHashMap;

use super::associations::Kind;
use super::links::{self, Difference};
use super::packed::{Changed, Put};
use super::work::{self, Halt, Meter};
use super::{edges, reading};
use crate::error::{Error, Result};
use crate::random_indexing::{self, TermVector};
use crate::store::block::Columns;
use crate::store::nodes::{self, Node};
use crate::store::record::{self, Record};
use crate::store::state::State;
use crate::store::tables::{Store, edge_key, node_key, posting_key};
use crate::store::write_txn::WriteTxn;
use crate::text::Language;
use crate::text::Tokens;
use matching::Beginning;
use removed::Removed;

/// Text that has a new term, at least.
const TERM_BYTES: u64 = 16;

/// What a step of writing gives, if it may be taken.
type Step<T> = std::result::Result<T, Halt>;

/// Writes what a write changes beside what is packed, as long as that is no more work than `most`; gives the work.
///
/// # Errors
/// [`Halt::TooDear`] where it would be. Then some memories are written and others not, each of them wholly as far as facts
/// go (records, who links to what); what is derived is left half done, for packing to derive anew.
pub(crate) fn write(
    store: &Store,
    txn: &mut WriteTxn<'_>,
    state: &mut State,
    changed: Changed<'_>,
    most: u64,
) -> Step<u64> {
    let records =
        changed.put.iter().map(|put| Record::read(&put.record).map_err(|bad| bad.of(store, put.id)));
    let records: Vec<Record<'_>> = records.collect::<Result<_>>()?;
    // Where it is too much anyway, it is not begun.
    let least = |(put, record): (&Put<'_>, &Record<'_>)| {
        if put.replaces {
            // Perhaps there is little in it that is not there.
            return work::MEMORY;
        }
        let bytes = reading::pieces(record).map(str::len).sum::<usize>() as u64;
        let links = (work::READ + work::NEW_LINK) * record.links.len() as u64;
        work::MEMORY + work::TEXT_BYTE * bytes + work::TERM * bytes.div_ceil(TERM_BYTES) + links
    };
    Meter::new(most).charge(changed.put.iter().zip(&records).map(least).sum())?;
    let mut writer = Writer::new(store, most);
    for id in changed.gone {
        if let Some(old) = record::get(store, txn, id)? {
            let links = Difference::between(id, Some(&old), None);
            writer.forget(txn, state, id, &old, &links)?;
        }
    }
    for (put, record) in changed.put.iter().zip(&records) {
        let old = if put.replaces { record::get(store, txn, put.id)? } else { None };
        let links = Difference::between(put.id, old.as_ref(), Some(record));
        if let Some(old) = &old {
            if links.only_adds()
                && old.is_same_but_for_links(record)
                && writer.link(txn, state, put, record, &links)?
            {
                continue;
            }
            writer.forget(txn, state, put.id, old, &links)?;
        }
        writer.remember(txn, state, put, record, &links)?;
    }
    let work = writer.meter.done();
    writer.finish(txn, state)?;
    state.recent_writes += changed.len();
    Ok(work)
}

/// Writes single memories within one transaction.
struct Writer<'s> {
    store: &'s Store,
    meter: Meter,
    lexicon: reading::Lexicon,
    tokens: Tokens,
    /// How names begin with this token, for tokens that were asked for.
    begins_name: FxHashMap<Box<str>, Beginning>,
    removed: Removed,
}

impl<'s> Writer<'s> {
    /// A writer that does no more work than `most`.
    fn new(store: &'s Store, most: u64) -> Self {
        Self {
            store,
            meter: Meter::new(most),
            lexicon: reading::Lexicon::default(),
            tokens: Tokens::new(),
            begins_name: FxHashMap::default(),
            removed: Removed::default(),
        }
    }

    /// Puts in a memory whose id is not in the store, of whose links those are noted that the difference does not name.
    fn remember(
        &mut self,
        txn: &mut WriteTxn<'_>,
        state: &mut State,
        put: &Put<'_>,
        record: &Record<'_>,
        links: &Difference<'_>,
    ) -> Step<()> {
        let (store, id) = (self.store, put.id);
        // Before anything is written, because there may be many.
        let linked = self.linked(txn, state, &links::of(id, record), &record.namespace)?;
        self.meter.charge(work::NEW_LINK * links.new.len() as u64)?;
        // The facts, which packing would find: all or nothing of them.
        let namespace = nodes::count_memory(store, txn, state, &record.namespace, 1)?;
        store.tables.memories.put(txn, id.as_bytes(), &put.record)?;
        links.write_new(store, txn)?;

        let language = record.language.unwrap_or(namespace.language);
        let counts = self.term_counts(record, language)?;
        self.meter.charge(work::MEMORY + work::TERM * counts.len() as u64)?;
        let memory = new_node(state)?;
        store.tables.numbers.put(txn, id.as_bytes(), &node_key(memory))?;
        nodes::put(store, txn, memory, &Node::Memory(id.to_owned()))?;
        let length = counts.iter().map(|(_, frequency)| frequency).sum();
        for (term, frequency) in &counts {
            let key = posting_key(term, memory);
            store.tables.recent_postings.put(txn, &key, &node_key(*frequency))?;
        }
        let columns = Columns {
            namespace: namespace.number,
            length,
            made: record.made,
            refreshed: record.refreshed(),
            strength: record.strength,
            stability: record.stability,
        };
        store.tables.recent_columns.put(txn, &node_key(memory), &columns.bytes())?;
        if let Some(vector) = self.vector(txn, state, record, &counts)? {
            let bytes = bytemuck::cast_slice(&vector);
            store.tables.recent_vectors.put(txn, &node_key(memory), bytes)?;
        }
        state.memories += 1;
        state.terms += u64::from(length);
        let code = language.code();
        if let Err(at) = state.languages.binary_search_by(|known| known.as_str().cmp(code)) {
            state.languages.insert(at, code.to_owned());
        }
        self.join_all(txn, state, memory, &linked)?;
        self.add_backlinks(txn, state, id, (memory, namespace.number), record)?;
        self.add_names(txn, state, memory, namespace.number, record)
    }

    /// Takes out a memory with all that was derived from it, but for the links that the difference keeps. Its words in
    /// packed rows and its packed vector stay until [`Writer::finish`].
    fn forget(
        &mut self,
        txn: &mut WriteTxn<'_>,
        state: &mut State,
        id: &str,
        record: &Record<'_>,
        links: &Difference<'_>,
    ) -> Step<()> {
        let store = self.store;
        let Some(memory) = nodes::memory_number(store, txn, id)? else { return Ok(()) };
        self.meter.charge(work::GONE_LINK * links.gone.len() as u64)?;
        // The facts: all or nothing of them.
        let namespace = nodes::count_memory(store, txn, state, &record.namespace, -1)?;
        links.write_gone(store, txn)?;
        store.tables.memories.delete(txn, id.as_bytes())?;

        let counts = self.term_counts(record, record.language.unwrap_or(namespace.language))?;
        self.meter.charge(work::MEMORY + work::TERM * counts.len() as u64)?;
        let is_packed = memory < state.packed_nodes;
        for (term, _) in &counts {
            let key = posting_key(term, memory);
            let was_recent = store.tables.recent_postings.delete(txn, &key)?;
            if is_packed && !was_recent {
                self.removed.posting(store, txn, term, memory, &mut self.meter)?;
            }
        }
        state.memories = state.memories.saturating_sub(1);
        let length: u64 = counts.iter().map(|(_, frequency)| u64::from(*frequency)).sum();
        state.terms = state.terms.saturating_sub(length);
        let names = self.detach(txn, state, memory)?;
        self.release_names(txn, state, memory, namespace.number, record, &names)?;
        if is_packed {
            self.removed.vector(store, txn, state, memory, &mut self.meter)?;
            store.tables.gone.put(txn, &node_key(memory), &[])?;
        }
        for table in [&store.tables.recent_columns, &store.tables.recent_vectors, &store.tables.nodes] {
            table.delete(txn, &node_key(memory))?;
        }
        store.tables.numbers.delete(txn, id.as_bytes())?;
        Ok(())
    }

    /// Takes what was forgotten out of packed rows and vectors.
    fn finish(self, txn: &mut WriteTxn<'_>, state: &State) -> Result<()> {
        self.removed.write(self.store, txn, state)
    }

    /// The terms of a record with their frequencies, by term.
    fn term_counts(&mut self, record: &Record<'_>, language: Language) -> Step<Vec<(String, u32)>> {
        let bytes: usize = reading::pieces(record).map(str::len).sum();
        self.meter.charge(work::TEXT_BYTE * bytes as u64)?;
        let mut counts: FxHashMap<String, u32> = FxHashMap::default();
        for piece in reading::pieces(record) {
            self.tokens.read(piece);
            let words = self.lexicon.words(language);
            let mut count = |folded: &str| {
                if let Some(term) = words.term(folded) {
                    match counts.get_mut(term) {
                        Some(count) => *count += 1,
                        None => {
                            counts.insert(term.to_owned(), 1);
                        }
                    }
                }
            };
            self.tokens.iter().for_each(&mut count);
            crate::text::compounds(piece, &self.tokens, count);
        }
        let mut counts: Vec<(String, u32)> = counts.into_iter().collect();
        counts.sort_unstable();
        Ok(counts)
    }

    /// The memory's vector: its own at unit length, or one by the frozen model.
    fn vector(
        &self,
        txn: &RoTxn<'_>,
        state: &State,
        record: &Record<'_>,
        counts: &[(String, u32)],
    ) -> Result<Option<Vec<f32>>> {
        if state.model.given {
            return Ok(record.vector.as_deref().map(super::unit_vector));
        }
        let mut known = Vec::with_capacity(counts.len());
        for (term, frequency) in counts {
            if let Some(vector) = term_vector(self.store, txn, term)? {
                known.push((vector, *frequency));
            }
        }
        Ok((!known.is_empty()).then(|| random_indexing::embed(&known)))
    }

    /// Takes a node's edges away, and gives the names that it was joined to.
    fn detach(&mut self, txn: &mut WriteTxn<'_>, state: &State, memory: u32) -> Step<Vec<u32>> {
        let store = self.store;
        let mut names = Vec::new();
        let recent = edges::recent(store, txn, memory)?;
        self.meter.charge(work::EDGE * recent.len() as u64)?;
        for (target, kind, _) in recent {
            for (source, target, kind) in [(memory, target, kind), (target, memory, kind.reversed())] {
                let key = edge_key(source, target, kind as u8);
                store.tables.recent_edges.delete(txn, &key)?;
            }
            if matches!(kind, Kind::Bears | Kind::Mentions) {
                names.push(target);
            }
        }
        let packed = edges::packed(store, txn, state, memory, |_| false)?;
        self.meter.charge(work::MARK * packed.len() as u64)?;
        for (target, _) in packed {
            edges::mark(store, txn, state, target)?;
            if nodes::name(store, txn, target)?.is_some() {
                names.push(target);
            }
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }
}

/// The vector of a term, if the model knows it.
pub(crate) fn term_vector(store: &Store, txn: &RoTxn<'_>, term: &str) -> Result<Option<TermVector>> {
    let found = store.tables.terms.get(txn, term.as_bytes())?;
    let Some(bytes) = found else { return Ok(None) };
    let vector = TermVector::read(bytes);
    vector.map(Some).ok_or_else(|| store.damaged(format!("the vector of the term {term:?} cannot be read")))
}

fn new_node(state: &mut State) -> Result<u32> {
    let number = state.next_node;
    state.next_node = number.checked_add(1).ok_or(Error::OutOfNumbers)?;
    Ok(number)
}
