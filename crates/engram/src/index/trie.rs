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
    /// The memories that bear it.
    pub(crate) homes: Vec<u32>,
    /// Its number among the names, once there is one.
    pub(crate) name: Option<u32>,
}

/// The tree. A namespace is a root of its own.
#[derive(Default)]
pub(crate) struct Trie {
    places: Vec<Place>,
    children: FxHashMap<(u32, TokenId), u32>,
    roots: FxHashMap<u32, u32>,
}

impl Trie {
    fn add(&mut self, parent: u32, token: TokenId) -> u32 {
        let place = self.places.len() as u32;
        self.places.push(Place {
            parent,
            token,
            phrases: 0,
            last_phrase: NONE,
            homes: Vec::new(),
            name: None,
        });
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
        for token in tokens {
            place = match self.children.get(&(place, *token)) {
                Some(child) => *child,
                None => {
                    let child = self.add(place, *token);
                    self.children.insert((place, *token), child);
                    child
                }
            };
        }
        place
    }

    /// The place of a run of tokens, if there is one.
    pub(crate) fn find(&self, namespace: u32, tokens: &[TokenId]) -> Option<u32> {
        let mut place = *self.roots.get(&namespace)?;
        for token in tokens {
            place = *self.children.get(&(place, *token))?;
        }
        Some(place)
    }

    /// Counts a phrase of a memory.
    pub(crate) fn count_phrase(&mut self, place: u32, memory: u32) {
        let place = &mut self.places[place as usize];
        if place.last_phrase != memory {
            place.last_phrase = memory;
            place.phrases += 1;
        }
    }

    /// Makes a memory bear the name of a place.
    pub(crate) fn add_home(&mut self, place: u32, memory: u32) {
        self.places[place as usize].homes.push(memory);
    }

    /// Every place.
    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    /// Numbers a place's name.
    pub(crate) fn set_name(&mut self, place: u32, name: u32) {
        self.places[place as usize].name = Some(name);
    }

    /// The tokens that lead to a place, and its namespace.
    pub(crate) fn path(&self, mut place: u32) -> (u32, Vec<TokenId>) {
        let mut tokens = Vec::new();
        while self.places[place as usize].parent != NONE {
            tokens.push(self.places[place as usize].token);
            place = self.places[place as usize].parent;
        }
        tokens.reverse();
        (self.places[place as usize].token, tokens)
    }

    /// The longest name that begins at the start of `tokens`: how many tokens, and its number.
    /// `is_stop` says whether a token alone is too weak to be a name.
    pub(crate) fn longest(
        &self,
        namespace: u32,
        tokens: &[TokenId],
        is_stop: impl Fn(TokenId) -> bool,
    ) -> Option<(usize, u32)> {
        let mut place = *self.roots.get(&namespace)?;
        let mut found = None;
        for (length, token) in (1..=MAX_NAME_TOKENS).zip(tokens) {
            if *token == BREAK {
                break;
            }
            match self.children.get(&(place, *token)) {
                Some(child) => place = *child,
                None => break,
            }
            if let Some(name) = self.places[place as usize].name
                && (length > 1 || !is_stop(*token))
            {
                found = Some((length, name));
            }
        }
        found
    }
}
