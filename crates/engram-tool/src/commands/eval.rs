//! `engram eval`: recall measured on a folder of notes, a BEIR folder or a store, none of which is changed.

mod asked;
mod measures;
mod table;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use engram::evaluation::BEFORE_ANYTHING;
use engram::import::beir::Split;
use engram::{Cue, Engram, OpenOptions, Time};
use tempfile::TempDir;

use self::asked::Asked;
use super::export::into_file;
use super::recall::RecallMode;
use super::tokens;
use crate::cli::Global;
use crate::embedder::EmbedderArguments;
use crate::exit::{Exit, Failure, Outcome};
use crate::output;
use crate::progress::{Bar, Spinner};

const EXAMPLES: &str = "\
Questions over notes are lines of {\"question\": …, \"notes\": [\"path.md\", …]}, perhaps with a
\"kind\". A BEIR folder holds corpus.jsonl, queries.jsonl and qrels/test.tsv; with --store only its
questions and judgements are read. Notes and corpora are taken into a store of their own, which is
gone afterwards. Ingest includes names, vectors and consolidation; latency is a recall of 10 with
snippets, of questions over notes one of 20 without.

Examples:
  engram eval --vault notes --questions questions.jsonl
  engram eval --vault notes --questions questions.jsonl --ablate
  engram eval datasets/musique --mode words --run words.trec --tokens tokens/
  engram eval --store chat.store datasets/chat --json
  engram eval --store chat.store datasets/chat --sensitivity

The answer in JSON: {\"mode\", \"recall@5\", \"recall@10\", \"ndcg@10\", \"mrr\", \"all_gold@5\", \"all_gold@8\",
  \"all_gold@10\", \"documents\", \"queries\", \"ingest_seconds\", \"latency_us\": {\"p50\", \"p95\", \"p99\"}}
of questions over notes: {\"mode\", \"questions\", \"first\", \"among_5\", \"among_10\", \"missed\", \"mrr\",
  \"kinds\": {KIND: {\"questions\", …, \"mrr\"}}, \"unknown\": [{\"line\", \"note\"}], \"memories\",
  \"ingest_seconds\", \"latency_us\"}
with --ablate: {\"parts\": [{\"part\", \"uses\", MEASURE: …}]}
with --sensitivity: {\"measure\", \"settings\": [{\"setting\", \"values\": [LOWER, USUAL, HIGHER],
  \"measured\": […]}]}";

/// Measures recall by questions with known answers.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// A folder with judged questions; its documents are measured, or the store that --store names
    #[arg(value_name = "BEIR_DIR", required_unless_present_any = ["questions", "vault"])]
    folder: Option<PathBuf>,
    /// The questions over the notes of --vault
    #[arg(long, value_name = "FILE", conflicts_with_all = ["folder", "split", "run", "tokens"])]
    questions: Option<PathBuf>,
    /// What recall goes by
    #[arg(long, value_enum, default_value_t = RecallMode::Recall)]
    mode: RecallMode,
    /// Judge forgetting at this time [default: when the newest memory was made; before the documents of a BEIR folder]
    #[arg(long, value_name = "TIME")]
    at: Option<Time>,
    /// Which judgements count
    #[arg(long, value_enum, default_value_t = SplitName::Test)]
    split: SplitName,
    /// Show what each part of a recall adds
    #[arg(long, conflicts_with_all = ["mode", "sensitivity", "run", "tokens"])]
    ablate: bool,
    /// Show what each setting of a recall does when it is lower or higher
    #[arg(long, conflicts_with_all = ["mode", "run", "tokens"])]
    sensitivity: bool,
    /// Write the rankings, 100 deep, as a TREC run
    #[arg(long, value_name = "FILE")]
    run: Option<PathBuf>,
    /// Write the tokens that words mode goes by, as corpus.jsonl and queries.jsonl: {"_id", "tokens"}
    #[arg(long, value_name = "DIR")]
    tokens: Option<PathBuf>,
    /// The model that embeds documents and queries.
    #[command(flatten)]
    embedder: EmbedderArguments,
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

/// What is measured.
struct Subject {
    engram: Engram,
    /// How long it took to take in; `None` for a store that was there.
    ingest: Option<Duration>,
    /// When it is asked.
    at: Time,
    exit: Exit,
    /// Where a store of its own lies, until this is dropped.
    _temporary: Option<TempDir>,
}

/// Runs the command.
pub fn run(arguments: &Arguments, global: &Global) -> Outcome {
    if arguments.questions.is_some() != global.vault.is_some() {
        let sentence =
            "--vault and --questions go together; name a folder of notes and the questions over them";
        return Err(Failure::new(Exit::Usage, sentence));
    }
    if global.vault.is_some() && global.store.is_some() {
        let sentence = "notes are taken into a store of their own; leave out --store, or name a BEIR folder to measure a store by";
        return Err(Failure::new(Exit::Usage, sentence));
    }
    let asked = Asked::read(arguments)?;
    let subject = Subject::of(arguments, global)?;
    if let Some(folder) = &arguments.tokens {
        asked.write_tokens(&subject.engram, folder)?;
    }
    let cue = Cue::new("").mode(arguments.mode.into()).at(subject.at);
    let exit = if arguments.ablate {
        table::ablate(&asked, &subject.engram, &cue, global.json)?
    } else if arguments.sensitivity {
        table::sensitivity(&asked, &subject.engram, &cue, global.json)?
    } else {
        measured(arguments, &asked, &subject, &cue, global.json)?
    };
    Ok(if exit == Exit::Done { subject.exit } else { exit })
}

impl Subject {
    fn of(arguments: &Arguments, global: &Global) -> Result<Self, Failure> {
        let Some(folder) =
            global.vault.as_ref().or(arguments.folder.as_ref().filter(|_| global.store.is_none()))
        else {
            let engram = arguments.embedder.attach(super::open(global)?)?;
            let at = arguments.at.or(engram.newest()?).unwrap_or(BEFORE_ANYTHING);
            return Ok(Self { engram, ingest: None, at, exit: Exit::Done, _temporary: None });
        };
        let temporary = temporary()?;
        let started = Instant::now();
        let mut bar = Bar::of(folder);
        let (engram, report) = if global.vault.is_some() {
            let vault = OpenOptions::new().open_vault_with_store(folder, temporary.path())?;
            let vault = arguments.embedder.attach_to_vault(vault)?;
            let report = vault.synchronise(&mut |progress| bar.show(progress))?;
            drop(vault);
            (arguments.embedder.attach(Engram::open(temporary.path())?)?, report)
        } else {
            let engram = arguments.embedder.attach(Engram::create(temporary.path())?)?;
            let report = engram.import(folder, &mut |progress| bar.show(progress))?;
            (engram, report)
        };
        drop(bar);
        let mut bar = Bar::new("consolidating");
        engram.consolidate_with(&mut |progress| bar.show(progress))?;
        drop(bar);
        let ingest = Some(started.elapsed());
        output::notes(&report.refused, "files or lines that were refused");
        if arguments.embedder.embedder.is_some() {
            output::notes(&report.warnings, "warnings");
        }
        // The documents of a BEIR folder are made as they are read: nothing of them is forgotten yet, so that a run does
        // not depend on how long it takes.
        let newest = if global.vault.is_some() { engram.newest()? } else { None };
        let at = arguments.at.or(newest).unwrap_or(BEFORE_ANYTHING);
        let exit = if report.refused.is_empty() { Exit::Done } else { Exit::Refused };
        Ok(Self { engram, ingest, at, exit, _temporary: Some(temporary) })
    }
}

/// The plain form: one measurement.
fn measured(arguments: &Arguments, asked: &Asked, subject: &Subject, cue: &Cue, json: bool) -> Outcome {
    let (engram, mode) = (&subject.engram, arguments.name());
    let memories = engram.stats()?.memories;
    let spinner = Spinner::new("asking");
    match asked {
        Asked::Judged { queries, judgements } => {
            let evaluation = engram.evaluate(queries, judgements, cue)?;
            drop(spinner);
            asked.check(evaluation.queries)?;
            if subject.ingest.is_none() {
                asked::name_missing(engram, judgements)?;
            }
            if let Some(path) = &arguments.run {
                let tag = format!("engram-{mode}");
                into_file(path, |out| {
                    evaluation.write_run(out, &tag).map_err(|error| Failure::writing(path, &error))
                })?;
            }
            measures::judged(mode, &evaluation, memories, subject.ingest, json)?;
            Ok(Exit::Done)
        }
        Asked::Notes { questions, .. } => {
            let evaluation = engram.evaluate_notes(questions, cue)?;
            drop(spinner);
            let exit = asked.name_unknown(&evaluation.unknown);
            asked.check(evaluation.all.questions)?;
            measures::notes(mode, &evaluation, memories, subject.ingest, json)?;
            Ok(exit)
        }
    }
}

/// A folder for a store that is gone afterwards.
fn temporary() -> Result<TempDir, Failure> {
    tempfile::Builder::new().prefix("engram-eval-").tempdir().map_err(|error| {
        let sentence = format!("no temporary folder can be made: {error}; set TMPDIR to one with free space");
        Failure::new(Exit::Store, sentence)
    })
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

impl Asked {
    fn write_tokens(&self, engram: &Engram, folder: &Path) -> Result<(), Failure> {
        match self {
            Self::Judged { queries, .. } => tokens::write(engram, queries, folder),
            Self::Notes { .. } => Ok(()),
        }
    }
}
