//! What a build made: a static library that knows how to link itself.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::builder::Product;
use crate::error::Error;
use crate::install::Library;
use crate::version::Version;

/// The result of a build: a static library, or the reason why there is none and need be none.
#[derive(Debug)]
#[must_use = "call link() on it, or nothing is linked"]
pub struct Artifact {
    content: Content,
}

#[derive(Debug)]
enum Content {
    Built { path: PathBuf, prefix: PathBuf, zig: Version, directives: Vec<String> },
    Skipped(Skipped),
}

/// Why nothing was built, where that is no error.
#[derive(Debug)]
#[non_exhaustive]
pub enum Skipped {
    /// docs.rs is building the documentation (`DOCS_RS` is set): it links nothing, and has no Zig.
    DocsRs,
    /// Miri is interpreting the crate: it calls no foreign functions. Gate their use with `cfg(not(miri))`.
    Miri,
    /// `ZIG_BUILD_SKIP` is set: the code is checked only, and nothing is linked.
    Check,
    /// There is no usable Zig, or no Zig target, and [`WithoutZig::Warn`](crate::WithoutZig::Warn) lets that pass.
    WithoutZig(Error),
}

impl Artifact {
    /// The library; an error where cargo cannot be told of its path.
    pub(crate) fn built(library: Library, prefix: PathBuf, zig: Version) -> Result<Self, Error> {
        let Library { path, name, system, folders } = library;
        let Some(folder) = path.parent().and_then(Path::to_str).filter(|folder| !folder.contains('\n'))
        else {
            return Err(Error::PathNotForCargo { path });
        };
        let mut directives = vec![
            format!("cargo::rustc-link-search=native={folder}"),
            format!("cargo::rustc-link-lib=static={name}"),
        ];
        let folders = folders.iter().filter(|folder| !folder.contains('\n'));
        directives.extend(folders.map(|folder| format!("cargo::rustc-link-search=native={folder}")));
        // After the library that needs them: some linkers look for a symbol only in what follows.
        directives.extend(system.iter().map(|library| format!("cargo::rustc-link-lib={library}")));
        Ok(Self { content: Content::Built { path, prefix, zig, directives } })
    }

    /// A dynamic library, or a program, of which cargo links nothing.
    pub(crate) fn installed(
        path: PathBuf,
        product: &Product,
        prefix: PathBuf,
        zig: Version,
    ) -> Result<Self, Error> {
        let mut directives = Vec::new();
        if let Product::DynamicLibrary(name) = product {
            // On Windows the linker takes the stand-in for the library, in the folder of libraries.
            let folder = prefix.join("lib");
            let Some(text) = folder.to_str().filter(|folder| !folder.contains('\n')) else {
                return Err(Error::PathNotForCargo { path: folder });
            };
            directives.push(format!("cargo::rustc-link-search=native={text}"));
            directives.push(format!("cargo::rustc-link-lib=dylib={name}"));
        }
        Ok(Self { content: Content::Built { path, prefix, zig, directives } })
    }

    pub(crate) fn without(reason: Skipped) -> Self {
        Self { content: Content::Skipped(reason) }
    }

    /// Tells cargo to link the library into the package. Does nothing where none was built.
    pub fn link(&self) {
        // Where standard output is closed there is no cargo to tell.
        self.link_to(&mut io::stdout().lock()).ok();
    }

    /// As [`link`](Self::link), with the lines for cargo written to `out`.
    ///
    /// # Errors
    ///
    /// What writing to `out` returns.
    pub fn link_to(&self, out: &mut impl Write) -> io::Result<()> {
        if let Content::Built { directives, .. } = &self.content {
            for directive in directives {
                writeln!(out, "{directive}")?;
            }
        }
        Ok(())
    }

    /// Whether there is a library, or what else was asked for.
    pub fn is_built(&self) -> bool {
        matches!(self.content, Content::Built { .. })
    }

    /// Whether code that calls the library can be compiled: the library is there, or will be once something is linked.
    /// That second case is `ZIG_BUILD_SKIP`, which leaves Zig out of `cargo check`. Set a `cfg` by this, and everything
    /// that needs the file itself by [`path`](Self::path).
    pub fn is_expected(&self) -> bool {
        matches!(self.content, Content::Built { .. } | Content::Skipped(Skipped::Check))
    }

    /// The path of the library, or of the program.
    pub fn path(&self) -> Option<&Path> {
        match &self.content {
            Content::Built { path, .. } => Some(path),
            Content::Skipped(_) => None,
        }
    }

    /// The folder of the headers that `zig build` installed, where it installed any: for `bindgen`, and for C code
    /// that the crate compiles. A crate that has `links` in its `Cargo.toml` passes it on with
    /// `println!("cargo::metadata=include={}", folder.display())`.
    pub fn include(&self) -> Option<PathBuf> {
        Some(self.prefix()?.join("include")).filter(|folder| folder.is_dir())
    }

    /// The folder that `zig build` installed everything to.
    pub fn prefix(&self) -> Option<&Path> {
        match &self.content {
            Content::Built { prefix, .. } => Some(prefix),
            Content::Skipped(_) => None,
        }
    }

    /// The version of the Zig that built it.
    pub fn zig_version(&self) -> Option<Version> {
        match &self.content {
            Content::Built { zig, .. } => Some(*zig),
            Content::Skipped(_) => None,
        }
    }

    /// Why there is no library.
    pub fn skipped(&self) -> Option<&Skipped> {
        match &self.content {
            Content::Built { .. } => None,
            Content::Skipped(reason) => Some(reason),
        }
    }
}
