//! What is derived from the memories: words, names, associations, vectors. Packed from all of them at once,
//! or written one by one beside what is packed.

pub(crate) mod associations;
pub(crate) mod bm25;
pub(crate) mod edges;
pub(crate) mod links;
pub(crate) mod packed;
pub(crate) mod postings;
pub(crate) mod reading;
pub(crate) mod recent;
mod trie;
