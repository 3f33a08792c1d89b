//! An embedded associative memory.

pub mod memory;
pub mod text;
pub mod time;
