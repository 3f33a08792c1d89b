//! What can go wrong. Each message says what to do about it, with the command where there is one.

mod message;

pub(crate) use message::list;

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::obstacle::Obstacle;
use crate::packages::Package;
use crate::version::Version;

/// A place that was looked at for Zig, and why it did not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidate {
    /// The place: `ZIG=/opt/zig/zig`, `zig on PATH`, `python3 -m ziglang`.
    pub place: String,
    /// Why it did not serve.
    pub problem: Problem,
}

/// Why a [`Candidate`] did not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// There is nothing there.
    Missing,
    /// It is a directory.
    #[non_exhaustive]
    Directory {
        /// The `zig` inside, if there is one.
        zig: Option<PathBuf>,
    },
    /// It is a Zig, but of a version that the build script does not accept.
    Version(Version),
    /// It did not run, or did not answer `version` with a version; the text says how.
    Unusable(String),
}

/// Why there is no [`Artifact`](crate::Artifact).
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A variable that cargo sets for every build script is missing.
    #[non_exhaustive]
    NotInBuildScript {
        /// The variable.
        variable: &'static str,
    },
    /// The folder has no `build.zig`.
    #[non_exhaustive]
    NoBuildFile {
        /// Where it should be.
        path: PathBuf,
    },
    /// No Zig target makes objects for this Rust target.
    #[non_exhaustive]
    UnsupportedTarget {
        /// The Rust target.
        target: String,
        /// Why not.
        reason: String,
    },
    /// [`Cpu::Native`](crate::Cpu::Native) was asked for while cross-compiling.
    #[non_exhaustive]
    NativeAcrossTargets {
        /// The building machine.
        host: String,
        /// What is built for.
        target: String,
    },
    /// No Zig of an accepted version was found.
    #[non_exhaustive]
    ZigNotFound {
        /// Everywhere that was looked, in that order.
        looked_at: Vec<Candidate>,
        /// The accepted versions.
        versions: Range<Version>,
        /// The cargo feature that needs Zig: see [`Build::cargo_feature`](crate::Build::cargo_feature).
        cargo_feature: Option<String>,
        /// The command that installs a Zig that would do.
        install: String,
    },
    /// A variable that says which Zig to use, such as `ZIG`, names none.
    #[non_exhaustive]
    ZigVariable {
        /// The variable.
        variable: String,
        /// Its value.
        value: String,
        /// What is wrong with it.
        problem: Problem,
    },
    /// The folder that `ZIG_GLOBAL_CACHE_DIR` names cannot be made or written to.
    #[non_exhaustive]
    GlobalCache {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file or folder could not be read, written or removed.
    #[non_exhaustive]
    File {
        /// What was being done, as a verb: `read`.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path cannot stand in a line for cargo, which are UTF-8 and end at a line feed.
    #[non_exhaustive]
    PathNotForCargo {
        /// The path.
        path: PathBuf,
    },
    /// The folder of [`Build::packages`](crate::Build::packages) lacks packages that `build.zig.zon` names.
    #[non_exhaustive]
    PackagesMissing {
        /// That folder.
        packages: PathBuf,
        /// The folder of `build.zig`.
        folder: PathBuf,
        /// What is missing.
        missing: Vec<Package>,
    },
    /// Zig was found but did not start.
    #[non_exhaustive]
    NotStarted {
        /// The whole command.
        command: String,
        /// What the system said.
        source: io::Error,
    },
    /// `zig build` failed.
    #[non_exhaustive]
    BuildFailed {
        /// The whole command.
        command: String,
        /// The folder that it ran in.
        folder: PathBuf,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote: to standard output, then to standard error.
        output: String,
        /// The version of the Zig that failed.
        zig: Version,
        /// What may help, where the version may be at fault.
        advice: Option<String>,
    },
    /// `zig build` took too long and was ended.
    #[non_exhaustive]
    TimedOut {
        /// The whole command.
        command: String,
        /// The folder that it ran in.
        folder: PathBuf,
        /// The limit.
        limit: Duration,
    },
    /// `zig build` succeeded but installed no such static library.
    #[non_exhaustive]
    NoLibrary {
        /// The name asked for with [`Build::library`](crate::Build::library).
        library: Option<String>,
        /// Where it was looked for.
        folder: PathBuf,
        /// The static libraries that are there.
        found: Vec<String>,
    },
    /// `zig build` succeeded but did not install the dynamic library or the program that was asked for.
    #[non_exhaustive]
    NotInstalled {
        /// Where it should be.
        path: PathBuf,
    },
    /// The library is not one that can be checked or, for Apple systems, linked.
    #[non_exhaustive]
    Unreadable {
        /// The library.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The library defines functions of the C library, which would replace the Rust program's own.
    #[non_exhaustive]
    ReplacesLibc {
        /// The library.
        path: PathBuf,
        /// Which.
        symbols: Vec<String>,
    },
    /// The library cannot be linked into a Rust program.
    #[non_exhaustive]
    Unlinkable {
        /// The library.
        path: PathBuf,
        /// What is in the way.
        obstacles: Vec<Obstacle>,
    },
    /// The library defines global symbols without any of the required prefixes.
    #[non_exhaustive]
    UnexpectedGlobals {
        /// The library.
        path: PathBuf,
        /// The prefixes.
        prefixes: Vec<String>,
        /// The symbols.
        symbols: Vec<String>,
    },
    /// The library needs symbols that are not allowed.
    #[non_exhaustive]
    UnexpectedUndefined {
        /// The library.
        path: PathBuf,
        /// The symbols.
        symbols: Vec<String>,
    },
    /// A warning, which `ZIG_BUILD_STRICT` makes fatal.
    #[non_exhaustive]
    Strict {
        /// The warning.
        warning: String,
    },
}

impl Error {
    /// Whether it is for want of a usable Zig, or of a Zig target, that nothing was built: the two conditions that
    /// [`WithoutZig::Warn`](crate::WithoutZig::Warn) lets pass.
    pub fn is_without_zig(&self) -> bool {
        matches!(self, Self::ZigNotFound { .. } | Self::UnsupportedTarget { .. })
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::GlobalCache { source, .. }
            | Self::File { source, .. }
            | Self::NotStarted { source, .. } => Some(source),
            _ => None,
        }
    }
}
