//! The cue: what is asked, within which bounds, and how it reads as words and names.

use std::borrow::Cow;
use std::collections::HashMap;

use engram_kernels::Curve;

use super::settings::Settings;
use super::view::View;
use crate::error::Result;
use crate::index::postings;
use crate::memory::Namespace;
use crate::source::SourcePattern;
use crate::text::{Language, Tokens, Words};
use crate::time::Time;

/// The exponent of the forgetting that a cue applies unless told otherwise: retention (1 + t/τ)^(−0.2), where
/// τ is the memory's stability. A year-old memory of the usual stability (30 days) keeps 0.6 of its weight.
pub const DEFAULT_FORGETTING_EXPONENT: f32 = 0.2;

/// What a recall goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Words, vector and names seed, activation spreads, forgetting weighs.
    #[default]
    Associative,
    /// Words alone: BM25.
    Words,
    /// The vector alone: cosine similarity.
    Vectors,
}

/// What is asked of a store.
///
/// ```
/// use engram::Cue;
/// let cue = Cue::new("who founded person-centred therapy?").k(5).source("notes/**/*.md");
/// assert_eq!(cue.k, 5);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Cue {
    /// A question or a few words.
    pub text: String,
    /// How many memories are wanted; 10 at first.
    pub k: usize,
    /// What the recall goes by.
    pub mode: Mode,
    /// Only memories of this namespace; all where it is `None`.
    pub namespace: Option<Namespace>,
    /// Only memories whose source fits this file pattern (`notes/**/*.md`).
    pub source: Option<String>,
    /// Only memories made at this time or later.
    pub since: Option<Time>,
    /// Only memories made before this time.
    pub until: Option<Time>,
    /// The time at which forgetting is judged; now where it is `None`.
    pub at: Option<Time>,
    /// A vector for the cue, in a store whose vectors are given.
    pub vector: Option<Vec<f32>>,
    /// How forgetting weighs.
    pub forgetting: Curve,
    /// Whether the hits are reinforced: they then last longer.
    pub reinforce: bool,
    /// The most characters of a hit's snippet; 200 at first.
    pub snippet_chars: usize,
    /// Hits of a lower score are dropped; none at first.
    pub min_score: f32,
    /// What the parts of the recall weigh.
    pub settings: Settings,
}

impl Cue {
    /// A cue of this text, with everything else at its usual.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            k: 10,
            mode: Mode::Associative,
            namespace: None,
            source: None,
            since: None,
            until: None,
            at: None,
            vector: None,
            // The exponent is a constant in range; the half-life only stands here because the type asks.
            forgetting: Curve::power(DEFAULT_FORGETTING_EXPONENT).unwrap_or(Curve::half_life()),
            reinforce: false,
            snippet_chars: 200,
            min_score: 0.0,
            settings: Settings::DEFAULT,
        }
    }

    /// Sets how many memories are wanted.
    #[must_use]
    pub fn k(mut self, k: usize) -> Self {
        self.k = k;
        self
    }

    /// Sets what the recall goes by.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Keeps the recall to one namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: Namespace) -> Self {
        self.namespace = Some(namespace);
        self
    }

    /// Keeps the recall to sources that fit a file pattern.
    #[must_use]
    pub fn source(mut self, pattern: impl Into<String>) -> Self {
        self.source = Some(pattern.into());
        self
    }

    /// Keeps the recall to memories made at this time or later.
    #[must_use]
    pub fn since(mut self, time: Time) -> Self {
        self.since = Some(time);
        self
    }

    /// Keeps the recall to memories made before this time.
    #[must_use]
    pub fn until(mut self, time: Time) -> Self {
        self.until = Some(time);
        self
    }

    /// Judges forgetting at a time other than now.
    #[must_use]
    pub fn at(mut self, time: Time) -> Self {
        self.at = Some(time);
        self
    }

    /// Gives the cue's vector.
    #[must_use]
    pub fn vector(mut self, vector: Vec<f32>) -> Self {
        self.vector = Some(vector);
        self
    }

    /// Sets how forgetting weighs.
    #[must_use]
    pub fn forgetting(mut self, curve: Curve) -> Self {
        self.forgetting = curve;
        self
    }

    /// Reinforces the hits.
    #[must_use]
    pub fn reinforce(mut self, reinforce: bool) -> Self {
        self.reinforce = reinforce;
        self
    }
}

/// A cue as it reads in a store.
pub(crate) struct Reading {
    pub(crate) tokens: Tokens,
    /// The cue's terms that some memory holds, with their frequencies, by term, in the languages of the store.
    pub(crate) terms: Vec<(String, u32)>,
    /// The languages of the store.
    pub(crate) languages: Vec<Language>,
    /// The namespaces in question: number and memories.
    pub(crate) namespaces: Vec<(u32, u32)>,
    /// The memories that may be seeds and hits, by number; `None` where all may.
    pub(crate) allowed: Option<Vec<u64>>,
}

impl Reading {
    /// Reads a cue, and finds what its bounds leave.
    pub(crate) fn of(view: &View<'_>, cue: &Cue) -> Result<Self> {
        let mut tokens = Tokens::new();
        tokens.read(&cue.text);
        let mut languages: Vec<Language> =
            view.state.languages.iter().filter_map(|code| code.parse().ok()).collect();
        if languages.is_empty() {
            languages.push(Language::English);
        }
        let mut terms = terms(&cue.text, &tokens, &languages);
        postings::retain_known(view.store, view.txn, &mut terms)?;
        with_pairs(view, &tokens, &mut terms)?;
        let namespaces = view.namespaces(cue.namespace.as_ref())?;
        let allowed = allowed(view, cue, &namespaces)?;
        Ok(Self { tokens, terms, languages, namespaces, allowed })
    }

    /// Whether a word alone is no name: a function word of any language of the store.
    pub(crate) fn is_stop(&self, folded: &str) -> bool {
        self.languages.iter().any(|language| language.is_stop(folded))
    }

    /// How many nodes a spreading for this cue may need: the graph's, and two for each term.
    pub(crate) fn nodes(&self, view: &View<'_>) -> usize {
        view.state.next_node as usize + 2 * self.terms.len()
    }

    /// Whether a node is a memory that may be a hit.
    pub(crate) fn is_allowed(&self, view: &View<'_>, node: u32) -> bool {
        match &self.allowed {
            Some(bits) => bits.get(node as usize / 64).is_some_and(|word| word >> (node % 64) & 1 == 1),
            None => view.is_memory(node),
        }
    }
}

/// The terms of a cue in some languages, with their frequencies, by term. A term that several languages give has the
/// greatest of its frequencies. Cost: each different word is stemmed once for each language, and sorting.
fn terms(text: &str, tokens: &Tokens, languages: &[Language]) -> Vec<(String, u32)> {
    let mut joined = Vec::new();
    crate::text::compounds(text, tokens, |term| joined.push(term.to_owned()));
    let mut sorted: Vec<&str> = tokens.iter().chain(joined.iter().map(String::as_str)).collect();
    sorted.sort_unstable();
    let words = sorted.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u32));
    let spoken = spoken(tokens, languages);
    let words: Vec<(&str, u32)> =
        words.filter(|(word, _)| !spoken.iter().any(|language| language.is_stop(word))).collect();
    // A function word of any of the store's languages never carries a cue alone.
    if words.iter().all(|(word, _)| languages.iter().any(|language| language.is_stop(word))) {
        return Vec::new();
    }
    // Each word and each stem has a number; most stems are the words themselves.
    let mut numbers: HashMap<Cow<'_, str>, usize> =
        words.iter().zip(0..).map(|((word, _), number)| (Cow::Borrowed(*word), number)).collect();
    // How often each is a term in the language at hand, and at most in one of those before it.
    let mut frequencies: Vec<(u32, u32)> = vec![(0, 0); words.len()];
    for language in languages {
        let stems = Words::new(*language);
        for (number, (word, frequency)) in words.iter().enumerate() {
            let Some(stem) = stems.stem(word) else { continue };
            let number = if *word == stem {
                number
            } else {
                let next = numbers.len();
                let number = numbers.get(&stem).copied().unwrap_or(next);
                if number == next {
                    numbers.insert(stem, next);
                    frequencies.push((0, 0));
                }
                number
            };
            frequencies[number].0 += frequency;
        }
        for (now, most) in &mut frequencies {
            *most = (*most).max(std::mem::take(now));
        }
    }
    let mut terms: Vec<(String, u32)> = numbers
        .into_iter()
        .map(|(term, number)| (term, frequencies[number].1))
        .filter(|(_, frequency)| *frequency > 0)
        .map(|(term, frequency)| (term.into_owned(), frequency))
        .collect();
    terms.sort_unstable();
    terms
}

/// The languages that a cue may be in: those that have most function words in it, where any has. Their function words
/// count in no other language either: the German "die" is no English verb.
fn spoken(tokens: &Tokens, languages: &[Language]) -> Vec<Language> {
    let count = |language: &Language| tokens.iter().filter(|token| language.is_stop(token)).count();
    let counts: Vec<(usize, Language)> =
        languages.iter().map(|language| (count(language), *language)).collect();
    let most = counts.iter().map(|(count, _)| *count).max().unwrap_or(0);
    counts.into_iter().filter(|(count, _)| *count == most && most > 0).map(|(_, language)| language).collect()
}

/// The most terms that a single character of a script in pairs stands for.
const MOST_PAIRS: usize = 64;

/// Adds the pairs that begin with a character that stands alone in the cue: a text has it with its neighbour.
fn with_pairs(view: &View<'_>, tokens: &Tokens, terms: &mut Vec<(String, u32)>) -> Result<()> {
    for token in tokens.iter().filter(|token| crate::text::is_half_of_pair(token)) {
        for pair in postings::beginning(view.store, view.txn, token, MOST_PAIRS)? {
            if let Err(at) = terms.binary_search_by(|(term, _)| term.as_str().cmp(&pair)) {
                terms.insert(at, (pair, 1));
            }
        }
    }
    Ok(())
}

/// The bits of the memories that a cue's bounds leave; `None` where there are no bounds and nothing is gone.
fn allowed(view: &View<'_>, cue: &Cue, namespaces: &[(u32, u32)]) -> Result<Option<Vec<u64>>> {
    let pattern = cue.source.as_deref().map(str::parse::<SourcePattern>).transpose()?;
    let bounded = cue.namespace.is_some() || pattern.is_some() || cue.since.is_some() || cue.until.is_some();
    if !bounded {
        return Ok(None);
    }
    let mut bits = vec![0_u64; (view.state.next_node as usize).div_ceil(64)];
    let (since, until) = (cue.since.map(Time::milliseconds), cue.until.map(Time::milliseconds));
    let fits = |namespace: u32, made: i64| {
        (cue.namespace.is_none() || namespaces.iter().any(|(number, _)| *number == namespace))
            && since.is_none_or(|since| made >= since)
            && until.is_none_or(|until| made < until)
    };
    view.for_each_memory(|memory, columns| {
        if fits(columns.namespace, columns.made)
            && let Some(word) = bits.get_mut(memory as usize / 64)
        {
            *word |= 1 << (memory % 64);
        }
    })?;
    if let Some(pattern) = pattern {
        view.retain_sources(&mut bits, &pattern)?;
    }
    Ok(Some(bits))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Each language counts its own stems; a term of several has the greatest count.
    fn counted(tokens: &Tokens, languages: &[Language]) -> Vec<(String, u32)> {
        let mut terms: BTreeMap<String, u32> = BTreeMap::new();
        for language in languages {
            let mut words = Words::new(*language);
            let mut counts: BTreeMap<String, u32> = BTreeMap::new();
            let stops = |language: &Language| tokens.iter().filter(|t| language.is_stop(t)).count();
            let most = languages.iter().map(stops).max().unwrap_or(0);
            if tokens.iter().all(|token| languages.iter().any(|l| l.is_stop(token))) {
                return Vec::new();
            }
            for token in tokens.iter() {
                if languages.iter().any(|l| most > 0 && stops(l) == most && l.is_stop(token)) {
                    continue;
                }
                if let Some(term) = words.term(token) {
                    *counts.entry(term.to_owned()).or_default() += 1;
                }
            }
            for (term, count) in counts {
                let most = terms.entry(term).or_default();
                *most = (*most).max(count);
            }
        }
        terms.into_iter().collect()
    }

    proptest! {
        #[test]
        fn terms_are_those_of_each_language(
            text in "((run|runs|running|lane|lanes|haus|hauser|häuser|the|und|la|mémoires?|память|памяти|東京タワー|[a-z]{1,6}|[0-9a-f]{1,3}) ){0,40}",
            languages in prop::sample::subsequence(Language::ALL.to_vec(), 0..Language::ALL.len()),
        ) {
            let mut tokens = Tokens::new();
            tokens.read(&text);
            prop_assert_eq!(terms(&text, &tokens, &languages), counted(&tokens, &languages));
        }
    }
}
