//! Writes and forgets single memories beside what is packed.
//!
//! Everything that packing would derive is derived for the one memory, against what the store holds now:
//! its terms, its vector by the frozen model, the names in it. Both ways: a name that is new is also looked
//! for in the texts that hold all its words. What only packing settles: the weights of packed rows, and a
//! shorter name in an old text that a new, longer one now covers.

mod names;

use std::collections::BTreeSet;

use heed::{RoTxn, RwTxn};
use rustc_hash::FxHashMap;

use super::associations::Kind;
use super::links::{self, Target};
use super::{edges, postings, reading};
use crate::error::{Error, Result};
use crate::random_indexing::{self, TermVector};
use crate::store::block::{self, Columns};
use crate::store::nodes::{self, Node};
use crate::store::record::{self, Record};
use crate::store::state::State;
use crate::store::tables::{Store, node_key, posting_key};
use crate::text::Tokens;

/// Writes single memories within one transaction.
pub(crate) struct Writer<'s> {
    store: &'s Store,
    lexicon: reading::Lexicon,
    tokens: Tokens,
    /// Whether a name begins with this token, for tokens that were asked for.
    begins_name: FxHashMap<Box<str>, bool>,
}

impl<'s> Writer<'s> {
    /// A writer; it remembers words and names, so use one for all memories of a transaction.
    pub(crate) fn new(store: &'s Store) -> Self {
        Self {
            store,
            lexicon: reading::Lexicon::default(),
            tokens: Tokens::new(),
            begins_name: FxHashMap::default(),
        }
    }

    /// Puts in a memory whose id is not in the store.
    pub(crate) fn remember(
        &mut self,
        txn: &mut RwTxn<'_>,
        state: &mut State,
        id: &str,
        record: &Record<'_>,
    ) -> Result<()> {
        let store = self.store;
        let namespace = nodes::count_memory(store, txn, state, &record.namespace, 1)?;
        let memory = new_node(state)?;
        store.tables.memories.put(txn, id.as_bytes(), &record.bytes())?;
        store.tables.numbers.put(txn, id.as_bytes(), &node_key(memory))?;
        nodes::put(store, txn, memory, &Node::Memory(id.to_owned()))?;
        let counts = self.term_counts(record);
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
        let code = record.language.code();
        if let Err(at) = state.languages.binary_search_by(|known| known.as_str().cmp(code)) {
            state.languages.insert(at, code.to_owned());
        }
        self.add_links(txn, state, id, memory, record)?;
        self.add_names(txn, state, memory, namespace.number, record)
    }

    /// Takes out a memory with all that was derived from it. `None` if the store does not hold it.
    pub(crate) fn forget(
        &mut self,
        txn: &mut RwTxn<'_>,
        state: &mut State,
        id: &str,
    ) -> Result<Option<Record<'static>>> {
        let store = self.store;
        let Some(memory) = nodes::memory_number(store, txn, id)? else { return Ok(None) };
        let Some(record) = record::get(store, txn, id)? else { return Ok(None) };
        let namespace = nodes::count_memory(store, txn, state, &record.namespace, -1)?;
        let counts = self.term_counts(&record);
        for (term, _) in &counts {
            postings::remove(store, txn, term, memory)?;
        }
        state.memories = state.memories.saturating_sub(1);
        let length: u64 = counts.iter().map(|(_, frequency)| u64::from(*frequency)).sum();
        state.terms = state.terms.saturating_sub(length);
        links::remove(store, txn, id, &record)?;
        let names = self.detach(txn, state, memory)?;
        self.release_names(txn, state, memory, namespace.number, &record, &names)?;
        if memory < state.packed_nodes {
            block::erase_vector(store, txn, state.vector_slot, memory)?;
            store.tables.gone.put(txn, &node_key(memory), &[])?;
        }
        for table in [&store.tables.recent_columns, &store.tables.recent_vectors, &store.tables.nodes] {
            table.delete(txn, &node_key(memory))?;
        }
        store.tables.numbers.delete(txn, id.as_bytes())?;
        store.tables.memories.delete(txn, id.as_bytes())?;
        Ok(Some(record))
    }

    /// The terms of a record with their frequencies, by term.
    fn term_counts(&mut self, record: &Record<'_>) -> Vec<(String, u32)> {
        let mut counts: FxHashMap<String, u32> = FxHashMap::default();
        for piece in reading::pieces(record) {
            self.tokens.read(piece);
            let words = self.lexicon.words(record.language);
            for folded in self.tokens.iter() {
                if let Some(term) = words.term(folded) {
                    match counts.get_mut(term) {
                        Some(count) => *count += 1,
                        None => {
                            counts.insert(term.to_owned(), 1);
                        }
                    }
                }
            }
        }
        let mut counts: Vec<(String, u32)> = counts.into_iter().collect();
        counts.sort_unstable();
        counts
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

    /// Joins a memory to what it links to and to what links to it.
    fn add_links(
        &self,
        txn: &mut RwTxn<'_>,
        state: &State,
        id: &str,
        memory: u32,
        record: &Record<'_>,
    ) -> Result<()> {
        let store = self.store;
        links::put(store, txn, id, record)?;
        let namespace = nodes::namespace(store, txn, &record.namespace)?.map_or(0, |entry| entry.number);
        for entry in links::of(id, record) {
            let Some(kind) = Kind::of(entry.kind) else { continue };
            let targets = match &entry.target {
                Target::Id(target) => nodes::memory_number(store, txn, target)?.into_iter().collect(),
                Target::Name(name, _) => self.homes(txn, state, name, namespace)?,
            };
            for target in targets {
                if target != memory && self.is_in(txn, target, &record.namespace)? {
                    edges::join(store, txn, state, (memory, target), kind, entry.weight)?;
                }
            }
        }
        let names = reading::home_names(record);
        let by_name = names.into_iter().map(|name| Target::Name(name, record.namespace.to_string()));
        for target in [Target::Id(id.to_owned())].into_iter().chain(by_name) {
            for entry in links::to(store, txn, &target)? {
                let source = nodes::memory_number(store, txn, &entry.source)?;
                let Some((source, kind)) = source.zip(Kind::of(entry.kind)) else { continue };
                if source != memory && self.is_in(txn, source, &record.namespace)? {
                    edges::join(store, txn, state, (source, memory), kind, entry.weight)?;
                }
            }
        }
        Ok(())
    }

    /// Whether a memory lies in a namespace.
    fn is_in(&self, txn: &RoTxn<'_>, memory: u32, namespace: &str) -> Result<bool> {
        let Some(Node::Memory(id)) = nodes::get(self.store, txn, memory)? else { return Ok(false) };
        let bytes = self.store.tables.memories.get(txn, id.as_bytes())?;
        Ok(bytes.and_then(|bytes| Record::read(bytes).ok()).is_some_and(|r| r.namespace == namespace))
    }

    /// The memories that bear a name.
    fn homes(&self, txn: &RoTxn<'_>, state: &State, name: &str, namespace: u32) -> Result<Vec<u32>> {
        let Some(number) = nodes::name_number(self.store, txn, name, namespace)? else {
            return Ok(Vec::new());
        };
        let mut homes = Vec::new();
        for memory in self.neighbours(txn, state, number)? {
            let Some(Node::Memory(id)) = nodes::get(self.store, txn, memory)? else { continue };
            let bytes = self.store.tables.memories.get(txn, id.as_bytes())?;
            let bears = bytes
                .and_then(|bytes| Record::read(bytes).ok())
                .is_some_and(|record| reading::home_names(&record).iter().any(|home| home == name));
            if bears {
                homes.push(memory);
            }
        }
        Ok(homes)
    }

    /// Every node that a node is joined to.
    fn neighbours(&self, txn: &RoTxn<'_>, state: &State, node: u32) -> Result<BTreeSet<u32>> {
        let gone = |n: u32| self.store.tables.gone.get(txn, &node_key(n)).ok().flatten().is_some();
        let packed = edges::packed(self.store, txn, state, node, gone)?;
        let recent = edges::recent(self.store, txn, node)?;
        Ok(packed.into_iter().map(|(t, _)| t).chain(recent.into_iter().map(|(t, _, _)| t)).collect())
    }

    /// Takes a node's edges away, and gives the names that it was joined to.
    fn detach(&self, txn: &mut RwTxn<'_>, state: &State, memory: u32) -> Result<Vec<u32>> {
        let store = self.store;
        let mut names = Vec::new();
        for (target, kind, _) in edges::recent(store, txn, memory)? {
            for (source, target, kind) in [(memory, target, kind), (target, memory, kind.reversed())] {
                let key = crate::store::tables::edge_key(source, target, kind as u8);
                store.tables.recent_edges.delete(txn, &key)?;
            }
            if matches!(kind, Kind::Bears | Kind::Mentions) {
                names.push(target);
            }
        }
        let packed = edges::packed(store, txn, state, memory, |_| false)?;
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
