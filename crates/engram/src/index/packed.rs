//! Builds everything that is derived from the memories, from all of them at once.
//!
//! The result depends on the memories alone, not on the order in which they were written: memories are
//! numbered by external id, names by their key, and every sum runs in the order of those numbers.
//!
//! One pass over the records cuts them into tokens (`decoding`, on a second thread) and turns all that counts into
//! numbers (`builder`): tokens, terms, phrases, names borne, links. From these follow names and mentions
//! (`names`), the graph (`links`), the terms' rows (`postings`) and the vector model; the memories' own
//! vectors are made block by block as they are written. Cost: linear in the text, but for the sorting of
//! names and terms; memory about four bytes a token, 26 a posting, 30 an edge.

mod builder;
mod decoding;
mod facts;
mod links;
mod names;
mod postings;
mod strings;
mod vectors;

use engram_kernels::Graph;
use heed::RoTxn;
use tracing::debug_span;

use crate::beside;
use crate::error::Result;
use crate::progress::{Monitor, Stage};
use crate::random_indexing::{Model, TermVector};
use crate::store::block::{self, BlockKind, Columns, VECTOR_ROWS, VectorSlot};
use crate::store::nodes::{NameNode, NamespaceEntry, NodeView};
use crate::store::pass::Pass;
use crate::store::staging;
use crate::store::state::{self, State};
use crate::store::table::Table;
use crate::store::tables::{Store, name_key, node_key};
use crate::store::write_txn::WriteTxn;
use crate::text::Language;
use builder::Builder;
use decoding::Decoder;
use facts::Kept;
pub(crate) use facts::{Changed, Facts, Put};
use postings::Postings;
use strings::Strings;
pub(crate) use vectors::VectorSource;

/// Batches of records that are decoded before they are needed.
const BATCHES_AHEAD: usize = 8;

/// What takes an entry of a table: key and value.
type EntrySink<'s> = dyn FnMut(&Table, &[u8], &[u8]) -> Result<()> + 's;

/// Everything derived from a store's memories.
pub(crate) struct Packed {
    ids: Strings,
    columns: Vec<Columns>,
    /// Each with its memories, in their order.
    namespaces: Vec<(String, u32)>,
    /// What each assumes of texts that do not tell their language.
    namespace_languages: Vec<Language>,
    names: Vec<NameNode>,
    /// Phrases that one memory alone has: key, namespace, memory.
    singles: Vec<(String, u32, u32)>,
    /// Terms in their order.
    terms: Vec<String>,
    postings: Postings,
    /// The store's own vector model, unless memories bring their vectors along.
    model: Option<Model>,
    graph: Graph,
    length_total: u64,
    languages: Vec<Language>,
}

impl Packed {
    /// Reads every memory and derives everything from them.
    pub(crate) fn build(facts: Facts<'_>, state: &State, monitor: &Monitor) -> Result<Self> {
        let early = |vectors: VectorSource<'_>| monitor.advance(vectors.len());
        Ok(Self::build_and(facts, state, &early, monitor)?.0)
    }

    /// As [`Packed::build`]; calls `early` as soon as the memories' vectors can be made, beside the rest.
    pub(crate) fn build_and<T: Send>(
        facts: Facts<'_>,
        state: &State,
        early: &(impl Fn(VectorSource<'_>) -> T + Sync),
        monitor: &Monitor,
    ) -> Result<(Self, T)> {
        let store = facts.store;
        let _packing = debug_span!("packing").entered();
        let memories = store.tables.memories.len(facts.txn)? + u64::from(facts.changed.len());
        monitor.begin(Stage::Analysing, 2 * memories)?;
        let mut steps = monitor.steps();
        let span = debug_span!("records").entered();
        let mut ids = Strings::default();
        let mut records: Vec<Kept<'_>> = Vec::new();
        let mut pass = Pass::over(&store.environment);
        for entry in facts.starting_at("")? {
            let (id, record) = entry?;
            ids.number(id);
            // The record's own bytes are read later.
            pass.read(record.bytes, 0);
            records.push(record);
            steps.count()?;
        }
        drop(steps);
        let mut builder = Builder::default();
        let mut decoder = Decoder::new(&records, &ids, store.tables.memories.seal(), pass);
        beside::ahead(
            BATCHES_AHEAD,
            || decoder.next(),
            |batch| {
                let mut records = Vec::with_capacity(batch.records.len());
                for (memory, decoded) in (builder.next_memory()..).zip(&batch.records) {
                    records.push(decoded.as_ref().map_err(|bad| bad.of(store, ids.get(memory)))?);
                }
                builder.read_all(&batch, &records);
                monitor.advance(records.len() as u64);
                monitor.check()
            },
        )?;
        drop(decoder);
        drop(records);
        drop(span);
        builder.finish(ids, state, early, monitor)
    }
}

/// Where the vectors are when everything else is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vectors {
    /// They are to be written as well.
    ToWrite,
    /// They were written before, into the place that was free. The claim on it goes on, for the other place.
    Staged,
}

impl Packed {
    /// Puts everything in place of what was derived before, and clears what was kept of recent writes.
    pub(crate) fn write(
        &self,
        store: &Store,
        txn: &mut WriteTxn<'_>,
        state: &mut State,
        vectors: Vectors,
        monitor: &Monitor,
    ) -> Result<()> {
        monitor.begin(Stage::Writing, self.rows(vectors))?;
        let mut steps = monitor.steps();
        let _writing = debug_span!("writing").entered();
        let clearing = debug_span!("clearing").entered();
        for table in derived_tables(store) {
            table.clear(txn)?;
            // To be freed, a table's pages are read.
            store.environment.give_back();
        }
        match vectors {
            Vectors::ToWrite => {
                state.vector_slot = VectorSlot::First;
                store.tables.blocks.clear(txn)?;
                staging::end(store, txn)?;
            }
            Vectors::Staged => {
                for kind in [BlockKind::Columns, BlockKind::Graph] {
                    block::clear(store, txn, kind)?;
                }
                state.vector_slot = state.vector_slot.other();
            }
        }
        store.environment.give_back();
        drop(clearing);
        self.for_each_row(store, &mut |table, key, value| {
            steps.count()?;
            table.append(txn, key, value)
        })?;
        let mut put = |key: &[u8], value: &[u8]| {
            monitor.check()?;
            store.tables.blocks.put(txn, key, value)
        };
        self.for_each_block(store, &mut put)?;
        if vectors == Vectors::ToWrite {
            let mut blocks = self.vectors(state).blocks(state.vector_slot, store.is_sealed);
            while let Some((key, bytes)) = blocks.next(Some(Facts::of(store, txn)))? {
                store.tables.blocks.put(txn, &key, &bytes)?;
                monitor.advance(u64::from(VECTOR_ROWS));
                monitor.check()?;
            }
        }
        *state = self.state(store, state);
        Ok(())
    }

    /// How many rows there are to write, those of vectors among them.
    fn rows(&self, vectors: Vectors) -> u64 {
        let memories = self.ids.len() * (2 + usize::from(vectors == Vectors::ToWrite));
        let terms = self.terms.len() * (1 + usize::from(self.model.is_some()));
        let rows = self.namespaces.len() + memories + 2 * self.names.len() + self.singles.len() + terms;
        rows as u64
    }

    /// The state of a store of exactly these memories.
    pub(crate) fn state(&self, store: &Store, before: &State) -> State {
        let memories = self.ids.len() as u32;
        let nodes = memories + self.names.len() as u32;
        State {
            format: state::packing_format(store),
            generation: before.generation + 1,
            version: before.version + 1,
            memories,
            terms: self.length_total,
            packed_memories: memories,
            packed_nodes: nodes,
            next_node: nodes,
            recent_writes: 0,
            next_namespace: self.namespaces.len() as u32,
            languages: self.languages.iter().map(|l| l.code().to_owned()).collect(),
            model: before.model.clone(),
            vector_slot: before.vector_slot,
        }
    }

    /// Calls `each` with every entry of the derived tables; `txn` reads the store that they were derived from.
    pub(crate) fn for_each_entry(
        &self,
        store: &Store,
        txn: &RoTxn<'_>,
        state: &State,
        each: &mut EntrySink<'_>,
    ) -> Result<()> {
        self.for_each_row(store, each)?;
        self.for_each_block(store, &mut |key: &[u8], bytes: &[u8]| each(&store.tables.blocks, key, bytes))?;
        let mut blocks = self.vectors(state).blocks(state.vector_slot, store.is_sealed);
        while let Some((key, bytes)) = blocks.next(Some(Facts::of(store, txn)))? {
            each(&store.tables.blocks, &key, &bytes)?;
        }
        Ok(())
    }

    /// Calls `each` with every entry of the derived tables but blocks; within a table, keys ascend.
    fn for_each_row(&self, store: &Store, each: &mut EntrySink<'_>) -> Result<()> {
        let tables = &store.tables;
        let rows = debug_span!("writing_nodes").entered();
        let namespaces = self.namespaces.iter().zip(&self.namespace_languages);
        for (number, ((name, memories), language)) in (0_u32..).zip(namespaces) {
            let entry = NamespaceEntry { number, memories: *memories, language: *language };
            each(&tables.namespaces, name.as_bytes(), &entry.bytes())?;
        }
        let memories = self.ids.len() as u32;
        let mut value = Vec::new();
        for (number, id) in (0_u32..).zip(self.ids.iter()) {
            NodeView::Memory(id).write(&mut value);
            each(&tables.numbers, id.as_bytes(), &node_key(number))?;
            each(&tables.nodes, &node_key(number), &value)?;
        }
        for (number, name) in (memories..).zip(&self.names) {
            NodeView::Name(name).write(&mut value);
            each(&tables.nodes, &node_key(number), &value)?;
            each(&tables.names, &name_key(&name.key, name.namespace), &node_key(number))?;
        }
        for (key, namespace, memory) in &self.singles {
            each(&tables.phrases, &name_key(key, *namespace), &node_key(*memory))?;
        }
        drop(rows);
        let rows = debug_span!("writing_terms").entered();
        for (term, name) in self.terms.iter().enumerate() {
            let (memories, weights) = self.postings.row(term);
            let row = crate::index::postings::bytes(name, memories, weights, store.is_sealed);
            each(&tables.postings, name.as_bytes(), &row)?;
            if let Some(model) = &self.model {
                let elements = model.term(term);
                let vector = TermVector { idf: self.postings.idf[term], elements };
                each(&tables.terms, name.as_bytes(), &vector.bytes())?;
            }
        }
        drop(rows);
        Ok(())
    }

    /// Calls `each` with every block but those of vectors.
    fn for_each_block(&self, store: &Store, each: &mut block::Sink<'_>) -> Result<()> {
        let is_sealed = store.is_sealed;
        debug_span!("writing_columns").in_scope(|| block::of_columns(&self.columns, is_sealed, each))?;
        debug_span!("writing_graph").in_scope(|| block::of_graph(&self.graph, is_sealed, each))
    }

    /// What the memories' vectors are made of.
    fn vectors<'p>(&'p self, state: &State) -> VectorSource<'p> {
        VectorSource { ids: &self.ids, dimensions: state.model.dimensions, model: self.model.as_ref() }
    }
}

/// The tables that packing fills or, those of recent writes, empties; but for the blocks.
pub(crate) fn derived_tables(store: &Store) -> [&Table; 13] {
    let tables = &store.tables;
    [
        &tables.namespaces,
        &tables.numbers,
        &tables.nodes,
        &tables.names,
        &tables.phrases,
        &tables.postings,
        &tables.terms,
        &tables.recent_postings,
        &tables.recent_edges,
        &tables.recent_vectors,
        &tables.recent_columns,
        &tables.recent_rows,
        &tables.gone,
    ]
}
