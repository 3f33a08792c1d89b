//! Recall beside what people would take instead: how well each finds what answers a question, how long it takes, and what
//! it needs to take the texts in.
//!
//! Everybody gets the same passages, cut by Engram, and everybody's rankings are judged by the same code.

mod ours;
mod passages;
mod python;
mod sets;
mod table;
mod tantivy_peer;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use engram::evaluation::{DEPTH, Evaluation, NOTES_DEPTH, NoteEvaluation, Ranking};

use crate::folder;
use crate::report::Report;
pub use table::{Compared, Measure, Taken, summary};

use passages::Vectors;
use python::Python;
use sets::{Asked, Set};

/// How many passages are asked for where the time is taken, as a user would.
const TIMED_K: usize = 10;

/// How much is measured.
#[derive(Clone, Copy)]
pub struct Plan {
    /// How often the passages are taken in; the median counts.
    pub ingests: usize,
    /// How often each question is asked for its time.
    pub rounds: usize,
    /// At most so many passages and questions.
    pub at_most: Option<(usize, usize)>,
}

impl Plan {
    const FULL: Self = Self { ingests: 3, rounds: 5, at_most: None };
    const QUICK: Self = Self { ingests: 1, rounds: 1, at_most: Some((100, 5)) };
}

/// What a contender did with a set.
pub struct Outcome {
    /// Its name, with its version where it is not ours.
    pub name: String,
    /// Whether it was given the embedding model's vectors.
    pub has_model: bool,
    /// The ids that it found for each question, best first.
    pub rankings: Vec<Vec<String>>,
    /// How long each question took.
    pub nanoseconds: Vec<f64>,
    /// From passages in memory to a store on disk that answers.
    pub ingest_seconds: f64,
    /// What it has on disk; `None` where it keeps everything in memory.
    pub bytes: Option<u64>,
}

/// Measures everybody on all sets: the two of this repository and, unless it is to be quick, those in a folder.
pub fn run(quick: bool, json: bool, sets_folder: &Path) -> Result<Report> {
    std::fs::create_dir_all(folder::data())?;
    let mut report = Report { json, ..Report::default() };
    report.machine.packages = python::PACKAGES.map(str::to_owned).to_vec();
    let plan = if quick { Plan::QUICK } else { Plan::FULL };
    let python = Python::set_up(&mut report.missing);
    let others = Some(sets_folder).filter(|_| !quick);
    for set in sets::all(others, &mut report.missing)? {
        let set = set.cut_to(plan);
        let mut compared = Compared::of(&set);
        let vectors = match python.vectors(&set) {
            Ok(vectors) => Some(vectors),
            Err(error) => {
                report.missing.push(format!("{}, all-MiniLM-L6-v2: {error:#}", set.name));
                None
            }
        };
        compared.embedding = vectors.as_ref().map(|vectors| vectors.cost.clone());
        for outcome in everybody(&set, plan, &python, vectors.as_ref()) {
            match outcome {
                Ok(outcome) => compared.rows.push(Taken::of(&outcome, judge(&set, &outcome)?)),
                Err(error) => report.missing.push(format!("{}, {error:#}", set.name)),
            }
        }
        report.compare(compared);
    }
    Ok(report)
}

fn everybody(set: &Set, plan: Plan, python: &Python, vectors: Option<&Vectors>) -> Vec<Result<Outcome>> {
    let mut outcomes = Vec::new();
    let mut extend = |who: &str, measured: Result<Vec<Outcome>>| match measured {
        Ok(measured) => outcomes.extend(measured.into_iter().map(Ok)),
        Err(error) => outcomes.push(Err(error.context(who.to_owned()))),
    };
    extend("Engram", ours::measure(set, plan, None));
    extend("tantivy", tantivy_peer::measure(set, plan).map(|outcome| vec![outcome]));
    for peer in python::PEERS.iter().filter(|peer| !peer.has_model) {
        extend(peer.name, python.measure(peer, set, plan, None).map(|outcome| vec![outcome]));
    }
    let Some(vectors) = vectors else { return outcomes };
    extend("Engram with all-MiniLM-L6-v2", ours::measure(set, plan, Some(vectors)));
    for peer in python::PEERS.iter().filter(|peer| peer.has_model) {
        extend(peer.name, python.measure(peer, set, plan, Some(vectors)).map(|outcome| vec![outcome]));
    }
    outcomes
}

/// The measures of a contender's rankings, as `engram eval` has them.
fn judge(set: &Set, outcome: &Outcome) -> Result<Vec<Measure>> {
    Ok(match &set.asked {
        Asked::Judged { queries, judgements } => {
            let in_order = |ids: &[String]| {
                let scores = (1..).map(|rank| 1.0 / rank as f32);
                ids.iter().cloned().zip(scores).collect()
            };
            let rankings = queries.iter().zip(&outcome.rankings);
            let rankings = rankings.map(|(query, ids)| Ranking::new(&query.id, in_order(ids))).collect();
            let found = Evaluation::of(rankings, judgements);
            vec![
                Measure::mean("recall@5", found.recall_at_5),
                Measure::mean("recall@10", found.recall_at_10),
                Measure::mean("nDCG@10", found.ndcg_at_10),
                Measure::mean("all in 8", found.all_gold_at_8),
            ]
        }
        Asked::Notes(questions) => {
            let ids = set.memories.iter().map(|stored| stored.memory.id.as_str());
            let mut rankings = outcome.rankings.iter();
            let found = NoteEvaluation::of(questions, ids, |_| {
                rankings.next().cloned().context("a question without a ranking")
            })?;
            vec![
                Measure::count("first", found.all.first),
                Measure::count("among 5", found.all.among_5),
                Measure::count("among 10", found.all.among_10),
                Measure::mean("MRR", found.all.mrr()),
            ]
        }
    })
}

/// Asks each question as deep as it is judged, and then again, as a user would, for the time.
fn ask_all(
    set: &Set,
    plan: Plan,
    mut ask: impl FnMut(usize, &str, usize) -> Result<Vec<String>>,
) -> Result<(Vec<Vec<String>>, Vec<f64>)> {
    let questions: Vec<&str> = set.questions().collect();
    let each = || questions.iter().enumerate();
    let rankings: Vec<Vec<String>> =
        each().map(|(at, question)| ask(at, question, set.depth())).collect::<Result<_>>()?;
    let mut nanoseconds = Vec::new();
    for _ in 0..plan.rounds {
        for (at, question) in each() {
            let started = Instant::now();
            ask(at, question, TIMED_K)?;
            nanoseconds.push(started.elapsed().as_nanos() as f64);
        }
    }
    Ok((rankings, nanoseconds))
}

impl Set {
    /// How many passages are ranked for each question.
    fn depth(&self) -> usize {
        match self.asked {
            Asked::Judged { .. } => DEPTH,
            Asked::Notes(_) => NOTES_DEPTH,
        }
    }

    /// The folder for what is made of this set.
    fn folder(&self) -> PathBuf {
        folder::data().join("memory").join(&self.name)
    }
}

/// The bytes of all files below a folder.
fn bytes_of(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { bytes_of(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}

/// An empty folder.
fn fresh(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

/// The middle one of some numbers.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}
