//! Reads what can still be read of a damaged file.

use std::fs::File;

use super::claims::{Claims, PageSet};
use super::layout::{PAGE_HEADER, TreeRecord};
use super::newest::newest;
use super::page::{Entry, Kind, Page, Range, Value};
use super::source::{Source, read_at};
use super::walk::{MOST_DAMAGE, Visit, Walker, order_of, overflow_pages, table_of};
use super::{Contents, Damage, Fault, Header, Tree};

/// An entry of a table that may be damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its key.
    pub(crate) key: Vec<u8>,
    /// Its value.
    pub(crate) value: Vec<u8>,
    /// Whether every page that led to it, and its own, is as LMDB writes it. The bytes of key and value
    /// may be changed even so.
    pub(crate) intact: bool,
}

/// A file that may be damaged, read for what is left of it.
///
/// Where the trees of all tables are whole, rows are those that LMDB would read. Else they come from pages that are not
/// free, so that what was deleted does not come back: neither a free page nor what deletions leave behind on a page that
/// is in use is ever read. Rows may be wrong all the same: their keys and values must be checked by their own checksums.
///
/// Nobody may write to the file meanwhile.
pub(crate) struct Salvage<'f> {
    file: &'f File,
    header: Header,
    damage: Vec<Damage>,
    claims: Claims,
    /// The last page by the header; the file may have more, to which no transaction has put its name.
    last_page: u64,
    what_is_left: Left,
    tables: Vec<(String, TreeRecord)>,
}

/// What a walk says of the trees of the tables and of the list of free pages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    /// The trees are whole.
    Everything,
    /// They are not, and the list of free pages tells what was lost from what was deleted.
    WithOrphans,
    /// They are not, and it does not.
    WithoutOrphans,
}

impl<'f> Salvage<'f> {
    /// Finds the newest state of a file and walks it. `None` for a file to which nothing was ever written.
    ///
    /// Cost: as [`walk`](super::walk), and as much again where the trees of the tables are damaged.
    ///
    /// # Errors
    ///
    /// If the system cannot read the file, or if neither of its header pages leads to anything.
    pub(crate) fn new(file: &'f File) -> Result<Option<Self>, Damage> {
        let unreadable = |e: std::io::Error| Damage { page: None, table: None, what: e.into() };
        let Some((mut header, mut damage)) = newest(file).map_err(unreadable)? else {
            return match Header::read(file).map_err(unreadable)? {
                Contents::Damaged(damage) => Err(damage),
                _ => Ok(None),
            };
        };
        let length = file.metadata().map_err(unreadable)?.len();
        let last_of_file = (length / u64::from(header.page_bytes)).saturating_sub(1);
        if Claims::new(header.last_page, u64::from(header.page_bytes), length).is_err() {
            header.last_page = last_of_file;
        }
        let mut walker = Walker::new(file, &header, false)?;
        walker.everything();
        damage.append(&mut walker.found.damage);
        let (last_page, mut what_is_left) = (header.last_page, Left::Everything);
        if !damage.is_empty() {
            // The header may say too little; what lies beyond may be led to all the same.
            header.last_page = last_page.max(last_of_file);
            walker = Walker::new(file, &header, false)?;
            walker.tables();
        }
        if walker.found.damaged > 0 {
            walker = Walker::new(file, &header, false)?;
            walker.free_pages();
            let free_pages_are_known = walker.found.damaged == 0;
            walker.tables();
            let is_clear = free_pages_are_known && !walker.is_ambiguous;
            what_is_left = if is_clear { Left::WithOrphans } else { Left::WithoutOrphans };
        }
        let claims = walker.claims;
        let mut salvage = Self { file, header, damage, claims, last_page, what_is_left, tables: Vec::new() };
        let tables = salvage.rows_of(Tree::Tables, &header.tables, true);
        salvage.tables = tables.filter_map(|row| table_of(&row.key, &row.value)).collect();
        Ok(Some(salvage))
    }

    /// The header of the state that is read.
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// What is wrong with the file, at most some hundred things.
    pub(crate) fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// The names of the tables whose records can be read.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().map(|(name, _)| name.as_str())
    }

    /// The rows of a table that can be read, each once; in the order of their keys where nothing is damaged. None for
    /// a table whose record is lost. Cost: a read a page, and a read a long value.
    pub(crate) fn rows(&self, table: &str) -> Rows<'_, 'f> {
        match self.tables.iter().find(|(name, _)| name == table) {
            Some((name, record)) => self.rows_of(Tree::Table(name.clone()), record, false),
            None => self.rows_of(Tree::Table(table.into()), &TreeRecord::EMPTY, false),
        }
    }

    fn rows_of(&self, tree: Tree, record: &TreeRecord, of_trees: bool) -> Rows<'_, 'f> {
        Rows {
            salvage: self,
            source: Source::new(self.file, self.header.page_bytes),
            tree,
            of_trees,
            visits: Visit::root(record).map(|visit| (visit, true)).into_iter().collect(),
            seen: PageSet::new(self.header.last_page + 1),
            entries: Vec::new(),
            buffer: Vec::new(),
            damage: Vec::new(),
        }
    }

    /// The entries of leaf pages that no sound page leads to and that are not free: what lies beneath damaged branches,
    /// or in tables whose records are lost. Which table a row is of, nothing tells but its contents; rows that
    /// [`Salvage::rows`] finds through damaged pages may come again.
    ///
    /// All of them are of this state and none is older: LMDB lists every page that is not in use as free, in the same
    /// transaction. That holds only where that list is whole and nothing that looks sound leads to a page on it,
    /// hence the error.
    ///
    /// Cost: one read for every page that is neither used nor free.
    ///
    /// # Errors
    ///
    /// If the list of free pages is damaged, or may be.
    pub(crate) fn orphans(&self) -> Result<impl Iterator<Item = Row>, Damage> {
        let last = match self.what_is_left {
            Left::Everything => 0,
            Left::WithOrphans => self.last_page,
            Left::WithoutOrphans => {
                let what =
                    "its list of free pages is damaged, so what is lost cannot be told from what was deleted";
                return Err(Damage::of_header(what));
            }
        };
        let mut source = Source::new(self.file, self.header.page_bytes);
        let mut buffer = Vec::new();
        let pages = self.claims.unclaimed().flat_map(|(first, pages)| first..first + pages);
        Ok(pages.take_while(move |page| *page <= last).flat_map(move |number| {
            let entries = match source.read(number, &mut buffer) {
                Ok(()) => self.orphaned_entries(&source, number, &buffer),
                Err(_) => Vec::new(),
            };
            entries.into_iter()
        }))
    }

    fn orphaned_entries(&self, source: &Source<'_>, number: u64, bytes: &[u8]) -> Vec<Row> {
        let page = Page::new(bytes, Kind::Leaf);
        let order = order_of(&Tree::Tables);
        if page.check_layout(number, 1).and_then(|()| page.check_keys(order, &Range::default())).is_err() {
            return Vec::new();
        }
        let row = |entry: Entry<'_>| {
            let value = match entry.value {
                Value::Inline(value) => value.to_vec(),
                Value::Overflow { page, bytes } => {
                    let pages = overflow_pages(source, page, bytes).ok()?;
                    let mut pages = page..page.checked_add(pages)?;
                    if !pages.all(|page| self.claims.is_unclaimed(page)) {
                        return None;
                    }
                    long_value(source, page, bytes).ok()?
                }
                Value::Tree(_) | Value::Unknown => return None,
            };
            Some(Row { key: entry.key.to_vec(), value, intact: false })
        };
        page.entries().filter_map(row).collect()
    }
}

/// The rows of one table; see [`Salvage::rows`].
pub(crate) struct Rows<'s, 'f> {
    salvage: &'s Salvage<'f>,
    source: Source<'f>,
    tree: Tree,
    /// Whether its values are records of trees, and others are not.
    of_trees: bool,
    /// Pages to be read, and whether those that lead to them are sound.
    visits: Vec<(Visit, bool)>,
    seen: PageSet,
    /// Entries that were read, the next one last.
    entries: Vec<Found>,
    buffer: Vec<u8>,
    damage: Vec<Damage>,
}

/// An entry that was read, without a value that lies elsewhere.
struct Found {
    row: Row,
    on_page: u64,
    /// The first page of its value, and its length.
    elsewhere: Option<(u64, u32)>,
}

impl Rows<'_, '_> {
    /// What was skipped so far, at most a hundred.
    pub(crate) fn damage(&self) -> &[Damage] {
        &self.damage
    }

    fn report(&mut self, page: Option<u64>, what: Fault) {
        if self.damage.len() < MOST_DAMAGE {
            self.damage.push(Damage { page, table: Some(self.tree.clone()), what });
        }
    }

    /// Reads one page, and keeps its children or its entries.
    fn visit(&mut self, visit: &Visit, is_certain: bool) -> Result<(), Fault> {
        let mut buffer = std::mem::take(&mut self.buffer);
        self.source.read(visit.page, &mut buffer)?;
        let page = Page::of_any_kind(&buffer).ok_or(Fault::Kind)?;
        if page.number() != Some(visit.page) {
            return Err(Fault::Number(page.number().unwrap_or_default()));
        }
        let (entries, fault) = page.salvage(visit.page);
        let fault = fault.and_then(|()| page.check_keys(order_of(&self.tree), &visit.range));
        let is_certain = is_certain && fault.is_ok();
        match page.kind() {
            Kind::Branch if is_certain => self.visits.extend(visit.children(page).map(|visit| (visit, true))),
            Kind::Branch => {
                let (from, depth) = (Some(visit.page), visit.depth.saturating_add(1));
                let children = entries.iter().rev().map(|entry| entry.child);
                let visits = children.map(|page| Visit { page, from, depth, range: Range::default() });
                self.visits.extend(visits.map(|visit| (visit, false)));
            }
            Kind::Leaf => {
                let found =
                    entries.iter().rev().filter_map(|entry| self.found(entry, visit.page, is_certain));
                let found: Vec<Found> = found.collect();
                self.entries.extend(found);
            }
        }
        self.buffer = buffer;
        fault
    }

    fn found(&self, entry: &Entry<'_>, on_page: u64, intact: bool) -> Option<Found> {
        let (value, elsewhere) = match entry.value {
            Value::Inline(value) if !self.of_trees => (value.to_vec(), None),
            Value::Tree(value) if self.of_trees => (value.to_vec(), None),
            Value::Overflow { page, bytes } if !self.of_trees => (Vec::new(), Some((page, bytes))),
            _ => return None,
        };
        let row = Row { key: entry.key.to_vec(), value, intact };
        Some(Found { row, on_page, elsewhere })
    }

    /// Reads a value that lies on pages of its own. That its first page looks otherwise is no hindrance.
    fn fetch(&mut self, found: Found) -> Result<Row, Fault> {
        let Found { mut row, elsewhere: Some((first, bytes)), .. } = found else { return Ok(found.row) };
        let claims = &self.salvage.claims;
        let room = (u64::from(bytes) + PAGE_HEADER as u64).div_ceil(self.source.page_bytes as u64);
        let pages = first..first.checked_add(room).ok_or(Fault::Pointer(first))?;
        for page in pages {
            if !claims.has(page) {
                return Err(Fault::Pointer(page));
            }
            if claims.is_free(page) {
                return Err(Fault::Free(page));
            }
        }
        row.intact &= overflow_pages(&self.source, first, bytes).is_ok();
        row.value = long_value(&self.source, first, bytes)?;
        Ok(row)
    }
}

impl Iterator for Rows<'_, '_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        loop {
            if let Some(found) = self.entries.pop() {
                let page = found.on_page;
                match self.fetch(found) {
                    Ok(row) => return Some(row),
                    Err(what) => self.report(Some(page), what),
                }
                continue;
            }
            let (visit, is_certain) = self.visits.pop()?;
            let claims = &self.salvage.claims;
            let refused = if !claims.has(visit.page) {
                Some(Fault::Pointer(visit.page))
            } else if claims.is_free(visit.page) {
                Some(Fault::Free(visit.page))
            } else if self.seen.contains(visit.page) {
                Some(Fault::Twice(visit.page))
            } else {
                None
            };
            if let Some(what) = refused {
                self.report(visit.from, what);
                continue;
            }
            self.seen.insert(visit.page);
            if let Err(what) = self.visit(&visit, is_certain) {
                self.report(Some(visit.page), what);
            }
        }
    }
}

/// Reads a value of `bytes` bytes that begins on `page`.
pub(super) fn long_value(source: &Source<'_>, page: u64, bytes: u32) -> Result<Vec<u8>, Fault> {
    let offset = page.checked_mul(source.page_bytes as u64).ok_or(Fault::Pointer(page))?;
    let end = offset.saturating_add(PAGE_HEADER as u64).saturating_add(u64::from(bytes));
    if end > source.file.metadata()?.len() {
        return Err(Fault::BeyondEnd);
    }
    let mut value = vec![0; bytes as usize];
    read_at(source.file, &mut value, offset + PAGE_HEADER as u64)?;
    Ok(value)
}
