//! Reading a memory: its pieces of text as tokens, in one place for all that index it.

use std::ops::Range;

use rustc_hash::FxHashSet;

use crate::store::record::Record;
use crate::text::{Language, Tokens, Words, name_key, title_names};

/// The most bytes a name's key may have; a longer one does not fit a store key.
const MAX_NAME_BYTES: usize = 400;

/// The pieces of a record that are read for words and mentions: title, tags, text, and the title once more, because its
/// words say most of what a memory is about. Aliases are names only.
pub(crate) fn pieces<'r>(record: &'r Record<'_>) -> impl Iterator<Item = &'r str> {
    record
        .title
        .as_deref()
        .into_iter()
        .chain(record.tags.iter().map(String::as_str))
        .chain([record.text.as_ref()])
        .chain(record.title.as_deref())
}

/// The keys of the names that a record bears: from its title and aliases, none twice.
pub(crate) fn home_names(record: &Record<'_>) -> Vec<String> {
    let (mut names, mut seen) = (Vec::new(), FxHashSet::default());
    for title in record.title.as_deref().into_iter().chain(record.aliases.iter().map(String::as_str)) {
        // A title of many words is not looked for in texts, but a link may still write it out.
        for name in title_names(title).into_iter().chain(link_name(title)) {
            if name.len() <= MAX_NAME_BYTES && seen.insert(name.clone()) {
                names.push(name);
            }
        }
    }
    names
}

/// The key of a name as a link writes it; `None` where it has no word, or is no name.
pub(crate) fn link_name(name: &str) -> Option<String> {
    let mut tokens = Tokens::new();
    tokens.read(name);
    let key = name_key(tokens.iter());
    (!key.is_empty() && key.len() <= MAX_NAME_BYTES).then_some(key)
}

/// Whether the whole of what was read is a name that a title gives, or that a link writes. A title of many words
/// is not looked for in texts, but a link may still write it out.
pub(crate) fn is_home_name(tokens: &Tokens) -> bool {
    !tokens.is_empty() && tokens.key(0..tokens.len()).len() <= MAX_NAME_BYTES
}

/// Calls `each` with the other forms of a title that give names beside the whole, read into `tokens`.
///
/// Together with the whole, and each taken once, they are those of [`home_names`].
pub(crate) fn for_each_other_title(title: &str, tokens: &mut Tokens, mut each: impl FnMut(&Tokens)) {
    if title.contains(['(', ',']) {
        for form in crate::text::shorter_titles(title) {
            tokens.read(&form);
            if tokens.len() <= crate::text::MAX_NAME_TOKENS {
                each(tokens);
            }
        }
    }
}

/// Calls `each` with the key of every capitalised phrase and tag of a record; one may come more than once.
pub(crate) fn phrases(record: &Record<'_>, tokens: &mut Tokens, mut each: impl FnMut(&str)) {
    tokens.read(&record.text);
    for range in text_phrases(&record.text, tokens, record.language.unwrap_or_default()) {
        each(tokens.key(range));
    }
    for tag in &record.tags {
        tokens.read(tag);
        let whole = 0..tokens.len();
        if is_phrase(tokens, whole.clone()) {
            each(tokens.key(whole));
        }
    }
}

/// The capitalised phrases of a text that `tokens` has read.
pub(crate) fn text_phrases<'a>(
    text: &'a str,
    tokens: &'a Tokens,
    language: Language,
) -> impl Iterator<Item = Range<usize>> + 'a {
    crate::text::phrases(text, tokens, language).filter(|range| is_phrase(tokens, range.clone()))
}

/// Whether a run of tokens may be a name: a single letter or two are none.
pub(crate) fn is_phrase(tokens: &Tokens, range: Range<usize>) -> bool {
    let key = tokens.key(range.clone());
    key.len() <= MAX_NAME_BYTES
        && (1..=crate::text::MAX_NAME_TOKENS).contains(&range.len())
        && (range.len() > 1 || key.chars().nth(2).is_some())
}

/// The words of every language that has been asked for, so that each stemmer is set up once.
#[derive(Default)]
pub(crate) struct Lexicon {
    words: Vec<Words>,
}

impl Lexicon {
    /// The words of a language.
    pub(crate) fn words(&mut self, language: Language) -> &mut Words {
        let at = match self.words.iter().position(|words| words.language() == language) {
            Some(at) => at,
            None => {
                self.words.push(Words::new(language));
                self.words.len() - 1
            }
        };
        &mut self.words[at]
    }
}

/// Finds the longest names in a text: at each place the longest that begins there, and on behind it.
///
/// `longest(at)` gives the number of tokens of the longest name at a place, and what it is. Names of one
/// word that is a stop word are no names; `longest` sees to that.
pub(crate) fn longest_matches<N, E>(
    tokens: usize,
    mut longest: impl FnMut(usize) -> Result<Option<(usize, N)>, E>,
    mut found: impl FnMut(Range<usize>, N),
) -> Result<(), E> {
    let mut at = 0;
    while at < tokens {
        match longest(at)? {
            Some((length, name)) => {
                found(at..at + length, name);
                at += length.max(1);
            }
            None => at += 1,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::memory::{History, MemoryId, NewMemory};
    use crate::time::Time;

    proptest! {
        #[test]
        fn titles_give_the_same_names_either_way(
            title in "([A-Za-z東é]{0,3}[ (),.]){0,14}",
            alias in "[a-z(), ]{0,12}|([a-z]{60} ){1,9}",
        ) {
            let mut memory = NewMemory::new(MemoryId::new("m").unwrap(), "");
            memory.title = Some(title.clone());
            memory.aliases.push(alias.clone());
            let record = Record::of(&memory, &History::default(), Time::from_milliseconds(0));
            let expected: BTreeSet<String> = home_names(&record).into_iter().collect();
            let mut found = BTreeSet::new();
            let mut tokens = Tokens::new();
            let mut add = |tokens: &Tokens| {
                if is_home_name(tokens) {
                    found.insert(tokens.key(0..tokens.len()).to_owned());
                }
            };
            for title in [&title, &alias] {
                tokens.read(title);
                add(&tokens);
                for_each_other_title(title, &mut tokens, &mut add);
            }
            prop_assert_eq!(found, expected);
        }
    }
}
