//! A borrowed block of rows, as it lies in a file that is mapped into memory.

use std::fmt;

use super::{Graph, GraphError, check_row};
use crate::contract::WEIGHT_MAX;
use crate::portable::spreading::Rows;

/// Entries of an array that are looked at for one thing and then for the next, while they are in the cache.
const CHUNK: usize = 4096;

/// Rows that are looked at before the first of them is checked.
const TOGETHER: usize = 64;

/// A caller's own check of a block's rows, for instance by checksums that lie beside them; see
/// [`GraphBlock::with_checks`].
///
/// Rows are counted from the block's first and ascend. Spreading asks in every hop, so an implementation that
/// costs anything remembers what it has seen.
pub trait CheckRows: fmt::Debug + Sync {
    /// Checks where some rows begin and end, and their out-weights. Spreading asks before it decides which of the
    /// rows fire.
    ///
    /// # Errors
    ///
    /// If a row is not what it should be, [`GraphError::Changed`] or any other.
    fn check_bounds(&self, rows: &[u32]) -> Result<(), GraphError>;

    /// Checks the targets and weights of some rows. Spreading asks before activation goes along their edges; the
    /// rows lie within the block.
    ///
    /// # Errors
    ///
    /// If a row is not what it should be, [`GraphError::Changed`] or any other.
    fn check_edges(&self, rows: &[u32]) -> Result<(), GraphError>;
}

/// Consecutive rows of a larger graph, borrowed from wherever they lie.
///
/// What [`GraphBlock::new`] is given may be anything: it looks at lengths only, in constant time, and
/// each row is checked when spreading touches it. A broken row is an error then, never a panic and
/// never a wrong memory access. Blocks of a [`Graph`] are known to be good and are not checked again.
#[derive(Clone, Copy, Debug)]
pub struct GraphBlock<'a> {
    nodes: usize,
    first: u32,
    rows: Rows<'a>,
    out_weights: &'a [f32],
    known_good: bool,
    checks: Option<&'a dyn CheckRows>,
}

impl<'a> GraphBlock<'a> {
    /// The rows of the nodes from `first` on, in a graph of `nodes` nodes: row *r* is
    /// `offsets[r]..offsets[r + 1]` of `targets` and `weights`, and `out_weights[r]` its weights' sum.
    ///
    /// # Errors
    ///
    /// If the arrays do not fit one another, the offsets do not begin at 0 and end at the targets'
    /// number, or the rows exceed the graph.
    pub fn new(
        nodes: usize,
        first: u32,
        offsets: &'a [u32],
        targets: &'a [u32],
        weights: &'a [f32],
        out_weights: &'a [f32],
    ) -> Result<Self, GraphError> {
        let fits = |what, found, expected| {
            if found == expected { Ok(()) } else { Err(GraphError::Length { what, found, expected }) }
        };
        fits("offsets", offsets.len(), out_weights.len() + 1)?;
        fits("weights", weights.len(), targets.len())?;
        fits("targets", targets.len(), offsets[out_weights.len()] as usize)?;
        if offsets[0] != 0 {
            return Err(GraphError::Offsets(first));
        }
        if first as usize + out_weights.len() > nodes {
            return Err(GraphError::BlockTooLarge { block: first as usize + out_weights.len(), nodes });
        }
        let rows = Rows { offsets, neighbours: targets, weights };
        Ok(Self { nodes, first, rows, out_weights, known_good: false, checks: None })
    }

    /// The same block, of which spreading and [`GraphBlock::check`] also ask `checks` before they use a row. What it
    /// answers cannot make a broken row pass: ranges are checked all the same.
    #[must_use]
    pub fn with_checks(self, checks: &'a dyn CheckRows) -> Self {
        Self { checks: Some(checks), ..self }
    }

    pub(super) fn of_graph(graph: &'a Graph) -> Self {
        let rows = Rows { offsets: &graph.offsets, neighbours: &graph.targets, weights: &graph.weights };
        let out_weights = &graph.out_weights;
        Self { nodes: graph.nodes, first: 0, rows, out_weights, known_good: true, checks: None }
    }

    /// How many nodes the whole graph has.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// The node of the first row.
    #[must_use]
    pub fn first(&self) -> u32 {
        self.first
    }

    /// How many rows the block holds.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.out_weights.len()
    }

    /// How many edges the block holds.
    #[must_use]
    pub fn edges(&self) -> usize {
        self.rows.neighbours.len()
    }

    /// The node after the last row.
    pub(crate) fn end(&self) -> usize {
        self.first as usize + self.rows()
    }

    pub(crate) fn compressed_rows(&self) -> Rows<'a> {
        self.rows
    }

    pub(crate) fn out_weights(&self) -> &'a [f32] {
        self.out_weights
    }

    /// What the caller checks rows by.
    pub(crate) fn checks(&self) -> Option<&'a dyn CheckRows> {
        self.checks
    }

    /// The number of edges and the out-weight of a row, checked.
    pub(crate) fn fan(&self, row: usize) -> Result<(u32, f32), GraphError> {
        let (begin, end) = (self.rows.offsets[row], self.rows.offsets[row + 1]);
        let out_weight = self.out_weights[row];
        if !self.known_good && !is_sound(begin, end, self.rows.neighbours.len() as u32, out_weight) {
            let node = self.first + row as u32;
            return Err(if begin > end || end as usize > self.rows.neighbours.len() {
                GraphError::Offsets(node)
            } else {
                GraphError::OutWeight { node, weight: out_weight }
            });
        }
        Ok((end - begin, out_weight))
    }

    /// The targets and weights of a row, checked to lie within the block.
    pub(crate) fn checked_row(&self, row: usize) -> Result<(&'a [u32], &'a [f32]), GraphError> {
        self.fan(row)?;
        Ok(self.rows.row(row))
    }

    /// Checks a row's targets and weights, unless they are known to be good.
    pub(crate) fn check_row(&self, row: usize, nodes: usize) -> Result<(), GraphError> {
        if self.known_good {
            return Ok(());
        }
        let (targets, weights) = self.checked_row(row)?;
        check_row(self.first + row as u32, targets, weights, nodes)
    }

    /// [`Self::check_row`] for each of some rows, whose offsets are known to lie within the block, and the caller's
    /// own check.
    pub(crate) fn check_rows(&self, rows: &[u32], nodes: usize) -> Result<(), GraphError> {
        if self.known_good {
            return Ok(());
        }
        let Rows { offsets, neighbours, weights } = self.rows;
        for rows in rows.chunks(TOGETHER) {
            // Checking a row waits for its edges. Looking at the first and the last of each row before
            // brings all of them near the processor at once.
            let mut seen = 0;
            for &row in rows {
                let (begin, end) = (offsets[row as usize] as usize, offsets[row as usize + 1] as usize);
                for place in [begin, end.saturating_sub(1)] {
                    if let Some((target, weight)) = neighbours.get(place).zip(weights.get(place)) {
                        seen ^= target ^ weight.to_bits();
                    }
                }
            }
            std::hint::black_box(seen);
            if let Some(checks) = self.checks {
                checks.check_edges(rows)?;
            }
            rows.iter().try_for_each(|&row| self.check_row(row as usize, nodes))?;
        }
        Ok(())
    }

    /// Checks every row, as spreading does for those that it touches. Costs one pass over the arrays, at
    /// about the speed of memory, and the caller's own check where there is one.
    ///
    /// # Errors
    ///
    /// The first fault found, by row; the caller's after all others.
    pub fn check(&self) -> Result<(), GraphError> {
        if !self.known_good && !self.is_sound() {
            // Which row it is, is found row by row.
            (0..self.rows()).try_for_each(|row| {
                self.fan(row)?;
                self.check_row(row, self.nodes)
            })?;
        }
        let Some(checks) = self.checks else { return Ok(()) };
        let mut rows = [0; TOGETHER];
        for first in (0..self.rows()).step_by(TOGETHER) {
            let count = TOGETHER.min(self.rows() - first);
            (first as u32..).zip(&mut rows[..count]).for_each(|(row, place)| *place = row);
            checks.check_bounds(&rows[..count])?;
            checks.check_edges(&rows[..count])?;
        }
        Ok(())
    }

    /// Whether no row has a fault, by looking at each array as a whole and without a branch for each entry.
    ///
    /// Targets may fail to ascend only from one row's last to the next row's first. So all places where
    /// they do not ascend are counted, and those where a row begins; the numbers are the same where no
    /// other place is among them.
    fn is_sound(&self) -> bool {
        let Rows { offsets, neighbours: targets, weights } = self.rows;
        // `new` has seen to the first and the last offset, so ascending ones lie within the block.
        let ascending = offsets.windows(2).fold(true, |good, pair| good & (pair[0] <= pair[1]));
        if !ascending {
            return false;
        }
        let out_of_range = self.out_weights.iter().filter(|&sum| !(0.0..f32::INFINITY).contains(sum)).count();
        let (mut greatest, mut unweighable, mut falls) = (0, 0u32, 0u32);
        for begin in (0..targets.len()).step_by(CHUNK) {
            let end = targets.len().min(begin + CHUNK);
            let (these, weights) = (&targets[begin..end], &weights[begin..end]);
            greatest = these.iter().fold(greatest, |greatest, &target| greatest.max(target));
            unweighable += weights.iter().map(|w| u32::from(!(0.0..=WEIGHT_MAX).contains(w))).sum::<u32>();
            let next = &targets[begin + 1..targets.len().min(end + 1)];
            falls += these.iter().zip(next).map(|(this, next)| u32::from(this >= next)).sum::<u32>();
        }
        let falls_between = offsets.windows(2).map(|pair| {
            let begin = pair[0] as usize;
            // An empty row begins where the next does, which would count the place twice.
            let counts = (begin > 0) & (pair[0] < pair[1]);
            u32::from(counts && targets[begin - 1] >= targets[begin])
        });
        let in_range = targets.is_empty() || (greatest as usize) < self.nodes;
        in_range & (out_of_range == 0) & (unweighable == 0) & (falls_between.sum::<u32>() == falls)
    }
}

/// Whether a row lies within a block of so many edges, and its out-weight can be a sum of weights.
#[inline(always)]
pub(crate) fn is_sound(begin: u32, end: u32, edges: u32, out_weight: f32) -> bool {
    (begin <= end) & (end <= edges) & (0.0..f32::INFINITY).contains(&out_weight)
}
