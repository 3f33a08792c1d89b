//! The children of the places of the tree, in one open-addressed table: a step looks at one line of memory, where it
//! also finds whether the child is a name.

use super::TokenId;

/// Marks an entry that is free, and a child that is no name.
const NONE: u32 = u32::MAX;

/// A child of a place.
#[derive(Clone, Copy)]
pub(super) struct Child {
    parent: u32,
    token: TokenId,
    pub(super) place: u32,
    name: u32,
}

impl Child {
    const FREE: Self = Self { parent: 0, token: 0, place: NONE, name: NONE };

    /// The number of its name, if it is one.
    pub(super) fn name(self) -> Option<u32> {
        Some(self.name).filter(|name| *name != NONE)
    }
}

/// Children by parent and token; at most five eighths full.
#[derive(Default)]
pub(super) struct Children {
    table: Vec<Child>,
    length: usize,
}

impl Children {
    /// The child of a place by a token, if there is one.
    pub(super) fn get(&self, parent: u32, token: TokenId) -> Option<Child> {
        if self.table.is_empty() {
            return None;
        }
        Some(self.table[self.slot(parent, token)]).filter(|child| child.place != NONE)
    }

    /// Adds a child that is not there.
    pub(super) fn insert(&mut self, parent: u32, token: TokenId, place: u32) {
        if 8 * (self.length + 1) > 5 * self.table.len() {
            let size = (2 * self.table.len()).max(64);
            for child in std::mem::replace(&mut self.table, vec![Child::FREE; size]) {
                if child.place != NONE {
                    let slot = self.slot(child.parent, child.token);
                    self.table[slot] = child;
                }
            }
        }
        let slot = self.slot(parent, token);
        self.table[slot] = Child { parent, token, place, name: NONE };
        self.length += 1;
    }

    /// Numbers the name that a child is.
    pub(super) fn set_name(&mut self, parent: u32, token: TokenId, name: u32) {
        let slot = self.slot(parent, token);
        self.table[slot].name = name;
    }

    /// Where a child is, or would be.
    fn slot(&self, parent: u32, token: TokenId) -> usize {
        let key = u64::from(parent) << 32 | u64::from(token);
        // Multiplication carries to the upper bits; those of the parent are there already.
        let hash = (key ^ key >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mask = self.table.len() - 1;
        let mut slot = (hash >> 32) as usize & mask;
        loop {
            let child = &self.table[slot];
            if child.place == NONE || (child.parent == parent && child.token == token) {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn children_are_those_of_a_map(steps in prop::collection::vec((0u32..40, 0u32..40), 0..600)) {
            let (mut children, mut map) = (Children::default(), BTreeMap::new());
            for (at, (parent, token)) in (0_u32..).zip(&steps) {
                let found = children.get(*parent, *token).map(|child| child.place);
                prop_assert_eq!(found, map.get(&(*parent, *token)).copied());
                if found.is_none() {
                    children.insert(*parent, *token, at);
                    map.insert((*parent, *token), at);
                }
            }
            for (parent, token) in map.keys() {
                children.set_name(*parent, *token, parent + token);
            }
            for (parent, token) in map.keys() {
                prop_assert_eq!(children.get(*parent, *token).and_then(Child::name), Some(parent + token));
            }
        }
    }
}
