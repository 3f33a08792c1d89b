//! Where Zigs can be.

use std::ffi::OsString;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::version::Version;

/// A command that may be a Zig.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) name: String,
    /// The program and its first arguments; none where there is no such program.
    pub(crate) command: Vec<OsString>,
}

/// `zig` on PATH, and the `ziglang` packages of Python: its own command, and the module of each Python. They are made
/// one by one, as one that serves ends the search.
pub(crate) fn on_path(environment: &Environment) -> impl Iterator<Item = Place> {
    const PROGRAMS: [(&str, &[&str]); 4] =
        [("zig", &[]), ("python-zig", &[]), ("python3", &["-m", "ziglang"]), ("python", &["-m", "ziglang"])];
    PROGRAMS.into_iter().flat_map(|(name, arguments)| programs(environment, name, arguments))
}

/// The programs called `name`, or that there is none.
fn programs(environment: &Environment, name: &str, arguments: &[&str]) -> Vec<Place> {
    let found = distinct(environment.programs(name));
    let with_arguments =
        |program: &str| [program].into_iter().chain(arguments.iter().copied()).collect::<Vec<_>>().join(" ");
    if found.is_empty() {
        let name = if arguments.is_empty() { format!("{name} on PATH") } else { with_arguments(name) };
        return vec![Place { name, command: Vec::new() }];
    }
    let is_only = found.len() == 1;
    let place = |program: PathBuf| Place {
        name: match is_only && !arguments.is_empty() {
            true => with_arguments(name),
            false => with_arguments(&program.display().to_string()),
        },
        command: [program.into_os_string()].into_iter().chain(arguments.iter().map(OsString::from)).collect(),
    };
    found.into_iter().map(place).collect()
}

/// Without the repeats that come of folders with two names, such as /bin and /usr/bin. The files themselves may be one
/// and yet differ: the Python of a virtual environment is a link to another one, and has other packages.
fn distinct(programs: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut seen = Vec::new();
    let is_new = |program: &PathBuf| {
        let real = real_folder(program);
        let is_new = !seen.contains(&real);
        seen.push(real);
        is_new
    };
    programs.into_iter().filter(is_new).collect()
}

fn real_folder(program: &Path) -> PathBuf {
    let folder = program.parent().unwrap_or(program);
    let file = program.file_name().unwrap_or_default();
    fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned()).join(file)
}

/// The variables that say where Zigs of certain versions are: `ZIG_0_16`, `ZIG_0_15_2`.
pub(crate) fn versioned_variables(environment: &Environment) -> Vec<String> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let mut names: Vec<String> = environment
        .all()
        .filter_map(|(name, value)| name.to_str().filter(|_| !value.is_empty()))
        .filter(|name| {
            let numbers = name.strip_prefix("ZIG_").map(|rest| rest.split('_').collect::<Vec<_>>());
            numbers
                .is_some_and(|numbers| matches!(numbers.len(), 2 | 3) && numbers.iter().all(|n| is_number(n)))
        })
        .map(str::to_owned)
        .collect();
    names.sort();
    names
}

/// Those variables that may be set for one of `versions`, so that cargo can watch them.
pub(crate) fn possible_variables(versions: &Range<Version>) -> Vec<String> {
    const MANY: u32 = 16;
    let (start, end) = (versions.start, versions.end);
    if start.major != end.major || end.minor.saturating_sub(start.minor) > MANY {
        return Vec::new();
    }
    let minors = start.minor..end.minor.saturating_add(u32::from(end.patch > 0));
    minors.map(|minor| format!("ZIG_{}_{minor}", start.major)).collect()
}

/// What version managers, pipx, uv and Homebrew have put into their own folders. Each is a folder and the way from
/// there, in which `*` is any one folder.
pub(crate) fn installed(environment: &Environment) -> Vec<Place> {
    let absolute = |name: &str| environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = absolute("HOME").or_else(|| absolute("USERPROFILE"));
    let below_home = |folder: &str| home.as_ref().map(|home| home.join(folder));
    let data = |folder: &str| {
        absolute("XDG_DATA_HOME").or_else(|| below_home(".local/share")).map(|d| d.join(folder))
    };
    let cache =
        |folder: &str| absolute("XDG_CACHE_HOME").or_else(|| below_home(".cache")).map(|d| d.join(folder));
    let zig = format!("zig{}", std::env::consts::EXE_SUFFIX);
    let python = if cfg!(windows) { "Lib" } else { "lib/*" };
    let roots: [(Option<PathBuf>, String); 14] = [
        (absolute("MISE_DATA_DIR").or_else(|| data("mise")), format!("installs/zig/*/bin/{zig}")),
        (absolute("MISE_DATA_DIR").or_else(|| data("mise")), format!("installs/zig/*/{zig}")),
        (absolute("ASDF_DATA_DIR").or_else(|| below_home(".asdf")), format!("installs/zig/*/{zig}")),
        (absolute("ASDF_DATA_DIR").or_else(|| below_home(".asdf")), format!("installs/zig/*/bin/{zig}")),
        (absolute("ZVM_PATH").or_else(|| below_home(".zvm")), format!("*/{zig}")),
        (absolute("ZV_DIR").or_else(|| data("zv")), format!("versions/*/{zig}")),
        (data("zigup"), format!("*/files/{zig}")),
        // anyzig keeps what it fetches where Zig keeps packages.
        (absolute("ZIG_GLOBAL_CACHE_DIR").or_else(|| cache("zig")), format!("p/*/{zig}")),
        (
            absolute("PIPX_HOME").or_else(|| data("pipx")),
            format!("venvs/*/{python}/site-packages/ziglang/{zig}"),
        ),
        (
            absolute("UV_TOOL_DIR").or_else(|| data("uv/tools")),
            format!("*/{python}/site-packages/ziglang/{zig}"),
        ),
        (absolute("HOMEBREW_PREFIX"), "opt/zig@*/bin/zig".to_owned()),
        (Some(PathBuf::from("/opt/homebrew")), "opt/zig@*/bin/zig".to_owned()),
        (Some(PathBuf::from("/home/linuxbrew/.linuxbrew")), "opt/zig@*/bin/zig".to_owned()),
        (Some(PathBuf::from("/usr/local")), "opt/zig@*/bin/zig".to_owned()),
    ];
    let mut found: Vec<PathBuf> = Vec::new();
    for (root, way) in roots {
        let Some(root) = root else { continue };
        for path in matches(&root, &way) {
            if crate::environment::is_program(&path) && !found.contains(&path) {
                found.push(path);
            }
        }
    }
    let place =
        |path: PathBuf| Place { name: path.display().to_string(), command: vec![path.into_os_string()] };
    found.into_iter().map(place).collect()
}

/// The paths below `root` that `way` leads to, sorted at each `*`, the highest name first.
fn matches(root: &Path, way: &str) -> Vec<PathBuf> {
    let mut paths = vec![root.to_owned()];
    for part in way.split('/') {
        paths = match part.split_once('*') {
            None => paths.into_iter().map(|path| path.join(part)).collect(),
            Some((before, after)) => paths
                .iter()
                .flat_map(|path| {
                    let entries = fs::read_dir(path).into_iter().flatten().flatten();
                    let mut names: Vec<OsString> = entries.map(|entry| entry.file_name()).collect();
                    names.retain(|name| {
                        name.to_str().is_some_and(|n| n.starts_with(before) && n.ends_with(after))
                    });
                    names.sort_by(|a, b| b.cmp(a));
                    names.into_iter().map(|name| path.join(name)).collect::<Vec<_>>()
                })
                .collect(),
        };
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_versions_are_told_from_those_of_targets() {
        let set =
            ["ZIG_0_16", "ZIG_0_15_2", "ZIG_x86_64_unknown_linux_gnu", "ZIG_0", "ZIG_LIB_DIR", "ZIG__1"];
        let environment = Environment::from_variables(set.map(|name| (name.into(), "zig".into())));
        assert_eq!(versioned_variables(&environment), ["ZIG_0_15_2", "ZIG_0_16"]);
        let versions = Version::new(0, 15, 2)..Version::new(0, 18, 0);
        assert_eq!(possible_variables(&versions), ["ZIG_0_15", "ZIG_0_16", "ZIG_0_17"]);
        assert!(possible_variables(&(Version::new(0, 15, 2)..Version::new(9, 0, 0))).is_empty());
    }
}
