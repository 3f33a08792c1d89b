//! Pages that nothing leads to and that are not free.

use std::fs::File;

use super::{Left, Row, Salvage};
use crate::store::pages::Damage;
use crate::store::pages::claims::Claims;
use crate::store::pages::layout::{P_OVERFLOW, u32_at, u64_at};
use crate::store::pages::page::{Entry, Kind, Order, Page, Range, Value};
use crate::store::pages::source::Source;
use crate::store::pages::tree::{long_value, overflow_pages};
use crate::store::pages::walk::{MOST_DAMAGE, Place};

impl Salvage<'_> {
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
        let layout = page.check_layout(number, 1);
        if layout.and_then(|()| page.check_keys(Order::Bytes, &Range::default())).is_err() {
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

/// Whether a page up to `last` that nothing claims would do as well in one of `places` as the one that is there.
pub(super) fn has_rival(file: &File, page_bytes: u32, claims: &Claims, last: u64, places: &[Place]) -> bool {
    if places.len() > MOST_DAMAGE {
        return true;
    }
    if places.is_empty() {
        return false;
    }
    let (mut source, mut buffer) = (Source::new(file, page_bytes), Vec::new());
    let mut unclaimed = claims.unclaimed().flat_map(|(first, pages)| first..first + pages);
    unclaimed.by_ref().take_while(|page| *page <= last).any(|number| {
        source.read(number, &mut buffer).is_ok()
            && places.iter().any(|place| would_do(&buffer, number, place))
    })
}

fn would_do(bytes: &[u8], number: u64, place: &Place) -> bool {
    match place.kind {
        None => u64_at(bytes, 0) == Some(number) && u32_at(bytes, 8) == Some(u32::from(P_OVERFLOW) << 16),
        Some(kind) => {
            let page = Page::new(bytes, kind);
            page.check_layout(number, 1).is_ok() && page.check_keys(Order::Bytes, &place.range).is_ok()
        }
    }
}
