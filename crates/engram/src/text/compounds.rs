//! Terms beside the words: what joined words are together, and what an identifier is made of.
//!
//! `2024-03-07`, `192.168.1.10`, `e5-large` and `std::mem::swap` are found by their parts in any order, and first by
//! themselves; `getUserById`, `snake_case` and `.gitignore` by themselves, and by their parts too.

use super::{MAX_TOKEN_BYTES, Tokens};

/// The most words that one compound has.
const MAX_PARTS: usize = 8;

/// Calls `each` with the folded form of every compound of a text (of words with hyphens only where one has a digit:
/// others are prose, whose words say the same), and of every part of an identifier. `tokens` must have
/// read this very `text`. Cost: one pass over the tokens.
pub(crate) fn compounds(text: &str, tokens: &Tokens, mut each: impl FnMut(&str)) {
    let mut buffer = String::new();
    let mut at = 0;
    while at < tokens.len() {
        parts(&text[tokens.span(at)], &mut buffer, &mut each);
        let mut end = at + 1;
        while end < tokens.len() && joint(text, tokens, end - 1).is_some() {
            parts(&text[tokens.span(end)], &mut buffer, &mut each);
            end += 1;
        }
        let is_hyphenated = (at..end - 1).all(|i| joint(text, tokens, i) == Some("-"));
        let has_digit = (at..end).any(|i| tokens.folded(i).bytes().any(|b| b.is_ascii_digit()));
        if (2..=MAX_PARTS).contains(&(end - at)) && (has_digit || !is_hyphenated) {
            buffer.clear();
            for i in at..end {
                buffer.push_str(tokens.folded(i));
                if i + 1 < end {
                    buffer.push_str(joint(text, tokens, i).unwrap_or_default());
                }
            }
            if buffer.len() <= MAX_TOKEN_BYTES {
                each(&buffer);
            }
        }
        at = end;
    }
}

/// What joins a token to the next one: a dot, a hyphen or two colons with nothing around.
fn joint<'t>(text: &'t str, tokens: &Tokens, i: usize) -> Option<&'t str> {
    let gap = text.get(tokens.span(i).end..tokens.span(i + 1).start)?;
    matches!(gap, "." | "-" | "::").then_some(gap)
}

/// The parts of an identifier: what underscores and capitals within it divide, and what follows a leading dot.
fn parts(word: &str, buffer: &mut String, each: &mut impl FnMut(&str)) {
    let bytes = word.as_bytes();
    let begins = |i: usize| {
        let (before, this) = (bytes[i - 1], bytes[i]);
        let next_is_lower = bytes.get(i + 1).is_some_and(u8::is_ascii_lowercase);
        // aB, and the last capital of ABc.
        (this.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()))
            || (this.is_ascii_uppercase() && before.is_ascii_uppercase() && next_is_lower)
    };
    let is_divided = word.is_ascii()
        && bytes.len() >= 4
        && (bytes[0] == b'.' || bytes.contains(&b'_') || (1..bytes.len()).any(begins));
    if !is_divided {
        return;
    }
    let mut start = 0;
    for end in 1..=bytes.len() {
        let is_border = end == bytes.len() || bytes[end] == b'_' || begins(end);
        if !is_border {
            continue;
        }
        let part = word[start..end].trim_start_matches(['_', '.']);
        if (2..bytes.len()).contains(&part.len()) {
            buffer.clear();
            buffer.push_str(part);
            buffer.make_ascii_lowercase();
            each(buffer);
        }
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Vec<String> {
        let mut tokens = Tokens::new();
        tokens.read(text);
        let mut found = Vec::new();
        compounds(text, &tokens, |term| found.push(term.to_owned()));
        found
    }

    #[test]
    fn joined_words_are_terms_of_their_own() {
        assert_eq!(found("on 2024-03-07 at 192.168.1.10."), ["2024-03-07", "192.168.1.10"]);
        assert_eq!(found("v1.2.3 and e5-large, well-known"), ["v1.2.3", "e5-large"]);
        assert_eq!(found("std::mem::swap, or a - b. End"), ["std::mem::swap"]);
        assert_eq!(found("Café-Bar2"), ["cafe-bar2"]);
        assert_eq!(found("a.b.c.d.e.f.g.h.i"), Vec::<String>::new());
        assert_eq!(found("plain words, and more"), Vec::<String>::new());
    }

    #[test]
    fn identifiers_are_found_by_their_parts() {
        assert_eq!(found("getUserById"), ["get", "user", "by", "id"]);
        assert_eq!(found("parseHTTPRequest2"), ["parse", "http", "request2"]);
        assert_eq!(found("snake_case _private"), ["snake", "case", "private"]);
        assert_eq!(found(".gitignore"), ["gitignore"]);
        assert_eq!(found("HTTP iPhone HELLO_World"), ["phone", "hello", "world"]);
        assert_eq!(found("__init__"), ["init"]);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(\\PC|[a-zA-Z_.:-]){0,60}") {
            for term in found(&text) {
                prop_assert!(!term.is_empty() && term.len() <= MAX_TOKEN_BYTES && !term.contains(' '));
            }
        }
    }
}
