//! Capitalised phrases: runs of a text that look like names, whether or not anything bears them.

use std::ops::Range;

use super::{Language, MAX_NAME_TOKENS, Tokens};

/// Small words that join capitalised ones into one name, as in "Bank of England".
const JOINING: [&str; 12] = ["of", "the", "and", "de", "la", "von", "van", "da", "di", "al", "for", "in"];

/// The capitalised phrases of a text, as ranges of its tokens, first to last.
///
/// A phrase is a run of capitalised words and numbers (it begins with a capitalised word or a year of four
/// digits), joined by spaces, hyphens, or one small word such as "of" between spaces. It does not cross the
/// punctuation of a sentence or the end of a line. The stop words of `language` are trimmed at both ends, but
/// at the second only those in lower case ("The Bank of England" is `bank of england`, "World War I" stays), and what is then empty or longer than
/// [`MAX_NAME_TOKENS`] is left out. `tokens` must have read this very `text`. Cost: one pass.
pub fn phrases<'a>(text: &'a str, tokens: &'a Tokens, language: Language) -> Phrases<'a> {
    Phrases { text, tokens, language, next: 0 }
}

/// The iterator that [`phrases`] gives.
#[derive(Debug, Clone)]
pub struct Phrases<'a> {
    text: &'a str,
    tokens: &'a Tokens,
    language: Language,
    next: usize,
}

/// What stands between two neighbouring tokens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    /// Only hyphens and apostrophes: inside one word ("Jean-pierre", "Schindler's").
    Inner,
    /// Spaces within a line, perhaps after a closing apostrophe.
    Space,
    /// A dash, with spaces or without.
    Dash,
    /// Anything else: the phrase ends.
    Break,
}

impl Iterator for Phrases<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        while self.next < self.tokens.len() {
            let start = self.next;
            if !self.begins(start) {
                self.next += 1;
                continue;
            }
            let end = self.end_of(start);
            self.next = end;
            let phrase = self.trimmed(start..end);
            if (1..=MAX_NAME_TOKENS).contains(&phrase.len()) {
                return Some(phrase);
            }
        }
        None
    }
}

impl Phrases<'_> {
    fn begins(&self, i: usize) -> bool {
        self.tokens.starts_upper(i) || (self.tokens.is_number(i) && self.tokens.span(i).len() == 4)
    }

    fn continues(&self, i: usize) -> bool {
        self.tokens.starts_upper(i) || self.tokens.is_number(i)
    }

    fn end_of(&self, start: usize) -> usize {
        let count = self.tokens.len();
        let mut last = start;
        // Whether the piece that `last` belongs to began with a capital, so that "-pierre" may follow it.
        let mut word = self.tokens.starts_upper(start);
        while last + 1 < count {
            let next = last + 1;
            match self.gap(last) {
                Gap::Inner if word => last = next,
                Gap::Inner | Gap::Dash if self.continues(next) => {
                    word = self.tokens.starts_upper(next);
                    last = next;
                }
                Gap::Space if self.continues(next) => {
                    word = self.tokens.starts_upper(next);
                    last = next;
                }
                Gap::Space
                    if next + 1 < count
                        && JOINING.contains(&self.tokens.folded(next))
                        && self.gap(next) == Gap::Space
                        && self.continues(next + 1) =>
                {
                    word = self.tokens.starts_upper(next + 1);
                    last = next + 1;
                }
                _ => break,
            }
        }
        last + 1
    }

    /// What stands between the tokens `i` and `i + 1`.
    fn gap(&self, i: usize) -> Gap {
        let (from, to) = (self.tokens.span(i).end, self.tokens.span(i + 1).start);
        // Tokens of a script without spaces overlap, or touch; they have no capitals to go on with.
        let Some(gap) = self.text.get(from..to).filter(|gap| !gap.is_empty()) else { return Gap::Break };
        if gap == " " {
            return Gap::Space;
        }
        let (mut spaces, mut hyphens, mut dashes, mut quotes) = (false, 0, 0, false);
        for c in gap.chars() {
            match c {
                '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => return Gap::Break,
                '-' | '\u{2010}' | '\u{2011}' => hyphens += 1,
                '–' => dashes += 1,
                // A quote that opens after a space is no part of a name before it.
                '\'' | '’' if !spaces => quotes = true,
                c if c.is_whitespace() => spaces = true,
                _ => return Gap::Break,
            }
        }
        match (spaces, hyphens, dashes) {
            (false, _, 0) => Gap::Inner,
            (true, 0, 0) => Gap::Space,
            (_, 0..=1, 0..=1) if hyphens + dashes == 1 && !quotes => Gap::Dash,
            _ => Gap::Break,
        }
    }

    fn trimmed(&self, mut range: Range<usize>) -> Range<usize> {
        let stops = |i: usize| self.language.is_stop(self.tokens.folded(i));
        while !range.is_empty() && stops(range.start) {
            range.start += 1;
        }
        // A capital at the end belongs to the name: "World War I", "The Guess Who".
        while !range.is_empty() && stops(range.end - 1) && !self.tokens.starts_upper(range.end - 1) {
            range.end -= 1;
        }
        range
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Vec<String> {
        let mut tokens = Tokens::new();
        tokens.read(text);
        phrases(text, &tokens, Language::English).map(|r| tokens.key(r).to_owned()).collect()
    }

    #[test]
    fn names_are_found() {
        assert_eq!(
            found("The Journal of Mathematical Physics is published by the American Institute of Physics."),
            ["journal of mathematical physics", "american institute of physics"]
        );
        assert_eq!(found("It began in January 1960; in 1963 it grew."), ["january 1960", "1963"]);
        assert_eq!(found("editor Jean-Pierre Émile Šímová of Łódź."), ["jean pierre emile simova of lodz"]);
        assert_eq!(found("Schindler's List, Carl's house"), ["schindler s list", "carl"]);
        assert_eq!(found("Paris. London\nBerlin, Rome"), ["paris", "london", "berlin", "rome"]);
        assert_eq!(found("the Jean-luc bridge"), ["jean luc"]);
        assert_eq!(found("Wiley-Blackwell – Oxford"), ["wiley blackwell oxford"]);
        assert_eq!(found("Paris — London"), ["paris", "london"]);
        assert_eq!(found("see 12345 or 77 dogs"), Vec::<String>::new());
        assert_eq!(found("The And Of"), Vec::<String>::new());
        assert_eq!(found("Bank of the north"), ["bank"]);
        assert_eq!(found("after World War I, Carl's"), ["world war i", "carl"]);
        assert_eq!(found("Aa Bb Cc Dd Ee Ff Gg Hh Ii Jj"), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn ranges_are_within_the_tokens(text in "([A-Z]?[a-zé]{0,3}|[0-9]{1,4}|of|the|[-–' .,\n東京]){0,40}") {
            let mut tokens = Tokens::new();
            tokens.read(&text);
            let mut last = 0;
            for range in phrases(&text, &tokens, Language::English) {
                prop_assert!(range.start >= last && range.end <= tokens.len());
                prop_assert!((1..=MAX_NAME_TOKENS).contains(&range.len()));
                last = range.end;
            }
        }
    }
}
