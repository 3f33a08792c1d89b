//! One state of the store as a recall sees it: packed blocks in the map, and what was written since.

use std::sync::Arc;

use engram_kernels::GraphBlock;
use heed::RoTxn;
use rustc_hash::FxHashMap;

use crate::error::Result;
use crate::index::edges;
use crate::index::marks::Marks;
use crate::memory::Namespace;
use crate::source::SourcePattern;
use crate::store::block::{
    self, BlockKind, ColumnBlock, Columns, GraphRow, GraphRows, ROWS, VECTOR_ROWS, VectorBlock,
};
use crate::store::nodes::{self, NameNode};
use crate::store::record::Record;
use crate::store::state::{self, State};
use crate::store::tables::{Store, node_at, node_key};

/// A state of the store.
pub(crate) struct View<'t> {
    pub(crate) store: &'t Store,
    pub(crate) txn: &'t RoTxn<'t>,
    pub(crate) state: &'t State,
    columns: Vec<ColumnBlock<'t>>,
    graph: Vec<GraphRows<'t>>,
    marks: Arc<Marks>,
    namespaces: Vec<(String, nodes::NamespaceEntry)>,
    /// How many memories the namespace of each number holds.
    memories_of: FxHashMap<u32, u32>,
}

impl<'t> View<'t> {
    /// Looks at the store within a transaction. `marks` are of this very state. Cost: the number of blocks.
    pub(crate) fn new(
        store: &'t Store,
        txn: &'t RoTxn<'_>,
        state: &'t State,
        marks: Arc<Marks>,
    ) -> Result<Self> {
        state::check_counts(store, txn, state)?;
        let mut columns = Vec::new();
        for index in 0..state.packed_memories.div_ceil(ROWS) {
            let damaged = || store.damaged(format!("block {index} of the columns cannot be read"));
            let block = block::one_of(store, txn, BlockKind::Columns, index, state.packed_memories)?;
            columns.push(block.columns().ok_or_else(damaged)?);
        }
        let graph = block::graph_rows(store, txn, state.packed_nodes)?;
        let namespaces = nodes::namespaces(store, txn)?;
        if store.is_sealed {
            let memories: u64 = namespaces.iter().map(|(_, entry)| u64::from(entry.memories)).sum();
            let are_numbered = namespaces.iter().all(|(_, entry)| entry.number < state.next_namespace);
            if memories != u64::from(state.memories) || !are_numbered {
                return Err(store.damaged("its namespaces do not hold as many memories as it has"));
            }
        }
        let memories_of = namespaces.iter().map(|(_, entry)| (entry.number, entry.memories)).collect();
        Ok(Self { store, txn, state, columns, graph, marks, namespaces, memories_of })
    }

    /// The namespaces in question: the one named, or all; number and memories of each.
    pub(crate) fn namespaces(&self, only: Option<&Namespace>) -> Result<Vec<(u32, u32)>> {
        Ok(self
            .namespaces
            .iter()
            .filter(|(name, entry)| entry.memories > 0 && only.is_none_or(|only| only.as_str() == name))
            .map(|(_, entry)| (entry.number, entry.memories))
            .collect())
    }

    /// Whether so many memories of its namespace mention a name that it is no cue.
    pub(crate) fn is_common(&self, name: &NameNode) -> bool {
        name.is_common(self.memories_of.get(&name.namespace).copied().unwrap_or(0))
    }

    /// Whether a node was forgotten.
    pub(crate) fn is_gone(&self, node: u32) -> bool {
        !self.marks.gone.is_empty() && self.marks.gone.contains(&node)
    }

    /// Whether a node is a memory that is in the store.
    pub(crate) fn is_memory(&self, node: u32) -> bool {
        if node < self.state.packed_memories {
            return !self.is_gone(node);
        }
        node >= self.state.packed_nodes && self.marks.memories.contains(&node)
    }

    /// The columns of a memory, as they are now.
    pub(crate) fn columns(&self, memory: u32) -> Result<Option<Columns>> {
        if self.marks.has_columns {
            let found = self.store.tables.recent_columns.get(self.txn, &node_key(memory));
            if let Some(bytes) = found? {
                let columns = Columns::read(bytes);
                return columns.map(Some).ok_or_else(|| {
                    self.store.damaged(format!("the columns of memory {memory} cannot be read"))
                });
            }
        }
        if memory >= self.state.packed_memories {
            return Ok(None);
        }
        Ok(self.column_block(memory / ROWS)?.get(memory))
    }

    /// A block of columns, which is checked when it is first used.
    fn column_block(&self, index: u32) -> Result<&ColumnBlock<'t>> {
        let block = self.columns.get(index as usize).filter(|block| block.is_intact());
        block.ok_or_else(|| {
            self.store.damaged(format!("block {index} of the columns is not what was written"))
        })
    }

    /// Calls `each` with every memory in the store and its columns.
    pub(crate) fn for_each_memory(&self, mut each: impl FnMut(u32, Columns)) -> Result<()> {
        for index in 0..self.columns.len() as u32 {
            let block = self.column_block(index)?;
            let first = index * ROWS;
            for memory in first..self.state.packed_memories.min(first.saturating_add(ROWS)) {
                if !self.is_gone(memory)
                    && let Some(columns) = block.get(memory)
                {
                    each(memory, columns);
                }
            }
        }
        for memory in &self.marks.memories {
            if let Some(columns) = self.columns(*memory)? {
                each(*memory, columns);
            }
        }
        Ok(())
    }

    /// Clears the bits of memories whose source does not fit a pattern. Cost: reads each record left.
    pub(crate) fn retain_sources(&self, bits: &mut [u64], pattern: &SourcePattern) -> Result<()> {
        let tables = &self.store.tables;
        let mut memories = 0;
        for entry in tables.numbers.iter(self.txn)? {
            let (id, number) = entry?;
            memories += 1;
            let word = node_at(number).and_then(|number| Some((number, bits.get_mut(number as usize / 64)?)));
            let Some((number, word)) = word else {
                return Err(self.store.damaged("the number of a memory is out of range"));
            };
            if *word >> (number % 64) & 1 == 0 {
                continue;
            }
            let bytes = tables.memories.get(self.txn, id)?;
            let fits = bytes
                .and_then(|bytes| Record::read(bytes).ok())
                .is_some_and(|record| record.source.is_some_and(|source| pattern.fits(&source)));
            if !fits {
                *word &= !(1 << (number % 64));
            }
        }
        if self.store.is_sealed && memories != self.state.memories {
            return Err(self
                .store
                .damaged(format!("{memories} of its memories can be reached by their ids")));
        }
        Ok(())
    }

    /// The blocks of packed vectors, of [`VECTOR_ROWS`] memories each.
    pub(crate) fn vector_blocks(&self) -> Result<Vec<VectorBlock<'t>>> {
        let dimensions = self.state.model.dimensions as usize;
        let memories = self.state.packed_memories;
        let read = |index: u32| {
            let kind = self.state.vector_slot.kind();
            let block = block::one_of(self.store, self.txn, kind, index, memories)?;
            let vectors = block.vectors().filter(|block| block.dimensions == dimensions);
            let damaged = || self.store.damaged(format!("block {index} of the vectors cannot be read"));
            vectors.ok_or_else(damaged)
        };
        (0..memories.div_ceil(VECTOR_ROWS)).map(read).collect()
    }

    /// Calls `each` with every recent vector.
    pub(crate) fn for_each_recent_vector(&self, mut each: impl FnMut(u32, &[f32])) -> Result<()> {
        let dimensions = self.state.model.dimensions as usize;
        for entry in self.store.tables.recent_vectors.iter(self.txn)? {
            let (key, bytes) = entry?;
            let vector = crate::store::tables::elements::<f32>(bytes).filter(|v| v.len() == dimensions);
            let (memory, vector) = node_at(key)
                .zip(vector)
                .ok_or_else(|| self.store.damaged("a recent vector cannot be read"))?;
            each(memory, &vector);
        }
        Ok(())
    }

    /// The packed graph, as the kernels take it.
    pub(crate) fn graph_blocks(&self) -> Result<Vec<GraphBlock<'_>>> {
        let nodes = self.state.next_node as usize;
        let broken = |e| self.store.damaged(format!("the packed graph is broken: {e}"));
        self.graph.iter().map(|rows| rows.view(nodes).map_err(broken)).collect()
    }

    /// Whether a node's row is not, or not only, the packed one.
    pub(crate) fn is_patched(&self, node: u32) -> bool {
        let bit = |word: &u64| word >> (node % 64) & 1 == 1;
        node >= self.state.packed_nodes || self.marks.changed_rows.get(node as usize / 64).is_some_and(bit)
    }

    /// A node's row as it stands, with recent edges and without what was forgotten.
    pub(crate) fn merged_row(&self, node: u32) -> Result<(Vec<u32>, Vec<f32>)> {
        let gone = |n: u32| self.is_gone(n);
        edges::merged(self.store, self.txn, self.state, node, gone, |name| self.is_common(name))
    }

    /// A node's packed row; `None` where it has none.
    pub(crate) fn packed_row(&self, node: u32) -> Result<Option<GraphRow<'_>>> {
        if node >= self.state.packed_nodes {
            return Ok(None);
        }
        let row = self.graph.get((node / ROWS) as usize).and_then(|block| block.row(node));
        row.map(Some).ok_or_else(|| {
            self.store.damaged(format!("the associations of node {node} are not what was written"))
        })
    }
}
