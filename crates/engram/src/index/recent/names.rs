//! Names of single memories: those that one bears and mentions, and the look back into older texts for a name
//! that is new.

use std::collections::{BTreeMap, BTreeSet};

use heed::RoTxn;

use super::matching::Names;
use super::{Step, Writer, new_node};
use crate::error::Result;
use crate::index::associations::Kind;
use crate::index::work;
use crate::index::{postings, reading};
use crate::store::block;
use crate::store::nodes::{self, NameNode, Node};
use crate::store::record::Record;
use crate::store::state::State;
use crate::store::tables::{Store, name_key, node_at, node_key};
use crate::store::write_txn::WriteTxn;
use crate::text::Language;

impl Writer<'_> {
    /// Adds the names that a memory bears and mentions, and looks for those that are new in older texts.
    pub(super) fn add_names(
        &mut self,
        txn: &mut WriteTxn<'_>,
        state: &mut State,
        memory: u32,
        namespace: u32,
        record: &Record<'_>,
    ) -> Step<()> {
        let store = self.store;
        let mut new_names = Vec::new();
        let mut borne = BTreeSet::new();
        for key in reading::home_names(record) {
            let number = self.name(txn, state, &key, namespace, &mut new_names)?;
            change_name(store, txn, number, |name| {
                name.homes += 1;
                name.memories += 1;
            })?;
            self.join(txn, state, (memory, number), Kind::Bears, 1.0)?;
            borne.insert(number);
        }
        let mut phrases = BTreeSet::new();
        reading::phrases(record, &mut self.tokens, |key| {
            if !phrases.contains(key) {
                phrases.insert(key.to_owned());
            }
        });
        self.meter.charge(work::NAME * phrases.len() as u64)?;
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
                change_name(store, txn, number, |name| name.memories += 1)?;
                self.join(txn, state, (memory, number), Kind::Mentions, 1.0)?;
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
        txn: &mut WriteTxn<'_>,
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
            self.begins_name.remove(first);
        }
        new_names.push((number, key.to_owned()));
        Ok(number)
    }

    /// The names in a record's text, longest first at each place.
    fn mentions(&mut self, txn: &RoTxn<'_>, namespace: u32, record: &Record<'_>) -> Step<BTreeSet<u32>> {
        let mut found = BTreeSet::new();
        let language = nodes::language(self.store, txn, record)?;
        for piece in reading::pieces(record) {
            self.tokens.read(piece);
            self.meter.charge(work::TOKEN * self.tokens.len() as u64)?;
            let Self { store, tokens, begins_name, meter, .. } = self;
            let mut names = Names { store, txn, namespace, begins: begins_name };
            reading::longest_matches(
                tokens.len(),
                |at| names.longest(tokens, at, language, meter),
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
        txn: &mut WriteTxn<'_>,
        state: &State,
        newest: u32,
        namespace: u32,
        names: &[(u32, String)],
    ) -> Step<()> {
        let store = self.store;
        // How many memories mention each.
        let mut found: BTreeMap<u32, u32> = names.iter().map(|(number, _)| (*number, 0)).collect();
        let mut holders = BTreeSet::new();
        for (_, key) in names {
            holders.extend(self.holders(txn, state, key)?);
        }
        holders.remove(&newest);
        for memory in holders {
            self.meter.charge(work::READ)?;
            if block::columns_now(store, txn, memory)?.is_none_or(|columns| columns.namespace != namespace) {
                continue;
            }
            for number in self.mentioned(txn, memory, namespace, names)? {
                if let Some(memories) = found.get_mut(&number) {
                    *memories += 1;
                    self.join(txn, state, (memory, number), Kind::Mentions, 1.0)?;
                }
            }
        }
        for (number, memories) in found {
            change_name(store, txn, number, |name| name.memories += memories)?;
        }
        Ok(())
    }

    /// The names that a memory mentions, if there may be new ones among them.
    fn mentioned(
        &mut self,
        txn: &RoTxn<'_>,
        memory: u32,
        namespace: u32,
        new: &[(u32, String)],
    ) -> Step<BTreeSet<u32>> {
        let store = self.store;
        let Some(Node::Memory(id)) = nodes::get(store, txn, memory)? else { return Ok(BTreeSet::new()) };
        let bytes = store.tables.memories.get(txn, id.as_bytes())?;
        let Some(bytes) = bytes else { return Ok(BTreeSet::new()) };
        self.meter.charge(2 * work::READ + work::RECORD_BYTE * bytes.len() as u64)?;
        let Ok(record) = Record::read(bytes) else { return Ok(BTreeSet::new()) };
        let mut pieces = reading::pieces(&record);
        if pieces.any(|piece| self.has_any(piece, new)) {
            return self.mentions(txn, namespace, &record);
        }
        Ok(BTreeSet::new())
    }

    /// Whether the words of any of these names stand one behind another in a text.
    fn has_any(&mut self, text: &str, names: &[(u32, String)]) -> bool {
        self.tokens.read(text);
        let words = self.tokens.key(0..self.tokens.len());
        names.iter().any(|(_, name)| {
            words.match_indices(name.as_str()).any(|(start, found)| {
                let (before, after) = (&words[..start], &words[start + found.len()..]);
                (before.is_empty() || before.ends_with(' ')) && (after.is_empty() || after.starts_with(' '))
            })
        })
    }

    /// The memories whose texts hold all words of a name, in any language of the store.
    fn holders(&mut self, txn: &RoTxn<'_>, state: &State, key: &str) -> Step<BTreeSet<u32>> {
        let mut holders = BTreeSet::new();
        let mut asked: Vec<Vec<String>> = Vec::new();
        for language in state.languages.iter().filter_map(|code| code.parse::<Language>().ok()) {
            let words = self.lexicon.words(language);
            let terms: BTreeSet<String> =
                key.split(' ').filter_map(|token| words.term(token).map(str::to_owned)).collect();
            let terms: Vec<String> = terms.into_iter().collect();
            if !asked.contains(&terms) {
                self.with_all(txn, &terms, &mut holders)?;
                asked.push(terms);
            }
        }
        Ok(holders)
    }

    /// Adds the memories that have all these terms. Cost: the number of those that have the rarest.
    fn with_all(&mut self, txn: &RoTxn<'_>, terms: &[String], found: &mut BTreeSet<u32>) -> Step<()> {
        let mut rows = Vec::with_capacity(terms.len());
        for term in terms {
            let recent = postings::recent(self.store, txn, term)?;
            self.meter.charge(work::READ + work::RECENT_EDGE * recent.len() as u64)?;
            let recent: Vec<u32> = recent.into_iter().map(|(memory, _)| memory).collect();
            let packed = postings::packed(self.store, txn, term)?.map(|row| row.memories).unwrap_or_default();
            rows.push((packed, recent));
        }
        rows.sort_by_key(|(packed, recent)| packed.len() + recent.len());
        let Some(((packed, recent), others)) = rows.split_first() else { return Ok(()) };
        let candidates = packed.len() + recent.len();
        self.meter.charge(work::SEARCH * (candidates * terms.len()) as u64)?;
        found.extend(packed.iter().chain(recent).copied().filter(|memory| {
            let has = |row: &[u32]| row.binary_search(memory).is_ok();
            others.iter().all(|(packed, recent)| has(packed) || has(recent))
        }));
        Ok(())
    }

    /// Counts a forgotten memory out of its names, and drops those that nobody has any more.
    pub(super) fn release_names(
        &mut self,
        txn: &mut WriteTxn<'_>,
        state: &State,
        memory: u32,
        namespace: u32,
        record: &Record<'_>,
        joined: &[u32],
    ) -> Step<()> {
        let store = self.store;
        self.meter.charge(work::NAME * joined.len() as u64)?;
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
        self.meter.charge(work::NAME * phrases.len() as u64)?;
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

    fn drop_name(&mut self, txn: &mut WriteTxn<'_>, state: &State, number: u32, name: &NameNode) -> Step<()> {
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

fn change_name(
    store: &Store,
    txn: &mut WriteTxn<'_>,
    number: u32,
    change: impl FnOnce(&mut NameNode),
) -> Result<()> {
    if let Some(mut name) = nodes::name(store, txn, number)? {
        change(&mut name);
        nodes::put(store, txn, number, &Node::Name(name))?;
    }
    Ok(())
}
