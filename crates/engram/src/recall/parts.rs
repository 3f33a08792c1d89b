//! Where the time of a recall goes.

use std::time::{Duration, Instant};

/// A part of a recall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Opening a view of the store and reading the cue.
    Cue,
    /// Seeds by words: BM25.
    Words,
    /// Seeds by vector: similarity to every memory.
    Vectors,
    /// Names in the cue.
    Names,
    /// Spreading activation.
    Spreading,
    /// Forgetting and ranking.
    Ranking,
    /// Each hit's text, snippet and path.
    Account,
}

impl Part {
    /// Every part, in the order in which they run.
    pub const ALL: [Self; 7] =
        [Self::Cue, Self::Words, Self::Vectors, Self::Names, Self::Spreading, Self::Ranking, Self::Account];

    /// The part's name, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cue => "cue",
            Self::Words => "words",
            Self::Vectors => "vectors",
            Self::Names => "names",
            Self::Spreading => "spreading",
            Self::Ranking => "ranking",
            Self::Account => "account",
        }
    }
}

/// How long each part of a recall took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parts([Duration; Part::ALL.len()]);

impl Parts {
    /// How long a part took.
    #[must_use]
    pub fn of(&self, part: Part) -> Duration {
        self.0[part as usize]
    }

    /// Runs something and counts its time to a part.
    pub(crate) fn time<R>(&mut self, part: Part, run: impl FnOnce() -> R) -> R {
        let started = Instant::now();
        let result = run();
        self.0[part as usize] += started.elapsed();
        result
    }
}
