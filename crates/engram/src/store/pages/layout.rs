//! Where each field lies in LMDB's pages: `MDB_page`, `MDB_meta`, `MDB_db` and `MDB_node` of `mdb.c`.

const _: () = assert!(usize::BITS == 64, "a store's pages are read on 64-bit machines only");

/// `MDB_MAGIC`.
pub(super) const MAGIC: u32 = 0xBEEF_C0DE;
/// `MDB_DATA_VERSION`.
pub(super) const VERSION: u32 = 1;
/// `NUM_METAS`: the first pages, which no tree uses.
pub(super) const HEADER_PAGES: u64 = 2;
/// `P_INVALID`: the root of an empty tree.
pub(super) const NO_PAGE: u64 = u64::MAX;
/// `MDB_MAXKEYSIZE`.
pub(super) const KEY_BYTES_MOST: usize = 511;
/// `CURSOR_STACK`: deeper trees cannot be read.
pub(super) const DEPTH_MOST: u16 = 32;
/// The sizes that a page may have: the system's page size when the file was made, at most `MAX_PAGESIZE`.
pub(super) const PAGE_SIZES: [u32; 4] = [4096, 8192, 16_384, 32_768];

/// `PAGEHDRSZ`: number 8, padding 2, flags 2, lower bound 2, upper bound 2.
pub(super) const PAGE_HEADER: usize = 16;
/// `NODESIZE`: size or child 4, flags or rest of the child 2, key size 2.
pub(super) const NODE_HEADER: usize = 8;
/// Page header and `MDB_meta`: magic 4, version 4, address 8, map size 8, two trees, last page 8, transaction 8.
pub(super) const META_BYTES: usize = PAGE_HEADER + 24 + 2 * TREE_RECORD_BYTES + 16;
/// `MDB_db`.
pub(super) const TREE_RECORD_BYTES: usize = 48;
/// A page number.
pub(super) const NUMBER_BYTES: usize = 8;

pub(super) const P_BRANCH: u16 = 0x01;
pub(super) const P_LEAF: u16 = 0x02;
pub(super) const P_OVERFLOW: u16 = 0x04;
pub(super) const P_META: u16 = 0x08;
/// The value lies on pages of its own.
pub(super) const F_BIGDATA: u16 = 0x01;
/// The value is the record of a tree.
pub(super) const F_SUBDATA: u16 = 0x02;
/// The flag of the tree of free pages: its keys are numbers.
pub(super) const MDB_INTEGERKEY: u16 = 0x08;
/// The environment's flag that may be kept beside it: its path is the file and not the folder.
pub(super) const MDB_NOSUBDIR: u16 = 0x4000;

/// Reads a field; `None` where `bytes` end before it.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Reads a field; `None` where `bytes` end before it.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Reads a field; `None` where `bytes` end before it.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// `MDB_db`: where a tree begins, and how much it says it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TreeRecord {
    pub(super) padding: u32,
    pub(super) flags: u16,
    pub(super) depth: u16,
    pub(super) branch_pages: u64,
    pub(super) leaf_pages: u64,
    pub(super) overflow_pages: u64,
    pub(super) entries: u64,
    pub(super) root: u64,
}

impl TreeRecord {
    /// The record of a tree without a page.
    pub(super) const EMPTY: Self = Self {
        padding: 0,
        flags: 0,
        depth: 0,
        branch_pages: 0,
        leaf_pages: 0,
        overflow_pages: 0,
        entries: 0,
        root: NO_PAGE,
    };

    /// The record that lies in `bytes`; `None` where they are too few.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            padding: u32_at(bytes, 0)?,
            flags: u16_at(bytes, 4)?,
            depth: u16_at(bytes, 6)?,
            branch_pages: u64_at(bytes, 8)?,
            leaf_pages: u64_at(bytes, 16)?,
            overflow_pages: u64_at(bytes, 24)?,
            entries: u64_at(bytes, 32)?,
            root: u64_at(bytes, 40)?,
        })
    }

    /// Whether the tree has no page.
    pub(super) fn is_empty(&self) -> bool {
        self.root == NO_PAGE
    }

    /// Whether its numbers are possible in a file whose last page is `last_page`.
    pub(super) fn can_be(&self, last_page: u64) -> bool {
        if self.is_empty() {
            return self.depth == 0
                && [self.branch_pages, self.leaf_pages, self.overflow_pages, self.entries] == [0; 4];
        }
        let pages = self
            .branch_pages
            .checked_add(self.leaf_pages)
            .and_then(|pages| pages.checked_add(self.overflow_pages));
        let one_page = self.depth == 1;
        (HEADER_PAGES..=last_page).contains(&self.root)
            && (1..=DEPTH_MOST).contains(&self.depth)
            && one_page == (self.branch_pages == 0)
            && one_page == (self.leaf_pages == 1)
            && self.leaf_pages > 0
            && self.entries >= self.leaf_pages
            && pages.is_some_and(|pages| pages < last_page)
    }
}
