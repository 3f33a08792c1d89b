//! `engram import`: files and folders into the store.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use engram::import::{Kind, kind_of};
use engram::{Engram, Error, ImportReport, Importer, VectorModel};
use serde::Serialize;

use crate::cli::Global;
use crate::embedder::EmbedderArguments;
use crate::exit::{Exit, Failure, Outcome, exit_of};
use crate::output;
use crate::progress::Bar;

const EXAMPLES: &str = "\
Takes Markdown notes (front matter, [[links]], aliases), plain text, JSON lines ({\"id\", \"title\", \"text\",
\"links\", \"time\", …}), folders of these, and BEIR folders. Ids come from the contents or the paths, so importing
again changes only what has changed, and an import that was cut off goes on where it stopped.

Examples:
  engram import notes
  engram import library.jsonl journal/2026-11-22.md
  engram --store facts import --vectors all-MiniLM-L6-v2:384 embedded.jsonl
  engram import --embedder openai:http://localhost:11434/v1#nomic-embed-text notes

The answer in JSON:
  {\"added\", \"updated\", \"unchanged\", \"forgotten\", \"warnings\": […], \"more_warnings\", \"refused\": […],
    \"more_refused\", \"took_us\"}
  A list holds the first 1000 sentences; the number beside it counts those after them.";

/// Takes in files and folders; again only what is new or has changed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Files and folders
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Make the store for vectors of a model of your own, which the memories bring along
    #[arg(long, value_name = "NAME:DIMENSIONS", value_parser = model, conflicts_with = "embedder")]
    vectors: Option<VectorModel>,
    /// The model that embeds them.
    #[command(flatten)]
    embedder: EmbedderArguments,
    /// Commit after this many megabytes of text: less is lost when it is cut off, and it takes longer
    #[arg(long, value_name = "MB", value_parser = megabytes)]
    commit_every: Option<usize>,
}

fn model(text: &str) -> Result<VectorModel, String> {
    let form = "write the model's name and the dimension of its vectors, as all-MiniLM-L6-v2:384";
    let (name, dimensions) = text.rsplit_once(':').filter(|(name, _)| !name.is_empty()).ok_or(form)?;
    let dimensions: u32 = dimensions.parse().map_err(|_| form)?;
    if !(1..=65_536).contains(&dimensions) {
        return Err("the dimension must be from 1 to 65536".to_owned());
    }
    Ok(VectorModel::Given { name: name.to_owned(), dimensions })
}

fn megabytes(text: &str) -> Result<usize, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number <= 1e6 => Ok((number * 1e6).ceil() as usize),
        _ => Err("write a number of megabytes above 0, as 4 or 0.5".to_owned()),
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments, global: &Global) -> Outcome {
    let started = Instant::now();
    let mut total = ImportReport::default();
    let mut paths: Vec<&Path> = Vec::new();
    for path in &arguments.paths {
        match kind_of(path) {
            Ok(Kind::Unknown) => refuse(&mut total, Error::UnknownKind { path: path.clone() }.to_string()),
            Ok(_) => paths.push(path),
            Err(error) => refuse(&mut total, error.to_string()),
        }
    }
    // A mistyped path makes no store.
    if !paths.is_empty() {
        let engram = store(arguments, global)?;
        let mut importer = Importer::new(&engram);
        for path in paths {
            take_in(&mut importer, path, &mut total)
                .inspect_err(|_| summary(&total, started.elapsed(), global))?;
        }
    }
    if global.json {
        let changes = total.changes;
        output::json(&ReportJson {
            added: changes.added,
            updated: changes.updated,
            unchanged: changes.unchanged,
            forgotten: changes.forgotten,
            warnings: &total.warnings,
            more_warnings: total.warnings.left_out(),
            refused: &total.refused,
            more_refused: total.refused.left_out(),
            took_us: started.elapsed().as_micros() as u64,
        })?;
    } else {
        plain(&total, started.elapsed())?;
    }
    Ok(if total.refused.is_empty() { Exit::Done } else { Exit::Refused })
}

fn store(arguments: &Arguments, global: &Global) -> Result<Engram, Failure> {
    let engram = match &arguments.vectors {
        Some(model) => Engram::create_with(global.store(), model)?,
        None => super::create(global)?,
    };
    let engram = arguments.embedder.attach(engram)?;
    Ok(match arguments.commit_every {
        Some(bytes) => engram.with_portion_bytes(bytes),
        None => engram,
    })
}

fn refuse(total: &mut ImportReport, sentence: String) {
    output::error(&sentence);
    total.refused.push(sentence);
}

/// Imports one path. What the path is to blame for does not stop the others.
fn take_in(importer: &mut Importer<'_>, path: &Path, total: &mut ImportReport) -> Result<(), Failure> {
    let mut bar = Bar::of(path);
    let report = importer.import(path, &mut |progress| bar.show(progress));
    drop(bar);
    match report {
        Ok(mut report) => {
            output::notes(&report.refused, "that were refused");
            output::notes(&report.warnings, "warnings");
            total.changes = total.changes.and(report.changes);
            total.refused.append(&mut report.refused);
            total.warnings.append(&mut report.warnings);
        }
        Err(error) if exit_of(&error) == Exit::Refused => {
            if let Error::Incomplete { committed, .. } = &error {
                total.changes = total.changes.and(*committed);
            }
            refuse(total, error.to_string());
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// What had been done before the store failed, on standard error.
fn summary(total: &ImportReport, took: Duration, global: &Global) {
    if !global.json && total.changes.any() {
        output::note(&format!("until then: {}", line(total, took)));
    }
}

fn plain(total: &ImportReport, took: Duration) -> Result<(), Failure> {
    use std::io::Write;
    let mut out = output::plain();
    writeln!(out, "{}", line(total, took))?;
    Ok(out.flush()?)
}

fn line(total: &ImportReport, took: Duration) -> String {
    let changes = total.changes;
    let mut line =
        format!("{} added, {} updated, {} unchanged", changes.added, changes.updated, changes.unchanged);
    if changes.forgotten > 0 {
        line.push_str(&format!(", {} forgotten", changes.forgotten));
    }
    if !total.refused.is_empty() {
        line.push_str(&format!(", {} refused", total.refused.total()));
    }
    format!("{line}, in {}", output::took(took))
}

#[derive(Serialize)]
struct ReportJson<'a> {
    added: u64,
    updated: u64,
    unchanged: u64,
    forgotten: u64,
    warnings: &'a [String],
    more_warnings: u64,
    refused: &'a [String],
    more_refused: u64,
    took_us: u64,
}
