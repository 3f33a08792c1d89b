//! Patterns for where memories came from, as `--source` takes them.

use std::str::FromStr;

use globset::{ErrorKind, GlobBuilder, GlobSet};

use crate::error::Error;
use crate::text::abridged;

/// The most bytes that a file pattern may have.
pub const MAX_PATTERN_BYTES: usize = 1000;

/// How much of a pattern an error quotes.
const QUOTED_BYTES: usize = 80;

/// A file pattern for sources, of at most [`MAX_PATTERN_BYTES`]: `*` stays within a folder, `**` crosses folders.
///
/// ```
/// let pattern: engram::SourcePattern = "notes/**/*.md".parse()?;
/// assert!(pattern.fits("notes/deep/a.md") && !pattern.fits("other/a.md"));
/// # Ok::<(), engram::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SourcePattern(GlobSet);

impl SourcePattern {
    /// Whether a source fits. Cost: at most the source's length times the pattern's.
    #[must_use]
    pub fn fits(&self, source: &str) -> bool {
        self.0.is_match(source)
    }
}

impl FromStr for SourcePattern {
    type Err = Error;

    /// Reads a pattern. Cost: milliseconds and megabytes at most.
    fn from_str(pattern: &str) -> Result<Self, Error> {
        let refused =
            |reason: String| Error::Pattern { pattern: abridged(pattern, QUOTED_BYTES).into_owned(), reason };
        if pattern.len() > MAX_PATTERN_BYTES {
            let bytes = pattern.len();
            return Err(refused(format!("it has {bytes} bytes, and at most {MAX_PATTERN_BYTES} are read")));
        }
        let globs = GlobBuilder::new(pattern).literal_separator(true).build().and_then(|glob| {
            // A set takes what is too much for a single matcher as an error.
            GlobSet::builder().add(glob).build()
        });
        globs.map(Self).map_err(|error| {
            refused(match error.kind() {
                // Of what the pattern is translated to, its user knows nothing.
                ErrorKind::Regex(_) => "its braces are nested too deeply".to_owned(),
                kind => kind.to_string(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;

    fn read(pattern: &str) -> Result<SourcePattern, String> {
        pattern.parse::<SourcePattern>().map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_too_much_is_refused_in_a_sentence() {
        let nested = |depth: usize| format!("{}a{}", "{".repeat(depth), "}".repeat(depth));
        assert!(read(&nested(100)).unwrap().fits("a"));
        for depth in [250, 499] {
            let sentence = read(&nested(depth)).unwrap_err();
            assert!(sentence.contains("nested too deeply") && sentence.len() < 250, "{sentence}");
        }
        for pattern in ["*".repeat(100_000), nested(100_000), "x".repeat(1001)] {
            let sentence = read(&pattern).unwrap_err();
            assert!(sentence.contains("at most 1000 are read") && sentence.len() < 250, "{sentence}");
        }
        assert!(read("[").unwrap_err().contains("unclosed character class"));
        assert!(read(&"x".repeat(1000)).unwrap().fits(&"x".repeat(1000)));
    }

    /// The costliest patterns that the bound leaves, on sources that almost fit.
    #[test]
    fn patterns_that_backtrack_elsewhere_do_not_here() {
        let patterns = [
            "*".repeat(1000),
            "*a".repeat(500),
            "a*".repeat(500),
            "**/".repeat(333),
            "?".repeat(1000),
            "{a,b}".repeat(200),
            "{*,**}".repeat(166),
            "[!a]*".repeat(200),
            format!("{{{}}}", "*a,".repeat(300)),
            format!("{}a{}", "{*,".repeat(150), "}".repeat(150)),
        ];
        let source = format!("{}b", "a".repeat(400));
        for pattern in patterns {
            let started = Instant::now();
            if let Ok(pattern) = read(&pattern) {
                for _ in 0..10 {
                    let _ = pattern.fits(&source);
                }
            }
            // Exponential work would take years.
            assert!(started.elapsed() < Duration::from_secs(20), "{pattern}: {:?}", started.elapsed());
        }
    }

    proptest! {
        #[test]
        fn any_pattern_answers_or_is_refused(
            any in any::<String>(),
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "*", "**", "/", "\\", "{", "}", ",", "[", "]", "!", "^", "-", "?", "a", "b", ".", "é", "/**", "**/", "{{", "}}",
                    "[a-z]", "[!a]", "{a,b}", "\u{0}", "(", ")", "|", "+", "$", "(?i)", "\u{ffff}", "\u{10ffff}",
                ]),
                0..40,
            ),
            repeats in 1_usize..40,
            source in "(\\PC|[ab/.é\\\\]){0,20}",
        ) {
            for pattern in [any, parts.concat(), parts.concat().repeat(repeats)] {
                match read(&pattern) {
                    Ok(pattern) => {
                        let _ = pattern.fits(&source);
                    }
                    Err(sentence) => prop_assert!(sentence.lines().count() == 1 && sentence.len() < 600, "{}", sentence),
                }
            }
        }

        /// A set of one pattern is that pattern.
        #[test]
        fn patterns_fit_as_globs_do(
            parts in prop::collection::vec(
                prop::sample::select(vec!["*", "**", "/", "?", "a", "b", ".md", "[ab]", "[!a]", "{a,b}", "{a,*/b}", "\\*"]),
                0..8,
            ),
            source in "([ab]|/|\\.md|\\*){0,8}",
        ) {
            let pattern = parts.concat();
            let glob = GlobBuilder::new(&pattern).literal_separator(true).build();
            prop_assert_eq!(read(&pattern).is_ok(), glob.is_ok());
            if let (Ok(pattern), Ok(glob)) = (read(&pattern), glob) {
                prop_assert_eq!(pattern.fits(&source), glob.compile_matcher().is_match(&source));
            }
        }
    }
}
