//! The children of a tree's places, by place and token: a table of 16 bytes an entry, a third to two thirds of it full,
//! with linear probing.
//!
//! A look-up mostly waits for memory. [`Children::touch`] reads for many of them and needs none of the answers, so that
//! the processor waits for all at once.

use super::{NONE, TokenId};

/// The child of a place.
#[derive(Clone, Copy)]
pub(super) struct Child {
    pub(super) place: u32,
    /// Its number among the names, once there is one: here too, so that a walk looks at nothing else.
    pub(super) name: u32,
}

impl Child {
    /// There is none.
    pub(super) const NONE: Self = Self { place: NONE, name: NONE };

    /// It, if there is one.
    pub(super) fn exists(self) -> Option<Self> {
        (self.place != NONE).then_some(self)
    }

    /// Gives it the name of its place.
    pub(super) fn set_name(&mut self, names: &[u32]) {
        if self.place != NONE {
            self.name = names[self.place as usize];
        }
    }
}

/// An entry of the table.
#[derive(Clone, Copy)]
struct Entry {
    parent: u32,
    token: TokenId,
    child: Child,
}

const FREE: Entry = Entry { parent: NONE, token: NONE, child: Child::NONE };

/// Children by parent and token.
pub(super) struct Children {
    /// A power of two of them, at least one free.
    entries: Vec<Entry>,
    used: usize,
}

impl Default for Children {
    fn default() -> Self {
        Self { entries: vec![FREE; 4], used: 0 }
    }
}

impl Children {
    /// Where the search for a child begins.
    pub(super) fn start(&self, parent: u32, token: TokenId) -> usize {
        let key = (u64::from(parent) << 32) | u64::from(token);
        // Fibonacci hashing (Knuth, "The art of computer programming", volume 3, 6.4), after mixing the halves, since
        // parents and tokens are both small numbers.
        let mixed = (key ^ (key >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> (64 - self.entries.len().trailing_zeros())) as usize
    }

    /// Where a child is, or else would be.
    fn find(&self, parent: u32, token: TokenId) -> usize {
        let mask = self.entries.len() - 1;
        let mut at = self.start(parent, token);
        loop {
            let entry = &self.entries[at];
            if (entry.parent, entry.token) == (parent, token) || entry.child.place == NONE {
                return at;
            }
            at = (at + 1) & mask;
        }
    }

    /// The child of a place.
    pub(super) fn get(&self, parent: u32, token: TokenId) -> Option<Child> {
        self.entries[self.find(parent, token)].child.exists()
    }

    /// Reads where the searches for some children begin.
    pub(super) fn touch(&self, starts: &[usize]) {
        let touched = starts.iter().fold(0, |touched, start| touched ^ self.entries[*start].token);
        std::hint::black_box(touched);
    }

    /// Adds a child that is not there.
    pub(super) fn insert(&mut self, parent: u32, token: TokenId, place: u32) {
        if 3 * (self.used + 1) > 2 * self.entries.len() {
            let larger = vec![FREE; 2 * self.entries.len()];
            for entry in std::mem::replace(&mut self.entries, larger) {
                if entry.child.place != NONE {
                    let at = self.find(entry.parent, entry.token);
                    self.entries[at] = entry;
                }
            }
        }
        let at = self.find(parent, token);
        self.entries[at] = Entry { parent, token, child: Child { place, name: NONE } };
        self.used += 1;
    }

    /// Gives each child the name of its place.
    pub(super) fn set_names(&mut self, names: &[u32]) {
        self.entries.iter_mut().for_each(|entry| entry.child.set_name(names));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn children_are_those_of_a_map(keys in prop::collection::vec((0_u32..40, 0_u32..40), 0..600)) {
            let (mut children, mut map) = (Children::default(), HashMap::new());
            for (place, (parent, token)) in (0_u32..).zip(keys) {
                prop_assert_eq!(
                    children.get(parent, token).map(|child| child.place),
                    map.get(&(parent, token)).copied()
                );
                children.touch(&[children.start(parent, token)]);
                map.entry((parent, token)).or_insert_with(|| {
                    children.insert(parent, token, place);
                    place
                });
            }
            let names: Vec<u32> = (0..600).map(|place| if place % 3 == 0 { NONE } else { 2 * place }).collect();
            children.set_names(&names);
            for ((parent, token), place) in map {
                let child = children.get(parent, token).unwrap();
                prop_assert_eq!((child.place, child.name), (place, names[place as usize]));
            }
        }
    }
}
