//! Spreading over packed blocks of rows, as they lie in a mapped file, and over rows that replace theirs.

use std::cmp::Ordering;

use super::firing::{Fan, Firing};
use super::parameters::SpreadParameters;
use super::state::{Progress, Spreading};
use crate::graph::{GraphBlock, GraphError, Patch};

impl Spreading {
    /// One hop, pushed from the active nodes. `packed` are blocks of rows, ascending and not
    /// overlapping; rows of `patch` replace theirs; a node with neither has no out-edges.
    ///
    /// Costs by the edges of the nodes that fire; rows of blocks that are not known to be good are
    /// checked as they are touched. Does nothing once the run is done.
    ///
    /// # Errors
    ///
    /// If blocks overlap or are larger than [`Self::nodes`], or a row that fires is broken. The run is
    /// over then, its activations are those before the hop, and the next [`Self::begin`] starts clean.
    pub fn hop(&mut self, packed: &[GraphBlock<'_>], patch: &Patch) -> Result<Progress, GraphError> {
        let Some(rule) = self.rule.filter(|_| !self.done) else {
            return Ok(Progress::Done);
        };
        match self.push(rule.parameters(), packed, patch) {
            Ok(dangling) => {
                let change = self.settle_reached(rule.parameters(), dangling);
                Ok(self.after_hop(&rule, change))
            }
            Err(error) => {
                self.done = true;
                Err(error)
            }
        }
    }

    /// Pushes from all active nodes, and returns what the dangling ones hold.
    ///
    /// ```text
    /// for each run of active nodes in one block, and for each that has a row in the patch:
    ///     collect those that fire
    /// whenever another block, or the patch, comes: check the rows collected, and push along them
    /// ```
    fn push(
        &mut self,
        parameters: &SpreadParameters,
        packed: &[GraphBlock<'_>],
        patch: &Patch,
    ) -> Result<f32, GraphError> {
        let nodes = self.nodes;
        check_blocks(nodes, packed, patch)?;
        let Self { kernels, activation, accumulator, reached, firing, edges_traversed, .. } = self;
        let (activation, accumulator) = (&activation[..nodes], &mut accumulator[..nodes]);
        reached.begin(self.num_active + self.seeds.entries.len());
        // A block's number, or that of the patch, which comes behind them.
        let (mut collecting, of_patch) = (0, packed.len());
        let mut flush = |firing: &mut Firing, part: usize| -> Result<(), GraphError> {
            if let Some(block) = packed.get(part) {
                firing.check(block, nodes)?;
            }
            let rows = packed.get(part).map_or_else(|| patch.compressed_rows(), GraphBlock::compressed_rows);
            *edges_traversed += firing.edges();
            reached.push(*kernels, firing, rows, accumulator);
            Ok(())
        };
        let mut dangling = 0.0f64;
        let (mut block, mut patch_row) = (0, 0);
        let mut active = &self.active[..self.num_active];
        while let Some(&first) = active.first() {
            let unpatched = first_patched(active, patch.sources(), &mut patch_row);
            block += packed[block..].iter().take_while(|block| block.end() <= first as usize).count();
            let (part, run) = if unpatched == 0 {
                (Some(of_patch), 1)
            } else {
                let next = packed.get(block);
                let here = next.filter(|block| block.first() <= first);
                let end =
                    here.map_or_else(|| next.map_or(nodes, |next| next.first() as usize), GraphBlock::end);
                (here.map(|_| block), active[..unpatched].partition_point(|&node| (node as usize) < end))
            };
            let (run, others) = active.split_at(run);
            active = others;
            if let Some(part) = part.filter(|&part| part != collecting) {
                flush(firing, collecting)?;
                collecting = part;
            }
            match part.map(|part| packed.get(part)) {
                Some(Some(block)) => firing.collect(block, parameters, run, activation, &mut dangling)?,
                Some(None) => {
                    firing.collect_patched(patch, patch_row, parameters, run, activation, &mut dangling);
                }
                // Without a row there are no edges.
                None => {
                    let fan = |_| Fan::default();
                    firing.collect_rows(parameters, run, activation, &mut dangling, 0, fan);
                }
            }
        }
        flush(firing, collecting)?;
        Ok(dangling as f32)
    }
}

/// How many active nodes come before the first that has a row in a patch, of which `row` is the number.
/// Nodes and `sources` ascend; `row` is one at or before that.
fn first_patched(active: &[u32], sources: &[u32], row: &mut usize) -> usize {
    let mut unpatched = 0;
    while let Some((&node, &source)) = active.get(unpatched).zip(sources.get(*row)) {
        match node.cmp(&source) {
            Ordering::Less => unpatched += active[unpatched..].partition_point(|&node| node < source),
            Ordering::Equal => return unpatched,
            Ordering::Greater => *row += sources[*row..].partition_point(|&source| source < node),
        }
    }
    active.len()
}

/// Refuses blocks that overlap, are out of order, or do not fit.
fn check_blocks(nodes: usize, packed: &[GraphBlock<'_>], patch: &Patch) -> Result<(), GraphError> {
    let mut end = 0;
    for block in packed {
        if block.nodes() > nodes {
            return Err(GraphError::BlockTooLarge { block: block.nodes(), nodes });
        }
        if (block.first() as usize) < end {
            return Err(GraphError::RowsNotAscending(block.first()));
        }
        end = block.end();
    }
    if patch.nodes() > nodes {
        return Err(GraphError::BlockTooLarge { block: patch.nodes(), nodes });
    }
    Ok(())
}
