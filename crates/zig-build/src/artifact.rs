//! What a build made: a static library that knows how to link itself.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::version::Version;

/// The result of a build: a static library, or the reason why there is none and need be none.
#[derive(Debug)]
#[must_use = "call link() on it, or nothing is linked"]
pub struct Artifact {
    content: Content,
}

#[derive(Debug)]
enum Content {
    Built { path: PathBuf, prefix: PathBuf, zig: Version, directives: [String; 2] },
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
    /// The library at `path`; an error where cargo cannot be told of the path.
    pub(crate) fn built(path: PathBuf, prefix: PathBuf, zig: Version) -> Result<Self, Error> {
        let (Some(folder), Some(file)) =
            (path.parent().and_then(Path::to_str), path.file_name().and_then(|name| name.to_str()))
        else {
            return Err(Error::PathNotForCargo { path });
        };
        if folder.contains('\n') || file.contains('\n') {
            return Err(Error::PathNotForCargo { path });
        }
        // `verbatim`, because Zig's `name.lib` for Windows is not what the GNU toolchain would look for.
        let directives = [
            format!("cargo::rustc-link-search=native={folder}"),
            format!("cargo::rustc-link-lib=static:+verbatim={file}"),
        ];
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

    /// Whether there is a library.
    pub fn is_built(&self) -> bool {
        matches!(self.content, Content::Built { .. })
    }

    /// Whether code that calls the library can be compiled: the library is there, or will be once something is linked.
    /// That second case is `ZIG_BUILD_SKIP`, which leaves Zig out of `cargo check`. Set a `cfg` by this, and everything
    /// that needs the file itself by [`path`](Self::path).
    pub fn is_expected(&self) -> bool {
        matches!(self.content, Content::Built { .. } | Content::Skipped(Skipped::Check))
    }

    /// The library's path.
    pub fn path(&self) -> Option<&Path> {
        match &self.content {
            Content::Built { path, .. } => Some(path),
            Content::Skipped(_) => None,
        }
    }

    /// The folder that `zig build` installed everything to: headers lie in `include`.
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
