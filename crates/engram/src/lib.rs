//! An embedded associative memory.

pub mod import;
pub mod memory;
pub mod text;
pub mod time;
