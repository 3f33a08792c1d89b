//! Names: which phrases are names, their numbers, and the memories that mention them.

use super::builder::{Builder, Term};
use super::strings::{Lines, Strings};
use crate::index::reading;
use crate::index::trie::{NONE, Place, TokenId, Trie};
use crate::progress::Monitor;
use crate::store::nodes::NameNode;

/// A memory that bears or mentions a name.
#[derive(Clone, Copy)]
pub(super) struct Mention {
    pub(super) memory: u32,
    pub(super) name: u32,
    pub(super) bears: bool,
}

/// Names by key and namespace, and phrases that one memory alone has: key, namespace, memory.
pub(super) struct Names {
    pub(super) names: Vec<NameNode>,
    pub(super) singles: Vec<(String, u32, u32)>,
}

/// Decides which places of the tree are names, and numbers them by key.
/// That counts as a pass over so many `memories`.
pub(super) fn number(trie: &mut Trie, tokens: &Strings, memories: u64, monitor: &Monitor) -> Names {
    let mut shares = monitor.shares(memories, 2 * trie.places().len());
    let mut found = Vec::new();
    let mut singles = Vec::new();
    let (mut keys, mut key) = (Lines::default(), String::new());
    let mut path = Vec::new();
    for (place, seen) in (0_u32..).zip(trie.places()) {
        shares.add(1);
        if seen.homes == 0 && seen.phrases == 0 {
            continue;
        }
        let namespace = trie.path(place, &mut path);
        key.clear();
        for token in &path {
            if !key.is_empty() {
                key.push(' ');
            }
            key.push_str(tokens.get(*token));
        }
        if seen.homes == 0 && seen.phrases == 1 {
            singles.push((key.clone(), namespace, seen.last_phrase));
        } else {
            found.push((key_start(&key), keys.push(&key), namespace, place));
        }
    }
    found.sort_unstable_by(|(start_a, a, namespace_a, _), (start_b, b, namespace_b, _)| {
        let whole = || (keys.get(*a), namespace_a).cmp(&(keys.get(*b), namespace_b));
        start_a.cmp(start_b).then_with(whole)
    });
    singles.sort_unstable();
    let mut numbers = vec![NONE; trie.places().len()];
    // Keys are copied in their order, so that later passes find each behind the one before.
    let mut names = Vec::with_capacity(found.len());
    for (_, key, namespace, place) in found {
        shares.add(1);
        numbers[place as usize] = names.len() as u32;
        let Place { homes, phrases, .. } = trie.places()[place as usize];
        names.push(NameNode { key: keys.get(key).to_owned(), namespace, homes, phrases, memories: 0 });
    }
    trie.set_names(numbers);
    Names { names, singles }
}

/// The first bytes of a key as a number that is ordered as they are: nearly all keys differ there.
fn key_start(key: &str) -> u128 {
    let mut start = [0; 16];
    let bytes = key.len().min(16);
    start[..bytes].copy_from_slice(&key.as_bytes()[..bytes]);
    u128::from_be_bytes(start)
}

/// Memories whose walks through the tree are prepared together.
const TOGETHER: usize = 64;

/// Brings what the walks for some memories will need into the cache.
fn touch(builder: &Builder, trie: &Trie, memories: std::ops::Range<usize>, starts: &mut Vec<usize>) {
    let readings = &builder.readings[memories];
    for depth in [1, 2] {
        let walks = readings.iter().flat_map(|reading| {
            let tokens = &builder.sequence[reading.tokens.clone()];
            (0..tokens.len()).map(|at| (reading.namespace, &tokens[at..]))
        });
        trie.touch(walks, depth, starts);
    }
}

/// Finds the names of every memory, by memory and name, and counts the memories of every name.
pub(super) fn mentions(
    builder: &Builder,
    trie: &Trie,
    names: &mut [NameNode],
    monitor: &Monitor,
) -> Vec<Mention> {
    let mut steps = monitor.steps();
    let mut memories = vec![0_u32; names.len()];
    let mut mentions: Vec<Mention> = Vec::new();
    let mut starts = Vec::new();
    for (memory, reading) in (0_u32..).zip(&builder.readings) {
        if (memory as usize).is_multiple_of(TOGETHER) {
            touch(
                builder,
                trie,
                memory as usize..builder.readings.len().min(memory as usize + TOGETHER),
                &mut starts,
            );
        }
        steps.add(1);
        let start = mentions.len();
        for place in &builder.borne[reading.borne.clone()] {
            if let Some(name) = trie.name(*place) {
                mentions.push(Mention { memory, name, bears: true });
            }
        }
        let tokens = &builder.sequence[reading.tokens.clone()];
        let term_of = &builder.term_of[reading.language as usize];
        // Every token of the sequence has been asked for its term, and only stop words have none.
        let is_stop = |token: TokenId| term_of[token as usize] == Term::Stop;
        let longest = |at: usize| Ok(trie.longest(reading.namespace, &tokens[at..], is_stop));
        let _: std::result::Result<(), std::convert::Infallible> =
            reading::longest_matches(tokens.len(), longest, |_, name| {
                mentions.push(Mention { memory, name, bears: false })
            });
        // A memory that bears a name does not also mention it.
        mentions[start..].sort_unstable_by_key(|mention| (mention.name, !mention.bears));
        let mut kept = start;
        for at in start..mentions.len() {
            if kept == start || mentions[kept - 1].name != mentions[at].name {
                mentions[kept] = mentions[at];
                kept += 1;
            }
        }
        mentions.truncate(kept);
        for mention in &mentions[start..] {
            memories[mention.name as usize] += 1;
        }
    }
    for (name, memories) in names.iter_mut().zip(memories) {
        name.memories = memories;
    }
    mentions
}
