//! BEIR folders: a corpus, queries, and judgements of which document answers which query.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::ReadError;
use super::jsonl::json_error;
use super::lines::{LineError, Lines};
use crate::memory::{InvalidMemory, MemoryId, NewMemory};

/// Something in a BEIR folder that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BeirError {
    /// A file cannot be read at all.
    #[error("{0} (a BEIR folder holds corpus.jsonl, queries.jsonl and qrels/test.tsv)")]
    File(#[from] ReadError),
    /// A line cannot be used; for a corpus, those after it can.
    #[error("{}, line {line}: {kind}", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: u64,
        /// What is wrong with it, and what to do.
        #[source]
        kind: BeirLineError,
    },
}

/// What can be wrong with a line of a BEIR file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BeirLineError {
    /// It cannot be read as text.
    #[error(transparent)]
    Line(#[from] LineError),
    /// It is not a JSON object of the form that is needed.
    #[error("{0}; write {{\"_id\": …, \"title\": …, \"text\": …}}")]
    NotJson(String),
    /// The id or another value is out of bounds.
    #[error(transparent)]
    Invalid(#[from] InvalidMemory),
    /// It is no judgement.
    #[error(
        "it is no judgement; write the query's id, the document's id and a whole number with tabs between"
    )]
    NotJudgement,
}

/// A question with its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The id that the judgements know it by.
    pub id: String,
    /// What is asked.
    pub text: String,
}

/// How relevant a document is to a query, by the people who judged it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The query's id.
    pub query: String,
    /// The document's id.
    pub document: String,
    /// 0 for not at all; more for more.
    pub relevance: i32,
}

/// Which judgements to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Split {
    /// `qrels/test.tsv`.
    #[default]
    Test,
    /// `qrels/dev.tsv`.
    Dev,
    /// `qrels/train.tsv`.
    Train,
}

impl Split {
    /// The file's name in `qrels`.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Test => "test.tsv",
            Self::Dev => "dev.tsv",
            Self::Train => "train.tsv",
        }
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object with \"_id\" and \"text\"")]
struct Record {
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    title: Option<String>,
    text: String,
}

/// The documents of a corpus, streamed: each is a memory with the document's id, title and text.
#[derive(Debug)]
pub struct Corpus<R> {
    records: Records<R>,
}

impl Corpus<BufReader<File>> {
    /// Opens the `corpus.jsonl` of a folder.
    ///
    /// # Errors
    /// If the file is missing or unreadable.
    pub fn open(folder: &Path) -> Result<Self, BeirError> {
        Ok(Self { records: open(folder.join("corpus.jsonl"))? })
    }
}

impl<R: BufRead> Corpus<R> {
    /// Reads a corpus from a stream; errors name `path`.
    pub fn new(input: R, path: impl Into<PathBuf>) -> Self {
        Self { records: Records { lines: Lines::new(input), path: path.into() } }
    }
}

impl<R: BufRead> Iterator for Corpus<R> {
    type Item = Result<NewMemory, BeirError>;

    fn next(&mut self) -> Option<Self::Item> {
        let memory = self.records.next()?.and_then(|record| {
            let id = MemoryId::new(record.id).map_err(|error| self.records.error(error.into()))?;
            let mut memory = NewMemory::new(id, record.text);
            memory.title = record.title.filter(|title| !title.trim().is_empty());
            Ok(memory)
        });
        Some(memory)
    }
}

/// The queries of a folder's `queries.jsonl`, in its order.
///
/// # Errors
/// If the file is missing or unreadable, or at the first line that is no query.
pub fn queries(folder: &Path) -> Result<Vec<Query>, BeirError> {
    open(folder.join("queries.jsonl"))?
        .map(|record| record.map(|r| Query { id: r.id, text: r.text }))
        .collect()
}

/// The judgements of a folder's `qrels`, in their order, with or without the line of column names.
///
/// # Errors
/// If the file is missing or unreadable, or at the first line that is no judgement.
pub fn judgements(folder: &Path, split: Split) -> Result<Vec<Judgement>, BeirError> {
    let mut records = open(folder.join("qrels").join(split.file_name()))?;
    let mut judgements = Vec::new();
    while let Some(line) = records.lines.next_line() {
        let judgement = match line {
            Ok(line) => judgement(line).ok_or(BeirLineError::NotJudgement),
            Err(error) => Err(error.into()),
        };
        match judgement {
            Ok(judgement) => judgements.push(judgement),
            Err(BeirLineError::NotJudgement) if records.lines.number() == 1 => {}
            Err(kind) => return Err(records.error(kind)),
        }
    }
    Ok(judgements)
}

fn judgement(line: &str) -> Option<Judgement> {
    let mut columns = line.split('\t').map(str::trim);
    let (query, document, relevance) = (columns.next()?, columns.next()?, columns.next()?);
    // Some sets write whole numbers as 1.0.
    let relevance = relevance.strip_suffix(".0").unwrap_or(relevance).parse().ok()?;
    let complete = !query.is_empty() && !document.is_empty() && columns.next().is_none();
    complete.then(|| Judgement { query: query.to_owned(), document: document.to_owned(), relevance })
}

#[derive(Debug)]
struct Records<R> {
    lines: Lines<R>,
    path: PathBuf,
}

fn open(path: PathBuf) -> Result<Records<BufReader<File>>, BeirError> {
    let unreadable = |error| ReadError::from_io(&path, error);
    if fs::metadata(&path).map_err(unreadable)?.is_dir() {
        return Err(ReadError::from_io(&path, std::io::ErrorKind::IsADirectory.into()).into());
    }
    let file = File::open(&path).map_err(unreadable)?;
    Ok(Records { lines: Lines::new(BufReader::with_capacity(1 << 16, file)), path })
}

impl<R: BufRead> Records<R> {
    fn error(&self, kind: BeirLineError) -> BeirError {
        BeirError::Line { path: self.path.clone(), line: self.lines.number(), kind }
    }
}

impl<R: BufRead> Iterator for Records<R> {
    type Item = Result<Record, BeirError>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = match self.lines.next_line()? {
            Ok(line) => {
                serde_json::from_str(line).map_err(|error| BeirLineError::NotJson(json_error(&error)))
            }
            Err(error) => Err(error.into()),
        };
        Some(read.map_err(|kind| self.error(kind)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_folder_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        assert!(Corpus::open(folder.path()).err().unwrap().to_string().contains("there is no"));
        write(
            "corpus.jsonl",
            "{\"_id\":\"p0\",\"title\":\"T\",\"text\":\"one\"}\nbroken\n{\"_id\":\"p1\",\"title\":\"\",\"text\":\"two\",\"metadata\":{}}\n",
        );
        write("queries.jsonl", "{\"_id\":\"q\",\"text\":\"which?\"}\n");
        fs::create_dir(folder.path().join("qrels")).unwrap();
        write("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq\tp0\t1\r\nq\tp1\t0\n\n");
        write("qrels/dev.tsv", "q\tp0\t2\nq p1 1\n");
        let documents: Vec<_> = Corpus::open(folder.path()).unwrap().collect();
        assert_eq!(documents.len(), 3);
        assert_eq!(documents[0].as_ref().unwrap().title.as_deref(), Some("T"));
        let error = documents[1].as_ref().unwrap_err().to_string();
        assert!(error.contains("corpus.jsonl, line 2: it is no JSON"), "{error}");
        assert_eq!(documents[2].as_ref().unwrap().title, None);
        assert_eq!(queries(folder.path()).unwrap(), [Query { id: "q".into(), text: "which?".into() }]);
        let judged = judgements(folder.path(), Split::Test).unwrap();
        assert_eq!(judged.iter().map(|j| j.relevance).collect::<Vec<_>>(), [1, 0]);
        let error = judgements(folder.path(), Split::Dev).unwrap_err().to_string();
        assert!(error.contains("dev.tsv, line 2: it is no judgement"), "{error}");
        assert!(judgements(folder.path(), Split::Train).is_err());
    }

    proptest! {
        #[test]
        fn any_corpus_is_read(bytes in any::<Vec<u8>>(), cut in 0_usize..60) {
            let mut input = b"{\"_id\":\"p0\",\"title\":\"T\",\"text\":\"one\"}\n{\"_id\":\"p1\",\"text\":\"two\"}"[..cut].to_vec();
            input.extend(bytes);
            for document in Corpus::new(input.as_slice(), "corpus.jsonl") {
                if let Err(error) = document {
                    prop_assert!(error.to_string().starts_with("corpus.jsonl, line "));
                }
            }
        }
    }
}
