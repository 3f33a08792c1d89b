//! Where things are written: answers to standard output, everything else to standard error.
//!
//! Plain answers go through `anstream`, which takes colours out for a pipe. JSON goes past it, byte for byte,
//! with every character escaped that could steer a terminal. Memories are data: what they say never moves a
//! cursor.

use std::io::{self, IsTerminal, StdoutLock, Write};

use anstream::AutoStream;
use engram::import::Notices;
use engram::text::{abridged, printable_line, unprintable};
use serde::Serialize;

use crate::exit::Failure;
use crate::style;

/// The most bytes that one sentence writes to standard error.
const MAX_SENTENCE_BYTES: usize = 4000;

/// The answer's writer for people.
pub type Plain = io::BufWriter<AutoStream<StdoutLock<'static>>>;

/// Standard output for people, locked. The caller flushes it.
pub fn plain() -> Plain {
    io::BufWriter::new(AutoStream::auto(io::stdout().lock()))
}

/// Standard output for machines, locked. The caller flushes it.
pub fn raw() -> io::BufWriter<StdoutLock<'static>> {
    io::BufWriter::with_capacity(1 << 16, io::stdout().lock())
}

/// Writes one JSON document on one line.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let mut out = raw();
    write_json(&mut out, value)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// Writes a value as JSON, with what could steer a terminal escaped.
pub fn write_json(out: &mut impl Write, value: &impl Serialize) -> Result<(), Failure> {
    Ok(out.write_all(escaped(&serde_json::to_string(value)?).as_bytes())?)
}

/// JSON in which characters that steer a terminal or the eye, or are not shown, stand as `\u…`, which means the same.
pub fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let mut copied = 0;
    for hidden in unprintable(json) {
        text.push_str(&json[copied..hidden.start]);
        copied = hidden.end;
        for c in json[hidden].chars() {
            // JSON itself escapes the ASCII ones. Such characters only stand within strings.
            if c.is_ascii() && c != '\u{7f}' {
                text.push(c);
                continue;
            }
            for unit in c.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text.push_str(&json[copied..]);
    text
}

/// JSON lines on their way to standard output, escaped where that is a terminal.
pub struct JsonLines {
    out: io::BufWriter<StdoutLock<'static>>,
    line: Option<Vec<u8>>,
}

impl JsonLines {
    /// To standard output.
    pub fn new() -> Self {
        Self { out: raw(), line: io::stdout().is_terminal().then(Vec::new) }
    }
}

impl Write for JsonLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(line) = &mut self.line else { return self.out.write(bytes) };
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.out.write_all(escaped(&String::from_utf8_lossy(line)).as_bytes())?;
                line.clear();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Says why a command ends, in one sentence on standard error.
pub fn error(sentence: &str) {
    say(style::ERROR, sentence);
}

/// Says something on standard error that does not end the command.
pub fn note(sentence: &str) {
    say(style::NOTE, sentence);
}

/// A closed standard error is no reason to fail, and a sentence that quotes a huge value fills no terminal.
fn say(style: anstyle::Style, sentence: &str) {
    let sentence = printable_line(sentence);
    let sentence = abridged(&sentence, MAX_SENTENCE_BYTES);
    let _ = writeln!(anstream::stderr().lock(), "{style}engram:{style:#} {sentence}");
}

/// Says several things of one kind, and how many more there are beyond the first twenty.
pub fn notes(notices: &Notices, what: &str) {
    const SHOWN: usize = 20;
    notices.iter().take(SHOWN).for_each(|sentence| note(sentence));
    if let more @ 1.. = notices.total().saturating_sub(SHOWN as u64) {
        let shows = if notices.left_out() == 0 { "all" } else { "the first 1000" };
        note(&format!("and {more} more {what}; --json shows {shows}"));
    }
}

/// The columns of the terminal; `None` where standard output is none.
pub fn width() -> Option<usize> {
    terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0))
}

/// A number of things, with the noun in the right number.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// How long something took, as people say it.
pub fn took(time: std::time::Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1000.0) } else { format!("{seconds:.1} s") }
}
