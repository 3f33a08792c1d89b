//! Strings by number and numbers by string: all strings lie one behind another, with no allocation for each.

use xxhash_rust::xxh3::xxh3_64;

/// Marks an empty place of the table.
const NONE: u32 = u32::MAX;

/// Different strings, numbered in the order in which they come.
///
/// The table is open-addressed and at most half full. A place holds half of a string's hash beside its number, so
/// that other strings are passed over, and places found anew when the table grows, without reading a string.
#[derive(Default)]
pub(crate) struct Strings {
    bytes: String,
    /// Where each string ends.
    ends: Vec<usize>,
    table: Vec<(u32, u32)>,
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
        let place = self.place(hash(string), string);
        Some(self.table[place].1).filter(|number| *number != NONE)
    }

    /// The number of a string, which gets one where it has none.
    pub(crate) fn number(&mut self, string: &str) -> u32 {
        if 2 * self.ends.len() >= self.table.len() {
            self.grow();
        }
        let hash = hash(string);
        let place = self.place(hash, string);
        if self.table[place].1 == NONE {
            self.table[place] = (hash, self.ends.len() as u32);
            self.bytes.push_str(string);
            self.ends.push(self.bytes.len());
        }
        self.table[place].1
    }

    /// Where the string is in the table, or would be.
    fn place(&self, hash: u32, string: &str) -> usize {
        let mask = self.table.len() - 1;
        let mut place = hash as usize & mask;
        loop {
            let (found, number) = self.table[place];
            if number == NONE || (found == hash && self.get(number) == string) {
                return place;
            }
            place = (place + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let size = (2 * self.table.len()).max(64);
        for (hash, number) in std::mem::replace(&mut self.table, vec![(0, NONE); size]) {
            if number != NONE {
                let mut place = hash as usize & (size - 1);
                while self.table[place].1 != NONE {
                    place = (place + 1) & (size - 1);
                }
                self.table[place] = (hash, number);
            }
        }
    }
}

fn hash(string: &str) -> u32 {
    xxh3_64(string.as_bytes()) as u32
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_those_of_a_map(given in prop::collection::vec("[ab]{0,9}|\\PC{0,3}", 0..400)) {
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
