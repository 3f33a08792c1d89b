//! What is derived: rows and blocks against their checksums and ranges, and all of it against what the facts give.

use heed::RoTxn;

use super::{Verification, text, walk};
use crate::consolidation::is_packed;
use crate::error::{Error, Result};
use crate::index::marks::Marks;
use crate::index::packed::{Facts, Packed, derived_tables};
use crate::index::{associations::Kind, edges, postings};
use crate::progress::Monitor;
use crate::random_indexing::TermVector;
use crate::store::block::{self, BlockKind, Columns};
use crate::store::nodes::{self, Node};
use crate::store::state::State;
use crate::store::tables::{Store, edge_at, node_at};

pub(super) fn packed(store: &Store, txn: &RoTxn<'_>, state: &State, found: &mut Verification) -> Result<()> {
    walk(txn, &store.tables.postings, found, |found, key, value| {
        let sound = postings::parse(value).is_some_and(|row| {
            row.is_intact(key, store.is_sealed)
                && row.memories.is_sorted_by(|a, b| a < b)
                && row.memories.last().is_none_or(|last| *last < state.packed_memories)
                && row.weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0)
        });
        if !sound {
            found.problem(format!("the row of the term {} is broken", text(key)));
        }
    })?;
    walk(txn, &store.tables.terms, found, |found, key, value| {
        if TermVector::read(value).is_none() {
            found.problem(format!("the vector of the term {} is broken", text(key)));
        }
    })?;
    let (mut rows, mut nodes) = (0_u64, 0_u64);
    walk(txn, &store.tables.blocks, found, |found, key, value| {
        let read = |(kind, index)| {
            let block = block::parse(value, kind, store.is_sealed).filter(|block| block.is_at(index));
            Some((kind, block?))
        };
        let Some((kind, block)) = block::kind_of(key).and_then(read) else {
            found.problem(format!("the block {key:?} has no valid header"));
            return;
        };
        let is_vectors = matches!(kind, BlockKind::Vectors | BlockKind::OtherVectors);
        if is_vectors && kind != state.vector_slot.kind() {
            return; // what a consolidation that goes on, or was interrupted, has written so far
        }
        let name = format!("the block of {kind:?} from row {}", block.first);
        if !block.is_intact() {
            found.problem(format!("{name} is not what was written"));
            return;
        }
        let sound = match kind {
            BlockKind::Columns => {
                rows += u64::from(block.rows);
                block.columns().is_some()
            }
            BlockKind::Vectors | BlockKind::OtherVectors => {
                let finite = |vectors: &[f32]| vectors.iter().all(|x| x.is_finite());
                block.vectors().is_some_and(|block| finite(&block.vectors))
            }
            BlockKind::Graph => {
                nodes += u64::from(block.rows);
                let total = state.packed_nodes as usize;
                block.graph().is_some_and(|rows| rows.view(total).is_ok_and(|view| view.check().is_ok()))
            }
        };
        if !sound {
            found.problem(format!("{name} holds what cannot be"));
        }
    })?;
    if rows != u64::from(state.packed_memories) || nodes != u64::from(state.packed_nodes) {
        found.problem("packed blocks are missing");
    }
    Ok(())
}

pub(super) fn recent(store: &Store, txn: &RoTxn<'_>, state: &State, found: &mut Verification) -> Result<()> {
    match Marks::read(store, txn, state) {
        Err(Error::Damaged { what, .. }) => found.problem(what),
        read => drop(read?),
    }
    let tables = &store.tables;
    let in_range = |node: Option<u32>| node.is_some_and(|node| node < state.next_node);
    walk(txn, &tables.recent_postings, found, |found, key, value| {
        let memory = key.len().checked_sub(4).and_then(|at| node_at(&key[at..]));
        if !in_range(memory) || node_at(value).is_none() {
            found.problem("a recent posting is broken");
        }
    })?;
    walk(txn, &tables.recent_edges, found, |found, key, _| {
        let edge = edge_at(key).filter(|(source, target, kind)| {
            in_range(Some(*source)) && in_range(Some(*target)) && Kind::of(*kind).is_some()
        });
        let sound = edge.is_some_and(|(source, target, kind)| {
            let counterpart = Kind::of(kind).map(Kind::reversed);
            edges::recent(store, txn, target)
                .is_ok_and(|row| row.iter().any(|(t, k, _)| *t == source && Some(*k) == counterpart))
        });
        if !sound {
            found.problem("a recent association is broken or has no counterpart");
        }
    })?;
    walk(txn, &tables.recent_vectors, found, |found, key, value| {
        if !in_range(node_at(key)) || value.len() != 4 * state.model.dimensions as usize {
            found.problem("a recent vector is broken");
        }
    })?;
    walk(txn, &tables.recent_columns, found, |found, key, value| {
        let is_memory =
            matches!(node_at(key).map(|n| nodes::get(store, txn, n)), Some(Ok(Some(Node::Memory(_)))));
        if !is_memory || Columns::read(value).is_none() {
            found.problem("the columns of a recent memory are broken");
        }
    })?;
    for table in [&tables.recent_rows, &tables.gone] {
        walk(txn, table, found, |found, key, _| {
            if node_at(key).is_none_or(|node| node >= state.packed_nodes) {
                found.problem("a mark on a packed row is broken");
            }
        })?;
    }
    Ok(())
}

/// Derives everything again and compares, where nothing was written since blocks were packed.
pub(super) fn rebuild(store: &Store, txn: &RoTxn<'_>, state: &State, found: &mut Verification) -> Result<()> {
    // Without seals, nothing says which version of Engram derived it.
    if !store.is_sealed || !is_packed(store, txn, state)? {
        return Ok(());
    }
    let again = Packed::build(Facts::of(store, txn), state, &Monitor::unwatched())?;
    let mut expected = 0;
    again.for_each_entry(store, txn, state, &mut |table, key, value| {
        expected += 1;
        let stored = table.get(txn, key)?;
        if stored != Some(value) {
            found.problem(format!("what is derived is not what the memories give, at {}", text(key)));
        }
        Ok(())
    })?;
    let mut stored = 0;
    for table in derived_tables(store).into_iter().chain([&store.tables.blocks]) {
        stored += table.len(txn)?;
    }
    if stored != expected {
        found.problem(format!("{stored} entries are derived, and the memories give {expected}"));
    }
    found.rebuilt = true;
    Ok(())
}
