//! Associations written since blocks were packed, and the rows of nodes as they stand now.

use heed::RoTxn;

use super::associations::Kind;
use crate::error::Result;
use crate::store::block::{self, BlockKind, ROWS};
use crate::store::nodes;
use crate::store::state::State;
use crate::store::tables::{Store, edge_at, edge_key, node_key};
use crate::store::write_txn::WriteTxn;

/// Writes an association and its counterpart.
pub(crate) fn join(
    store: &Store,
    txn: &mut WriteTxn<'_>,
    state: &State,
    ends: (u32, u32),
    kind: Kind,
    given: f32,
) -> Result<()> {
    let (source, target) = ends;
    for (source, target, kind) in [(source, target, kind), (target, source, kind.reversed())] {
        let key = edge_key(source, target, kind as u8);
        let known = store.tables.recent_edges.get(txn, &key)?;
        let known = known.and_then(|bytes| bytes.try_into().ok()).map_or(0.0, f32::from_le_bytes);
        let weight = given.max(known).to_le_bytes();
        store.tables.recent_edges.put(txn, &key, &weight)?;
        mark(store, txn, state, source)?;
    }
    Ok(())
}

/// Notes that the packed row of a node is not the whole truth any more.
pub(crate) fn mark(store: &Store, txn: &mut WriteTxn<'_>, state: &State, node: u32) -> Result<()> {
    if node < state.packed_nodes {
        store.tables.recent_rows.put(txn, &node_key(node), &[])?;
    }
    Ok(())
}

/// The recent edges of a node: (target, kind, given weight), by target and kind.
pub(crate) fn recent(store: &Store, txn: &RoTxn<'_>, node: u32) -> Result<Vec<(u32, Kind, f32)>> {
    let mut found = Vec::new();
    for entry in store.tables.recent_edges.prefix_iter(txn, &node_key(node))? {
        let (key, value) = entry?;
        let edge = edge_at(key).and_then(|(_, target, kind)| {
            let weight = f32::from_le_bytes(value.try_into().ok()?);
            let sound = weight.is_finite() && weight >= 0.0;
            sound.then_some((target, Kind::of(kind)?, weight))
        });
        found.push(edge.ok_or_else(|| store.damaged("a recent association cannot be read"))?);
    }
    Ok(found)
}

/// The packed row of a node, without what was forgotten since: targets and weights. Empty for a recent node.
pub(crate) fn packed(
    store: &Store,
    txn: &RoTxn<'_>,
    state: &State,
    node: u32,
    is_gone: impl Fn(u32) -> bool,
) -> Result<Vec<(u32, f32)>> {
    if node >= state.packed_nodes || is_gone(node) {
        return Ok(Vec::new());
    }
    let damaged = || store.damaged(format!("the associations of node {node} cannot be read"));
    let block = block::read(store, txn, BlockKind::Graph, node / ROWS)?.ok_or_else(damaged)?;
    let rows = block.graph().ok_or_else(damaged)?;
    let (targets, weights, _) = rows.row(node).ok_or_else(damaged)?;
    Ok(targets.iter().copied().zip(weights.iter().copied()).filter(|(t, _)| !is_gone(*t)).collect())
}

/// The row of a node as it stands: packed and recent edges, parallel ones added up, targets ascending.
/// `name_weight` tells for a name what it is and whether it is common.
pub(crate) fn merged(
    store: &Store,
    txn: &RoTxn<'_>,
    state: &State,
    node: u32,
    is_gone: impl Fn(u32) -> bool,
    mut is_common: impl FnMut(&nodes::NameNode) -> bool,
) -> Result<(Vec<u32>, Vec<f32>)> {
    let mut row = packed(store, txn, state, node, is_gone)?;
    let own_name = nodes::name(store, txn, node)?;
    for (target, kind, given) in recent(store, txn, node)? {
        let name = match kind {
            Kind::Bears | Kind::Mentions => nodes::name(store, txn, target)?,
            Kind::Home | Kind::MentionedIn => own_name.clone(),
            _ => None,
        };
        let common = name.as_ref().is_some_and(&mut is_common);
        row.push((target, kind.weight(given, name.as_ref(), common)));
    }
    row.sort_by_key(|(target, _)| *target); // stable: packed before recent, then by kind
    let (mut targets, mut weights): (Vec<u32>, Vec<f32>) = (Vec::new(), Vec::new());
    for (target, weight) in row {
        match (targets.last(), weights.last_mut()) {
            (Some(last), Some(sum)) if *last == target => *sum += weight,
            _ => {
                targets.push(target);
                weights.push(weight);
            }
        }
    }
    Ok((targets, weights))
}
