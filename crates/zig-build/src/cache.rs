//! The global cache: the user's, so that Zig's standard library and build runner are compiled once per machine.
//!
//! It is found by Zig's own rules, made before Zig starts (Zig spins for ever on a folder that it cannot make), and
//! handed over in `ZIG_GLOBAL_CACHE_DIR`, the one way that every version takes. The local cache and the prefix lie in
//! `OUT_DIR`: caches among the sources would make `cargo package` fail.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use crate::environment::Environment;
use crate::error::Error;

/// The variable that names the folder.
pub(crate) const VARIABLE: &str = "ZIG_GLOBAL_CACHE_DIR";

/// The global cache, made and writable.
///
/// A folder that the user named must serve. The default need not: where there is no home, or it cannot be written to
/// (sandboxed builds), the cache lies in `fallback`.
pub(crate) fn global(environment: &Environment, base: &Path, fallback: &Path) -> Result<PathBuf, Error> {
    if let Some(named) = environment.get(VARIABLE) {
        let path = base.join(named);
        return match make_writable(&path) {
            Ok(()) => Ok(path),
            Err(source) => Err(Error::GlobalCache { path, source }),
        };
    }
    if let Some(path) = default(environment)
        && make_writable(&path).is_ok()
    {
        return Ok(path);
    }
    match make_writable(fallback) {
        Ok(()) => Ok(fallback.to_owned()),
        Err(source) => Err(Error::File { doing: "write to", path: fallback.to_owned(), source }),
    }
}

/// Where Zig itself would put it.
fn default(environment: &Environment) -> Option<PathBuf> {
    let absolute = |name| environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = if cfg!(windows) {
        absolute("LOCALAPPDATA")?
    } else {
        absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?
    };
    Some(folder.join("zig"))
}

/// The build runners of Zig 0.17 in the global cache, which compiles one of its own where there is none yet. (Those of
/// older versions are part of each project's `build.zig`.)
pub(crate) fn build_runners(global: &Path) -> Vec<PathBuf> {
    let file = format!("maker{}", std::env::consts::EXE_SUFFIX);
    let entries = fs::read_dir(global.join("o")).into_iter().flatten().flatten();
    entries.map(|entry| entry.path().join(&file)).filter(|path| path.is_file()).collect()
}

fn make_writable(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    static PROBES: AtomicU64 = AtomicU64::new(0);
    // Permissions do not tell (read-only mounts, access lists): try. The name is ours alone, as builds run side by
    // side: in threads, in processes, and in containers that share the folder, where process ids repeat.
    let (process, number) = (std::process::id(), PROBES.fetch_add(1, Ordering::Relaxed));
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
    let probe = folder.join(format!("zig-build-{process}-{number}-{time}.probe"));
    OpenOptions::new().write(true).create_new(true).open(&probe)?;
    fs::remove_file(&probe)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &Path)]) -> Environment {
        Environment::from_variables(variables.iter().map(|(k, v)| (k.into(), v.into())))
    }

    #[test]
    fn zigs_own_order_then_the_fallback() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let [named, xdg, home, fallback] =
            ["named", "xdg", "home", "fallback"].map(|n| folder.path().join(n));
        let mut variables =
            vec![("ZIG_GLOBAL_CACHE_DIR", &*named), ("XDG_CACHE_HOME", &*xdg), ("HOME", &*home)];
        for expected in [named.clone(), xdg.join("zig"), home.join(".cache/zig"), fallback.clone()] {
            let found = global(&environment(&variables), folder.path(), &fallback)?;
            assert_eq!(found, expected);
            assert!(found.is_dir() && fs::read_dir(&found)?.next().is_none(), "made, and left empty");
            if !variables.is_empty() {
                variables.remove(0);
            }
        }
        Ok(())
    }

    #[test]
    fn builds_side_by_side_do_not_disturb_one_another() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        std::thread::scope(|scope| {
            let probers: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..2000).try_for_each(|_| make_writable(folder.path()))))
                .collect();
            probers.into_iter().try_for_each(|prober| {
                prober.join().map_err(|_| io::Error::other("a prober panicked")).flatten()
            })
        })
    }

    #[test]
    fn a_named_folder_that_cannot_be_made_is_an_error() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("file");
        fs::write(&file, "")?;
        let below = file.join("cache");
        let fallback = folder.path().join("fallback");
        let named = environment(&[("ZIG_GLOBAL_CACHE_DIR", &below)]);
        assert!(matches!(global(&named, folder.path(), &fallback), Err(Error::GlobalCache { .. })));
        let home = environment(&[("HOME", &file)]);
        assert!(matches!(global(&home, folder.path(), &fallback), Ok(path) if path == fallback));
        Ok(())
    }
}
