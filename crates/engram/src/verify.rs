//! Checking a store: every record, every row, every block, and that they agree with one another.
//!
//! Four passes: the facts (checksums, ids), the numbering (memories, nodes, names), the packed rows and blocks
//! (checksums, ranges), and, where nothing was written since they were packed, everything derived against what
//! the facts give when it is derived again.

mod derived;

use std::collections::BTreeMap;

use heed::RoTxn;

use crate::engram::Engram;
use crate::error::{Error, Result};
use crate::index::links;
use crate::memory::MemoryId;
use crate::progress::Monitor;
use crate::store::nodes::{self, Node};
use crate::store::record::Record;
use crate::store::state::{self, State};
use crate::store::table::Table;
use crate::store::tables::{Store, node_at};
use crate::vault;

/// The most problems that are told one by one.
const MOST_PROBLEMS: usize = 100;

/// What a check of a store has found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Verification {
    /// Memories that were read.
    pub memories: u64,
    /// Entries of all tables that were read.
    pub entries: u64,
    /// Whether everything derived was compared with what the memories give; it is not after writes that
    /// were not consolidated yet.
    pub rebuilt: bool,
    /// What is wrong, one sentence each; empty for a sound store.
    pub problems: Vec<String>,
}

impl Verification {
    fn problem(&mut self, what: impl Into<String>) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(what.into());
        }
    }
}

impl Engram {
    /// Reads the whole store and checks it. Cost: as a [consolidation](Engram::consolidate).
    ///
    /// Damage that LMDB itself trips over may kill the process that looks at it (a mapped page that cannot be
    /// read); where that must not happen, run `engram verify`, which looks from a process of its own.
    ///
    /// # Errors
    /// If the store cannot be read at all. What is wrong within it is no error but in the result.
    pub fn verify(&self) -> Result<Verification> {
        let store = &self.store()?;
        let txn = store.read()?;
        let mut found = Verification::default();
        // First the pages, by plain reads: of a damaged one, LMDB may make anything.
        for damage in store.walk_pages(&Monitor::unwatched())?.damage {
            found.problem(damage.to_string());
        }
        if !found.problems.is_empty() {
            return Ok(found);
        }
        let Some(state) = state::read(store, &txn)? else { return Ok(found) };
        rows(store, &txn, &state, &mut found)?;
        if found.problems.is_empty() {
            derived::rebuild(store, &txn, &state, &mut found)?;
        }
        Ok(found)
    }

    /// As [`Engram::verify`], without deriving anything again.
    pub(crate) fn verify_rows(&self) -> Result<Verification> {
        let store = &self.store()?;
        let txn = store.read()?;
        let mut found = Verification::default();
        let Some(state) = state::read(store, &txn)? else { return Ok(found) };
        rows(store, &txn, &state, &mut found)?;
        Ok(found)
    }
}

/// Checks each row for itself, and against those that it names.
fn rows(store: &Store, txn: &RoTxn<'_>, state: &State, found: &mut Verification) -> Result<()> {
    match state::check_counts(store, txn, state) {
        Err(Error::Damaged { what, .. }) => found.problem(what),
        counted => counted?,
    }
    facts(store, txn, state, found)?;
    numbering(store, txn, state, found)?;
    derived::packed(store, txn, state, found)?;
    derived::recent(store, txn, state, found)
}

/// Calls `each` with every entry of a table.
fn walk<'t>(
    txn: &'t RoTxn<'_>,
    table: &'t Table,
    found: &mut Verification,
    mut each: impl FnMut(&mut Verification, &'t [u8], &'t [u8]),
) -> Result<()> {
    let (mut last, mut rows): (Option<&[u8]>, u64) = (None, 0);
    for row in table.iter_checked(txn)? {
        let (key, value) = row?;
        found.entries += 1;
        rows += 1;
        if last.replace(key).is_some_and(|last| last >= key) {
            found.problem(format!("the rows of the table {} are out of order", table.name()));
        }
        match value {
            Some(value) => each(found, key, value),
            None => found.problem(table.broken(key)),
        }
    }
    let counted = table.len(txn)?;
    if rows != counted {
        let name = table.name();
        found.problem(format!("the table {name} has {counted} rows, of which {rows} can be reached"));
    }
    Ok(())
}

fn text(bytes: &[u8]) -> String {
    crate::text::printable_line(&String::from_utf8_lossy(bytes)).into_owned()
}

fn facts(store: &Store, txn: &RoTxn<'_>, state: &State, found: &mut Verification) -> Result<()> {
    let mut in_namespace: BTreeMap<String, u32> = BTreeMap::new();
    let mut links_held = 0;
    walk(txn, &store.tables.memories, found, |found, key, value| {
        found.memories += 1;
        let id = text(key);
        if std::str::from_utf8(key).ok().and_then(|id| MemoryId::existing(id).ok()).is_none() {
            found.problem(format!("the id {id} is none"));
        }
        match Record::read(value) {
            Ok(record) => {
                let key = String::from_utf8_lossy(key);
                let held = links::of(&key, &record);
                links_held += held.len() as u64;
                if !links::are_noted(store, txn, &held).is_ok_and(|noted| noted) {
                    found
                        .problem(format!("the account of the links of the memory {id} is not what they are"));
                }
                let is_known = nodes::language(store, txn, &record).is_ok_and(|language| {
                    state.languages.binary_search_by(|known| known.as_str().cmp(language.code())).is_ok()
                });
                if !is_known {
                    found.problem(format!("the store does not know of the language of the memory {id}"));
                }
                *in_namespace.entry(record.namespace.into_owned()).or_default() += 1;
            }
            Err(bad) => found.problem(format!("the memory {id} is unreadable: {bad}")),
        }
    })?;
    if found.memories != u64::from(state.memories) {
        found
            .problem(format!("the store says it has {} memories and has {}", state.memories, found.memories));
    }
    let noted = store.tables.links.len(txn)?;
    if noted != links_held {
        found.problem(format!("{noted} links are noted, and the memories hold {links_held}"));
    }
    found.entries += noted;
    walk(txn, &store.tables.files, found, |found, _, value| {
        if !vault::is_file_entry(value) {
            found.problem("the account of a file cannot be read");
        }
    })?;
    for (name, entry) in nodes::namespaces(store, txn)? {
        let there = in_namespace.remove(&name).unwrap_or(0);
        if there != entry.memories {
            found.problem(format!("the namespace {name} says {} memories and has {there}", entry.memories));
        }
        if entry.number >= state.next_namespace {
            found.problem(format!("the number of the namespace {name} is out of range"));
        }
    }
    for name in in_namespace.keys() {
        found.problem(format!("the namespace {name} is missing"));
    }
    Ok(())
}

fn numbering(store: &Store, txn: &RoTxn<'_>, state: &State, found: &mut Verification) -> Result<()> {
    let tables = &store.tables;
    let get = |table: &Table, key: &[u8]| table.get(txn, key);
    let (mut numbered, mut failed) = (0, None);
    walk(txn, &tables.numbers, found, |found, key, value| {
        numbered += 1;
        let number = node_at(value);
        let node = match number.map(|number| nodes::get(store, txn, number)) {
            Some(Ok(node)) => node,
            Some(Err(e)) => {
                failed.get_or_insert(e);
                None
            }
            None => None,
        };
        let same = matches!(&node, Some(Node::Memory(id)) if id.as_bytes() == key);
        if !same || get(&tables.memories, key).is_ok_and(|memory| memory.is_none()) {
            found.problem(format!("the memory {} has a number that is not its own", text(key)));
        }
        if number.is_none_or(|number| number >= state.next_node) {
            found.problem(format!("the number of the memory {} is out of range", text(key)));
        }
    })?;
    if numbered != found.memories {
        found.problem(format!("{numbered} memories are numbered, and there are {}", found.memories));
    }
    walk(txn, &tables.nodes, found, |found, key, value| match nodes::read(value) {
        None => found.problem(format!("the account of node {:?} cannot be read", node_at(key))),
        Some(Node::Memory(id)) => {
            if get(&tables.numbers, id.as_bytes()).is_ok_and(|number| number != Some(key)) {
                found.problem(format!("the memory {id} has two numbers"));
            }
        }
        Some(Node::Name(name)) => {
            let stored = crate::store::tables::name_key(&name.key, name.namespace);
            if get(&tables.names, &stored).is_ok_and(|number| number != Some(key)) {
                found.problem(format!("the name {:?} has two numbers", name.key));
            }
        }
    })?;
    for (table, what) in [(&tables.names, "name"), (&tables.phrases, "phrase")] {
        walk(txn, table, found, |found, key, value| {
            let node = node_at(value).map(|number| nodes::get(store, txn, number));
            let fits = match node {
                Some(Ok(Some(Node::Name(name)))) => what == "name" && key.starts_with(name.key.as_bytes()),
                Some(Ok(Some(Node::Memory(_)))) => what == "phrase",
                _ => false,
            };
            if !fits {
                found.problem(format!("the {what} {} leads nowhere", text(key)));
            }
        })?;
    }
    failed.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests;
