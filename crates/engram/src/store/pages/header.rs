//! The two header pages: what each says, and whether they and the file agree.
//!
//! Transaction n writes page n mod 2, so that one page tells of the last transaction and the other of the one before.

use std::fs::File;
use std::io;
use std::time::Duration;

use super::free::check_last_transaction;
use super::layout::{
    HEADER_PAGES, MAGIC, MDB_INTEGERKEY, MDB_NOSUBDIR, META_BYTES, P_META, PAGE_HEADER, PAGE_SIZES,
    TREE_RECORD_BYTES, TreeRecord, VERSION, u16_at, u32_at, u64_at,
};
use super::source::{Source, read_at};
use super::{Damage, Fault, walk};

/// How often header pages that contradict each other are read again while another process writes them.
const ATTEMPTS: u32 = 100;
/// How often they must read the same to be called damaged.
const SAME_READINGS: u32 = 4;
/// How long to wait between two readings.
const PAUSE: Duration = Duration::from_millis(2);

pub(super) type MetaBytes = [u8; META_BYTES];

/// What a file is, by its header pages and its length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Contents {
    /// There is not one byte: the file was created, and LMDB has not come to it yet.
    Empty,
    /// LMDB has made the header pages, and no transaction was ever committed; the first may have been cut off, and have
    /// left pages behind.
    Unwritten,
    /// Both header pages are sound; this is the newer one.
    Sound(Header),
    /// Something is wrong.
    Damaged(Damage),
}

/// What a header page says: one state of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// The number of the transaction that wrote the state.
    pub(crate) transaction: u64,
    /// The size of a page.
    pub(crate) page_bytes: u32,
    /// The number of the last page.
    pub(crate) last_page: u64,
    pub(super) free: TreeRecord,
    pub(super) tables: TreeRecord,
}

impl Header {
    /// Reads both header pages and compares them with each other and with the length of the file.
    ///
    /// What is compared: all fields of both but the size of the map, which LMDB does not use when it is given one; their
    /// transactions, which are one apart and on the right pages; the ends of both lists of free pages, which name the
    /// same transactions; the number of the last page with the length of the file. The trees are not looked at; that
    /// is what [`walk`](super::walk) does. Where the file is too short because the pages at its end are free
    /// and were never written, as a killed process may leave it, the list of free pages is walked, and the file is sound.
    ///
    /// Other processes may be writing: headers that contradict each other are read again, and are damaged if they stay
    /// as they are for some milliseconds.
    ///
    /// Cost: two reads for the headers, and for each list of free pages as many as it is deep (one or two); some
    /// microseconds. Damage costs six milliseconds, or more while others write.
    ///
    /// # Errors
    ///
    /// If the system cannot read the file.
    pub(crate) fn read(file: &File) -> io::Result<Contents> {
        let mut readings = Readings::default();
        loop {
            if file.metadata()?.len() == 0 {
                return Ok(Contents::Empty);
            }
            let (metas, page_bytes) = read_metas(file)?;
            let contents = contents(file, &metas, page_bytes)?;
            let is_damaged = matches!(contents, Contents::Damaged(_));
            if !is_damaged || readings.settle(metas) {
                return Ok(contents);
            }
        }
    }

    /// Reads the header page of a transaction: that of a read transaction which the caller holds open. `None` if two
    /// later transactions were committed before it was read, so that the page is overwritten; then begin a new one.
    ///
    /// Cost: four reads of some bytes; a few milliseconds where a later transaction was committed.
    ///
    /// # Errors
    ///
    /// If the page is not a header page or has fields that cannot be.
    pub(crate) fn of_transaction(file: &File, transaction: u64) -> Result<Option<Self>, Damage> {
        let index = (transaction % HEADER_PAGES) as usize;
        let read = || read_metas(file).map_err(Damage::of_file);
        let mut readings = Readings::default();
        loop {
            let ((before, _), (after, page_bytes)) = (read()?, read()?);
            let found = parse(&after[index], index, page_bytes);
            let other = parse(&after[1 - index], 1 - index, page_bytes);
            // While the other page is of the transaction before, nobody has come to overwrite this one.
            let is_newest = other.is_ok_and(|other| other.transaction < transaction);
            let is_overwritten = found.as_ref().is_ok_and(|found| found.transaction > transaction);
            let is_certain = before[index] == after[index] && is_newest;
            if is_overwritten || is_certain || readings.settle([after[index]; 2]) {
                return found.map(|header| Some(header).filter(|h| h.transaction == transaction));
            }
        }
    }
}

/// Header pages that were read before, while it is not clear whether somebody is writing them.
#[derive(Default)]
struct Readings {
    last: Option<[MetaBytes; 2]>,
    same: u32,
    attempts: u32,
}

impl Readings {
    /// Whether what was read can be relied on, as it stays the same; waits a little where not.
    fn settle(&mut self, metas: [MetaBytes; 2]) -> bool {
        self.attempts += 1;
        self.same = if self.last == Some(metas) { self.same + 1 } else { 1 };
        self.last = Some(metas);
        let settled = self.same == SAME_READINGS || self.attempts == ATTEMPTS;
        if !settled {
            std::thread::sleep(PAUSE);
        }
        settled
    }
}

/// Reads the first bytes of both header pages, and finds out how large a page is. What the file lacks reads as zeros.
pub(super) fn read_metas(file: &File) -> io::Result<([MetaBytes; 2], u32)> {
    let read = |offset: u32| {
        let mut meta = [0; META_BYTES];
        match read_at(file, &mut meta, u64::from(offset)) {
            Ok(()) | Err(Fault::BeyondEnd) => Ok(meta),
            Err(Fault::Unreadable(kind)) => Err(io::Error::from(kind)),
            Err(fault) => Err(io::Error::other(fault.to_string())),
        }
    };
    let first = read(0)?;
    let said = u32_at(&first, PAGE_HEADER + 24).filter(|size| PAGE_SIZES.contains(size));
    for size in said.into_iter().chain(PAGE_SIZES) {
        let second = read(size)?;
        if u32_at(&second, PAGE_HEADER) == Some(MAGIC) {
            return Ok(([first, second], size));
        }
    }
    let size = said.unwrap_or(PAGE_SIZES[0]);
    Ok(([first, read(size)?], size))
}

/// The number of the last transaction, by the header pages, of which neither is checked; 0 before the first.
///
/// Cost: two reads of some bytes.
pub(crate) fn last_transaction(file: &File) -> io::Result<u64> {
    let (metas, _) = read_metas(file)?;
    Ok(metas.iter().filter_map(|meta| u64_at(meta, META_BYTES - 8)).max().unwrap_or(0))
}

/// What a header page says, whatever it is.
fn fields(meta: &MetaBytes, page_bytes: u32) -> Option<Header> {
    let records = PAGE_HEADER + 24;
    Some(Header {
        transaction: u64_at(meta, META_BYTES - 8)?,
        page_bytes,
        last_page: u64_at(meta, META_BYTES - 16)?,
        free: TreeRecord::read(meta.get(records..)?)?,
        tables: TreeRecord::read(meta.get(records + TREE_RECORD_BYTES..)?)?,
    })
}

/// What a header page says, whatever it is; `None` where the state has no tables.
pub(super) fn with_tables(meta: &MetaBytes, page_bytes: u32) -> Option<Header> {
    fields(meta, page_bytes).filter(|header| !header.tables.is_empty())
}

/// Whether a page is a header page, by its number, kind and magic number.
pub(super) fn is_header(meta: &MetaBytes, index: usize) -> bool {
    u64_at(meta, 0) == Some(index as u64)
        && u16_at(meta, 10) == Some(P_META)
        && u32_at(meta, PAGE_HEADER) == Some(MAGIC)
}

/// What a header page says; an error where LMDB would never write it.
fn parse(meta: &MetaBytes, index: usize, page_bytes: u32) -> Result<Header, Damage> {
    let which = ["first", "second"][index];
    let damage = |what: String| Err(Damage::of_header(what));
    if !is_header(meta, index) {
        return damage(format!("its {which} page is not a store's"));
    }
    match u32_at(meta, PAGE_HEADER + 4) {
        Some(VERSION) => {}
        version => return damage(format!("its {which} page is of the format {}", version.unwrap_or(0))),
    }
    fields(meta, page_bytes)
        .filter(|header| {
            let zeros = [&meta[8..10], &meta[12..PAGE_HEADER], &meta[PAGE_HEADER + 8..PAGE_HEADER + 16]];
            let Header { last_page, free, tables, .. } = header;
            zeros.iter().all(|bytes| bytes.iter().all(|byte| *byte == 0))
                && free.padding == page_bytes
                && free.flags & !MDB_NOSUBDIR == MDB_INTEGERKEY
                && (tables.padding, tables.flags) == (0, 0)
                && (HEADER_PAGES - 1..u64::MAX).contains(last_page)
                && free.can_be(*last_page)
                && tables.can_be(*last_page)
        })
        .map_or_else(|| damage(format!("its {which} header page has fields that cannot be")), Ok)
}

/// Whether a header is as LMDB makes it before the first transaction.
fn is_pristine(header: &Header) -> bool {
    header.transaction == 0
        && header.last_page == HEADER_PAGES - 1
        && header.free.is_empty()
        && header.tables.is_empty()
}

/// Compares two header pages with each other and with the file.
pub(super) fn contents(file: &File, metas: &[MetaBytes; 2], page_bytes: u32) -> io::Result<Contents> {
    // Asked after the headers were read: another process may be making the file longer, pages first, header last.
    let length = file.metadata()?.len();
    let damaged = |what: &str| Ok(Contents::Damaged(Damage::of_header(what)));
    if length < HEADER_PAGES * u64::from(page_bytes) {
        return damaged(&format!("it has {length} bytes; it was cut short"));
    }
    let headers = match (parse(&metas[0], 0, page_bytes), parse(&metas[1], 1, page_bytes)) {
        (Ok(first), Ok(second)) => [first, second],
        (Err(damage), _) | (_, Err(damage)) => return Ok(Contents::Damaged(damage)),
    };
    if headers.iter().all(is_pristine) {
        return Ok(Contents::Unwritten);
    }
    let [first, second] = headers;
    let (newer, older) =
        if second.transaction > first.transaction { (second, first) } else { (first, second) };
    let fits = newer.transaction - older.transaction == 1
        && first.transaction.is_multiple_of(HEADER_PAGES)
        && (older.transaction > 0 || is_pristine(&older))
        && newer.last_page >= older.last_page
        && newer.free.flags == older.free.flags;
    if !fits {
        return damaged("its two header pages contradict each other");
    }
    let needed = newer.last_page.saturating_add(1).saturating_mul(u64::from(page_bytes));
    if length < needed && !walk::lacks_only_free_pages(file, &newer, length) {
        return damaged(&format!("it has {length} bytes and needs {needed}; it was cut short"));
    }
    let mut source = Source::new(file, page_bytes);
    for header in [&newer, &older] {
        match check_last_transaction(&mut source, header) {
            Ok(()) => {}
            Err(what @ Fault::Header(_)) => return Ok(Contents::Damaged(Damage::of_file(what))),
            Err(what) => return Ok(Contents::Damaged(Damage::of_tree(&super::Tree::FreePages, what))),
        }
    }
    Ok(Contents::Sound(newer))
}
