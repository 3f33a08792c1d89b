//! All candidate names of a store while it is packed: a tree of tokens in which phrases are counted, homes
//! are kept, and the longest name at a place of a text is found in one walk.

mod children;

use rustc_hash::FxHashMap;

use crate::text::MAX_NAME_TOKENS;
use children::{Child, Children};

/// A token by its number.
pub(crate) type TokenId = u32;

/// Stands between two pieces of a text, and belongs to no name: no store has so many tokens.
pub(crate) const BREAK: TokenId = u32::MAX;

/// No place, or no name.
pub(crate) const NONE: u32 = u32::MAX;

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
}

/// The tree. A namespace is a root of its own.
///
/// The children of roots are kept apart, and so is for each token whether it goes on with any name: nearly all tokens
/// of a text begin no name, or no longer one, which then shows without looking through all places.
#[derive(Default)]
pub(crate) struct Trie {
    places: Vec<Place>,
    /// The children of the first root, by token: of most stores the only one.
    beginnings: Vec<Child>,
    /// Those of other roots.
    other_beginnings: Children,
    /// Those of all other places.
    children: Children,
    roots: FxHashMap<u32, u32>,
    /// For each token whether it goes on with a name.
    continues: Vec<bool>,
    /// The number of each place's name, once there are names.
    names: Vec<u32>,
}

/// The place of the namespace that came first.
const FIRST_ROOT: u32 = 0;

/// The element of a token, which gets one where it has none.
fn of_token<T: Copy>(elements: &mut Vec<T>, token: TokenId, none: T) -> &mut T {
    if elements.len() <= token as usize {
        elements.resize(token as usize + 1, none);
    }
    &mut elements[token as usize]
}

impl Trie {
    fn add(&mut self, parent: u32, token: TokenId) -> u32 {
        let place = self.places.len() as u32;
        self.places.push(Place { parent, token, phrases: 0, last_phrase: NONE, homes: 0 });
        place
    }

    fn root(&mut self, namespace: u32) -> u32 {
        // The tokens of roots are namespaces.
        if self.places.first().is_some_and(|first| first.token == namespace) {
            return FIRST_ROOT;
        }
        if let Some(root) = self.roots.get(&namespace) {
            return *root;
        }
        let root = self.add(NONE, namespace);
        self.roots.insert(namespace, root);
        root
    }

    /// The place of a run of tokens, made where it is missing.
    pub(crate) fn place(&mut self, namespace: u32, tokens: &[TokenId]) -> u32 {
        let root = self.root(namespace);
        let Some((first, others)) = tokens.split_first() else { return root };
        let mut place = match self.beginning(root, *first) {
            Some(child) => child.place,
            None => {
                let place = self.add(root, *first);
                if root == FIRST_ROOT {
                    *of_token(&mut self.beginnings, *first, Child::NONE) = Child { place, name: NONE };
                } else {
                    self.other_beginnings.insert(root, *first, place);
                }
                place
            }
        };
        for token in others {
            place = match self.children.get(place, *token) {
                Some(child) => child.place,
                None => {
                    let child = self.add(place, *token);
                    self.children.insert(place, *token, child);
                    *of_token(&mut self.continues, *token, false) = true;
                    child
                }
            };
        }
        place
    }

    /// The place of a token behind a root.
    fn beginning(&self, root: u32, token: TokenId) -> Option<Child> {
        if root == FIRST_ROOT {
            return self.beginnings.get(token as usize).copied().and_then(Child::exists);
        }
        self.other_beginnings.get(root, token)
    }

    /// The place of the first of `tokens`, if a name begins with it.
    fn first(&self, namespace: u32, tokens: &[TokenId]) -> Option<Child> {
        let first = *tokens.first()?;
        let is_first = self.places.first().is_some_and(|root| root.token == namespace);
        let root = if is_first { FIRST_ROOT } else { *self.roots.get(&namespace)? };
        self.beginning(root, first)
    }

    /// Whether a token goes on with a name.
    fn continues(&self, token: TokenId) -> bool {
        self.continues.get(token as usize).is_some_and(|continues| *continues)
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

    /// Gives each namespace another number: `numbers` has the new one of each.
    pub(crate) fn renumber_namespaces(&mut self, numbers: &[u32]) {
        let roots = std::mem::take(&mut self.roots).into_values();
        self.roots = roots
            .map(|root| {
                let token = &mut self.places[root as usize].token;
                *token = numbers[*token as usize];
                (*token, root)
            })
            .collect();
    }

    /// Numbers the names: `names` has the number of each place's, or [`NONE`].
    pub(crate) fn set_names(&mut self, names: Vec<u32>) {
        self.beginnings.iter_mut().for_each(|child| child.set_name(&names));
        self.other_beginnings.set_names(&names);
        self.children.set_names(&names);
        self.names = names;
    }

    /// The number of a place's name, once there is one.
    pub(crate) fn name(&self, place: u32) -> Option<u32> {
        Some(self.names[place as usize]).filter(|name| *name != NONE)
    }

    /// Brings into the cache what walks along some runs of tokens will need at their second token, or where `depth` is 2
    /// at their third, if they get there. `starts` is a buffer.
    pub(crate) fn touch<'a>(
        &self,
        walks: impl Iterator<Item = (u32, &'a [TokenId])>,
        depth: usize,
        starts: &mut Vec<usize>,
    ) {
        let start = |(namespace, tokens): (u32, &[TokenId])| {
            let next = *tokens.get(depth)?;
            if !self.continues(next) {
                return None;
            }
            let mut child = self.first(namespace, tokens)?;
            for token in &tokens[1..depth] {
                child = self.children.get(child.place, *token)?;
            }
            Some(self.children.start(child.place, next))
        };
        starts.clear();
        starts.extend(walks.filter_map(start));
        self.children.touch(starts);
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
        let mut child = self.first(namespace, tokens)?;
        let mut found = None;
        if child.name != NONE && !is_stop(tokens[0]) {
            found = Some((1, child.name));
        }
        for (length, token) in (1..=MAX_NAME_TOKENS).zip(tokens).skip(1) {
            if !self.continues(*token) {
                break;
            }
            match self.children.get(child.place, *token) {
                Some(next) => child = next,
                None => break,
            }
            if child.name != NONE {
                found = Some((length, child.name));
            }
        }
        found
    }
}
