//! The first pass over all memories: tokens, terms, names borne, phrases and links, as numbers; and what the parts
//! that follow make of them.

use tracing::debug_span;

use super::names::{self, Names};
use super::postings::{Counts, Postings};
use super::strings::Strings;
use super::{Packed, links, postings};
use crate::beside;
use crate::error::Result;
use crate::index::associations::Kind;
use crate::index::trie::{BREAK, TokenId, Trie};
use crate::index::{reading, unit_vector};
use crate::random_indexing;
use crate::store::block::Columns;
use crate::store::record::Record;
use crate::store::state::State;
use crate::text::{Language, Tokens};

/// One memory as the first pass leaves it: where its parts lie in the lists of all memories.
pub(super) struct Reading {
    pub(super) namespace: u32,
    pub(super) language: u32,
    /// In [`Builder::sequence`].
    pub(super) tokens: std::ops::Range<usize>,
    /// In [`Builder::borne`].
    pub(super) borne: std::ops::Range<usize>,
    /// In [`Builder::links`].
    pub(super) links: std::ops::Range<usize>,
}

/// An explicit association of a memory with another.
#[derive(Clone, Copy)]
pub(super) struct Link {
    pub(super) to: LinkTarget,
    pub(super) kind: Kind,
    pub(super) weight: f32,
}

/// Where a link leads.
#[derive(Clone, Copy)]
pub(super) enum LinkTarget {
    /// To the memory of this number.
    Memory(u32),
    /// To the memories that bear the name of this place of the tree.
    Name(u32),
}

/// The term of each token in one language, once it has been asked for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Term {
    Unknown,
    Stop,
    Number(u32),
}

/// What the first pass leaves behind.
#[derive(Default)]
pub(super) struct Builder {
    lexicon: reading::Lexicon,
    buffer: Tokens,
    key: Vec<TokenId>,
    pub(super) ids: Strings,
    pub(super) tokens: Strings,
    pub(super) terms: Strings,
    pub(super) languages: Vec<Language>,
    /// For each language, for each token.
    pub(super) term_of: Vec<Vec<Term>>,
    pub(super) trie: Trie,
    /// The tokens of all memories.
    pub(super) sequence: Vec<TokenId>,
    /// The places of the names that memories bear.
    pub(super) borne: Vec<u32>,
    pub(super) links: Vec<Link>,
    pub(super) readings: Vec<Reading>,
    columns: Vec<Columns>,
    given_vectors: Vec<f32>,
    length_total: u64,
}

impl Builder {
    /// Begins with the ids of all memories, in their order.
    pub(super) fn new(ids: Strings) -> Self {
        let (readings, columns) = (Vec::with_capacity(ids.len()), Vec::with_capacity(ids.len()));
        Self { ids, readings, columns, ..Self::default() }
    }

    /// The first pass over one memory; they come in the order of their ids.
    pub(super) fn read(&mut self, record: &Record<'_>, namespace: u32) {
        let memory = self.readings.len() as u32;
        let language = self.language(record.language);
        let (first_token, first_borne, first_link) =
            (self.sequence.len(), self.borne.len(), self.links.len());
        // As `reading::pieces`: title, tags, text.
        if let Some(title) = record.title.as_deref() {
            let tokens = self.piece(title);
            self.bear_titles(namespace, title, Some(tokens), first_borne);
        }
        for tag in &record.tags {
            let tokens = self.piece(tag);
            if reading::is_phrase(&self.buffer, 0..self.buffer.len()) {
                self.phrase(namespace, memory, tokens);
            }
        }
        let tokens = self.piece(&record.text);
        let buffer = std::mem::take(&mut self.buffer);
        for phrase in reading::text_phrases(&record.text, &buffer, record.language) {
            self.phrase(namespace, memory, tokens.start + phrase.start..tokens.start + phrase.end);
        }
        self.buffer = buffer;
        for alias in &record.aliases {
            self.bear_titles(namespace, alias, None, first_borne);
        }
        let length = self.count_terms(language, first_token);
        self.length_total += u64::from(length);
        self.columns.push(Columns {
            namespace,
            length,
            made: record.made,
            refreshed: record.refreshed(),
            strength: record.strength,
            stability: record.stability,
        });
        self.link(record, namespace);
        self.readings.push(Reading {
            namespace,
            language,
            tokens: first_token..self.sequence.len(),
            borne: first_borne..self.borne.len(),
            links: first_link..self.links.len(),
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

    /// Reads a piece of text into the buffer and puts its tokens behind the sequence; says where they are there.
    fn piece(&mut self, text: &str) -> std::ops::Range<usize> {
        self.buffer.read(text);
        let start = self.sequence.len();
        for folded in self.buffer.iter() {
            self.sequence.push(self.tokens.number(folded));
        }
        let end = self.sequence.len();
        self.sequence.push(BREAK);
        start..end
    }

    /// Makes a memory bear the names that a title or alias gives; `tokens` is where the whole of it lies in the
    /// sequence, if it does. None is borne twice.
    fn bear_titles(
        &mut self,
        namespace: u32,
        title: &str,
        tokens: Option<std::ops::Range<usize>>,
        first_borne: usize,
    ) {
        let mut buffer = std::mem::take(&mut self.buffer);
        if let Some(tokens) = tokens {
            // The buffer still holds the piece.
            if reading::is_home_name(&buffer) {
                let place = self.trie.place(namespace, &self.sequence[tokens]);
                self.bear(place, first_borne);
            }
        } else {
            buffer.read(title);
            self.bear_buffer(namespace, &buffer, first_borne);
        }
        reading::for_each_other_title(title, &mut buffer, |name| {
            self.bear_buffer(namespace, name, first_borne);
        });
        self.buffer = buffer;
    }

    fn bear_buffer(&mut self, namespace: u32, name: &Tokens, first_borne: usize) {
        if reading::is_home_name(name) {
            self.key.clear();
            self.key.extend(name.iter().map(|token| self.tokens.number(token)));
            let place = self.trie.place(namespace, &self.key);
            self.bear(place, first_borne);
        }
    }

    fn bear(&mut self, place: u32, first_borne: usize) {
        if !self.borne[first_borne..].contains(&place) {
            self.trie.add_home(place);
            self.borne.push(place);
        }
    }

    /// Counts a phrase whose tokens lie in the sequence.
    fn phrase(&mut self, namespace: u32, memory: u32, tokens: std::ops::Range<usize>) {
        let place = self.trie.place(namespace, &self.sequence[tokens]);
        self.trie.count_phrase(place, memory);
    }

    /// The length of a memory in terms, each of which gets a number.
    fn count_terms(&mut self, language: u32, first_token: usize) -> u32 {
        let term_of = &mut self.term_of[language as usize];
        term_of.resize(self.tokens.len(), Term::Unknown);
        let mut length = 0;
        for token in self.sequence[first_token..].iter().filter(|token| **token != BREAK) {
            let term = &mut term_of[*token as usize];
            if *term == Term::Unknown {
                let words = self.lexicon.words(self.languages[language as usize]);
                *term = match words.term(self.tokens.get(*token)) {
                    Some(term) => Term::Number(self.terms.number(term)),
                    None => Term::Stop,
                };
            }
            length += u32::from(*term != Term::Stop);
        }
        length
    }

    /// Turns a record's associations into numbers. Those to ids that are not there lead nowhere.
    fn link(&mut self, record: &Record<'_>, namespace: u32) {
        for link in &record.links {
            let to = if link.by_name {
                self.buffer.read(&link.to);
                reading::is_home_name(&self.buffer).then(|| {
                    self.key.clear();
                    self.key.extend(self.buffer.iter().map(|token| self.tokens.number(token)));
                    // A place that nothing bears or mentions is no name.
                    LinkTarget::Name(self.trie.place(namespace, &self.key))
                })
            } else {
                self.ids.find(&link.to).map(LinkTarget::Memory)
            };
            if let Some(to) = to {
                self.links.push(Link { to, kind: Kind::Link, weight: link.weight });
            }
        }
        for (target, kind) in [(&record.follows, Kind::Follows), (&record.section_of, Kind::SectionOf)] {
            if let Some(target) = target.as_deref().and_then(|id| self.ids.find(id)) {
                self.links.push(Link { to: LinkTarget::Memory(target), kind, weight: 1.0 });
            }
        }
    }

    pub(super) fn give_vector(&mut self, vector: Option<&[f32]>, dimensions: usize) {
        match vector {
            Some(vector) if vector.len() == dimensions => self.given_vectors.extend(unit_vector(vector)),
            _ => self.given_vectors.resize(self.given_vectors.len() + dimensions, 0.0),
        }
    }

    /// Everything after the first pass. The graph and the words do not need each other, so they are made beside one
    /// another.
    pub(super) fn finish(mut self, namespaces: Vec<(String, u32)>, state: &State) -> Result<Packed> {
        let Names { mut names, singles } = debug_span!("names").in_scope(|| names::number(&mut self));
        let terms = postings::order_terms(&mut self);
        let words = || self.words(terms.len(), state);
        let ((counts, postings, term_vectors), graph) = beside::both(words, || {
            let mentions = debug_span!("mentions").in_scope(|| names::mentions(&self, &mut names));
            let _span = debug_span!("graph").entered();
            let links = links::resolve(&self);
            links::graph(&namespaces, self.readings.len(), &names, &mentions, &links)
        });
        let graph = graph?;
        let mut languages = self.languages;
        languages.sort_unstable_by_key(|language| language.code());
        Ok(Packed {
            ids: self.ids,
            columns: self.columns,
            namespaces,
            names,
            singles,
            terms,
            counts,
            postings,
            term_vectors,
            given_vectors: self.given_vectors,
            graph,
            length_total: self.length_total,
            languages,
        })
    }
    /// The terms' counts, rows and vectors; no vectors where memories bring their own.
    fn words(&self, terms: usize, state: &State) -> (Counts, Postings, Vec<i16>) {
        let (counts, postings) = debug_span!("postings").in_scope(|| {
            let counts = postings::count(self);
            let postings = postings::weigh(&counts, terms, &self.columns, self.length_total);
            (counts, postings)
        });
        if state.model.given {
            return (counts, postings, Vec::new());
        }
        let _span = debug_span!("term_vectors").entered();
        let vectors =
            random_indexing::learn(self.ids.iter(), counts.iter(), postings.occurrences(), &postings.idf);
        (counts, postings, vectors)
    }
}
