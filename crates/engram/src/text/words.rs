//! Words as postings and vectors know them: without stop words, and as stems.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::OnceLock;

use frostem::Stemmer;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::Language;
use super::script::start_of;
use super::tokens::MAX_TOKEN_BYTES;

/// What the cache may hold before it starts anew: a language's usual words fit many times over, and no text
/// can make it grow without bound.
const MAX_CACHED: usize = 1 << 17;

/// The stems and stop words of one language.
///
/// It remembers each word it has stemmed, so keep one per language for as long as texts come.
///
/// ```
/// use engram::text::{Language, Words};
/// let mut words = Words::new(Language::English);
/// assert_eq!(words.term("associations"), Some("associ"));
/// assert_eq!(words.term("the"), None);
/// ```
pub struct Words {
    language: Language,
    stemmer: Option<Stemmer>,
    known: HashMap<Box<str>, Option<Stem>, Seed>,
    stems: String,
}

/// XXH3 without the large state that its streaming form sets up for each word, from a seed that no text can know:
/// words that are chosen to meet at one place of the table would make each look-up walk past all of them.
struct OneShot(u64);

/// The seed of this process.
#[derive(Clone, Copy)]
struct Seed(u64);

impl Default for Seed {
    fn default() -> Self {
        static SEED: OnceLock<u64> = OnceLock::new();
        Self(*SEED.get_or_init(|| RandomState::new().hash_one(0)))
    }
}

impl BuildHasher for Seed {
    type Hasher = OneShot;

    fn build_hasher(&self) -> OneShot {
        OneShot(self.0)
    }
}

impl Hasher for OneShot {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    fn write_u8(&mut self, byte: u8) {
        // The mark that ends a string; words are the only keys.
        self.0 ^= u64::from(byte);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[derive(Clone, Copy)]
struct Stem {
    start: u32,
    end: u32,
}

impl Words {
    /// The words of a language.
    #[must_use]
    pub fn new(language: Language) -> Self {
        let stemmer = language.algorithm().map(Stemmer::new);
        Self { language, stemmer, known: HashMap::default(), stems: String::new() }
    }

    /// The language.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language
    }

    /// Whether a folded token is one of the language's stop words.
    #[must_use]
    pub fn is_stop(&self, folded: &str) -> bool {
        self.language.is_stop(folded)
    }

    /// The term under which a folded token is kept: its stem, of at most [`MAX_TOKEN_BYTES`] bytes; `None`
    /// for a stop word. Numbers and languages without a stemmer give the token itself. Cost: one look-up
    /// for a word seen before, about a microsecond for a new one.
    pub fn term(&mut self, folded: &str) -> Option<&str> {
        let folded = start_of(folded, MAX_TOKEN_BYTES);
        let stem = match self.known.get(folded) {
            Some(&stem) => stem,
            None => self.learn(folded),
        };
        stem.map(|stem| &self.stems[stem.start as usize..stem.end as usize])
    }

    fn learn(&mut self, folded: &str) -> Option<Stem> {
        if self.known.len() >= MAX_CACHED {
            self.known.clear();
            self.stems.clear();
        }
        let stem = self.stem(folded).map(|stem| {
            let start = self.stems.len();
            self.stems.push_str(&stem);
            Stem { start: start as u32, end: self.stems.len() as u32 }
        });
        self.known.insert(folded.into(), stem);
        stem
    }

    /// [`Words::term`] without remembering it, for words of which none comes twice.
    pub(crate) fn stem<'f>(&self, folded: &'f str) -> Option<Cow<'f, str>> {
        let folded = start_of(folded, MAX_TOKEN_BYTES);
        if folded.is_empty() || self.language.is_stop(folded) {
            return None;
        }
        Some(match &self.stemmer {
            Some(stemmer) if !folded.bytes().any(|b| b.is_ascii_digit()) => {
                let stem = stemmer.stem(folded);
                // No stemmer should leave nothing, or make a word longer than a term may be.
                let fits = !stem.is_empty() && stem.len() <= MAX_TOKEN_BYTES;
                if fits { stem } else { Cow::Borrowed(folded) }
            }
            _ => Cow::Borrowed(folded),
        })
    }
}

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Words")
            .field("language", &self.language)
            .field("known", &self.known.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_become_terms() {
        let mut english = Words::new(Language::English);
        assert_eq!(english.term("running"), Some("run"));
        assert_eq!(english.term("running"), Some("run"));
        assert_eq!(english.term("which"), None);
        assert_eq!(english.term("x86_64"), Some("x86_64"));
        assert_eq!(english.term(""), None);
        let mut german = Words::new(Language::German);
        assert_eq!(german.term("hauser").map(str::to_owned), german.term("haus").map(str::to_owned));
        assert_eq!(german.term("und"), None);
        assert_eq!(Words::new(Language::Other).term("running"), Some("running"));
        assert_eq!(english.term(&"z".repeat(200)).map(str::len), Some(64));
    }

    #[test]
    fn the_cache_is_bounded() {
        let mut words = Words::new(Language::English);
        for i in 0..MAX_CACHED + 10 {
            let word = format!("w{i}");
            assert_eq!(words.term(&word), Some(word.as_str()));
        }
        assert!(words.known.len() <= MAX_CACHED);
        assert_eq!(words.term("running"), Some("run"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_stemmer_takes_any_word(word in "[\\p{L}\\p{M}\\p{N}]{1,30}", greek in "[α-ω]{1,20}", latin in "[a-z]{1,20}") {
            for language in Language::ALL {
                let mut words = Words::new(language);
                for word in [&word, &greek, &latin] {
                    let folded = super::super::fold(word);
                    if let Some(term) = words.term(&folded) {
                        prop_assert!(!term.is_empty() && term.len() <= MAX_TOKEN_BYTES);
                    }
                }
            }
        }
    }
}
