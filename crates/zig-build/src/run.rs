//! One build, from the environment that cargo gives to the library that cargo links.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, str};

use crate::artifact::{Artifact, Skipped};
use crate::builder::{Build, Optimize, Product, WithoutZig};
use crate::environment::Environment;
use crate::error::{Candidate, Error};
use crate::find::{self, Zig};
use crate::install::Wanted;
use crate::mend::Attempt;
use crate::obstacle::Program;
use crate::process::{self, Failure};
use crate::target::{self, Cpu, ZigTarget};
use crate::{cache, install, rerun};

const STRICT: &str = "ZIG_BUILD_STRICT";
const TIMEOUT: &str = "ZIG_BUILD_TIMEOUT_SECONDS";
const PACKAGES: &str = "ZIG_LOCAL_PKG_DIR";

/// What the parts of a build share.
pub(crate) struct Run<'a, W> {
    pub(crate) build: &'a Build,
    pub(crate) environment: &'a Environment,
    /// The package's folder.
    base: PathBuf,
    /// The folder of `build.zig`.
    pub(crate) folder: PathBuf,
    /// Ours alone, in `OUT_DIR`.
    pub(crate) out_folder: PathBuf,
    pub(crate) target: String,
    out: &'a mut W,
}

pub(crate) fn run(build: &Build, out: &mut impl Write) -> Result<Artifact, Error> {
    let environment = build.environment.clone().unwrap_or_else(Environment::of_process);
    let required =
        |variable: &'static str| environment.get(variable).ok_or(Error::NotInBuildScript { variable });
    let base = PathBuf::from(required("CARGO_MANIFEST_DIR")?);
    let mut run = Run {
        build,
        environment: &environment,
        folder: base.join(&build.folder),
        out_folder: Path::new(required("OUT_DIR")?).join("zig-build"),
        target: required(if is_tool(build) { "HOST" } else { "TARGET" })?.to_string_lossy().into_owned(),
        base,
        out,
    };
    run.watch()?;
    if environment.get("DOCS_RS").is_some() {
        return Ok(Artifact::without(Skipped::DocsRs));
    }
    if environment.is_set("CARGO_CFG_MIRI") {
        return Ok(Artifact::without(Skipped::Miri));
    }
    match run.make() {
        Err(error) if error.is_without_zig() && run.lets_pass() => {
            run.tell("warning", &error.to_string())?;
            Ok(Artifact::without(Skipped::WithoutZig(error)))
        }
        other => other,
    }
}

impl<W: Write> Run<'_, W> {
    /// Tells cargo when this build must run again.
    fn watch(&mut self) -> Result<(), Error> {
        let build_file = self.folder.join("build.zig");
        if !build_file.is_file() {
            return Err(Error::NoBuildFile { path: build_file });
        }
        let mut paths = watched(&self.folder)?;
        for path in &self.build.watched {
            let path = self.base.join(path);
            paths.extend(if path.is_dir() { watched(&path)? } else { vec![path] });
        }
        for path in paths {
            self.watch_path(&path)?;
        }
        let variables = [STRICT, TIMEOUT, cache::VARIABLE, "ZIG_LIB_DIR", "DOCS_RS"].map(str::to_owned);
        for variable in find::variables(&self.target).into_iter().chain(variables) {
            self.tell("rerun-if-env-changed", &variable)?;
        }
        if self.is_apple() {
            for variable in target::DEPLOYMENT_VARIABLES {
                self.tell("rerun-if-env-changed", variable)?;
            }
        }
        Ok(())
    }

    /// One file or folder, which must exist: cargo takes a missing one for changed, always.
    fn watch_path(&mut self, path: &Path) -> Result<(), Error> {
        fs::metadata(path).map_err(|source| Error::File { doing: "watch", path: path.to_owned(), source })?;
        let line = path.strip_prefix(&self.base).unwrap_or(path);
        let line = if line.as_os_str().is_empty() { Path::new(".") } else { line };
        match line.to_str().filter(|text| !text.contains('\n')) {
            Some(text) => {
                let text = text.to_owned();
                self.tell("rerun-if-changed", &text)
            }
            None => Err(Error::PathNotForCargo { path: path.to_owned() }),
        }
    }

    fn make(&mut self) -> Result<Artifact, Error> {
        // What cannot work with any Zig is said first, without running one.
        let row = match &self.build.zig_target {
            None => Some(target::row(&self.target)?),
            Some(_) => None,
        };
        let host = self.environment.text("HOST").unwrap_or_default();
        if self.build.cpu == Cpu::Native && host != self.target {
            return Err(Error::NativeAcrossTargets { host: host.to_owned(), target: self.target.clone() });
        }
        let zig = self.find()?;
        // They are those of the target, which a tool is not built for.
        let features = self.environment.text("CARGO_CFG_TARGET_FEATURE").filter(|_| !is_tool(self.build));
        let features = features.unwrap_or_default();
        let cpu = &self.build.cpu;
        let target = match (&self.build.zig_target, row) {
            (None, Some(row)) => target::resolve(row, zig.version, cpu, features, self.environment),
            (Some((triple, model)), _) => ZigTarget {
                triple: triple.clone(),
                cpu: target::with_features(cpu, model, triple, features, zig.version),
            },
            (None, None) => return Err(Error::NotInBuildScript { variable: "TARGET" }),
        };
        self.attempts(&zig, Attempt::new(target, self.build.optimize))
    }

    pub(crate) fn attempt(&mut self, zig: &Zig, attempt: &Attempt) -> Result<Artifact, Error> {
        let (prefix, said) = self.zig_build(zig, attempt, &[])?;
        // Warnings of C compilers, and what build.zig prints: `cargo build -vv` shows it.
        io::stderr().lock().write_all(said.as_bytes()).ok();
        if self.build.product != Product::StaticLibrary {
            let file = install::file(&prefix, &self.build.product, &self.target)?;
            return Artifact::installed(file, &self.build.product, prefix, zig.version);
        }
        let system_libraries = &self.build.system_libraries;
        let program =
            Program { position_independent: self.is_position_independent(attempt), system_libraries };
        let (names, rules, target) = (&self.build.libraries, &self.build.rules, &*self.target);
        // Of what was built and not installed the mended build installs what is needed.
        let cache = self.out_folder.join("cache");
        let built = (!attempt.mended && !attempt.unsought).then_some(&*cache);
        let mut library = install::library(&prefix, Wanted { names, rules, target, program, built })?;
        let listed = fs::read_to_string(prefix.join("system-libraries.txt")).unwrap_or_default();
        for needed in listed.lines().filter(|_| attempt.mended) {
            if !library.system.iter().any(|known| known == needed) {
                library.system.push(needed.to_owned());
            }
        }
        library.system.extend(system_libraries.iter().cloned());
        Artifact::built(library, prefix, zig.version)
    }

    /// Whether rustc makes programs for the target that are loaded anywhere, as it does where there is a system to load
    /// them and nobody told it otherwise.
    fn is_position_independent(&self, attempt: &Attempt) -> bool {
        let flags = self.environment.text("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
        !attempt.target.triple.contains("freestanding") && !flags.contains("relocation-model=static")
    }

    fn find(&mut self) -> Result<Zig, Error> {
        let versions = &self.build.versions;
        match find::find(self.environment, &self.target, versions, &self.base, &self.folder) {
            Ok((zig, passed)) => {
                if zig.path_matters {
                    self.tell("rerun-if-env-changed", "PATH")?;
                }
                // Who sets a variable wants that Zig, and should hear that it is another. PATH is no such wish.
                let named = |candidate: &&Candidate| candidate.place.starts_with("ZIG");
                for candidate in passed.iter().filter(named) {
                    let used = command_text(&zig.command);
                    self.warn(&format!(
                        "{candidate}, passed over for `{used}` ({}). Zig must be from {} up to, not including, {}: \
                         set the variable to such a one, or unset it.",
                        zig.version, versions.start, versions.end
                    ))?;
                }
                Ok(zig)
            }
            Err(looked_at) => {
                self.tell("rerun-if-env-changed", "PATH")?;
                let cargo_feature = self.build.cargo_feature.clone();
                Err(Error::ZigNotFound { looked_at, versions: versions.clone(), cargo_feature })
            }
        }
    }

    /// Runs `zig build`, with `more` arguments; returns the prefix that it installed to, and what it said.
    pub(crate) fn zig_build(
        &mut self,
        zig: &Zig,
        attempt: &Attempt,
        more: &[&str],
    ) -> Result<(PathBuf, String), Error> {
        let settings = self.settings(attempt);
        // Two builds in one build script must not share a prefix; the local cache they may, Zig locks it.
        let number = attempt.fingerprint(&self.folder, &settings);
        let prefix = self.out_folder.join(format!("{number:016x}")).join("prefix");
        remove(&prefix)?;
        let global = cache::global(self.environment, &self.base, &self.out_folder.join("global-cache"))?;
        let mut extra = vec![(cache::VARIABLE, global.into_os_string())];
        if let Some(path) = find::executable(zig, self.environment, &self.folder, &extra) {
            self.watch_path(&path)?;
        }
        make_folder(&self.out_folder)?;

        let mut words = zig.command.clone();
        words.extend(["build", "--color", "off", "--prefix"].map(OsString::from));
        words.push(prefix.clone().into_os_string());
        words.push("--cache-dir".into());
        words.push(self.out_folder.join("cache").into_os_string());
        if let Some(packages) = &self.build.packages {
            words.push("--system".into());
            words.push(self.base.join(packages).into_os_string());
        }
        if let Some(jobs) = self.environment.text("NUM_JOBS") {
            words.push(format!("-j{jobs}").into());
        }
        let mended = if attempt.mended { self.write_mended(attempt, &settings) } else { None };
        let folder = mended.as_ref().unwrap_or(&self.folder).clone();
        if mended.is_none() {
            words.extend(settings.into_iter().map(OsString::from));
        }
        words.extend(more.iter().map(OsString::from));

        // Zig 0.17 unpacks fetched packages where this variable says; else they would land among the sources. But where
        // it is set, Zig looks there for those of `--system` too, in vain.
        let mut environment = self.environment.clone();
        if self.build.packages.is_some() {
            environment.remove(PACKAGES);
        } else if environment.get(PACKAGES).is_none() && !self.folder.join("zig-pkg").exists() {
            extra.push((PACKAGES, self.out_folder.join("packages").into_os_string()));
        }
        let limit = self.limit()?;
        let command = command_text(&words);
        match process::run(&words, &folder, &environment, &extra, limit) {
            Ok(ended) if ended.status.success() => Ok((prefix, ended.stdout + &ended.stderr)),
            Ok(ended) => Err(Error::BuildFailed {
                command,
                folder,
                status: ended.status,
                output: ended.stdout + &ended.stderr,
            }),
            Err(Failure::Start(source)) => Err(Error::NotStarted { command, source }),
            Err(Failure::TimedOut) => Err(Error::TimedOut { command, folder, limit }),
        }
    }

    /// The `-D` options.
    fn settings(&self, attempt: &Attempt) -> Vec<String> {
        let target = &attempt.target;
        let mut settings = vec![format!("-Dtarget={}", target.triple), format!("-Dcpu={}", target.cpu)];
        if let Some(mode) = mode(attempt.optimize, self.environment.text("OPT_LEVEL").unwrap_or("0")) {
            settings.push(format!("-Doptimize={mode}"));
        }
        settings.extend(self.build.options.iter().map(|(name, value)| format!("-D{name}={value}")));
        settings.extend(attempt.options.iter().map(|option| format!("-D{option}")));
        settings
    }

    fn limit(&mut self) -> Result<Duration, Error> {
        let Some(text) = self.environment.get(TIMEOUT) else { return Ok(self.build.limit) };
        match text.to_str().and_then(|text| text.parse().ok()) {
            Some(seconds) => Ok(Duration::from_secs(seconds)),
            None => {
                let limit = self.build.limit;
                self.warn(&format!(
                    "{TIMEOUT}={} is no number of seconds, so the limit is {}. Set it to one, or unset it.",
                    text.to_string_lossy(),
                    limit.as_secs()
                ))?;
                Ok(limit)
            }
        }
    }

    fn is_apple(&self) -> bool {
        self.target.contains("-apple-")
    }

    fn lets_pass(&self) -> bool {
        self.build.without_zig == WithoutZig::Warn && !self.environment.is_on(STRICT)
    }

    fn warn(&mut self, text: &str) -> Result<(), Error> {
        if self.environment.is_on(STRICT) {
            return Err(Error::Strict { warning: text.to_owned() });
        }
        self.tell("warning", text)
    }

    /// One line for cargo.
    fn tell(&mut self, key: &str, value: &str) -> Result<(), Error> {
        writeln!(self.out, "cargo::{key}={}", value.replace('\n', " ")).map_err(|source: io::Error| {
            Error::File { doing: "write to", path: PathBuf::from("standard output"), source }
        })
    }
}

/// Whether the artifact is for the building machine.
fn is_tool(build: &Build) -> bool {
    matches!(build.product, Product::Program(_))
}

/// Zig's name of the mode. The long names are understood by every version up to 0.17, which prefers short ones.
fn mode(optimize: Optimize, opt_level: &str) -> Option<&'static str> {
    Some(match (optimize, opt_level) {
        (Optimize::BuildFile, _) => return None,
        (Optimize::Debug, _) | (Optimize::Profile, "0") => "Debug",
        (Optimize::ReleaseSafe, _) | (Optimize::Profile, "1") => "ReleaseSafe",
        (Optimize::ReleaseSmall, _) | (Optimize::Profile, "s" | "z") => "ReleaseSmall",
        (Optimize::ReleaseFast | Optimize::Profile, _) => "ReleaseFast",
    })
}

fn watched(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    rerun::watched(folder).map_err(|source| Error::File { doing: "list", path: folder.to_owned(), source })
}

fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(Error::File { doing: "remove", path: folder.to_owned(), source })
        }
        _ => Ok(()),
    }
}

fn make_folder(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|source| Error::File {
        doing: "make",
        path: folder.to_owned(),
        source,
    })
}

/// FNV-1a: the same in every run and every Rust release, which std's own hasher does not promise.
pub(crate) fn fingerprint(folder: &Path, settings: &[String]) -> u64 {
    let folder = folder.as_os_str().as_encoded_bytes();
    let parts = std::iter::once(folder).chain(settings.iter().map(String::as_bytes));
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in parts.flat_map(|part| part.iter().copied().chain([0])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}

/// A command as one would type it.
fn command_text(words: &[OsString]) -> String {
    let word = |word: &OsString| {
        let text = word.to_string_lossy();
        if text.is_empty() || text.contains(char::is_whitespace) {
            format!("'{text}'")
        } else {
            text.into_owned()
        }
    };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_follows_the_profile_unless_told_otherwise() {
        for (level, expected) in [
            ("0", "Debug"),
            ("1", "ReleaseSafe"),
            ("2", "ReleaseFast"),
            ("3", "ReleaseFast"),
            ("s", "ReleaseSmall"),
            ("z", "ReleaseSmall"),
        ] {
            assert_eq!(mode(Optimize::Profile, level), Some(expected));
            assert_eq!(mode(Optimize::ReleaseFast, level), Some("ReleaseFast"));
            assert_eq!(mode(Optimize::Debug, level), Some("Debug"));
            assert_eq!(mode(Optimize::BuildFile, level), None);
        }
    }

    #[test]
    fn a_fingerprint_tells_apart_where_the_words_are_cut() {
        let of = |settings: &[&str]| {
            fingerprint(Path::new("zig"), &settings.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>())
        };
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_eq!(of(&["a"]), of(&["a"]));
    }
}
