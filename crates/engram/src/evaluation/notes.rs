//! Measuring recall by questions over notes: how far down the first right one comes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::nearest_rank;
use crate::engram::Engram;
use crate::error::{Error, Result};
use crate::import::questions::NoteQuestion;
use crate::recall::Cue;
use crate::time::Time;

/// How many hits of each question are looked at.
pub const NOTES_DEPTH: usize = 20;

/// What was measured.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct NoteEvaluation {
    /// Of all questions.
    pub all: Placings,
    /// Of the questions of each kind.
    pub kinds: BTreeMap<String, Placings>,
    /// Notes that questions name and that are not there. A question of which no note is there is left out.
    pub unknown: Vec<UnknownNote>,
    /// How long a recall of [`NOTES_DEPTH`] took, for each question, ascending.
    pub latencies: Vec<Duration>,
}

/// In which places right notes came.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct Placings {
    /// How many questions were asked.
    pub questions: usize,
    /// For how many a right note came first.
    pub first: usize,
    /// For how many one was among the first 5.
    pub among_5: usize,
    /// For how many one was among the first 10.
    pub among_10: usize,
    /// For how many none came within [`NOTES_DEPTH`].
    pub missed: usize,
    /// The sum of 1 / rank of the first right one.
    reciprocals: f64,
}

/// A note that a question names and that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownNote {
    /// The line that the question stands in.
    pub line: u64,
    /// The note.
    pub note: String,
}

impl NoteEvaluation {
    /// The latency that this share of the questions stayed within (nearest rank); zero without questions.
    #[must_use]
    pub fn latency(&self, share: f64) -> Duration {
        nearest_rank(&self.latencies, share)
    }
}

impl Placings {
    /// The mean of 1 / rank of the first right note, within [`NOTES_DEPTH`].
    #[must_use]
    pub fn mrr(&self) -> f64 {
        self.reciprocals / self.questions.max(1) as f64
    }

    fn add(&mut self, place: Option<usize>) {
        let within = |depth: usize| usize::from(place.is_some_and(|place| place <= depth));
        self.questions += 1;
        self.first += within(1);
        self.among_5 += within(5);
        self.among_10 += within(10);
        self.missed += usize::from(place.is_none());
        self.reciprocals += place.map_or(0.0, |place| 1.0 / place as f64);
    }
}

impl NoteEvaluation {
    /// Measures in which place the first right one of some ids comes, whoever ranked them: `rank` gives those of each
    /// question, of which [`NOTES_DEPTH`] count. `ids` are all that there are.
    ///
    /// An id is right if it is one of the question's notes or a section of one. Places are counted in ids, as they
    /// come: several sections of one note take a place each, as they do for whoever reads the answer.
    ///
    /// # Errors
    /// What `rank` fails with.
    pub fn of<'i, E>(
        questions: &[NoteQuestion],
        ids: impl IntoIterator<Item = &'i str>,
        mut rank: impl FnMut(&NoteQuestion) -> std::result::Result<Vec<String>, E>,
    ) -> std::result::Result<Self, E> {
        let notes: BTreeSet<&str> = ids.into_iter().flat_map(|id| [id, note_of(id)]).collect();
        let mut evaluation = Self::default();
        for question in questions {
            let is_known = |note: &&String| notes.contains(note.as_str());
            let known: Vec<&str> = question.notes.iter().filter(is_known).map(String::as_str).collect();
            let unknown = question.notes.iter().filter(|note| !is_known(note));
            let unknown = unknown.map(|note| UnknownNote { line: question.line, note: note.clone() });
            evaluation.unknown.extend(unknown);
            if known.is_empty() {
                continue;
            }
            let is_right = |id: &String| known.iter().any(|note| note == id || *note == note_of(id));
            let place = rank(question)?.iter().take(NOTES_DEPTH).position(is_right).map(|at| at + 1);
            evaluation.all.add(place);
            if let Some(kind) = &question.kind {
                evaluation.kinds.entry(kind.clone()).or_default().add(place);
            }
        }
        Ok(evaluation)
    }
}

impl Engram {
    /// Asks every question as `like` asks, whose own text and `k` do not count, and measures in which place the first
    /// right hit comes; see [`NoteEvaluation::of`].
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn evaluate_notes(&self, questions: &[NoteQuestion], like: &Cue) -> Result<NoteEvaluation> {
        let mut ids = Vec::new();
        self.for_each(|stored| {
            ids.push(stored.memory.id.to_string());
            Ok::<(), Error>(())
        })?;
        let mut latencies = Vec::new();
        let evaluation = NoteEvaluation::of(questions, ids.iter().map(String::as_str), |question| {
            let mut cue = Cue { text: question.question.clone(), ..like.clone() }.k(NOTES_DEPTH);
            cue.snippet_chars = 0;
            let found = self.recall(&cue)?;
            latencies.push(found.took);
            Ok::<_, Error>(found.hits.into_iter().map(|hit| hit.id.to_string()).collect())
        })?;
        latencies.sort_unstable();
        Ok(NoteEvaluation { latencies, ..evaluation })
    }

    /// When the newest memory was made; `None` in an empty store.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn newest(&self) -> Result<Option<Time>> {
        let mut newest = None;
        self.for_each(|stored| {
            newest = newest.max(stored.memory.made);
            Ok::<(), Error>(())
        })?;
        Ok(newest)
    }
}

/// The note that a memory is, or is a section of.
fn note_of(id: &str) -> &str {
    id.split_once('#').map_or(id, |(note, _)| note)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::NewMemory;

    #[test]
    fn places_are_counted_in_hits() {
        let folder = tempfile::tempdir().unwrap();
        let engram = Engram::create(folder.path()).unwrap();
        assert_eq!(engram.newest().unwrap(), None);
        let memory = |id: &str, text: &str, made: &str| {
            let mut memory = NewMemory::new(id.parse().unwrap(), text);
            memory.made = Some(made.parse().unwrap());
            memory
        };
        let wrong = (1..=6).map(|at| memory(&format!("a.md#s{at}"), "weir and heron", "2026-01-01"));
        let right =
            memory("b.md#s", "a heron at a weir, a ferry, a bakery, a kettle and a shed", "2026-01-02");
        engram.remember_all(wrong.chain([right])).unwrap();
        let newest = engram.newest().unwrap().unwrap();
        assert_eq!(newest, "2026-01-02".parse().unwrap());
        let question = |notes: &[&str]| NoteQuestion {
            question: "weir heron".to_owned(),
            notes: notes.iter().map(ToString::to_string).collect(),
            kind: None,
            line: 7,
        };
        let questions = [question(&["b.md"]), question(&["b.md#s", "c.md"]), question(&["a.md"])];
        let mut like = Cue::new("").at(newest);
        like.mode = crate::recall::Mode::Words;
        let found = engram.evaluate_notes(&questions, &like).unwrap();
        // All six sections of the wrong note come before the right one.
        let Placings { questions, first, among_5, among_10, missed, .. } = found.all;
        assert_eq!((questions, first, among_5, among_10, missed), (3, 1, 1, 3, 0));
        assert!((found.all.mrr() - (1.0 + 2.0 / 7.0) / 3.0).abs() < 1e-12);
        assert_eq!(found.unknown, [UnknownNote { line: 7, note: "c.md".to_owned() }]);
        assert_eq!(found.latencies.len(), 3);
    }
}
