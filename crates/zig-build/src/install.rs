//! From what `zig build` installed to the library that is linked: found, checked, and written anew.

use std::fs;
use std::path::{Path, PathBuf};

use crate::builder::Product;
use crate::check::{self, Rules};
use crate::choose::{choose, installed, missing, not_installed};
use crate::contents::{self, Contents};
use crate::error::Error;
use crate::obstacle::{self, Program};
use crate::repack;

/// What the build script and the target ask of the library.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// The names of the libraries; without any, all that are installed.
    pub(crate) names: &'a [String],
    pub(crate) rules: &'a Rules,
    /// The Rust target.
    pub(crate) target: &'a str,
    pub(crate) program: Program<'a>,
    /// Zig's local cache, where it is to be searched for libraries that were built and not installed.
    pub(crate) built: Option<&'a Path>,
}

impl Wanted<'_> {
    /// The name under which rustc, and the linker that it calls, look for the static library `name`: theirs, whatever
    /// Zig's is, so that the plain `static=name` finds it on every target and with every linker.
    fn file_name(&self, name: &str) -> String {
        if self.target.ends_with("-msvc") { format!("{name}.lib") } else { format!("lib{name}.a") }
    }
}

/// The library to link.
#[derive(Debug)]
pub(crate) struct Library {
    pub(crate) path: PathBuf,
    /// What the linker knows it by.
    pub(crate) name: String,
    /// What it needs of the system, as cargo's `rustc-link-lib` takes it.
    pub(crate) system: Vec<String>,
    /// Where that is, beside the folders that linkers look in by themselves.
    pub(crate) folders: Vec<String>,
}

/// The library to link, made of those that `zig build` installed to `prefix`.
///
/// Several become one: so their order, which some linkers are particular about, is nobody's business.
pub(crate) fn library(prefix: &Path, wanted: Wanted<'_>) -> Result<Library, Error> {
    let folder = prefix.join("lib");
    let installed = installed(&folder)?;
    let read: Vec<_> = installed.iter().map(|library| contents::read(&library.bytes)).collect();
    let chosen = choose(&folder, &installed, &read, wanted)?;
    let first = chosen.first().and_then(|at| installed.get(*at));
    let Some(first) = first else { return Err(missing(&folder, &installed, None)) };
    let write = |bytes: &[u8]| {
        // Cargo's lines hold no other names, and linkers take these on every system.
        let plain = |c: char| if c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '+') { c } else { '_' };
        let name: String = first.name.chars().map(plain).collect();
        let folder = prefix.with_file_name("link");
        let path = folder.join(wanted.file_name(&name));
        fs::create_dir_all(&folder).and_then(|()| fs::write(&path, bytes)).map_err(|source| Error::File {
            doing: "write",
            path: path.clone(),
            source,
        })?;
        Ok((path, name))
    };

    let mut contents = Contents::default();
    for at in &chosen {
        match (read.get(*at), installed.get(*at)) {
            (Some(Ok(found)), _) => contents.add(found),
            // Of a library of which nothing was demanded, foreign members are no reason to refuse it.
            (Some(Err(_)), Some(only))
                if chosen.len() == 1
                    && !wanted.rules.demand_symbols()
                    && !wanted.target.contains("-apple-") =>
            {
                let (path, name) = write(&only.bytes)?;
                return Ok(Library { path, name, system: Vec::new(), folders: Vec::new() });
            }
            (Some(Err(reason)), Some(library)) => {
                return Err(Error::Unreadable { path: library.path.clone(), reason: reason.clone() });
            }
            _ => {}
        }
    }
    if let Some(reason) = contents.unusable() {
        return Err(Error::Unreadable { path: first.path.clone(), reason });
    }
    contents.settle_compiler_rt(wanted.rules);
    let mut obstacles = obstacle::find(&contents.names(), &contents.symbols, wanted.program, wanted.rules);
    if let Some(cache) = wanted.built {
        obstacles.extend(not_installed(cache, &installed, &contents, wanted.rules));
    }
    if !obstacles.is_empty() {
        return Err(Error::Unlinkable { path: first.path.clone(), obstacles });
    }
    check::check(&first.path, &contents.symbols, wanted.rules)?;
    let format = contents.symbols.first().map(|object| object.format);
    let anew = format.and_then(|format| repack::write(format, &contents.members, &contents.symbols));
    let (path, name) = match anew {
        Some(bytes) => write(&bytes)?,
        None => write(&first.bytes)?,
    };
    Ok(Library { path, name, system: contents.system, folders: contents.folders })
}

/// The dynamic library or the program among what is installed.
pub(crate) fn file(prefix: &Path, product: &Product, target: &str) -> Result<PathBuf, Error> {
    let windows = target.contains("-windows-");
    let path = match product {
        Product::Program(name) if windows => prefix.join("bin").join(format!("{name}.exe")),
        Product::Program(name) => prefix.join("bin").join(name),
        Product::DynamicLibrary(name) if windows => prefix.join("bin").join(format!("{name}.dll")),
        Product::DynamicLibrary(name) if target.contains("-apple-") => {
            prefix.join("lib").join(format!("lib{name}.dylib"))
        }
        Product::DynamicLibrary(name) => prefix.join("lib").join(format!("lib{name}.so")),
        Product::StaticLibrary => prefix.join("lib"),
    };
    if path.is_file() { Ok(path) } else { Err(Error::NotInstalled { path }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Member;
    use crate::object::{Format, Symbols};

    const ELF: &[u8] = include_bytes!("../tests/objects/elf-x86_64.o");
    const OTHER: &[u8] = include_bytes!("../tests/objects/elf-s390x.o");

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn write(&self, file: &str, members: &[(&str, &[u8])]) -> std::io::Result<()> {
            // A name with folders, as Zig writes it.
            let whole = |name: &str| Member { name: name.to_owned(), ..Member::new("", b"") };
            let members: Vec<_> = members.iter().map(|(name, data)| Member { data, ..whole(name) }).collect();
            let symbols = vec![Symbols::new(Format::Elf, false); members.len()];
            let library = repack::write(Format::Elf, &members, &symbols).unwrap_or_default();
            fs::create_dir_all(self.0.path().join("prefix/lib"))?;
            fs::write(self.0.path().join("prefix/lib").join(file), library)
        }

        fn library(&self, names: &[&str], target: &str) -> Result<Library, Error> {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let program = Program { position_independent: true, system_libraries: &[] };
            let rules = Rules::default();
            library(
                &self.0.path().join("prefix"),
                Wanted { names: &names, rules: &rules, target, program, built: None },
            )
        }

        fn file(&self, names: &[&str], target: &str) -> Option<String> {
            Some(self.library(names, target).ok()?.path.file_name()?.to_string_lossy().into_owned())
        }
    }

    #[test]
    fn a_library_is_found_by_name_under_either_spelling_and_named_as_rustc_expects() -> std::io::Result<()> {
        let folder = Folder(tempfile::tempdir()?);
        let (linux, msvc, mingw) =
            ("x86_64-unknown-linux-gnu", "x86_64-pc-windows-msvc", "x86_64-pc-windows-gnu");
        assert!(
            matches!(folder.library(&[], linux), Err(Error::NoLibrary { found, .. }) if found.is_empty())
        );
        folder.write("liba.a", &[("a.o", ELF)])?;
        fs::write(folder.0.path().join("prefix/lib/header.h"), "")?;
        assert_eq!(folder.file(&[], linux).as_deref(), Some("liba.a"));
        assert_eq!(folder.file(&["a"], linux).as_deref(), Some("liba.a"));
        folder.write("b.lib", &[("b.o", OTHER)])?;
        assert_eq!(folder.file(&["b"], msvc).as_deref(), Some("b.lib"));
        assert_eq!(folder.file(&["b"], mingw).as_deref(), Some("libb.a"));
        assert_eq!(folder.file(&["a"], msvc).as_deref(), Some("a.lib"));
        assert!(matches!(
            folder.library(&["c"], linux),
            Err(Error::NoLibrary { found, library, .. }) if found == ["b.lib", "liba.a"] && library.as_deref() == Some("c")
        ));
        assert!(
            matches!(folder.library(&[], linux), Err(Error::NoLibrary { library: None, .. })),
            "both define the same"
        );
        Ok(())
    }

    #[test]
    fn programs_and_dynamic_libraries_have_the_targets_names() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let product = |name: &str| Product::Program(name.to_owned());
        let dynamic = |name: &str| Product::DynamicLibrary(name.to_owned());
        for (product, target, expected) in [
            (product("tool"), "x86_64-unknown-linux-gnu", "bin/tool"),
            (product("tool"), "x86_64-pc-windows-msvc", "bin/tool.exe"),
            (dynamic("a"), "x86_64-pc-windows-gnu", "bin/a.dll"),
            (dynamic("a"), "aarch64-apple-darwin", "lib/liba.dylib"),
            (dynamic("a"), "aarch64-unknown-linux-musl", "lib/liba.so"),
        ] {
            let path = folder.path().join(expected);
            assert!(matches!(
                file(folder.path(), &product, target),
                Err(Error::NotInstalled { path: missing, .. }) if missing == path
            ));
            fs::create_dir_all(path.parent().unwrap_or(&path))?;
            fs::write(&path, "")?;
            assert_eq!(file(folder.path(), &product, target).ok(), Some(path));
        }
        Ok(())
    }

    #[test]
    fn only_object_files_are_linked_and_shared_libraries_are_left_to_the_linker() -> std::io::Result<()> {
        let folder = Folder(tempfile::tempdir()?);
        let mut shared = ELF.to_vec();
        shared[16] = 3; // ET_DYN
        let inner = {
            let member = Member::new("b.o", ELF);
            repack::write(Format::Elf, &[member], &[Symbols::new(Format::Elf, false)]).unwrap_or_default()
        };
        folder.write(
            "liba.a",
            &[
                ("/opt/gl/lib/libGL.so", &shared),
                ("/usr/lib/libm.so.6", &shared),
                ("read.me", b"text"),
                ("libb.a", &inner),
            ],
        )?;
        let found = folder.library(&[], "x86_64-unknown-linux-gnu").map_err(std::io::Error::other)?;
        assert_eq!(
            (found.system, found.folders),
            (vec!["dylib=GL".to_owned(), "dylib=m".to_owned()], vec!["/opt/gl/lib".to_owned()])
        );
        let written = fs::read(found.path)?;
        let members = contents::read(&written).map_err(std::io::Error::other)?;
        assert_eq!(members.names(), ["b.o"]);
        folder.write("liba.a", &[("libGL.so", &shared)])?;
        assert!(matches!(
            folder.library(&["a"], "x86_64-unknown-linux-gnu"),
            Err(Error::Unreadable { reason, .. }) if reason.contains("no object files")
        ));
        Ok(())
    }
}
