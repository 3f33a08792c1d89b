//! The two passes over all memories that end in [`Packed`].

use engram_kernels::{Edge, Graph};
use rustc_hash::FxHashMap;
use tracing::debug_span;

use super::Packed;
use crate::error::{Error, Result};
use crate::index::associations::Kind;
use crate::index::trie::{BREAK, TokenId, Trie};
use crate::index::{bm25, reading, unit_vector};
use crate::random_indexing;
use crate::store::block::Columns;
use crate::store::nodes::NameNode;
use crate::store::record::{Record, StoredLink};
use crate::store::state::State;
use crate::text::{Language, Tokens};

/// One memory as the first pass leaves it.
struct Reading {
    namespace: u32,
    language: u32,
    tokens: std::ops::Range<usize>,
    counts: std::ops::Range<usize>,
    homes: Vec<u32>,
    links: Vec<StoredLink>,
    section_of: Option<String>,
    follows: Option<String>,
}

/// Numbers for strings, in the order in which they come.
#[derive(Default)]
struct Interner {
    numbers: FxHashMap<Box<str>, u32>,
    strings: Vec<Box<str>>,
}

impl Interner {
    fn number(&mut self, string: &str) -> u32 {
        if let Some(number) = self.numbers.get(string) {
            return *number;
        }
        let number = self.strings.len() as u32;
        self.strings.push(string.into());
        self.numbers.insert(string.into(), number);
        number
    }
}

/// The term of each token in one language, once it has been asked for.
#[derive(Clone, Copy, PartialEq)]
enum Term {
    Unknown,
    Stop,
    Number(u32),
}

/// What the passes leave behind on their way.
#[derive(Default)]
pub(super) struct Builder {
    lexicon: reading::Lexicon,
    buffer: Tokens,
    tokens: Interner,
    terms: Interner,
    languages: Vec<Language>,
    /// For each language, for each token.
    term_of: Vec<Vec<Term>>,
    trie: Trie,
    sequence: Vec<TokenId>,
    counts: Vec<(u32, u32)>,
    readings: Vec<Reading>,
    ids: Vec<String>,
    columns: Vec<Columns>,
    given_vectors: Vec<f32>,
    length_total: u64,
}

impl Builder {
    /// The first pass over one memory.
    pub(super) fn read(&mut self, id: &str, record: &Record<'_>, namespace: u32) {
        let memory = self.ids.len() as u32;
        let language = self.language(record.language);
        let (first_token, first_count) = (self.sequence.len(), self.counts.len());
        for piece in reading::pieces(record) {
            self.buffer.read(piece);
            for folded in self.buffer.iter() {
                self.sequence.push(self.tokens.number(folded));
            }
            self.sequence.push(BREAK);
        }
        self.term_of[language as usize].resize(self.tokens.strings.len(), Term::Unknown);
        let mut terms: Vec<u32> = Vec::with_capacity(self.sequence.len() - first_token);
        for at in first_token..self.sequence.len() {
            let token = self.sequence[at];
            if token != BREAK
                && let Some(term) = self.term(language, token)
            {
                terms.push(term);
            }
        }
        terms.sort_unstable();
        for run in terms.chunk_by(|a, b| a == b) {
            self.counts.push((run[0], run.len() as u32));
        }
        let mut key_tokens = Vec::new();
        let mut homes = Vec::new();
        for name in reading::home_names(record) {
            key_tokens.clear();
            key_tokens.extend(name.split(' ').map(|token| self.tokens.number(token)));
            let place = self.trie.place(namespace, &key_tokens);
            self.trie.add_home(place, memory);
            homes.push(place);
        }
        let (tokens, trie) = (&mut self.tokens, &mut self.trie);
        reading::phrases(record, &mut self.buffer, |key| {
            key_tokens.clear();
            key_tokens.extend(key.split(' ').map(|token| tokens.number(token)));
            let place = trie.place(namespace, &key_tokens);
            trie.count_phrase(place, memory);
        });
        self.length_total += terms.len() as u64;
        self.ids.push(id.to_owned());
        self.columns.push(Columns {
            namespace,
            length: terms.len() as u32,
            made: record.made,
            refreshed: record.refreshed(),
            strength: record.strength,
            stability: record.stability,
        });
        self.readings.push(Reading {
            namespace,
            language,
            tokens: first_token..self.sequence.len(),
            counts: first_count..self.counts.len(),
            homes,
            links: record.links.clone(),
            section_of: record.section_of.clone(),
            follows: record.follows.clone(),
        });
    }

    fn language(&mut self, language: Language) -> u32 {
        match self.languages.iter().position(|known| *known == language) {
            Some(at) => at as u32,
            None => {
                self.languages.push(language);
                self.term_of.push(Vec::new());
                self.languages.len() as u32 - 1
            }
        }
    }

    fn term(&mut self, language: u32, token: TokenId) -> Option<u32> {
        let slot = &mut self.term_of[language as usize][token as usize];
        if *slot == Term::Unknown {
            let words = self.lexicon.words(self.languages[language as usize]);
            *slot = match words.term(&self.tokens.strings[token as usize]) {
                Some(term) => Term::Number(self.terms.number(term)),
                None => Term::Stop,
            };
        }
        match *slot {
            Term::Number(term) => Some(term),
            Term::Unknown | Term::Stop => None,
        }
    }

    pub(super) fn give_vector(&mut self, vector: Option<&[f32]>, dimensions: usize) {
        match vector {
            Some(vector) if vector.len() == dimensions => self.given_vectors.extend(unit_vector(vector)),
            _ => self.given_vectors.resize(self.given_vectors.len() + dimensions, 0.0),
        }
    }

    /// Everything after the first pass.
    pub(super) fn finish(mut self, namespaces: Vec<(String, u32)>, state: &State) -> Result<Packed> {
        let (mut names, singles) = debug_span!("names").in_scope(|| self.number_names());
        let mentions = debug_span!("mentions").in_scope(|| self.find_mentions(&mut names));
        let graph = debug_span!("graph").in_scope(|| self.graph(&namespaces, &names, &mentions))?;
        drop(mentions);
        self.sequence = Vec::new();
        let postings_span = debug_span!("postings").entered();
        let order = self.order_terms();
        let postings = self.postings();
        drop(postings_span);
        let vectors_span = debug_span!("vectors").entered();
        let (term_vectors, vectors) = if state.model.given {
            (Vec::new(), std::mem::take(&mut self.given_vectors))
        } else {
            let memories: Vec<(&str, &[(u32, u32)])> = (self.ids.iter())
                .zip(&self.readings)
                .map(|(id, reading)| (id.as_str(), &self.counts[reading.counts.clone()]))
                .collect();
            random_indexing::learn(&memories, &postings.idf)
        };
        drop(vectors_span);
        let mut languages = self.languages;
        languages.sort_unstable_by_key(|language| language.code());
        Ok(Packed {
            ids: self.ids,
            columns: self.columns,
            namespaces,
            names,
            singles,
            terms: order,
            posting_offsets: postings.offsets,
            posting_memories: postings.memories,
            posting_weights: postings.weights,
            idf: postings.idf,
            term_vectors,
            vectors,
            graph,
            length_total: self.length_total,
            languages,
        })
    }

    /// Decides which places of the tree are names, and numbers them by key.
    fn number_names(&mut self) -> (Vec<NameNode>, Vec<(String, u32, u32)>) {
        let mut found = Vec::new();
        let mut singles = Vec::new();
        for (place, seen) in (0_u32..).zip(self.trie.places()) {
            if seen.homes.is_empty() && seen.phrases == 0 {
                continue;
            }
            let (namespace, tokens) = self.trie.path(place);
            let words: Vec<&str> = tokens.iter().map(|t| self.tokens.strings[*t as usize].as_ref()).collect();
            let key = words.join(" ");
            if seen.homes.is_empty() && seen.phrases == 1 {
                singles.push((key, namespace, seen.last_phrase));
            } else {
                let (homes, phrases) = (seen.homes.len() as u32, seen.phrases);
                found.push((NameNode { key, namespace, homes, phrases, memories: 0 }, place));
            }
        }
        found.sort_unstable_by(|(a, _), (b, _)| (&a.key, a.namespace).cmp(&(&b.key, b.namespace)));
        singles.sort_unstable();
        for (number, (_, place)) in (0_u32..).zip(&found) {
            self.trie.set_name(*place, number);
        }
        (found.into_iter().map(|(name, _)| name).collect(), singles)
    }

    /// Finds the names of every memory: (memory, name, whether it bears it), by memory and name.
    fn find_mentions(&self, names: &mut [NameNode]) -> Vec<(u32, u32, bool)> {
        let mut mentions: Vec<(u32, u32, bool)> = Vec::new();
        for (memory, reading) in (0_u32..).zip(&self.readings) {
            let start = mentions.len();
            for place in &reading.homes {
                if let Some(name) = self.trie.places()[*place as usize].name {
                    mentions.push((memory, name, true));
                }
            }
            let tokens = &self.sequence[reading.tokens.clone()];
            let language = self.languages[reading.language as usize];
            let is_stop = |token: TokenId| language.is_stop(&self.tokens.strings[token as usize]);
            let longest = |at: usize| Ok(self.trie.longest(reading.namespace, &tokens[at..], is_stop));
            let _: std::result::Result<(), std::convert::Infallible> =
                reading::longest_matches(tokens.len(), longest, |_, name| {
                    mentions.push((memory, name, false))
                });
            // A memory that bears a name does not also mention it.
            mentions[start..].sort_unstable_by_key(|(_, name, bears)| (*name, !*bears));
            let mut kept = start;
            for at in start..mentions.len() {
                if kept == start || mentions[kept - 1].1 != mentions[at].1 {
                    mentions[kept] = mentions[at];
                    kept += 1;
                }
            }
            mentions.truncate(kept);
            for (_, name, _) in &mentions[start..] {
                names[*name as usize].memories += 1;
            }
        }
        mentions
    }

    /// The association graph over memories and, behind them, names.
    fn graph(
        &self,
        namespaces: &[(String, u32)],
        names: &[NameNode],
        mentions: &[(u32, u32, bool)],
    ) -> Result<Graph> {
        let memories = self.ids.len() as u32;
        let mut edges: Vec<(u32, u32, Kind, f32)> = Vec::with_capacity(2 * mentions.len());
        for (memory, name, bears) in mentions {
            let node = &names[*name as usize];
            let kind = if *bears { Kind::Bears } else { Kind::Mentions };
            let is_common = node.is_common(namespaces[node.namespace as usize].1);
            let (to_name, to_memory) =
                (kind.weight(1.0, Some(node), is_common), kind.reversed().weight(1.0, Some(node), is_common));
            if to_memory > 0.0 {
                edges.push((*memory, memories + name, kind, to_name));
                edges.push((memories + name, *memory, kind.reversed(), to_memory));
            }
        }
        for (memory, reading) in (0_u32..).zip(&self.readings) {
            let mut join = |target: u32, kind: Kind, given: f32| {
                if target != memory && self.readings[target as usize].namespace == reading.namespace {
                    edges.push((memory, target, kind, kind.weight(given, None, false)));
                    edges.push((target, memory, kind.reversed(), kind.reversed().weight(given, None, false)));
                }
            };
            let by_id = |id: &str| self.ids.binary_search_by(|known| known.as_str().cmp(id)).ok();
            for link in &reading.links {
                if link.by_name {
                    for target in self.homes(reading.namespace, &link.to) {
                        join(*target, Kind::Link, link.weight);
                    }
                } else if let Some(target) = by_id(&link.to) {
                    join(target as u32, Kind::Link, link.weight);
                }
            }
            if let Some(target) = reading.follows.as_deref().and_then(by_id) {
                join(target as u32, Kind::Follows, 1.0);
            }
            if let Some(target) = reading.section_of.as_deref().and_then(by_id) {
                join(target as u32, Kind::SectionOf, 1.0);
            }
        }
        // Several links of one kind to one memory count once, as the strongest of them.
        edges.sort_unstable_by(|a, b| (a.0, a.1, a.2).cmp(&(b.0, b.1, b.2)).then(b.3.total_cmp(&a.3)));
        edges.dedup_by_key(|(source, target, kind, _)| (*source, *target, *kind));
        let nodes = self.ids.len() + names.len();
        let edges = edges.into_iter().map(|(source, target, kind, weight)| Edge {
            source,
            target,
            kind: kind as u8,
            weight,
        });
        Graph::from_edges(nodes, edges).map_err(|_| Error::OutOfNumbers)
    }

    /// The memories that bear a name as a link writes it.
    fn homes(&self, namespace: u32, name: &str) -> &[u32] {
        let Some(key) = reading::link_name(name) else { return &[] };
        let tokens: Option<Vec<TokenId>> =
            key.split(' ').map(|token| self.tokens.numbers.get(token).copied()).collect();
        tokens
            .and_then(|tokens| self.trie.find(namespace, &tokens))
            .map_or(&[], |place| &self.trie.places()[place as usize].homes)
    }

    /// Renumbers the terms by their order, in all counts; gives them in that order.
    fn order_terms(&mut self) -> Vec<String> {
        let mut order: Vec<u32> = (0..self.terms.strings.len() as u32).collect();
        order.sort_unstable_by_key(|term| &self.terms.strings[*term as usize]);
        let mut renumbered = vec![0; order.len()];
        for (number, term) in (0_u32..).zip(&order) {
            renumbered[*term as usize] = number;
        }
        for (term, _) in &mut self.counts {
            *term = renumbered[*term as usize];
        }
        for reading in &self.readings {
            self.counts[reading.counts.clone()].sort_unstable();
        }
        order.iter().map(|term| self.terms.strings[*term as usize].to_string()).collect()
    }

    /// Turns the counts of each memory into a row of weights for each term.
    fn postings(&self) -> Postings {
        let terms = self.terms.strings.len();
        let mut offsets = vec![0_usize; terms + 1];
        for (term, _) in &self.counts {
            offsets[*term as usize + 1] += 1;
        }
        let memories_total = self.ids.len() as u32;
        let idf64: Vec<f64> = offsets[1..]
            .iter()
            .map(|df| random_indexing::inverse_document_frequency(memories_total, *df as u32))
            .collect();
        for term in 0..terms {
            offsets[term + 1] += offsets[term];
        }
        let mut next = offsets.clone();
        let mut memories = vec![0_u32; self.counts.len()];
        let mut weights = vec![0_f32; self.counts.len()];
        let mean =
            if self.length_total == 0 { 1.0 } else { self.length_total as f64 / f64::from(memories_total) };
        for (memory, reading) in (0_u32..).zip(&self.readings) {
            let length = self.columns[memory as usize].length;
            for (term, frequency) in &self.counts[reading.counts.clone()] {
                let at = &mut next[*term as usize];
                memories[*at] = memory;
                weights[*at] = bm25::weight(idf64[*term as usize], *frequency, length, mean);
                *at += 1;
            }
        }
        Postings { offsets, memories, weights, idf: idf64.iter().map(|idf| *idf as f32).collect() }
    }
}

struct Postings {
    offsets: Vec<usize>,
    memories: Vec<u32>,
    weights: Vec<f32>,
    idf: Vec<f32>,
}
