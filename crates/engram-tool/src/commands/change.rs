//! `engram update`, `link` and `forget`: changing what is there.

use std::io::Write;

use clap::Args;
use engram::{Error, MemoryId, Weight};
use serde::Serialize;

use super::remember::{About, say, text, word};
use crate::cli::Global;
use crate::embedder::{EmbedderArguments, say_missing};
use crate::exit::{Exit, Failure, Outcome};
use crate::output;

const UPDATE_EXAMPLES: &str = "\
What is not named stays. A list that is named (--alias, --tag, --link) replaces the old one; '' takes a title,
a source, the aliases or the tags away.

Examples:
  engram update rogers --title \"Carl Ransom Rogers\" --alias Rogers
  engram update rogers --text \"He founded person-centred therapy in the 1940s.\"

The answer in JSON: {\"id\", \"change\": \"updated\" | \"unchanged\"}";

/// Changes parts of a memory.
#[derive(Debug, Args)]
#[command(after_help = UPDATE_EXAMPLES)]
pub struct UpdateArguments {
    /// The memory's id
    #[arg(value_parser = super::existing_id)]
    id: MemoryId,
    /// What it shall say, or - to read it from standard input
    #[arg(long)]
    text: Option<String>,
    /// What else shall change.
    #[command(flatten)]
    about: About,
    /// The model that embeds it.
    #[command(flatten)]
    embedder: EmbedderArguments,
}

/// Runs `engram update`.
pub fn update(arguments: UpdateArguments, global: &Global) -> Outcome {
    if arguments.text.is_none() && arguments.about.is_empty() {
        let sentence =
            "nothing to change was named; give --text, --title, --tag or another (`engram update --help`)";
        return Err(Failure::new(Exit::Usage, sentence));
    }
    let new = arguments.text.map(|given| text(&[given])).transpose()?;
    let vector = arguments.about.vector()?;
    let engram = arguments.embedder.attach(super::open(global)?)?;
    let id = engram.resolve(arguments.id.as_str())?;
    let change = engram.update(&id, |memory| {
        if let Some(new) = new {
            memory.text = new;
        }
        arguments.about.apply(memory, vector);
    })?;
    say_missing(&engram);
    say(&id, change, global)?;
    Ok(Exit::Done)
}

const LINK_EXAMPLES: &str = "\
Examples:
  engram link rogers therapy
  engram link rogers therapy --weight 3

The answer in JSON: {\"from\", \"to\", \"weight\", \"change\": \"updated\" | \"unchanged\"}";

/// Associates one memory with another, in place of a link that was there.
#[derive(Debug, Args)]
#[command(after_help = LINK_EXAMPLES)]
pub struct LinkArguments {
    /// The memory that the link leads from
    #[arg(value_parser = super::existing_id)]
    from: MemoryId,
    /// The memory that it leads to
    #[arg(value_parser = super::existing_id)]
    to: MemoryId,
    /// How strongly: above 0, at most 1000
    #[arg(long, default_value = "1", value_parser = weight, allow_hyphen_values = true)]
    weight: Weight,
}

fn weight(text: &str) -> Result<Weight, String> {
    let number: f32 = text.parse().map_err(|_| "it is no number; a weight is above 0 and at most 1000")?;
    Weight::new(number).map_err(|error| error.to_string())
}

#[derive(Serialize)]
struct Linked<'a> {
    from: &'a str,
    to: &'a str,
    weight: f32,
    change: &'static str,
}

/// Runs `engram link`.
pub fn link(arguments: &LinkArguments, global: &Global) -> Outcome {
    let engram = super::open(global)?;
    let (from, to) = (engram.resolve(arguments.from.as_str())?, engram.resolve(arguments.to.as_str())?);
    let change = engram.link(&from, &to, arguments.weight)?;
    if global.json {
        let (from, to) = (from.as_str(), to.as_str());
        output::json(&Linked { from, to, weight: arguments.weight.get(), change: word(change) })?;
    } else {
        let mut out = output::plain();
        writeln!(out, "{} → {}", from.shown(), to.shown())?;
        out.flush()?;
    }
    Ok(Exit::Done)
}

const FORGET_EXAMPLES: &str = "\
The file's free pages keep old bytes until they are written over; `engram consolidate --compact` leaves them behind.

Examples:
  engram forget rogers
  engram list --source 'old/**' --json | jq -r '.memories[].id' | xargs -d '\\n' engram forget

The answer in JSON: {\"forgotten\": […], \"unknown\": […]}";

/// Takes memories out, with their words, names, vectors and associations.
#[derive(Debug, Args)]
#[command(after_help = FORGET_EXAMPLES)]
pub struct ForgetArguments {
    /// The memories' ids
    #[arg(required = true, value_name = "ID", value_parser = super::existing_id)]
    ids: Vec<MemoryId>,
}

#[derive(Serialize)]
struct Forgotten<'a> {
    forgotten: Vec<&'a str>,
    unknown: Vec<&'a str>,
}

/// Runs `engram forget`: all of them in one transaction.
pub fn forget(arguments: &ForgetArguments, global: &Global) -> Outcome {
    let engram = super::open(global)?;
    let mut result = Forgotten { forgotten: Vec::new(), unknown: Vec::new() };
    let ids = arguments.ids.iter().map(|id| engram.resolve(id.as_str())).collect::<Result<Vec<_>, _>>()?;
    for id in &ids {
        let known = engram.get(id)?.is_some();
        let list = if known { &mut result.forgotten } else { &mut result.unknown };
        if !list.contains(&id.as_str()) {
            list.push(id.as_str());
        }
    }
    engram.apply(&[], &ids)?;
    for id in ids.iter().filter(|id| result.unknown.contains(&id.as_str())) {
        output::error(&Error::UnknownId { id: id.clone() }.to_string());
    }
    if global.json {
        output::json(&result)?;
    } else {
        let mut out = output::plain();
        writeln!(out, "{} forgotten", output::count(result.forgotten.len() as u64, "memory", "memories"))?;
        out.flush()?;
    }
    Ok(if result.unknown.is_empty() { Exit::Done } else { Exit::No })
}
