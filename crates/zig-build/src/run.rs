//! One build, from the environment that cargo gives to the library that cargo links.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::artifact::{Artifact, Skipped};
use crate::builder::{Build, Product, WithoutZig};
use crate::environment::Environment;
use crate::error::{Candidate, Error};
use crate::find::{self, NoZig, Search, Zig};
use crate::install::Wanted;
use crate::invoke::{TIMEOUT, command_text};
use crate::kept_times::Kept;
use crate::mend::Attempt;
use crate::obstacle::Program;
use crate::target::{self, Cpu, ZigTarget};
use crate::target_table::Row;
use crate::version::Version;
use crate::wish::{self, Wish};
use crate::{advice, cache, install, packages, places, rerun};

const STRICT: &str = "ZIG_BUILD_STRICT";
/// Nothing tells a build script whether cargo checks or builds, and cargo uses the outcome of one for the other. So it
/// must be told, and cargo with it, which then keeps the two apart.
const SKIP: &str = "ZIG_BUILD_SKIP";

/// What the parts of a build share.
pub(crate) struct Run<'a, W> {
    pub(crate) build: &'a Build,
    pub(crate) environment: &'a Environment,
    /// The package's folder.
    pub(crate) base: PathBuf,
    /// The folder of `build.zig`.
    pub(crate) folder: PathBuf,
    /// Ours alone, in `OUT_DIR`.
    pub(crate) out_folder: PathBuf,
    pub(crate) target: String,
    /// What cargo watches of the sources.
    watched: Vec<PathBuf>,
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
        watched: Vec::new(),
        out,
    };
    run.watch()?;
    if environment.get("DOCS_RS").is_some() {
        return Ok(Artifact::without(Skipped::DocsRs));
    }
    if environment.is_set("CARGO_CFG_MIRI") {
        return Ok(Artifact::without(Skipped::Miri));
    }
    if environment.is_on(SKIP) {
        return Ok(Artifact::without(Skipped::Check));
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
        let build_file = self.folder.join(self.build.source.as_deref().unwrap_or(Path::new("build.zig")));
        if !build_file.is_file() {
            return Err(Error::NoBuildFile { path: build_file });
        }
        let mut paths = watched(&self.folder)?;
        for path in self.build.watched.iter().chain(&self.build.packages) {
            let path = self.base.join(path);
            paths.extend(if path.is_dir() { watched(&path)? } else { vec![path] });
        }
        for path in &paths {
            self.watch_path(path)?;
        }
        self.watched = paths;
        let variables = [SKIP, STRICT, TIMEOUT, cache::VARIABLE, "ZIG_LIB_DIR", "DOCS_RS"].map(str::to_owned);
        let by_version = places::possible_variables(&self.build.versions);
        for variable in find::variables(&self.target).into_iter().chain(by_version).chain(variables) {
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
    pub(crate) fn watch_path(&mut self, path: &Path) -> Result<(), Error> {
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

    /// All packages that must be there, where the build script says that they are in a folder. Zig would name one alone.
    fn expect_packages(&self) -> Result<(), Error> {
        let Some(packages) = self.build.packages.as_ref().map(|packages| self.base.join(packages)) else {
            return Ok(());
        };
        // What we cannot read, Zig will say something about.
        let Ok(mut named) = packages::packages(&self.folder, &[&packages]) else { return Ok(()) };
        named.retain(|package| package.found.is_none() && !package.lazy);
        match named.is_empty() {
            true => Ok(()),
            false => Err(Error::PackagesMissing { packages, folder: self.folder.clone(), missing: named }),
        }
    }

    fn make(&mut self) -> Result<Artifact, Error> {
        // What cannot work with any Zig is said first, without running one.
        self.expect_packages()?;
        let row = match &self.build.zig_target {
            None => Some(target::row(&self.target)?),
            Some(_) => None,
        };
        let host = self.environment.text("HOST").unwrap_or_default();
        if self.build.cpu == Cpu::Native && host != self.target {
            return Err(Error::NativeAcrossTargets { host: host.to_owned(), target: self.target.clone() });
        }
        let zig = self.find()?;
        let kept = Kept::of(&self.watched);
        let mut result = self.make_with(&zig, row);
        let mut tried = vec![zig.version];
        while let Err(Error::BuildFailed { output, zig: used, .. }) = &result
            && let Some(other) = self.other_zig(output, *used, &tried)
        {
            tried.push(other.version);
            result = self.make_with(&other, row);
        }
        kept.restore();
        if let (Ok(_), Some(fit)) = (&result, tried.get(1..).and_then(<[Version]>::last)) {
            let text = format!(
                "build.zig is not written for Zig {}, and so was built with {fit}. Say that in build.rs: \
                 `.zig_versions(Version::new(0, {}, 0)..Version::new(0, {}, 0))`.",
                zig.version,
                fit.minor,
                fit.minor + 1,
            );
            self.tell("warning", &text)?; // not `warn`: it is as it should be
        }
        result
    }

    /// A Zig that takes the build file which `used` refused, where its words tell, one is here that was not tried, and
    /// no variable says that it must be `used`.
    fn other_zig(&self, output: &str, used: Version, tried: &[Version]) -> Option<Zig> {
        let is_set = |variable: &String| self.environment.get(variable).is_some();
        if find::variables(&self.target).iter().any(is_set) {
            return None;
        }
        let fit = advice::written_for(output, used)?;
        let mut others = self.search(None).survey();
        others.retain(|other| fit.takes(other.version) && !tried.contains(&other.version));
        others.into_iter().min_by_key(|other| other.version.minor.abs_diff(used.minor))
    }

    fn make_with(&mut self, zig: &Zig, row: Option<Row>) -> Result<Artifact, Error> {
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
        self.attempts(zig, Attempt::new(target, self.build.optimize))
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

    pub(crate) fn search<'s>(&'s self, wish: Option<&'s Wish>) -> Search<'s> {
        let (environment, target, versions) = (self.environment, &*self.target, &self.build.versions);
        Search { environment, target, versions, wish, base: &self.base, folder: &self.folder }
    }

    fn find(&mut self) -> Result<Zig, Error> {
        let wish = wish::of_project(&self.folder, &self.base);
        if let Some(wish) = &wish {
            self.watch_path(&wish.file)?;
        }
        let versions = self.build.versions.clone();
        match self.search(wish.as_ref()).find() {
            Ok((zig, passed)) => {
                // Who sets a variable wants that Zig, and should hear that it is another. PATH is no such wish.
                let variables = find::variables(&self.target);
                let named = |candidate: &&Candidate| {
                    variables.iter().any(|variable| candidate.place.starts_with(&format!("{variable}=")))
                };
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
            Err(NoZig::Variable { variable, value, problem }) => {
                self.tell("rerun-if-env-changed", "PATH")?;
                Err(Error::ZigVariable { variable, value, problem })
            }
            Err(NoZig::Nowhere(looked_at)) => {
                self.tell("rerun-if-env-changed", "PATH")?;
                let cargo_feature = self.build.cargo_feature.clone();
                let install = advice::install(self.environment, &versions, wish.as_ref());
                Err(Error::ZigNotFound { looked_at, versions, cargo_feature, install })
            }
        }
    }

    fn is_apple(&self) -> bool {
        self.target.contains("-apple-")
    }

    fn lets_pass(&self) -> bool {
        self.build.without_zig == WithoutZig::Warn && !self.environment.is_on(STRICT)
    }

    pub(crate) fn warn(&mut self, text: &str) -> Result<(), Error> {
        if self.environment.is_on(STRICT) {
            return Err(Error::Strict { warning: text.to_owned() });
        }
        self.tell("warning", text)
    }

    /// One line for cargo.
    pub(crate) fn tell(&mut self, key: &str, value: &str) -> Result<(), Error> {
        writeln!(self.out, "cargo::{key}={}", value.replace('\n', " ")).map_err(|source: io::Error| {
            Error::File { doing: "write to", path: PathBuf::from("standard output"), source }
        })
    }
}

/// Whether the artifact is for the building machine.
fn is_tool(build: &Build) -> bool {
    matches!(build.product, Product::Program(_))
}

fn watched(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    rerun::watched(folder).map_err(|source| Error::File { doing: "list", path: folder.to_owned(), source })
}
