//! Questions over a folder of notes, with the notes that answer them: one JSON object a line.
//!
//! ```json
//! {"question":"how wide is a lane?","notes":["lanes.md"],"kind":"fact"}
//! ```

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::ReadError;
use super::jsonl::json_error;
use super::lines::{LineError, Lines};

/// A question, and the notes of which each answers it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(expecting = "an object with \"question\" and \"notes\"")]
#[non_exhaustive]
pub struct NoteQuestion {
    /// What is asked.
    pub question: String,
    /// The notes, as paths within the folder with `/` between their parts.
    pub notes: Vec<String>,
    /// Its kind, by which questions are counted together.
    #[serde(default)]
    pub kind: Option<String>,
    /// The line that it stands in, from 1.
    #[serde(skip)]
    pub line: u64,
}

/// A file of questions that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QuestionsError {
    /// It cannot be read at all.
    #[error(transparent)]
    File(#[from] ReadError),
    /// A line cannot be used.
    #[error("{}, line {line}: {kind}", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: u64,
        /// What is wrong with it, and what to do.
        #[source]
        kind: QuestionError,
    },
}

/// What can be wrong with a line of questions.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QuestionError {
    /// It cannot be read as text.
    #[error(transparent)]
    Line(#[from] LineError),
    /// It is not a JSON object of the form that is needed.
    #[error("{0}; write {{\"question\": …, \"notes\": [\"path.md\", …]}}")]
    NotJson(String),
    /// Nothing is asked.
    #[error("the question is empty; write what somebody would ask")]
    NoQuestion,
    /// Nothing answers it.
    #[error("the question names no note; write the paths of the notes that answer it into \"notes\"")]
    NoNotes,
}

/// The questions of a file, in its order.
///
/// # Errors
/// If the file is missing or unreadable, or at the first line that is no question.
pub fn read(path: &Path) -> Result<Vec<NoteQuestion>, QuestionsError> {
    let unreadable = |error| ReadError::from_io(path, error);
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(ReadError::from_io(path, std::io::ErrorKind::IsADirectory.into()).into());
    }
    read_from(BufReader::new(file), path)
}

fn read_from(input: impl BufRead, path: &Path) -> Result<Vec<NoteQuestion>, QuestionsError> {
    let mut lines = Lines::new(input);
    let mut questions = Vec::new();
    while let Some(line) = lines.next_line() {
        let read = line.map_err(QuestionError::from).and_then(question);
        let line = lines.number();
        match read {
            Ok(question) => questions.push(NoteQuestion { line, ..question }),
            Err(kind) => return Err(QuestionsError::Line { path: path.to_owned(), line, kind }),
        }
    }
    Ok(questions)
}

fn question(line: &str) -> Result<NoteQuestion, QuestionError> {
    let question: NoteQuestion =
        serde_json::from_str(line).map_err(|error| QuestionError::NotJson(json_error(&error)))?;
    if question.question.trim().is_empty() {
        return Err(QuestionError::NoQuestion);
    }
    if question.notes.is_empty() {
        return Err(QuestionError::NoNotes);
    }
    Ok(question)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_read_up_to_the_first_that_is_none() {
        let read = |text: &str| read_from(text.as_bytes(), Path::new("q.jsonl"));
        let good = "{\"question\":\"how wide?\",\"notes\":[\"a.md\",\"b/c.md\"],\"kind\":\"fact\"}\n\n{\"question\":\"why?\",\"notes\":[\"a.md\"],\"by\":\"Ada\"}\n";
        let questions = read(good).unwrap();
        assert_eq!(questions.len(), 2);
        assert_eq!((questions[0].kind.as_deref(), questions[0].line), (Some("fact"), 1));
        assert_eq!((questions[1].kind.as_deref(), questions[1].line), (None, 3));
        for (bad, says) in [
            ("[]", "write {\"question\": …"),
            ("{\"question\":\"why?\"}", "notes"),
            ("{\"question\":\" \",\"notes\":[\"a.md\"]}", "the question is empty"),
            ("{\"question\":\"why?\",\"notes\":[]}", "names no note"),
        ] {
            let error = read(&format!("{good}{bad}\n")).unwrap_err().to_string();
            assert!(error.starts_with("q.jsonl, line 4: ") && error.contains(says), "{error}");
        }
        assert!(super::read(Path::new("nowhere")).is_err());
        assert!(super::read(Path::new(".")).is_err());
    }
}
