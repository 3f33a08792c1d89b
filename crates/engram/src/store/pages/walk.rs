//! Visits every page of one state of a file, each once.

use std::fs::File;

use super::claims::Claims;
use super::free;
use super::header::Header;
use super::layout::{DEPTH_MOST, PAGE_HEADER, TreeRecord, u64_at};
use super::page::{Entry, Kind, Range, Value};
use super::source::Source;
use super::tree::{Visit, checked_page, overflow_pages, table_of};
use super::{Damage, Fault, Tree};
use crate::progress::Monitor;

/// The most faults that are told one by one.
pub(super) const MOST_DAMAGE: usize = 100;

/// A table that was walked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableFound {
    /// Its name.
    pub(crate) name: String,
    /// How many entries it has.
    pub(crate) entries: u64,
}

/// What a walk has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Walk {
    /// The tables, in the order of their names.
    pub(crate) tables: Vec<TableFound>,
    /// Pages that hold entries.
    pub(crate) tree_pages: u64,
    /// Pages that hold long values.
    pub(crate) overflow_pages: u64,
    /// Pages that may be written again.
    pub(crate) free_pages: u64,
    /// What is wrong, one page or tree each, and at most a hundred; empty for a sound file.
    pub(crate) damage: Vec<Damage>,
    /// How much is wrong, which may be more.
    pub(crate) damaged: u64,
}

/// Walks one state of a file and stops at the first damage. Else as [`walk_watched`].
///
/// # Errors
///
/// The first damage.
#[cfg(test)]
pub(crate) fn check(file: &File, header: &Header) -> Result<Walk, Damage> {
    let mut walker = Walker::new(file, header, true)?;
    walker.everything();
    match walker.found.damage.pop() {
        None => Ok(walker.found),
        Some(damage) => Err(damage),
    }
}

/// As [`walk_watched`], where nobody watches.
#[cfg(test)]
pub(crate) fn walk(file: &File, header: &Header) -> Walk {
    walk_watched(file, header, &Monitor::unwatched())
}

/// Walks one state of a file: the list of free pages, the list of tables, and every table.
///
/// Looks at: the header and the entries of every page of a tree, that keys ascend and lie between those of the page above,
/// that all leaves are as deep as the tree's record says, that the record's counts are right, that long values have their
/// pages, that every page of the file is used once or free once, and that the list of free pages is one that LMDB can use.
/// Nothing is said of what lies beneath a damaged page, nor of counts and lost pages where there is other damage.
///
/// The caller must see to it that the pages of the state stay as they are: nobody else writes, or a read transaction
/// with the header's number is open.
///
/// Cost: one read a page of a tree (fewer where they lie in order), one a long value, and two bits of memory a page.
pub(crate) fn walk_watched(file: &File, header: &Header, monitor: &Monitor) -> Walk {
    match Walker::new(file, header, false) {
        Ok(mut walker) => {
            walker.monitor = Some(monitor);
            walker.everything();
            walker.found
        }
        Err(damage) => Walk { damage: vec![damage], damaged: 1, ..Walk::default() },
    }
}

/// Whether the pages that a file of `length` bytes is too short for are all free. Cost: reads the list of free pages.
pub(super) fn lacks_only_free_pages(file: &File, header: &Header, length: u64) -> bool {
    let Ok(mut walker) = Walker::new(file, header, true) else { return false };
    walker.free_pages();
    let mut lacking = length / u64::from(header.page_bytes)..=header.last_page;
    walker.found.damaged == 0 && lacking.all(|page| walker.claims.is_free(page))
}

/// What was counted in a tree.
#[derive(Default)]
struct Counts {
    branch_pages: u64,
    leaf_pages: u64,
    overflow_pages: u64,
    entries: u64,
}

/// Walks the trees of one state, and keeps what it has found.
pub(super) struct Walker<'f> {
    source: Source<'f>,
    header: Header,
    pub(super) claims: Claims,
    pub(super) found: Walk,
    /// Whether pages that are listed as free may be used, and the trees are believed.
    pub(super) believes_trees: bool,
    /// Where pages that are listed as free are just what belongs there, so that the list or the tree may be wrong.
    pub(super) doubts: Vec<Place>,
    first_only: bool,
    monitor: Option<&'f Monitor>,
}

/// A place in a tree, by what belongs there.
pub(super) struct Place {
    /// `None` for the pages of a long value.
    pub(super) kind: Option<Kind>,
    pub(super) range: Range,
}

impl<'f> Walker<'f> {
    /// Looks at nothing yet; with `first_only`, will stop at the first damage.
    pub(super) fn new(file: &'f File, header: &Header, first_only: bool) -> Result<Self, Damage> {
        let length = file.metadata().map_err(Damage::of_file)?.len();
        Ok(Self {
            source: Source::new(file, header.page_bytes),
            header: *header,
            claims: Claims::new(header.last_page, u64::from(header.page_bytes), length)
                .map_err(Damage::of_file)?,
            found: Walk::default(),
            believes_trees: false,
            doubts: Vec::new(),
            first_only,
            monitor: None,
        })
    }

    /// Walks the list of tables and every table. No page that was listed as free may be used.
    pub(super) fn tables(&mut self) {
        for (name, record) in self.tree(&Tree::Tables, &self.header.tables.clone()) {
            let tree = Tree::Table(name);
            self.tree(&tree, &record);
            let Tree::Table(name) = tree else { continue };
            self.found.tables.push(TableFound { name, entries: record.entries });
        }
    }

    /// Walks everything, and looks for pages that are neither used nor free if nothing else is wrong.
    pub(super) fn everything(&mut self) {
        self.free_pages();
        self.tables();
        if self.found.damaged == 0 {
            let lost: Vec<_> = self.claims.unclaimed().take(MOST_DAMAGE).collect();
            for (page, pages) in lost {
                self.report(Damage { page: Some(page), table: None, what: Fault::Lost(pages) });
            }
        }
    }

    /// Walks the list of free pages.
    pub(super) fn free_pages(&mut self) {
        self.tree(&Tree::FreePages, &self.header.free.clone());
        if self.found.damaged == 0
            && let Err(what) = free::check_last_transaction(&mut self.source, &self.header)
        {
            self.report(Damage::of_file(what));
        }
    }

    fn report(&mut self, damage: Damage) {
        self.found.damaged += 1;
        if self.found.damage.len() < MOST_DAMAGE {
            self.found.damage.push(damage);
        }
    }

    /// Walks one tree, and returns the tables in it if it is the list of tables.
    fn tree(&mut self, tree: &Tree, record: &TreeRecord) -> Vec<(String, TreeRecord)> {
        let damaged_before = self.found.damaged;
        let (mut counts, mut tables, mut buffer) = (Counts::default(), Vec::new(), Vec::new());
        let mut visits = Vec::from_iter(Visit::root(record));
        if record.depth > DEPTH_MOST {
            self.report(Damage::of_tree(tree, Fault::Depth(record.depth)));
            return tables;
        }
        while let Some(visit) = visits.pop() {
            if self.first_only && self.found.damaged > 0 {
                return tables;
            }
            if self.claims.is_free(visit.page)
                && let Ok(page) = checked_page(&mut self.source, tree, record, &visit, &mut buffer)
            {
                self.doubts.push(Place { kind: Some(page.kind()), range: visit.range.clone() });
            }
            if let Err(what) = self.claims.take(visit.page, 1, self.believes_trees) {
                self.report(Damage { page: visit.from, table: Some(tree.clone()), what });
                continue;
            }
            let page = match checked_page(&mut self.source, tree, record, &visit, &mut buffer) {
                Ok(page) => page,
                Err(what) => {
                    self.claims.give_back(visit.page);
                    self.report(Damage::of_page(tree, visit.page, what));
                    continue;
                }
            };
            self.found.tree_pages += 1;
            self.advance(1);
            match page.kind() {
                Kind::Branch => {
                    counts.branch_pages += 1;
                    visits.extend(visit.children(page));
                }
                Kind::Leaf => {
                    counts.leaf_pages += 1;
                    let before = self.found.damaged;
                    for entry in page.entries() {
                        counts.entries += 1;
                        match self.entry(tree, &entry, &mut tables) {
                            Ok(pages) => counts.overflow_pages += pages,
                            Err(what) => self.report(Damage::of_page(tree, visit.page, what)),
                        }
                    }
                    if self.found.damaged > before {
                        self.claims.give_back(visit.page);
                    }
                }
            }
        }
        self.found.overflow_pages += counts.overflow_pages;
        if self.found.damaged == damaged_before {
            self.compare(tree, record, &counts);
        }
        tables
    }

    /// Looks at an entry of a leaf, and returns how many pages its value has for itself.
    fn entry(
        &mut self,
        tree: &Tree,
        entry: &Entry<'_>,
        tables: &mut Vec<(String, TreeRecord)>,
    ) -> Result<u64, Fault> {
        match (tree, entry.value) {
            (Tree::Table(_), Value::Inline(_)) => Ok(0),
            (Tree::Table(_), Value::Overflow { page, bytes }) => self.overflow(page, bytes),
            (Tree::Tables, Value::Tree(value)) => {
                let table =
                    table_of(entry.key, value).filter(|(_, record)| record.can_be(self.header.last_page));
                tables.push(table.ok_or(Fault::TableRecord)?);
                Ok(0)
            }
            (Tree::FreePages, Value::Inline(_) | Value::Overflow { .. }) => self.freed(entry),
            _ => Err(Fault::EntryKind),
        }
    }

    /// Claims the pages of a long value, and returns how many they are.
    fn overflow(&mut self, page: u64, bytes: u32) -> Result<u64, Fault> {
        if !self.claims.has(page) {
            return Err(Fault::Pointer(page));
        }
        let pages = overflow_pages(&self.source, page, bytes)?;
        let taken = self.claims.take(page, pages, self.believes_trees);
        if self.claims.is_free(page) {
            self.doubts.push(Place { kind: None, range: Range::default() });
        }
        self.advance(pages);
        taken.map(|()| pages)
    }

    fn advance(&self, pages: u64) {
        if let Some(monitor) = self.monitor {
            monitor.advance(pages);
        }
    }

    /// Looks at an entry of the list of free pages; returns the pages that its value has for itself.
    fn freed(&mut self, entry: &Entry<'_>) -> Result<u64, Fault> {
        if !u64_at(entry.key, 0).is_some_and(|key| (1..=self.header.transaction).contains(&key)) {
            return Err(Fault::FreeRecord);
        }
        let (pages, inline, offset, bytes) = match entry.value {
            Value::Inline(inline) => (0, Some(inline), 0, inline.len() as u64),
            Value::Overflow { page, bytes } => {
                let pages = self.overflow(page, bytes)?;
                let offset = page * u64::from(self.header.page_bytes) + PAGE_HEADER as u64;
                (pages, None, offset, u64::from(bytes))
            }
            Value::Tree(_) | Value::Unknown => return Err(Fault::EntryKind),
        };
        let (claims, free) = (&mut self.claims, &mut self.found.free_pages);
        let before = *free;
        free::each_page(&self.source, inline, offset, bytes, |page| {
            *free += 1;
            claims.set_free(page)
        })?;
        let freed = self.found.free_pages - before;
        self.advance(freed);
        Ok(pages)
    }

    /// Compares what a tree has with what its record says.
    fn compare(&mut self, tree: &Tree, record: &TreeRecord, counts: &Counts) {
        for (what, said, found) in [
            ("branch pages", record.branch_pages, counts.branch_pages),
            ("leaf pages", record.leaf_pages, counts.leaf_pages),
            ("overflow pages", record.overflow_pages, counts.overflow_pages),
            ("entries", record.entries, counts.entries),
        ] {
            if said != found {
                self.report(Damage::of_tree(tree, Fault::Count { what, said, found }));
            }
        }
    }
}
