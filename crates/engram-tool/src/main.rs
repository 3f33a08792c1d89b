//! The `engram` command: recall from folders of linked notes and from memory stores.

mod cli;
mod commands;
mod embedder;
mod exit;
mod output;
mod progress;
mod style;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        output::error(&format!(
            "this is a fault in engram itself, at {place}; please report it with what you did; the store is as \
             the last commit left it"
        ));
    }));
    // If not, an abort ends the command by its signal.
    #[cfg(unix)]
    let _ = engram::exit_on_abort(
        "engram: there is not enough memory or address space; close some programs, or allow more (`ulimit -v`); the \
         store is as the last commit left it",
        exit::Exit::Store as i32,
    );
    match Cli::try_parse_from(cli::as_commands(std::env::args_os().collect())) {
        Ok(cli) => match commands::run(cli) {
            Ok(exit) => exit.into(),
            Err(failure) => {
                if !failure.sentence.is_empty() {
                    output::error(&failure.sentence);
                }
                failure.exit.into()
            }
        },
        Err(error) => cli::refuse(&error).into(),
    }
}
