//! `engram show`: one memory in full.

use std::borrow::Cow;
use std::io::Write;

use clap::Args;
use engram::text::{printable, printable_line};
use engram::{Error, Link, LinkTarget, MemoryId, StoredMemory, Weight};

use crate::cli::Global;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{self, Plain};
use crate::style::{DIM, TITLE};

const EXAMPLES: &str = "\
Examples:
  engram show rogers
  engram show notes/kernels.md --json

The answer in JSON is the memory as `export` writes it: {\"id\", \"title\", \"text\", \"links\", \"time\", …}";

/// Shows one memory in full.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The memory's id
    #[arg(value_parser = super::existing_id)]
    id: MemoryId,
}

/// Runs the command.
pub fn run(arguments: &Arguments, global: &Global) -> Outcome {
    let engram = super::open(global)?;
    let id = engram.resolve(arguments.id.as_str())?;
    let stored = engram.get(&id)?.ok_or(Error::UnknownId { id })?;
    if global.json {
        let mut line = Vec::new();
        engram::import::jsonl::write(&mut line, &stored)?;
        let mut out = output::raw();
        out.write_all(output::escaped(&String::from_utf8_lossy(&line)).as_bytes())?;
        out.flush()?;
    } else {
        plain(&stored)?;
    }
    Ok(Exit::Done)
}

fn plain(stored: &StoredMemory) -> Result<(), Failure> {
    let (memory, history) = (&stored.memory, &stored.history);
    let mut out = output::plain();
    let id = memory.id.shown();
    writeln!(out, "{TITLE}{}{TITLE:#}", printable_line(memory.title.as_deref().unwrap_or(&id)))?;
    field(&mut out, "id", &id)?;
    field(&mut out, "aliases", &memory.aliases.join(", "))?;
    field(&mut out, "tags", &memory.tags.join(", "))?;
    field(&mut out, "source", memory.source.as_deref().unwrap_or_default())?;
    field(&mut out, "namespace", &memory.namespace.shown())?;
    field(&mut out, "made", &memory.made.map(|time| time.to_string()).unwrap_or_default())?;
    if let Some(last) = history.last_recalled {
        let times = output::count(history.recalls.into(), "time", "times");
        field(&mut out, "recalled", &format!("{times}, last at {last}"))?;
    }
    field(&mut out, "stability", &format!("{:.0} days", history.stability_seconds / 86_400.0))?;
    if memory.strength != 1.0 {
        field(&mut out, "strength", &memory.strength.to_string())?;
    }
    field(&mut out, "language", memory.language.map(|language| language.code()).unwrap_or_default())?;
    field(&mut out, "section of", &shown(memory.section_of.as_ref()))?;
    field(&mut out, "follows", &shown(memory.follows.as_ref()))?;
    let links: Vec<String> = memory.links.iter().map(link).collect();
    field(&mut out, "links", &links.join(", "))?;
    if let Some(vector) = &memory.vector {
        field(&mut out, "vector", &format!("{} numbers", vector.len()))?;
    }
    writeln!(out, "\n{}", printable(&memory.text).trim_end())?;
    Ok(out.flush()?)
}

fn field(out: &mut Plain, name: &str, value: &str) -> Result<(), Failure> {
    if !value.is_empty() {
        writeln!(out, "{DIM}{name:<11}{DIM:#} {}", printable_line(value))?;
    }
    Ok(())
}

fn shown(id: Option<&MemoryId>) -> Cow<'_, str> {
    id.map(MemoryId::shown).unwrap_or_default()
}

fn link(link: &Link) -> String {
    let to = match &link.to {
        LinkTarget::Id(id) => id.shown().into_owned(),
        LinkTarget::Name(name) => format!("[[{name}]]"),
    };
    if link.weight == Weight::ONE { to } else { format!("{to} (weight {})", link.weight.get()) }
}
