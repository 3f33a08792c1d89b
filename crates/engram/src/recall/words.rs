//! Words as seeds: BM25 as one hop of spreading from the cue's terms.

use engram_kernels::{GraphBlock, Patch, SpreadParameters, Spreading, TopK};
use tracing::debug_span;

use super::cue::Reading;
use super::view::View;
use crate::error::{Error, Result};
use crate::index::{bm25, postings};
use crate::random_indexing::inverse_document_frequency;

/// The best memories for the cue's words, with their BM25 scores; at most `most`.
///
/// Each term is two nodes behind all others: one has the packed row, the other what was written since. Both
/// start with the term's frequency in the cue, and one hop along their rows adds the weights up.
pub(crate) fn find(
    view: &View<'_>,
    reading: &Reading,
    most: usize,
    scratch: &mut Spreading,
) -> Result<Vec<(u32, f32)>> {
    let nodes = scratch.nodes();
    let first = view.state.next_node;
    let mut packed = Vec::with_capacity(reading.terms.len());
    for (term, _) in &reading.terms {
        packed.push(postings::packed(view.store, view.txn, term)?);
    }
    let damaged = |e| view.store.damaged(format!("the row of a term is broken: {e}"));
    let offsets: Vec<[u32; 2]> =
        packed.iter().map(|row| [0, row.as_ref().map_or(0, |row| row.memories.len() as u32)]).collect();
    let mut blocks = Vec::with_capacity(packed.len());
    let mut patch = Patch::new(nodes);
    let mut seeds = Vec::with_capacity(2 * packed.len());
    for (at, ((term, frequency), row)) in (0_u32..).zip(reading.terms.iter().zip(&packed)) {
        let node = first + 2 * at;
        let activation = *frequency as f32;
        let mut df = 0;
        if let Some(row) = row {
            df += row.memories.len() as u32;
            // The sum of the out-weights does not count here: the fan exponent is 0.
            let block =
                GraphBlock::new(nodes, node, &offsets[at as usize], &row.memories, &row.weights, &[1.0]);
            blocks.push(block.map_err(damaged)?);
            seeds.push((node, activation));
        }
        let recent = postings::recent(view.store, view.txn, term)?;
        if recent.is_empty() {
            continue;
        }
        df += recent.len() as u32;
        let idf = inverse_document_frequency(view.state.memories, df);
        let (mut targets, mut weights) = (Vec::new(), Vec::new());
        for (memory, frequency) in recent {
            let columns = view.columns(memory)?;
            let columns =
                columns.ok_or_else(|| view.store.damaged(format!("memory {memory} has no columns")))?;
            targets.push(memory);
            weights.push(bm25::weight(idf, frequency, columns.length, view.state.mean_length()));
        }
        patch.push_row(node + 1, &targets, &weights).map_err(damaged)?;
        seeds.push((node + 1, activation));
    }
    // No restart, no retention, no division by the fan, one hop.
    let one_hop = SpreadParameters::act_r().check().map_err(|e| internal(&e.to_string()))?;
    scratch.begin(&one_hop, &seeds).map_err(|e| internal(&e.to_string()))?;
    // A single hop: the rule allows no more.
    debug_span!("spread_activation").in_scope(|| scratch.hop(&blocks, &patch)).map_err(damaged)?;
    let mut best = TopK::new(most);
    let scores = scratch.activations();
    // The nodes of terms stand behind all others.
    let memories = scratch.touched().partition_point(|node| *node < first);
    for node in &scratch.touched()[..memories] {
        if reading.is_allowed(view, *node) {
            best.offer(*node, scores[*node as usize]);
        }
    }
    Ok(best.into_sorted().into_iter().map(|scored| (scored.id, scored.score)).collect())
}

/// An error that cannot come, as the settings are constants.
pub(crate) fn internal(what: &str) -> Error {
    Error::Parameter {
        name: "a recall's setting",
        value: what.to_owned(),
        bound: "one that the kernels take",
    }
}
