//! Files: what kind a path is, and its text with an error that names it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The most bytes that one text file may have (64 MiB). JSONL and BEIR files are streamed and have no limit.
pub const MAX_FILE_BYTES: u64 = 64 << 20;

/// What a path is to an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A Markdown note (`.md`, `.markdown`).
    Markdown,
    /// Plain text (`.txt`, `.text`, `.org`, `.rst`).
    Plain,
    /// One JSON object a line (`.jsonl`, `.ndjson`).
    Jsonl,
    /// A folder that holds `corpus.jsonl`.
    Beir,
    /// Any other folder.
    Folder,
    /// A file of no known kind, which an import passes over.
    Unknown,
}

impl Kind {
    /// The kind of a file with this name, whether or not it exists; letters count in either case.
    #[must_use]
    pub fn of_file_name(path: &Path) -> Self {
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        match extension.as_str() {
            "md" | "markdown" => Self::Markdown,
            "txt" | "text" | "org" | "rst" => Self::Plain,
            "jsonl" | "ndjson" => Self::Jsonl,
            _ => Self::Unknown,
        }
    }
}

/// Why a path cannot be imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Nothing is there.
    #[error("there is no {}; check the path", .path.display())]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// The system does not let it be read.
    #[error("{} cannot be read: {error}; {}", .path.display(), advice(.error))]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// It holds a NUL byte, so it is no text.
    #[error("{} is a binary file (byte {position} is NUL); import text files only", .path.display())]
    Binary {
        /// The path.
        path: PathBuf,
        /// Where the first NUL is, in bytes from 0.
        position: usize,
    },
    /// It is text in another encoding, or no text.
    #[error("{} is not UTF-8 at byte {position}; convert it to UTF-8 and import it again", .path.display())]
    NotUtf8 {
        /// The path.
        path: PathBuf,
        /// Where the first invalid byte is, from 0.
        position: usize,
    },
    /// It is larger than [`MAX_FILE_BYTES`].
    #[error("{} has {bytes} bytes; a text file may have at most {MAX_FILE_BYTES}, so split it", .path.display())]
    TooLarge {
        /// The path.
        path: PathBuf,
        /// How large it is, or how much of it was read before it was given up.
        bytes: u64,
    },
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "check its permissions",
        _ => "check the path and its permissions",
    }
}

impl ReadError {
    /// The error for what the system said about a path.
    #[must_use]
    pub fn from_io(path: &Path, error: io::Error) -> Self {
        let path = path.to_path_buf();
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing { path },
            _ => Self::Unreadable { path, error },
        }
    }

    /// The path that it is about.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Missing { path }
            | Self::Unreadable { path, .. }
            | Self::Binary { path, .. }
            | Self::NotUtf8 { path, .. }
            | Self::TooLarge { path, .. } => path,
        }
    }
}

/// What a path is: by what is there if it is a folder, by its extension if it is a file.
///
/// # Errors
/// If nothing is there, or the system does not say what is.
pub fn kind_of(path: &Path) -> Result<Kind, ReadError> {
    let metadata = fs::metadata(path).map_err(|error| ReadError::from_io(path, error))?;
    Ok(if !metadata.is_dir() {
        Kind::of_file_name(path)
    } else if path.join("corpus.jsonl").is_file() {
        Kind::Beir
    } else {
        Kind::Folder
    })
}

/// The text of a file. Cost: one read and one check of its bytes.
///
/// # Errors
/// If the file is missing, unreadable, larger than [`MAX_FILE_BYTES`], binary, or not UTF-8; each names the
/// path and what to do.
pub fn read_text(path: &Path) -> Result<String, ReadError> {
    let unreadable = |error| ReadError::from_io(path, error);
    let file = File::open(path).map_err(unreadable)?;
    let expected = file.metadata().map_err(unreadable)?.len();
    let too_large = |bytes| ReadError::TooLarge { path: path.to_path_buf(), bytes };
    if expected > MAX_FILE_BYTES {
        return Err(too_large(expected));
    }
    let mut bytes = Vec::with_capacity(expected as usize);
    // The file may grow meanwhile, or be a pipe.
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(too_large(bytes.len() as u64));
    }
    if let Some(position) = bytes.iter().position(|&byte| byte == 0) {
        return Err(ReadError::Binary { path: path.to_path_buf(), position });
    }
    String::from_utf8(bytes).map_err(|error| ReadError::NotUtf8 {
        path: path.to_path_buf(),
        position: error.utf8_error().valid_up_to(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_file_and_the_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a.MD"), "# Café").unwrap();
        fs::write(path("bin.txt"), b"ab\0c").unwrap();
        fs::write(path("latin.txt"), b"caf\xe9").unwrap();
        File::create(path("huge.txt")).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();
        assert_eq!(read_text(&path("a.MD")).unwrap(), "# Café");
        for (name, says) in [
            ("none.md", "there is no"),
            ("bin.txt", "byte 2 is NUL"),
            ("latin.txt", "not UTF-8 at byte 3"),
            ("huge.txt", "split it"),
            ("", "cannot be read"),
        ] {
            let error = read_text(&path(name)).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
            assert_eq!(error.path(), path(name));
        }
        assert_eq!(kind_of(&path("a.MD")).unwrap(), Kind::Markdown);
        assert_eq!(kind_of(folder.path()).unwrap(), Kind::Folder);
        fs::write(path("corpus.jsonl"), "").unwrap();
        assert_eq!(kind_of(folder.path()).unwrap(), Kind::Beir);
        assert_eq!(kind_of(&path("corpus.jsonl")).unwrap(), Kind::Jsonl);
        assert!(kind_of(&path("none")).is_err());
        assert_eq!(Kind::of_file_name(Path::new("x.png")), Kind::Unknown);
    }
}
