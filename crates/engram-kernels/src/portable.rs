//! The portable implementation, which is also the specification: what these functions compute, bit
//! for bit, every other implementation computes too.
//!
//! They are plain loops over fixed-width arrays, so that the compiler vectorises them for whatever
//! processor it builds for. Arguments were checked by the safe API; a mistake here can at worst
//! panic.

pub(crate) mod batch;
pub(crate) mod decay;
pub(crate) mod quantised;
pub(crate) mod similarity;
pub(crate) mod spreading;
pub(crate) mod top_k;
