//! The store on disk: one folder, one LMDB file, facts and what is derived from them.

pub(crate) mod block;

#[cfg(test)]
mod crafted;
pub(crate) mod folder;
pub(crate) mod generation;
pub(crate) mod nodes;
#[allow(unsafe_code, reason = "mapping a file is unsafe; the argument stands at the call")]
pub(crate) mod open;
pub(crate) mod opening;
pub(crate) mod pages;
pub(crate) mod pass;
pub(crate) mod record;
pub(crate) mod seen;
pub(crate) mod staging;
pub(crate) mod state;
pub(crate) mod table;
pub(crate) mod tables;
#[cfg(test)]
mod tests;
pub(crate) mod walked;
pub(crate) mod write_txn;
