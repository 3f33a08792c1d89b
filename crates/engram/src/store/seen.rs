//! What this process has read of a file and found to be what was written, so that each part is checked once and not
//! with every recall.
//!
//! All handles of a generation share it. A block is known by its kind, its index and the checksum that it carries: one
//! that is written anew is checked anew. Memory: a bit for each row of a block that was used.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use rustc_hash::{FxHashMap, FxHashSet};

use super::block::{BlockKind, GROUP};

/// The most rows of postings that are remembered. When there are more, all are checked once more.
const MOST_POSTINGS: usize = 1 << 16;

/// What was checked of one generation.
#[derive(Default)]
pub(crate) struct Seen {
    blocks: RwLock<FxHashMap<(BlockKind, u32), Arc<SeenBlock>>>,
    /// The checksums of rows of postings, which say for which term a row is.
    postings: RwLock<FxHashSet<u64>>,
}

/// What was checked of a block.
pub(crate) struct SeenBlock {
    checksum: u64,
    /// The part that is checked as a whole.
    pub(super) whole: AtomicBool,
    /// Rows that are checked one by one.
    pub(super) rows: Bits,
    /// Groups of [`GROUP`] rows, of which the bounds are checked together.
    pub(super) groups: Bits,
}

impl Seen {
    /// What was checked of a block that carries this checksum.
    pub(crate) fn block(&self, kind: BlockKind, index: u32, checksum: u64, rows: u32) -> Arc<SeenBlock> {
        let known = self.blocks.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(block) = known.get(&(kind, index)).filter(|block| block.checksum == checksum) {
            return Arc::clone(block);
        }
        drop(known);
        let rows = rows as usize;
        let (rows, groups) = match kind {
            BlockKind::Columns => (0, 0),
            BlockKind::Vectors | BlockKind::OtherVectors => (rows, 0),
            BlockKind::Graph => (rows, rows.div_ceil(GROUP)),
        };
        let block = SeenBlock {
            checksum,
            whole: AtomicBool::new(false),
            rows: Bits::new(rows),
            groups: Bits::new(groups),
        };
        let block = Arc::new(block);
        let mut known = self.blocks.write().unwrap_or_else(PoisonError::into_inner);
        known.insert((kind, index), Arc::clone(&block));
        block
    }

    /// Whether a row of postings that carries this checksum is intact, which `check` finds out if it was not seen yet.
    pub(crate) fn is_intact_posting(&self, checksum: u64, check: impl FnOnce() -> bool) -> bool {
        if self.postings.read().unwrap_or_else(PoisonError::into_inner).contains(&checksum) {
            return true;
        }
        let is_intact = check();
        if is_intact {
            let mut postings = self.postings.write().unwrap_or_else(PoisonError::into_inner);
            if postings.len() >= MOST_POSTINGS {
                postings.clear();
            }
            postings.insert(checksum);
        }
        is_intact
    }
}

impl SeenBlock {
    /// Whether the part that is checked as a whole is intact, which `check` finds out if it was not seen yet.
    pub(super) fn is_whole(&self, check: impl FnOnce() -> bool) -> bool {
        if self.whole.load(Ordering::Relaxed) {
            return true;
        }
        let is_whole = check();
        if is_whole {
            self.whole.store(true, Ordering::Relaxed);
        }
        is_whole
    }
}

/// Bits that many threads may set. A bit says something of bytes that do not change, so no order is needed.
pub(super) struct Bits(Box<[AtomicU64]>);

impl Bits {
    fn new(bits: usize) -> Self {
        Self(std::iter::repeat_with(AtomicU64::default).take(bits.div_ceil(64)).collect())
    }

    /// Whether a bit is set.
    #[inline]
    pub(super) fn has(&self, at: usize) -> bool {
        self.0.get(at / 64).is_some_and(|word| word.load(Ordering::Relaxed) >> (at % 64) & 1 == 1)
    }

    /// Sets a bit.
    pub(super) fn set(&self, at: usize) {
        if let Some(word) = self.0.get(at / 64) {
            word.fetch_or(1 << (at % 64), Ordering::Relaxed);
        }
    }
}
