//! The bytes of a file that hold nothing: between the places of a page's entries and the entries, and behind long values.
//!
//! LMDB leaves there whatever the memory held in which it made the page, or what lay there before: perhaps a part of
//! something that was deleted.

use std::fs::File;
use std::ops::Range;

use super::layout::PAGE_HEADER;
use super::page::{Kind, Value};
use super::source::Source;
use super::tree::{Visit, checked_page, overflow_pages, table_of};
use super::{Damage, Fault, Header, Tree};

/// Calls `each` with every run of bytes that hold nothing, within the pages that one state of a file uses. Bytes of these
/// runs may be changed meanwhile. Cost: as [`walk`](super::walk).
///
/// # Errors
///
/// The first damage, or the first error of `each`.
pub(crate) fn for_each_unused<E: From<Damage>>(
    file: &File,
    header: &Header,
    mut each: impl FnMut(Range<u64>) -> Result<(), E>,
) -> Result<(), E> {
    let mut source = Source::new(file, header.page_bytes);
    let page_bytes = u64::from(header.page_bytes);
    let mut trees = vec![(Tree::Tables, header.tables), (Tree::FreePages, header.free)];
    let mut buffer = Vec::new();
    while let Some((tree, record)) = trees.pop() {
        let mut visits = Vec::from_iter(Visit::root(&record));
        while let Some(visit) = visits.pop() {
            let damaged = |what: Fault| Damage::of_page(&tree, visit.page, what);
            let page = checked_page(&mut source, &tree, &record, &visit, &mut buffer).map_err(&damaged)?;
            let start = visit.page * page_bytes;
            if let Some((lower, upper)) = page.bounds() {
                each(start + lower as u64..start + upper as u64)?;
            }
            if page.kind() == Kind::Branch {
                visits.extend(visit.children(page));
                continue;
            }
            let mut long = Vec::new();
            for entry in page.entries() {
                match entry.value {
                    Value::Overflow { page, bytes } => long.push((page, bytes)),
                    Value::Tree(value) => {
                        let table = table_of(entry.key, value).ok_or(Fault::TableRecord).map_err(&damaged)?;
                        trees.push((Tree::Table(table.0), table.1));
                    }
                    Value::Inline(_) | Value::Unknown => {}
                }
            }
            for (page, bytes) in long {
                let pages = overflow_pages(&source, page, bytes).map_err(&damaged)?;
                let start = page * page_bytes;
                each(start + PAGE_HEADER as u64 + u64::from(bytes)..start + pages * page_bytes)?;
            }
        }
    }
    Ok(())
}
