//! Spreading activation over an association graph.

mod batch;
mod blocks;
mod dense;
mod firing;
pub(crate) mod frontier;
mod parameters;
mod reached;
mod seeds;
mod state;
mod whole;

pub use batch::{BatchSpreading, spread_activation_batch, spread_activation_batch_into};
pub use parameters::{
    Dangling, FanExponent, HOPS_WITHOUT_LIMIT, ParameterError, SpreadParameters, SpreadRule,
};
pub use seeds::SeedError;
pub use state::{Progress, Spreading};
pub use whole::{SpreadMethod, spread_activation, spread_activation_into};
