//! What errors say: what is wrong, and the way out.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::process::ExitStatus;

use super::{Candidate, Error, Problem};
use crate::advice::is_without_network;
use crate::packages::{Package, how_to_fetch};
use crate::version::Version;

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Problem::Missing => write!(f, "{}: none", self.place),
            Problem::Directory { .. } => write!(f, "{}: a directory", self.place),
            Problem::Version(version) => write!(f, "{}: {version}", self.place),
            Problem::Unusable(reason) => write!(f, "{}: {reason}", self.place),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInBuildScript { variable } => write!(
                f,
                "{variable} is not set. zig-build works in build scripts: call it from build.rs and run `cargo build`."
            ),
            Self::NoBuildFile { path } => write!(
                f,
                "{} does not exist. Name its folder relative to Cargo.toml; `zig init` makes a build.zig, and \
                 `Build::source` needs none.",
                path.display()
            ),
            Self::UnsupportedTarget { target, reason } => write!(
                f,
                "no Zig target for the Rust target {target}: {reason}. If Zig has one that links, name it with \
                 `Build::zig_target`; else build with `--target` set to another."
            ),
            Self::NativeAcrossTargets { host, target } => write!(
                f,
                "Cpu::Native means the processor of this machine ({host}), but the build is for {target}. Use \
                 Cpu::Baseline or name the processor with Cpu::Model; `zig targets` lists them."
            ),
            Self::ZigNotFound { looked_at, versions, cargo_feature, install } => {
                not_found(f, looked_at, versions, cargo_feature.as_deref(), install)
            }
            Self::ZigVariable { variable, value, problem } => zig_variable(f, variable, value, problem),
            Self::GlobalCache { path, source } => write!(
                f,
                "ZIG_GLOBAL_CACHE_DIR={} cannot be used: {source}. Run `unset ZIG_GLOBAL_CACHE_DIR` for Zig's own \
                 default, or set it to a folder that can be written.",
                path.display()
            ),
            Self::File { doing, path, source } => {
                write!(f, "cannot {doing} {}: {source}. Mend that, and run cargo again.", path.display())
            }
            Self::PathNotForCargo { path } => write!(
                f,
                "{path:?} is not UTF-8 or holds a line feed, so cargo cannot be told of it. Move the project, or set \
                 CARGO_TARGET_DIR to a plain path."
            ),
            Self::PackagesMissing { packages, folder, missing } => {
                let names: Vec<String> = missing.iter().map(Package::to_string).collect();
                write!(
                    f,
                    "{} lacks packages that build.zig.zon names: {}. Fetch them with `{}`.",
                    packages.display(),
                    names.join(", "),
                    how_to_fetch(folder, packages)
                )
            }
            Self::NotStarted { command, source } => {
                write!(f, "`{command}` did not start: {source}. Try `zig version`, or set ZIG=/path/to/zig.")
            }
            Self::BuildFailed { command, folder, status, output, zig, advice } => {
                build_failed(f, output, *status, advice.as_deref())?;
                write!(
                    f,
                    "\n`{command}`, run in {} with Zig {zig}, failed ({status}). It said:\n{}\nMend the Zig code, or \
                     run the command by hand to see more.",
                    folder.display(),
                    output.trim_end()
                )
            }
            Self::TimedOut { command, folder, limit } => write!(
                f,
                "`{command}` took more than {} seconds and was ended. Give it longer with \
                 ZIG_BUILD_TIMEOUT_SECONDS=…, or run it by hand in {} to see where it hangs.",
                limit.as_secs(),
                folder.display()
            ),
            Self::NoLibrary { library, folder, found } => no_library(f, library.as_deref(), folder, found),
            Self::NotInstalled { path } => write!(
                f,
                "zig build installed no {}. In build.zig call `b.installArtifact(…)` on it; a dynamic library is one \
                 with `.linkage = .dynamic`. The name is that which `b.addLibrary` or `b.addExecutable` is given.",
                path.display()
            ),
            Self::Unreadable { path, reason } => write!(
                f,
                "cannot read the symbols of {}: {reason}. Build it in build.zig with `b.addLibrary(.{{ .linkage = \
                 .static, … }})`, without link-time optimisation.",
                path.display()
            ),
            Self::ReplacesLibc { path, symbols } => write!(
                f,
                "{} defines {}, which would replace the C library's in the whole Rust program. Drop Zig's \
                 compiler_rt, where they come from that, with `Build::compiler_rt(false)`; or allow it with \
                 `Build::allow_libc_symbols(true)`.",
                path.display(),
                list(symbols)
            ),
            Self::Unlinkable { path, obstacles } => {
                write!(f, "{} cannot be linked into a Rust program.", path.display())?;
                obstacles.iter().try_for_each(|obstacle| write!(f, " {obstacle}"))
            }
            Self::UnexpectedGlobals { path, prefixes, symbols } => write!(
                f,
                "{} defines global symbols without the prefix {}: {}. Rename them, or drop their `export` or \
                 `@export`; drop compiler_rt's with `Build::compiler_rt(false)`.",
                path.display(),
                prefixes.join(" or "),
                list(symbols)
            ),
            Self::UnexpectedUndefined { path, symbols } => {
                write!(f, "{} needs symbols that are not allowed: {}. ", path.display(), list(symbols))?;
                if symbols.iter().any(|name| name.starts_with(STACK_PROTECTOR)) {
                    write!(
                        f,
                        "Against `{STACK_PROTECTOR}…` set `.stack_protector = false` in the module of build.zig. "
                    )?;
                }
                write!(
                    f,
                    "Remove their use from the Zig code (`nm -u` on the library lists them), or allow them with \
                     `Build::allow_undefined`."
                )
            }
            Self::Strict { warning } => {
                write!(f, "{warning} (A warning, made fatal: run `unset ZIG_BUILD_STRICT` to let it pass.)")
            }
        }
    }
}

fn not_found(
    f: &mut fmt::Formatter<'_>,
    looked_at: &[Candidate],
    versions: &Range<Version>,
    cargo_feature: Option<&str>,
    install: &str,
) -> fmt::Result {
    let looked: Vec<String> = looked_at.iter().map(Candidate::to_string).collect();
    let Range { start, end } = versions;
    if looked_at.iter().any(|c| matches!(c.problem, Problem::Version(_))) {
        write!(f, "no zig from {start} up to, not including, {end} (looked at: {}). ", looked.join("; "))?;
    } else {
        write!(f, "zig not found (looked at: {}). ", looked.join("; "))?;
    }
    write!(f, "Run `{install}`, set ZIG=/path/to/zig")?;
    match cargo_feature {
        Some(feature) => write!(f, ", or build without --features {feature}."),
        None => write!(f, " or put zig on PATH."),
    }
}

fn zig_variable(f: &mut fmt::Formatter<'_>, variable: &str, value: &str, problem: &Problem) -> fmt::Result {
    match problem {
        Problem::Directory { zig: Some(zig) } => {
            write!(f, "{variable}={value} is a directory. Set {variable}={}.", zig.display())
        }
        Problem::Directory { zig: None } => write!(
            f,
            "{variable}={value} is a directory. Set {variable} to the zig program itself, or run `unset {variable}`."
        ),
        Problem::Missing => write!(
            f,
            "{variable}={value} names no program. Set {variable}=/path/to/zig, or run `unset {variable}` to have Zig \
             looked for."
        ),
        Problem::Version(version) => write!(f, "{variable}={value} is Zig {version}."),
        Problem::Unusable(reason) => write!(
            f,
            "{variable}={value} is no usable Zig: {reason}. Set {variable}=/path/to/zig, or run `unset {variable}` to \
             have Zig looked for."
        ),
    }
}

/// What the names start with that no code uses but Zig's of itself, and the C library has.
const STACK_PROTECTOR: &str = "__stack_chk_";

/// What the outputs of Zig that have a known way out contain, and that way. Zig 0.17 names options in quotes.
const KNOWN: [(&[&str], &str); 3] = [
    // Zig takes the feature away from processors without AVX-512, and with it from functions that ask for AVX-512.
    (
        &["requires target feature 'evex512'"],
        "let C code use AVX-512 where it asks for it: in build.rs say \
         `.cpu(Cpu::Model(\"x86_64+evex512\".to_owned()))`",
    ),
    (
        &[
            "invalid option: -Dtarget",
            "invalid option: -Dcpu",
            "invalid option: \"target\"",
            "invalid option: \"cpu\"",
        ],
        "take the target in build.zig with `b.standardTargetOptions(.{})`",
    ),
    (
        &[
            "unable to provide libc for target",
            "'string.h' file not found",
            "'stdlib.h' file not found",
            "'stdio.h' file not found",
        ],
        "do without the C library in build.zig (`.link_libc = false`), or build for a target that has one \
         (wasm32-wasip1 in place of wasm32-unknown-unknown)",
    ),
];

/// The first line, which is all that cargo shows at once, has what matters.
fn build_failed(
    f: &mut fmt::Formatter<'_>,
    output: &str,
    status: ExitStatus,
    advice: Option<&str>,
) -> fmt::Result {
    let first = output.lines().find(|line| line.contains("error: ") || line.contains("panic: "));
    match first {
        Some(line) => write!(f, "zig build failed: {}.", line.trim())?,
        None => write!(f, "zig build failed ({status}).")?,
    }
    let is_known = |signs: &[&str]| signs.iter().any(|sign| output.contains(sign));
    if let Some((_, mend)) = KNOWN.iter().find(|(signs, _)| is_known(signs)) {
        write!(f, " To mend it, {mend}.")?;
    }
    if is_without_network(output) {
        write!(
            f,
            " To mend it, fetch the packages first: `zig build --fetch` in the folder of build.zig; or give them with \
             `Build::packages`."
        )?;
    }
    if let Some(name) = missing_system_library(output) {
        write!(
            f,
            " To mend it, install the library {name}, with what is needed to compile against it (Debian: a package \
             called lib…-dev). For other targets than this machine Zig has no libraries of the system: leave it out \
             with an option of build.zig, or take a Zig package that builds it."
        )?;
    }
    advice.iter().try_for_each(|advice| write!(f, " {advice}"))
}

/// The name in `unable to find dynamic system library 'z' using strategy …`.
fn missing_system_library(output: &str) -> Option<&str> {
    let said = ["unable to find dynamic system library '", "unable to find static system library '"];
    let rest = said.iter().find_map(|start| output.split_once(start))?.1;
    rest.split_once('\'').map(|(name, _)| name)
}

fn no_library(
    f: &mut fmt::Formatter<'_>,
    library: Option<&str>,
    folder: &Path,
    found: &[String],
) -> fmt::Result {
    let there = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
    match library {
        Some(name) => write!(f, "zig build installed no static library {name} in {}", folder.display())?,
        None if found.is_empty() => {
            write!(f, "zig build installed no static library in {}", folder.display())?;
        }
        None => write!(
            f,
            "zig build installed several static libraries that define the same symbols in {}",
            folder.display()
        )?,
    }
    write!(
        f,
        " (there: {there}). In build.zig call `b.installArtifact(lib)`; in build.rs name the library with \
         `Build::library`."
    )
}

/// All of them: whoever must mend one must know it.
pub(crate) fn list(symbols: &[String]) -> String {
    symbols.join(", ")
}
