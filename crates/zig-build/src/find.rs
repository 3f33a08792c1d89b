//! Where Zig is: the places, in order, and the first that answers with an accepted version.
//!
//! 1. `ZIG_<target>`, with the Rust target as it is written
//! 2. `ZIG_<target>`, with `-` and `.` turned to `_` (shells cannot set the first)
//! 3. `ZIG`
//! 4. every `zig` on PATH
//! 5. the `ziglang` package of `python3`, then of `python`

use std::ffi::OsString;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::environment::Environment;
use crate::error::{Candidate, Problem};
use crate::process::{self, Failure};
use crate::version::Version;
use crate::words;

/// A Zig that answered.
#[derive(Clone, Debug)]
pub(crate) struct Zig {
    /// The program and its first arguments.
    pub(crate) command: Vec<OsString>,
    pub(crate) version: Version,
    /// PATH had a say: it was looked at, for this Zig or for one that was passed over.
    pub(crate) path_matters: bool,
}

/// Answering `version` takes milliseconds, through Python less than a second; this is for a hung network drive.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// The variables that are looked at for `target`, in order.
pub(crate) fn variables(target: &str) -> Vec<String> {
    let mut names = vec![format!("ZIG_{target}")];
    let underscored = format!("ZIG_{}", target.replace(['-', '.'], "_"));
    if !names.contains(&underscored) {
        names.push(underscored);
    }
    names.push("ZIG".to_owned());
    names
}

/// The first Zig in `versions`, and what was passed over before it; without one, everything that was looked at.
///
/// Commands in variables are relative to `base`. Each is asked in `folder`, where it will build: version managers
/// stand in for Zig and choose by the folder that they are called in.
pub(crate) fn find(
    environment: &Environment,
    target: &str,
    versions: &Range<Version>,
    base: &Path,
    folder: &Path,
) -> Result<(Zig, Vec<Candidate>), Vec<Candidate>> {
    let mut passed = Vec::new();
    let mut path_matters = false;
    for place in places(environment, target, base) {
        path_matters |= place.on_path;
        let command = match place.command {
            Ok(command) => command,
            Err(problem) => {
                passed.push(Candidate { place: place.name, problem });
                continue;
            }
        };
        match ask(&command, environment, folder) {
            Ok(version) if versions.contains(&version) => {
                return Ok((Zig { command, version, path_matters }, passed));
            }
            Ok(version) => passed.push(Candidate { place: place.name, problem: Problem::Version(version) }),
            Err(problem) => passed.push(Candidate { place: place.name, problem }),
        }
    }
    Err(passed)
}

struct Place {
    name: String,
    command: Result<Vec<OsString>, Problem>,
    /// PATH says which program it is.
    on_path: bool,
}

fn places(environment: &Environment, target: &str, base: &Path) -> Vec<Place> {
    let mut places = Vec::new();
    for variable in variables(target) {
        let Some(value) = environment.get(&variable) else { continue };
        let command = words::split(value, base);
        places.push(Place {
            name: format!("{variable}={}", value.to_string_lossy()),
            on_path: command.first().is_some_and(|program| words::is_bare(program)),
            command: if command.is_empty() { Err(Problem::Missing) } else { Ok(command) },
        });
    }
    let path = |name: String, command| Place { name, command, on_path: true };
    let programs = environment.programs("zig");
    if programs.is_empty() {
        places.push(path("zig on PATH".to_owned(), Err(Problem::Missing)));
    }
    for program in programs {
        places.push(path(program.display().to_string(), Ok(vec![program.into_os_string()])));
    }
    for python in ["python3", "python"] {
        let command = match environment.programs(python).into_iter().next() {
            Some(program) => Ok(vec![program.into_os_string(), "-m".into(), "ziglang".into()]),
            None => Err(Problem::Missing),
        };
        places.push(path(format!("{python} -m ziglang"), command));
    }
    places
}

fn ask(command: &[OsString], environment: &Environment, folder: &Path) -> Result<Version, Problem> {
    let mut words = command.to_vec();
    words.push("version".into());
    let ended =
        process::run(&words, folder, environment, &[], ANSWER_MAX).map_err(|failure| match failure {
            Failure::Start(error) => Problem::Unusable(format!("does not start: {error}")),
            Failure::TimedOut => {
                Problem::Unusable(format!("gave no version within {} seconds", ANSWER_MAX.as_secs()))
            }
        })?;
    if !ended.status.success() {
        let said = ended.stderr.trim().lines().last().unwrap_or_default();
        if said.ends_with("No module named ziglang") {
            return Err(Problem::Missing);
        }
        return Err(Problem::Unusable(
            format!("`version` failed ({}) {said}", ended.status).trim_end().into(),
        ));
    }
    let said = ended.stdout.trim();
    said.parse().map_err(|_| Problem::Unusable(format!("`version` said {said:?}, which is no Zig version")))
}

/// The file whose change means another Zig: the command itself, or what it says of itself where it is more than one
/// word (`python3 -m ziglang`). `extra` is for `zig env`, which wants to know the global cache.
pub(crate) fn executable(
    zig: &Zig,
    environment: &Environment,
    folder: &Path,
    extra: &[(&str, OsString)],
) -> Option<PathBuf> {
    let path = match &*zig.command {
        [program] if Path::new(program).is_absolute() => PathBuf::from(program),
        [program] => environment.programs(program.to_str()?).into_iter().next()?,
        command => {
            let mut words = command.to_vec();
            words.push("env".into());
            let ended = process::run(&words, folder, environment, extra, ANSWER_MAX).ok()?;
            // One line of it: `.zig_exe = "/opt/zig/zig",` with backslashes doubled.
            let (_, after) = ended.stdout.split_once(".zig_exe = \"")?;
            PathBuf::from(after.split_once('"')?.0.replace("\\\\", "\\"))
        }
    };
    Some(path).filter(|path| path.is_absolute() && path.is_file())
}
