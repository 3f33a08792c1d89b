//! Names: which phrases are names, their numbers, and the memories that mention them.

use super::builder::{Builder, Term};
use super::strings::Strings;
use crate::index::reading;
use crate::index::trie::{TokenId, Trie};
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
pub(super) fn number(trie: &mut Trie, tokens: &Strings) -> Names {
    let mut found = Vec::new();
    let mut singles = Vec::new();
    let mut path = Vec::new();
    for (place, seen) in (0_u32..).zip(trie.places()) {
        if seen.homes == 0 && seen.phrases == 0 {
            continue;
        }
        let namespace = trie.path(place, &mut path);
        let mut key = String::with_capacity(path.iter().map(|t| tokens.get(*t).len() + 1).sum());
        for token in &path {
            if !key.is_empty() {
                key.push(' ');
            }
            key.push_str(tokens.get(*token));
        }
        let (homes, phrases) = (seen.homes, seen.phrases);
        if homes == 0 && phrases == 1 {
            singles.push((key, namespace, seen.last_phrase));
        } else {
            let start = key_start(&key);
            found.push((start, place, NameNode { key, namespace, homes, phrases, memories: 0 }));
        }
    }
    found.sort_unstable_by(|(start_a, _, a), (start_b, _, b)| {
        start_a.cmp(start_b).then_with(|| (&a.key, a.namespace).cmp(&(&b.key, b.namespace)))
    });
    singles.sort_unstable();
    for (number, (_, place, _)) in (0_u32..).zip(&found) {
        trie.set_name(*place, number);
    }
    Names { names: found.into_iter().map(|(_, _, name)| name).collect(), singles }
}

/// The first eight bytes of a key as a number that is ordered as they are: most keys differ there.
fn key_start(key: &str) -> u64 {
    let mut start = [0; 8];
    let bytes = key.len().min(8);
    start[..bytes].copy_from_slice(&key.as_bytes()[..bytes]);
    u64::from_be_bytes(start)
}

/// Finds the names of every memory, by memory and name, and counts the memories of every name.
pub(super) fn mentions(builder: &Builder, trie: &Trie, names: &mut [NameNode]) -> Vec<Mention> {
    let mut memories = vec![0_u32; names.len()];
    let mut mentions: Vec<Mention> = Vec::new();
    for (memory, reading) in (0_u32..).zip(&builder.readings) {
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
