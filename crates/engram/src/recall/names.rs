//! Names in the cue.

use heed::RoTxn;
use rustc_hash::FxHashMap;

use super::cue::Reading;
use super::view::View;
use crate::error::Result;
use crate::index::ascending::Ascending;
use crate::memory::MAX_ID_BYTES;
use crate::store::nodes::{self, NameNode};
use crate::store::tables::{Store, node_at};
use crate::text::{MAX_NAME_TOKENS, Tokens};

/// The names in the cue, in every namespace in question, without those that are too common to be a cue.
pub(crate) fn find(view: &View<'_>, reading: &Reading) -> Result<Vec<(u32, NameNode)>> {
    let mut names = Vec::new();
    for Found { number, namespace, at, length } in longest(view, reading)? {
        let name = nodes::name(view.store, view.txn, number)?;
        let key = reading.tokens.key(at..at + length);
        let name = name.filter(|name| (name.key.as_str(), name.namespace) == (key, namespace));
        match name {
            Some(name) if !view.is_common(&name) => names.push((number, name)),
            Some(_) => {}
            None if view.store.is_sealed => return Err(nodes::disagree(view.store, number)),
            None => {}
        }
    }
    Ok(names)
}

/// The names that may stand for the subject of a cue, each with the evidence that it is a name, above 0 and at most 1.
///
/// A title or alias of several words is one. A single word that is a title may be an ordinary word ("Links", "router");
/// the evidence is the square root of the share of the memories that mention it and write it with a capital, in which a
/// word seen once is given the benefit of the doubt. Phrases that are nobody's title lead nowhere by themselves, so they count only beside one
/// that leads home with at least the evidence `least`. Cost: the number of names.
pub(crate) fn certain(found: Vec<(u32, NameNode)>, least: f32) -> Vec<(u32, NameNode, f64)> {
    let names: Vec<_> = found.into_iter().map(|(node, name)| (evidence(&name), node, name)).collect();
    if !names.iter().any(|(evidence, _, name)| name.homes > 0 && *evidence >= f64::from(least)) {
        return Vec::new();
    }
    names.into_iter().map(|(evidence, node, name)| (node, name, evidence)).collect()
}

fn evidence(name: &NameNode) -> f64 {
    if !name.is_single() {
        return 1.0;
    }
    let (capitals, mentions) = (f64::from(name.phrases) + 1.0, f64::from(name.memories) + 1.0);
    (capitals / mentions).min(1.0).sqrt()
}

/// A name in the cue.
#[derive(Clone, Copy)]
struct Found {
    number: u32,
    namespace: u32,
    /// The first of its tokens, and how many they are.
    at: usize,
    length: usize,
}

/// The longest names in the cue, each once, by number: in each namespace, at each place the longest that begins
/// there, and on behind it. Cost: some look-ups for each token, and what they find, however many namespaces there are.
fn longest(view: &View<'_>, reading: &Reading) -> Result<Vec<Found>> {
    let (store, txn, tokens) = (view.store, view.txn, &reading.tokens);
    let begins = beginnings(store, txn, tokens)?;
    // Where the last name that was found in each namespace ends.
    let mut ends: FxHashMap<u32, usize> =
        reading.namespaces.iter().map(|(namespace, _)| (*namespace, 0)).collect();
    let mut found = Vec::new();
    for at in (0..tokens.len()).filter(|at| begins[*at]) {
        let least = if reading.is_stop(tokens.folded(at)) { 2 } else { 1 };
        for length in (least..=MAX_NAME_TOKENS.min(tokens.len() - at)).rev() {
            let key = tokens.key(at..at + length);
            // A store key holds no more, and no name is that long.
            if key.len() > MAX_ID_BYTES {
                continue;
            }
            let mut take = |namespace: u32, number: u32| {
                if let Some(end) = ends.get_mut(&namespace).filter(|end| **end <= at) {
                    *end = at + length;
                    found.push(Found { number, namespace, at, length });
                }
            };
            if let [(only, _)] = reading.namespaces[..] {
                if let Some(number) = nodes::name_number(store, txn, key, only)? {
                    take(only, number);
                    break;
                }
            } else {
                for_each_bearer(store, txn, key, take)?;
            }
        }
    }
    found.sort_unstable_by_key(|found| (found.number, found.at));
    found.dedup_by_key(|found| found.number);
    Ok(found)
}

/// For each token whether any name begins with it.
fn beginnings(store: &Store, txn: &RoTxn<'_>, tokens: &Tokens) -> Result<Vec<bool>> {
    let mut order: Vec<usize> = (0..tokens.len()).collect();
    order.sort_unstable_by_key(|at| tokens.folded(*at));
    let mut names = Ascending::new(&store.tables.names, txn);
    let mut begins = vec![false; tokens.len()];
    for run in order.chunk_by(|a, b| tokens.folded(*a) == tokens.folded(*b)) {
        let token = tokens.folded(run[0]).as_bytes();
        // The first key not before the token is the token itself (then 0) or the token and more words (then a
        // space), if there is either: both sort before every longer word.
        let first = names.at_or_after(token)?.and_then(|key| key.strip_prefix(token)?.first());
        if matches!(first, Some(0 | b' ')) {
            run.iter().for_each(|at| begins[*at] = true);
        }
    }
    Ok(begins)
}

/// Calls `each` with every namespace that has a name of this key, and the name's number.
fn for_each_bearer(store: &Store, txn: &RoTxn<'_>, key: &str, mut each: impl FnMut(u32, u32)) -> Result<()> {
    let prefix = [key.as_bytes(), &[0]].concat();
    for entry in store.tables.names.prefix_iter(txn, &prefix)? {
        let (key, number) = entry?;
        let namespace = key.get(prefix.len()..).and_then(node_at);
        let (namespace, number) =
            namespace.zip(node_at(number)).ok_or_else(|| store.damaged("a name cannot be read"))?;
        each(namespace, number);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::engram::Engram;
    use crate::memory::{MemoryId, Namespace, NewMemory};
    use crate::recall::cue::Cue;
    use crate::store::state;

    /// Words of which names and cues are made; some begin with others, one is a stop word.
    const WORDS: [&str; 6] = ["the", "a1", "a1b", "lane", "lanes", "東京"];

    fn words(most: usize) -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..most).prop_map(|words| words.join(" "))
    }

    /// In each namespace for itself: at each place the longest name that begins there, and on behind it.
    fn one_by_one(view: &View<'_>, reading: &Reading) -> Vec<u32> {
        let tokens = &reading.tokens;
        let mut found = BTreeSet::new();
        for (namespace, _) in &reading.namespaces {
            let mut at = 0;
            while at < tokens.len() {
                let longest = (1..=MAX_NAME_TOKENS.min(tokens.len() - at)).rev().find_map(|length| {
                    let is_stop =
                        length == 1 && reading.languages.iter().any(|l| l.is_stop(tokens.folded(at)));
                    let key = tokens.key(at..at + length);
                    let number = nodes::name_number(view.store, view.txn, key, *namespace).unwrap();
                    number.filter(|_| !is_stop).map(|number| (length, number))
                });
                at += longest.map_or(1, |(length, _)| length);
                found.extend(longest.map(|(_, number)| number));
            }
        }
        found.into_iter().collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn all_namespaces_at_once_find_what_each_finds(
            titles in prop::collection::vec((words(4), 0_usize..4), 1..12),
            packed in any::<bool>(),
            cues in prop::collection::vec(words(30), 1..8),
            only in 0_usize..5,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let engram = Engram::create(folder.path()).unwrap();
            for (at, (title, namespace)) in titles.iter().enumerate() {
                let mut memory = NewMemory::new(MemoryId::new(format!("m{at}")).unwrap(), "text");
                memory.title = Some(title.clone());
                memory.namespace = Namespace::new(format!("n{namespace}")).unwrap();
                engram.remember(&memory).unwrap();
            }
            if packed {
                engram.consolidate().unwrap();
            }
            let store = engram.store().unwrap();
            let txn = store.read().unwrap();
            let state = state::read(&store, &txn).unwrap().unwrap();
            let marks = engram.marks(&store, &txn, &state).unwrap();
            let view = View::new(&store, &txn, &state, marks).unwrap();
            for text in cues {
                for namespace in [None, Some(Namespace::new(format!("n{only}")).unwrap())] {
                    let mut cue = Cue::new(text.as_str());
                    cue.namespace = namespace;
                    let reading = Reading::of(&view, &cue).unwrap();
                    let found = longest(&view, &reading).unwrap();
                    let numbers: Vec<u32> = found.iter().map(|found| found.number).collect();
                    prop_assert_eq!(numbers, one_by_one(&view, &reading), "{:?}", text);
                }
            }
        }
    }
}
