//! The kinds of damage, and where in a file each of them strikes.

use crate::pages::{HEADER_BYTES, Kind as PageKind, PAGE_HEADER, Page, Pages, u16_at};
use crate::sandbox::Random;

const SECTOR: usize = 512;

/// What happens to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    BitAnywhere,
    BitInHeader,
    BitInBranch,
    BitInLeaf,
    BitInOverflow,
    BitInPageHead,
    Ones,
    SectorZeroed,
    PageZeroed,
    PageOfRubbish,
    PagesSwapped,
    PageCopied,
    Cut,
    CutAtEdge,
    HeadersOfRubbish,
    Lengthened,
}

impl Kind {
    pub const ALL: [Self; 16] = [
        Self::BitAnywhere,
        Self::BitInHeader,
        Self::BitInBranch,
        Self::BitInLeaf,
        Self::BitInOverflow,
        Self::BitInPageHead,
        Self::Ones,
        Self::SectorZeroed,
        Self::PageZeroed,
        Self::PageOfRubbish,
        Self::PagesSwapped,
        Self::PageCopied,
        Self::Cut,
        Self::CutAtEdge,
        Self::HeadersOfRubbish,
        Self::Lengthened,
    ];

    /// Damages a file; says what was done to it.
    pub fn strike(self, file: &mut Vec<u8>, pages: &Pages, random: &mut Random) -> String {
        let size = pages.page_bytes;
        match self {
            Self::BitAnywhere => {
                let at = below(random, file.len());
                flip(file, at, random)
            }
            Self::BitInHeader => flip(file, size * below(random, 2) + below(random, HEADER_BYTES), random),
            Self::BitInBranch => flip_in(file, pages, PageKind::Branch, random),
            Self::BitInLeaf => flip_in(file, pages, PageKind::Leaf, random),
            Self::BitInOverflow => flip_in(file, pages, PageKind::Overflow, random),
            Self::BitInPageHead => {
                let page = any(pages, random);
                let at = page.number * size;
                let end = if page.kind == PageKind::Overflow { PAGE_HEADER } else { lower(file, at) };
                format!("{}, {}", flip(file, at + below(random, end), random), name(page))
            }
            Self::Ones => {
                let page = any(pages, random);
                let (at, length) = (used_byte(file, pages, page, random), 1 + below(random, 16));
                let end = (at + length).min((page.number + page.count) * size);
                file[at..end].fill(0xff);
                format!("bytes {at} to {end} set to 255, {}", name(page))
            }
            Self::SectorZeroed => {
                let page = any(pages, random);
                let sectors = size / SECTOR;
                let at = page.number * size + below(random, page.count * sectors) * SECTOR;
                file[at..at + SECTOR].fill(0);
                format!("the sector at {at} zeroed, {}", name(page))
            }
            Self::PageZeroed => {
                let (at, what) = any_place(pages, random);
                file[at..at + size].fill(0);
                format!("the page at {at} zeroed, {what}")
            }
            Self::PageOfRubbish => {
                let (at, what) = any_place(pages, random);
                rubbish(&mut file[at..at + size], random);
                format!("the page at {at} overwritten, {what}")
            }
            Self::PagesSwapped => {
                let ((a, what_a), (b, what_b)) = two(pages, random);
                for at in 0..size {
                    file.swap(a + at, b + at);
                }
                format!("the pages at {a} and {b} swapped, {what_a} and {what_b}")
            }
            Self::PageCopied => {
                let ((a, what_a), (b, what_b)) = two(pages, random);
                file.copy_within(a..a + size, b);
                format!("the page at {b}, {what_b}, overwritten with that at {a}, {what_a}")
            }
            Self::Cut => cut(file, below(random, file.len())),
            Self::CutAtEdge => {
                let whole = file.len() / size;
                let edges =
                    [0, 1, 100, size - 1, size, 2 * size - 1, 2 * size, file.len() - size, file.len() - 1];
                let edge = below(random, edges.len() + 3);
                cut(file, edges.get(edge).copied().unwrap_or_else(|| size * below(random, whole)))
            }
            Self::HeadersOfRubbish => {
                let (from, to) = [(0, 2 * size), (0, size), (size, 2 * size)][below(random, 3)];
                let pages = (from..to).step_by(size);
                let length = [64, HEADER_BYTES, size][below(random, 3)];
                let start = [0, PAGE_HEADER, PAGE_HEADER + 8][below(random, 3)];
                for page in pages {
                    rubbish(&mut file[page + start..page + length], random);
                }
                format!("bytes {start} to {length} of the header pages from {from} to {to} overwritten")
            }
            Self::Lengthened => {
                let from = file.len();
                file.resize(from + 1 + below(random, 40 * size), 0);
                rubbish(&mut file[from..], random);
                format!("lengthened by {} bytes", file.len() - from)
            }
        }
    }
}

pub fn below(random: &mut Random, bound: usize) -> usize {
    random.below(bound.max(1) as u64) as usize
}

fn flip(file: &mut [u8], at: usize, random: &mut Random) -> String {
    let bit = below(random, 8);
    file[at] ^= 1 << bit;
    format!("bit {bit} of byte {at} flipped")
}

/// Flips a bit that is in use, in a page of that kind of any table.
fn flip_in(file: &mut [u8], pages: &Pages, kind: PageKind, random: &mut Random) -> String {
    let tables = pages.by_table(kind);
    let tables: Vec<_> = tables.values().collect();
    // A store that is too small for branches has leaves.
    let Some(of_table) = tables.get(below(random, tables.len())) else {
        return flip_in(file, pages, PageKind::Leaf, random);
    };
    let page = of_table[below(random, of_table.len())];
    let at = used_byte(file, pages, page, random);
    format!("{}, {}", flip(file, at, random), name(page))
}

/// A byte of a page that is not in the gap between its pointers and its nodes.
fn used_byte(file: &[u8], pages: &Pages, page: &Page, random: &mut Random) -> usize {
    let start = page.number * pages.page_bytes;
    let length = page.count * pages.page_bytes;
    if page.kind == PageKind::Overflow {
        return start + below(random, length);
    }
    let (lower, upper) = (lower(file, start), usize::from(u16_at(file, start + 14)));
    let at = below(random, lower + length - upper);
    start + if at < lower { at } else { at - lower + upper }
}

/// Where a tree page's pointers end.
fn lower(file: &[u8], page: usize) -> usize {
    usize::from(u16_at(file, page + 12))
}

/// A page in use, of any kind and any table with the same chance, so that small tables are struck too.
fn any<'p>(pages: &'p Pages, random: &mut Random) -> &'p Page {
    let kinds = [PageKind::Branch, PageKind::Leaf, PageKind::Overflow];
    let lists: Vec<_> = kinds.iter().flat_map(|kind| pages.by_table(*kind).into_values()).collect();
    let list = &lists[below(random, lists.len())];
    list[below(random, list.len())]
}

/// Where one page in use begins, within a run too; now and then a header page.
fn any_place(pages: &Pages, random: &mut Random) -> (usize, String) {
    if below(random, 16) == 0 {
        return (pages.page_bytes * below(random, 2), "a header page".to_owned());
    }
    let page = any(pages, random);
    ((page.number + below(random, page.count)) * pages.page_bytes, name(page))
}

/// Two pages in use, half of the time of the same kind and table.
fn two(pages: &Pages, random: &mut Random) -> ((usize, String), (usize, String)) {
    let first = any(pages, random);
    let alike: Vec<&Page> = pages
        .pages
        .iter()
        .filter(|page| page.table == first.table && page.kind == first.kind && page.number != first.number)
        .collect();
    let second = if alike.is_empty() || below(random, 2) == 0 {
        any(pages, random)
    } else {
        alike[below(random, alike.len())]
    };
    let place = |page: &Page, at| ((page.number + at) * pages.page_bytes, name(page));
    let (a, b) = (below(random, first.count), below(random, second.count));
    (place(first, a), place(second, b))
}

fn name(page: &Page) -> String {
    let kind = match page.kind {
        PageKind::Branch => "a branch",
        PageKind::Leaf => "a leaf",
        PageKind::Overflow => "an overflow page",
    };
    format!("{kind} of {}", page.table)
}

fn rubbish(bytes: &mut [u8], random: &mut Random) {
    for byte in bytes {
        *byte = random.next() as u8;
    }
}

fn cut(file: &mut Vec<u8>, length: usize) -> String {
    file.truncate(length);
    format!("cut to {length} bytes")
}
