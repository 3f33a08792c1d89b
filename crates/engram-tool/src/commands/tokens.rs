//! The tokens that words mode goes by, written out, so that another BM25 can be fed the same.

use std::io::Write;
use std::path::Path;

use engram::import::beir::Query;
use engram::{Engram, StoredMemory};
use serde::Serialize;

use super::export::into_file;
use crate::exit::Failure;

#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    tokens: Vec<String>,
}

/// Writes `corpus.jsonl` and `queries.jsonl` into a folder, which is made where it is missing.
pub fn write(engram: &Engram, queries: &[Query], folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| Failure::writing(folder, &error))?;
    let path = folder.join("corpus.jsonl");
    into_file(&path, |out| {
        engram.for_each(|stored: StoredMemory| {
            let tokens = Engram::terms_of(&stored.memory);
            line(out, &path, &Line { id: stored.memory.id.as_str(), tokens })
        })
    })?;
    let path = folder.join("queries.jsonl");
    into_file(&path, |out| {
        for query in queries {
            let tokens = engram.terms_of_cue(&query.text)?;
            line(out, &path, &Line { id: &query.id, tokens })?;
        }
        Ok(())
    })
}

fn line(out: &mut impl Write, path: &Path, line: &Line<'_>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::writing(path, &error);
    serde_json::to_writer(&mut *out, line).map_err(|error| failed(error.into()))?;
    out.write_all(b"\n").map_err(failed)
}
