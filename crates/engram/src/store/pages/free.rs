//! The list of free pages: a tree whose keys are transactions and whose values are the pages that each has freed.

use super::layout::{NUMBER_BYTES, TreeRecord, u64_at};
use super::page::{Kind, Order, Page, Range};
use super::source::{Source, read_at};
use super::{Fault, Header};

/// How much of a long record is read at once.
const CHUNK_BYTES: usize = 64 << 10;

/// Calls `each` with the pages of a record, which descend. Its bytes lie in `inline`, or in the file from `offset` on.
///
/// A record may be longer than what it lists (`mdb_freelist_save` reserves room and fills it later); what follows is
/// not looked at.
pub(super) fn each_page(
    source: &Source<'_>,
    inline: Option<&[u8]>,
    offset: u64,
    bytes: u64,
    mut each: impl FnMut(u64) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut count = [0; NUMBER_BYTES];
    match inline {
        Some(inline) => count = *inline.first_chunk().ok_or(Fault::FreeRecord)?,
        None => read_at(source.file, &mut count, offset)?,
    }
    let count = u64::from_le_bytes(count);
    let room = bytes / NUMBER_BYTES as u64;
    if !bytes.is_multiple_of(NUMBER_BYTES as u64) || count >= room {
        return Err(Fault::FreeRecord);
    }
    let mut previous = u64::MAX;
    let mut list = |pages: &[u8]| {
        for page in pages.chunks_exact(NUMBER_BYTES) {
            let page = u64_at(page, 0).filter(|page| *page < previous).ok_or(Fault::FreeRecord)?;
            previous = page;
            each(page)?;
        }
        Ok(())
    };
    if let Some(inline) = inline {
        let end = NUMBER_BYTES * (count as usize + 1);
        return list(inline.get(NUMBER_BYTES..end).ok_or(Fault::FreeRecord)?);
    }
    let (mut at, mut left) = (offset + NUMBER_BYTES as u64, count * NUMBER_BYTES as u64);
    let mut chunk = Vec::new();
    while left > 0 {
        chunk.resize(CHUNK_BYTES.min(usize::try_from(left).unwrap_or(CHUNK_BYTES)), 0);
        read_at(source.file, &mut chunk, at)?;
        list(&chunk)?;
        at += chunk.len() as u64;
        left -= chunk.len() as u64;
    }
    Ok(())
}

/// The last transaction in the list of free pages; `None` where the list is empty. Cost: as many reads as it is deep.
pub(super) fn last_transaction(source: &mut Source<'_>, free: &TreeRecord) -> Result<Option<u64>, Fault> {
    if free.is_empty() {
        return Ok(None);
    }
    let (mut number, mut buffer) = (free.root, Vec::new());
    for depth in 1..=free.depth {
        source.read(number, &mut buffer)?;
        let page = Page::new(&buffer, if depth < free.depth { Kind::Branch } else { Kind::Leaf });
        page.check_layout(number, 1)?;
        page.check_keys(Order::Numbers, &Range::default())?;
        let last = page.entries().last().ok_or(Fault::Bounds)?;
        if depth == free.depth {
            return Ok(u64_at(last.key, 0));
        }
        number = last.child;
    }
    Err(Fault::Kind)
}

/// Whether the list of free pages ends with the transaction of its header.
///
/// Every transaction frees the root of the list of tables that it found, so its own record is the last one. The first
/// found none, and a compacted file begins with the first. A header page whose transaction was changed would bring an
/// older state back, and this is where it shows.
pub(super) fn check_last_transaction(source: &mut Source<'_>, header: &Header) -> Result<(), Fault> {
    let last = last_transaction(source, &header.free)?;
    let fits = match last {
        Some(last) => last == header.transaction,
        None => header.transaction < 2 || header.tables.is_empty(),
    };
    if fits {
        return Ok(());
    }
    Err(Fault::Header(format!(
        "its header is of transaction {}, and its list of free pages ends with {}",
        header.transaction,
        last.unwrap_or_default(),
    )))
}
