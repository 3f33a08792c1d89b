//! An embedded associative memory.
