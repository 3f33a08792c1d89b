//! Opens the store's file: once per process, checked before it is mapped.
//!
//! This is the one module of the crate with unsafe code. LMDB maps its file into memory, and a mapped file
//! that is shorter than its own account of itself kills the process at the first touch. So the header is
//! read with plain reads first, and a file that contradicts it is refused with a sentence.

#[cfg(unix)]
pub(crate) mod fault;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
#[cfg(unix)]
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use heed::{EnvOpenOptions, RoTxn, RwTxn, WithoutTls};

use super::folder::{self, Trust};
use super::generation::{self, Maker, Use};
use super::opening;
use super::pages::{self, Contents, Header};
use super::seen::Seen;
use super::state;
use super::tables::Opened;
use super::walked;
use crate::error::{Error, Result};

/// The address space asked for at first. It costs nothing until it is used, and is never resized.
const MAP_BYTES: usize = 1 << 40;
/// The least address space worth opening a store in.
const MAP_BYTES_LEAST: usize = 1 << 28;
/// The number of processes and threads that may read at the same moment.
const READERS: u32 = 4094;
/// The name that LMDB gives its file within a folder.
pub(crate) const DATA_FILE: &str = "data.mdb";
/// The name that LMDB gives the file in which readers register themselves.
pub(crate) const LOCK_FILE: &str = "lock.mdb";
/// More than LMDB needs for [`READERS`] readers of 64 bytes each.
#[cfg(target_os = "linux")]
const LOCK_FILE_BYTES: u64 = 260 << 10;
/// How long to wait for an environment of this process that is just being closed.
const CLOSING_PATIENCE: Duration = Duration::from_secs(5);
/// How long a reader waits for a place when all are taken.
const READER_PATIENCE: Duration = Duration::from_secs(10);

/// An open generation of a store.
pub(crate) struct Environment {
    /// LMDB's environment.
    pub(crate) env: heed::Env<WithoutTls>,
    /// The store's folder, absolute.
    pub(crate) root: Arc<Path>,
    /// The folder of this generation.
    pub(crate) folder: PathBuf,
    /// Which generation it is.
    pub(crate) generation: u64,
    /// Whether its pages were walked, by this process or by one that has noted it.
    pub(crate) is_walked: AtomicBool,
    trust: Trust,
    /// Its file, for plain reads.
    data: File,
    /// Its tables, once they are open.
    pub(crate) tables: Mutex<Option<Opened>>,
    /// What of it this process has checked.
    pub(crate) seen: Seen,
    /// Where the file is mapped, if the system tells.
    #[cfg(unix)]
    mapped: Option<Mapped>,
    /// Held until the environment above is closed: fields are dropped in this order.
    pub(crate) in_use: Use,
}

impl Environment {
    /// Whether the store has moved on to another generation.
    pub(crate) fn is_superseded(&self) -> Result<bool> {
        generation::is_superseded(&self.root, self.generation)
    }

    /// How long the file is by its header.
    pub(crate) fn bytes(&self) -> u64 {
        let pages = self.env.info().last_page_number as u64 + 1;
        pages.saturating_mul(u64::from(self.env.stat().page_size))
    }

    /// Begins to read, once there is a place among the readers.
    pub(crate) fn read(&self) -> Result<RoTxn<'_, WithoutTls>> {
        begin_to_read(&self.root, &self.env)
    }

    /// Waits for its turn to write to this generation.
    pub(crate) fn write(&self) -> Result<RwTxn<'_>> {
        let txn = self.env.write_txn().map_err(|e| Error::from_heed(&self.root, e))?;
        opening::check_turn(&self.root, &self.data, txn.id())?;
        Ok(txn)
    }

    /// Notes that its pages are sound as of a transaction, if they were walked before.
    pub(crate) fn note_walked(&self, transaction: u64) {
        if self.is_walked.load(Ordering::Acquire) {
            // Without a note they are walked again, which only takes time.
            let _ = walked::note(&self.folder, transaction, self.trust);
        }
    }

    /// Gives the pages of the map back that were read, so that they no longer count as memory of this process. They
    /// stay in the system's cache, and the next read of one finds it there. Cost: a microsecond, and some tens of
    /// nanoseconds a page. On systems other than Linux it does nothing.
    pub(crate) fn give_back(&self) {
        #[cfg(target_os = "linux")]
        if let Some(mapped) = &self.mapped {
            use rustix::mm::{Advice, madvise};
            let start = std::ptr::without_provenance_mut(mapped.0.start);
            // SAFETY: the range is that of one mapping of the store's file, as the system listed it once LMDB had made
            // it, and LMDB neither moves it nor takes it away before `env`, which this borrows, is closed. The
            // mapping is shared and read-only (there is no WRITEMAP): its pages are those of the system's cache, none
            // is this process's own, so dropping them loses nothing, and whoever reads there, even now, reads the same.
            let given_back = unsafe { madvise(start, mapped.0.len(), Advice::LinuxDontNeed) };
            // Of locked pages the system keeps all, which is no harm.
            let _ = given_back;
        }
    }
}

fn begin_to_read<'e>(root: &Path, env: &'e heed::Env<WithoutTls>) -> Result<RoTxn<'e, WithoutTls>> {
    let begun = Instant::now();
    loop {
        match env.read_txn() {
            Err(heed::Error::Mdb(heed::MdbError::ReadersFull)) if begun.elapsed() < READER_PATIENCE => {
                // Whoever was killed while reading still has a place.
                env.clear_stale_readers().map_err(|e| Error::from_heed(root, e))?;
                std::thread::sleep(Duration::from_millis(2));
            }
            begun => return begun.map_err(|e| Error::from_heed(root, e)),
        }
    }
}

/// The generations that this process has open: LMDB forbids opening one file twice in a process.
static OPEN: Mutex<BTreeMap<PathBuf, Weak<Environment>>> = Mutex::new(BTreeMap::new());

/// Opens the newest generation of a store, or hands out the one that this process already has open.
///
/// With `create`, makes its file where there is none.
pub(crate) fn open(root: &Path, create: bool, trust: Trust, tables: u32) -> Result<Arc<Environment>> {
    let listed = |source| Error::from_io(root, "read", root, source);
    let mut refused = None;
    loop {
        let (number, has_others) = generation::newest(root).map_err(listed)?;
        let folder = generation::folder_of(root, number);
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(environment) = open.get(&folder).and_then(Weak::upgrade) {
            return Ok(environment);
        }
        let is_there = fs::symlink_metadata(folder.join(DATA_FILE)).is_ok();
        if number == 0 && !is_there && !create {
            return Err(Error::NoStore { path: root.to_owned() });
        }
        if number > 0 {
            folder::check_generation(&folder, trust)?;
        }
        let Some(in_use) = Use::take(root, number, trust)? else {
            // It was superseded a moment ago, and the next look finds its successor. One that stays the newest without
            // what every generation has was not made by Engram.
            if refused == Some(number) {
                let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let what =
                    format!("the folder {name} in it holds no store; remove that if Engram did not make it");
                return Err(Error::Damaged { path: root.to_owned(), what });
            }
            refused = Some(number);
            continue;
        };
        check_file(root, &folder, in_use.is_made())?;
        let map = || {
            reserve_lock_file(&folder, trust)?;
            let env = map(root, &folder, tables)?;
            let path = folder.join(DATA_FILE);
            let data = File::open(&path).map_err(|source| Error::from_io(root, "read", path, source))?;
            Ok((env, data))
        };
        let (env, data) = opening::open(root, trust, map, |env| begin_to_read(root, env))?;
        if !is_there {
            let private = folder::make_private(&data, trust);
            private.map_err(|source| Error::from_io(root, "made private", folder.join(DATA_FILE), source))?;
        }
        // A process that was killed while reading leaves its slot behind, which would keep old pages alive.
        env.clear_stale_readers().map_err(|e| Error::from_heed(root, e))?;
        let environment = Arc::new(Environment {
            env,
            #[cfg(unix)]
            mapped: mapped(&folder),
            root: root.into(),
            folder: folder.clone(),
            generation: number,
            is_walked: AtomicBool::new(false),
            trust,
            data,
            tables: Mutex::default(),
            seen: Seen::default(),
            in_use,
        });
        open.retain(|_, weak| weak.strong_count() > 0);
        open.insert(folder, Arc::downgrade(&environment));
        drop(open);
        if has_others {
            generation::remove_unused(root);
            Maker::clear_left_overs(root, trust);
        }
        return Ok(environment);
    }
}

/// Makes the lock file where it is missing and gives it its room on the disk: LMDB maps it sparse and writes into the
/// map, and where the disk is full that kills the process.
fn reserve_lock_file(folder: &Path, trust: Trust) -> Result<()> {
    let file = folder::lock_file(&folder.join(LOCK_FILE), true, trust);
    #[cfg(target_os = "linux")]
    // Whether the folder may be written at all, LMDB finds out for itself.
    if let Ok(file) = file {
        use rustix::fs::{FallocateFlags, fallocate};
        let reserved = fallocate(&file, FallocateFlags::KEEP_SIZE, 0, LOCK_FILE_BYTES);
        if let Err(rustix::io::Errno::NOSPC | rustix::io::Errno::DQUOT) = reserved {
            return Err(Error::Full { path: folder.to_owned() });
        }
    }
    #[cfg(not(target_os = "linux"))]
    drop(file);
    Ok(())
}

/// Maps the file, asking for less address space until the system grants it.
fn map(root: &Path, folder: &Path, tables: u32) -> Result<heed::Env<WithoutTls>> {
    let length = fs::metadata(folder.join(DATA_FILE)).map_or(0, |m| m.len());
    let mut bytes = MAP_BYTES;
    let mut waited = Duration::ZERO;
    loop {
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        options.map_size(bytes).max_readers(READERS).max_dbs(tables);
        // SAFETY: mapping is unsound if the file changes other than through LMDB. No flag is set that
        // weakens LMDB's own locking or syncing, `OPEN` makes this the only environment on the file in this
        // process, no file takes another's place (see `generation`), and `check_file` has refused a file that is
        // shorter than its header says. Other programs that write into the file while it is open are outside what
        // can be guarded against; the manual says so.
        match unsafe { options.open(folder) } {
            Ok(env) => return Ok(env),
            Err(heed::Error::EnvAlreadyOpened) if waited < CLOSING_PATIENCE => {
                // The last handle was dropped a moment ago and LMDB is still closing it.
                std::thread::sleep(Duration::from_millis(1));
                waited += Duration::from_millis(1);
            }
            Err(heed::Error::Io(e))
                if e.kind() == io::ErrorKind::OutOfMemory
                    && bytes > MAP_BYTES_LEAST
                    && (bytes / 2) as u64 > length =>
            {
                bytes /= 2;
            }
            Err(heed::Error::Io(source))
                if matches!(
                    source.kind(),
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
                ) =>
            {
                return Err(Error::NotWritable { path: root.to_owned(), source });
            }
            Err(error) => return Err(Error::from_heed(root, error)),
        }
    }
}

/// Where a file is mapped, as long as it is.
#[cfg(unix)]
struct Mapped(Range<usize>);

#[cfg(unix)]
impl Drop for Mapped {
    fn drop(&mut self) {
        fault::remove(&self.0);
    }
}

/// Where this process has the file of a folder mapped, shared and read-only; `None` where the system does not tell.
#[cfg(unix)]
fn mapped(folder: &Path) -> Option<Mapped> {
    // start-end permissions offset device inode path: see proc_pid_maps(5).
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let path = folder.join(DATA_FILE);
    let mapped = maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(" r--s 00000000 ")?;
        let name = rest.split_once('/')?.1;
        let (start, end) = range.split_once('-')?;
        let address = |digits| usize::from_str_radix(digits, 16).ok();
        (path.to_str()?.strip_prefix('/')? == name).then_some(address(start)?..address(end)?)
    })?;
    fault::add(&mapped);
    Some(Mapped(mapped))
}

/// How often the list of tables is read again while another process writes.
const READINGS: usize = 10;

/// Refuses a file that could not be mapped without danger: one whose header pages are not sound, or whose list of tables
/// is not. A file that is empty, or was never written to, is one that is just being made, unless the store has had its
/// tables.
///
/// Cost: some ten reads of a page at most.
pub(crate) fn check_file(root: &Path, folder: &Path, is_made: bool) -> Result<()> {
    let path = folder.join(DATA_FILE);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(Error::from_io(root, "read", path, source)),
    };
    let unreadable = |source| Error::from_io(root, "read", &path, source);
    let damaged = |what: String| Error::Damaged { path: root.to_owned(), what };
    let mut readings = 0;
    loop {
        let header = match Header::read(&file).map_err(unreadable)? {
            Contents::Sound(header) => header,
            Contents::Damaged(damage) => return Err(damaged(damage.to_string())),
            Contents::Empty | Contents::Unwritten if is_made => {
                return Err(damaged(format!("{DATA_FILE} has lost its contents")));
            }
            Contents::Empty | Contents::Unwritten => return Ok(()),
        };
        let Err(damage) = pages::get(&file, &header, "meta", state::KEY) else { return Ok(()) };
        readings += 1;
        // Pages of a state that nobody reads may be written again once there is a newer one.
        let is_newest = Header::read(&file).map_err(unreadable)? == Contents::Sound(header);
        if is_newest || readings == READINGS {
            return Err(damaged(damage.to_string()));
        }
    }
}

/// Makes the file as long as its header says.
///
/// LMDB may leave pages at the end unwritten when one transaction both took and freed them. Only called with
/// the write lock held, so that nobody else is extending the file.
pub(crate) fn extend_file(environment: &Environment, _lock: &RwTxn<'_>) -> io::Result<()> {
    let needed = environment.bytes();
    let file = environment.env.try_clone_inner_file().map_err(io::Error::other)?;
    if file.metadata()?.len() < needed {
        file.set_len(needed)?;
    }
    Ok(())
}

/// Whether the file is shorter than its header says; see [`extend_file`].
pub(crate) fn is_short(environment: &Environment) -> bool {
    let needed = environment.bytes();
    fs::metadata(environment.folder.join(DATA_FILE)).is_ok_and(|m| m.len() < needed)
}
