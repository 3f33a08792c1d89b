//! Which pages are used and which are free: a bit a page for each.

use super::Fault;
use super::layout::HEADER_PAGES;

/// A set of page numbers below a bound.
#[derive(Debug, Clone)]
pub(super) struct PageSet {
    words: Vec<u64>,
}

impl PageSet {
    pub(super) fn new(pages: u64) -> Self {
        Self { words: vec![0; pages.div_ceil(64) as usize] }
    }

    pub(super) fn contains(&self, page: u64) -> bool {
        self.words.get((page / 64) as usize).is_some_and(|word| word >> (page % 64) & 1 == 1)
    }

    pub(super) fn insert(&mut self, page: u64) {
        if let Some(word) = self.words.get_mut((page / 64) as usize) {
            *word |= 1 << (page % 64);
        }
    }

    fn remove(&mut self, page: u64) {
        if let Some(word) = self.words.get_mut((page / 64) as usize) {
            *word &= !(1 << (page % 64));
        }
    }
}

/// What each page of a state is for; every page may be claimed once.
#[derive(Debug, Clone)]
pub(super) struct Claims {
    last_page: u64,
    used: PageSet,
    free: PageSet,
}

impl Claims {
    /// For a file of `file_bytes` whose header says that `last_page` is its last.
    ///
    /// Pages that the file lacks can only be free, and a free page takes eight bytes in the file; a header that says
    /// more cannot be true and is refused, so that the memory needed is bounded by the file.
    pub(super) fn new(last_page: u64, page_bytes: u64, file_bytes: u64) -> Result<Self, Fault> {
        if last_page > file_bytes / page_bytes + file_bytes / 8 {
            return Err(Fault::Header("its header says that it is much longer than it is".into()));
        }
        let pages = PageSet::new(last_page + 1);
        Ok(Self { last_page, used: pages.clone(), free: pages })
    }

    /// Whether there is such a page, other than the header pages.
    pub(super) fn has(&self, page: u64) -> bool {
        (HEADER_PAGES..=self.last_page).contains(&page)
    }

    /// Claims pages for a tree, even free ones if they may be `free`.
    pub(super) fn take(&mut self, first: u64, pages: u64, free: bool) -> Result<(), Fault> {
        let last = first.saturating_add(pages.saturating_sub(1));
        if !self.has(first) || !self.has(last) {
            return Err(Fault::Pointer(first));
        }
        for page in first..=last {
            if self.used.contains(page) {
                return Err(Fault::Twice(page));
            }
            if self.free.contains(page) && !free {
                return Err(Fault::Free(page));
            }
        }
        (first..=last).for_each(|page| self.used.insert(page));
        Ok(())
    }

    /// Takes a tree's claim of one page back.
    pub(super) fn give_back(&mut self, page: u64) {
        self.used.remove(page);
    }

    /// Notes that a page is free.
    pub(super) fn set_free(&mut self, page: u64) -> Result<(), Fault> {
        if !self.has(page) {
            return Err(Fault::Pointer(page));
        }
        if self.free.contains(page) {
            return Err(Fault::Twice(page));
        }
        if self.used.contains(page) {
            return Err(Fault::Used(page));
        }
        self.free.insert(page);
        Ok(())
    }

    /// Whether a page is neither used nor free.
    pub(super) fn is_unclaimed(&self, page: u64) -> bool {
        self.has(page) && !self.used.contains(page) && !self.free.contains(page)
    }

    pub(super) fn is_free(&self, page: u64) -> bool {
        self.free.contains(page)
    }

    /// The runs of pages that nothing has claimed, as first page and length.
    pub(super) fn unclaimed(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let mut next = HEADER_PAGES;
        std::iter::from_fn(move || {
            let first = (next..=self.last_page).find(|page| self.is_unclaimed(*page))?;
            let end = (first..=self.last_page).find(|page| !self.is_unclaimed(*page));
            let end = end.unwrap_or(self.last_page + 1);
            next = end;
            Some((first, end - first))
        })
    }
}
