//! Exit codes, in one place: what a script may rely on, and what ends a command early.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use engram::{Error, InvalidMemory};

/// How a command ended. `--help` shows the same table ([`HELP`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It did what was asked.
    Done = 0,
    /// The answer is no: nothing came back, no memory has the id, or `verify` found problems.
    No = 1,
    /// The command line does not make sense.
    Usage = 2,
    /// Some input could not be used; the rest of it was.
    Refused = 3,
    /// The store is missing, damaged, newer than this Engram, not writable, or out of room.
    Store = 4,
    /// The output could not be written.
    Output = 5,
    /// The embedding model did not answer, and nothing goes without it.
    Embedder = 6,
}

/// The table of exit codes, as `--help` shows it.
pub const HELP: &str = "\
Exit codes:
  0  done
  1  nothing found: no hit, no such id; or `verify` found problems
  2  the command line does not make sense
  3  input was refused: a file, a line or a value; the rest was taken in
  4  the store cannot be used: missing, damaged, of a newer format, not writable, full
  5  the output cannot be written
  6  the embedding model does not answer, and nothing goes without it";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command ended early.
#[derive(Debug)]
pub struct Failure {
    /// The code to end with.
    pub exit: Exit,
    /// One sentence for the user; empty where nothing needs to be said.
    pub sentence: String,
}

/// What running a command gives.
pub type Outcome = Result<Exit, Failure>;

impl Failure {
    /// A failure with a sentence of its own.
    pub fn new(exit: Exit, sentence: impl Display) -> Self {
        Self { exit, sentence: sentence.to_string() }
    }

    /// The failure to write a file that the user named.
    pub fn writing(path: &std::path::Path, error: &io::Error) -> Self {
        Self::new(
            Exit::Output,
            format_args!(
                "{} cannot be written: {error}; check the folder and its free space",
                path.display()
            ),
        )
    }
}

/// The code for an error of the library.
pub fn exit_of(error: &Error) -> Exit {
    match error {
        Error::UnknownId { .. } => Exit::No,
        Error::EmptyCue | Error::Parameter { .. } | Error::Pattern { .. } => Exit::Usage,
        Error::Read(_)
        | Error::Beir(_)
        | Error::Questions(_)
        | Error::NoFolder { .. }
        | Error::UnknownKind { .. }
        | Error::Invalid(_)
        | Error::Dimension { .. }
        | Error::OwnVectors { .. }
        | Error::OtherModel { .. }
        | Error::OtherEmbedder { .. }
        | Error::OtherVault { .. }
        | Error::NoNotes { .. } => Exit::Refused,
        Error::Output(_) => Exit::Output,
        Error::Embedder(_) => Exit::Embedder,
        Error::Incomplete { source, .. } => exit_of(source),
        _ => Exit::Store,
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Output(error) => error.into(),
            error => Self::new(exit_of(&error), error),
        }
    }
}

impl From<InvalidMemory> for Failure {
    fn from(error: InvalidMemory) -> Self {
        Self::new(Exit::Refused, error)
    }
}

/// What went wrong with standard output. A reader that has seen enough (`engram list | head`) is no error.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { exit: Exit::Done, sentence: String::new() };
        }
        Self::new(Exit::Output, format_args!("the output cannot be written: {error}; check where it goes"))
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        io::Error::from(error).into()
    }
}
