//! All candidate names of a store while it is packed: a tree of tokens in which phrases are counted, homes
//! are kept, and the longest name at a place of a text is found in one walk.

use rustc_hash::FxHashMap;

use crate::text::MAX_NAME_TOKENS;

/// A token by its number.
pub(crate) type TokenId = u32;

/// Stands between two pieces of a text, and belongs to no name.
pub(crate) const BREAK: TokenId = u32::MAX;

const NONE: u32 = u32::MAX;

/// One place in the tree.
pub(crate) struct Place {
    /// The place of the tokens before the last.
    pub(crate) parent: u32,
    /// The last token; for a root the namespace.
    pub(crate) token: TokenId,
    /// How many memories have it as a phrase or tag.
    pub(crate) phrases: u32,
    /// The last of them, so that none counts twice; with one phrase, the only one.
    pub(crate) last_phrase: u32,
    /// How many memories bear it.
    pub(crate) homes: u32,
    /// Its number among the names, once there is one.
    name: u32,
}

/// The child of a place.
#[derive(Clone, Copy)]
struct Child {
    place: u32,
    /// Its number among the names, once there is one: here too, so that a walk looks at nothing else.
    name: u32,
}

impl Child {
    fn name(self) -> Option<u32> {
        Some(self.name).filter(|name| *name != NONE)
    }
}

/// Children by parent and token.
type Children = FxHashMap<(u32, TokenId), Child>;

/// The tree. A namespace is a root of its own.
///
/// The children of roots are kept apart, and for each token what parts it plays anywhere: nearly all tokens of a
/// text begin no name, which then shows without looking through all places.
#[derive(Default)]
pub(crate) struct Trie {
    places: Vec<Place>,
    beginnings: Children,
    children: Children,
    roots: FxHashMap<u32, u32>,
    roles: Vec<u8>,
}

/// A token begins a name.
const BEGINS: u8 = 1;
/// A token goes on with one.
const CONTINUES: u8 = 2;
/// A token alone is a name.
const ALONE: u8 = 4;

impl Trie {
    fn add(&mut self, parent: u32, token: TokenId) -> u32 {
        let place = self.places.len() as u32;
        self.places.push(Place { parent, token, phrases: 0, last_phrase: NONE, homes: 0, name: NONE });
        place
    }

    fn root(&mut self, namespace: u32) -> u32 {
        if let Some(root) = self.roots.get(&namespace) {
            return *root;
        }
        let root = self.add(NONE, namespace);
        self.roots.insert(namespace, root);
        root
    }

    /// The place of a run of tokens, made where it is missing.
    pub(crate) fn place(&mut self, namespace: u32, tokens: &[TokenId]) -> u32 {
        let mut place = self.root(namespace);
        for (depth, token) in tokens.iter().enumerate() {
            let (children, role) =
                if depth == 0 { (&self.beginnings, BEGINS) } else { (&self.children, CONTINUES) };
            place = match children.get(&(place, *token)) {
                Some(child) => child.place,
                None => {
                    let child = self.add(place, *token);
                    let children = if depth == 0 { &mut self.beginnings } else { &mut self.children };
                    children.insert((place, *token), Child { place: child, name: NONE });
                    if self.roles.len() <= *token as usize {
                        self.roles.resize(*token as usize + 1, 0);
                    }
                    self.roles[*token as usize] |= role;
                    child
                }
            };
        }
        place
    }

    /// Whether a token plays a part in any name.
    fn has_role(&self, token: TokenId, role: u8) -> bool {
        self.roles.get(token as usize).is_some_and(|roles| roles & role != 0)
    }

    /// Counts a phrase of a memory.
    pub(crate) fn count_phrase(&mut self, place: u32, memory: u32) {
        let place = &mut self.places[place as usize];
        if place.last_phrase != memory {
            place.last_phrase = memory;
            place.phrases += 1;
        }
    }

    /// Counts a memory that bears the name of a place.
    pub(crate) fn add_home(&mut self, place: u32) {
        self.places[place as usize].homes += 1;
    }

    /// Every place.
    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    /// Numbers a place's name.
    pub(crate) fn set_name(&mut self, place: u32, name: u32) {
        let Place { parent, token, .. } = self.places[place as usize];
        let children = if self.places[parent as usize].parent == NONE {
            self.roles[token as usize] |= ALONE;
            &mut self.beginnings
        } else {
            &mut self.children
        };
        if let Some(child) = children.get_mut(&(parent, token)) {
            child.name = name;
        }
        self.places[place as usize].name = name;
    }

    /// The number of a place's name, once there is one.
    pub(crate) fn name(&self, place: u32) -> Option<u32> {
        Some(self.places[place as usize].name).filter(|name| *name != NONE)
    }

    /// Puts the tokens that lead to a place into `tokens`; gives its namespace.
    pub(crate) fn path(&self, mut place: u32, tokens: &mut Vec<TokenId>) -> u32 {
        tokens.clear();
        while self.places[place as usize].parent != NONE {
            tokens.push(self.places[place as usize].token);
            place = self.places[place as usize].parent;
        }
        tokens.reverse();
        self.places[place as usize].token
    }

    /// The longest name that begins at the start of `tokens`: how many tokens, and its number.
    /// `is_stop` says whether a token alone is too weak to be a name.
    pub(crate) fn longest(
        &self,
        namespace: u32,
        tokens: &[TokenId],
        is_stop: impl Fn(TokenId) -> bool,
    ) -> Option<(usize, u32)> {
        let first = *tokens.first()?;
        if first == BREAK || !self.has_role(first, BEGINS) {
            return None;
        }
        let root = *self.roots.get(&namespace)?;
        let mut child = *self.beginnings.get(&(root, first))?;
        let mut found = None;
        if self.has_role(first, ALONE) && !is_stop(first) {
            found = child.name().map(|name| (1, name));
        }
        for (length, token) in (1..=MAX_NAME_TOKENS).zip(tokens).skip(1) {
            if *token == BREAK || !self.has_role(*token, CONTINUES) {
                break;
            }
            match self.children.get(&(child.place, *token)) {
                Some(next) => child = *next,
                None => break,
            }
            if let Some(name) = child.name() {
                found = Some((length, name));
            }
        }
        found
    }
}
