//! Opening LMDB's environment, one process at a time, and only with a lock file that is in step with the data.
//!
//! LMDB keeps the number of the last transaction in its lock file. Whoever opens a store that nobody has open makes
//! that file anew, in steps, under a lock that others wait for: first the number is 0, then it is read from the data.
//! If that process is killed in between, LMDB lets the one that waits use the file as it is. Its next write then
//! overwrites the last state but one as if it were the oldest, and what was acknowledged is lost.
//!
//! So nobody waits there: openers wait for `opening.lock` instead. A killed process loses its LMDB lock before this one
//! (Linux releases record locks when it closes a process's files, and locks of whole files after that), so the next
//! opener is alone too, and makes the lock file anew. Where a system or a file system does otherwise, the number
//! shows it: it is compared when a store is opened and before each write.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use heed::{Env, RoTxn, WithoutTls};

use super::folder::{self, Trust};
use super::pages;
use crate::error::{Error, Result};

/// Held by whoever is opening a generation of a store.
pub(crate) const OPENING_LOCK: &str = "opening.lock";
/// How often a lock file that is not in step is given up, to be made anew.
const TRIES: usize = 50;
/// How often the number is read again while another process is committing.
const READINGS: usize = 10;
const PAUSE: Duration = Duration::from_millis(2);

/// Opens an environment by `map`, and the data file for reading.
///
/// Cost beside `map`: a file, a lock, and two reads of a header.
pub(super) fn open(
    root: &Path,
    trust: Trust,
    map: impl Fn() -> Result<(Env<WithoutTls>, File)>,
    read: impl Fn(&Env<WithoutTls>) -> Result<RoTxn<'_, WithoutTls>>,
) -> Result<(Env<WithoutTls>, File)> {
    // Where the file cannot be made, as in a folder that belongs to somebody else, the comparison has to do; and a file
    // system without such locks has no others either.
    let turn = folder::lock_file(&root.join(OPENING_LOCK), true, trust);
    let _turn = turn.and_then(|turn| turn.lock().map(|()| turn));
    for _ in 0..TRIES {
        let (env, data) = map()?;
        if is_in_step(root, &env, &data, &read)? {
            return Ok((env, data));
        }
        // LMDB makes the lock file anew for the next that opens it, if nobody else has it open.
        drop(env);
        std::thread::sleep(PAUSE);
    }
    Err(out_of_step(root))
}

fn is_in_step(
    root: &Path,
    env: &Env<WithoutTls>,
    data: &File,
    read: impl Fn(&Env<WithoutTls>) -> Result<RoTxn<'_, WithoutTls>>,
) -> Result<bool> {
    for _ in 0..READINGS {
        let before = last_transaction(root, data)?;
        let seen = read(env)?.id() as u64;
        if (before..=last_transaction(root, data)?).contains(&seen) {
            return Ok(true);
        }
        std::thread::sleep(PAUSE);
    }
    // A commit shows in the data before it shows in the lock file, and where that takes long, only a writer knows.
    let writing = env.write_txn().map_err(|e| Error::from_heed(root, e))?;
    Ok(writing.id() as u64 == last_transaction(root, data)? + 1)
}

/// Refuses to write after another transaction than the last one. The write lock must be held, by the transaction whose
/// number is given. Cost: two reads of a header, some microseconds.
pub(super) fn check_turn(root: &Path, data: &File, transaction: usize) -> Result<()> {
    if transaction as u64 == last_transaction(root, data)? + 1 { Ok(()) } else { Err(out_of_step(root)) }
}

fn last_transaction(root: &Path, data: &File) -> Result<u64> {
    pages::last_transaction(data).map_err(|source| Error::from_io(root, "read", root, source))
}

fn out_of_step(root: &Path) -> Error {
    let what = "its lock file does not fit its data; end every program that uses the store, and try again";
    Error::Exhausted { path: root.to_owned(), what }
}
