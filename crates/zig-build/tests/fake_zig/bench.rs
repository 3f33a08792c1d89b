//! The bench on which a build is tried: a package, stand-ins for Zig, and the environment of a build script.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use zig_build::{Artifact, Build, Error, Version};

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// A package with a `zig` folder, a place for stand-ins, and the environment of a build script.
pub(crate) struct Bench {
    pub(crate) root: TempDir,
    pub(crate) variables: Vec<(String, String)>,
}

/// What a build said: the lines for cargo, and the outcome.
pub(crate) struct Outcome {
    pub(crate) lines: Vec<String>,
    pub(crate) result: Result<Artifact, Error>,
}

impl Bench {
    pub(crate) fn new() -> io::Result<Self> {
        Self::named("package")
    }

    pub(crate) fn named(package: &str) -> io::Result<Self> {
        let root = tempfile::tempdir()?;
        let zig = root.path().join(package).join("zig");
        fs::create_dir_all(zig.join("src"))?;
        fs::write(zig.join("build.zig"), "")?;
        fs::write(zig.join("src/kernel.zig"), "")?;
        fs::create_dir(root.path().join("empty"))?;
        let mut bench = Self { variables: Vec::new(), root };
        let path = |name: &str| bench.root.path().join(name).display().to_string();
        let (package, out, cache, path) =
            (path(package), path("out dir"), path("global cache"), path("empty"));
        for (name, value) in [
            ("CARGO_MANIFEST_DIR", &*package),
            ("OUT_DIR", &*out),
            ("TARGET", TARGET),
            ("HOST", TARGET),
            ("OPT_LEVEL", "3"),
            ("NUM_JOBS", "2"),
            ("CARGO_CFG_TARGET_FEATURE", "crt-static,fxsr,sse,sse2"),
            ("ZIG_GLOBAL_CACHE_DIR", &*cache),
            ("PATH", &*path),
        ] {
            bench.set(name, value);
        }
        Ok(bench)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.unset(name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.variables.retain(|(key, _)| key != name);
    }

    /// A stand-in called `name` that says it is `version`, writes what it sees to `name.seen`, and compiles `c`.
    pub(crate) fn zig(&self, name: &str, version: &str, c: &str) -> io::Result<PathBuf> {
        self.script(
            name,
            &format!(
                r#"if [ "$1" = version ]; then echo '{version}'; exit; fi
if [ "$1" = env ]; then printf '.{{\n    .zig_exe = "%s",\n}}\n' "$0"; exit; fi
PATH='{path}'
{{ for a in "$@"; do echo "arg $a"; done; pwd | sed 's/^/pwd /'; env | sed 's/^/env /'; }} > '{seen}'
prefix=
while [ $# -gt 0 ]; do
    if [ "$1" = --prefix ]; then prefix=$2; fi
    shift
done
mkdir -p "$prefix/lib"
cd "$prefix"
cat > in.c <<'END'
{c}
END
cc -c -O1 -fno-builtin -fno-stack-protector in.c -o out_with_a_long_name.o
ar rc lib/libkernels.a out_with_a_long_name.o"#,
                seen = self.path(name).with_extension("seen").display(),
                path = std::env::var("PATH").unwrap_or_default(),
            ),
        )
    }

    /// A shell script at `name`, written by a process of its own: a file that this one holds open for writing, any
    /// child that another test starts at that moment holds too, and Linux runs no file that is open for writing.
    pub(crate) fn script(&self, name: &str, body: &str) -> io::Result<PathBuf> {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap_or(self.root.path()))?;
        let mut writer = Command::new("/bin/sh")
            .args(["-c", r#"cat > "$1" && chmod 755 "$1""#, "sh"])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()?;
        if let Some(mut text) = writer.stdin.take() {
            write!(text, "#!/bin/sh\nset -eu\n{body}\n")?;
        }
        let status = writer.wait()?;
        if status.success() {
            Ok(path)
        } else {
            Err(io::Error::other(format!("{}: {status}", path.display())))
        }
    }

    pub(crate) fn run(&self, settings: impl FnOnce(&mut Build) -> &mut Build) -> Outcome {
        let mut build = Build::new("zig");
        build.environment(self.variables.clone());
        settings(&mut build);
        let mut out = Vec::new();
        let result = build.try_build_to(&mut out);
        let lines = String::from_utf8_lossy(&out).lines().map(str::to_owned).collect();
        Outcome { lines, result }
    }

    pub(crate) fn version_found(&self) -> Result<Option<Version>, Error> {
        self.run(|b| b).result.map(|artifact| artifact.zig_version())
    }

    /// The lines of one kind that the stand-in wrote down.
    pub(crate) fn seen(&self, name: &str, kind: &str) -> io::Result<Vec<String>> {
        let text = fs::read_to_string(self.path(name).with_extension("seen"))?;
        Ok(text
            .lines()
            .filter_map(|line| line.strip_prefix(kind))
            .map(|line| line.trim_start().to_owned())
            .collect())
    }
}
