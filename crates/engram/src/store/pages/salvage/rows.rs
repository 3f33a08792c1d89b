//! The rows of one table, from pages that may be damaged.

use super::{Left, Row, Salvage};
use crate::store::pages::claims::PageSet;
use crate::store::pages::layout::{DEPTH_MOST, PAGE_HEADER, TreeRecord};
use crate::store::pages::page::{Entry, Kind, Page, Range, Value};
use crate::store::pages::source::Source;
use crate::store::pages::tree::{Visit, long_value, order_of, overflow_pages};
use crate::store::pages::walk::MOST_DAMAGE;
use crate::store::pages::{Damage, Fault, Tree};

/// The rows of one table; see [`Salvage::rows`].
pub(crate) struct Rows<'s, 'f> {
    salvage: &'s Salvage<'f>,
    source: Source<'f>,
    tree: Tree,
    /// Whether its values are records of trees, and others are not.
    of_trees: bool,
    depth: u16,
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

impl<'s, 'f> Rows<'s, 'f> {
    pub(super) fn new(salvage: &'s Salvage<'f>, tree: Tree, record: &TreeRecord) -> Self {
        Self {
            source: Source::new(salvage.file, salvage.header.page_bytes),
            of_trees: tree == Tree::Tables,
            depth: record.depth,
            tree,
            visits: Visit::root(record).map(|visit| (visit, true)).into_iter().collect(),
            seen: PageSet::new(salvage.header.last_page + 1),
            entries: Vec::new(),
            buffer: Vec::new(),
            damage: Vec::new(),
            salvage,
        }
    }

    /// Whether a page is listed as free and the list is believed.
    fn is_free(&self, page: u64) -> bool {
        self.salvage.what_is_left != Left::Everything && self.salvage.claims.is_free(page)
    }

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
        let kind = if visit.depth < self.depth { Kind::Branch } else { Kind::Leaf };
        let is_certain = is_certain && fault.is_ok() && page.kind() == kind;
        match page.kind() {
            Kind::Branch if is_certain => self.visits.extend(visit.children(page).map(|visit| (visit, true))),
            Kind::Branch => {
                let (from, depth) = (Some(visit.page), visit.depth.saturating_add(1));
                let children = entries.iter().rev().map(|entry| entry.child);
                let visits = children.map(|page| Visit { page, from, depth, range: Range::default() });
                self.visits.extend(visits.map(|visit| (visit, false)));
            }
            Kind::Leaf => {
                for entry in entries.iter().rev() {
                    match self.found(entry, visit.page, is_certain) {
                        Some(found) => self.entries.push(found),
                        None => self.report(Some(visit.page), Fault::EntryKind),
                    }
                }
            }
        }
        self.buffer = buffer;
        fault
    }

    /// What an entry holds; `None` where that is not what the tree holds.
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
            if self.is_free(page) {
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
            } else if self.is_free(visit.page) {
                Some(Fault::Free(visit.page))
            } else if visit.depth > DEPTH_MOST {
                Some(Fault::Depth(visit.depth))
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
