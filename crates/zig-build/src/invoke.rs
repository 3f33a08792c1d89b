//! `zig build` itself: its command line, its environment, and what is made of how it ended.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::builder::Optimize;
use crate::error::Error;
use crate::find::{self, Zig};
use crate::mend::Attempt;
use crate::mode::{self, Mode};
use crate::process::{self, Ended, Failure};
use crate::run::Run;
use crate::version::Version;
use crate::{advice, cache, direct, wish, words};

/// The variable that bounds the time that `zig build` may take.
pub(crate) const TIMEOUT: &str = "ZIG_BUILD_TIMEOUT_SECONDS";
const PACKAGES: &str = "ZIG_LOCAL_PKG_DIR";

/// A build with Zig 0.17, which takes a minute or two where the global cache has no build runner yet. Cargo shows
/// nothing of a build script that runs, so it can be said only afterwards.
struct FirstBuild {
    version: Version,
    global: PathBuf,
    before: Vec<PathBuf>,
    start: Instant,
}

impl FirstBuild {
    fn of(zig: &Zig, global: &Path) -> Option<Self> {
        let before = (zig.version >= Version::new(0, 17, 0)).then(|| cache::build_runners(global))?;
        Some(Self { version: zig.version, global: global.to_owned(), before, start: Instant::now() })
    }

    fn said(self) -> Option<String> {
        let is_new = cache::build_runners(&self.global).iter().any(|runner| !self.before.contains(runner));
        is_new.then(|| {
            format!(
                "zig build took {} s, most of it for the build runner of Zig {}, which is now in {} for every other \
                 build. Where that folder is not kept, as in CI, keep it, or use Zig 0.16, whose first build takes \
                 seconds.",
                self.start.elapsed().as_secs(),
                self.version,
                self.global.display(),
            )
        })
    }
}

impl<W: Write> Run<'_, W> {
    /// Runs `zig build`, with `more` arguments; returns the prefix that it installed to, and what it said.
    pub(crate) fn zig_build(
        &mut self,
        zig: &Zig,
        attempt: &Attempt,
        more: &[&str],
    ) -> Result<(PathBuf, String), Error> {
        let settings = self.settings(attempt);
        // Two builds in one build script must not share a prefix; the local cache they may, Zig locks it.
        let mut identity = settings.clone();
        identity.extend(self.build.steps.iter().cloned());
        identity.extend(self.build.arguments.iter().map(|argument| argument.to_string_lossy().into_owned()));
        let number = attempt.fingerprint(&self.folder, &identity);
        let prefix = self.out_folder.join(format!("{number:016x}")).join("prefix");
        remove(&prefix)?;
        let global = cache::global(self.environment, &self.base, &self.out_folder.join("global-cache"))?;
        let first = FirstBuild::of(zig, &global);
        let mut extra = vec![(cache::VARIABLE, global.into_os_string())];
        if let Some(path) = find::executable(zig, self.environment, &self.folder, &extra) {
            self.watch_path(&path)?;
        }
        make_folder(&self.out_folder)?;
        // Zig 0.17 unpacks fetched packages where this variable says; else they would land among the sources. But where
        // it is set, Zig looks there for those of `--system` too, in vain.
        let mut environment = self.environment.clone();
        if self.build.packages.is_some() {
            environment.remove(PACKAGES);
        } else if environment.get(PACKAGES).is_none() && !self.folder.join("zig-pkg").exists() {
            extra.push((PACKAGES, self.out_folder.join("packages").into_os_string()));
        }

        if self.build.source.is_some() && (!self.build.options.is_empty() || !self.build.steps.is_empty()) {
            self.warn(
                "Build::option and Build::step are for a build.zig, and Build::source runs none. Drop them.",
            )?;
        }
        let limit = self.limit()?;
        // A build around somebody else's has the settings in its build.zig.
        let mended =
            |settings: &[String]| attempt.mended.then(|| self.write_mended(attempt, settings)).flatten();
        let around = mended(&settings);
        let folder = around.as_ref().unwrap_or(&self.folder).clone();
        let start = |words: &[OsString]| process::run(words, &folder, &environment, &extra, limit);
        let mut words = match &self.build.source {
            Some(source) => self.direct_words(zig, attempt, source, &prefix.join("lib"))?,
            None => self.words(zig, &prefix, if around.is_some() { &[] } else { &settings }),
        };
        words.extend(more.iter().map(OsString::from));
        let mut result = start(&words);
        if let (Some(mode), Ok(ended)) = (self.mode(attempt), &result)
            && !ended.status.success()
            && mode::is_refused(&ended.output())
        {
            if around.is_some() {
                let settings: Vec<String> =
                    settings.iter().filter(|setting| !setting.starts_with("-Doptimize=")).cloned().collect();
                self.rewrite_mended(&settings, &folder);
            }
            words.retain(|word| !word.as_encoded_bytes().starts_with(b"-Doptimize="));
            words.extend(mode.release().map(OsString::from));
            words.push("--verbose".into()); // says which mode it is in the end
            result = start(&words);
            if let Ok(ended) = &mut result {
                self.tell_mode(mode, ended)?;
            }
        }
        if let Some(text) = first.and_then(FirstBuild::said) {
            self.tell("warning", &text)?; // not `warn`: nothing is wrong, whoever is strict
        }
        let command = command_text(&words);
        match result {
            Ok(ended) if ended.status.success() => Ok((prefix, ended.output())),
            Ok(ended) => {
                let output = ended.output();
                let wish = wish::of_project(&self.folder, &self.base);
                let (versions, others) = (&self.build.versions, || self.search(None).survey());
                let advice =
                    advice::on_failure(&output, zig, wish.as_ref(), versions, self.environment, others);
                let (status, zig) = (ended.status, zig.version);
                Err(Error::BuildFailed { command, folder, status, output, zig, advice })
            }
            Err(Failure::Start(source)) => Err(Error::NotStarted { command, source }),
            Err(Failure::TimedOut) => Err(Error::TimedOut { command, folder, limit }),
        }
    }

    /// The command for one file without a `build.zig`.
    fn direct_words(
        &self,
        zig: &Zig,
        attempt: &Attempt,
        source: &Path,
        folder: &Path,
    ) -> Result<Vec<OsString>, Error> {
        make_folder(folder)?; // Zig makes none
        let name =
            self.build.libraries.first().cloned().or_else(|| Some(source.file_stem()?.to_str()?.to_owned()));
        let name = name.ok_or_else(|| Error::PathNotForCargo { path: source.to_owned() })?;
        let cache = self.out_folder.join("cache");
        let mut words = direct::words(zig, attempt, self.mode(attempt), source, &name, folder, cache);
        words.extend(self.build.arguments.iter().cloned());
        Ok(words)
    }

    /// The command for a `build.zig`.
    fn words(&self, zig: &Zig, prefix: &Path, settings: &[String]) -> Vec<OsString> {
        let mut words = zig.command.clone();
        words.push("build".into());
        words.extend(self.build.steps.iter().map(OsString::from));
        words.extend(["--color", "off", "--prefix"].map(OsString::from));
        words.push(prefix.as_os_str().to_owned());
        words.push("--cache-dir".into());
        words.push(self.out_folder.join("cache").into_os_string());
        if let Some(packages) = &self.build.packages {
            words.push("--system".into());
            words.push(self.base.join(packages).into_os_string());
        }
        if let Some(jobs) = self.environment.text("NUM_JOBS") {
            words.push(format!("-j{jobs}").into());
        }
        words.extend(self.build.arguments.iter().cloned());
        words.extend(settings.iter().map(OsString::from));
        words
    }

    /// The mode to ask for.
    fn mode(&self, attempt: &Attempt) -> Option<Mode> {
        Mode::asked(attempt.optimize, self.environment.text("OPT_LEVEL").unwrap_or("0"))
    }

    /// The `-D` options.
    fn settings(&self, attempt: &Attempt) -> Vec<String> {
        let target = &attempt.target;
        let mut settings = vec![format!("-Dtarget={}", target.triple), format!("-Dcpu={}", target.cpu)];
        settings.extend(self.mode(attempt).map(|mode| format!("-Doptimize={}", mode.name())));
        settings.extend(self.build.options.iter().map(|(name, value)| format!("-D{name}={value}")));
        settings.extend(attempt.options.iter().map(|option| format!("-D{option}")));
        settings
    }

    /// Says which mode `build.zig` chose, where it is not the one asked for; takes the commands, which tell, out of
    /// what Zig said. A mode of release that the author prefers is no reason for a warning where cargo's profile asks
    /// for a release and no more.
    fn tell_mode(&mut self, asked: Mode, ended: &mut Ended) -> Result<(), Error> {
        let used = mode::used(&ended.stderr);
        ended.stderr = mode::without_commands(&ended.stderr);
        if !ended.status.success() || used.iter().all(|mode| *mode == asked) {
            return Ok(());
        }
        let names: Vec<&str> = used.iter().map(|mode| mode.name()).collect();
        let by_profile = self.build.optimize == Optimize::Profile;
        let text = format!(
            "build.zig takes no -Doptimize and compiles with {}, not with {} as {}. Accept that with \
             `Build::optimize(Optimize::BuildFile)`, or take the mode in build.zig with \
             `b.standardOptimizeOption(.{{}})`.",
            names.join(" and "),
            asked.name(),
            if by_profile { "cargo's profile asks" } else { "`Build::optimize` asks" },
        );
        if !by_profile || used.contains(&Mode::Debug) {
            return self.warn(&text);
        }
        writeln!(io::stderr().lock(), "note: {text}").ok();
        Ok(())
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
pub(crate) fn command_text(words: &[OsString]) -> String {
    let word = |word: &OsString| words::quoted(&word.to_string_lossy());
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_tells_apart_where_the_words_are_cut() {
        let of = |settings: &[&str]| {
            fingerprint(Path::new("zig"), &settings.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>())
        };
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_eq!(of(&["a"]), of(&["a"]));
    }
}
