//! Patterns for where memories came from, as `--source` takes them.

use std::str::FromStr;

use globset::{GlobBuilder, GlobMatcher};

use crate::error::Error;

/// A file pattern for sources: `*` stays within a folder, `**` crosses folders.
///
/// ```
/// let pattern: engram::SourcePattern = "notes/**/*.md".parse()?;
/// assert!(pattern.fits("notes/deep/a.md") && !pattern.fits("other/a.md"));
/// # Ok::<(), engram::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SourcePattern(GlobMatcher);

impl SourcePattern {
    /// Whether a source fits.
    #[must_use]
    pub fn fits(&self, source: &str) -> bool {
        self.0.is_match(source)
    }
}

impl FromStr for SourcePattern {
    type Err = Error;

    fn from_str(pattern: &str) -> Result<Self, Error> {
        let glob = GlobBuilder::new(pattern).literal_separator(true).build();
        glob.map(|glob| Self(glob.compile_matcher()))
            .map_err(|e| Error::Pattern { pattern: pattern.to_owned(), reason: e.kind().to_string() })
    }
}
