//! The command as a process: bounded in time, killed when a test says so, and told how it ended.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself, with this exit code.
    Code(i32),
    /// By a signal that the test did not send.
    Signal(i32),
    /// By the test, at the moment that it had chosen.
    Killed,
    /// By the test, because it took too long.
    TimedOut,
}

/// What a process left behind.
#[derive(Debug)]
pub struct Ended {
    pub end: End,
    pub out: Vec<u8>,
    pub err: String,
}

impl Ended {
    /// Whether the process ended by itself with this exit code.
    pub fn is(&self, code: i32) -> bool {
        self.end == End::Code(code)
    }

    /// Whether the command failed as it should: every line of standard error is a sentence of its own.
    pub fn is_explained(&self) -> bool {
        !self.err.is_empty() && self.err.lines().all(|line| line.starts_with("engram: "))
    }

    /// Whether the command gave way to others who use the store, and said so in one sentence.
    pub fn is_refusal(&self) -> bool {
        let is_damage = ["damaged", "MDB_", "no store"].iter().any(|sign| self.err.contains(sign));
        self.is(4) && self.is_explained() && self.err.lines().count() == 1 && !is_damage
    }

    /// Whether the command reported a fault of its own.
    pub fn is_panic(&self) -> bool {
        self.is(101) || self.err.contains("fault in engram") || self.err.contains("panicked at")
    }
}

/// The command with arguments, to be run in a folder.
pub fn engram(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_engram"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_remove("ENGRAM_STORE")
        .env_remove("ENGRAM_VAULT")
        .env_remove("CLICOLOR_FORCE");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command to its end; kills it after `limit`.
pub fn run(command: &mut Command, limit: Duration) -> Ended {
    run_until(command, None, limit)
}

/// Runs a command and kills it at the given moment with SIGKILL, if it has not ended by then.
pub fn run_and_kill(command: &mut Command, moment: Duration, limit: Duration) -> Ended {
    run_until(command, Some(moment), limit)
}

fn run_until(command: &mut Command, moment: Option<Duration>, limit: Duration) -> Ended {
    let mut child = command.spawn().unwrap();
    let out = drained(child.stdout.take());
    let err = drained(child.stderr.take());
    let mut ended_by_test = None;
    let mut received = out.recv_timeout(moment.unwrap_or(limit));
    if received == Err(RecvTimeoutError::Timeout) {
        ended_by_test = Some(if moment.is_some() { End::Killed } else { End::TimedOut });
        kill(&mut child);
        // A process that it had started may still hold the pipe.
        received = out.recv_timeout(limit);
    }
    let status = child.wait().unwrap();
    let end = match (status.code(), status.signal(), ended_by_test) {
        // It was done before the signal came.
        (Some(code), _, _) => End::Code(code),
        (None, Some(9), Some(end)) => end,
        (None, signal, _) => End::Signal(signal.unwrap_or_default()),
    };
    let err = err.recv_timeout(limit).unwrap_or_default();
    Ended { end, out: received.unwrap_or_default(), err: String::from_utf8_lossy(&err).into_owned() }
}

fn kill(child: &mut Child) {
    // It may have ended a moment ago, which is no failure.
    let _ = child.kill();
}

/// Everything that comes out of a pipe, once it is closed.
fn drained(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        let _ = sender.send(bytes);
    });
    receiver
}
