//! The newest state of a file whose header pages are damaged.

use std::fs::File;
use std::io;

use super::free::last_transaction;
use super::header::{is_header, read_metas, with_tables};
use super::source::Source;
use super::{Contents, Damage, Header};

/// What is said where nobody can know which of two states is the last.
pub(super) const LOST_HEADER: &str =
    "one of its header pages is lost, so what is left may be the state before its last change";

/// The header of the newest state that a file has, and what is wrong with its header pages. `None` for a file to which
/// nothing was written, or of whose header pages neither leads anywhere.
///
/// Which state is newer, the lists of free pages say: each ends with its transaction, and one changed bit does not
/// change that. Where a list cannot be read, the header page's own transaction counts, if it is one at all.
pub(super) fn newest(file: &File) -> io::Result<Option<(Header, Vec<Damage>)>> {
    let damage = match Header::read(file)? {
        Contents::Empty | Contents::Unwritten => return Ok(None),
        Contents::Sound(header) => return Ok(Some((header, Vec::new()))),
        Contents::Damaged(damage) => damage,
    };
    let (metas, page_bytes) = read_metas(file)?;
    let mut source = Source::new(file, page_bytes);
    let (mut states, mut is_lost) = (Vec::new(), false);
    for (index, meta) in metas.iter().enumerate() {
        let Some(header) = with_tables(meta, page_bytes) else {
            // A compacted file begins with a header page of no tables.
            is_lost |= !is_header(meta, index);
            continue;
        };
        let transaction = match last_transaction(&mut source, &header.free) {
            Ok(Some(transaction)) => transaction,
            // Only the first transaction leaves the list empty.
            Ok(None) => header.transaction.min(1),
            Err(_) if is_header(meta, index) => header.transaction,
            Err(_) => 0,
        };
        states.push((transaction, header));
    }
    let Some(best) = states.iter().max_by_key(|(transaction, _)| *transaction) else { return Ok(None) };
    let mut all = vec![damage];
    if is_lost || states.iter().any(|(transaction, _)| *transaction == 0) {
        all.push(Damage::of_header(LOST_HEADER));
    }
    Ok(Some((best.1, all)))
}
