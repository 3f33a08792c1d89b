//! What an import has to say, bounded: whatever comes in, the report stays small.

use std::ops::Deref;

use crate::text::abridged;

/// The most sentences that [`Notices`] keeps; those after them are counted.
pub const MAX_NOTICES: usize = 1000;

/// The most bytes of one sentence; a longer one, which quotes a huge value, is cut in its middle.
const MAX_NOTICE_BYTES: usize = 4000;

/// Sentences of one kind: the first [`MAX_NOTICES`], and how many more there were.
///
/// As a slice it is the sentences that were kept.
///
/// ```
/// use engram::import::{MAX_NOTICES, Notices};
/// let mut notices = Notices::default();
/// notices.extend((0..MAX_NOTICES + 5).map(|line| format!("line {line} is no memory")));
/// assert_eq!((notices.len(), notices.left_out(), notices.total()), (1000, 5, 1005));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notices {
    kept: Vec<String>,
    left_out: u64,
}

impl Notices {
    /// Adds a sentence, or counts it where there are [`MAX_NOTICES`] already.
    pub fn push(&mut self, sentence: String) {
        if self.kept.len() < MAX_NOTICES {
            let short = abridged(&sentence, MAX_NOTICE_BYTES).into_owned();
            self.kept.push(short);
        } else {
            self.left_out += 1;
        }
    }

    /// Moves everything from `other` to the end, and leaves it empty.
    pub fn append(&mut self, other: &mut Self) {
        let other = std::mem::take(other);
        self.left_out += other.left_out;
        self.extend(other.kept);
    }

    /// How many sentences were counted and not kept.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// How many sentences there were.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.kept.len() as u64 + self.left_out
    }
}

impl Deref for Notices {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.kept
    }
}

impl Extend<String> for Notices {
    fn extend<I: IntoIterator<Item = String>>(&mut self, sentences: I) {
        sentences.into_iter().for_each(|sentence| self.push(sentence));
    }
}
