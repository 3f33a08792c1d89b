//! The command line: global options, the commands, and how a wrong one is answered.
//!
//! Each command's own flags stand in its file in `commands/`, next to what they do.

use std::borrow::Cow;
use std::io::Write;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use engram::text::abridged;

use engram::OpenOptions;

use crate::commands::{
    backup, change, consolidate, eval, export, import, kernels, list, recall, reembed, remember, show, verify,
};
use crate::exit::{self, Exit, Failure};
use crate::{output, style};

/// How much of a value an error quotes.
const MAX_QUOTED_BYTES: usize = 200;

/// The environment variable that names the store where `--store` does not.
pub const STORE_VARIABLE: &str = "ENGRAM_STORE";
/// The environment variable that stands for `--shared`.
pub const SHARED_VARIABLE: &str = "ENGRAM_SHARED";
/// The store where neither does.
const DEFAULT_STORE: &str = ".engram";

const EXAMPLES: &str = "\
Examples:
  engram recall --vault notes \"what did we decide about the lanes?\"
  engram import notes library.jsonl
  engram remember --title \"Carl Rogers\" \"Founded person-centred therapy.\"
  engram recall --explain who founded person-centred therapy
  engram export memories.jsonl";

/// An associative memory: put in notes, facts and documents; a cue brings back what is associated with it.
#[derive(Debug, Parser)]
#[command(name = "engram", version, styles = style::HELP, max_term_width = 100)]
#[command(arg_required_else_help = true, disable_help_flag = true, disable_help_subcommand = true)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", exit::HELP))]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// The folder of the store [default: $ENGRAM_STORE, or ./.engram]
    #[arg(long, global = true, value_name = "PATH", help_heading = "Global options")]
    pub store: Option<PathBuf>,
    /// Use a store that other users may use too: leave its owner and permissions alone [default: $ENGRAM_SHARED]
    #[arg(long, global = true, help_heading = "Global options")]
    pub shared: bool,
    /// Answer in JSON
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// Use colours [default: auto]
    #[arg(long, global = true, value_name = "WHEN", help_heading = "Global options")]
    pub color: Option<When>,
    /// Print help
    #[arg(short, long, global = true, action = ArgAction::HelpShort, help_heading = "Global options")]
    help: Option<bool>,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum When {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Global {
    /// The store's folder: the option, the environment, or the usual place.
    pub fn store(&self) -> PathBuf {
        let named = || std::env::var_os(STORE_VARIABLE).filter(|name| !name.is_empty()).map(PathBuf::from);
        self.store.clone().or_else(named).unwrap_or_else(|| PathBuf::from(DEFAULT_STORE))
    }

    /// How the store is opened. One that nobody named lies in the working directory, which others may write to.
    pub fn options(&self) -> OpenOptions {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
        let is_named = self.store.is_some() || is_set(STORE_VARIABLE);
        OpenOptions::new()
            .shared(self.shared || is_set(SHARED_VARIABLE))
            .no_follow(!is_named)
            .check_pages(true)
    }

    /// Tells the output streams about `--color`.
    pub fn apply_color(&self) {
        match self.color {
            Some(When::Always) => anstream::ColorChoice::Always.write_global(),
            Some(When::Never) => anstream::ColorChoice::Never.write_global(),
            Some(When::Auto) | None => {}
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bring back what is associated with a cue, each with why
    Recall(recall::Arguments),
    /// Take in notes, text, JSON lines or BEIR folders; again only what is new or has changed
    Import(import::Arguments),
    /// Put one memory in; prints its id
    Remember(remember::Arguments),
    /// Change parts of a memory
    Update(change::UpdateArguments),
    /// Associate one memory with another
    Link(change::LinkArguments),
    /// Take memories out, with everything that was derived from them
    Forget(change::ForgetArguments),
    /// Show one memory in full
    Show(show::Arguments),
    /// List the memories
    List(list::Arguments),
    /// Say how large the store is and what it holds
    Stats,
    /// Write every memory as JSON lines, from which `import` makes the same store again
    Export(export::Arguments),
    /// Copy the store, as it is now, into a new folder
    Backup(backup::Arguments),
    /// Derive weights, vectors and names anew; it also happens by itself
    Consolidate(consolidate::Arguments),
    /// Fill in vectors that an embedding model still owes, or move the store to another model
    Reembed(reembed::Arguments),
    /// Check everything in the store
    Verify(verify::Arguments),
    /// Measure recall by questions with known answers, on notes, a BEIR folder or a store
    Eval(eval::Arguments),
    /// Show which kernels run here; check them against each other, time them
    Kernels(kernels::Arguments),
}

/// Answers a command line that cannot be used, or one that asks for help.
pub fn refuse(error: &clap::Error) -> Exit {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let mut out = output::plain();
            match write!(out, "{}", error.render().ansi()).and_then(|()| out.flush()).map_err(Failure::from) {
                Err(Failure { exit, sentence }) if exit != Exit::Done => {
                    output::error(&sentence);
                    exit
                }
                _ => Exit::Done,
            }
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = write!(anstream::stderr().lock(), "{}", error.render().ansi());
            Exit::Usage
        }
        _ => {
            output::error(&sentence(error));
            Exit::Usage
        }
    }
}

/// What clap says in a paragraph, as one sentence.
fn sentence(error: &clap::Error) -> String {
    let mut text = error.render().to_string();
    for (_, value) in error.context() {
        // A value that fills the terminal says no more than its two ends.
        if let ContextValue::String(value) = value
            && let Cow::Owned(short) = abridged(value, MAX_QUOTED_BYTES)
        {
            text = text.replace(value.as_str(), &short);
        }
    }
    let what = text.strip_prefix("error: ").unwrap_or(&text);
    let mut parts = what.split("\n\n");
    let mut sentence = joined(parts.next().unwrap_or_default());
    for tip in parts.filter_map(|part| part.trim_start().strip_prefix("tip: ")) {
        sentence.push_str("; ");
        sentence.push_str(&joined(tip));
    }
    let command = match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => command_of(&usage.to_string()),
        _ => "engram".to_owned(),
    };
    format!("{sentence}; `{command} --help` shows what it takes")
}

fn joined(lines: &str) -> String {
    lines.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `engram recall` of `Usage: engram recall [OPTIONS] …`.
fn command_of(usage: &str) -> String {
    let words = usage.trim_start_matches("Usage:").split_whitespace();
    let name = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase());
    let command = words.take_while(name).take(2).collect::<Vec<_>>().join(" ");
    if command.is_empty() { "engram".to_owned() } else { command }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
