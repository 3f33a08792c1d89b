//! An embedded associative memory.

mod error;
mod index;
pub mod memory;
mod random_indexing;
mod store;
pub mod text;
pub mod time;

pub use error::{Error, Result};
