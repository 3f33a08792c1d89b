//! JSON lines: one memory each, in and out without loss.
//!
//! ```json
//! {"id":"lanes","title":"Lanes","text":"Sums run over 32 lanes.","links":["tails",{"name":"Contract","weight":2}],"time":"2026-11-22"}
//! ```
//!
//! Only `id` and `text` are needed. `links` holds ids, or objects with `to` (an id) or `name` and perhaps a
//! `weight`. Further keys are `aliases`, `tags`, `source`, `namespace`, `section_of`, `follows`, `language`
//! (a code), `strength`, `vector` and the name of its `model`, and what a store has learnt: `last_recalled`, `stability` (seconds),
//! `recalls`. Times are ISO 8601, or milliseconds since 1970. Unknown keys are passed over.

mod record;

use std::io::{self, BufRead, Write};

pub use self::record::InvalidRecord;
use super::lines::{LineError, Lines};
use crate::memory::StoredMemory;

/// A line that holds no memory; the lines after it are read all the same.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {kind}; mend it and import again")]
pub struct JsonlError {
    /// The line's number, from 1.
    pub line: u64,
    /// What is wrong with it, and what to do.
    #[source]
    pub kind: JsonlErrorKind,
}

/// What can be wrong with a line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JsonlErrorKind {
    /// It cannot be read as text. Only after [`LineError::Io`] no line follows.
    #[error(transparent)]
    Line(#[from] LineError),
    /// It is not a JSON object of this form.
    #[error("{0}")]
    NotJson(String),
    /// Its values do not make a memory.
    #[error(transparent)]
    Invalid(#[from] InvalidRecord),
}

/// Reads memories from JSON lines, one at a time. Blank lines, a byte-order mark and `\r\n` are passed over.
///
/// ```
/// use engram::import::jsonl::Reader;
/// let lines = "{\"id\":\"a\",\"text\":\"one\"}\nbroken\n{\"id\":\"b\",\"text\":\"two\"}\n";
/// let entries: Vec<_> = Reader::new(lines.as_bytes()).collect();
/// assert_eq!(entries[0].as_ref().unwrap().memory.text, "one");
/// assert!(entries[1].as_ref().unwrap_err().to_string().starts_with("line 2: "));
/// assert!(entries[2].is_ok());
/// ```
#[derive(Debug)]
pub struct Reader<R> {
    lines: Lines<R>,
}

impl<R: BufRead> Reader<R> {
    /// Reads from a buffered stream. Cost: at most one line is held at a time.
    pub fn new(input: R) -> Self {
        Self { lines: Lines::new(input) }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<StoredMemory, JsonlError>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = match self.lines.next_line()? {
            Ok(line) => record::read(line),
            Err(error) => Err(error.into()),
        };
        Some(read.map_err(|kind| JsonlError { line: self.lines.number(), kind }))
    }
}

/// Writes one memory as one line, so that [`Reader`] gives back the same. What is at its usual value (no
/// title, the default namespace, strength 1, …) is left out.
///
/// # Errors
/// If the stream cannot be written, or a number is not finite, which JSON cannot say.
pub fn write(output: &mut impl Write, memory: &StoredMemory) -> io::Result<()> {
    record::write(output, memory)?;
    output.write_all(b"\n")
}

/// What serde says about a JSON text, with the column and without the line, which is always the first.
pub(super) fn json_error(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or(&message);
    match error.classify() {
        serde_json::error::Category::Data => format!("{message} (column {})", error.column()),
        _ => format!("it is no JSON: {message} (column {})", error.column()),
    }
}

#[cfg(test)]
mod tests;
