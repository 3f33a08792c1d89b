//! Measuring recall against judged questions: the field's usual measures, and how long a recall takes; what each part
//! of a recall adds, and what its settings do.

mod notes;
mod parts;
mod sensitivity;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::time::Duration;

use crate::engram::Engram;
use crate::error::Result;
use crate::import::beir::{Judgement, Query};
use crate::index::reading;
use crate::memory::{History, NewMemory};
use crate::recall::Cue;
use crate::recall::cue::Reading;
use crate::recall::view::View;
use crate::store::record::Record;
use crate::store::state;
use crate::text::{Tokens, Words};
use crate::time::Time;

pub use self::notes::{NOTES_DEPTH, NoteEvaluation, Placings, UnknownNote};
pub use self::parts::{Associations, Part};
pub use self::sensitivity::{Variation, variations};

/// A time before anything was made: judged at it, nothing is forgotten yet.
pub const BEFORE_ANYTHING: Time = Time::from_milliseconds(i64::MIN);
/// How many memories are ranked for each question: the depth of a run file, and of the mean reciprocal rank.
pub const DEPTH: usize = 100;
/// How many are asked for where the time is taken, as a user would.
const TIMED_K: usize = 10;

/// What was measured.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Evaluation {
    /// How many questions had at least one relevant document.
    pub queries: usize,
    /// The mean share of a question's relevant documents among the first 5.
    pub recall_at_5: f64,
    /// The same among the first 10.
    pub recall_at_10: f64,
    /// Normalised discounted cumulative gain of the first 10, with the judged relevance as gain.
    pub ndcg_at_10: f64,
    /// The mean of 1 / rank of the first relevant document within [`DEPTH`].
    pub mrr: f64,
    /// The share of questions with every relevant document among the first 5.
    pub all_gold_at_5: f64,
    /// The same among the first 8.
    pub all_gold_at_8: f64,
    /// The same among the first 10.
    pub all_gold_at_10: f64,
    /// How long a recall of 10 took, for each question, ascending.
    pub latencies: Vec<Duration>,
    /// The ranking of each question, for a run file.
    pub rankings: Vec<Ranking>,
}

/// The ranking that one question got.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Ranking {
    /// The question's id.
    pub query: String,
    /// Ids and scores, best first; ties as trec_eval orders them, the greater id first.
    pub documents: Vec<(String, f32)>,
}

impl Evaluation {
    /// The latency that this share of the questions stayed within (nearest rank); zero without questions.
    #[must_use]
    pub fn latency(&self, share: f64) -> Duration {
        nearest_rank(&self.latencies, share)
    }

    /// Writes the rankings as a TREC run: `query Q0 document rank score tag`.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn write_run(&self, out: &mut impl Write, tag: &str) -> io::Result<()> {
        for ranking in &self.rankings {
            for (rank, (document, score)) in (1..).zip(&ranking.documents) {
                writeln!(out, "{} Q0 {document} {rank} {score} {tag}", ranking.query)?;
            }
        }
        Ok(())
    }
}

impl Ranking {
    /// The ranking that a question got, sorted as a run is.
    #[must_use]
    pub fn new(query: impl Into<String>, mut documents: Vec<(String, f32)>) -> Self {
        documents.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| b.0.cmp(&a.0)));
        Self { query: query.into(), documents }
    }
}

/// The relevant documents of each question, with their relevance.
fn relevant(judgements: &[Judgement]) -> BTreeMap<&str, BTreeMap<&str, f64>> {
    let mut relevance: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
    for judgement in judgements.iter().filter(|judgement| judgement.relevance > 0) {
        let of_query = relevance.entry(&judgement.query).or_default();
        of_query.insert(&judgement.document, f64::from(judgement.relevance));
    }
    relevance
}

impl Engram {
    /// Asks every judged question as `like` asks, whose own text and `k` do not count, and measures what comes back.
    ///
    /// A cue that sets no time is asked now, each question a moment after the one before it; one that does gives the
    /// same measures each time.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn evaluate(&self, queries: &[Query], judgements: &[Judgement], like: &Cue) -> Result<Evaluation> {
        let relevance = relevant(judgements);
        let (mut rankings, mut latencies) = (Vec::new(), Vec::new());
        for query in queries {
            if !relevance.contains_key(query.id.as_str()) || query.text.trim().is_empty() {
                continue;
            }
            let cue = Cue { text: query.text.clone(), ..like.clone() };
            let timed = self.recall(&cue.clone().k(TIMED_K))?;
            let mut deep = cue.k(DEPTH);
            deep.snippet_chars = 0;
            let hits = self.recall(&deep)?.hits;
            let documents = hits.into_iter().map(|hit| (hit.id.to_string(), hit.score)).collect();
            latencies.push(timed.took);
            rankings.push(Ranking::new(&query.id, documents));
        }
        latencies.sort_unstable();
        Ok(Evaluation { latencies, ..Evaluation::of(rankings, judgements) })
    }
}

impl Engram {
    /// The terms by which a memory is found in words mode, in the order of its text: what another BM25 is fed
    /// to be compared.
    #[must_use]
    pub fn terms_of(memory: &NewMemory) -> Vec<String> {
        let record = Record::of(memory, &History::default(), Time::from_milliseconds(0));
        let mut words = Words::new(record.language.unwrap_or_default());
        let mut tokens = Tokens::new();
        let mut terms = Vec::new();
        for piece in reading::pieces(&record) {
            tokens.read(piece);
            let mut take = |token: &str| terms.extend(words.term(token).map(str::to_owned));
            tokens.iter().for_each(&mut take);
            crate::text::compounds(piece, &tokens, take);
        }
        terms
    }

    /// The terms that a cue asks for in words mode, each as often as it counts, by term.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn terms_of_cue(&self, cue: &str) -> Result<Vec<String>> {
        let store = self.store()?;
        let txn = store.read()?;
        let Some(state) = state::read(&store, &txn)? else { return Ok(Vec::new()) };
        let view = View::new(&store, &txn, &state, self.marks(&store, &txn, &state)?)?;
        let reading = Reading::of(&view, &Cue::new(cue))?;
        let repeated = |(term, frequency): (String, u32)| std::iter::repeat_n(term, frequency as usize);
        Ok(reading.terms.into_iter().flat_map(repeated).collect())
    }
}

impl Evaluation {
    /// Measures rankings, whoever made them. One whose question has no relevant document does not count.
    #[must_use]
    pub fn of(rankings: Vec<Ranking>, judgements: &[Judgement]) -> Self {
        let relevance = relevant(judgements);
        let mut evaluation = Self::default();
        for ranking in &rankings {
            if let Some(relevant) = relevance.get(ranking.query.as_str()) {
                evaluation.add(relevant, &ranking.documents);
            }
        }
        evaluation.finish();
        Self { rankings, ..evaluation }
    }

    fn add(&mut self, relevant: &BTreeMap<&str, f64>, documents: &[(String, f32)]) {
        let found = |depth: usize| {
            let top: BTreeSet<&str> = documents.iter().take(depth).map(|(id, _)| id.as_str()).collect();
            relevant.keys().filter(|id| top.contains(*id)).count()
        };
        let share = |depth: usize| found(depth) as f64 / relevant.len() as f64;
        let all = |depth: usize| f64::from(u8::from(found(depth) == relevant.len()));
        self.queries += 1;
        self.recall_at_5 += share(5);
        self.recall_at_10 += share(10);
        self.all_gold_at_5 += all(5);
        self.all_gold_at_8 += all(8);
        self.all_gold_at_10 += all(10);
        let gains =
            documents.iter().take(10).map(|(id, _)| relevant.get(id.as_str()).copied().unwrap_or(0.0));
        let mut ideal: Vec<f64> = relevant.values().copied().collect();
        ideal.sort_by(|a, b| b.total_cmp(a));
        self.ndcg_at_10 += discounted(gains) / discounted(ideal.into_iter().take(10));
        let first = documents.iter().position(|(id, _)| relevant.contains_key(id.as_str()));
        self.mrr += first.map_or(0.0, |rank| 1.0 / (rank + 1) as f64);
    }

    fn finish(&mut self) {
        let queries = self.queries.max(1) as f64;
        for sum in [
            &mut self.recall_at_5,
            &mut self.recall_at_10,
            &mut self.ndcg_at_10,
            &mut self.mrr,
            &mut self.all_gold_at_5,
            &mut self.all_gold_at_8,
            &mut self.all_gold_at_10,
        ] {
            *sum /= queries;
        }
    }
}

/// The duration that this share of ascending ones stays within.
fn nearest_rank(ascending: &[Duration], share: f64) -> Duration {
    let rank = (share * ascending.len() as f64).ceil() as usize;
    ascending.get(rank.clamp(1, ascending.len().max(1)) - 1).copied().unwrap_or_default()
}

/// Discounted cumulative gain: Σ gain / log2(rank + 1) (Järvelin and Kekäläinen, 2002).
fn discounted(gains: impl Iterator<Item = f64>) -> f64 {
    (2_u32..).zip(gains).map(|(rank, gain)| gain / libm::log2(f64::from(rank))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rankings_of_anybody_are_measured() {
        let judged = |query: &str, document: &str, relevance| Judgement {
            query: query.to_owned(),
            document: document.to_owned(),
            relevance,
        };
        let judgements =
            [judged("q", "b", 1), judged("q", "x", 2), judged("q", "a", 0), judged("other", "a", 0)];
        let documents = [("b", 0.5), ("a", 0.9), ("c", 0.5)].map(|(id, score)| (id.to_owned(), score));
        let ranking = |query: &str| Ranking::new(query, documents.to_vec());
        let found = Evaluation::of(vec![ranking("q"), ranking("other"), ranking("unknown")], &judgements);
        // Of the two that tie, the greater id comes first, so that b is third.
        let ids: Vec<&str> = found.rankings[0].documents.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["a", "c", "b"]);
        assert_eq!((found.queries, found.rankings.len()), (1, 3));
        assert_eq!((found.recall_at_5, found.all_gold_at_5, found.mrr), (0.5, 0.0, 1.0 / 3.0));
        let best = 2.0 + 1.0 / libm::log2(3.0);
        assert!((found.ndcg_at_10 - 0.5 / best).abs() < 1e-12);
    }
}
