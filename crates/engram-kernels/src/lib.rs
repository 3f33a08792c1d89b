//! Vector similarity, spreading activation and memory decay, with the same bits on every processor.
//!
//! Three families of functions, each with a form that returns a vector and an `_into` form that fills
//! the caller's:
//!
//! - [`vector_similarity`], [`vector_dot`], [`vector_norms`] score one query against a block of rows;
//!   [`TopK`] keeps the best of any number of blocks; [`QuantisedScan`] finds the very same ones from
//!   a quarter of the bytes.
//! - [`spread_activation`] spreads activation from seeds over a [`Graph`]; [`Spreading`] does it hop
//!   by hop over borrowed [`GraphBlock`]s and a [`Patch`] of recent rows; [`BatchSpreading`] does it for several
//!   cues at once.
//! - [`apply_decay`] weighs strengths by a forgetting [`Curve`].
//!
//! Results are defined to the last bit by the [`contract`] module: they do not depend on the
//! processor, the compiler's vectorisation or the order in which a graph was written down. Every
//! argument is checked once, here; sizes that do not fit panic as slices do, and data that may be
//! wrong (graphs, seeds, settings) is refused with an error.
//!
//! This is not a vector database or a graph library: there is no index, no file format and no thread.
#![deny(unsafe_code)]

mod backend;
pub mod check;
pub mod contract;
mod decay;
mod graph;
mod level;
mod portable;
mod quantised;
mod selection;
mod similarity;
mod spreading;
mod top_k;
#[cfg(engram_zig)]
#[expect(unsafe_code, reason = "the one place where foreign functions are called")]
mod zig;
#[cfg(not(engram_zig))]
#[path = "without_zig.rs"]
mod zig;

pub use backend::{Choice, Kernels, KernelsError, LevelStatus, kernel_levels, kernels};
pub use decay::{Curve, CurveError, apply_decay, apply_decay_into};
pub use graph::{CheckRows, Edge, Graph, GraphBlock, GraphError, Patch};
pub use level::Level;
pub use quantised::{
    QuantisedRows, QuantisedScan, QuantisedVectors, vector_dot_i8_into, vector_dot_top_k_quantised,
};
pub use similarity::{
    cosine_from_dot, vector_dot, vector_dot_into, vector_norms, vector_norms_into, vector_similarity,
    vector_similarity_into,
};
pub use spreading::{
    BatchSpreading, Dangling, FanExponent, HOPS_WITHOUT_LIMIT, ParameterError, Progress, SeedError,
    SpreadMethod, SpreadParameters, SpreadRule, Spreading, spread_activation, spread_activation_batch,
    spread_activation_batch_into, spread_activation_into,
};
pub use top_k::{Scored, TopK, vector_dot_top_k, vector_similarity_top_k};

/// The README's example, run with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
