//! Which pages of a store's file are in use, by whom and for what: a walk through LMDB's trees.
//!
//! Layout: `MDB_page`, `MDB_meta`, `MDB_db` and `MDB_node` in LMDB's `mdb.c`. A walk of its own, and not LMDB's, because
//! damage is to be aimed: at every table, and at each kind of page.

use std::collections::BTreeMap;

/// The bytes before the contents of a page.
pub const PAGE_HEADER: usize = 16;
/// The bytes of a header page that mean something.
pub const HEADER_BYTES: usize = PAGE_HEADER + 136;

const NO_PAGE: u64 = u64::MAX;
const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
const OVERFLOW: u16 = 0x04;
const IN_OVERFLOW: u16 = 0x01;
const IS_TABLE: u16 = 0x02;

/// What a page is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Branch,
    Leaf,
    /// The first of as many pages as it says.
    Overflow,
}

/// A page, or a run of overflow pages, in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub number: usize,
    /// 1, or the length of a run of overflow pages.
    pub count: usize,
    pub kind: Kind,
    pub table: String,
}

/// The pages of a file.
#[derive(Debug)]
pub struct Pages {
    pub page_bytes: usize,
    pub pages: Vec<Page>,
}

impl Pages {
    /// Walks a sound file.
    pub fn of(file: &[u8]) -> Self {
        let page_bytes = u32_at(file, PAGE_HEADER + 24) as usize;
        let newest =
            (0..2).map(|page| page * page_bytes).max_by_key(|at| u64_at(file, at + PAGE_HEADER + 128));
        let tables = newest.unwrap() + PAGE_HEADER + 24;
        let mut pages = Self { page_bytes, pages: Vec::new() };
        pages.walk(file, u64_at(file, tables + 40), "free pages");
        pages.walk(file, u64_at(file, tables + 88), "tables");
        pages
    }

    /// The pages of one kind, by table.
    pub fn by_table(&self, kind: Kind) -> BTreeMap<&str, Vec<&Page>> {
        let mut tables: BTreeMap<&str, Vec<&Page>> = BTreeMap::new();
        for page in self.pages.iter().filter(|page| page.kind == kind) {
            tables.entry(&page.table).or_default().push(page);
        }
        tables
    }

    fn walk(&mut self, file: &[u8], root: u64, table: &str) {
        if root == NO_PAGE {
            return;
        }
        let number = root as usize;
        let page = &file[number * self.page_bytes..(number + 1) * self.page_bytes];
        let flags = u16_at(page, 10);
        let kind = if flags & BRANCH != 0 { Kind::Branch } else { Kind::Leaf };
        assert!(flags & (BRANCH | LEAF) != 0, "page {number} of {table} is no tree page");
        self.pages.push(Page { number, count: 1, kind, table: table.to_owned() });
        let nodes = (usize::from(u16_at(page, 12)) - PAGE_HEADER) / 2;
        for node in 0..nodes {
            let at = usize::from(u16_at(page, PAGE_HEADER + 2 * node));
            let (low, high, flags) = (u16_at(page, at), u16_at(page, at + 2), u16_at(page, at + 4));
            let key = &page[at + 8..at + 8 + usize::from(u16_at(page, at + 6))];
            let data = at + 8 + key.len();
            if kind == Kind::Branch {
                let below = u64::from(low) | u64::from(high) << 16 | u64::from(flags) << 32;
                self.walk(file, below, table);
            } else if flags & IN_OVERFLOW != 0 {
                let number = u64_at(page, data) as usize;
                let count = u32_at(file, number * self.page_bytes + 12) as usize;
                let flags = u16_at(file, number * self.page_bytes + 10);
                assert!(flags & OVERFLOW != 0, "page {number} of {table} is no overflow page");
                self.pages.push(Page { number, count, kind: Kind::Overflow, table: table.to_owned() });
            } else if flags & IS_TABLE != 0 {
                self.walk(file, u64_at(page, data + 40), &String::from_utf8_lossy(key));
            }
        }
    }
}

pub fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_ne_bytes(bytes[at..at + 2].try_into().unwrap())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap())
}
