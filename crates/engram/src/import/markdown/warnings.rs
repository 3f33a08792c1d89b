//! Warnings about a note: few of them, each with its line.

use std::fmt;

use crate::import::Warning;

/// The most warnings about one note; one more says how many there would have been besides.
pub const MAX_WARNINGS: usize = 20;

/// The warnings about one note, bounded: a note of many faults fills neither the memory nor the terminal.
pub(super) struct Warnings<'a> {
    source: &'a str,
    kept: Vec<Warning>,
    /// The line of the first warning that was left out, and how many were.
    left_out: Option<(usize, usize)>,
}

impl<'a> Warnings<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self { source, kept: Vec::new(), left_out: None }
    }

    /// Adds a warning, or counts it where there are [`MAX_WARNINGS`] already.
    pub(super) fn push(&mut self, line: usize, message: fmt::Arguments<'_>) {
        if self.kept.len() < MAX_WARNINGS {
            self.kept.push(self.warning(line, message.to_string()));
        } else {
            self.left_out.get_or_insert((line, 0)).1 += 1;
        }
    }

    fn warning(&self, line: usize, message: String) -> Warning {
        Warning { source: self.source.to_owned(), line, message }
    }

    /// The warnings, and one more that counts those that were left out.
    pub(super) fn into_vec(mut self) -> Vec<Warning> {
        if let Some((line, more)) = self.left_out {
            let message = format!("{more} more warnings about this note, from this line on, are left out");
            self.kept.push(self.warning(line, message));
        }
        self.kept
    }
}

/// Numbers the lines of a text, from 1. Cost: one pass over the text for any number of places that ascend.
pub(super) struct LineNumbers<'a> {
    text: &'a [u8],
    counted: usize,
    line: usize,
}

impl<'a> LineNumbers<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text: text.as_bytes(), counted: 0, line: 1 }
    }

    /// The line of a byte. A place before the last one that was asked for counts as on that one's line.
    pub(super) fn of(&mut self, at: usize) -> usize {
        if let Some(between) = self.text.get(self.counted..at) {
            self.line += between.iter().filter(|byte| **byte == b'\n').count();
            self.counted = at;
        }
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_once() {
        let text = "a\nbé\r\n\nc";
        let mut lines = LineNumbers::new(text);
        let places = [0, 1, 2, 3, 6, 7, 8, text.len()];
        assert_eq!(places.map(|at| lines.of(at)), [1, 1, 2, 2, 2, 3, 4, 4]);
        assert_eq!(lines.of(0), 4, "never backwards");
        assert_eq!(lines.of(usize::MAX), 4);
    }
}
