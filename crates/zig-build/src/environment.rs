//! The environment that a build sees: a snapshot, so that nothing reads the process's variables behind our back and
//! tests need not change them.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Environment variables, taken once.
#[derive(Clone, Debug)]
pub(crate) struct Environment(HashMap<OsString, OsString>);

impl Environment {
    pub(crate) fn of_process() -> Self {
        Self(std::env::vars_os().collect())
    }

    pub(crate) fn from_variables(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self(variables.into_iter().collect())
    }

    /// The value of `name`. An empty value counts as none, as it does for cargo and cc.
    pub(crate) fn get(&self, name: &str) -> Option<&OsStr> {
        self.even_empty(name).filter(|value| !value.is_empty())
    }

    /// Whether `name` is set, be it to nothing: so cargo passes a `cfg` that has no value.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.even_empty(name).is_some()
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.0.retain(|key, _| if cfg!(windows) { !key.eq_ignore_ascii_case(name) } else { key != name });
    }

    fn even_empty(&self, name: &str) -> Option<&OsStr> {
        let value = if cfg!(windows) {
            self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        } else {
            self.0.get(OsStr::new(name))
        };
        value.map(OsString::as_os_str)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(OsStr::to_str)
    }

    /// Whether `name` is a switch that is on: set, and neither empty nor `0`.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value != "0")
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.0.iter()
    }

    /// Every program called `name` on PATH, first found first, without repeats.
    pub(crate) fn programs(&self, name: &str) -> Vec<PathBuf> {
        let Some(path) = self.get("PATH") else { return Vec::new() };
        let file = file_name(name, std::env::consts::EXE_SUFFIX);
        let mut found = Vec::new();
        for folder in std::env::split_paths(path) {
            let candidate = folder.join(&file);
            // A relative folder would mean another program once the child's folder is another one.
            if folder.is_absolute() && is_program(&candidate) && !found.contains(&candidate) {
                found.push(candidate);
            }
        }
        found
    }
}

/// The file of the program `name`, which may be given with the suffix that the system's programs have.
fn file_name(name: &str, suffix: &str) -> String {
    let end = name.len().checked_sub(suffix.len()).and_then(|at| name.get(at..));
    match end {
        Some(end) if end.eq_ignore_ascii_case(suffix) => name.to_owned(),
        _ => format!("{name}{suffix}"),
    }
}

#[cfg(unix)]
pub(crate) fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
pub(crate) fn is_program(path: &Path) -> bool {
    path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_has_the_systems_suffix_once() {
        for (name, suffix, file) in [
            ("zig", "", "zig"),
            ("zig", ".exe", "zig.exe"),
            ("zig.exe", ".exe", "zig.exe"),
            ("ZIG.EXE", ".exe", "ZIG.EXE"),
            ("é", ".exe", "é.exe"),
        ] {
            assert_eq!(file_name(name, suffix), file);
        }
    }

    #[test]
    fn empty_is_unset_and_zero_is_off() {
        let environment = Environment::from_variables(
            [("EMPTY", ""), ("ZERO", "0"), ("ONE", "1")].map(|(k, v)| (k.into(), v.into())),
        );
        assert_eq!(environment.get("EMPTY"), None);
        assert_eq!(environment.get("MISSING"), None);
        assert!(!environment.is_on("EMPTY") && !environment.is_on("ZERO") && environment.is_on("ONE"));
        assert!(environment.programs("zig").is_empty(), "no PATH, no programs");
    }
}
