//! Which of the static libraries that `zig build` installed are linked: those named, and those that they need.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::check::Rules;
use crate::contents::{self, Contents};
use crate::error::Error;
use crate::install::Wanted;
use crate::obstacle::Obstacle;

/// A library as installed.
pub(crate) struct Installed {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// The static libraries in `folder`, by name of file.
pub(crate) fn installed(folder: &Path) -> Result<Vec<Installed>, Error> {
    let mut files: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|file| file.ends_with(".a") || file.ends_with(".lib"))
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|file| {
            let path = folder.join(&file);
            let bytes = fs::read(&path).map_err(|source| Error::File {
                doing: "read",
                path: path.clone(),
                source,
            })?;
            Ok(Installed { name: stem(&file).to_owned(), path, bytes })
        })
        .collect()
}

/// `libname.a` and, for Windows and UEFI, `name.lib` are both `name`.
fn stem(file: &str) -> &str {
    match file.strip_suffix(".a") {
        Some(stem) => stem.strip_prefix("lib").unwrap_or(stem),
        None => file.strip_suffix(".lib").unwrap_or(file),
    }
}

/// A library in Zig's cache that has what the objects need, and is not installed.
pub(crate) fn not_installed(
    cache: &Path,
    installed: &[Installed],
    contents: &Contents<'_>,
    rules: &Rules,
) -> Option<Obstacle> {
    let needed: BTreeSet<&str> = contents.needed().into_iter().filter(|name| !rules.allow(name)).collect();
    let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries(&cache.join("o")).flat_map(|folder| entries(&folder.path()));
    for path in files.map(|entry| entry.path()) {
        let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let known = installed.iter().any(|library| library.path.file_name() == path.file_name());
        if known || !(file.ends_with(".a") || file.ends_with(".lib")) {
            continue;
        }
        let Ok(bytes) = fs::read(&path) else { continue };
        let Ok(found) = contents::read(&bytes) else { continue };
        let symbols: Vec<String> =
            found.defined().intersection(&needed).map(|name| (*name).to_owned()).collect();
        if !symbols.is_empty() {
            return Some(Obstacle::Library { name: stem(file).to_owned(), symbols });
        }
    }
    None
}

pub(crate) fn missing(folder: &Path, installed: &[Installed], name: Option<&String>) -> Error {
    let file = |library: &Installed| {
        library.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    };
    Error::NoLibrary {
        library: name.cloned(),
        folder: folder.to_owned(),
        found: installed.iter().map(file).collect(),
    }
}

/// Which of the installed libraries to link, the one that names the result first: those named, and those whose symbols
/// they need; without names all, where no two define the same.
pub(crate) fn choose(
    folder: &Path,
    installed: &[Installed],
    read: &[Result<Contents<'_>, String>],
    wanted: Wanted<'_>,
) -> Result<Vec<usize>, Error> {
    let defined = |at: usize| read.get(at).and_then(|found| found.as_ref().ok()).map(Contents::defined);
    let needed = |at: usize| read.get(at).and_then(|found| found.as_ref().ok()).map(Contents::needed);
    if wanted.names.is_empty() {
        // A stand-in for a shared library beside it holds no object files.
        let has_symbols = |at: &usize| defined(*at).is_none_or(|names| !names.is_empty());
        let mut all: Vec<usize> = (0..installed.len()).collect();
        if all.len() > 1 {
            all.retain(has_symbols);
        }
        let mut seen = BTreeSet::new();
        let apart = all.iter().filter_map(|at| defined(*at)).flatten().all(|name| seen.insert(name));
        if all.is_empty() || !apart {
            return Err(missing(folder, installed, None));
        }
        // The one that the others serve gives its name.
        let serves = |one: &usize| {
            let names = defined(*one).unwrap_or_default();
            all.iter().filter(|other| *other != one).any(|other| {
                needed(*other).is_some_and(|needed| needed.iter().any(|name| names.contains(name)))
            })
        };
        if let Some(root) = all.iter().position(|one| !serves(one)) {
            all.swap(0, root);
        }
        return Ok(all);
    }
    let mut chosen = Vec::new();
    for name in wanted.names {
        let file = |library: &Installed| library.path.file_name().is_some_and(|file| file == name.as_str());
        match installed.iter().position(|library| library.name == *name || file(library)) {
            Some(at) => chosen.push(at),
            None => return Err(missing(folder, installed, Some(name))),
        }
    }
    let mut at = 0;
    while let Some(one) = chosen.get(at) {
        let needed = needed(*one).unwrap_or_default();
        let serves = |other: &usize| {
            !chosen.contains(other) && defined(*other).is_some_and(|names| !names.is_disjoint(&needed))
        };
        let more: Vec<usize> = (0..installed.len()).filter(serves).collect();
        chosen.extend(more);
        at += 1;
    }
    Ok(chosen)
}
