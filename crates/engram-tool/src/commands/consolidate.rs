//! `engram consolidate`: everything derived is derived anew, with `--rebuild` even where nothing was written, and with
//! `--compact` the file rewritten.

use std::io::Write;
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use crate::cli::Global;
use crate::exit::{Exit, Failure, Outcome};
use crate::output;
use crate::progress::Bar;

const EXAMPLES: &str = "\
It happens by itself when recent writes pass a twentieth of the store. After it, answers no longer depend on the
order in which the memories came.

Examples:
  engram consolidate
  engram forget rogers && engram consolidate --compact
  engram verify || engram consolidate --rebuild

The answer in JSON: {\"rebuilt\", \"compacted\", \"bytes_before\", \"bytes_after\", \"took_us\"}";

/// Derives weights, vectors and names anew.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Also rewrite the file, so that nothing of what was forgotten is left in it; others may use the store meanwhile
    #[arg(long)]
    compact: bool,
    /// Derive everything anew even where nothing was written: mends all damage but to the memories themselves
    #[arg(long)]
    rebuild: bool,
}

#[derive(Serialize)]
struct Consolidated {
    rebuilt: bool,
    compacted: bool,
    bytes_before: u64,
    bytes_after: u64,
    took_us: u64,
}

/// Runs the command.
pub fn run(arguments: &Arguments, global: &Global) -> Outcome {
    let started = Instant::now();
    let mut bar = Bar::new(if arguments.rebuild { "rebuilding" } else { "consolidating" });
    if arguments.rebuild {
        super::report_faults(&global.store());
        let rebuilt = global.options().rebuild_with(global.store(), &mut |progress| bar.show(progress));
        rebuilt.map_err(|error| Failure::new(Exit::Store, error))?;
    }
    let engram = super::open(global)?;
    let (before, after) = if arguments.compact {
        let done = engram.compact_with(&mut |progress| bar.show(progress))?;
        drop(bar);
        if done.old_file_is_open {
            output::note(
                "somebody else has the store open and keeps the old file on the disk; it goes when they use the store \
                 again or close it",
            );
        }
        (done.bytes_before, done.bytes_after)
    } else {
        let before = engram.stats()?.bytes;
        engram.consolidate_with(&mut |progress| bar.show(progress))?;
        drop(bar);
        (before, engram.stats()?.bytes)
    };
    let took = started.elapsed();
    if global.json {
        let (rebuilt, compacted, took_us) = (arguments.rebuild, arguments.compact, took.as_micros() as u64);
        output::json(&Consolidated {
            rebuilt,
            compacted,
            bytes_before: before,
            bytes_after: after,
            took_us,
        })?;
    } else {
        let mut out = output::plain();
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let (before, after, took) = (megabytes(before), megabytes(after), output::took(took));
        writeln!(out, "consolidated in {took}; {before:.1} MB before, {after:.1} MB now")?;
        out.flush()?;
    }
    Ok(Exit::Done)
}
