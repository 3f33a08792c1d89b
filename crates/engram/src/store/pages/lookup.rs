//! Looks one key of a table up.

use std::fs::File;

use super::layout::TreeRecord;
use super::page::{Kind, Value};
use super::source::Source;
use super::tree::{Visit, checked_page, long_value, order_of, overflow_pages, table_of};
use super::{Damage, Fault, Header, Tree};

/// A value, or where it lies.
enum Stored {
    Inline(Vec<u8>),
    Tree(Vec<u8>),
    Overflow { on_page: u64, page: u64, bytes: u32 },
}

/// The value of a key; `None` where there is no such table, or no such key in it.
///
/// The pages of the header's state must stay as they are, as for [`walk`](super::walk). Cost: one read a page from the
/// root to the leaf, in the list of tables and in the table, and two for a long value.
///
/// # Errors
///
/// The first damage on the way.
pub(crate) fn get(file: &File, header: &Header, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Damage> {
    let mut source = Source::new(file, header.page_bytes);
    let record = match find(&mut source, &Tree::Tables, &header.tables, table.as_bytes())? {
        None => return Ok(None),
        Some(Stored::Tree(value)) => table_of(table.as_bytes(), &value),
        Some(_) => None,
    };
    let (name, record) = record.ok_or_else(|| Damage::of_tree(&Tree::Tables, Fault::TableRecord))?;
    let tree = Tree::Table(name);
    match find(&mut source, &tree, &record, key)? {
        None => Ok(None),
        Some(Stored::Inline(value)) => Ok(Some(value)),
        Some(Stored::Tree(_)) => Err(Damage::of_tree(&tree, Fault::EntryKind)),
        Some(Stored::Overflow { on_page, page, bytes }) => overflow_pages(&source, page, bytes)
            .and_then(|_| long_value(&source, page, bytes))
            .map_or_else(|what| Err(Damage::of_page(&tree, on_page, what)), |value| Ok(Some(value))),
    }
}

fn find(
    source: &mut Source<'_>,
    tree: &Tree,
    record: &TreeRecord,
    key: &[u8],
) -> Result<Option<Stored>, Damage> {
    let (mut next, mut buffer) = (Visit::root(record), Vec::new());
    while let Some(visit) = next {
        let page = checked_page(source, tree, record, &visit, &mut buffer)
            .map_err(|what| Damage::of_page(tree, visit.page, what))?;
        if page.kind() == Kind::Branch {
            next = visit.children(page).find(|child| child.range.contains(key, order_of(tree)));
            continue;
        }
        let Some(entry) = page.entries().find(|entry| entry.key == key) else { return Ok(None) };
        return match entry.value {
            Value::Inline(value) => Ok(Some(Stored::Inline(value.to_vec()))),
            Value::Tree(value) => Ok(Some(Stored::Tree(value.to_vec()))),
            Value::Overflow { page, bytes } => {
                Ok(Some(Stored::Overflow { on_page: visit.page, page, bytes }))
            }
            Value::Unknown => Err(Damage::of_page(tree, visit.page, Fault::EntryKind)),
        };
    }
    Ok(None)
}
