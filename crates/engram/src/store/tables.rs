//! The tables of a store, their keys, and the transactions over them.
//!
//! Facts are what was put in; everything else is derived from them and can be rebuilt:
//!
//! | table | key | value | |
//! |---|---|---|---|
//! | `meta` | `state` | [`super::state::State`] | |
//! | `meta` | `vault` | the folder whose notes a store outside of it keeps; see [`crate::vault`] | |
//! | `meta` | `vault-leftovers` | that the store was looked through once; see `vault::leftovers` | |
//! | `meta` | `sites`, `linked` | among which sites and paths a vault's links were looked for; see `vault::places` | |
//! | `meta` | `embedder` | the embedding model; see `embedding::settings` | facts |
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
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use heed::{RoTxn, RwTxn, WithoutTls};

use super::folder::Trust;
use super::open::{self, Environment};
use super::pages::{self, Header, Walk};
use super::state;
use super::table::{Seal, Table};
use super::walked;
use super::write_txn::WriteTxn;
use crate::error::{Error, Result};
use crate::progress::{Monitor, Stage};

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// The tables of a store; see the module's table.
        #[derive(Debug)]
        pub(crate) struct Tables { $($(#[$doc])* pub(crate) $name: Table,)* }

        impl Tables {
            /// The names, in the order of the fields.
            pub(crate) const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// The tables with their names, in the order of the fields.
            #[cfg(test)]
            pub(crate) fn named(&self) -> Vec<(&'static str, &Table)> {
                vec![$((stringify!($name), &self.$name)),*]
            }

            fn create(env: &heed::Env<WithoutTls>, txn: &mut RwTxn<'_>, made: &Making<'_>) -> heed::Result<Self> {
                Ok(Self { $($name: {
                    let rows = env.create_database(txn, Some(stringify!($name)))?;
                    made.table(rows, stringify!($name))
                },)* })
            }

            fn open(env: &heed::Env<WithoutTls>, txn: &RoTxn<'_>, made: &Making<'_>) -> heed::Result<Option<Self>> {
                Ok(Some(Self { $($name: match env.open_database(txn, Some(stringify!($name)))? {
                    Some(rows) => made.table(rows, stringify!($name)),
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

/// How the tables of a store are made: with seals, or in the manner of its time.
struct Making<'e> {
    is_sealed: bool,
    root: &'e Arc<Path>,
}

impl Making<'_> {
    fn table(
        &self,
        rows: heed::Database<heed::types::Bytes, heed::types::Bytes>,
        name: &'static str,
    ) -> Table {
        let seal = match name {
            "blocks" | "postings" => Seal::Nothing,
            _ if self.is_sealed => Seal::of(name),
            "memories" => Seal::OldChecksum,
            _ => Seal::Nothing,
        };
        // Tables in which a recall asks for keys that may not be there.
        let is_sure =
            self.is_sealed && matches!(name, "memories" | "numbers" | "names" | "postings" | "terms");
        Table::new(rows, name, seal, is_sure, Arc::clone(self.root))
    }
}

/// One generation of a store: its environment and tables.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) environment: Arc<Environment>,
    pub(crate) tables: Arc<Tables>,
    /// Whether rows are sealed, as they are from format 4 on. It does not change as long as a generation lasts.
    pub(crate) is_sealed: bool,
}

impl Store {
    /// Opens the newest generation of the store in `root`; `create` makes it where it is missing.
    pub(crate) fn open(root: &Path, create: bool, trust: Trust) -> Result<Self> {
        loop {
            let environment = open::open(root, create, trust, Tables::NAMES.len() as u32)?;
            let opened = match Self::of(&environment) {
                Ok(Some(store)) => Ok(store),
                Ok(None) if create => Self::make(&environment),
                Ok(None) if environment.in_use.is_made() => Err(lost_tables(&environment)),
                Ok(None) => Err(Error::NoStore { path: environment.root.to_path_buf() }),
                Err(error) => Err(error),
            };
            // A compaction may have moved the store on since it was opened.
            if opened.is_ok() || !environment.is_superseded()? {
                return opened;
            }
        }
    }

    /// The store of an environment; `None` where it has no tables.
    pub(crate) fn of(environment: &Arc<Environment>) -> Result<Option<Self>> {
        // LMDB lets one transaction of a process open tables at a time, and none begin before it ends. So they are opened
        // once for an environment, by whoever comes first.
        let mut opened = environment.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.is_none() {
            *opened = opened_tables(environment)?;
        }
        let found = opened.clone();
        Ok(found.map(|(tables, is_sealed)| Self { environment: Arc::clone(environment), tables, is_sealed }))
    }

    /// Makes the tables of a file that nothing was ever written to.
    pub(crate) fn make(environment: &Arc<Environment>) -> Result<Self> {
        let mut opened = environment.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.is_none() {
            create_tables(environment)?;
            *opened = opened_tables(environment)?;
        }
        let (tables, is_sealed) = opened.clone().ok_or_else(|| lost_tables(environment))?;
        Ok(Self { environment: Arc::clone(environment), tables, is_sealed })
    }

    /// The store's folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.environment.root
    }

    /// Whether this and another are the same generation.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.environment, &other.environment)
    }

    /// Begins to read; what is read is one state of the store, whatever others write meanwhile.
    pub(crate) fn read(&self) -> Result<RoTxn<'_, WithoutTls>> {
        self.environment.read()
    }

    /// Begins to write, once no other process or thread writes. The caller looks whether the store has moved on.
    pub(crate) fn write(&self) -> Result<WriteTxn<'_>> {
        let txn = self.environment.write()?;
        self.extend(&txn)?;
        Ok(WriteTxn::new(txn))
    }

    /// Makes what was written durable and visible.
    pub(crate) fn commit(&self, txn: WriteTxn<'_>) -> Result<()> {
        let transaction = txn.id() as u64;
        txn.into_inner().commit().map_err(|e| self.fail(e))?;
        if open::is_short(&self.environment) {
            let lock = self.environment.write()?;
            self.extend(&lock)?;
        }
        self.environment.note_walked(transaction);
        Ok(())
    }

    fn extend(&self, lock: &RwTxn<'_>) -> Result<()> {
        open::extend_file(&self.environment, lock).map_err(|e| self.fail(heed::Error::Io(e)))
    }

    /// Refuses a file of which a page is damaged, unless its pages are known to be as they were when they were walked
    /// last. Cost: some microseconds, or those of [`Store::check_pages`].
    pub(crate) fn check_pages_once(&self) -> Result<()> {
        let is_walked = &self.environment.is_walked;
        if is_walked.load(Ordering::Acquire) {
            return Ok(());
        }
        let transaction = self.read()?.id() as u64;
        if !walked::is_noted(&self.environment.folder, transaction) {
            self.check_pages(&Monitor::unwatched())?;
            is_walked.store(true, Ordering::Release);
            self.environment.note_walked(transaction);
        }
        is_walked.store(true, Ordering::Release);
        Ok(())
    }

    /// Walks the pages of the file by plain reads, as a new transaction sees them. Cost: a read of every page of a tree.
    pub(crate) fn walk_pages(&self, monitor: &Monitor) -> Result<Walk> {
        let path = self.environment.folder.join(open::DATA_FILE);
        let file = std::fs::File::open(&path)
            .map_err(|source| Error::from_io(self.folder(), "read", path, source))?;
        loop {
            let txn = self.read()?;
            if txn.id() == 0 {
                return Ok(Walk::default());
            }
            match Header::of_transaction(&file, txn.id() as u64) {
                Ok(Some(header)) => {
                    monitor.begin(Stage::Checking, header.last_page.saturating_add(1))?;
                    let mut walk = pages::walk_watched(&file, &header, monitor);
                    // LMDB itself can lose pages (ITS#8174). They take room, and nothing else is wrong with them.
                    walk.damage.retain(|damage| !damage.is_leak());
                    return Ok(walk);
                }
                // Others have written twice since.
                Ok(None) => {}
                Err(damage) => return Err(self.damaged(damage.to_string())),
            }
        }
    }

    /// Refuses a file of which a page is damaged; see [`Store::walk_pages`].
    pub(crate) fn check_pages(&self, monitor: &Monitor) -> Result<()> {
        self.walk_pages(monitor)?
            .damage
            .first()
            .map_or(Ok(()), |damage| Err(self.damaged(damage.to_string())))
    }

    /// The error for what LMDB reported.
    pub(crate) fn fail(&self, error: heed::Error) -> Error {
        Error::from_heed(self.folder(), error)
    }

    /// The error for contents that cannot be.
    pub(crate) fn damaged(&self, what: impl Into<String>) -> Error {
        Error::Damaged { path: self.folder().to_owned(), what: what.into() }
    }
}

/// The tables of an environment, and whether their rows are sealed.
pub(crate) type Opened = (Arc<Tables>, bool);

/// Opens the tables; `None` where there are none.
fn opened_tables(environment: &Environment) -> Result<Option<Opened>> {
    let fail = |e| Error::from_heed(&environment.root, e);
    let env = &environment.env;
    let txn = environment.read()?;
    let root = &environment.root;
    let Some(tables) = Tables::open(env, &txn, &Making { is_sealed: true, root }).map_err(fail)? else {
        return Ok(None);
    };
    let is_sealed = match state::format(&tables.meta, &txn)? {
        Some(state::MOVED_FORMAT) => {
            let what = "its memories have moved on to a generation that is missing".into();
            return Err(Error::Damaged { path: root.to_path_buf(), what });
        }
        Some(format) => format >= state::SEALED_FORMAT,
        None => true,
    };
    let tables = match is_sealed {
        true => Some(tables),
        false => Tables::open(env, &txn, &Making { is_sealed, root }).map_err(fail)?,
    };
    // Committed, not dropped: only then do the table handles outlive the transaction.
    txn.commit().map_err(fail)?;
    environment.in_use.set_made();
    Ok(tables.map(|tables| (Arc::new(tables), is_sealed)))
}

/// Makes the tables of a file that nothing was ever written to.
fn create_tables(environment: &Environment) -> Result<()> {
    let fail = |e| Error::from_heed(&environment.root, e);
    let mut txn = environment.write()?;
    let making = Making { is_sealed: true, root: &environment.root };
    // Another process may have made them meanwhile.
    let there = Tables::open(&environment.env, &txn, &making).map_err(fail)?.is_some();
    if !there && (txn.id() != 1 || environment.in_use.is_made()) {
        return Err(lost_tables(environment));
    }
    if !there {
        Tables::create(&environment.env, &mut txn, &making).map_err(fail)?;
    }
    txn.commit().map_err(fail)
}

fn lost_tables(environment: &Environment) -> Error {
    Error::Damaged { path: environment.root.to_path_buf(), what: "its tables are not there".into() }
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
