//! `engram list`: the memories, one line each.

use std::io::Write;

use clap::Args;
use engram::text::printable_line;
use engram::{Error, Namespace, SourcePattern, StoredMemory};
use serde::Serialize;

use crate::cli::Global;
use crate::exit::{Exit, Failure, Outcome};
use crate::output;
use crate::style::{DIM, TITLE};

/// How much of an untitled memory's text a line shows.
const SHOWN_CHARS: usize = 70;

const EXAMPLES: &str = "\
Examples:
  engram list --limit 20
  engram list --source 'journal/**'
  engram list --json | jq -r '.memories[].id'

The answer in JSON: {\"memories\": [{\"id\", \"title\", \"source\", \"namespace\", \"time\"}]}";

/// Lists the memories by id.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Only memories of this namespace
    #[arg(long, value_name = "NAME", value_parser = super::existing_namespace)]
    namespace: Option<Namespace>,
    /// Only memories whose source fits this pattern: `*` within a folder, `**` across folders
    #[arg(long, value_name = "GLOB")]
    source: Option<SourcePattern>,
    /// At most this many
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

impl Arguments {
    fn fits(&self, stored: &StoredMemory) -> bool {
        let memory = &stored.memory;
        self.namespace.as_ref().is_none_or(|namespace| *namespace == memory.namespace)
            && self.source.as_ref().is_none_or(|glob| memory.source.as_ref().is_some_and(|s| glob.fits(s)))
    }
}

#[derive(Serialize)]
struct Listed<'a> {
    id: &'a str,
    title: Option<&'a str>,
    source: Option<&'a str>,
    namespace: &'a str,
    time: Option<String>,
}

/// Why the walk through the store ended before its end.
enum Stop {
    Limit,
    Failed(Failure),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Runs the command: memories are written as they are read, so that a store of any size can be listed.
pub fn run(arguments: &Arguments, global: &Global) -> Outcome {
    let engram = super::open(global)?;
    let mut listed = 0;
    let limit = arguments.limit.unwrap_or(u64::MAX);
    let mut walk = |write: &mut dyn FnMut(u64, &StoredMemory) -> Result<(), Failure>| {
        let walked = engram.for_each(|stored| {
            if !arguments.fits(&stored) {
                return Ok(());
            }
            if listed >= limit {
                return Err(Stop::Limit);
            }
            write(listed, &stored).map_err(Stop::Failed)?;
            listed += 1;
            Ok(())
        });
        match walked {
            Ok(()) | Err(Stop::Limit) => Ok(()),
            Err(Stop::Failed(failure)) => Err(failure),
        }
    };
    if global.json {
        let mut out = output::raw();
        out.write_all(b"{\"memories\":[")?;
        walk(&mut |at, stored| {
            out.write_all(if at == 0 { b"" } else { b"," })?;
            let memory = &stored.memory;
            output::write_json(
                &mut out,
                &Listed {
                    id: memory.id.as_str(),
                    title: memory.title.as_deref(),
                    source: memory.source.as_deref(),
                    namespace: memory.namespace.as_str(),
                    time: memory.made.map(|time| time.to_string()),
                },
            )
        })?;
        out.write_all(b"]}\n")?;
        out.flush()?;
    } else {
        let mut out = output::plain();
        walk(&mut |_, stored| {
            let id = stored.memory.id.shown();
            Ok(writeln!(out, "{TITLE}{id}{TITLE:#}  {DIM}{}{DIM:#}", line(stored))?)
        })?;
        out.flush()?;
        if listed == 0 {
            output::note(
                "no memory to list; put something in with `engram import PATH` or `engram remember TEXT`",
            );
        }
    }
    Ok(Exit::Done)
}

/// The title of a memory, or how its text begins.
fn line(stored: &StoredMemory) -> String {
    let memory = &stored.memory;
    if let Some(title) = &memory.title {
        return printable_line(title).into_owned();
    }
    let start: String = memory.text.chars().take(4 * SHOWN_CHARS).collect();
    let words = printable_line(&start).split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(SHOWN_CHARS) {
        Some((at, _)) => format!("{}…", &words[..at]),
        None => words,
    }
}
