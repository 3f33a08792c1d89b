//! Compressed rows from edges in any order, without sorting all edges.

use super::{Edge, GraphError, check_weight};
use crate::contract::WEIGHT_MAX;

/// The rows of a graph: row *i* is `offsets[i]..offsets[i + 1]` of the other two.
pub(super) struct BuiltRows {
    pub(super) offsets: Vec<u32>,
    pub(super) targets: Vec<u32>,
    pub(super) weights: Vec<f32>,
}

/// An edge within its source's row. Compared in the order in which parallel edges add up.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Half {
    target: u32,
    kind: u32,
    // The weight comes last, so that edges alike in all else add up the same in any order. It is not
    // negative, so its bits order as it does.
    weight: u32,
}

impl Half {
    fn of(edge: &Edge) -> Self {
        // −0 becomes +0.
        Self { target: edge.target, kind: u32::from(edge.kind), weight: (edge.weight + 0.0).to_bits() }
    }
}

/// Builds the rows of a graph of `nodes` nodes. `edges` is called twice and gives the same edges both times.
///
/// ```text
/// 1st pass: check each edge, count the edges of each source, see whether they come sorted
/// 2nd pass: sorted?  merge parallel edges as they come
///           else     put each edge into its source's row; sort and merge each row
/// ```
///
/// Costs two passes, and for edges that do not come sorted 12 bytes an edge on the way and the sorting of each row.
///
/// # Panics
///
/// If the second pass gives other edges than the first.
pub(super) fn rows<I: Iterator<Item = Edge>>(
    nodes: usize,
    edges: impl Fn() -> I,
) -> Result<BuiltRows, GraphError> {
    if nodes > u32::MAX as usize {
        return Err(GraphError::TooLarge(nodes));
    }
    let mut ends = vec![0u32; nodes + 1];
    let (mut total, mut sorted) = (0usize, true);
    let mut last = (0, Half::default());
    edges().try_for_each(|edge| {
        if let Some(node) = [edge.source, edge.target].into_iter().find(|&node| node as usize >= nodes) {
            return Err(GraphError::NoSuchNode { node, nodes });
        }
        check_weight(edge.source, edge.weight)?;
        total += 1;
        if total > u32::MAX as usize {
            return Err(GraphError::TooLarge(total));
        }
        ends[edge.source as usize + 1] += 1;
        let this = (edge.source, Half::of(&edge));
        sorted &= last <= this;
        last = this;
        Ok(())
    })?;
    let mut built = BuiltRows {
        offsets: Vec::with_capacity(nodes + 1),
        targets: Vec::with_capacity(total),
        weights: Vec::with_capacity(total),
    };
    built.offsets.push(0);
    let mut row = Vec::new();
    if sorted {
        let mut edges = edges();
        for node in 0..nodes {
            row.clear();
            row.extend(edges.by_ref().take(ends[node + 1] as usize).map(|edge| Half::of(&edge)));
            built.push_row(&row);
        }
    } else {
        // ends[i + 1] is where row i begins until its edges are in place, and then where it ends.
        let mut begin = 0;
        for end in &mut ends[1..] {
            begin += std::mem::replace(end, begin);
        }
        let mut halves = vec![Half::default(); total];
        edges().for_each(|edge| {
            let slot = &mut ends[edge.source as usize + 1];
            halves[*slot as usize] = Half::of(&edge);
            *slot += 1;
        });
        for node in 0..nodes {
            let row = &mut halves[ends[node] as usize..ends[node + 1] as usize];
            row.sort_unstable();
            built.push_row(row);
        }
    }
    built.targets.shrink_to_fit();
    built.weights.shrink_to_fit();
    Ok(built)
}

impl BuiltRows {
    /// Puts a sorted row behind the others; parallel edges become one.
    fn push_row(&mut self, row: &[Half]) {
        for parallel in row.chunk_by(|a, b| a.target == b.target) {
            let sum = parallel.iter().fold(0.0f64, |sum, half| sum + f64::from(f32::from_bits(half.weight)));
            let weight = sum as f32;
            self.targets.push(parallel[0].target);
            self.weights.push(if weight < WEIGHT_MAX { weight } else { WEIGHT_MAX });
        }
        self.offsets.push(self.targets.len() as u32);
    }
}
