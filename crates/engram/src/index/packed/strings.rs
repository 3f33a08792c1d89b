//! Strings by number and numbers by string: all strings lie one behind another, with no allocation for each.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use xxhash_rust::xxh3::xxh3_64;

/// Different strings, numbered in the order in which they come.
#[derive(Default)]
pub(crate) struct Strings {
    all: Lines,
    numbers: HashTable<u32>,
}

/// Strings one behind another.
#[derive(Default)]
struct Lines {
    bytes: String,
    /// Where each string ends.
    ends: Vec<usize>,
}

impl Lines {
    fn get(&self, number: u32) -> &str {
        let start = if number == 0 { 0 } else { self.ends[number as usize - 1] };
        &self.bytes[start..self.ends[number as usize]]
    }
}

impl Strings {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.all.ends.len()
    }

    /// The string of a number.
    pub(crate) fn get(&self, number: u32) -> &str {
        self.all.get(number)
    }

    /// All of them, by number.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|number| self.get(number as u32))
    }

    /// The number of a string that has one.
    pub(crate) fn find(&self, string: &str) -> Option<u32> {
        self.numbers.find(hash(string), |number| self.all.get(*number) == string).copied()
    }

    /// The number of a string, which gets one where it has none.
    pub(crate) fn number(&mut self, string: &str) -> u32 {
        let Self { all, numbers } = self;
        let is_it = |number: &u32| all.get(*number) == string;
        match numbers.entry(hash(string), is_it, |number| hash(all.get(*number))) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(free) => {
                let number = all.ends.len() as u32;
                free.insert(number);
                all.bytes.push_str(string);
                all.ends.push(all.bytes.len());
                number
            }
        }
    }
}

fn hash(string: &str) -> u64 {
    xxh3_64(string.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
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
