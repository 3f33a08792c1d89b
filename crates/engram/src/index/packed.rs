//! Builds everything that is derived from the memories, from all of them at once.
//!
//! The result depends on the memories alone, not on the order in which they were written: memories are
//! numbered by external id, names by their key, and every sum runs in the order of those numbers.
//!
//! Two passes: the first reads each memory once (tokens, terms, phrases, names borne), the second finds the
//! names in the token sequences. Cost: linear in the text; memory about four bytes a token and eight a posting.

mod builder;

use engram_kernels::Graph;
use heed::{RoTxn, RwTxn};
use tracing::debug_span;

use crate::error::Result;
use crate::random_indexing::{DIMENSIONS, TermVector};
use crate::store::block::{self, Columns};
use crate::store::nodes::{self, NameNode, NamespaceEntry, Node};
use crate::store::record::Record;
use crate::store::state::{self, State};
use crate::store::tables::{Store, Table, name_key, node_key};
use crate::text::Language;
use builder::Builder;

/// What takes an entry of a table: key and value.
type EntrySink<'s> = dyn FnMut(Table, &[u8], &[u8]) -> Result<()> + 's;

/// Everything derived from a store's memories.
pub(crate) struct Packed {
    ids: Vec<String>,
    columns: Vec<Columns>,
    namespaces: Vec<(String, u32)>,
    names: Vec<NameNode>,
    /// Phrases that one memory alone has: key, namespace, memory.
    singles: Vec<(String, u32, u32)>,
    /// Terms in their order, with rows into the three arrays behind.
    terms: Vec<String>,
    posting_offsets: Vec<usize>,
    posting_memories: Vec<u32>,
    posting_weights: Vec<f32>,
    idf: Vec<f32>,
    term_vectors: Vec<i16>,
    vectors: Vec<f32>,
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
        let mut builder = Builder::default();
        for entry in store.tables.memories.iter(txn).map_err(|e| store.fail(e))? {
            let (id, bytes) = entry.map_err(|e| store.fail(e))?;
            let id = std::str::from_utf8(id).map_err(|_| store.damaged("an id is not text"))?;
            let record = Record::read(bytes)
                .map_err(|bad| store.damaged(format!("the memory {id} is unreadable: {bad}")))?;
            let namespace = namespaces
                .binary_search_by(|(name, _)| name.as_str().cmp(&record.namespace))
                .map_err(|_| store.damaged(format!("the namespace of {id} is missing")))?;
            namespaces[namespace].1 += 1;
            builder.read(id, &record, namespace as u32);
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
        for (number, id) in (0_u32..).zip(&self.ids) {
            each(tables.numbers, id.as_bytes(), &node_key(number))?;
            each(tables.nodes, &node_key(number), &nodes::bytes(&Node::Memory(id.clone())))?;
        }
        for (number, name) in (memories..).zip(&self.names) {
            each(tables.nodes, &node_key(number), &nodes::bytes(&Node::Name(name.clone())))?;
            each(tables.names, &name_key(&name.key, name.namespace), &node_key(number))?;
        }
        for (key, namespace, memory) in &self.singles {
            each(tables.phrases, &name_key(key, *namespace), &node_key(*memory))?;
        }
        drop(rows);
        let rows = debug_span!("writing_terms").entered();
        for (term, name) in self.terms.iter().enumerate() {
            let row = self.posting_offsets[term]..self.posting_offsets[term + 1];
            let value = crate::index::postings::bytes(
                &self.posting_memories[row.clone()],
                &self.posting_weights[row],
            );
            each(tables.postings, name.as_bytes(), &value)?;
            if !state.model.given {
                let elements = self.term_vectors[term * DIMENSIONS..(term + 1) * DIMENSIONS].to_vec();
                let vector = TermVector { idf: self.idf[term], elements };
                each(tables.terms, name.as_bytes(), &vector.bytes())?;
            }
        }
        drop(rows);
        let blocks = &mut |key: &[u8], bytes: &[u8]| each(tables.blocks, key, bytes);
        debug_span!("writing_columns").in_scope(|| block::of_columns(&self.columns, blocks))?;
        debug_span!("writing_vectors")
            .in_scope(|| block::of_vectors(&self.vectors, state.model.dimensions, blocks))?;
        debug_span!("writing_graph").in_scope(|| block::of_graph(&self.graph, blocks))
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
