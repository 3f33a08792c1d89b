//! The pass over all decoded memories, which turns tokens, terms, names borne, phrases and links into numbers; and what
//! the parts that follow make of them.

use std::collections::BTreeMap;

use tracing::debug_span;

use super::decoding::{Batch, Decoded, DecodedTarget, Role};
use super::names::{self, Names};
use super::postings::Postings;
use super::strings::Strings;
use super::vectors::VectorSource;
use super::{Packed, links, postings};
use crate::beside;
use crate::error::Result;
use crate::index::associations::Kind;
use crate::index::reading;
use crate::index::trie::{BREAK, TokenId, Trie};
use crate::progress::{Monitor, Stage};
use crate::random_indexing::{self, Model};
use crate::store::block::Columns;
use crate::store::state::State;
use crate::text::Language;

/// Parts of the work after the first pass, each of which goes through all memories: counting, weighing and the vectors;
/// names, mentions, and the graph twice.
const PARTS: u64 = 7;
/// Parts of the store's own vector model.
const MODEL_PARTS: u64 = 2;

/// One memory as the first pass leaves it: where its parts lie in the lists of all memories.
pub(super) struct Reading {
    pub(super) namespace: u32,
    /// In [`Builder::languages`]; [`UNDETERMINED`] until all are there, where the memory does not tell it.
    pub(super) language: u32,
    /// In [`Builder::sequence`].
    pub(super) tokens: std::ops::Range<usize>,
    /// There too: the tokens, and behind them what only counts as words.
    pub(super) words: std::ops::Range<usize>,
    /// In [`Builder::borne`].
    pub(super) borne: std::ops::Range<usize>,
    /// In [`Builder::links`].
    pub(super) links: std::ops::Range<usize>,
}

/// In place of a language's number.
const UNDETERMINED: u32 = u32::MAX;

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
    pub(super) tokens: Strings,
    pub(super) terms: Strings,
    pub(super) languages: Vec<Language>,
    /// Numbered as they come, until all are there.
    namespaces: Strings,
    /// The memories of each.
    in_namespace: Vec<u32>,
    /// For each language, for each token.
    pub(super) term_of: Vec<Vec<Term>>,
    pub(super) trie: Trie,
    /// The tokens of all memories.
    pub(super) sequence: Vec<TokenId>,
    /// The places of the names that memories bear.
    pub(super) borne: Vec<u32>,
    pub(super) links: Vec<Link>,
    pub(super) readings: Vec<Reading>,
    /// The numbers of a batch's tokens.
    numbers: Vec<TokenId>,
    /// The place of each phrase of a batch, and the memory that has it.
    phrases: Vec<(u32, u32)>,
    /// A buffer of [`Trie::touch`].
    starts: Vec<usize>,
    columns: Vec<Columns>,
    length_total: u64,
}

impl Builder {
    /// Numbers the tokens of a batch, whose records are to be read next.
    fn number(&mut self, batch: &Batch<'_>) {
        self.numbers.clear();
        self.numbers.extend(batch.tokens().map(|token| self.tokens.number(token)));
    }

    /// Takes in the records of a batch; they come in the order of their ids.
    pub(super) fn read_all(&mut self, batch: &Batch<'_>, records: &[&Decoded<'_>]) {
        self.number(batch);
        let namespaces: Vec<u32> = records.iter().map(|decoded| self.namespace(&decoded.namespace)).collect();
        for depth in [1, 2] {
            let walks = records.iter().zip(&namespaces).flat_map(|(decoded, namespace)| {
                let names =
                    batch.parts(decoded).iter().filter(|part| matches!(part.role, Role::Phrase | Role::Home));
                names.map(|part| (*namespace, &self.numbers[part.tokens.clone()]))
            });
            self.trie.touch(walks, depth, &mut self.starts);
        }
        let first_borne = self.borne.len();
        for (decoded, namespace) in records.iter().zip(namespaces) {
            self.read(batch, decoded, namespace);
        }
        // Only now, in one go: each waits for memory, and none for another.
        for (place, memory) in self.phrases.drain(..) {
            self.trie.count_phrase(place, memory);
        }
        for place in &self.borne[first_borne..] {
            self.trie.add_home(*place);
        }
    }

    /// The number of the memory that is to be read next.
    pub(super) fn next_memory(&self) -> u32 {
        self.readings.len() as u32
    }

    /// The first pass over one memory of the batch that was numbered last; they come in the order of their ids.
    fn read(&mut self, batch: &Batch<'_>, decoded: &Decoded<'_>, namespace: u32) {
        let memory = self.next_memory();
        let language = decoded.language.map_or(UNDETERMINED, |language| self.language(language));
        let (first_token, first_borne, first_link) =
            (self.sequence.len(), self.borne.len(), self.links.len());
        for part in batch.parts(decoded) {
            let tokens = &self.numbers[part.tokens.clone()];
            match part.role {
                Role::Piece => {
                    self.sequence.extend_from_slice(tokens);
                    self.sequence.push(BREAK);
                }
                Role::Compounds => {}
                Role::Phrase => {
                    let place = self.trie.place(namespace, tokens);
                    self.phrases.push((place, memory));
                }
                Role::Home => {
                    let place = self.trie.place(namespace, tokens);
                    // No name is borne twice.
                    if !self.borne[first_borne..].contains(&place) {
                        self.borne.push(place);
                    }
                }
            }
        }
        for link in batch.links(decoded) {
            let to = match &link.to {
                DecodedTarget::Memory(Some(memory)) => LinkTarget::Memory(*memory),
                DecodedTarget::Memory(None) => continue,
                // A place that nothing bears or mentions is no name.
                DecodedTarget::Name(tokens) => {
                    LinkTarget::Name(self.trie.place(namespace, &self.numbers[tokens.clone()]))
                }
            };
            self.links.push(Link { to, kind: link.kind, weight: link.weight });
        }
        let tokens = first_token..self.sequence.len();
        for part in batch.parts(decoded).iter().filter(|part| part.role == Role::Compounds) {
            self.sequence.extend_from_slice(&self.numbers[part.tokens.clone()]);
        }
        let words = first_token..self.sequence.len();
        let length = if language == UNDETERMINED { 0 } else { self.count_terms(language, words.clone()) };
        self.columns.push(Columns {
            namespace,
            length,
            made: decoded.made,
            refreshed: decoded.refreshed,
            strength: decoded.strength,
            stability: decoded.stability,
        });
        self.readings.push(Reading {
            namespace,
            language,
            tokens,
            words,
            borne: first_borne..self.borne.len(),
            links: first_link..self.links.len(),
        });
    }

    /// The number of a memory's namespace, which counts it.
    fn namespace(&mut self, name: &str) -> u32 {
        let number = self.namespaces.number(name);
        if number as usize == self.in_namespace.len() {
            self.in_namespace.push(0);
        }
        self.in_namespace[number as usize] += 1;
        number
    }

    /// Numbers the namespaces by their order; gives them in that order, each with its memories.
    fn order_namespaces(&mut self) -> Vec<(String, u32)> {
        let names = self.namespaces.iter().map(str::to_owned).zip(std::mem::take(&mut self.in_namespace));
        let mut ordered: Vec<(u32, (String, u32))> = (0..).zip(names).collect();
        ordered.sort_unstable_by(|(_, (a, _)), (_, (b, _))| a.cmp(b));
        let mut numbers = vec![0; ordered.len()];
        for (number, (before, _)) in (0..).zip(&ordered) {
            numbers[*before as usize] = number;
        }
        let columns = self.columns.iter_mut().map(|columns| &mut columns.namespace);
        for namespace in columns.chain(self.readings.iter_mut().map(|reading| &mut reading.namespace)) {
            *namespace = numbers[*namespace as usize];
        }
        self.trie.renumber_namespaces(&numbers);
        ordered.into_iter().map(|(_, namespace)| namespace).collect()
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

    /// Gives memories whose language nothing tells that of most others in their namespace, else of most in the store;
    /// equals by code. Only languages in Latin letters: no other script leaves that open. Gives what each namespace then
    /// assumes.
    fn settle_languages(&mut self, namespaces: usize) -> Vec<Language> {
        let mut of_namespace: Vec<BTreeMap<&str, (usize, Language)>> = vec![BTreeMap::new(); namespaces];
        let mut of_all: BTreeMap<&str, (usize, Language)> = BTreeMap::new();
        for reading in self.readings.iter().filter(|reading| reading.language != UNDETERMINED) {
            let language = self.languages[reading.language as usize];
            if language.is_latin() {
                for counts in [&mut of_namespace[reading.namespace as usize], &mut of_all] {
                    counts.entry(language.code()).or_insert((0, language)).0 += 1;
                }
            }
        }
        let most = |counts: &BTreeMap<&str, (usize, Language)>| {
            counts.values().rev().max_by_key(|(count, _)| *count).map(|(_, language)| *language)
        };
        let usual = most(&of_all).unwrap_or_default();
        let assumed: Vec<Language> =
            of_namespace.iter().map(|counts| most(counts).unwrap_or(usual)).collect();
        for at in 0..self.readings.len() {
            let reading = &self.readings[at];
            if reading.language == UNDETERMINED {
                let (namespace, tokens) = (reading.namespace as usize, reading.words.clone());
                let language = self.language(assumed[namespace]);
                self.readings[at].language = language;
                self.columns[at].length = self.count_terms(language, tokens);
            }
        }
        assumed
    }

    /// The length of a memory in terms, each of which gets a number.
    fn count_terms(&mut self, language: u32, tokens: std::ops::Range<usize>) -> u32 {
        let term_of = &mut self.term_of[language as usize];
        term_of.resize(self.tokens.len(), Term::Unknown);
        let mut length = 0;
        for token in self.sequence[tokens].iter().filter(|token| **token != BREAK) {
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
        self.length_total += u64::from(length);
        length
    }

    /// Everything after the first pass. The graph and the words do not need each other, so they are made beside one
    /// another; when the words are done, so is what `early` makes of them.
    pub(super) fn finish<T: Send>(
        mut self,
        ids: Strings,
        state: &State,
        early: &(impl Fn(VectorSource<'_>) -> T + Sync),
        monitor: &Monitor,
    ) -> Result<(Packed, T)> {
        let parts = if state.model.given { PARTS } else { PARTS + MODEL_PARTS };
        monitor.begin(Stage::Associating, parts * self.readings.len() as u64)?;
        let namespaces = self.order_namespaces();
        let namespace_languages = self.settle_languages(namespaces.len());
        let terms = postings::order_terms(&mut self);
        let (mut trie, links) = (std::mem::take(&mut self.trie), std::mem::take(&mut self.links));
        let words = || {
            let (postings, model) = self.words(&ids, terms.len(), state, monitor);
            let made =
                early(VectorSource { ids: &ids, dimensions: state.model.dimensions, model: model.as_ref() });
            (postings, model, made)
        };
        let memories = self.readings.len() as u64;
        let associations = || {
            let Names { mut names, singles } =
                debug_span!("names").in_scope(|| names::number(&mut trie, &self.tokens, memories, monitor));
            let mentions =
                debug_span!("mentions").in_scope(|| names::mentions(&self, &trie, &mut names, monitor));
            let _span = debug_span!("graph").entered();
            let links = links::resolve(&self, links, &trie);
            drop(trie);
            let graph = links::graph(&namespaces, self.readings.len(), &names, &mentions, &links, monitor);
            graph.map(|graph| (names, singles, graph))
        };
        let ((postings, model, made), associations) = beside::both(words, associations);
        let (names, singles, graph) = associations?;
        let mut languages = self.languages;
        languages.sort_unstable_by_key(|language| language.code());
        let packed = Packed {
            ids,
            columns: self.columns,
            namespaces,
            namespace_languages,
            names,
            singles,
            terms,
            postings,
            model,
            graph,
            length_total: self.length_total,
            languages,
        };
        Ok((packed, made))
    }

    /// The terms' counts, rows and vectors; no vectors where memories bring their own.
    fn words(
        &self,
        ids: &Strings,
        terms: usize,
        state: &State,
        monitor: &Monitor,
    ) -> (Postings, Option<Model>) {
        let (counts, postings) = debug_span!("postings").in_scope(|| {
            let counts = postings::count(self, monitor);
            let postings = postings::weigh(&counts, terms, &self.columns, self.length_total, monitor);
            (counts, postings)
        });
        if state.model.given {
            return (postings, None);
        }
        let _span = debug_span!("term_vectors").entered();
        let occurrences = postings.occurrences();
        let model = random_indexing::learn(ids.iter(), counts.iter(), occurrences, &postings.idf, monitor);
        (postings, Some(model))
    }
}
