//! One page of a tree: its entries, and whether it is as LMDB writes it.

use std::rc::Rc;

use super::Fault;
use super::layout::{
    F_BIGDATA, F_SUBDATA, KEY_BYTES_MOST, NODE_HEADER, NUMBER_BYTES, P_BRANCH, P_LEAF, PAGE_HEADER,
    PAGE_SIZES, u16_at, u32_at, u64_at,
};

/// What a page of a tree may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Branch,
    Leaf,
}

/// How a tree orders its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// As bytes.
    Bytes,
    /// As numbers of eight bytes.
    Numbers,
}

impl Order {
    fn is_before(self, a: &[u8], b: &[u8]) -> bool {
        match self {
            Self::Bytes => a < b,
            Self::Numbers => u64_at(a, 0) < u64_at(b, 0),
        }
    }

    fn allows(self, key: &[u8]) -> bool {
        match self {
            Self::Bytes => (1..=KEY_BYTES_MOST).contains(&key.len()),
            Self::Numbers => key.len() == NUMBER_BYTES,
        }
    }
}

/// What a page's keys must lie between: from the first, and before the second.
#[derive(Debug, Clone, Default)]
pub(super) struct Range {
    from: Option<Rc<[u8]>>,
    before: Option<Rc<[u8]>>,
}

impl Range {
    pub(super) fn contains(&self, key: &[u8], order: Order) -> bool {
        self.from.as_ref().is_none_or(|from| !order.is_before(key, from))
            && self.before.as_ref().is_none_or(|before| order.is_before(key, before))
    }
}

/// An entry of a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'p> {
    pub(super) key: &'p [u8],
    /// Of a branch: the page that it leads to.
    pub(super) child: u64,
    /// Of a leaf: its value.
    pub(super) value: Value<'p>,
    /// The bytes that it takes, padding included.
    bytes: usize,
}

/// Where the value of a leaf's entry lies.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'p> {
    /// Beside the key.
    Inline(&'p [u8]),
    /// On `bytes` bytes of pages of its own, from `page` on.
    Overflow { page: u64, bytes: u32 },
    /// Beside the key, and the record of a tree.
    Tree(&'p [u8]),
    /// Nowhere: the entry's flags are not ours.
    Unknown,
}

/// The bytes of a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page<'p> {
    bytes: &'p [u8],
    kind: Kind,
}

impl<'p> Page<'p> {
    pub(super) fn new(bytes: &'p [u8], kind: Kind) -> Self {
        Self { bytes, kind }
    }

    /// The page as what its own flags say; `None` where they say something else than branch or leaf.
    pub(super) fn of_any_kind(bytes: &'p [u8]) -> Option<Self> {
        let kind = match u16_at(bytes, 10)? {
            P_BRANCH => Kind::Branch,
            P_LEAF => Kind::Leaf,
            _ => return None,
        };
        Some(Self { bytes, kind })
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// The number that the page bears.
    pub(super) fn number(&self) -> Option<u64> {
        u64_at(self.bytes, 0)
    }

    /// The bounds of the free space, between the entries' places and the entries.
    pub(super) fn bounds(&self) -> Option<(usize, usize)> {
        Some((usize::from(u16_at(self.bytes, 12)?), usize::from(u16_at(self.bytes, 14)?)))
    }

    /// How many entries the page says it has, at most as many as there is room for.
    pub(super) fn len(&self) -> usize {
        let end = self.bounds().map_or(0, |(lower, _)| lower.min(self.bytes.len()));
        end.saturating_sub(PAGE_HEADER) / 2
    }

    /// Where an entry begins.
    fn place(&self, index: usize) -> Option<usize> {
        u16_at(self.bytes, PAGE_HEADER + 2 * index).map(usize::from)
    }

    /// The entry of a number; `None` where it does not lie within the page.
    pub(super) fn entry(&self, index: usize) -> Option<Entry<'p>> {
        self.entry_at(self.place(index)?)
    }

    /// The entries that lie within the page, in order.
    pub(super) fn entries(self) -> impl Iterator<Item = Entry<'p>> {
        (0..self.len()).map_while(move |index| self.entry(index))
    }

    fn entry_at(&self, at: usize) -> Option<Entry<'p>> {
        let entry = self.bytes.get(at..)?;
        let (size, flags) = (u32_at(entry, 0)?, u16_at(entry, 4)?);
        let (key, rest) = entry.get(NODE_HEADER..)?.split_at_checked(usize::from(u16_at(entry, 6)?))?;
        let (child, value, length) = match self.kind {
            Kind::Branch => (u64::from(size) | u64::from(flags) << 32, Value::Unknown, 0),
            Kind::Leaf => {
                let length = if flags & F_BIGDATA == 0 { size as usize } else { NUMBER_BYTES };
                let inline = rest.get(..length)?;
                let value = match flags {
                    0 => Value::Inline(inline),
                    F_SUBDATA => Value::Tree(inline),
                    F_BIGDATA => Value::Overflow { page: u64_at(inline, 0)?, bytes: size },
                    _ => Value::Unknown,
                };
                (0, value, length)
            }
        };
        let bytes = (NODE_HEADER + key.len() + length).next_multiple_of(2);
        (at + bytes <= self.bytes.len()).then_some(Entry { key, child, value, bytes })
    }

    /// Whether the first `count` places are those of entries that fill the page from `upper` on, each byte once.
    fn is_filled(&self, count: usize, upper: usize) -> bool {
        // A bit for each even place of the largest page.
        let mut begins = [0_u64; PAGE_SIZES[PAGE_SIZES.len() - 1] as usize / 128];
        let bit = |place: usize| (place / 128, 1_u64 << (place / 2 % 64));
        for index in 0..count {
            let Some(place) = self.place(index).filter(|place| *place >= upper && place % 2 == 0) else {
                return false;
            };
            let (word, bit) = bit(place);
            match begins.get_mut(word) {
                Some(word) if *word & bit == 0 => *word |= bit,
                _ => return false,
            }
        }
        let (mut at, mut found) = (upper, 0);
        while at < self.bytes.len() {
            let (word, bit) = bit(at);
            let Some(entry) = self.entry_at(at).filter(|_| begins.get(word).is_some_and(|w| w & bit != 0))
            else {
                return false;
            };
            at += entry.bytes;
            found += 1;
        }
        found == count
    }

    /// Looks at all that concerns the page alone: its header, and where its entries lie.
    pub(super) fn check_layout(&self, number: u64, fewest: usize) -> Result<(), Fault> {
        match self.number() {
            Some(found) if found == number => {}
            found => return Err(Fault::Number(found.unwrap_or_default())),
        }
        let flags = match self.kind {
            Kind::Branch => P_BRANCH,
            Kind::Leaf => P_LEAF,
        };
        if u16_at(self.bytes, 8) != Some(0) || u16_at(self.bytes, 10) != Some(flags) {
            return Err(Fault::Kind);
        }
        let bounds = self.bounds().filter(|(lower, upper)| {
            *lower >= PAGE_HEADER + 2 * fewest
                && lower % 2 == 0
                && upper % 2 == 0
                && lower <= upper
                && *upper <= self.bytes.len()
        });
        let (_, upper) = bounds.ok_or(Fault::Bounds)?;
        if self.is_filled(self.len(), upper) { Ok(()) } else { Err(Fault::Entries) }
    }

    /// Looks at the keys: their sizes, that they ascend, and that they lie in `range`.
    ///
    /// A branch's first key is not looked at by LMDB, and is usually empty.
    pub(super) fn check_keys(&self, order: Order, range: &Range) -> Result<(), Fault> {
        let mut entries = self.entries();
        if self.kind == Kind::Branch {
            let first = entries.next().map_or(&[][..], |first| first.key);
            if !first.is_empty() && !order.allows(first) {
                return Err(Fault::KeySize(first.len()));
            }
        }
        let mut previous: Option<&[u8]> = None;
        for entry in entries {
            if !order.allows(entry.key) {
                return Err(Fault::KeySize(entry.key.len()));
            }
            match previous {
                Some(previous) if !order.is_before(previous, entry.key) => return Err(Fault::Order),
                None if !range.contains(entry.key, order) => return Err(Fault::Range),
                _ => previous = Some(entry.key),
            }
        }
        match previous {
            Some(last) if !range.contains(last, order) => Err(Fault::Range),
            _ => Ok(()),
        }
    }

    /// Of a branch: the pages that it leads to, each with the range of its keys, which lies in `range`.
    pub(super) fn children(self, range: &Range) -> Vec<(u64, Range)> {
        let mut children: Vec<(u64, Range)> = Vec::with_capacity(self.len());
        for entry in self.entries() {
            let from = match children.last_mut() {
                None => range.from.clone(),
                Some((_, before)) => {
                    let key = Rc::from(entry.key);
                    before.before = Some(Rc::clone(&key));
                    Some(key)
                }
            };
            children.push((entry.child, Range { from, before: range.before.clone() }));
        }
        children
    }

    /// The entries of a page that may be damaged, and what is wrong with its layout.
    ///
    /// Only what is certainly an entry of this page: a place beyond the true number of places, or below the true end of
    /// the free space, may lead to what was deleted. So the number of places or the end of the free space may be
    /// wrong, if the other and the entries tell what is right; else both are taken at their word.
    pub(super) fn salvage(&self, number: u64) -> (Vec<Entry<'p>>, Result<(), Fault>) {
        let fault = self.check_layout(number, 0);
        let Some((_, upper)) = self.bounds() else { return (Vec::new(), fault) };
        let lowest = (0..self.len()).filter_map(|index| self.place(index)).min().unwrap_or(upper);
        let from_upper = self.count_from(upper);
        let (count, from) = if fault.is_ok() || self.is_filled(self.len(), lowest) {
            (self.len(), lowest)
        } else if self.is_filled(from_upper, upper) {
            (from_upper, upper)
        } else {
            (self.len(), upper)
        };
        let is_above = |index: &usize| self.place(*index).is_some_and(|place| place >= from);
        ((0..count).filter(is_above).filter_map(|index| self.entry(index)).collect(), fault)
    }

    /// How many entries lie one after another from `at` to the page's end.
    fn count_from(&self, mut at: usize) -> usize {
        let mut count = 0;
        while let Some(entry) = self.entry_at(at) {
            at += entry.bytes;
            count += 1;
        }
        count
    }
}
