//! What to say about the version of Zig where there is none, or where a build failed.

use std::fmt;
use std::ops::Range;

use crate::environment::Environment;
use crate::find::Zig;
use crate::invoke::command_text;
use crate::version::Version;
use crate::wish::Wish;

/// The command that installs the Zig to have: the one that is wished for, or of the accepted ones the one that is quick
/// to start, or the oldest.
///
/// Debian, Fedora and Homebrew refuse a plain `pip install`, because the system's Python is theirs.
pub(crate) fn install(environment: &Environment, versions: &Range<Version>, wish: Option<&Wish>) -> String {
    const QUICK: Version = Version::new(0, 16, 0);
    let wished = wish.map(|wish| wish.version).filter(|version| versions.contains(version));
    let version = wished.unwrap_or(if versions.contains(&QUICK) { QUICK } else { versions.start });
    install_version(environment, newest_patch(version))
}

fn install_version(environment: &Environment, version: Version) -> String {
    let has = |name| !environment.programs(name).is_empty();
    let package = format!("ziglang=={version}");
    if has("uv") {
        format!("uv tool install {package}")
    } else if has("pipx") {
        format!("pipx install {package}")
    } else if cfg!(windows) {
        format!("pip install {package}")
    } else {
        format!("python3 -m venv ~/zig && ~/zig/bin/pip install {package} && export ZIG=~/zig/bin/python-zig")
    }
}

/// The patch version to install: of older minor versions the last there will be.
fn newest_patch(version: Version) -> Version {
    const NEWEST: [Version; 5] = [
        Version::new(0, 13, 0),
        Version::new(0, 14, 1),
        Version::new(0, 15, 2),
        Version::new(0, 16, 0),
        Version::new(0, 17, 1),
    ];
    let same_minor = |newest: &&Version| (newest.major, newest.minor) == (version.major, version.minor);
    NEWEST.iter().find(same_minor).copied().map_or(version, |newest| newest.max(version))
}

/// For which Zigs a `build.zig` is written: up to a minor version, or from one on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WrittenFor {
    UpTo(u32),
    From(u32),
}

use WrittenFor::{From, UpTo};

impl WrittenFor {
    pub(crate) fn takes(self, version: Version) -> bool {
        match self {
            UpTo(minor) => version.major == 0 && version.minor <= minor,
            From(minor) => version.major > 0 || version.minor >= minor,
        }
    }

    /// The version to install.
    fn release(self) -> Version {
        let (UpTo(minor) | From(minor)) = self;
        newest_patch(Version::new(0, minor, 0))
    }

    /// The call for a build script.
    fn call(self) -> String {
        let (UpTo(minor) | From(minor)) = self;
        format!("`.zig_versions(Version::new(0, {minor}, 0)..Version::new(0, {}, 0))`", minor + 1)
    }
}

impl fmt::Display for WrittenFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UpTo(minor) => write!(f, "Zig 0.{minor} or older"),
            From(minor) => write!(f, "Zig 0.{minor} or newer"),
        }
    }
}

/// What the errors contain with which Zig refuses build files that are written for another version.
const SIGNS: [(&str, WrittenFor); 12] = [
    ("no field named 'path' in union 'Build.LazyPath'", UpTo(12)),
    (": error: expected enum literal", UpTo(13)), // in build.zig.zon, see below
    ("error: missing top-level 'fingerprint' field", UpTo(13)),
    ("no field or member function named 'addStaticLibrary'", UpTo(14)),
    ("no field or member function named 'addSharedLibrary'", UpTo(14)),
    ("no field named 'root_source_file' in struct 'Build.", UpTo(14)),
    ("in 'Build.Step.Compile'", UpTo(15)),
    ("no field named 'build_root' in struct 'Build'", UpTo(16)),
    ("in enum 'lang.Optimize'", UpTo(16)),
    ("no field named 'root' in struct 'Build'", From(17)),
    ("enum 'builtin.OptimizeMode' has no member named 'Release", UpTo(16)),
    ("enum 'builtin.OptimizeMode' has no member named '", From(17)),
];

/// For which versions a build file is written that `used` refused with `output`; `None` where nothing tells.
pub(crate) fn written_for(output: &str, used: Version) -> Option<WrittenFor> {
    let in_zon = |line: &str| line.contains("build.zig.zon:");
    let is_there = |sign: &str| {
        output.lines().any(|line| line.contains(sign) && (!sign.ends_with("enum literal") || in_zon(line)))
    };
    SIGNS.iter().find(|(sign, fit)| !fit.takes(used) && is_there(sign)).map(|(_, fit)| *fit)
}

/// What Zig says where it cannot fetch a package, which no other version could either.
const NO_NETWORK: [&str; 3] = [
    "unable to connect to server",
    "unable to discover remote git server capabilities",
    "TemporaryNameServerFailure",
];

/// Whether it was a package that could not be fetched.
pub(crate) fn is_without_network(output: &str) -> bool {
    NO_NETWORK.iter().any(|sign| output.contains(sign))
}

/// Advice for a build that failed with `zig`, saying `output`; none where the version is not suspect.
pub(crate) fn on_failure(
    output: &str,
    zig: &Zig,
    wish: Option<&Wish>,
    versions: &Range<Version>,
    environment: &Environment,
    others: impl FnOnce() -> Vec<Zig>,
) -> Option<String> {
    let used = zig.version;
    let accepted = format!("{} up to, not including, {}", versions.start, versions.end);
    if is_without_network(output) {
        return None;
    }
    if let Some(fit) = written_for(output, used) {
        let written = format!("It is written for {fit}, and this was {used}");
        let (release, call) = (fit.release(), fit.call());
        return Some(if !versions.contains(&release) {
            format!("{written}: take a release of the project for an accepted version ({accepted}).")
        } else if others().iter().any(|other| fit.takes(other.version)) {
            format!("{written}: in build.rs say {call}.")
        } else {
            format!("{written}: run `{}`, and in build.rs say {call}.", install_version(environment, release))
        });
    }
    if let Some(wish) = wish.filter(|wish| !wish.is_met_by(used)) {
        let (file, wanted) = (wish.file.file_name().unwrap_or_default().to_string_lossy(), wish.version);
        let release = newest_patch(wanted);
        let way = match others().iter().find(|other| wish.is_met_by(other.version)) {
            Some(other) => format!("set ZIG=\"{}\"", command_text(&other.command)),
            None if versions.contains(&release) => format!("run `{}`", install_version(environment, release)),
            None => format!("take a release of the project for an accepted version ({accepted})"),
        };
        return Some(format!("{file} asks for Zig {wanted}, and this was {used}: {way}."));
    }
    let in_build_file = |line: &str| line.contains("build.zig:") && line.contains("error: ");
    if wish.is_none() && output.lines().any(in_build_file) {
        let is_other = |other: &&Zig| other.version.minor != used.minor;
        let others: Vec<String> =
            others().iter().filter(is_other).map(|other| other.version.to_string()).collect();
        let found = if others.is_empty() { "" } else { ", and there are others here: " };
        return Some(format!(
            "This was Zig {used}{found}{}. If it is written for another version, name that in build.zig.zon \
             (`.minimum_zig_version`), or in build.rs with `Build::zig_versions`.",
            others.join(", ")
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn zig(minor: u32) -> Zig {
        Zig { command: vec![format!("/zig-{minor}").into()], version: Version::new(0, minor, 0) }
    }

    fn advice(output: &str, used: u32, others: &[u32]) -> Option<String> {
        let environment = Environment::from_variables([]);
        let others = || others.iter().map(|minor| zig(*minor)).collect();
        on_failure(output, &zig(used), None, &crate::SUPPORTED, &environment, others)
    }

    #[test]
    fn old_build_files_are_known_by_their_errors() -> Result<(), &'static str> {
        let line = "build.zig:3:18: error: no field or member function named 'addStaticLibrary' in 'Build'";
        let text = advice(line, 16, &[16]).ok_or("none")?;
        assert!(
            text.starts_with("It is written for Zig 0.14 or older, and this was 0.16.0: take a release"),
            "{text}"
        );
        let line =
            "build.zig:6:8: error: no field or member function named 'linkLibC' in 'Build.Step.Compile'";
        let text = advice(line, 16, &[16, 15]).ok_or("none")?;
        assert!(text.contains("0.16.0: in build.rs say `.zig_versions(Version::new(0, 15, 0)..V"), "{text}");
        let text = advice(line, 16, &[16]).ok_or("none")?;
        assert!(text.contains("pip install ziglang==0.15.2"), "{text}");
        assert!(!advice(line, 15, &[]).ok_or("none")?.contains("written for Zig 0"), "it is that version");
        let line = "build.zig:4:99: error: enum 'builtin.OptimizeMode' has no member named 'safe'";
        let text = advice(line, 16, &[16, 17]).ok_or("none")?;
        assert!(text.contains("written for Zig 0.17 or newer") && text.contains("(0, 17, 0)..V"), "{text}");
        let line = "a.zon:7:2: error: unable to discover remote git server capabilities: UnknownHostName\nbuild.zig:";
        assert_eq!(advice(line, 16, &[]), None, "no other version has a network");
        let line = "/a/build.zig.zon:2:13: error: expected enum literal";
        assert!(advice(line, 17, &[]).ok_or("none")?.contains("0.13 or older"));
        Ok(())
    }

    #[test]
    fn other_errors_in_build_files_name_the_version_and_those_in_code_do_not() -> Result<(), &'static str> {
        let text = advice("build.zig:1:1: error: expected type", 16, &[17, 16, 15]).ok_or("none")?;
        assert!(
            text.starts_with("This was Zig 0.16.0, and there are others here: 0.17.0, 0.15.0. If"),
            "{text}"
        );
        assert_eq!(advice("main.zig:1:1: error: expected type", 16, &[17]), None);
        Ok(())
    }

    #[test]
    fn what_is_to_be_installed_is_what_the_project_asks_for() {
        let environment = Environment::from_variables([]);
        let wish = |minor| Wish::minimum(Version::new(0, minor, 0), PathBuf::new());
        let install = |wish: Option<&Wish>| install(&environment, &crate::SUPPORTED, wish);
        assert!(install(None).contains("ziglang==0.16.0"));
        assert!(install(Some(&wish(17))).contains("ziglang==0.17.1"));
        assert!(install(Some(&wish(13))).contains("ziglang==0.16.0"), "out of range");
    }
}
