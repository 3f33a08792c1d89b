//! Strings by number and numbers by string: all strings lie one behind another, with no allocation for each.

use xxhash_rust::xxh3::xxh3_64;

/// Different strings, numbered in the order in which they come.
pub(crate) struct Strings {
    all: Lines,
    /// By the lower bits of a string's hash, with linear probing: the upper half of the hash, and below it the number.
    /// A power of two of entries, of which at least a quarter are [`FREE`].
    numbers: Vec<u64>,
}

/// An entry that no string has: there is no such number.
const FREE: u64 = u64::MAX;
const UPPER: u64 = !(u32::MAX as u64);

impl Default for Strings {
    fn default() -> Self {
        Self { all: Lines::default(), numbers: vec![FREE; 4] }
    }
}

/// Strings one behind another.
#[derive(Default)]
pub(crate) struct Lines {
    bytes: String,
    /// Where each string ends.
    ends: Vec<usize>,
}

impl Lines {
    /// Adds a string; gives its number.
    pub(crate) fn push(&mut self, string: &str) -> u32 {
        self.bytes.push_str(string);
        self.ends.push(self.bytes.len());
        self.ends.len() as u32 - 1
    }

    /// Takes all strings out.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
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
        self.all.iter()
    }

    /// Where the search for a hash begins.
    fn start(&self, hash: u64) -> usize {
        hash as usize & (self.numbers.len() - 1)
    }

    /// Where the entry of a string is, or else would be.
    fn place(&self, hash: u64, string: &str) -> usize {
        let mut at = self.start(hash);
        loop {
            let entry = self.numbers[at];
            if entry == FREE || (entry & UPPER == hash & UPPER && self.all.get(entry as u32) == string) {
                return at;
            }
            at = (at + 1) & (self.numbers.len() - 1);
        }
    }

    /// The number of each string, or [`None`] where it has none. What the searches read is brought into the cache
    /// first, so that the processor waits for the memory of all of them at once.
    pub(crate) fn find_all(&self, strings: &Lines, found: &mut Vec<Option<u32>>) {
        let hashes: Vec<u64> = strings.iter().map(hash).collect();
        let firsts: Vec<u64> = hashes.iter().map(|hash| self.numbers[self.start(*hash)]).collect();
        let last = self.len().wrapping_sub(1);
        let ends = &self.all.ends;
        let bytes = self.all.bytes.as_bytes();
        let touched = firsts.iter().fold(0, |touched, first| {
            let end = ends.get((*first as u32 as usize).min(last)).map_or(0, |end| end.saturating_sub(1));
            touched ^ bytes.get(end).copied().unwrap_or(0)
        });
        std::hint::black_box(touched);
        found.clear();
        found.extend(hashes.iter().zip(strings.iter()).map(|(hash, string)| {
            let entry = self.numbers[self.place(*hash, string)];
            (entry != FREE).then_some(entry as u32)
        }));
    }

    /// The number of a string, which gets one where it has none.
    pub(crate) fn number(&mut self, string: &str) -> u32 {
        let hash = hash(string);
        let at = self.place(hash, string);
        if self.numbers[at] != FREE {
            return self.numbers[at] as u32;
        }
        let number = self.all.push(string);
        self.numbers[at] = (hash & UPPER) | u64::from(number);
        if 4 * self.len() >= 3 * self.numbers.len() {
            let larger = 2 * self.numbers.len();
            self.numbers = vec![FREE; larger];
            for number in 0..self.len() as u32 {
                let hash = self::hash(self.get(number));
                let mut at = self.start(hash);
                while self.numbers[at] != FREE {
                    at = (at + 1) & (larger - 1);
                }
                self.numbers[at] = (hash & UPPER) | u64::from(number);
            }
        }
        number
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
            let mut asked = Lines::default();
            for string in &given {
                asked.push(string);
            }
            let mut found = Vec::new();
            for string in &given {
                let next = map.len() as u32;
                if next.is_multiple_of(50) {
                    strings.find_all(&asked, &mut found);
                    prop_assert_eq!(&found, &given.iter().map(|asked| map.get(asked).copied()).collect::<Vec<_>>());
                }
                let number = *map.entry(string.clone()).or_insert(next);
                prop_assert_eq!(strings.number(string), number);
            }
            prop_assert_eq!(strings.len(), map.len());
            strings.find_all(&asked, &mut found);
            prop_assert_eq!(found, given.iter().map(|asked| map.get(asked).copied()).collect::<Vec<_>>());
            for (string, number) in &map {
                prop_assert_eq!(strings.get(*number), string.as_str());
            }
            prop_assert_eq!(strings.iter().len(), map.len());
        }
    }
}
