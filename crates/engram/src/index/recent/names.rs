//! Names of single memories: those that one bears and mentions, and the look back into older texts for a name
//! that is new.

use std::collections::BTreeSet;

use heed::{RoTxn, RwTxn};
use rustc_hash::FxHashMap;

use super::{Writer, new_node};
use crate::error::Result;
use crate::index::associations::Kind;
use crate::index::{edges, postings, reading};
use crate::store::nodes::{self, NameNode, Node};
use crate::store::record::Record;
use crate::store::state::State;
use crate::store::tables::{Store, name_key, node_at, node_key};
use crate::text::{Language, MAX_NAME_TOKENS, Tokens};

impl Writer<'_> {
    /// Adds the names that a memory bears and mentions, and looks for those that are new in older texts.
    pub(super) fn add_names(
        &mut self,
        txn: &mut RwTxn<'_>,
        state: &mut State,
        memory: u32,
        namespace: u32,
        record: &Record<'_>,
    ) -> Result<()> {
        let store = self.store;
        let mut new_names = Vec::new();
        let mut borne = BTreeSet::new();
        for key in reading::home_names(record) {
            let number = self.name(txn, state, &key, namespace, &mut new_names)?;
            change_name(store, txn, number, |name| {
                name.homes += 1;
                name.memories += 1;
            })?;
            edges::join(store, txn, state, (memory, number), Kind::Bears, 1.0)?;
            borne.insert(number);
        }
        let mut phrases = BTreeSet::new();
        reading::phrases(record, &mut self.tokens, |key| {
            if !phrases.contains(key) {
                phrases.insert(key.to_owned());
            }
        });
        for key in &phrases {
            if let Some(number) = nodes::name_number(store, txn, key, namespace)? {
                change_name(store, txn, number, |name| name.phrases += 1)?;
                continue;
            }
            let stored = name_key(key, namespace);
            let single = store.tables.phrases.get(txn, &stored)?.is_some();
            if single {
                // The second memory with this phrase makes it a name.
                let number = self.name(txn, state, key, namespace, &mut new_names)?;
                change_name(store, txn, number, |name| name.phrases += 1)?;
            } else {
                store.tables.phrases.put(txn, &stored, &node_key(memory))?;
            }
        }
        for number in self.mentions(txn, namespace, record)? {
            if !borne.contains(&number) {
                self.mention(txn, state, memory, number)?;
            }
        }
        if !new_names.is_empty() {
            self.look_back(txn, state, memory, namespace, &new_names)?;
        }
        Ok(())
    }

    /// The number of a name, which is made where it is missing.
    fn name(
        &mut self,
        txn: &mut RwTxn<'_>,
        state: &mut State,
        key: &str,
        namespace: u32,
        new_names: &mut Vec<(u32, String)>,
    ) -> Result<u32> {
        let store = self.store;
        if let Some(number) = nodes::name_number(store, txn, key, namespace)? {
            return Ok(number);
        }
        let number = new_node(state)?;
        let stored = name_key(key, namespace);
        // A phrase that one memory had alone until now is counted on.
        let phrases = u32::from(store.tables.phrases.delete(txn, &stored)?);
        store.tables.names.put(txn, &stored, &node_key(number))?;
        let name = NameNode { key: key.to_owned(), namespace, homes: 0, phrases, memories: 0 };
        nodes::put(store, txn, number, &Node::Name(name))?;
        if let Some(first) = key.split(' ').next() {
            self.begins_name.insert(first.into(), true);
        }
        new_names.push((number, key.to_owned()));
        Ok(number)
    }

    fn mention(&self, txn: &mut RwTxn<'_>, state: &State, memory: u32, name: u32) -> Result<()> {
        change_name(self.store, txn, name, |name| name.memories += 1)?;
        edges::join(self.store, txn, state, (memory, name), Kind::Mentions, 1.0)
    }

    /// The names in a record's text, longest first at each place.
    fn mentions(&mut self, txn: &RoTxn<'_>, namespace: u32, record: &Record<'_>) -> Result<BTreeSet<u32>> {
        let mut found = BTreeSet::new();
        for piece in reading::pieces(record) {
            self.tokens.read(piece);
            let (store, tokens, begins) = (self.store, &self.tokens, &mut self.begins_name);
            reading::longest_matches(
                tokens.len(),
                |at| longest_name(store, txn, tokens, at, namespace, record.language, begins),
                |_, name| {
                    found.insert(name);
                },
            )?;
        }
        Ok(found)
    }

    /// Looks for new names in the texts that hold all their words.
    fn look_back(
        &mut self,
        txn: &mut RwTxn<'_>,
        state: &State,
        newest: u32,
        namespace: u32,
        names: &[(u32, String)],
    ) -> Result<()> {
        let store = self.store;
        let numbers: BTreeSet<u32> = names.iter().map(|(number, _)| *number).collect();
        let mut holders = BTreeSet::new();
        for (_, key) in names {
            holders.extend(self.holders(txn, state, key)?);
        }
        holders.remove(&newest);
        for memory in holders {
            let Some(Node::Memory(id)) = nodes::get(store, txn, memory)? else { continue };
            let bytes = store.tables.memories.get(txn, id.as_bytes())?;
            let Some(record) = bytes.and_then(|bytes| Record::read(bytes).ok()).map(Record::into_owned)
            else {
                continue;
            };
            let entry = nodes::namespace(store, txn, &record.namespace)?;
            if entry.is_none_or(|entry| entry.number != namespace) {
                continue;
            }
            for number in self.mentions(txn, namespace, &record)? {
                if numbers.contains(&number) {
                    self.mention(txn, state, memory, number)?;
                }
            }
        }
        Ok(())
    }

    /// The memories whose texts hold all words of a name, in any language of the store.
    fn holders(&mut self, txn: &RoTxn<'_>, state: &State, key: &str) -> Result<BTreeSet<u32>> {
        let mut holders = BTreeSet::new();
        let languages: Vec<Language> = state.languages.iter().filter_map(|code| code.parse().ok()).collect();
        for language in languages {
            let words = self.lexicon.words(language);
            let mut terms: Vec<String> =
                key.split(' ').filter_map(|token| words.term(token).map(str::to_owned)).collect();
            terms.sort_unstable();
            terms.dedup();
            let mut common: Option<Vec<u32>> = None;
            for term in &terms {
                let mut with = match postings::packed(self.store, txn, term)? {
                    Some(row) => row.memories.into_owned(),
                    None => Vec::new(),
                };
                with.extend(postings::recent(self.store, txn, term)?.into_iter().map(|(memory, _)| memory));
                common = Some(match common {
                    None => with,
                    Some(mut before) => {
                        before.retain(|memory| with.binary_search(memory).is_ok());
                        before
                    }
                });
            }
            holders.extend(common.unwrap_or_default());
        }
        Ok(holders)
    }

    /// Counts a forgotten memory out of its names, and drops those that nobody has any more.
    pub(super) fn release_names(
        &mut self,
        txn: &mut RwTxn<'_>,
        state: &State,
        memory: u32,
        namespace: u32,
        record: &Record<'_>,
        joined: &[u32],
    ) -> Result<()> {
        let store = self.store;
        let mut touched: BTreeSet<u32> = joined.iter().copied().collect();
        for number in joined {
            change_name(store, txn, *number, |name| name.memories = name.memories.saturating_sub(1))?;
        }
        for key in reading::home_names(record) {
            if let Some(number) = nodes::name_number(store, txn, &key, namespace)? {
                change_name(store, txn, number, |name| name.homes = name.homes.saturating_sub(1))?;
                touched.insert(number);
            }
        }
        let mut phrases = BTreeSet::new();
        reading::phrases(record, &mut self.tokens, |key| {
            phrases.insert(key.to_owned());
        });
        for key in phrases {
            let stored = name_key(&key, namespace);
            if let Some(number) = nodes::name_number(store, txn, &key, namespace)? {
                change_name(store, txn, number, |name| name.phrases = name.phrases.saturating_sub(1))?;
                touched.insert(number);
            } else {
                let owner = store.tables.phrases.get(txn, &stored)?;
                if owner.and_then(node_at) == Some(memory) {
                    store.tables.phrases.delete(txn, &stored)?;
                }
            }
        }
        for number in touched {
            let Some(name) = nodes::name(store, txn, number)? else { continue };
            if name.homes == 0 && name.phrases == 0 {
                self.drop_name(txn, state, number, &name)?;
            }
        }
        Ok(())
    }

    fn drop_name(&self, txn: &mut RwTxn<'_>, state: &State, number: u32, name: &NameNode) -> Result<()> {
        let store = self.store;
        self.detach(txn, state, number)?;
        store.tables.names.delete(txn, &name_key(&name.key, name.namespace))?;
        store.tables.nodes.delete(txn, &node_key(number))?;
        if number < state.packed_nodes {
            store.tables.gone.put(txn, &node_key(number), &[])?;
        }
        Ok(())
    }
}

/// The longest name that begins at a token, in one namespace.
pub(crate) fn longest_name(
    store: &Store,
    txn: &RoTxn<'_>,
    tokens: &Tokens,
    at: usize,
    namespace: u32,
    language: Language,
    begins_name: &mut FxHashMap<Box<str>, bool>,
) -> Result<Option<(usize, u32)>> {
    let first = tokens.folded(at);
    let begins = match begins_name.get(first) {
        Some(begins) => *begins,
        None => {
            let begins = any_name_begins(store, txn, first)?;
            begins_name.insert(first.into(), begins);
            begins
        }
    };
    if !begins {
        return Ok(None);
    }
    let most = MAX_NAME_TOKENS.min(tokens.len() - at);
    for length in (1..=most).rev() {
        if length == 1 && language.is_stop(first) {
            break;
        }
        let key = tokens.key(at..at + length);
        // A store key holds no more, and no name is that long.
        if key.len() <= crate::memory::MAX_ID_BYTES
            && let Some(number) = nodes::name_number(store, txn, key, namespace)?
        {
            return Ok(Some((length, number)));
        }
    }
    Ok(None)
}

/// Whether any name has this as its first token.
fn any_name_begins(store: &Store, txn: &RoTxn<'_>, token: &str) -> Result<bool> {
    let next = store.tables.names.first_from(txn, token.as_bytes());
    // The first key not before the token is the token itself (then 0) or the token and more words (then a
    // space), if there is either: both sort before every longer word.
    Ok(next?.is_some_and(|(key, _)| {
        key.strip_prefix(token.as_bytes()).is_some_and(|rest| matches!(rest.first(), Some(0 | b' ')))
    }))
}

fn change_name(
    store: &Store,
    txn: &mut RwTxn<'_>,
    number: u32,
    change: impl FnOnce(&mut NameNode),
) -> Result<()> {
    if let Some(mut name) = nodes::name(store, txn, number)? {
        change(&mut name);
        nodes::put(store, txn, number, &Node::Name(name))?;
    }
    Ok(())
}
