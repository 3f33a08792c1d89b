//! Other processes that take turns with this one: Python's libraries, and this program built for the very
//! processor. Requests and replies are lines of JSON on their standard input and output.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::contender::{Contender, Role};
use crate::folder;
use crate::jobs::Job;

/// What a worker is asked for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    /// Load the data of a job and name who can do it.
    Prepare { job: Job },
    /// Do it so many times.
    Call { name: String, times: u64 },
    /// Write what the last call found to a file, as raw `f32`.
    Answer { name: String, file: std::path::PathBuf },
}

/// What a worker says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    Contenders(Vec<Named>),
    Nanoseconds(f64),
    Written,
    Error(String),
}

/// One who can do the job.
#[derive(Debug, Serialize, Deserialize)]
pub struct Named {
    pub name: String,
    pub kind: Kind,
}

/// Its role, as far as a worker knows it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Portable,
    Peer,
    Unlike,
    Limit,
}

/// A running worker.
pub struct Worker {
    child: Child,
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
    /// What its portable kernels stand for.
    portable: Role,
}

impl Worker {
    pub fn start(command: &mut Command, portable: Role) -> Result<Rc<RefCell<Self>>> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {:?}", command.get_program()))?;
        let (Some(requests), Some(replies)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("a worker has no pipes");
        };
        let replies = BufReader::new(replies);
        Ok(Rc::new(RefCell::new(Self { child, requests, replies, portable })))
    }

    fn ask(&mut self, request: &Request) -> Result<Reply> {
        writeln!(self.requests, "{}", serde_json::to_string(request)?)?;
        self.requests.flush()?;
        let mut line = String::new();
        if self.replies.read_line(&mut line)? == 0 {
            bail!("a worker ended: {:?}", self.child.wait()?);
        }
        match serde_json::from_str(&line).with_context(|| format!("a worker said {line:?}"))? {
            Reply::Error(error) => bail!("a worker failed: {error}"),
            reply => Ok(reply),
        }
    }

    pub fn call(&mut self, name: &str, times: u64) -> Result<f64> {
        match self.ask(&Request::Call { name: name.to_owned(), times })? {
            Reply::Nanoseconds(nanoseconds) => Ok(nanoseconds),
            reply => bail!("a worker said {reply:?} to a call"),
        }
    }

    pub fn answer(&mut self, name: &str) -> Result<Vec<f32>> {
        let file = folder::data().join(format!("answer-{}", self.child.id()));
        match self.ask(&Request::Answer { name: name.to_owned(), file: file.clone() })? {
            Reply::Written => {
                let answer = folder::read(&file, usize::MAX)?;
                std::fs::remove_file(&file)?;
                Ok(answer)
            }
            reply => bail!("a worker said {reply:?} when asked for its answer"),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It also ends by itself once its standard input is closed; nothing is lost either way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Everybody whom a worker offers for a job.
pub fn contenders(worker: &Rc<RefCell<Worker>>, job: &Job) -> Result<Vec<Contender>> {
    let (reply, portable) = {
        let mut worker = worker.borrow_mut();
        (worker.ask(&Request::Prepare { job: job.clone() })?, worker.portable)
    };
    let Reply::Contenders(offered) = reply else { bail!("a worker said {reply:?} to a job") };
    Ok(offered
        .into_iter()
        .map(|Named { name, kind }| {
            let role = match kind {
                Kind::Portable => portable,
                Kind::Peer => Role::Peer,
                Kind::Unlike => Role::Unlike,
                Kind::Limit => Role::Limit,
            };
            Contender::remote(name, role, Rc::clone(worker))
        })
        .collect())
}
