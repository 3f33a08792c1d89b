//! Going down a tree: which page comes next, and whether it is one that belongs there.

use super::layout::{P_OVERFLOW, PAGE_HEADER, TREE_RECORD_BYTES, TreeRecord, u32_at, u64_at};
use super::page::{Kind, Order, Page, Range};
use super::source::{Source, read_at};
use super::{Fault, Tree};

/// A page to be visited.
pub(super) struct Visit {
    pub(super) page: u64,
    /// The page that leads to it; `None` where it is the root.
    pub(super) from: Option<u64>,
    /// 1 for the root.
    pub(super) depth: u16,
    pub(super) range: Range,
}

impl Visit {
    /// The root of a tree; `None` for an empty one.
    pub(super) fn root(record: &TreeRecord) -> Option<Self> {
        (!record.is_empty()).then(|| Self {
            page: record.root,
            from: None,
            depth: 1,
            range: Range::default(),
        })
    }

    /// The pages that a branch leads to, the first last, so that a stack gives them in order.
    pub(super) fn children(&self, branch: Page<'_>) -> impl Iterator<Item = Self> {
        let (from, depth) = (Some(self.page), self.depth.saturating_add(1));
        let children = branch.children(&self.range).into_iter().rev();
        children.map(move |(page, range)| Self { page, from, depth, range })
    }
}

/// How a tree orders its keys.
pub(super) fn order_of(tree: &Tree) -> Order {
    if *tree == Tree::FreePages { Order::Numbers } else { Order::Bytes }
}

/// Reads a page of a tree and looks at all of it but its values.
pub(super) fn checked_page<'b>(
    source: &mut Source<'_>,
    tree: &Tree,
    record: &TreeRecord,
    visit: &Visit,
    buffer: &'b mut Vec<u8>,
) -> Result<Page<'b>, Fault> {
    source.read(visit.page, buffer)?;
    let kind = if visit.depth < record.depth { Kind::Branch } else { Kind::Leaf };
    let page = Page::new(buffer, kind);
    let order = order_of(tree);
    // LMDB itself may leave a branch with one child in the list of free pages.
    let fewest = if kind == Kind::Branch && order == Order::Bytes { 2 } else { 1 };
    page.check_layout(visit.page, fewest)?;
    page.check_keys(order, &visit.range)?;
    Ok(page)
}

/// How many pages the long value that begins on `page` has, by the header of the first; they are at least as many as
/// `bytes` bytes need, and more where a longer value was overwritten within one transaction.
pub(super) fn overflow_pages(source: &Source<'_>, page: u64, bytes: u32) -> Result<u64, Fault> {
    let mut header = [0; PAGE_HEADER];
    read_at(source.file, &mut header, page.saturating_mul(source.page_bytes as u64))?;
    if u64_at(&header, 0) != Some(page) || u32_at(&header, 8) != Some(u32::from(P_OVERFLOW) << 16) {
        return Err(Fault::Value(page));
    }
    let pages = u64::from(u32_at(&header, 12).unwrap_or_default());
    let room = pages * source.page_bytes as u64;
    if room < u64::from(bytes) + PAGE_HEADER as u64 { Err(Fault::Value(page)) } else { Ok(pages) }
}

/// The table that an entry of the list of tables tells of; `None` where it is not as ours are.
pub(super) fn table_of(name: &[u8], value: &[u8]) -> Option<(String, TreeRecord)> {
    let name = std::str::from_utf8(name).ok().filter(|name| !name.contains('\0'))?;
    let record = TreeRecord::read(value).filter(|record| (record.padding, record.flags) == (0, 0))?;
    (value.len() == TREE_RECORD_BYTES).then(|| (name.to_owned(), record))
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
