//! Tokens: one pass over a text that finds and folds its words.

use std::ops::Range;

use super::fold::fold_into;
use super::script::{continues_word, is_unspaced, is_word, joins_previous, start_of};

/// The most bytes a folded token has; longer ones are cut there, at a character's border.
pub const MAX_TOKEN_BYTES: usize = 64;

/// The words of a text, in order: each with its folded form and its place in the text.
///
/// A token is a longest run of letters, digits and `_`, with the marks on them; so "Carl's" is `carl` and
/// `s`. What distinguishes a name belongs to it: `C++`, `C#`, and the dot of `.NET`. Scripts that write without spaces (Han, Kana, Thai, Lao, Khmer, Burmese) give each two neighbouring
/// characters as a token, and a character that stands alone as itself.
///
/// A `Tokens` is a buffer: make one and let it [`read`](Self::read) text after text.
///
/// ```
/// use engram::text::Tokens;
/// let mut tokens = Tokens::new();
/// tokens.read("Carl Rogers's Café, 1951");
/// assert_eq!(tokens.iter().collect::<Vec<_>>(), ["carl", "rogers", "s", "cafe", "1951"]);
/// assert_eq!(tokens.key(0..2), "carl rogers");
/// ```
#[derive(Debug, Default, Clone)]
pub struct Tokens {
    // The folded forms joined by one space each, so that any run of tokens is a slice: a name's key.
    folded: String,
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, Copy)]
struct Token {
    start: u32,
    end: u32,
    folded_start: u32,
    folded_end: u32,
    upper: bool,
    number: bool,
}

impl Tokens {
    /// An empty buffer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a text, in place of what the buffer held. Cost: about 5 ns a byte, and no allocation once the
    /// buffer has grown. Of a text beyond 1 GiB only the first GiB is read.
    pub fn read(&mut self, text: &str) {
        self.tokens.clear();
        self.folded.clear();
        let text = start_of(text, 1 << 30);
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            if byte.is_ascii() {
                if is_word_byte(byte) || is_leading_dot(bytes, at) {
                    at = self.word(text, at);
                } else {
                    at += 1;
                }
                continue;
            }
            let Some(c) = text[at..].chars().next() else { break };
            at = if !is_word(c) {
                at + c.len_utf8()
            } else if is_unspaced(c) {
                self.unspaced(text, at)
            } else {
                self.word(text, at)
            };
        }
    }

    /// Takes the word that begins at `start`; says where it ends.
    fn word(&mut self, text: &str, start: usize) -> usize {
        let bytes = text.as_bytes();
        let dot = usize::from(bytes[start] == b'.');
        let mut end = start + dot;
        while end < bytes.len() && is_word_byte(bytes[end]) {
            end += 1;
        }
        end += mark_bytes(bytes, end);
        let folded_start = self.begin();
        if end == bytes.len() || bytes[end].is_ascii() {
            self.folded.push_str(&text[start..end]);
            self.folded[folded_start..].make_ascii_lowercase();
            let number = bytes[start..end].iter().all(u8::is_ascii_digit);
            self.finish(start..end, folded_start, bytes[start + dot].is_ascii_uppercase(), number);
            return end;
        }
        let mut upper = bytes[start + dot].is_ascii_uppercase();
        for c in text[end..].chars() {
            if c.is_ascii() {
                if !is_word(c) {
                    break;
                }
            } else if is_unspaced(c) || !(is_word(c) || continues_word(c)) {
                break;
            }
            if end == start {
                upper = c.is_uppercase();
            }
            end += c.len_utf8();
        }
        fold_into(&text[start..end], &mut self.folded);
        let number = self.folded.as_bytes()[folded_start..].iter().all(u8::is_ascii_digit);
        self.finish(start..end, folded_start, upper, number);
        end
    }

    /// Takes the run without spaces that begins at `start`, two characters at a time; says where it ends.
    fn unspaced(&mut self, text: &str, start: usize) -> usize {
        // The borders of the two latest characters, each with the marks on it.
        let (mut previous, mut current) = (None::<usize>, start);
        let mut end = start;
        for c in text[start..].chars() {
            let joined = end > start && joins_previous(c);
            if !(joined || (is_unspaced(c) && is_word(c))) {
                break;
            }
            if !joined && end > start {
                if let Some(previous) = previous {
                    self.pair(text, previous..end);
                }
                previous = Some(current);
                current = end;
            }
            end += c.len_utf8();
        }
        self.pair(text, previous.unwrap_or(current)..end);
        end
    }

    fn pair(&mut self, text: &str, span: Range<usize>) {
        let folded_start = self.begin();
        fold_into(&text[span.clone()], &mut self.folded);
        let number = self.folded.as_bytes()[folded_start..].iter().all(u8::is_ascii_digit);
        self.finish(span, folded_start, false, number);
    }

    /// Puts the separator before a new token; says where its folded form begins.
    fn begin(&mut self) -> usize {
        if !self.tokens.is_empty() {
            self.folded.push(' ');
        }
        self.folded.len()
    }

    fn finish(&mut self, span: Range<usize>, folded_start: usize, upper: bool, number: bool) {
        if self.folded.len() > folded_start + MAX_TOKEN_BYTES {
            let kept = start_of(&self.folded[folded_start..], MAX_TOKEN_BYTES).len();
            self.folded.truncate(folded_start + kept);
        }
        if self.folded.len() == folded_start {
            // Nothing of it is left after folding: take back the separator too.
            self.folded.truncate(folded_start.saturating_sub(usize::from(!self.tokens.is_empty())));
            return;
        }
        self.tokens.push(Token {
            start: span.start as u32,
            end: span.end as u32,
            folded_start: folded_start as u32,
            folded_end: self.folded.len() as u32,
            upper,
            number,
        });
    }

    /// How many tokens there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The folded form of the token `i`: 1 to [`MAX_TOKEN_BYTES`] bytes.
    ///
    /// # Panics
    /// If there are no more than `i` tokens; so do the other calls that take a token's number.
    #[must_use]
    pub fn folded(&self, i: usize) -> &str {
        let token = &self.tokens[i];
        &self.folded[token.folded_start as usize..token.folded_end as usize]
    }

    /// Where the token `i` stands in the text, in bytes. Two tokens of a script without spaces overlap.
    #[must_use]
    pub fn span(&self, i: usize) -> Range<usize> {
        self.tokens[i].start as usize..self.tokens[i].end as usize
    }

    /// Whether the token `i` begins with an upper-case letter in the text.
    #[must_use]
    pub fn starts_upper(&self, i: usize) -> bool {
        self.tokens[i].upper
    }

    /// Whether the token `i` is all digits.
    #[must_use]
    pub fn is_number(&self, i: usize) -> bool {
        self.tokens[i].number
    }

    /// The folded forms of the tokens in `range`, joined by one space each: [`name_key`](super::name_key) of
    /// them, without making anything. Empty for an empty range.
    #[must_use]
    pub fn key(&self, range: Range<usize>) -> &str {
        if range.is_empty() {
            return "";
        }
        let (first, last) = (&self.tokens[range.start], &self.tokens[range.end - 1]);
        &self.folded[first.folded_start as usize..last.folded_end as usize]
    }

    /// The folded forms in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator {
        self.tokens.iter().map(|t| &self.folded[t.folded_start as usize..t.folded_end as usize])
    }
}

/// Whether a dot opens a name, as in `.NET`: nothing of a word before it, a letter behind it.
fn is_leading_dot(bytes: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).map_or(b' ', |before| bytes[before]);
    bytes[at] == b'.'
        && (before.is_ascii_whitespace() || matches!(before, b'(' | b'[' | b'"' | b'\'' | b'`' | b'/' | b'*'))
        && bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic)
}

/// How many bytes of marks that belong to a name stand behind the word that ends at `end`: `++` or `#`.
fn mark_bytes(bytes: &[u8], end: usize) -> usize {
    if !end.checked_sub(1).is_some_and(|last| bytes[last].is_ascii_alphabetic()) {
        return 0;
    }
    let marks = match bytes[end..] {
        [b'+', b'+', ..] => 2,
        [b'#', ..] => 1,
        _ => return 0,
    };
    let next = bytes.get(end + marks);
    let ends =
        next.is_none_or(|next| !is_word_byte(*next) && next.is_ascii() && !matches!(next, b'+' | b'#'));
    if ends { marks } else { 0 }
}

fn is_word_byte(byte: u8) -> bool {
    const TABLE: [bool; 256] = {
        let mut table = [false; 256];
        let mut i = 0;
        while i < 256 {
            let byte = i as u8;
            table[i] = byte.is_ascii_alphanumeric() || byte == b'_';
            i += 1;
        }
        table
    };
    TABLE[byte as usize]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<String> {
        let mut tokens = Tokens::new();
        tokens.read(text);
        tokens.iter().map(str::to_owned).collect()
    }

    #[test]
    fn words_are_cut_and_folded() {
        assert_eq!(read("Carl's café_au_lait, 3.14!"), ["carl", "s", "cafe_au_lait", "3", "14"]);
        assert_eq!(read("Cafe\u{301} naïve Šumava Übung éa"), ["cafe", "naive", "sumava", "ubung", "ea"]);
        assert_eq!(
            read("C++, C# (.NET) a#b 1++ x+++ end."),
            ["c++", "c#", ".net", "a", "b", "1", "x", "end"]
        );
        assert_eq!(read("v1.2 e.g. ...so .5"), ["v1", "2", "e", "g", "so", "5"]);
        assert_eq!(read(""), Vec::<String>::new());
        assert_eq!(read("\u{301} ! …"), Vec::<String>::new());
        assert_eq!(read("co\u{ad}op x\u{200d}y"), ["coop", "xy"]);
    }

    #[test]
    fn scripts_without_spaces_give_pairs() {
        assert_eq!(read("東京タワー"), ["東京", "京タ", "タワ", "ワー"]);
        assert_eq!(read("金"), ["金"]);
        assert_eq!(read("Rust言語x"), ["rust", "言語", "x"]);
        assert_eq!(read("ｶﾞﾗｽ"), ["ガラ", "ラス"]);
        assert_eq!(read("ภาษาไทย").len(), 6);
        assert_eq!(read("東 京"), ["東", "京"]);
    }

    #[test]
    fn flags_and_spans_tell_of_the_text() {
        let text = "Émile  met 1951 ABBA éa";
        let mut tokens = Tokens::new();
        tokens.read(text);
        assert_eq!(&text[tokens.span(0)], "Émile");
        assert_eq!(
            (0..5).map(|i| tokens.starts_upper(i)).collect::<Vec<_>>(),
            [true, false, false, true, false]
        );
        assert!(tokens.is_number(2) && !tokens.is_number(0));
        assert_eq!(tokens.key(0..3), "emile met 1951");
        assert_eq!(tokens.key(1..1), "");
    }

    #[test]
    fn long_tokens_are_cut_between_characters() {
        let long = "я".repeat(100);
        assert_eq!(read(&long), ["я".repeat(32)]);
        assert_eq!(read(&"a".repeat(1000)), ["a".repeat(64)]);
    }

    proptest! {
        #[test]
        fn spans_are_valid_and_tokens_are_folded(text in any::<String>()) {
            let mut tokens = Tokens::new();
            tokens.read(&text);
            let mut last = 0;
            for i in 0..tokens.len() {
                let span = tokens.span(i);
                prop_assert!(span.start >= last && span.end > span.start);
                prop_assert!(text.get(span.clone()).is_some());
                last = span.start;
                let folded = tokens.folded(i);
                prop_assert!(!folded.is_empty() && folded.len() <= MAX_TOKEN_BYTES);
                prop_assert!(!folded.contains(' '));
                prop_assert_eq!(super::super::fold(folded), folded.trim_start_matches('.').trim_end_matches(['+', '#']));
            }
            prop_assert_eq!(tokens.key(0..tokens.len()), tokens.iter().collect::<Vec<_>>().join(" "));
        }
    }
}
