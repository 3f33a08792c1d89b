//! Builds everything that is derived from the memories, from all of them at once.
//!
//! The result depends on the memories alone, not on the order in which they were written: memories are
//! numbered by external id, names by their key, and every sum runs in the order of those numbers.
//!
//! One pass over the records turns all that counts into numbers (`builder`): tokens, terms, phrases, names borne,
//! links. From these follow names and mentions (`names`), the graph (`links`), the terms' rows (`postings`) and
//! the vector model; the memories' own vectors are made block by block as they are written. Cost: linear in the
//! text, but for the sorting of names and terms; memory about four bytes a token, 12 a posting, 30 an edge.

mod builder;
mod links;
mod names;
mod postings;
mod strings;

use engram_kernels::Graph;
use heed::{RoTxn, RwTxn};
use tracing::debug_span;

use crate::error::Result;
use crate::random_indexing::{self, DIMENSIONS, TermVector};
use crate::store::block::{self, Columns};
use crate::store::nodes::{self, NameNode, NamespaceEntry, NodeView};
use crate::store::record::Record;
use crate::store::state::{self, State};
use crate::store::tables::{Store, Table, name_key, node_key};
use crate::text::Language;
use builder::Builder;
use postings::{Counts, Postings};
use strings::Strings;

/// What takes an entry of a table: key and value.
type EntrySink<'s> = dyn FnMut(Table, &[u8], &[u8]) -> Result<()> + 's;

/// Everything derived from a store's memories.
pub(crate) struct Packed {
    ids: Strings,
    columns: Vec<Columns>,
    namespaces: Vec<(String, u32)>,
    names: Vec<NameNode>,
    /// Phrases that one memory alone has: key, namespace, memory.
    singles: Vec<(String, u32, u32)>,
    /// Terms in their order.
    terms: Vec<String>,
    counts: Counts,
    postings: Postings,
    /// Of the store's own vector model, or empty.
    term_vectors: Vec<i16>,
    /// Vectors that memories brought along, or empty.
    given_vectors: Vec<f32>,
    graph: Graph,
    length_total: u64,
    languages: Vec<Language>,
}

impl Packed {
    /// Reads every memory and derives everything from them.
    pub(crate) fn build(store: &Store, txn: &RoTxn<'_>, state: &State) -> Result<Self> {
        let mut namespaces: Vec<(String, u32)> = Vec::new();
        for (name, entry) in nodes::namespaces(store, txn)? {
            if entry.memories > 0 {
                namespaces.push((name, 0));
            }
        }
        let _packing = debug_span!("packing").entered();
        let records = debug_span!("records").entered();
        let dimensions = state.model.dimensions as usize;
        let memories = store.tables.memories;
        let mut ids = Strings::default();
        for entry in memories.iter(txn).map_err(|e| store.fail(e))? {
            let (id, _) = entry.map_err(|e| store.fail(e))?;
            ids.number(std::str::from_utf8(id).map_err(|_| store.damaged("an id is not text"))?);
        }
        let mut builder = Builder::new(ids);
        for (number, entry) in (0_u32..).zip(memories.iter(txn).map_err(|e| store.fail(e))?) {
            let (_, bytes) = entry.map_err(|e| store.fail(e))?;
            let id = builder.ids.get(number);
            let record = Record::read(bytes)
                .map_err(|bad| store.damaged(format!("the memory {id} is unreadable: {bad}")))?;
            let namespace = namespaces
                .binary_search_by(|(name, _)| name.as_str().cmp(&record.namespace))
                .map_err(|_| store.damaged(format!("the namespace of {id} is missing")))?;
            namespaces[namespace].1 += 1;
            builder.read(&record, namespace as u32);
            if state.model.given {
                builder.give_vector(record.vector.as_deref(), dimensions);
            }
        }
        drop(records);
        builder.finish(namespaces, state)
    }
}

impl Packed {
    /// Puts everything in place of what was derived before, and clears what was kept of recent writes.
    pub(crate) fn write(&self, store: &Store, txn: &mut RwTxn<'_>, state: &mut State) -> Result<()> {
        let _writing = debug_span!("writing").entered();
        let clearing = debug_span!("clearing").entered();
        for table in derived_tables(store) {
            table.clear(txn).map_err(|e| store.fail(e))?;
        }
        drop(clearing);
        self.for_each_entry(store, state, &mut |table, key, value| {
            table.put_with_flags(txn, heed::PutFlags::APPEND, key, value).map_err(|e| store.fail(e))
        })?;
        *state = self.state(state);
        Ok(())
    }

    /// The state of a store of exactly these memories.
    pub(crate) fn state(&self, before: &State) -> State {
        let memories = self.ids.len() as u32;
        let nodes = memories + self.names.len() as u32;
        State {
            format: state::FORMAT,
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
        }
    }

    /// Calls `each` with every entry of the derived tables; within a table, keys ascend.
    pub(crate) fn for_each_entry(
        &self,
        store: &Store,
        state: &State,
        each: &mut EntrySink<'_>,
    ) -> Result<()> {
        let tables = &store.tables;
        let rows = debug_span!("writing_nodes").entered();
        for (number, (name, memories)) in (0_u32..).zip(&self.namespaces) {
            let entry = NamespaceEntry { number, memories: *memories };
            each(tables.namespaces, name.as_bytes(), &entry.bytes())?;
        }
        let memories = self.ids.len() as u32;
        let mut value = Vec::new();
        for (number, id) in (0_u32..).zip(self.ids.iter()) {
            NodeView::Memory(id).write(&mut value);
            each(tables.numbers, id.as_bytes(), &node_key(number))?;
            each(tables.nodes, &node_key(number), &value)?;
        }
        for (number, name) in (memories..).zip(&self.names) {
            NodeView::Name(name).write(&mut value);
            each(tables.nodes, &node_key(number), &value)?;
            each(tables.names, &name_key(&name.key, name.namespace), &node_key(number))?;
        }
        for (key, namespace, memory) in &self.singles {
            each(tables.phrases, &name_key(key, *namespace), &node_key(*memory))?;
        }
        drop(rows);
        let rows = debug_span!("writing_terms").entered();
        for (term, name) in self.terms.iter().enumerate() {
            let (memories, weights) = self.postings.row(term);
            each(tables.postings, name.as_bytes(), &crate::index::postings::bytes(memories, weights))?;
            if !state.model.given {
                let elements = self.term_vectors[term * DIMENSIONS..(term + 1) * DIMENSIONS].to_vec();
                let vector = TermVector { idf: self.postings.idf[term], elements };
                each(tables.terms, name.as_bytes(), &vector.bytes())?;
            }
        }
        drop(rows);
        let blocks = &mut |key: &[u8], bytes: &[u8]| each(tables.blocks, key, bytes);
        debug_span!("writing_columns").in_scope(|| block::of_columns(&self.columns, blocks))?;
        debug_span!("writing_vectors").in_scope(|| self.write_vectors(state, blocks))?;
        debug_span!("writing_graph").in_scope(|| block::of_graph(&self.graph, blocks))
    }
}

impl Packed {
    /// Gives the memories' vectors as blocks; those of the store's own model are made for each block as it comes.
    fn write_vectors(&self, state: &State, blocks: &mut block::Sink<'_>) -> Result<()> {
        let dimensions = state.model.dimensions as usize;
        let mut weights = random_indexing::Weights::default();
        block::of_vectors(self.ids.len(), state.model.dimensions, blocks, |rows, vectors| {
            if state.model.given {
                vectors
                    .extend_from_slice(&self.given_vectors[rows.start * dimensions..rows.end * dimensions]);
                return;
            }
            vectors.resize(rows.len() * dimensions, 0.0);
            for (memory, vector) in rows.zip(vectors.chunks_exact_mut(DIMENSIONS)) {
                let counts = self.counts.of(memory);
                random_indexing::combine_terms(
                    counts,
                    &self.postings.idf,
                    &self.term_vectors,
                    &mut weights,
                    vector,
                );
            }
        })
    }
}

/// The tables that packing fills or, those of recent writes, empties.
pub(crate) fn derived_tables(store: &Store) -> [Table; 14] {
    let tables = &store.tables;
    [
        tables.namespaces,
        tables.numbers,
        tables.nodes,
        tables.names,
        tables.phrases,
        tables.postings,
        tables.terms,
        tables.blocks,
        tables.recent_postings,
        tables.recent_edges,
        tables.recent_vectors,
        tables.recent_columns,
        tables.recent_rows,
        tables.gone,
    ]
}
