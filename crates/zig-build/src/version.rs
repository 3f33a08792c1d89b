//! Zig version numbers, as `zig version` prints them.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// A Zig version. A development build (`0.17.0-dev.12+abc`) counts as the release that it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The first number: 0 until Zig 1.0.
    pub major: u32,
    /// The second number, which changes with each incompatible release before 1.0.
    pub minor: u32,
    /// The third number.
    pub patch: u32,
}

/// What [`Build::zig_versions`](crate::Build::zig_versions) is unless told otherwise: the versions this crate is
/// tested with.
pub const SUPPORTED: Range<Version> = Version::new(0, 15, 2)..Version::new(0, 18, 0);

impl Version {
    /// The version `major.minor.patch`.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The text was not a Zig version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAVersion(String);

impl fmt::Display for NotAVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a Zig version such as 0.16.0", self.0)
    }
}

impl std::error::Error for NotAVersion {}

impl FromStr for Version {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let numbers = text.split(['-', '+']).next().unwrap_or_default();
        let mut parts = numbers.split('.').map(|part| {
            // `parse` alone would take "+1".
            if part.bytes().all(|b| b.is_ascii_digit()) { part.parse().ok() } else { None }
        });
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Some(major)), Some(Some(minor)), Some(Some(patch)), None) => {
                Ok(Self::new(major, minor, patch))
            }
            _ => Err(NotAVersion(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_and_development_builds_parse() {
        for (text, version) in [
            ("0.15.2", Version::new(0, 15, 2)),
            ("0.17.0-dev.1234+deadbeef0", Version::new(0, 17, 0)),
            ("1.0.0+local", Version::new(1, 0, 0)),
        ] {
            assert_eq!(text.parse(), Ok(version), "{text}");
        }
    }

    #[test]
    fn other_texts_do_not() {
        for text in ["", "0.16", "0.16.0.1", "v0.16.0", "0.+16.0", "Python 3.11.7", "0..1", "99999999999.0.0"]
        {
            assert_eq!(text.parse::<Version>(), Err(NotAVersion(text.to_owned())));
        }
    }

    #[test]
    fn the_next_release_is_out_of_range_from_its_first_development_build() -> Result<(), NotAVersion> {
        assert!(!SUPPORTED.contains(&"0.18.0-dev.1+a".parse()?));
        assert!(!SUPPORTED.contains(&"0.15.1".parse()?));
        assert!(SUPPORTED.contains(&"0.15.2".parse()?));
        assert!(SUPPORTED.contains(&"0.17.99".parse()?));
        Ok(())
    }
}
