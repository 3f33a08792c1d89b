//! One measurement, for people and for programs.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use engram::evaluation::{Evaluation, NoteEvaluation, Placings};
use serde::Serialize;

use crate::exit::Failure;
use crate::output::{self, Plain};
use crate::style::{DIM, TITLE};

#[derive(Serialize)]
struct Judged {
    mode: &'static str,
    #[serde(rename = "recall@5")]
    recall_at_5: f64,
    #[serde(rename = "recall@10")]
    recall_at_10: f64,
    #[serde(rename = "ndcg@10")]
    ndcg_at_10: f64,
    mrr: f64,
    #[serde(rename = "all_gold@5")]
    all_gold_at_5: f64,
    #[serde(rename = "all_gold@8")]
    all_gold_at_8: f64,
    #[serde(rename = "all_gold@10")]
    all_gold_at_10: f64,
    documents: u64,
    queries: usize,
    ingest_seconds: Option<f64>,
    latency_us: Latency,
}

#[derive(Serialize)]
struct Notes<'a> {
    mode: &'static str,
    #[serde(flatten)]
    all: Places,
    kinds: BTreeMap<&'a str, Places>,
    unknown: Vec<Unknown<'a>>,
    memories: u64,
    ingest_seconds: Option<f64>,
    latency_us: Latency,
}

#[derive(Serialize)]
struct Places {
    questions: usize,
    first: usize,
    among_5: usize,
    among_10: usize,
    missed: usize,
    mrr: f64,
}

#[derive(Serialize)]
struct Unknown<'a> {
    line: u64,
    note: &'a str,
}

#[derive(Serialize)]
struct Latency {
    p50: u64,
    p95: u64,
    p99: u64,
}

impl From<&Placings> for Places {
    fn from(placings: &Placings) -> Self {
        let Placings { questions, first, among_5, among_10, missed, .. } = *placings;
        Self { questions, first, among_5, among_10, missed, mrr: placings.mrr() }
    }
}

impl Latency {
    fn of(latency: impl Fn(f64) -> Duration) -> Self {
        let microseconds = |share| latency(share).as_micros() as u64;
        Self { p50: microseconds(0.5), p95: microseconds(0.95), p99: microseconds(0.99) }
    }
}

/// Prints what the questions of a BEIR folder measured.
pub fn judged(
    mode: &'static str,
    evaluation: &Evaluation,
    documents: u64,
    ingest: Option<Duration>,
    json: bool,
) -> Result<(), Failure> {
    let measures = Judged {
        mode,
        recall_at_5: evaluation.recall_at_5,
        recall_at_10: evaluation.recall_at_10,
        ndcg_at_10: evaluation.ndcg_at_10,
        mrr: evaluation.mrr,
        all_gold_at_5: evaluation.all_gold_at_5,
        all_gold_at_8: evaluation.all_gold_at_8,
        all_gold_at_10: evaluation.all_gold_at_10,
        documents,
        queries: evaluation.queries,
        ingest_seconds: ingest.map(|ingest| ingest.as_secs_f64()),
        latency_us: Latency::of(|share| evaluation.latency(share)),
    };
    if json {
        return output::json(&measures);
    }
    let mut out = output::plain();
    writeln!(out, "{TITLE}{mode}{TITLE:#} on {documents} documents and {} queries", measures.queries)?;
    for (name, value) in [
        ("recall@5", measures.recall_at_5),
        ("recall@10", measures.recall_at_10),
        ("ndcg@10", measures.ndcg_at_10),
        ("mrr", measures.mrr),
        ("all_gold@5", measures.all_gold_at_5),
        ("all_gold@8", measures.all_gold_at_8),
        ("all_gold@10", measures.all_gold_at_10),
    ] {
        writeln!(out, "{DIM}{name:<12}{DIM:#} {value:.4}")?;
    }
    times(&mut out, ingest, &measures.latency_us)
}

/// Prints what questions over notes measured.
pub fn notes(
    mode: &'static str,
    evaluation: &NoteEvaluation,
    memories: u64,
    ingest: Option<Duration>,
    json: bool,
) -> Result<(), Failure> {
    let kinds = evaluation.kinds.iter().map(|(kind, placings)| (kind.as_str(), Places::from(placings)));
    let unknown =
        evaluation.unknown.iter().map(|unknown| Unknown { line: unknown.line, note: &unknown.note });
    let measures = Notes {
        mode,
        all: Places::from(&evaluation.all),
        kinds: kinds.collect(),
        unknown: unknown.collect(),
        memories,
        ingest_seconds: ingest.map(|ingest| ingest.as_secs_f64()),
        latency_us: Latency::of(|share| evaluation.latency(share)),
    };
    if json {
        return output::json(&measures);
    }
    let mut out = output::plain();
    let questions = output::count(measures.all.questions as u64, "question", "questions");
    let memories = output::count(memories, "memory", "memories");
    writeln!(out, "{TITLE}{mode}{TITLE:#} on {memories} and {questions}")?;
    let widest = measures.kinds.keys().map(|kind| kind.chars().count()).max().unwrap_or(0).max(12);
    let head = ["questions", "first", "among 5", "among 10", "missed", "mrr"];
    write!(out, "{DIM}{:widest$}", "")?;
    head.iter().try_for_each(|name| write!(out, "  {name:>9}"))?;
    writeln!(out, "{DIM:#}")?;
    for (kind, places) in std::iter::once((&"all", &measures.all)).chain(&measures.kinds) {
        let Places { questions, first, among_5, among_10, missed, mrr } = places;
        let kind = engram::text::printable_line(kind);
        write!(out, "{kind:<widest$}")?;
        for count in [questions, first, among_5, among_10, missed] {
            write!(out, "  {count:>9}")?;
        }
        writeln!(out, "  {mrr:>9.4}")?;
    }
    times(&mut out, ingest, &measures.latency_us)
}

fn times(out: &mut Plain, ingest: Option<Duration>, latency: &Latency) -> Result<(), Failure> {
    if let Some(ingest) = ingest {
        writeln!(out, "{DIM}ingest      {DIM:#} {}", output::took(ingest))?;
    }
    let milliseconds = |microseconds: u64| microseconds as f64 / 1000.0;
    let (p50, p95, p99) = (milliseconds(latency.p50), milliseconds(latency.p95), milliseconds(latency.p99));
    writeln!(out, "{DIM}latency     {DIM:#} p50 {p50:.2} ms, p95 {p95:.2} ms, p99 {p99:.2} ms")?;
    Ok(out.flush()?)
}
