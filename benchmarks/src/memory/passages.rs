//! Passages and vectors in files, where Python's peers find them.

use std::hash::{Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rustc_hash::FxHasher;
use serde::{Deserialize, Serialize};

use super::sets::Set;
use crate::folder;

/// The dimension of all-MiniLM-L6-v2.
pub const DIMENSIONS: usize = 384;

/// The vectors of a set's passages and questions.
pub struct Vectors {
    pub passages: PathBuf,
    pub questions: PathBuf,
    pub cost: Embedding,
}

/// What embedding cost, beside what everybody took.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Embedding {
    pub passages_seconds: f64,
    /// The median of the questions, one by one.
    pub question_nanoseconds: f64,
}

/// A passage as peers get it.
#[derive(Serialize)]
struct Passage<'p> {
    id: &'p str,
    title: &'p str,
    text: &'p str,
}

/// Writes a set's passages, one JSON object a line.
pub fn write(set: &Set) -> Result<PathBuf> {
    let path = set.folder().join("passages.jsonl");
    std::fs::create_dir_all(set.folder())?;
    let mut out = std::io::BufWriter::new(
        std::fs::File::create(&path).with_context(|| format!("cannot write {}", path.display()))?,
    );
    for stored in &set.memories {
        let memory = &stored.memory;
        let title = memory.title.as_deref().unwrap_or_default();
        serde_json::to_writer(&mut out, &Passage { id: memory.id.as_str(), title, text: &memory.text })?;
        writeln!(out)?;
    }
    out.flush()?;
    Ok(path)
}

/// What stands for a set's passages and questions: their vectors are made again only where it has changed.
pub fn key(set: &Set) -> String {
    let mut hasher = FxHasher::default();
    for stored in &set.memories {
        (&stored.memory.title, &stored.memory.text).hash(&mut hasher);
    }
    set.questions().for_each(|question| question.hash(&mut hasher));
    format!("{:016x}", hasher.finish())
}

/// The vectors in a file, so many.
pub fn read(file: &Path, count: usize) -> Result<Vec<Vec<f32>>> {
    let numbers: Vec<f32> = folder::read(file, usize::MAX)?;
    ensure!(numbers.len() == count * DIMENSIONS, "{} does not hold {count} vectors", file.display());
    Ok(numbers.chunks(DIMENSIONS).map(<[f32]>::to_vec).collect())
}
