//! `engram verify`: everything in the store is read and checked, in a process of its own.
//!
//! A damaged file can kill whoever reads it through a memory map. So the command starts itself again with a
//! hidden flag, and the death of that child is one more thing that the check has found.

use std::io::Write;
use std::process::{Command, ExitStatus, Output, Stdio};

use clap::Args;
use engram::text::printable_line;
use serde::{Deserialize, Serialize};

use crate::cli::Global;
use crate::exit::{Exit, Failure, Outcome, exit_of};
use crate::output;
use crate::progress::Spinner;

const EXAMPLES: &str = "\
Example:
  engram verify || engram consolidate --rebuild
  engram verify || engram export rescued.jsonl

The answer in JSON: {\"memories\", \"entries\", \"rebuilt\", \"problems\": […]}. `rebuilt` says whether everything
derived was compared with what the memories give, which a store that was consolidated allows.";

/// Checks everything in the store; exit code 1 where it finds problems.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Check in this process.
    #[arg(long, hide = true)]
    here: bool,
}

#[derive(Serialize, Deserialize, Default)]
struct Checked {
    memories: u64,
    entries: u64,
    rebuilt: bool,
    problems: Vec<String>,
}

/// Runs the command.
pub fn run(arguments: &Arguments, global: &Global) -> Outcome {
    if arguments.here {
        let checked = check(global)?;
        output::json(&checked)?;
        return Ok(exit(&checked));
    }
    let spinner = Spinner::new("checking");
    let child = std::env::current_exe()
        .and_then(|program| {
            Command::new(program)
                .arg("verify")
                .args(["--here", "--color", "never", "--store"])
                .arg(global.store())
                .stdin(Stdio::null())
                .output()
        })
        .map_err(|error| {
            let sentence = "the check cannot be started";
            let way_out =
                "close some programs, or allow more open files and processes (`ulimit -n`, `ulimit -u`)";
            Failure::new(Exit::Store, format_args!("{sentence}: {error}; {way_out}"))
        })?;
    drop(spinner);
    let checked = read(&child)?;
    if global.json {
        output::json(&checked)?;
    } else {
        plain(&checked)?;
    }
    if !checked.problems.is_empty() {
        let problems = output::count(checked.problems.len() as u64, "problem", "problems");
        output::error(&format!(
            "the store {} has {problems}; `engram consolidate --rebuild` mends all but the memories themselves; else restore it \
             from a backup, or save what can be read with `engram export FILE`",
            global.store().display()
        ));
    }
    Ok(exit(&checked))
}

fn exit(checked: &Checked) -> Exit {
    if checked.problems.is_empty() { Exit::Done } else { Exit::No }
}

fn check(global: &Global) -> Result<Checked, Failure> {
    let engram = super::open(global)?;
    let found = match engram.verify() {
        Ok(found) => found,
        // The store opens, and something in it cannot be read: that is what was to be found out.
        Err(error) if exit_of(&error) == Exit::Store => {
            return Ok(Checked { problems: vec![error.to_string()], ..Checked::default() });
        }
        Err(error) => return Err(error.into()),
    };
    let (memories, entries, rebuilt) = (found.memories, found.entries, found.rebuilt);
    Ok(Checked { memories, entries, rebuilt, problems: found.problems })
}

/// What the child found; or that it could not open the store; or how it died.
fn read(child: &Output) -> Result<Checked, Failure> {
    if let Ok(checked) = serde_json::from_slice::<Checked>(&child.stdout) {
        return Ok(checked);
    }
    let said = String::from_utf8_lossy(&child.stderr);
    if child.status.code() == Some(Exit::Store as i32) {
        return Err(Failure::new(Exit::Store, said.trim().trim_start_matches("engram: ")));
    }
    #[cfg(unix)]
    if let Some(signal @ (1 | 2 | 3 | 9 | 15)) = std::os::unix::process::ExitStatusExt::signal(&child.status)
    {
        // No page of a store sends these: somebody does, or the system that is short of memory.
        return Err(Failure::new(
            Exit::Store,
            format_args!(
                "the check was stopped with signal {signal}, by somebody or for want of memory, and says nothing of \
                 the store; run it again"
            ),
        ));
    }
    Ok(Checked { problems: vec![death(child.status)], ..Checked::default() })
}

fn death(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let name = match signal {
            4 => " (SIGILL)",
            6 => " (SIGABRT)",
            8 => " (SIGFPE)",
            11 => " (SIGSEGV)",
            7 if cfg!(target_os = "linux") => " (SIGBUS)",
            10 if cfg!(not(target_os = "linux")) => " (SIGBUS)",
            _ => "",
        };
        return format!(
            "reading the store killed the check with signal {signal}{name}: its pages are damaged"
        );
    }
    format!("the check ended early ({status}): the store is damaged in a way that it has no sentence for")
}

fn plain(checked: &Checked) -> Result<(), Failure> {
    let mut out = output::plain();
    if checked.problems.is_empty() {
        let memories = output::count(checked.memories, "memory", "memories");
        let derived = if checked.rebuilt { ", and all that is derived from them" } else { "" };
        writeln!(out, "no problems: {memories} in {} entries{derived}", checked.entries)?;
    }
    for problem in &checked.problems {
        writeln!(out, "{}", printable_line(problem))?;
    }
    Ok(out.flush()?)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_a_death_that_the_store_can_cause_is_damage() {
        let died = |signal| {
            let status = std::os::unix::process::ExitStatusExt::from_raw(signal);
            read(&Output { status, stdout: Vec::new(), stderr: Vec::new() })
        };
        assert!(died(11).unwrap().problems[0].contains("its pages are damaged"));
        for signal in [9, 15] {
            let failure = died(signal).err().unwrap();
            assert!(failure.exit == Exit::Store && failure.sentence.contains("run it again"), "{failure:?}");
        }
    }
}
