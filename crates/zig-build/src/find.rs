//! Where Zig is: the places, in order, and which of the Zigs there is the one to use.
//!
//! 1. `ZIG_<target>`, with the Rust target as it is written
//! 2. `ZIG_<target>`, with `-` and `.` turned to `_` (shells cannot set the first)
//! 3. `ZIG`
//! 4. every `zig` on PATH
//! 5. the `ziglang` packages: `python-zig` on PATH, then every `python3` and `python` there
//! 6. `ZIG_0_16` and the like
//! 7. the folders of version managers
//!
//! What the first three name is used, as somebody wants it. Of the others it is the first of the version that the
//! project asks for, or else the nearest to it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::environment::{Environment, is_program};
use crate::error::{Candidate, Problem};
use crate::places::{self, Place};
use crate::process::{self, Failure};
use crate::version::Version;
use crate::wish::Wish;
use crate::words;

/// A Zig that answered.
#[derive(Clone, Debug)]
pub(crate) struct Zig {
    /// The program and its first arguments.
    pub(crate) command: Vec<OsString>,
    pub(crate) version: Version,
}

/// Why there is no [`Zig`].
#[derive(Debug)]
pub(crate) enum NoZig {
    /// A variable names none.
    Variable { variable: String, value: String, problem: Problem },
    /// None of these is a Zig of an accepted version.
    Nowhere(Vec<Candidate>),
}

/// What is looked for, and where from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search<'a> {
    pub(crate) environment: &'a Environment,
    /// The Rust target.
    pub(crate) target: &'a str,
    /// The accepted versions.
    pub(crate) versions: &'a Range<Version>,
    pub(crate) wish: Option<&'a Wish>,
    /// Where relative paths in variables start.
    pub(crate) base: &'a Path,
    /// Where it will build. Each Zig is asked there: version managers stand in for Zig and choose by the folder that
    /// they are called in.
    pub(crate) folder: &'a Path,
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

impl Search<'_> {
    /// The Zig to use, and what was passed over before it.
    pub(crate) fn find(&self) -> Result<(Zig, Vec<Candidate>), NoZig> {
        let mut passed = Vec::new();
        for variable in variables(self.target) {
            let Some((zig, place)) = self.named(&variable)? else { continue };
            if self.versions.contains(&zig.version) {
                return Ok((zig, passed));
            }
            passed.push(Candidate { place, problem: Problem::Version(zig.version) });
        }
        let mut best: Option<(u32, Zig)> = None;
        for place in places::on_path(self.environment) {
            self.consider(place, &mut best, &mut passed);
            if let Some((0, zig)) = best {
                return Ok((zig, passed));
            }
        }
        for variable in places::versioned_variables(self.environment) {
            let Some((zig, name)) = self.named(&variable)? else { continue };
            self.consider_zig(zig, name, &mut best, &mut passed);
        }
        for place in places::installed(self.environment) {
            if let Some((0, zig)) = best {
                return Ok((zig, passed));
            }
            self.consider(place, &mut best, &mut passed);
        }
        match best {
            Some((_, zig)) => Ok((zig, passed)),
            None => Err(NoZig::Nowhere(passed)),
        }
    }

    /// Every Zig of an accepted version, one for each version, the newest first: to tell of them where a build failed.
    pub(crate) fn survey(&self) -> Vec<Zig> {
        let variables =
            variables(self.target).into_iter().chain(places::versioned_variables(self.environment));
        let named = variables.filter_map(|variable| self.named(&variable).ok()?.map(|(zig, _)| zig));
        let places = places::on_path(self.environment).chain(places::installed(self.environment));
        let others = places.filter_map(|place| {
            let version = ask(&place.command, self.environment, self.folder).ok()?;
            Some(Zig { command: place.command, version })
        });
        let mut found: Vec<Zig> =
            named.chain(others).filter(|zig| self.versions.contains(&zig.version)).collect();
        found.sort_by_key(|zig| std::cmp::Reverse(zig.version));
        found.dedup_by(|a, b| a.version == b.version);
        found
    }

    fn consider(&self, place: Place, best: &mut Option<(u32, Zig)>, passed: &mut Vec<Candidate>) {
        match ask(&place.command, self.environment, self.folder) {
            Ok(version) => {
                self.consider_zig(Zig { command: place.command, version }, place.name, best, passed);
            }
            Err(problem) => passed.push(Candidate { place: place.name, problem }),
        }
    }

    fn consider_zig(
        &self,
        zig: Zig,
        place: String,
        best: &mut Option<(u32, Zig)>,
        passed: &mut Vec<Candidate>,
    ) {
        if !self.versions.contains(&zig.version) {
            return passed.push(Candidate { place, problem: Problem::Version(zig.version) });
        }
        let distance = self.distance(zig.version, best.is_none());
        if best.as_ref().is_none_or(|(nearest, _)| distance < *nearest) {
            *best = Some((distance, zig));
        }
    }

    /// 0 where `version` is what is wanted. Without a wish that is what is found first, or, as the first build with
    /// Zig 0.17 takes minutes, 0.16 before a newer one.
    fn distance(&self, version: Version, is_first: bool) -> u32 {
        const SLOW_TO_START: Version = Version::new(0, 17, 0);
        match self.wish {
            Some(wish) => wish.distance(version),
            None if version >= SLOW_TO_START && self.versions.start < SLOW_TO_START => 1,
            None if is_first || (version.major, version.minor) == (0, 16) => 0,
            None => 2,
        }
    }

    /// The Zig that a variable names, and how to speak of it; `None` where the variable is not set.
    fn named(&self, variable: &str) -> Result<Option<(Zig, String)>, NoZig> {
        let Some(value) = self.environment.get(variable) else { return Ok(None) };
        let command = words::split(value, self.base);
        let answer = match directory(value, self.base) {
            Some(problem) => Err(problem),
            None => ask(&command, self.environment, self.folder),
        };
        let value = value.to_string_lossy().into_owned();
        match answer {
            Ok(version) => Ok(Some((Zig { command, version }, format!("{variable}={value}")))),
            Err(problem) => Err(NoZig::Variable { variable: variable.to_owned(), value, problem }),
        }
    }
}

/// Whether `value` is a folder, and not a Zig; people who unpacked Zig there mean the program inside.
fn directory(value: &OsStr, base: &Path) -> Option<Problem> {
    let folder = base.join(value);
    if !folder.is_dir() || (words::is_bare(value) && !folder.join("lib").is_dir()) {
        return None;
    }
    let zig = folder.join(format!("zig{}", std::env::consts::EXE_SUFFIX));
    Some(Problem::Directory { zig: is_program(&zig).then_some(zig) })
}

fn ask(command: &[OsString], environment: &Environment, folder: &Path) -> Result<Version, Problem> {
    if command.is_empty() {
        return Err(Problem::Missing);
    }
    let mut words = command.to_vec();
    words.push("version".into());
    let ended =
        process::run(&words, folder, environment, &[], ANSWER_MAX).map_err(|failure| match failure {
            Failure::Start(error) if error.kind() == io::ErrorKind::NotFound => Problem::Missing,
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
