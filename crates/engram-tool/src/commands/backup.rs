//! `engram backup`: a copy of the store in a new folder, while others go on using it.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use engram::text::printable_line;
use serde::Serialize;

use crate::cli::Global;
use crate::exit::{Exit, Failure, Outcome};
use crate::output;
use crate::progress::Bar;

const EXAMPLES: &str = "\
The copy is a store like any other. To restore it, copy its folder to where the store was.

Examples:
  engram backup /media/disk/memories-2026-11-28
  engram recall --store /media/disk/memories-2026-11-28 carl rogers

The answer in JSON: {\"folder\", \"bytes\", \"took_us\"}";

/// Copies the store, as it is now, into a new folder; others may use it meanwhile.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The folder to make
    #[arg(value_name = "PATH")]
    path: PathBuf,
}

#[derive(Serialize)]
struct BackedUp {
    folder: String,
    bytes: u64,
    took_us: u64,
}

/// Runs the command.
pub fn run(arguments: &Arguments, global: &Global) -> Outcome {
    let started = Instant::now();
    let engram = super::open(global)?;
    if arguments.path.symlink_metadata().is_ok() {
        let path = arguments.path.display();
        return Err(Failure::new(Exit::Output, format_args!("{path} is there already; name a new folder")));
    }
    let mut bar = Bar::new("backing up");
    let bytes =
        engram.backup_with(&arguments.path, &mut |now| bar.show(now)).map_err(|error| match error {
            engram::Error::File { source, path, .. } => Failure::writing(&path, &source),
            error => error.into(),
        })?;
    drop(bar);
    let (folder, took) = (arguments.path.display().to_string(), started.elapsed());
    if global.json {
        output::json(&BackedUp { folder, bytes, took_us: took.as_micros() as u64 })?;
    } else {
        let mut out = output::plain();
        let megabytes = bytes as f64 / 1e6;
        writeln!(out, "{megabytes:.1} MB in {}, in {}", printable_line(&folder), output::took(took))?;
        out.flush()?;
    }
    Ok(Exit::Done)
}
