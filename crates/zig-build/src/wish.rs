//! Which Zig a project asks for: what it pins, or the oldest version that its `build.zig.zon` takes.
//!
//! Before 1.0 each minor version of Zig breaks build files of the one before, so a project builds with one minor
//! version, and its minimum says which.

use std::fs;
use std::path::{Path, PathBuf};

use crate::version::Version;
use crate::zon::{self, Value};

/// The version that a project names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) version: Version,
    /// The patch version is part of the wish.
    exact: bool,
    /// The file that says so.
    pub(crate) file: PathBuf,
}

impl Wish {
    /// For `version` or one like it.
    pub(crate) fn minimum(version: Version, file: PathBuf) -> Self {
        Self { version, exact: false, file }
    }

    /// How far `version` is from what is wished for: 0 is what was meant. Newer minor versions come before older ones,
    /// which lack what the project needs.
    pub(crate) fn distance(&self, version: Version) -> u32 {
        let wanted = self.version;
        if (version.major, version.minor) == (wanted.major, wanted.minor) {
            return match version.patch {
                patch if patch == wanted.patch => 0,
                patch if patch > wanted.patch => u32::from(self.exact),
                _ => 2,
            };
        }
        let minors = |version: Version| version.major.saturating_mul(1000).saturating_add(version.minor);
        let apart = minors(version).abs_diff(minors(wanted));
        if version > wanted { 2 + apart } else { 1_000_000 + apart }
    }

    /// Whether `version` is of the minor version that is wished for, and not older.
    pub(crate) fn is_met_by(&self, version: Version) -> bool {
        self.distance(version) < 2
    }
}

/// The wish of the project in `folder`, which lies below `base` or elsewhere. Pins count before the minimum, and the
/// nearest before those farther up, as far as `base`.
pub(crate) fn of_project(folder: &Path, base: &Path) -> Option<Wish> {
    let above = folder.ancestors().take_while(|above| *above == folder || above.starts_with(base));
    let pinned = above.flat_map(|above| PINS.iter().map(move |(name, read)| (above.join(name), read)));
    let from_pins = pinned.filter_map(|(file, read)| {
        let (version, exact) = read(&fs::read_to_string(&file).ok()?)?;
        Some(Wish { version, exact, file })
    });
    from_pins.chain(minimum(folder)).next()
}

/// The text of `build.zig.zon`, read.
pub(crate) fn manifest(folder: &Path) -> Option<Value> {
    zon::parse(&fs::read_to_string(folder.join("build.zig.zon")).ok()?)
}

fn minimum(folder: &Path) -> Option<Wish> {
    let version = manifest(folder)?.field("minimum_zig_version")?.text()?.parse().ok()?;
    Some(Wish::minimum(version, folder.join("build.zig.zon")))
}

type Read = fn(&str) -> Option<(Version, bool)>;

/// The files in which version managers keep what a project pins.
const PINS: [(&str, Read); 6] = [
    (".zigversion", |text| version(text.lines().next()?)),
    (".zig-version", |text| version(text.lines().next()?)),
    ("mise.toml", in_toml),
    (".mise.toml", in_toml),
    (".config/mise.toml", in_toml),
    (".tool-versions", |text| version(text.lines().find_map(|line| line.trim().strip_prefix("zig "))?)),
];

/// `zig = "0.15.2"` below `[tools]`.
fn in_toml(text: &str) -> Option<(Version, bool)> {
    let mut lines = text.lines().map(str::trim).skip_while(|line| *line != "[tools]").skip(1);
    let value = lines.by_ref().take_while(|line| !line.starts_with('[')).find_map(|line| {
        line.strip_prefix("zig")?.trim_start().strip_prefix('=')?.trim_start().strip_prefix('"')
    })?;
    version(value.split('"').next()?)
}

/// `0.15.2`, or `0.15` for any of its patch versions.
fn version(text: &str) -> Option<(Version, bool)> {
    let text = text.split_whitespace().next()?;
    text.parse()
        .map(|version| (version, true))
        .or_else(|_| format!("{text}.0").parse().map(|v| (v, false)))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_minor_version_is_nearest_then_newer_ones() {
        let wish = |exact| Wish { version: Version::new(0, 15, 2), exact, file: PathBuf::new() };
        let order = [(0, 15, 2), (0, 15, 3), (0, 15, 1), (0, 16, 0), (0, 17, 1), (0, 14, 1), (0, 13, 0)]
            .map(|(major, minor, patch)| wish(true).distance(Version::new(major, minor, patch)));
        assert!(order.is_sorted_by(|a, b| a < b), "{order:?}");
        assert_eq!(wish(false).distance(Version::new(0, 15, 9)), 0);
        assert!(wish(true).is_met_by(Version::new(0, 15, 3)));
        assert!(!wish(true).is_met_by(Version::new(0, 15, 1)));
        assert!(!wish(false).is_met_by(Version::new(0, 16, 0)));
    }

    #[test]
    fn pins_count_before_the_minimum_and_near_ones_before_far_ones() -> std::io::Result<()> {
        let root = tempfile::tempdir()?;
        let (base, folder) = (root.path().join("package"), root.path().join("package/zig"));
        fs::create_dir_all(&folder)?;
        let found = || of_project(&folder, &base).map(|wish| (wish.version.to_string(), wish.exact));
        assert_eq!(found(), None);
        fs::write(root.path().join(".zigversion"), "0.11.0")?;
        assert_eq!(found(), None, "above the package");
        for (file, text, expected) in [
            ("zig/build.zig.zon", ".{ .minimum_zig_version = \"0.17.0-dev.9+abc\" }", ("0.17.0", false)),
            (".tool-versions", "nodejs 20\nzig 0.13.0\n", ("0.13.0", true)),
            ("mise.toml", "[env]\nzig = \"9\"\n[tools]\nnode = \"20\"\nzig = \"0.14\"\n", ("0.14.0", false)),
            (".zig-version", "0.15.2\n", ("0.15.2", true)),
            ("zig/.zigversion", "0.16.0", ("0.16.0", true)),
        ] {
            fs::write(base.join(file), text)?;
            assert_eq!(found(), Some((expected.0.to_owned(), expected.1)), "{file}");
        }
        fs::write(folder.join(".zigversion"), "master")?;
        assert_eq!(found().map(|found| found.0).as_deref(), Some("0.15.2"), "no version is no pin");
        Ok(())
    }
}
