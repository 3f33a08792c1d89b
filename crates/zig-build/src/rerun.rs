//! Which files cargo watches.
//!
//! Cargo takes a folder's line to mean everything below it, and the folder itself, whose time changes when a file is
//! added or deleted. So one line for the source folder would do, were it not for the caches that Zig leaves there when
//! somebody runs `zig build` by hand: they would rebuild the crate each time. A folder with such a cache in it is
//! therefore named file by file and folder by folder. (A file added right beside the cache is then seen only once
//! another file imports it, which is when it first matters.)
//!
//! The same goes for files of Rust's beside Zig's, where `build.zig` lies beside `Cargo.toml`: no edit of them concerns
//! Zig.
//!
//! A line for a path that does not exist would run the build script every time, so only what is there is named.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What Zig, and version control, put beside sources. (Cargo's `target` bears a `CACHEDIR.TAG`.)
const NOT_SOURCES: [&str; 6] = [".zig-cache", "zig-cache", "zig-out", ".git", ".hg", ".jj"];

/// Whether a file is Rust's or cargo's, not Zig's.
fn is_rusts(name: &OsStr) -> bool {
    name == "Cargo.toml" || name == "Cargo.lock" || Path::new(name).extension().is_some_and(|end| end == "rs")
}

/// The paths below `folder` for cargo to watch, sorted.
pub(crate) fn watched(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    let whole = collect(folder, &mut paths)?;
    if whole {
        paths = vec![folder.to_owned()];
    }
    paths.sort();
    Ok(paths)
}

/// Adds the lines for what is in `folder`; whether one line for the folder itself would do as well.
fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<bool> {
    let mut whole = true;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if NOT_SOURCES.iter().any(|name| entry.file_name() == *name) || path.join("CACHEDIR.TAG").exists() {
            whole = false;
        } else if path.is_dir() && !entry.file_type()?.is_symlink() {
            let before = paths.len();
            if collect(&path, paths)? {
                paths.truncate(before);
                paths.push(path);
            } else {
                whole = false;
            }
        } else if is_rusts(&entry.file_name()) {
            whole = false;
        } else if path.exists() {
            paths.push(path);
        } else {
            // A dangling link: cargo would take the path for missing.
            whole = false;
        }
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> io::Result<tempfile::TempDir> {
        let root = tempfile::tempdir()?;
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap_or(root.path()))?;
            fs::write(path, "")?;
        }
        Ok(root)
    }

    fn names(root: &Path) -> io::Result<Vec<String>> {
        let relative =
            |path: PathBuf| path.strip_prefix(root).map(|p| p.display().to_string().replace('\\', "/"));
        watched(root)?.into_iter().map(|p| relative(p).map_err(io::Error::other)).collect()
    }

    #[test]
    fn a_clean_folder_is_one_line() -> io::Result<()> {
        let root = tree(&["build.zig", "src/a.zig", "src/deep/b.zig"])?;
        assert_eq!(names(root.path())?, [""]);
        Ok(())
    }

    #[test]
    fn a_cache_among_the_sources_is_not_watched() -> io::Result<()> {
        let root = tree(&["build.zig", ".zig-cache/o/x", "zig-out/lib/y", "src/a.zig", "src/deep/b.zig"])?;
        assert_eq!(names(root.path())?, ["build.zig", "src"]);
        let root = tree(&["build.zig", "target/CACHEDIR.TAG", "target/debug/x"])?;
        assert_eq!(names(root.path())?, ["build.zig"]);
        let root =
            tree(&["build.zig", "src/a.zig", "src/sub/.zig-cache/x", "src/sub/c.zig", "src/more/d.zig"])?;
        assert_eq!(names(root.path())?, ["build.zig", "src/a.zig", "src/more", "src/sub/c.zig"]);
        Ok(())
    }

    #[test]
    fn rusts_files_are_not_zigs() -> io::Result<()> {
        let root = tree(&[
            "Cargo.toml",
            "build.rs",
            "build.zig",
            "src/lib.rs",
            "src/a.zig",
            "zig/b.zig",
            "tests/a.rs",
        ])?;
        assert_eq!(names(root.path())?, ["build.zig", "src/a.zig", "zig"]);
        Ok(())
    }

    #[test]
    fn every_path_exists() -> io::Result<()> {
        let root = tree(&["build.zig", ".zig-cache/x"])?;
        #[cfg(unix)]
        std::os::unix::fs::symlink("nowhere", root.path().join("dangling"))?;
        assert_eq!(names(root.path())?, ["build.zig"]);
        Ok(())
    }
}
