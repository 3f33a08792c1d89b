//! The builder: everything that a build script can say.

use std::ffi::OsString;
use std::io::{self, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use crate::artifact::Artifact;
use crate::check::Rules;
use crate::environment::Environment;
use crate::error::Error;
use crate::run;
use crate::target::Cpu;
use crate::version::{SUPPORTED, Version};

/// How Zig optimises: `-Doptimize`, or `--release` where `build.zig` takes no such option, because it names a
/// `preferred_optimize_mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Optimize {
    /// From cargo's profile, by its `opt-level`: 0 is `Debug`, 1 is `ReleaseSafe`, 2 and 3 are `ReleaseFast`, `s` and
    /// `z` are `ReleaseSmall`. The default.
    #[default]
    Profile,
    /// No optimisation, with safety checks.
    Debug,
    /// Optimised, with safety checks.
    ReleaseSafe,
    /// Optimised for speed, without safety checks.
    ReleaseFast,
    /// Optimised for size, without safety checks.
    ReleaseSmall,
    /// Neither is passed: `build.zig` decides.
    BuildFile,
}

/// What happens where there is no usable Zig, or no Zig target for the Rust target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WithoutZig {
    /// The build fails, with a message that says how to get Zig. The default.
    #[default]
    Fail,
    /// Cargo shows the same message as a warning (of path dependencies; of those from a registry only with
    /// `-vv`), and the build goes on without the library. `ZIG_BUILD_STRICT=1` makes it fail all the same.
    Warn,
}

/// What of that which `zig build` installs is the artifact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Product {
    #[default]
    StaticLibrary,
    DynamicLibrary(String),
    Program(String),
}

/// A run of `zig build`, for the library that it installs.
///
/// ```no_run
/// use zig_build::{Build, WithoutZig};
///
/// let artifact = Build::new("zig")
///     .library("my_kernels")
///     .option("simd", true)
///     .symbol_prefix("my_")
///     .allow_undefined(["memcpy", "memset"])
///     .without_zig(WithoutZig::Warn)
///     .cargo_feature("zig-kernels")
///     .build();
/// artifact.link();
/// println!("cargo::rustc-check-cfg=cfg(my_kernels)");
/// if artifact.is_built() {
///     println!("cargo::rustc-cfg=my_kernels");
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Build {
    pub(crate) folder: PathBuf,
    pub(crate) libraries: Vec<String>,
    pub(crate) product: Product,
    pub(crate) source: Option<PathBuf>,
    pub(crate) options: Vec<(String, String)>,
    pub(crate) steps: Vec<String>,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) optimize: Optimize,
    pub(crate) cpu: Cpu,
    pub(crate) zig_target: Option<(String, String)>,
    pub(crate) versions: Range<Version>,
    pub(crate) without_zig: WithoutZig,
    pub(crate) cargo_feature: Option<String>,
    pub(crate) rules: Rules,
    pub(crate) system_libraries: Vec<String>,
    pub(crate) packages: Option<PathBuf>,
    pub(crate) watched: Vec<PathBuf>,
    pub(crate) limit: Duration,
    pub(crate) environment: Option<Environment>,
}

/// Zig 0.17's first build takes 90 seconds of processor time; slow, shared and emulated machines take much longer.
const LIMIT: Duration = Duration::from_secs(30 * 60);

impl Build {
    /// A build in `folder`, which holds `build.zig`. A relative path starts at the package's `Cargo.toml`.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            libraries: Vec::new(),
            product: Product::default(),
            source: None,
            options: Vec::new(),
            steps: Vec::new(),
            arguments: Vec::new(),
            optimize: Optimize::default(),
            cpu: Cpu::default(),
            zig_target: None,
            versions: SUPPORTED,
            without_zig: WithoutZig::default(),
            cargo_feature: None,
            rules: Rules::default(),
            system_libraries: Vec::new(),
            packages: None,
            watched: Vec::new(),
            limit: LIMIT,
            environment: None,
        }
    }

    /// The library's name, as `build.zig` gives it to `b.addLibrary`: no `lib` before, no `.a` after. Each call adds
    /// one. Without this call, they are all that `build.zig` installs, as long as no two define the same symbol.
    ///
    /// Several libraries become one, under the name of the first: so nobody need know the order in which a linker wants
    /// them. Another installed library, whose symbols a named one needs, is put in too. Two builds that one build script
    /// links need two names: the linker is told of libraries by name.
    pub fn library(&mut self, name: impl Into<String>) -> &mut Self {
        self.libraries.push(name.into());
        self
    }

    /// Takes the dynamic library `name` for the artifact, in place of a static one. Its symbols are not checked, and it
    /// is not part of the program: `cargo run` and `cargo test` find it where it is, and whoever installs the program
    /// installs [`Artifact::path`] with it. C++ code is best linked so, as Zig puts its C++ library in.
    pub fn dynamic_library(&mut self, name: impl Into<String>) -> &mut Self {
        self.product = Product::DynamicLibrary(name.into());
        self
    }

    /// Takes the program `name` for the artifact, in place of a library: a tool that the build script then runs, by
    /// [`Artifact::path`]. It is built for the building machine's kind, and nothing is linked.
    pub fn program(&mut self, name: impl Into<String>) -> &mut Self {
        self.product = Product::Program(name.into());
        self
    }

    /// Links a library of the system too, after the one that is built: `z`, `framework=Metal`, or any other value of
    /// cargo's `rustc-link-lib`. System libraries that `build.zig` names itself (`linkSystemLibrary`) need no mention
    /// where Zig finds them.
    pub fn system_library(&mut self, name: impl Into<String>) -> &mut Self {
        self.system_libraries.push(name.into());
        self
    }

    /// Whether Zig's compiler_rt stays in a library that brings it along (`bundle_compiler_rt = true` in `build.zig`).
    /// By default it is dropped where it would replace `memcpy` and its kin in the whole program and nothing in the
    /// library needs a function that only compiler_rt has: Rust has the others. `true` keeps all of it, with what it
    /// replaces.
    pub fn compiler_rt(&mut self, keep: bool) -> &mut Self {
        self.rules.compiler_rt = Some(keep);
        self
    }

    /// Compiles this one file, in the folder of the build, to a library, in place of running a `build.zig`: it may
    /// import others beside and below it. The library has the file's name, unless [`library`](Self::library) says
    /// another. It is made as a Rust program needs it, so there is nothing to set; what else `zig build-lib` takes can be
    /// passed with [`argument`](Self::argument). Options, steps and packages are for a `build.zig` only.
    ///
    /// It is also the quickest way: nothing has to be compiled but the file.
    pub fn source(&mut self, file: impl Into<PathBuf>) -> &mut Self {
        self.source = Some(file.into());
        self
    }

    /// Passes `-Dname=value`. `-Dtarget`, `-Dcpu` and `-Doptimize` have calls of their own.
    pub fn option(&mut self, name: impl Into<String>, value: impl ToString) -> &mut Self {
        self.options.push((name.into(), value.to_string()));
        self
    }

    /// Runs this step of `build.zig` in place of `install`; each call adds one. What a step does not install is not
    /// linked: [`Artifact::prefix`] is where it installs to.
    pub fn step(&mut self, name: impl Into<String>) -> &mut Self {
        self.steps.push(name.into());
        self
    }

    /// Passes one more argument as it is: `-fsys=zlib`, `--search-prefix`.
    pub fn argument(&mut self, argument: impl Into<OsString>) -> &mut Self {
        self.arguments.push(argument.into());
        self
    }

    /// How Zig optimises. By default as cargo's profile does.
    pub fn optimize(&mut self, optimize: Optimize) -> &mut Self {
        self.optimize = optimize;
        self
    }

    /// The processor to compile for. By default what Rust itself assumes.
    pub fn cpu(&mut self, cpu: Cpu) -> &mut Self {
        self.cpu = cpu;
        self
    }

    /// The Zig target and processor, in place of those that belong to the Rust target: for targets that zig-build does
    /// not know. `cpu` is what [`Cpu::Baseline`] then means.
    pub fn zig_target(&mut self, triple: impl Into<String>, cpu: impl Into<String>) -> &mut Self {
        self.zig_target = Some((triple.into(), cpu.into()));
        self
    }

    /// The accepted Zig versions. By default [`SUPPORTED`].
    pub fn zig_versions(&mut self, versions: Range<Version>) -> &mut Self {
        self.versions = versions;
        self
    }

    /// What happens without Zig. By default the build fails.
    pub fn without_zig(&mut self, without_zig: WithoutZig) -> &mut Self {
        self.without_zig = without_zig;
        self
    }

    /// The cargo feature that needs Zig, so that the message for people without Zig can tell them to leave it out.
    pub fn cargo_feature(&mut self, feature: impl Into<String>) -> &mut Self {
        self.cargo_feature = Some(feature.into());
        self
    }

    /// Requires that every global symbol of the library starts with `prefix`. Each call adds one; any of them will do.
    pub fn symbol_prefix(&mut self, prefix: impl Into<String>) -> &mut Self {
        self.rules.prefixes.push(prefix.into());
        self
    }

    /// Allows these undefined symbols, and from the first call on no others. Symbols that the linker itself provides
    /// (`_GLOBAL_OFFSET_TABLE_`) need no mention, and `memcpy`, `memmove` and `memset` stand for ARM's names of
    /// them too, `memset` also for Apple's `__bzero` and `bzero`. In a name each `*` stands for any text:
    /// `pthread_*`. With an empty list, none is allowed.
    pub fn allow_undefined<S: Into<String>>(&mut self, symbols: impl IntoIterator<Item = S>) -> &mut Self {
        self.rules.undefined.get_or_insert_default().extend(symbols.into_iter().map(Into::into));
        self
    }

    /// Whether the library may define `memcpy` and its kin, and so replace the C library's. By default it may not.
    pub fn allow_libc_symbols(&mut self, allow: bool) -> &mut Self {
        self.rules.libc_symbols = allow;
        self
    }

    /// A folder with every package that `build.zig.zon` names by URL, one folder per hash, relative to the package's
    /// `Cargo.toml`. Zig then fetches nothing (`--system`).
    pub fn packages(&mut self, folder: impl Into<PathBuf>) -> &mut Self {
        self.packages = Some(folder.into());
        self
    }

    /// One more file or folder, relative to the package's `Cargo.toml`, whose change runs the build again: for what
    /// `build.zig` reads outside its own folder.
    pub fn watch(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.watched.push(path.into());
        self
    }

    /// How long `zig build` may take. By default half an hour; `ZIG_BUILD_TIMEOUT_SECONDS` has the last word.
    pub fn timeout(&mut self, limit: Duration) -> &mut Self {
        self.limit = limit;
        self
    }

    /// Takes these variables for the environment, in place of the process's own: for tests of build scripts.
    pub fn environment(
        &mut self,
        variables: impl IntoIterator<Item = (impl Into<OsString>, impl Into<OsString>)>,
    ) -> &mut Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        self.environment = Some(Environment::from_variables(variables));
        self
    }

    /// Runs the build. On an error cargo shows its message, and the build script ends.
    pub fn build(&self) -> Artifact {
        match self.try_build() {
            Ok(artifact) => artifact,
            Err(error) => {
                // What Zig said, which may be long, follows on standard error: cargo shows that in one piece. Where
                // either is closed, the exit code still tells.
                let message = error.to_string();
                let (first, rest) = message.split_once('\n').unwrap_or((&message, ""));
                let mut out = io::stdout().lock();
                writeln!(out, "cargo::error={first}").and_then(|()| out.flush()).ok();
                if !rest.is_empty() {
                    writeln!(io::stderr().lock(), "{rest}").ok();
                }
                std::process::exit(1)
            }
        }
    }

    /// Runs the build. Lines for cargo, which say when to run it again, go to standard output.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn try_build(&self) -> Result<Artifact, Error> {
        self.try_build_to(&mut io::stdout().lock())
    }

    /// As [`try_build`](Self::try_build), with the lines for cargo written to `out`.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn try_build_to(&self, out: &mut impl Write) -> Result<Artifact, Error> {
        run::run(self, out)
    }
}
