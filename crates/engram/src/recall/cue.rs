//! The cue: what is asked, within which bounds, and how it reads as words and names.

use engram_kernels::Curve;

use super::view::View;
use crate::error::Result;
use crate::index::reading::Lexicon;
use crate::memory::Namespace;
use crate::source::SourcePattern;
use crate::text::{Language, Tokens};
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
    /// The cue's terms with their frequencies, by term, in the languages of the store.
    pub(crate) terms: Vec<(String, u32)>,
    /// The languages of the store; the first decides what is a stop word in a name.
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
        let mut lexicon = Lexicon::default();
        let mut terms: Vec<(String, u32)> = Vec::new();
        for language in &languages {
            let words = lexicon.words(*language);
            let mut found: Vec<String> =
                tokens.iter().filter_map(|token| words.term(token).map(str::to_owned)).collect();
            found.sort_unstable();
            for run in found.chunk_by(|a, b| a == b) {
                match terms.iter_mut().find(|(term, _)| *term == run[0]) {
                    Some((_, frequency)) => *frequency = (*frequency).max(run.len() as u32),
                    None => terms.push((run[0].clone(), run.len() as u32)),
                }
            }
        }
        terms.sort_unstable();
        let namespaces = view.namespaces(cue.namespace.as_ref())?;
        let allowed = allowed(view, cue, &namespaces)?;
        Ok(Self { tokens, terms, languages, namespaces, allowed })
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
