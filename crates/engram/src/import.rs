//! Importers: files and lines in, [`NewMemory`](crate::memory::NewMemory) values out.
//!
//! Nothing here knows a store. [`kind_of`] says what a path is, [`read_text`] reads a file with an error
//! that names it, and each format has a module: [`markdown`] and [`plain`] take the text of one file,
//! [`jsonl`] and [`beir`] stream what may be larger than memory; [`questions`] are what recall is measured by. The same input always gives the same ids, so
//! importing twice changes nothing.

pub mod beir;
mod file;
mod front_matter;
pub mod jsonl;
mod lines;
pub mod markdown;
mod notices;
mod pieces;
pub mod plain;
pub mod questions;

use std::fmt;

pub use file::{Kind, MAX_FILE_BYTES, ReadError, kind_of, read_text};
pub use lines::{LineError, MAX_LINE_BYTES};
pub use notices::{MAX_NOTICES, Notices};

/// Something about a file that its reader should know, though the file was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The file, as a path relative to the folder that is imported.
    pub source: String,
    /// The line, from 1.
    pub line: usize,
    /// What is odd, and what was done about it.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: {}", self.source, self.line, self.message)
    }
}
