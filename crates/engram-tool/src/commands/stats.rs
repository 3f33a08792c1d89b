//! `engram stats`: how large the store is and what it holds.

use std::io::Write;

use engram::Stats;
use engram::text::printable_line;
use serde::Serialize;

use crate::cli::Global;
use crate::exit::{Exit, Failure, Outcome};
use crate::output;
use crate::style::{DIM, TITLE};

/// Runs the command. In JSON: `{"store", "memories", "names", "associations", "terms", "namespaces": [{"name",
/// "memories"}], "languages", "model": {"name", "dimensions", "embedder", "without_vector"}, "generation",
/// "recent_writes", "bytes"}`; the last two of a model only where an embedding model makes vectors.
pub fn run(global: &Global) -> Outcome {
    let engram = super::open(global)?;
    let stats = engram.stats()?;
    let store = engram.folder().display().to_string();
    let model = ModelJson {
        name: &stats.model,
        dimensions: stats.dimensions,
        embedder: engram.embedding()?.and_then(|embedding| embedding.spec),
        without_vector: engram.without_vector()?,
    };
    if global.json {
        output::json(&StatsJson::of(&stats, &store, model))?;
    } else {
        plain(&stats, &store, &model)?;
    }
    Ok(Exit::Done)
}

fn plain(stats: &Stats, store: &str, model: &ModelJson<'_>) -> Result<(), Failure> {
    let mut out = output::plain();
    writeln!(out, "{TITLE}{}{TITLE:#}", printable_line(store))?;
    let mut line =
        |name: &str, value: String| writeln!(out, "{DIM}{name:<13}{DIM:#} {}", printable_line(&value));
    line("memories", stats.memories.to_string())?;
    if stats.namespaces.len() > 1 || stats.namespaces.iter().any(|(name, _)| name != "default") {
        let namespaces = stats.namespaces.iter().map(|(name, memories)| format!("{name} ({memories})"));
        line("namespaces", namespaces.collect::<Vec<_>>().join(", "))?;
    }
    line("names", stats.names.to_string())?;
    line("associations", stats.associations.to_string())?;
    line("terms", stats.terms.to_string())?;
    if !stats.languages.is_empty() {
        line("languages", stats.languages.join(", "))?;
    }
    if !stats.model.is_empty() {
        line("vectors", format!("{}, {} dimensions", stats.model, stats.dimensions))?;
    }
    if let Some(spec) = &model.embedder {
        line("embedder", spec.clone())?;
    }
    if let Some(missing @ 1..) = model.without_vector {
        line("to embed", format!("{}; `engram reembed` does", output::count(missing, "memory", "memories")))?;
    }
    line("consolidated", format!("{}; {} since", times(stats.generation), writes(stats.recent_writes)))?;
    line("size", format!("{:.1} MB", stats.bytes as f64 / 1e6))?;
    Ok(out.flush()?)
}

fn times(number: u64) -> String {
    output::count(number, "time", "times")
}

fn writes(number: u64) -> String {
    output::count(number, "write", "writes")
}

#[derive(Serialize)]
struct StatsJson<'a> {
    store: &'a str,
    memories: u64,
    names: u64,
    associations: u64,
    terms: u64,
    namespaces: Vec<NamespaceJson<'a>>,
    languages: &'a [String],
    model: ModelJson<'a>,
    generation: u64,
    recent_writes: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct NamespaceJson<'a> {
    name: &'a str,
    memories: u64,
}

#[derive(Serialize)]
struct ModelJson<'a> {
    name: &'a str,
    dimensions: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    embedder: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    without_vector: Option<u64>,
}

impl<'a> StatsJson<'a> {
    fn of(stats: &'a Stats, store: &'a str, model: ModelJson<'a>) -> Self {
        let namespaces = stats.namespaces.iter();
        Self {
            store,
            memories: stats.memories,
            names: stats.names,
            associations: stats.associations,
            terms: stats.terms,
            namespaces: namespaces
                .map(|(name, memories)| NamespaceJson { name, memories: *memories })
                .collect(),
            languages: &stats.languages,
            model,
            generation: stats.generation,
            recent_writes: stats.recent_writes,
            bytes: stats.bytes,
        }
    }
}
