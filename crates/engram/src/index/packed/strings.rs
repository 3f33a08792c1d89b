//! Strings by number and numbers by string: all strings lie one behind another, with no allocation for each.

use xxhash_rust::xxh3::xxh3_64;

/// Marks an empty place of the table.
const NONE: u32 = u32::MAX;
/// Bytes of a string that stand in its place of the table.
const START: usize = 8;

/// Different strings, numbered in the order in which they come.
///
/// The table is open-addressed and at most five eighths full. A place holds a string's first bytes and its length
/// beside its number, so that most strings are told apart, and short ones found, without looking elsewhere.
#[derive(Default)]
pub(crate) struct Strings {
    bytes: String,
    /// Where each string ends.
    ends: Vec<usize>,
    table: Vec<Place>,
}

#[derive(Clone, Copy)]
struct Place {
    start: u64,
    length: u32,
    number: u32,
}

impl Place {
    const FREE: Self = Self { start: 0, length: 0, number: NONE };
}

impl Strings {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The string of a number.
    pub(crate) fn get(&self, number: u32) -> &str {
        let start = if number == 0 { 0 } else { self.ends[number as usize - 1] };
        &self.bytes[start..self.ends[number as usize]]
    }

    /// All of them, by number.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.ends.len()).map(|number| self.get(number as u32))
    }

    /// The number of a string that has one.
    pub(crate) fn find(&self, string: &str) -> Option<u32> {
        if self.table.is_empty() {
            return None;
        }
        let place = self.place(string, start(string.as_bytes()));
        Some(self.table[place].number).filter(|number| *number != NONE)
    }

    /// The number of a string, which gets one where it has none.
    pub(crate) fn number(&mut self, string: &str) -> u32 {
        if 8 * (self.ends.len() + 1) > 5 * self.table.len() {
            self.grow();
        }
        let start = start(string.as_bytes());
        let place = self.place(string, start);
        if self.table[place].number == NONE {
            let number = self.ends.len() as u32;
            self.table[place] = Place { start, length: string.len() as u32, number };
            self.bytes.push_str(string);
            self.ends.push(self.bytes.len());
        }
        self.table[place].number
    }

    /// Where the string is in the table, or would be.
    fn place(&self, string: &str, start: u64) -> usize {
        let mask = self.table.len() - 1;
        let mut at = hash(string, start) & mask;
        loop {
            let place = &self.table[at];
            if place.number == NONE {
                return at;
            }
            let alike = place.start == start && place.length as usize == string.len();
            if alike && (string.len() <= START || self.get(place.number) == string) {
                return at;
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let size = (2 * self.table.len()).max(64);
        let old = std::mem::replace(&mut self.table, vec![Place::FREE; size]);
        for place in old.into_iter().filter(|place| place.number != NONE) {
            let mut at = hash(self.get(place.number), place.start) & (size - 1);
            while self.table[at].number != NONE {
                at = (at + 1) & (size - 1);
            }
            self.table[at] = place;
        }
    }
}

/// The first bytes of a string, as a number; zeros behind a shorter one.
fn start(bytes: &[u8]) -> u64 {
    if let Some(start) = bytes.first_chunk::<8>() {
        return u64::from_le_bytes(*start);
    }
    let length = bytes.len();
    match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        // Two halves that overlap agree where they do.
        (Some(first), Some(last)) => {
            let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
            u64::from(first) | u64::from(last) << (8 * (length - 4))
        }
        _ => bytes.iter().rev().fold(0, |start, byte| start << 8 | u64::from(*byte)),
    }
}

/// Where to begin to look for a string.
fn hash(string: &str, start: u64) -> usize {
    if string.len() > START {
        return xxh3_64(string.as_bytes()) as usize;
    }
    // Multiplication carries upwards only, so the upper half is folded in before, and taken after it.
    let mixed = (start ^ start >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 32) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn starts_are_the_first_bytes(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            let mut padded = bytes.clone();
            padded.resize(20, 0);
            prop_assert_eq!(&start(&bytes).to_le_bytes()[..], &padded[..8]);
        }

        #[test]
        fn numbers_are_those_of_a_map(given in prop::collection::vec("[ab]{0,9}|[ab]{7,18}|\\PC{0,3}", 0..400)) {
            let (mut strings, mut map) = (Strings::default(), BTreeMap::new());
            for string in &given {
                let next = map.len() as u32;
                prop_assert_eq!(strings.find(string), map.get(string).copied());
                let number = *map.entry(string.clone()).or_insert(next);
                prop_assert_eq!(strings.number(string), number);
            }
            prop_assert_eq!(strings.len(), map.len());
            for (string, number) in &map {
                prop_assert_eq!(strings.get(*number), string.as_str());
                prop_assert_eq!(strings.find(string), Some(*number));
            }
            prop_assert_eq!(strings.iter().len(), map.len());
        }
    }
}
