//! The store's folder: whose it is, who may look into it, and what may lie in it.
//!
//! A store is opened by names: LMDB opens `data.mdb` and `lock.mdb` in its folder and writes into what these names
//! lead to. In a folder that others may write to, a name can be a link to somebody's file. So the folder comes first.
//! It must be a real folder of this user that nobody else may enter; then nobody can plant anything in it any more, and
//! what was planted before is found by looking at each entry without following it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::store::generation::{GENERATION_LOCK, OPEN_LOCK};
use crate::store::open::{DATA_FILE, LOCK_FILE};
use crate::store::opening::OPENING_LOCK;
use crate::store::walked::WALKED;

/// Who may use a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Trust {
    /// The user whose it is: folders are made 0700 and files 0600.
    #[default]
    Private,
    /// Whoever the system lets: owners and permissions are left alone. Links are refused all the same.
    Shared,
}

/// A store's folder, once it is seen to be one.
#[derive(Debug)]
pub(crate) struct Root {
    /// Its path, absolute and without links.
    pub(crate) path: PathBuf,
    /// Whether others could enter it before.
    pub(crate) tightened: bool,
}

/// The names that stand for files in a store's folder.
const FILES: [&str; 7] =
    [DATA_FILE, LOCK_FILE, OPEN_LOCK, OPENING_LOCK, GENERATION_LOCK, WALKED, ".gitignore"];

impl Root {
    /// Opens the folder of a store; `create` makes it, and the folders that lead to it, where they are missing.
    ///
    /// With `follow`, the path itself may be a link to the folder.
    pub(crate) fn open(path: &Path, create: bool, follow: bool, trust: Trust) -> Result<Self> {
        if create {
            let failed = |source| Error::from_io(path, "made", path, source);
            if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                fs::create_dir_all(parent).map_err(failed)?;
            }
            match make(path, trust) {
                // Whatever has the name is looked at below.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                made => made.map_err(failed)?,
            }
        }
        let failed = |source| Error::from_io(path, "read", path, source);
        let found = match fs::symlink_metadata(path) {
            Ok(found) => found,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(Error::NoStore { path: path.to_owned() });
            }
            Err(e) => return Err(failed(e)),
        };
        if found.is_symlink() && !follow {
            return Err(untrusted(path, "a symbolic link"));
        }
        let path = path.canonicalize().map_err(failed)?;
        if !path.is_dir() {
            return Err(untrusted(&path, "not a directory"));
        }
        let tightened = check_folder(&path, trust)?;
        Ok(Self { path, tightened })
    }
}

/// Checks the folder of a store or of one of its generations, and what lies in it. Says whether others could enter it.
///
/// Cost: one look at each of a handful of names.
pub(crate) fn check_folder(path: &Path, trust: Trust) -> Result<bool> {
    let tightened = keep_to_owner(path, trust)?;
    for name in FILES {
        check_file(&path.join(name), trust)?;
    }
    Ok(tightened)
}

/// Checks the folder of a generation, which is a real one within the store's.
pub(crate) fn check_generation(path: &Path, trust: Trust) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => check_folder(path, trust).map(drop),
        Ok(_) => Err(untrusted(path, "not a directory")),
        // Removed a moment ago.
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(Error::File { action: "read", path: path.to_owned(), source }),
    }
}

fn untrusted(path: &Path, what: &'static str) -> Error {
    Error::Untrusted { path: path.to_owned(), what }
}

/// Refuses a folder of somebody else's, and takes the permissions of all but its owner away.
#[cfg(unix)]
fn keep_to_owner(path: &Path, trust: Trust) -> Result<bool> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use rustix::fs::{Mode, OFlags};
    if trust == Trust::Shared {
        return Ok(false);
    }
    let failed = |source| Error::from_io(path, "read", path, source);
    // What is looked at is what is changed: by its handle, not by its name.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = rustix::fs::open(path, flags, Mode::empty()).map_err(|e| failed(e.into()))?;
    let folder = File::from(folder);
    let metadata = folder.metadata().map_err(failed)?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(untrusted(path, "a folder of another user"));
    }
    if metadata.mode() & 0o077 == 0 {
        return Ok(false);
    }
    folder.set_permissions(fs::Permissions::from_mode(metadata.mode() & 0o700)).map_err(failed)?;
    Ok(true)
}

#[cfg(not(unix))]
fn keep_to_owner(_path: &Path, _trust: Trust) -> Result<bool> {
    Ok(false)
}

/// Refuses what has the name of a store's file and is none, or is a file that has another name elsewhere.
fn check_file(path: &Path, trust: Trust) -> Result<()> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(Error::File { action: "read", path: path.to_owned(), source }),
    };
    if found.is_symlink() {
        return Err(untrusted(path, "a symbolic link"));
    }
    if !found.is_file() {
        return Err(untrusted(path, "not a regular file"));
    }
    #[cfg(unix)]
    if trust == Trust::Private {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        if found.uid() != rustix::process::geteuid().as_raw() {
            return Err(untrusted(path, "a file of another user"));
        }
        if found.nlink() > 1 {
            return Err(untrusted(path, "a file that has another name too (a hard link)"));
        }
        if found.mode() & 0o077 != 0 {
            let failed = |source| Error::File { action: "made private", path: path.to_owned(), source };
            fs::set_permissions(path, fs::Permissions::from_mode(found.mode() & 0o700)).map_err(failed)?;
        }
    }
    Ok(())
}

/// Makes a folder that is not there yet.
pub(crate) fn make(path: &Path, trust: Trust) -> io::Result<()> {
    #[cfg(unix)]
    if trust == Trust::Private {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        fs::DirBuilder::new().mode(0o700).create(path)?;
        // Whatever the umask took away.
        return fs::set_permissions(path, fs::Permissions::from_mode(0o700));
    }
    fs::create_dir(path)
}

fn options(trust: Trust) -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        if trust == Trust::Private {
            options.mode(0o600);
        }
        options.custom_flags((rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits() as i32);
    }
    options
}

/// Makes a file that is not there yet, for reading and writing.
pub(crate) fn new_file(path: &Path, trust: Trust) -> io::Result<File> {
    let file = options(trust).create_new(true).open(path)?;
    make_private(&file, trust)?;
    Ok(file)
}

/// Makes a small file that is not there yet, on disk when it returns.
pub(crate) fn write_new(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = new_file(path, Trust::Private)?;
    file.write_all(contents)?;
    file.sync_all()
}

/// Opens a file that serves as a lock; `create` makes it where it is missing. Links are not followed.
pub(crate) fn lock_file(path: &Path, create: bool, trust: Trust) -> io::Result<File> {
    match options(trust).open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound && create => match new_file(path, trust) {
            // Somebody else was sooner.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => options(trust).open(path),
            made => made,
        },
        opened => opened,
    }
}

/// Lets its owner read and write a file, and nobody else, whatever the umask.
pub(crate) fn make_private(file: &File, trust: Trust) -> io::Result<()> {
    #[cfg(unix)]
    if trust == Trust::Private {
        return file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600));
    }
    let _ = (file, trust);
    Ok(())
}

/// Brings a folder's entries to disk.
pub(crate) fn sync(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    let _ = folder;
    Ok(())
}
