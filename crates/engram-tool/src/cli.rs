//! The command line: global options, the commands, and how a wrong one is answered.
//!
//! Each command's own flags stand in its file in `commands/`, next to what they do.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use engram::text::abridged;

use engram::{OpenOptions, STORE_FOLDER};

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
/// The environment variable that names the folder of notes where `--vault` does not.
pub const VAULT_VARIABLE: &str = "ENGRAM_VAULT";

const EXAMPLES: &str = "\
Examples:
  engram recall --vault notes \"what did we decide about the lanes?\"
  engram \"what did we decide about the lanes?\"
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
    /// The folder of the store [default: $ENGRAM_STORE, or .engram here or in a folder above]
    #[arg(long, global = true, value_name = "PATH", help_heading = "Global options")]
    pub store: Option<PathBuf>,
    /// A folder of notes; its store is DIR/.engram, unless --store names another [default: $ENGRAM_VAULT]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub vault: Option<PathBuf>,
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

/// Where a store is.
pub struct Place {
    /// Its folder.
    pub store: PathBuf,
    /// The folder of notes that it keeps, where one was named.
    pub vault: Option<PathBuf>,
    /// Whether somebody named it.
    pub is_named: bool,
}

/// The working directory, or the nearest folder above it that has a store. Folders that others own or may write to are
/// passed over.
fn nearest() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let mut above = here.ancestors().skip(1);
    match here.join(STORE_FOLDER).symlink_metadata() {
        // Whatever has the name here is looked at when it is opened.
        Ok(_) => PathBuf::new(),
        Err(_) => above
            .find(|folder| is_own(folder) && is_own(&folder.join(STORE_FOLDER)))
            .map_or_else(PathBuf::new, Path::to_owned),
    }
}

/// Whether a folder belongs to this user and nobody else may write to it.
#[cfg(unix)]
fn is_own(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let found = folder.symlink_metadata();
    found.is_ok_and(|found| {
        found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o022 == 0
    })
}

#[cfg(not(unix))]
fn is_own(folder: &Path) -> bool {
    folder.is_dir()
}

/// The command line as clap takes it. A question by itself is a cue: one argument of several words, so that a mistyped
/// command never becomes one. `help COMMAND` is `COMMAND --help`.
pub fn as_commands(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let is_question = |argument: &OsString| {
        let text = argument.to_string_lossy();
        !text.starts_with('-') && text.split_whitespace().nth(1).is_some()
    };
    if arguments.len() == 2 && is_question(&arguments[1]) {
        arguments.insert(1, "recall".into());
    }
    if arguments.get(1).is_some_and(|first| first == "help") && arguments.len() <= 3 {
        arguments.remove(1);
        arguments.push("--help".into());
    }
    arguments
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
    /// Returns the store's folder: by the options, by the environment, or in the nearest folder that has one.
    pub fn store(&self) -> PathBuf {
        self.place().store
    }

    /// Returns where the store is, and whose notes it keeps as far as the command line and the environment say.
    pub fn place(&self) -> Place {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let (mut store, mut vault) = (self.store.clone(), self.vault.clone());
        // Flags go before variables.
        if store.is_none() && vault.is_none() {
            (store, vault) = (variable(STORE_VARIABLE), variable(VAULT_VARIABLE));
        }
        match (store, vault) {
            (Some(store), vault) => Place { store, vault, is_named: true },
            (None, Some(vault)) => {
                Place { store: vault.join(STORE_FOLDER), vault: Some(vault), is_named: true }
            }
            (None, None) => Place { store: nearest().join(STORE_FOLDER), vault: None, is_named: false },
        }
    }

    /// How the store is opened. Others may have put there what nobody named.
    pub fn options(&self) -> OpenOptions {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
        let is_named = self.place().is_named;
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
