//! Reads LMDB's file by plain reads, so that damage is found before LMDB's own code meets it.
//!
//! LMDB trusts its file: it follows page numbers, sizes and counts through the map without looking, and one flipped
//! bit makes it read outside of the file, stop at an assertion, or give a page away that is still in use. This
//! module knows the format (`mdb.c` of LMDB 0.9.70, 64-bit and little-endian) and nothing of what the tables mean:
//!
//! - [`Header`] reads and compares the two header pages, in a few reads.
//! - [`check`] and [`walk`] visit every page of one transaction's state, each exactly once.
//! - [`Salvage`] reads what can still be read of a damaged file.
//! - [`for_each_unused`] finds the bytes that hold nothing, which a copy is to be free of.
//!
//! Nothing here writes, locks or maps. All of it works on any bytes: it ends, it does not panic, and what it allocates is
//! bounded by the length of the file. While others write, hold a read transaction and ask for its state with
//! [`Header::of_transaction`]; LMDB leaves the pages of that state alone until the transaction ends.
//!
//! Our tables hold no duplicates (`MDB_DUPSORT`) and have no flags, so pages and entries of those kinds count as damage.
//!
//! What no walk can see: a changed byte of a key that stays in order, a changed byte of a value, and a size that is off
//! by one where padding hides it. Those are what the checksums of records are for.

mod claims;
mod free;
mod header;
mod layout;
mod lookup;
mod newest;
mod page;
mod salvage;
mod source;
#[cfg(test)]
mod tests;
mod tree;
mod unused;
mod walk;

use std::fmt;
use std::io;

pub(crate) use header::{Contents, Header, last_transaction};
pub(crate) use lookup::get;
#[cfg(test)]
pub(crate) use salvage::Row;
pub(crate) use salvage::Salvage;
pub(crate) use unused::for_each_unused;
#[cfg(test)]
pub(crate) use walk::check;
#[cfg(test)]
pub(crate) use walk::walk;
pub(crate) use walk::{Walk, walk_watched};

/// One of the trees of pages in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tree {
    /// The pages that may be written again, by the transaction that freed them.
    FreePages,
    /// The tables, by name.
    Tables,
    /// One table.
    Table(String),
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FreePages => f.write_str("list of free pages"),
            Self::Tables => f.write_str("list of tables"),
            Self::Table(name) => write!(f, "table {}", crate::text::printable_line(name)),
        }
    }
}

/// Something in a file that LMDB never writes. Displayed, it ends a sentence: "the store X is damaged: …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub(crate) struct Damage {
    /// The number of the damaged page, where one page is to blame.
    pub(crate) page: Option<u64>,
    /// The tree that the page was reached from.
    pub(crate) table: Option<Tree>,
    /// What is wrong.
    pub(crate) what: Fault,
}

impl Damage {
    /// Whether it is only that pages are used for nothing: they take room and do no harm.
    pub(crate) fn is_leak(&self) -> bool {
        matches!(self.what, Fault::Lost(_))
    }

    fn of_header(what: impl Into<String>) -> Self {
        Self { page: None, table: None, what: Fault::Header(what.into()) }
    }

    fn of_file(what: impl Into<Fault>) -> Self {
        Self { page: None, table: None, what: what.into() }
    }

    fn of_tree(tree: &Tree, what: Fault) -> Self {
        Self { page: None, table: Some(tree.clone()), what }
    }

    fn of_page(tree: &Tree, page: u64, what: Fault) -> Self {
        Self { page: Some(page), table: Some(tree.clone()), what }
    }

    fn sentence(&self) -> String {
        match (self.page, &self.table) {
            (Some(page), Some(table)) => format!("page {page} ({table}) {}", self.what),
            (Some(page), None) => format!("page {page} {}", self.what),
            (None, Some(table)) => format!("its {table} {}", self.what),
            (None, None) => self.what.to_string(),
        }
    }
}

/// What is wrong with a page or a tree; displayed, it is what follows its name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// About the header pages or the whole file; names its own subject.
    #[error("{0}")]
    Header(String),
    /// The system could not read it.
    #[error("cannot be read: {0}")]
    Unreadable(io::ErrorKind),
    /// The file ends before it.
    #[error("lies beyond the end of the file")]
    BeyondEnd,
    /// The number that it bears.
    #[error("bears the number {0}")]
    Number(u64),
    /// Its depth, which is more than LMDB can go down.
    #[error("is {0} pages deep")]
    Depth(u16),
    /// Its flags, or its place in the tree.
    #[error("is not of the kind that belongs there")]
    Kind,
    /// The bounds of its free space.
    #[error("has bounds that cannot be")]
    Bounds,
    /// Its entries do not fill the page from the free space to its end, each byte once.
    #[error("has entries that overlap, leave gaps or leave the page")]
    Entries,
    /// An entry's flags or size.
    #[error("has an entry of a kind that is never written")]
    EntryKind,
    /// An entry's key is empty or too long.
    #[error("has a key of {0} bytes")]
    KeySize(usize),
    /// Its keys do not ascend.
    #[error("has keys out of order")]
    Order,
    /// Its keys are not between those that lead to it.
    #[error("has keys that belong to another page")]
    Range,
    /// An entry leads to a page that does not exist.
    #[error("points to page {0}, which is not there")]
    Pointer(u64),
    /// An entry leads to a page that another leads to.
    #[error("points to page {0}, to which something else points")]
    Twice(u64),
    /// An entry leads to a page that may be written again.
    #[error("points to page {0}, which is free")]
    Free(u64),
    /// A record of free pages names one that is not.
    #[error("lists page {0} as free, which is used")]
    Used(u64),
    /// The first page of a long value is of another kind, or the value is longer than its pages.
    #[error("has a value on page {0}, which does not hold it")]
    Value(u64),
    /// A table's record in the list of tables, or its name.
    #[error("has a table's record that cannot be")]
    TableRecord,
    /// A record of free pages.
    #[error("has a record of free pages that cannot be")]
    FreeRecord,
    /// A tree's record against what it has.
    #[error("says that it has {said} {what}, and has {found}")]
    Count {
        /// What was counted.
        what: &'static str,
        /// How many the record says.
        said: u64,
        /// How many there are.
        found: u64,
    },
    /// No tree holds it, and it is not free; and how many pages in a row are like it.
    #[error("is neither used nor free{}", if *.0 > 1 { format!(", as are the {} pages after it", .0 - 1) } else { String::new() })]
    Lost(u64),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error.kind())
    }
}
