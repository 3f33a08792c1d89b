//! Backup: a consistent copy of a store that others go on using.

use std::fs;
use std::path::{Path, PathBuf};

use tracing::debug_span;

use crate::compaction::copy_into;
use crate::engram::Engram;
use crate::error::{Error, Result};
use crate::progress::{Answer, Monitor, Progress, Stage, watch};
use crate::store::folder::{self, Trust};
use crate::store::open::DATA_FILE;

impl Engram {
    /// Copies the store into a new folder, as it is at this moment, without free pages and checked. Gives the bytes of
    /// the copy.
    ///
    /// Others may read and write meanwhile. The folder appears once the copy is complete and on disk. It is a store like
    /// any other: to restore it, copy it to where the store was. Cost: reading the store and writing the copy.
    ///
    /// # Errors
    /// If `target` is there already, or its folder cannot be written; if the store is damaged. Nothing is left then.
    pub fn backup(&self, target: impl AsRef<Path>) -> Result<u64> {
        self.backup_watched(target.as_ref(), &Monitor::unwatched())
    }

    /// [`Engram::backup`], which tells `progress` how far it has come and ends if that says so; nothing is left then. See
    /// [`Engram::consolidate_with`] for what `progress` may do.
    ///
    /// # Errors
    /// As [`Engram::backup`]; [`Error::Cancelled`] if `progress` has ended it.
    pub fn backup_with<A: Answer>(
        &self,
        target: impl AsRef<Path>,
        progress: &mut dyn FnMut(Progress) -> A,
    ) -> Result<u64> {
        let target = target.as_ref();
        watch(&mut |now| progress(now).flow(), |monitor| self.backup_watched(target, monitor))
    }

    fn backup_watched(&self, target: &Path, monitor: &Monitor) -> Result<u64> {
        let _span = debug_span!("backup").entered();
        let written = |source| Error::File { action: "written", path: target.to_owned(), source };
        if fs::symlink_metadata(target).is_ok() {
            return Err(written(std::io::ErrorKind::AlreadyExists.into()));
        }
        let name = target.file_name().ok_or_else(|| written(std::io::ErrorKind::InvalidInput.into()))?;
        let parent =
            target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut unfinished = name.to_owned();
        unfinished.push(format!(".new-{}", std::process::id()));
        let unfinished = Unfinished(parent.join(unfinished));
        folder::make(&unfinished.0, Trust::Private).map_err(written)?;
        let store = loop {
            let store = self.store()?;
            store.check_pages(monitor)?;
            copy_into(&store, &unfinished.0, Trust::Private, monitor).map_err(|error| match error {
                // The store that is copied is only read.
                Error::Full { .. } => Error::Full { path: target.to_owned() },
                other => other,
            })?;
            // What was copied after the store had moved on bears a mark that says so.
            if !store.environment.is_superseded()? {
                break store;
            }
            let copy = unfinished.0.join(DATA_FILE);
            fs::remove_file(&copy)
                .map_err(|source| Error::from_io(store.folder(), "written", copy, source))?;
        };
        monitor.begin(Stage::Checking, 0)?;
        let copy = Self::open(&unfinished.0)?;
        let bytes = copy.stats()?.bytes;
        let problems = copy.verify_rows()?.problems;
        drop(copy);
        if let Some(problem) = problems.into_iter().next() {
            return Err(store.damaged(problem));
        }
        monitor.check()?;
        fs::rename(&unfinished.0, target).map_err(written)?;
        folder::sync(parent).map_err(written)?;
        Ok(bytes)
    }
}

/// A folder that goes unless it is renamed.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // What cannot be removed shows by its name that it is not complete.
        let _ = fs::remove_dir_all(&self.0);
    }
}
