//! From what `zig build` installed to the library that is linked: found, checked, and written anew.

use std::fs;
use std::path::{Path, PathBuf};

use crate::archive::{self, Member};
use crate::check::{self, Rules};
use crate::error::Error;
use crate::object::Symbols;
use crate::repack;

/// The path of the library to link. `name` is what `build.zig` calls it; without one there must be one library only.
pub(crate) fn library(
    prefix: &Path,
    name: Option<&str>,
    rules: &Rules,
    apple: bool,
) -> Result<PathBuf, Error> {
    let installed = locate(&prefix.join("lib"), name)?;
    let bytes = fs::read(&installed).map_err(|source| Error::File {
        doing: "read",
        path: installed.clone(),
        source,
    })?;
    match inspect(&bytes) {
        Ok((members, symbols)) => {
            check::check(&installed, &symbols, rules)?;
            rewritten(&installed, prefix, &members, &symbols)
        }
        // Resources and other foreign members are no reason to refuse a library of which nothing was demanded.
        Err(_) if !rules.demand_symbols() && !apple => Ok(installed),
        Err(reason) => Err(Error::Unreadable { path: installed, reason }),
    }
}

fn locate(folder: &Path, name: Option<&str>) -> Result<PathBuf, Error> {
    let mut found: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|file| file.ends_with(".a") || file.ends_with(".lib"))
        .collect();
    found.sort();
    let chosen = match (name, &*found) {
        (None, [only]) => Some(only),
        (None, _) => None,
        (Some(name), _) => found.iter().find(|file| stem(file) == name || *file == name),
    };
    match chosen {
        Some(file) => Ok(folder.join(file)),
        None => Err(Error::NoLibrary { library: name.map(str::to_owned), folder: folder.to_owned(), found }),
    }
}

/// `libname.a` and, for Windows and UEFI, `name.lib` are both `name`.
fn stem(file: &str) -> &str {
    match file.strip_suffix(".a") {
        Some(stem) => stem.strip_prefix("lib").unwrap_or(stem),
        None => file.strip_suffix(".lib").unwrap_or(file),
    }
}

fn inspect(bytes: &[u8]) -> Result<(Vec<Member<'_>>, Vec<Symbols>), String> {
    let members = archive::members(bytes)?;
    let symbols = check::read(&members)?;
    match symbols.as_slice() {
        [] => Err("it holds no object files".to_owned()),
        [first, rest @ ..] if rest.iter().any(|other| other.format != first.format) => {
            Err("it holds object files of several formats".to_owned())
        }
        _ => Ok((members, symbols)),
    }
}

/// Writes the library beside the prefix, under its own name.
fn rewritten(
    installed: &Path,
    prefix: &Path,
    members: &[Member<'_>],
    symbols: &[Symbols],
) -> Result<PathBuf, Error> {
    let format = symbols.first().map(|object| object.format);
    let Some(bytes) = format.and_then(|format| repack::write(format, members, symbols)) else {
        return Ok(installed.to_owned());
    };
    let folder = prefix.with_file_name("link");
    let path = folder.join(installed.file_name().unwrap_or_default());
    fs::create_dir_all(&folder).and_then(|()| fs::write(&path, bytes)).map_err(|source| Error::File {
        doing: "write",
        path: path.clone(),
        source,
    })?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_found_by_name_under_either_spelling() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let write = |name: &str| fs::write(folder.path().join(name), "");
        assert!(
            matches!(locate(folder.path(), None), Err(Error::NoLibrary { found, .. }) if found.is_empty())
        );
        write("liba.a")?;
        write("header.h")?;
        let found = |name| locate(folder.path(), name).ok().and_then(|p| p.file_name().map(|n| n.to_owned()));
        assert_eq!(found(None), Some("liba.a".into()));
        assert_eq!(found(Some("a")), Some("liba.a".into()));
        write("b.lib")?;
        assert_eq!(found(None), None, "two libraries, and none is named");
        assert_eq!(found(Some("b")), Some("b.lib".into()));
        assert!(matches!(
            locate(folder.path(), Some("c")),
            Err(Error::NoLibrary { found, .. }) if found == ["b.lib", "liba.a"]
        ));
        Ok(())
    }
}
