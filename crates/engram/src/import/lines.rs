//! Lines of a stream, of which none can fill the memory.

use std::io::{self, BufRead};

/// The most bytes a line may have (128 MiB): the longest text fits even where JSON writes each byte as six.
pub const MAX_LINE_BYTES: usize = 128 << 20;

/// Why a line cannot be read; the lines after it still can, but for [`LineError::Io`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// It is longer than [`MAX_LINE_BYTES`].
    #[error("the line is longer than {MAX_LINE_BYTES} bytes; split what it holds")]
    TooLong,
    /// It is not UTF-8.
    #[error("the line is not UTF-8 at its byte {position}; convert the file to UTF-8")]
    NotUtf8 {
        /// Where the first invalid byte is, from 0, in the line.
        position: usize,
    },
    /// The stream cannot be read any further.
    #[error("the rest cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Reads lines and counts them.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    line: Vec<u8>,
    number: u64,
    ended: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, line: Vec::new(), number: 0, ended: false }
    }

    /// The number of the latest line, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The next line that is not blank, without its end and without a byte-order mark; `None` at the end.
    pub(super) fn next_line(&mut self) -> Option<Result<&str, LineError>> {
        loop {
            if self.ended {
                return None;
            }
            self.number += 1;
            match self.fill() {
                Ok(()) => {}
                Err(LineError::Io(error)) => {
                    self.ended = true;
                    return Some(Err(error.into()));
                }
                Err(error) => return Some(Err(error)),
            }
            if self.number == 1 && self.line.starts_with(b"\xef\xbb\xbf") {
                self.line.drain(..3);
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        Some(str::from_utf8(self.line.trim_ascii()).map_err(|error| {
            let blank = self.line.len() - self.line.trim_ascii_start().len();
            LineError::NotUtf8 { position: blank + error.valid_up_to() }
        }))
    }

    /// Fills `line` with the next line. One that is too long is read to its end without being held.
    fn fill(&mut self) -> Result<(), LineError> {
        self.line.clear();
        let mut too_long = false;
        loop {
            let available = match self.input.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            if available.is_empty() {
                self.ended = true;
                break;
            }
            let end = available.iter().position(|&byte| byte == b'\n');
            let part = &available[..end.unwrap_or(available.len())];
            too_long |= self.line.len() + part.len() > MAX_LINE_BYTES;
            if too_long {
                self.line = Vec::new();
            } else {
                self.line.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.input.consume(used);
            if end.is_some() {
                break;
            }
        }
        if too_long { Err(LineError::TooLong) } else { Ok(()) }
    }
}
