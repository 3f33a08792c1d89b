//! `engram recall`: from a cue to the memories associated with it.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};
use engram::{Cue, Engram, Mode, Namespace, Recollection, Time, Vault};

use super::{answer, vector};
use crate::cli::Global;
use crate::embedder::EmbedderArguments;
use crate::exit::{Exit, Failure, Outcome};
use crate::output;
use crate::progress::Bar;

const EXAMPLES: &str = "\
Examples:
  engram recall --vault notes \"what did we decide about the lanes?\"
  engram recall --explain -k 3 carl rogers
  engram recall --source 'journal/**' --since 2026-01-01 the garden
  engram recall --json lanes | jq '.hits[].id'
  engram recall --vault notes --embedder openai:http://localhost:11434/v1#nomic-embed-text the lanes

The answer in JSON:
  {\"cue\": …, \"took_us\": …, \"hits\": [{\"id\", \"title\", \"source\", \"snippet\", \"score\", \"weak\", \"why\": {
    \"activation\", \"direct\", \"retention\", \"seed\": {\"words\", \"vectors\"}, \"words\", \"similarity\",
    \"path\": [{\"kind\": \"cue\" | \"name\" | \"memory\", \"name\" | \"id\", \"title\"}]}}]}
  and \"notes\": […] where it had to do without something, as the cue's vector.";

/// Brings back the memories associated with a cue, best first, each with why it came back.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// A question or a few words
    #[arg(required = true, value_name = "CUE")]
    cue: Vec<String>,
    /// How many memories are wanted
    #[arg(short, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    k: u32,
    /// Show the arithmetic of each hit, and the way that activation took to it
    #[arg(long)]
    explain: bool,
    /// Judge forgetting at this time instead of now
    #[arg(long, value_name = "TIME")]
    at: Option<Time>,
    /// Only memories of this namespace
    #[arg(long, value_name = "NAME", value_parser = super::existing_namespace)]
    namespace: Option<Namespace>,
    /// Only memories whose source fits this pattern: `*` within a folder, `**` across folders
    #[arg(long, value_name = "GLOB")]
    source: Option<String>,
    /// Only memories made at this time or later (2026-11-22, 2026-11-22T09:30:00Z)
    #[arg(long, value_name = "TIME")]
    since: Option<Time>,
    /// Only memories made before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Time>,
    /// Make the hits last longer, as recalling does
    #[arg(long)]
    reinforce: bool,
    /// Drop hits of a lower score
    #[arg(long, value_name = "SCORE", default_value_t = 0.0, value_parser = score)]
    min_score: f32,
    /// What the recall goes by
    #[arg(long, value_enum, default_value_t = RecallMode::Recall)]
    mode: RecallMode,
    /// The cue's vector, for a store made with `import --vectors`: a file with a JSON array, or - for standard input
    #[arg(long, value_name = "FILE")]
    vector: Option<PathBuf>,
    /// The model that embeds the cue, and a vault's notes.
    #[command(flatten)]
    embedder: EmbedderArguments,
}

/// What a recall goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RecallMode {
    /// Words, vector and names, spreading activation, forgetting
    Recall,
    /// Words alone: BM25
    Words,
    /// The vector alone: cosine similarity
    Vectors,
}

impl From<RecallMode> for Mode {
    fn from(mode: RecallMode) -> Self {
        match mode {
            RecallMode::Recall => Self::Associative,
            RecallMode::Words => Self::Words,
            RecallMode::Vectors => Self::Vectors,
        }
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments, global: &Global) -> Outcome {
    let cue = cue(arguments)?;
    let place = global.place();
    let recollection = match &place.vault {
        Some(folder) => {
            let options = global.options();
            super::report_faults(&place.store);
            let vault = if place.store == folder.join(engram::STORE_FOLDER) {
                options.open_vault(folder)?
            } else {
                options.open_vault_with_store(folder, &place.store)?
            };
            super::say_if_made_private(vault.engram());
            in_step(vault, folder, arguments, &cue)?
        }
        None => {
            let engram = super::open(global)?;
            match place
                .store
                .parent()
                .filter(|_| !place.is_named && engram.is_of_its_folder().unwrap_or(false))
            {
                // The working directory has an empty name.
                Some(folder) => {
                    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
                    drop(engram);
                    in_step(global.options().open_vault(folder)?, folder, arguments, &cue)?
                }
                None => recalled(&arguments.embedder.attach(engram)?, &cue)?,
            }
        }
    };
    if global.json {
        answer::json(&cue, &recollection)?;
    } else {
        answer::plain(&cue, &recollection, arguments.explain)?;
    }
    Ok(if recollection.hits.is_empty() { Exit::No } else { Exit::Done })
}

/// Takes in what has changed in a folder of notes, and recalls from it.
fn in_step(vault: Vault, folder: &Path, arguments: &Arguments, cue: &Cue) -> Result<Recollection, Failure> {
    let vault = arguments.embedder.attach_to_vault(vault)?;
    synchronise(&vault, folder)?;
    recalled(vault.engram(), cue)
}

fn cue(arguments: &Arguments) -> Result<Cue, Failure> {
    let mut cue = Cue::new(arguments.cue.join(" "))
        .k(arguments.k as usize)
        .mode(arguments.mode.into())
        .reinforce(arguments.reinforce);
    if cue.text.trim().is_empty() && arguments.vector.is_none() {
        return Err(engram::Error::EmptyCue.into());
    }
    cue.min_score = arguments.min_score;
    cue.namespace = arguments.namespace.clone();
    cue.source = arguments.source.clone();
    (cue.since, cue.until, cue.at) = (arguments.since, arguments.until, arguments.at);
    cue.vector = arguments.vector.as_deref().map(vector::read).transpose()?;
    Ok(cue)
}

/// Reads a score.
fn score(text: &str) -> Result<f32, String> {
    let score = text.parse::<f32>().ok().filter(|score| score.is_finite());
    score.ok_or_else(|| "not a number".to_owned())
}

/// Recalls, and says what to try where nothing came back.
fn recalled(engram: &Engram, cue: &Cue) -> Result<Recollection, Failure> {
    let recollection = engram.recall(cue)?;
    recollection.notes.iter().for_each(|sentence| output::note(sentence));
    if recollection.hits.is_empty() {
        let store = engram.folder().display();
        let bounded =
            cue.namespace.is_some() || cue.source.is_some() || cue.since.is_some() || cue.until.is_some();
        output::note(&if is_empty(engram)? {
            format!(
                "the store {store} is empty; put something in with `engram import PATH` or `engram remember TEXT`"
            )
        } else if bounded {
            "nothing came back within these bounds; try without --namespace, --source, --since and --until"
                .to_owned()
        } else {
            "nothing came back; try other words, or a name that the memories hold (`engram list` shows them)"
                .to_owned()
        });
    }
    let weak = recollection.hits.iter().filter(|hit| hit.is_weak).count();
    if weak > 0 {
        output::note(&match weak {
            1 => "the last memory is a weak one: little speaks for it".to_owned(),
            _ => format!("the last {weak} memories are weak: little speaks for them"),
        });
    }
    Ok(recollection)
}

fn is_empty(engram: &Engram) -> Result<bool, Failure> {
    Ok(engram.stats()?.memories == 0)
}

/// Takes in what has changed in a vault, and says so in one line if anything has.
fn synchronise(vault: &Vault, folder: &Path) -> Result<(), Failure> {
    let started = Instant::now();
    let mut bar = Bar::of(folder);
    let report = vault.synchronise(&mut |progress| bar.show(progress))?;
    drop(bar);
    output::notes(&report.refused, "files that could not be read");
    output::notes(&report.warnings, "warnings");
    let changes = report.changes;
    if changes.any() {
        output::note(&format!(
            "{}: {} added, {} updated, {} forgotten, in {}",
            folder.display(),
            changes.added,
            changes.updated,
            changes.forgotten,
            output::took(started.elapsed()),
        ));
    }
    Ok(())
}
