//! `engram eval`: recall measured on a BEIR folder, in a store of its own that is gone afterwards.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use engram::evaluation::Evaluation;
use engram::import::beir::{self, Split};
use engram::{Engram, Error, Time};
use serde::Serialize;

use super::export::into_file;
use super::recall::RecallMode;
use super::tokens;
use crate::cli::Global;
use crate::exit::{Exit, Failure, Outcome};
use crate::output;
use crate::progress::{Bar, Spinner};
use crate::style::{DIM, TITLE};

const EXAMPLES: &str = "\
A BEIR folder holds corpus.jsonl, queries.jsonl and qrels/test.tsv. Ingest includes names, vectors and
consolidation; latency is a recall of 10 with snippets.

Examples:
  engram eval datasets/musique
  engram eval datasets/musique --mode words --run words.trec --tokens tokens/

The answer in JSON: {\"mode\", \"recall@5\", \"recall@10\", \"ndcg@10\", \"mrr\", \"all_gold@5\", \"all_gold@8\",
  \"all_gold@10\", \"documents\", \"queries\", \"ingest_seconds\", \"latency_us\": {\"p50\", \"p95\", \"p99\"}}";

/// Measures recall on a BEIR folder.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The folder
    #[arg(value_name = "BEIR_DIR")]
    folder: PathBuf,
    /// What recall goes by
    #[arg(long, value_enum, default_value_t = RecallMode::Recall)]
    mode: RecallMode,
    /// Which judgements count
    #[arg(long, value_enum, default_value_t = SplitName::Test)]
    split: SplitName,
    /// Write the rankings, 100 deep, as a TREC run
    #[arg(long, value_name = "FILE")]
    run: Option<PathBuf>,
    /// Write the tokens that words mode goes by, as corpus.jsonl and queries.jsonl: {"_id", "tokens"}
    #[arg(long, value_name = "DIR")]
    tokens: Option<PathBuf>,
}

/// Which judgements of the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SplitName {
    /// qrels/test.tsv
    Test,
    /// qrels/dev.tsv
    Dev,
    /// qrels/train.tsv
    Train,
}

impl From<SplitName> for Split {
    fn from(name: SplitName) -> Self {
        match name {
            SplitName::Test => Self::Test,
            SplitName::Dev => Self::Dev,
            SplitName::Train => Self::Train,
        }
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments, global: &Global) -> Outcome {
    let folder = &arguments.folder;
    let queries = beir::queries(folder).map_err(Error::from)?;
    let judgements = beir::judgements(folder, arguments.split.into()).map_err(Error::from)?;
    let temporary = tempfile::Builder::new().prefix("engram-eval-").tempdir().map_err(|error| {
        let sentence = format!("no temporary folder can be made: {error}; set TMPDIR to one with free space");
        Failure::new(Exit::Store, sentence)
    })?;
    let started = Instant::now();
    let engram = Engram::create(temporary.path())?;
    let mut bar = Bar::of(folder);
    let report = engram.import(folder, &mut |progress| bar.show(progress))?;
    drop(bar);
    let mut bar = Bar::new("consolidating");
    engram.consolidate_with(&mut |progress| bar.show(progress))?;
    drop(bar);
    let ingest = started.elapsed();
    output::notes(&report.refused, "lines that were refused");
    if let Some(folder) = &arguments.tokens {
        tokens::write(&engram, &queries, folder)?;
    }
    let spinner = Spinner::new("asking");
    // Before anything was made: nothing is forgotten yet, so a run does not depend on how long it takes.
    let at = Time::from_milliseconds(0);
    let evaluation = engram.evaluate(&queries, &judgements, arguments.mode.into(), at)?;
    drop(spinner);
    if evaluation.queries == 0 {
        let sentence =
            "no query has a relevant document; check that the ids in qrels are those of queries.jsonl";
        return Err(Failure::new(Exit::Refused, format_args!("{}: {sentence}", folder.display())));
    }
    if let Some(path) = &arguments.run {
        let tag = format!("engram-{}", arguments.name());
        into_file(path, |out| {
            evaluation.write_run(out, &tag).map_err(|error| Failure::writing(path, &error))
        })?;
    }
    let measures = Measures::of(arguments.name(), &evaluation, engram.stats()?.memories, ingest);
    if global.json {
        output::json(&measures)?;
    } else {
        plain(&measures)?;
    }
    Ok(if report.refused.is_empty() { Exit::Done } else { Exit::Refused })
}

impl Arguments {
    fn name(&self) -> &'static str {
        match self.mode {
            RecallMode::Recall => "recall",
            RecallMode::Words => "words",
            RecallMode::Vectors => "vectors",
        }
    }
}

#[derive(Serialize)]
struct Measures {
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
    ingest_seconds: f64,
    latency_us: Latency,
}

#[derive(Serialize)]
struct Latency {
    p50: u64,
    p95: u64,
    p99: u64,
}

impl Measures {
    fn of(mode: &'static str, evaluation: &Evaluation, documents: u64, ingest: Duration) -> Self {
        let latency = |share| evaluation.latency(share).as_micros() as u64;
        Self {
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
            ingest_seconds: ingest.as_secs_f64(),
            latency_us: Latency { p50: latency(0.5), p95: latency(0.95), p99: latency(0.99) },
        }
    }
}

fn plain(measures: &Measures) -> Result<(), Failure> {
    let mut out = output::plain();
    let Measures { mode, documents, queries, ingest_seconds, latency_us, .. } = measures;
    writeln!(out, "{TITLE}{mode}{TITLE:#} on {documents} documents and {queries} queries")?;
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
    let milliseconds = |microseconds: u64| microseconds as f64 / 1000.0;
    let (p50, p95, p99) =
        (milliseconds(latency_us.p50), milliseconds(latency_us.p95), milliseconds(latency_us.p99));
    writeln!(out, "{DIM}ingest      {DIM:#} {}", output::took(Duration::from_secs_f64(*ingest_seconds)))?;
    writeln!(out, "{DIM}latency     {DIM:#} p50 {p50:.2} ms, p95 {p95:.2} ms, p99 {p99:.2} ms")?;
    Ok(out.flush()?)
}
