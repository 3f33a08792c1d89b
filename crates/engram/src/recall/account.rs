//! The answer: each hit with the account of why it came back.

use std::time::Duration;

use engram_kernels::Spreading;
use rustc_hash::FxHashMap;

use super::cue::{Cue, Reading};
use super::ranking::Ranked;
use super::seeds::Seeds;
use super::spread::Spread;
use super::view::View;
use crate::error::Result;
use crate::index::reading::Lexicon;
use crate::memory::MemoryId;
use crate::store::nodes::{self, Node};
use crate::store::record;
use crate::text::{Snippet, Tokens, snippet};

/// What a recall brought back.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Recollection {
    /// The memories, best first; equal scores by id.
    pub hits: Vec<Hit>,
    /// How long it took.
    pub took: Duration,
    /// Memories and names that activation reached.
    pub nodes_reached: usize,
    /// Associations along which it went.
    pub edges_traversed: u64,
    /// The names that the cue was seen to hold, as it writes them.
    pub names: Vec<String>,
    /// What it had to do without, one sentence each, such as a cue's vector that its model did not give.
    pub notes: Vec<String>,
}

/// One memory that came back.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Hit {
    /// Its id.
    pub id: MemoryId,
    /// Its title, if it has one.
    pub title: Option<String>,
    /// Where it came from, if it says.
    pub source: Option<String>,
    /// The part of its text nearest to the cue, with the cue's words marked.
    pub snippet: Snippet,
    /// Its score: (activation + direct) × retention. (BM25 or cosine similarity in the other modes.)
    pub score: f32,
    /// Whether little speaks for it: its score is less than a fiftieth of the first hit's, or it only fills up the
    /// answer to the number that was asked for.
    pub is_weak: bool,
    /// Why it came back.
    pub why: Why,
}

/// Why a memory came back.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Why {
    /// The activation that reached it, of 1 in all.
    pub activation: f32,
    /// What its own words, and its vector by an embedding model, add to that where the cue holds no name that leads home.
    pub direct: f32,
    /// What forgetting left of it, times the memory's strength.
    pub retention: f32,
    /// What it started with itself.
    pub seed: SeedShares,
    /// Its BM25 score for the cue's words, where that made it a seed.
    pub words: Option<f32>,
    /// Its cosine similarity to the cue, where that made it a seed.
    pub similarity: Option<f32>,
    /// The strongest way that activation took to it; begins with [`Step::Cue`] and ends with the memory. A memory that
    /// its own words made a seed is explained by them, not through another memory.
    pub path: Vec<Step>,
}

/// What a memory started with: its shares of the activation of 1 that a recall gives out.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct SeedShares {
    /// By its words.
    pub words: f32,
    /// By its vector.
    pub vectors: f32,
}

/// A station on the way from the cue to a memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The cue itself.
    Cue,
    /// A name that memories bear or mention, as one of them writes it.
    Name(String),
    /// A memory, by its id and title.
    Memory {
        /// Its id.
        id: MemoryId,
        /// Its title, if it has one.
        title: Option<String>,
    },
}

/// Turns ranked memories into hits.
pub(crate) fn recollection(
    view: &View<'_>,
    cue: &Cue,
    reading: &Reading,
    seeds: &Seeds,
    ranked: &[Ranked],
    spread: Option<&Spread>,
    scratch: &Spreading,
) -> Result<Recollection> {
    let mut lexicon = Lexicon::default();
    let mut written = Written::default();
    // The cue's own spelling stands where no memory shows another.
    let names: Vec<String> = (seeds.names.iter())
        .map(|(_, name)| as_written(&cue.text, &name.key).unwrap_or_else(|| name.key.clone()))
        .collect();
    let mut hits = Vec::with_capacity(ranked.len());
    for memory in ranked {
        hits.push(hit(view, cue, reading, seeds, memory, spread, scratch, &mut lexicon, &mut written)?);
    }
    // Numbers follow ids in packed blocks; among recent memories they follow the order of writing.
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.id.cmp(&b.id)));
    Ok(Recollection {
        hits,
        took: Duration::ZERO,
        nodes_reached: spread.map_or(0, |_| scratch.touched().len()),
        edges_traversed: spread.map_or(0, |spread| spread.edges),
        names,
        notes: Vec::new(),
    })
}

#[allow(clippy::too_many_arguments, reason = "each is one thing that the account tells of")]
fn hit(
    view: &View<'_>,
    cue: &Cue,
    reading: &Reading,
    seeds: &Seeds,
    ranked: &Ranked,
    spread: Option<&Spread>,
    scratch: &Spreading,
    lexicon: &mut Lexicon,
    written: &mut Written,
) -> Result<Hit> {
    let (id, record) = memory(view, ranked.memory)?;
    let words = lexicon.words(nodes::language(view.store, view.txn, &record)?);
    // A snippet asks for each of its words; `words` remembers stems, and a cell lets a shared closure use it.
    let words = std::cell::RefCell::new(words);
    let is_cue_word = |folded: &str| {
        let mut words = words.borrow_mut();
        let term = words.term(folded);
        term.is_some_and(|term| reading.terms.binary_search_by(|(known, _)| known.as_str().cmp(term)).is_ok())
    };
    let [by_words, by_vectors, _] = seeds.share_of(ranked.memory);
    let [words, similarity] = seeds.scores_of(ranked.memory);
    let mut path = vec![Step::Cue];
    match spread {
        Some(spread) => {
            let mut way = spread.strongest_path(view, seeds, scratch, ranked.memory)?;
            let others = way.split_last().map_or(&[][..], |(_, others)| others);
            if by_words > 0.0 && others.iter().any(|node| view.is_memory(*node)) {
                way = vec![ranked.memory];
            }
            path.extend(steps(view, &way, written)?);
        }
        None => path.push(Step::Memory { id: id.clone(), title: record.title.as_deref().map(str::to_owned) }),
    }
    Ok(Hit {
        snippet: snippet(&record.text, is_cue_word, cue.snippet_chars),
        title: record.title.as_deref().map(str::to_owned),
        source: record.source.as_deref().map(str::to_owned),
        id,
        score: ranked.score,
        is_weak: ranked.is_weak,
        why: Why {
            activation: ranked.activation,
            direct: ranked.direct,
            retention: ranked.retention,
            seed: SeedShares { words: by_words, vectors: by_vectors },
            words,
            similarity,
            path,
        },
    })
}

fn memory(view: &View<'_>, number: u32) -> Result<(MemoryId, crate::store::record::Record<'static>)> {
    let damaged = || view.store.damaged(format!("memory {number} cannot be found by its number"));
    let id = nodes::memory_id(view.store, view.txn, number)?.ok_or_else(damaged)?;
    let record = record::get(view.store, view.txn, &id)?.ok_or_else(damaged)?;
    Ok((MemoryId::existing(id).map_err(|_| damaged())?, record))
}

/// The stations of a way. A name is shown as the memory behind or before it writes it, if one does.
fn steps(view: &View<'_>, way: &[u32], written: &mut Written) -> Result<Vec<Step>> {
    let mut steps = Vec::with_capacity(way.len());
    for (at, node) in way.iter().enumerate() {
        let step = step(view, *node)?;
        let Step::Name(key) = &step else {
            steps.push(step);
            continue;
        };
        if !written.0.contains_key(key) {
            let neighbours = [way.get(at + 1), at.checked_sub(1).and_then(|before| way.get(before))];
            for neighbour in neighbours.into_iter().flatten().filter(|node| view.is_memory(**node)) {
                let (_, record) = memory(view, *neighbour)?;
                let names =
                    record.title.as_deref().into_iter().chain(record.aliases.iter().map(String::as_str));
                let found = names.chain([&*record.text]).find_map(|text| as_written(text, key));
                if let Some(found) = found {
                    written.0.insert(key.clone(), found);
                    break;
                }
            }
        }
        let shown = written.0.get(key).cloned().unwrap_or_else(|| key.clone());
        steps.push(Step::Name(shown));
    }
    Ok(steps)
}

/// How the names of an answer are written, by key.
#[derive(Default)]
struct Written(FxHashMap<String, String>);

/// A name as a text writes it where it first does.
fn as_written(text: &str, key: &str) -> Option<String> {
    let mut tokens = Tokens::new();
    tokens.read(text);
    let count = key.split(' ').count();
    (0..=tokens.len().checked_sub(count)?)
        .find(|at| tokens.key(*at..*at + count) == key)
        .and_then(|at| text.get(tokens.span(at).start..tokens.span(at + count - 1).end))
        .map(|found| found.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn step(view: &View<'_>, node: u32) -> Result<Step> {
    match nodes::get(view.store, view.txn, node)? {
        Some(Node::Name(name)) => Ok(Step::Name(name.key)),
        Some(Node::Memory(_)) => {
            let (id, record) = memory(view, node)?;
            Ok(Step::Memory { id, title: record.title.as_deref().map(str::to_owned) })
        }
        None => Err(view.store.damaged(format!("node {node} has no account"))),
    }
}
