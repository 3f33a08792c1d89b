//! `engram remember`: one memory, from the command line or standard input.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use engram::{Change, Language, Link, LinkTarget, MemoryId, Namespace, NewMemory, Time, Weight};
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

use super::vector;
use crate::cli::Global;
use crate::embedder::{EmbedderArguments, say_missing};
use crate::exit::{Exit, Failure, Outcome};
use crate::output;

const EXAMPLES: &str = "\
Examples:
  engram remember \"The kettle is descaled on the first of the month.\"
  engram remember --id rogers --title \"Carl Rogers\" --tag psychology \"Founded person-centred therapy.\"
  engram remember --link rogers --link '[[Person-centred therapy]]' \"He taught at Wisconsin.\"
  pbpaste | engram remember -

The answer in JSON: {\"id\", \"change\": \"added\" | \"updated\" | \"unchanged\"}";

/// Puts one memory in, in place of the one with its id; prints the id.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// What to remember, or - to read it from standard input
    #[arg(required = true, value_name = "TEXT")]
    text: Vec<String>,
    /// Its id [default: made from the text, so that the same text is the same memory]
    #[arg(long)]
    id: Option<MemoryId>,
    /// What is known about it besides.
    #[command(flatten)]
    about: About,
    /// The model that embeds it.
    #[command(flatten)]
    embedder: EmbedderArguments,
}

/// What may be said of a memory besides its text; `update` takes the same.
#[derive(Debug, Args)]
pub struct About {
    /// Its title, a name that leads to it
    #[arg(long)]
    pub title: Option<String>,
    /// Another name that leads to it (may be repeated)
    #[arg(long, value_name = "NAME")]
    pub alias: Vec<String>,
    /// A tag (may be repeated)
    #[arg(long)]
    pub tag: Vec<String>,
    /// A memory that it is associated with: an id, or '[[a title]]' (may be repeated)
    #[arg(long, value_name = "ID", value_parser = link_target)]
    pub link: Vec<LinkTarget>,
    /// The part of the store that it belongs to
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<Namespace>,
    /// Where it comes from, such as a path or an address
    #[arg(long)]
    pub source: Option<String>,
    /// When it was made (2026-11-22, 2026-11-22T09:30:00Z) [default: now]
    #[arg(long)]
    pub time: Option<Time>,
    /// The language of the text, as de [default: detected]
    #[arg(long, value_name = "CODE")]
    pub language: Option<Language>,
    /// Its vector, for a store made with `import --vectors`: a file with a JSON array, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub vector: Option<PathBuf>,
}

fn link_target(text: &str) -> Result<LinkTarget, String> {
    match text.strip_prefix("[[").and_then(|rest| rest.strip_suffix("]]")) {
        Some(name) if name.trim().is_empty() => Err("the name between the brackets is empty".to_owned()),
        Some(name) => Ok(LinkTarget::Name(name.trim().to_owned())),
        None => MemoryId::new(text).map(LinkTarget::Id).map_err(|error| error.to_string()),
    }
}

impl About {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        let lists = self.alias.is_empty() && self.tag.is_empty() && self.link.is_empty();
        let places = self.namespace.is_none() && self.source.is_none() && self.time.is_none();
        lists && places && self.title.is_none() && self.language.is_none() && self.vector.is_none()
    }

    /// Writes what is said into a memory; an empty text takes a title, an alias, a tag or a source away.
    pub fn apply(self, memory: &mut NewMemory, vector: Option<Vec<f32>>) {
        let some = |text: String| Some(text).filter(|text| !text.trim().is_empty());
        if let Some(title) = self.title {
            memory.title = some(title);
        }
        if let Some(source) = self.source {
            memory.source = some(source);
        }
        for (list, given) in [(&mut memory.aliases, self.alias), (&mut memory.tags, self.tag)] {
            if !given.is_empty() {
                *list = given.into_iter().filter_map(some).collect();
            }
        }
        if !self.link.is_empty() {
            memory.links = self.link.into_iter().map(|to| Link { to, weight: Weight::ONE }).collect();
        }
        memory.namespace = self.namespace.unwrap_or_else(|| memory.namespace.clone());
        memory.made = self.time.or(memory.made);
        memory.language = self.language.or(memory.language);
        memory.vector = vector.or_else(|| memory.vector.take());
    }

    /// Reads the vector that is named.
    pub fn vector(&self) -> Result<Option<Vec<f32>>, Failure> {
        self.vector.as_deref().map(vector::read).transpose()
    }
}

/// The text that the command line gives, or standard input does.
pub fn text(words: &[String]) -> Result<String, Failure> {
    let text = if words == ["-"] { vector::standard_input()? } else { words.join(" ") };
    if text.trim().is_empty() {
        return Err(Failure::new(Exit::Usage, "the text is empty; say what to remember"));
    }
    Ok(text)
}

/// Runs the command.
pub fn run(arguments: Arguments, global: &Global) -> Outcome {
    let text = text(&arguments.text)?;
    let vector = arguments.about.vector()?;
    let id = match arguments.id {
        Some(id) => id,
        None => id_of(&text, arguments.about.namespace.as_ref())?,
    };
    let mut memory = NewMemory::new(id, text);
    arguments.about.apply(&mut memory, vector);
    let engram = arguments.embedder.attach(super::create(global)?)?;
    let change = engram.remember(&memory)?;
    say_missing(&engram);
    say(&memory.id, change, global)?;
    Ok(Exit::Done)
}

/// An id from the text and the namespace: 80 bits of their hash, in letters and digits.
fn id_of(text: &str, namespace: Option<&Namespace>) -> Result<MemoryId, Failure> {
    const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let namespace = namespace.map_or("default", Namespace::as_str);
    let hash = xxh3_128(format!("{namespace}\0{text}").as_bytes());
    let letter = |at: u32| char::from(LETTERS[(hash >> (5 * at)) as usize % 32]);
    Ok(MemoryId::new((0..16).map(letter).collect::<String>())?)
}

/// Prints what became of a memory.
pub fn say(id: &MemoryId, change: Change, global: &Global) -> Result<(), Failure> {
    if global.json {
        return output::json(&Remembered { id: id.as_str(), change: word(change) });
    }
    let mut out = output::plain();
    writeln!(out, "{}", id.shown())?;
    Ok(out.flush()?)
}

/// A change in one word.
pub fn word(change: Change) -> &'static str {
    match change {
        Change::Added => "added",
        Change::Updated => "updated",
        Change::Unchanged => "unchanged",
    }
}

#[derive(Serialize)]
struct Remembered<'a> {
    id: &'a str,
    change: &'static str,
}
