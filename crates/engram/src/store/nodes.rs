//! Nodes of the association graph: what stands behind each number.

use std::collections::BTreeMap;

use heed::RoTxn;
use serde::{Deserialize, Serialize};

use super::record::Record;
use super::state::State;
use super::tables::{Store, name_key, node_at, node_key};
use super::write_txn::WriteTxn;
use crate::error::{Error, Result};
use crate::text::Language;

/// What a node number stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Node {
    /// A memory, by its external id.
    Memory(String),
    /// A name.
    Name(NameNode),
}

/// What a node number stands for, borrowed: lies in the store as [`Node`] does.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) enum NodeView<'a> {
    /// A memory, by its external id.
    Memory(&'a str),
    /// A name.
    Name(&'a NameNode),
}

impl NodeView<'_> {
    /// Writes the bytes that [`read`] reads in place of what `bytes` held.
    pub(crate) fn write(self, bytes: &mut Vec<u8>) {
        let text = match self {
            Self::Memory(id) => id.len(),
            Self::Name(name) => name.key.len(),
        };
        // The variant, the text's length and four numbers, of at most 10 bytes each, always fit.
        bytes.resize(text + 64, 0);
        let written = postcard::to_slice(&self, bytes).map_or(0, |written| written.len());
        bytes.truncate(written);
    }
}

/// A name as a node: a title, an alias, or a phrase that several memories share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NameNode {
    /// Its folded tokens joined by one space.
    pub(crate) key: String,
    /// The number of its namespace.
    pub(crate) namespace: u32,
    /// How many memories bear it as title or alias.
    pub(crate) homes: u32,
    /// How many memories have it as a capitalised phrase or tag.
    pub(crate) phrases: u32,
    /// How many memories mention or bear it.
    pub(crate) memories: u32,
}

impl NameNode {
    /// Whether it is one word.
    pub(crate) fn is_single(&self) -> bool {
        !self.key.contains(' ')
    }

    /// Whether so many memories of the namespace mention it that it is no cue for any of them: a chat's
    /// speakers, or a word that is somebody's title.
    pub(crate) fn is_common(&self, namespace_memories: u32) -> bool {
        let (share, least) = if self.is_single() { (100, 5) } else { (10, 10) };
        self.memories > (namespace_memories / share).max(least)
    }
}

/// The node of a number.
pub(crate) fn get(store: &Store, txn: &RoTxn<'_>, node: u32) -> Result<Option<Node>> {
    let Some(bytes) = store.tables.nodes.get(txn, &node_key(node))? else {
        return Ok(None);
    };
    let found = read(bytes);
    found.map(Some).ok_or_else(|| store.damaged(format!("the account of node {node} cannot be read")))
}

/// The name that a number stands for; `None` where it is no name.
pub(crate) fn name(store: &Store, txn: &RoTxn<'_>, node: u32) -> Result<Option<NameNode>> {
    Ok(get(store, txn, node)?.and_then(|node| match node {
        Node::Name(name) => Some(name),
        Node::Memory(_) => None,
    }))
}

/// Sets the node of a number.
pub(crate) fn put(store: &Store, txn: &mut WriteTxn<'_>, number: u32, node: &Node) -> Result<()> {
    let mut bytes = Vec::new();
    match node {
        Node::Memory(id) => NodeView::Memory(id).write(&mut bytes),
        Node::Name(name) => NodeView::Name(name).write(&mut bytes),
    }
    store.tables.nodes.put(txn, &node_key(number), &bytes)
}

/// Reads a node's account.
pub(crate) fn read(bytes: &[u8]) -> Option<Node> {
    postcard::from_bytes(bytes).ok()
}

/// The number of the memory with this external id. In a sealed store, what lies behind the number agrees.
pub(crate) fn memory_number(store: &Store, txn: &RoTxn<'_>, id: &str) -> Result<Option<u32>> {
    let Some(number) = store.tables.numbers.get(txn, id.as_bytes())?.and_then(node_at) else {
        return Ok(None);
    };
    if store.is_sealed && !matches!(get(store, txn, number)?, Some(Node::Memory(found)) if found == id) {
        return Err(disagree(store, number));
    }
    Ok(Some(number))
}

/// The id of the memory of a number; `None` where there is none. In a sealed store, the number that the id has agrees.
pub(crate) fn memory_id(store: &Store, txn: &RoTxn<'_>, number: u32) -> Result<Option<String>> {
    let Some(Node::Memory(id)) = get(store, txn, number)? else { return Ok(None) };
    if store.is_sealed && store.tables.numbers.get(txn, id.as_bytes())?.and_then(node_at) != Some(number) {
        return Err(disagree(store, number));
    }
    Ok(Some(id))
}

/// The error for a number and what it stands for that do not name each other.
pub(crate) fn disagree(store: &Store, number: u32) -> Error {
    store.damaged(format!("the number {number} and what it stands for do not agree"))
}

/// The number of a name in a namespace.
pub(crate) fn name_number(store: &Store, txn: &RoTxn<'_>, key: &str, namespace: u32) -> Result<Option<u32>> {
    let bytes = store.tables.names.get(txn, &name_key(key, namespace))?;
    Ok(bytes.and_then(node_at))
}

/// What a store knows of a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NamespaceEntry {
    /// Its number.
    pub(crate) number: u32,
    /// How many memories it holds.
    pub(crate) memories: u32,
    /// The language of its texts that do not tell theirs: that of most when it was packed.
    pub(crate) language: Language,
}

impl NamespaceEntry {
    /// The bytes that [`NamespaceEntry::read`] reads.
    pub(crate) fn bytes(self) -> Vec<u8> {
        [&node_key(self.number), &node_key(self.memories), self.language.code().as_bytes()].concat()
    }

    /// Reads an entry. Older ones name no language.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (numbers, code) = bytes.split_at_checked(8)?;
        let code = std::str::from_utf8(code).ok()?;
        let language = if code.is_empty() { Language::default() } else { code.parse().ok()? };
        Some(Self { number: node_at(numbers.get(..4)?)?, memories: node_at(numbers.get(4..)?)?, language })
    }
}

/// The entry of a namespace.
pub(crate) fn namespace(store: &Store, txn: &RoTxn<'_>, namespace: &str) -> Result<Option<NamespaceEntry>> {
    let bytes = store.tables.namespaces.get(txn, namespace.as_bytes())?;
    Ok(bytes.and_then(NamespaceEntry::read))
}

/// The language of a memory's text: its own, else that of its namespace.
pub(crate) fn language(store: &Store, txn: &RoTxn<'_>, record: &Record<'_>) -> Result<Language> {
    if let Some(language) = record.language {
        return Ok(language);
    }
    let entry = namespace(store, txn, &record.namespace)?;
    Ok(entry.map_or(Language::default(), |entry| entry.language))
}

/// Every namespace with its entry, by name.
pub(crate) fn namespaces(store: &Store, txn: &RoTxn<'_>) -> Result<Vec<(String, NamespaceEntry)>> {
    let mut all = Vec::new();
    for entry in store.tables.namespaces.iter(txn)? {
        let (name, bytes) = entry?;
        let found = std::str::from_utf8(name).ok().zip(NamespaceEntry::read(bytes));
        let (name, entry) = found.ok_or_else(|| store.damaged("a namespace cannot be read"))?;
        all.push((name.to_owned(), entry));
    }
    Ok(all)
}

/// The language of most memories in namespaces, by what those assume; equals by code.
fn most_common(store: &Store, txn: &RoTxn<'_>) -> Result<Language> {
    let mut memories: BTreeMap<&str, (u64, Language)> = BTreeMap::new();
    for (_, entry) in namespaces(store, txn)? {
        memories.entry(entry.language.code()).or_insert((0, entry.language)).0 += u64::from(entry.memories);
    }
    let most = memories.into_values().rev().max_by_key(|(memories, _)| *memories);
    Ok(most.map_or(Language::default(), |(_, language)| language))
}

/// Counts a memory into or out of its namespace, which is made where it is missing.
pub(crate) fn count_memory(
    store: &Store,
    txn: &mut WriteTxn<'_>,
    state: &mut State,
    name: &str,
    change: i32,
) -> Result<NamespaceEntry> {
    let mut entry = match namespace(store, txn, name)? {
        Some(entry) => entry,
        None => {
            let number = state.next_namespace;
            state.next_namespace = number.checked_add(1).ok_or(Error::OutOfNumbers)?;
            NamespaceEntry { number, memories: 0, language: most_common(store, txn)? }
        }
    };
    entry.memories = entry.memories.saturating_add_signed(change);
    store.tables.namespaces.put(txn, name.as_bytes(), &entry.bytes())?;
    Ok(entry)
}
