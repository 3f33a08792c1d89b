//! `engram reembed`: vectors that are missing, or all of them by another model.

use std::io::Write;
use std::time::Instant;

use clap::Args;
use engram::Reembedding;
use serde::Serialize;

use crate::cli::Global;
use crate::embedder::EmbedderArguments;
use crate::exit::{Exit, Outcome};
use crate::output;
use crate::progress::Counter;

const EXAMPLES: &str = "\
Memories that were put in while the model did not answer get their vectors. Where --embedder names another model than the
store's, or the store makes its own vectors, all memories get new ones; until then those without one are found by words
and names. Vectors are committed as they come, so what was cut off goes on where it stopped.

Examples:
  engram reembed
  engram reembed --embedder openai:http://localhost:11434/v1#nomic-embed-text \\
    --document-prefix 'search_document: ' --query-prefix 'search_query: '
  engram --store notes/.engram reembed --embedder model2vec:models/potion-base-8M

The answer in JSON: {\"model\", \"dimensions\", \"moved_from\", \"embedded\", \"missing\", \"why_missing\", \"took_us\"}";

/// Gives memories without a vector one; with another model, all of them.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The model.
    #[command(flatten)]
    embedder: EmbedderArguments,
}

/// Runs the command.
pub fn run(arguments: &Arguments, global: &Global) -> Outcome {
    let started = Instant::now();
    let engram = super::open(global)?;
    let embedder = arguments.embedder.wanted(&engram)?;
    let counter = Counter::new("embedding");
    let report = engram.reembed(&embedder, &mut |so_far| counter.show(so_far.embedded, so_far.total));
    drop(counter);
    let Reembedding { moved_from, embedded, missing, .. } = report?;
    if let Some(missing) = &missing {
        output::note(&missing.to_string());
    }
    if global.json {
        output::json(&ReportJson {
            model: embedder.name(),
            dimensions: embedder.dimensions(),
            moved_from: moved_from.as_deref(),
            embedded,
            missing: missing.as_ref().map_or(0, |missing| missing.memories),
            why_missing: missing.as_ref().map(|missing| missing.error.to_string()),
            took_us: started.elapsed().as_micros() as u64,
        })?;
    } else {
        let mut out = output::plain();
        let from = moved_from.map(|from| format!(" instead of {from}")).unwrap_or_default();
        writeln!(
            out,
            "{} embedded by {}:{}{from}, in {}",
            output::count(embedded, "memory", "memories"),
            embedder.name(),
            embedder.dimensions(),
            output::took(started.elapsed()),
        )?;
        out.flush()?;
    }
    Ok(if missing.is_none() { Exit::Done } else { Exit::Embedder })
}

#[derive(Serialize)]
struct ReportJson<'a> {
    model: &'a str,
    dimensions: u32,
    moved_from: Option<&'a str>,
    embedded: u64,
    missing: u64,
    why_missing: Option<String>,
    took_us: u64,
}
