//! Compressed rows from edges in any order, without sorting all edges.

use super::{Edge, GraphError, check_weight};
use crate::contract::WEIGHT_MAX;

/// The rows of a graph: row *i* is `offsets[i]..offsets[i + 1]` of the other two.
pub(super) struct BuiltRows {
    pub(super) offsets: Vec<u32>,
    pub(super) targets: Vec<u32>,
    pub(super) weights: Vec<f32>,
}

/// Rows in one part: the edges of so many nodes with ten or twenty each lie in a processor's cache. Above a kind, 24 bits
/// have room for a row.
const PART_ROWS: usize = 1 << 13;

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
///           else     put each edge into its source's part of the rows
///                    of each part: put each edge into its row; sort and merge each row
/// ```
///
/// Edges go to a few places in the first step and to places near one another in the second, so that none waits for
/// memory. Costs two passes, and for edges that do not come sorted 12 bytes an edge on the way and the sorting of each row.
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
        let mut parts = vec![Half::default(); total];
        let mut next: Vec<u32> = ends[1..].iter().step_by(PART_ROWS).copied().collect();
        edges().for_each(|edge| {
            let slot = &mut next[edge.source as usize / PART_ROWS];
            let row = edge.source % PART_ROWS as u32;
            let half = Half::of(&edge);
            parts[*slot as usize] = Half { kind: (row << 8) | half.kind, ..half };
            *slot += 1;
        });
        let mut part_begin = 0;
        let mut halves = Vec::new();
        for (first, part_end) in (0..nodes).step_by(PART_ROWS).zip(next) {
            let part = &parts[part_begin as usize..part_end as usize];
            halves.clear();
            halves.resize(part.len(), Half::default());
            for half in part {
                let slot = &mut ends[first + (half.kind >> 8) as usize + 1];
                halves[(*slot - part_begin) as usize] = *half;
                *slot += 1;
            }
            let mut row_begin = part_begin;
            for &row_end in &ends[first + 1..=nodes.min(first + PART_ROWS)] {
                let row = &mut halves[(row_begin - part_begin) as usize..(row_end - part_begin) as usize];
                // The row's number, which all have above their kind, does not change their order.
                row.sort_unstable();
                built.push_row(row);
                row_begin = row_end;
            }
            part_begin = part_end;
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
