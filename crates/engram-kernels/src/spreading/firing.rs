//! Which nodes fire in a hop, and what they give.

use super::frontier::TouchedLines;
use super::parameters::SpreadParameters;
use crate::backend::Kernels;
use crate::portable::spreading::{Rows, release};

/// Where there is an edge for every so many nodes, or more, all lines are settled: that costs less than
/// a mark for each edge.
const MANY_EDGES: u64 = 4;

/// Rows of one block (or of the patch) that fire one after another.
#[derive(Clone, Debug, Default)]
pub(super) struct Firing {
    pub(super) rows: Vec<u32>,
    pub(super) released: Vec<f32>,
    /// How many edges the rows have.
    pub(super) edges: u64,
}

impl Firing {
    /// Pushes the rows collected so far, and forgets them.
    pub(super) fn flush(
        &mut self,
        kernels: Kernels,
        rows: Rows<'_>,
        accumulator: &mut [f32],
        touched: &mut TouchedLines,
    ) {
        if !self.rows.is_empty() {
            let marks = if self.edges * MANY_EDGES < accumulator.len() as u64 {
                Some(touched)
            } else {
                touched.mark_all();
                None
            };
            kernels.spread_push(&self.rows, &self.released, rows, accumulator, marks);
            self.forget();
        }
    }

    pub(super) fn forget(&mut self) {
        self.rows.clear();
        self.released.clear();
        self.edges = 0;
    }
}

/// What a node does in a hop.
pub(super) enum Act {
    /// It is below its threshold, above the fan limit, or gives less than `f32` can tell from 0.
    Rest,
    /// It has nowhere to send what it holds.
    Dangle,
    /// It gives each edge this much, times the edge's weight.
    Fire(f32),
}

/// Decides what a node with this activation, fan and out-weight does.
#[inline(always)]
pub(super) fn act(parameters: &SpreadParameters, activation: f32, fan: u32, out_weight: f32) -> Act {
    let threshold = parameters.firing_threshold * parameters.threshold_fan_exponent.of(fan as f32);
    if activation < threshold || parameters.fan_limit.is_some_and(|limit| fan > limit) {
        return Act::Rest;
    }
    if out_weight <= 0.0 {
        return Act::Dangle;
    }
    let released = activation * release(out_weight, parameters.fan_exponent);
    if released > 0.0 { Act::Fire(released) } else { Act::Rest }
}
