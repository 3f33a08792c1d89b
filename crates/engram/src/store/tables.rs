//! The tables of a store, their keys, and the transactions over them.
//!
//! Facts are what was put in; everything else is derived from them and can be rebuilt:
//!
//! | table | key | value | |
//! |---|---|---|---|
//! | `meta` | `state` | [`super::state::State`] | |
//! | `meta` | `vault` | the folder whose notes a store outside of it keeps; see [`crate::vault`] | |
//! | `meta` | `staging` | whose vectors lie in the free place; see [`super::staging`] | |
//! | `memories` | external id | [`super::record::Record`] | facts |
//! | `namespaces` | namespace | number, memories | derived |
//! | `files` | hash of a path | a vault's account of a file | facts |
//! | `links` | hash of target, hash of source | who links to what, resolved or not | derived |
//! | `numbers` | external id | node number | derived |
//! | `nodes` | node number | memory's id, or name | derived |
//! | `names` | name key, 0, namespace | node number | derived |
//! | `phrases` | name key, 0, namespace | the one memory that holds it | derived |
//! | `postings` | term | packed row: memories and BM25 weights | derived |
//! | `terms` | term | term vector of the vector model | derived |
//! | `blocks` | kind, index | packed columns, vectors and graph | derived |
//! | `recent_postings` | term, 0, memory | term frequency | derived |
//! | `recent_edges` | source, target, kind | base weight | derived |
//! | `recent_vectors` | memory | vector | derived |
//! | `recent_columns` | memory | columns | derived |
//! | `recent_rows` | node | (nothing): its packed row has changed | derived |
//! | `gone` | node | (nothing): it was forgotten | derived |

use std::borrow::Cow;
use std::sync::Arc;

use heed::types::Bytes;
use heed::{RoTxn, RwTxn, WithoutTls};

use super::open::{self, Environment};
use crate::error::{Error, Result};

/// A table of bytes by bytes; keys are ordered as bytes.
pub(crate) type Table = heed::Database<Bytes, Bytes>;

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// The tables of a store; see the module's table.
        #[derive(Clone, Copy)]
        pub(crate) struct Tables { $($(#[$doc])* pub(crate) $name: Table,)* }

        impl Tables {
            /// The names, in the order of the fields.
            pub(crate) const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            fn create(env: &heed::Env<WithoutTls>, txn: &mut RwTxn<'_>) -> heed::Result<Self> {
                Ok(Self { $($name: env.create_database(txn, Some(stringify!($name)))?,)* })
            }

            fn open(env: &heed::Env<WithoutTls>, txn: &RoTxn<'_>) -> heed::Result<Option<Self>> {
                Ok(Some(Self { $($name: match env.open_database(txn, Some(stringify!($name)))? {
                    Some(table) => table,
                    None => return Ok(None),
                },)* }))
            }
        }
    };
}

tables! {
    meta, memories, namespaces, files, links,
    numbers, nodes, names, phrases, postings, terms, blocks,
    recent_postings, recent_edges, recent_vectors, recent_columns, recent_rows, gone,
}

/// A store: its environment and tables.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) environment: Arc<Environment>,
    pub(crate) tables: Tables,
}

impl Store {
    /// Opens the store in `folder`; `create` makes it where it is missing.
    pub(crate) fn open(folder: &std::path::Path, create: bool) -> Result<Self> {
        let environment = open::open(folder, create, Tables::NAMES.len() as u32)?;
        let fail = |e| Error::from_heed(&environment.folder, e);
        let found = {
            let txn = environment.env.read_txn().map_err(fail)?;
            let found = Tables::open(&environment.env, &txn).map_err(fail)?;
            // Committed, not dropped: only then do the table handles outlive the transaction.
            txn.commit().map_err(fail)?;
            found
        };
        let tables = match found {
            Some(tables) => tables,
            None if create => {
                let mut txn = environment.env.write_txn().map_err(fail)?;
                let tables = Tables::create(&environment.env, &mut txn).map_err(fail)?;
                txn.commit().map_err(fail)?;
                tables
            }
            None => return Err(Error::NoStore { path: environment.folder.clone() }),
        };
        Ok(Self { environment, tables })
    }

    /// Begins to read; what is read is one state of the store, whatever others write meanwhile.
    pub(crate) fn read(&self) -> Result<RoTxn<'_, WithoutTls>> {
        self.environment.env.read_txn().map_err(|e| self.fail(e))
    }

    /// Begins to write, once no other process or thread writes.
    pub(crate) fn write(&self) -> Result<RwTxn<'_>> {
        let txn = self.environment.env.write_txn().map_err(|e| self.fail(e))?;
        self.extend(&txn)?;
        Ok(txn)
    }

    /// Makes what was written durable and visible.
    pub(crate) fn commit(&self, txn: RwTxn<'_>) -> Result<()> {
        txn.commit().map_err(|e| self.fail(e))?;
        if open::is_short(&self.environment) {
            let lock = self.environment.env.write_txn().map_err(|e| self.fail(e))?;
            self.extend(&lock)?;
        }
        Ok(())
    }

    fn extend(&self, lock: &RwTxn<'_>) -> Result<()> {
        open::extend_file(&self.environment, lock).map_err(|e| self.fail(heed::Error::Io(e)))
    }

    /// The error for what LMDB reported.
    pub(crate) fn fail(&self, error: heed::Error) -> Error {
        Error::from_heed(&self.environment.folder, error)
    }

    /// The error for contents that cannot be.
    pub(crate) fn damaged(&self, what: impl Into<String>) -> Error {
        Error::Damaged { path: self.environment.folder.clone(), what: what.into() }
    }
}

/// The key of a node, so that numbers sort as numbers.
pub(crate) fn node_key(node: u32) -> [u8; 4] {
    node.to_be_bytes()
}

/// Reads a node number at the start of `bytes`.
pub(crate) fn node_at(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?))
}

/// The key of a name in a namespace.
pub(crate) fn name_key(name: &str, namespace: u32) -> Vec<u8> {
    let mut key = Vec::with_capacity(name.len() + 5);
    key.extend_from_slice(name.as_bytes());
    key.push(0);
    key.extend_from_slice(&namespace.to_be_bytes());
    key
}

/// The key of a term's frequency in a recent memory.
pub(crate) fn posting_key(term: &str, memory: u32) -> Vec<u8> {
    let mut key = Vec::with_capacity(term.len() + 5);
    key.extend_from_slice(term.as_bytes());
    key.push(0);
    key.extend_from_slice(&memory.to_be_bytes());
    key
}

/// The key of an edge: by source, then target, then kind.
pub(crate) fn edge_key(source: u32, target: u32, kind: u8) -> [u8; 9] {
    let mut key = [0; 9];
    key[..4].copy_from_slice(&source.to_be_bytes());
    key[4..8].copy_from_slice(&target.to_be_bytes());
    key[8] = kind;
    key
}

/// Reads an edge's key.
pub(crate) fn edge_at(key: &[u8]) -> Option<(u32, u32, u8)> {
    Some((node_at(key)?, node_at(key.get(4..)?)?, *key.get(8)?))
}

/// Takes little-endian `f32` or `u32` from the map: borrowed where they are aligned, copied where not.
pub(crate) fn elements<T: bytemuck::AnyBitPattern + bytemuck::NoUninit>(
    bytes: &[u8],
) -> Option<Cow<'_, [T]>> {
    if !bytes.len().is_multiple_of(size_of::<T>()) {
        return None;
    }
    Some(match bytemuck::try_cast_slice(bytes) {
        Ok(elements) => Cow::Borrowed(elements),
        Err(_) => Cow::Owned(bytemuck::pod_collect_to_vec(bytes)),
    })
}

#[cfg(target_endian = "big")]
compile_error!(
    "a store's blocks are little-endian and are read in place; big-endian machines are not supported"
);
