//! Folding: the form in which two spellings of a word are the same.

use unicode_normalization::UnicodeNormalization;

use super::script::{is_ignorable, is_word};

/// How each character from U+00C0 to U+017F folds; nearly all accented Latin text ends here.
#[rustfmt::skip]
const LATIN: [&str; 0xC0] = [
    "a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i",
    "d", "n", "o", "o", "o", "o", "o", "", "o", "u", "u", "u", "u", "y", "th", "ss",
    "a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i",
    "d", "n", "o", "o", "o", "o", "o", "", "o", "u", "u", "u", "u", "y", "th", "y",
    "a", "a", "a", "a", "a", "a", "c", "c", "c", "c", "c", "c", "c", "c", "d", "d",
    "d", "d", "e", "e", "e", "e", "e", "e", "e", "e", "e", "e", "g", "g", "g", "g",
    "g", "g", "g", "g", "h", "h", "h", "h", "i", "i", "i", "i", "i", "i", "i", "i",
    "i", "i", "ij", "ij", "j", "j", "k", "k", "k", "l", "l", "l", "l", "l", "l", "l",
    "l", "l", "l", "n", "n", "n", "n", "n", "n", "n", "n", "n", "o", "o", "o", "o",
    "o", "o", "oe", "oe", "r", "r", "r", "r", "r", "r", "s", "s", "s", "s", "s", "s",
    "s", "s", "t", "t", "t", "t", "t", "t", "u", "u", "u", "u", "u", "u", "u", "u",
    "u", "u", "u", "u", "w", "w", "y", "y", "y", "z", "z", "z", "z", "z", "z", "s",
];

/// A text folded: decomposed by compatibility, diacritics taken off, lower-cased, and without anything that
/// is not part of a word. Folding twice is folding once. Cost: its length; no table is built.
///
/// Letters that Unicode does not take apart but people do are spelt out (ß as ss, ø as o, æ as ae, ł as l),
/// Cyrillic й stays apart from и, and the marks that carry vowels in the scripts of India stay.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_into(text, &mut folded);
    folded
}

/// Appends the folded form of `text` to `out`.
pub(super) fn fold_into(text: &str, out: &mut String) {
    let start = out.len();
    for c in text.chars() {
        match c {
            'a'..='z' | '0'..='9' | '_' => out.push(c),
            'A'..='Z' => out.push(c.to_ascii_lowercase()),
            '\u{c0}'..='\u{17f}' => out.push_str(LATIN[c as usize - 0xc0]),
            // Cyrillic without the letters that decompose.
            'а'..='и' | 'к'..='я' => out.push(c),
            'А'..='И' | 'К'..='Я' => out.push(lower(c)),
            'ё' | 'Ё' => out.push('е'),
            _ if c.is_ascii() => {}
            _ => {
                // A rarer character: its neighbours may combine with it, so the whole text goes the long way.
                out.truncate(start);
                return fold_slowly(text, out);
            }
        }
    }
}

/// The whole of it, for any text.
fn fold_slowly(text: &str, out: &mut String) {
    let mut previous = ' ';
    let mut kept = String::with_capacity(text.len());
    for c in text.nfkd() {
        if is_stripped(c) && !(c == '\u{306}' && matches!(previous, 'и' | 'И')) {
            continue;
        }
        previous = c;
        if is_ignorable(c) || !(is_word(c) || unicode_normalization::char::is_combining_mark(c)) {
            continue;
        }
        match c {
            'ς' => kept.push('σ'),
            // Its small form is spelt out.
            'ẞ' => kept.push_str("ss"),
            // Apostrophes that count as letters, as in Hawaiʻi.
            '\u{2b9}'..='\u{2bf}' => {}
            '\u{c0}'..='\u{17f}' => kept.push_str(LATIN[c as usize - 0xc0]),
            _ => kept.extend(c.to_lowercase()),
        }
    }
    out.extend(kept.nfc());
}

/// Diacritics of the alphabets, as opposed to the marks that spell vowels elsewhere.
fn is_stripped(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{487}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'..='\u{5c2}'
        | '\u{5c4}'..='\u{5c5}' | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e4}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_a_word_are_one() {
        for (text, folded) in [
            ("Čapek", "capek"),
            ("C\u{30c}apek", "capek"),
            ("STRASSE", "strasse"),
            ("Straße", "strasse"),
            ("STRAẞE", "strasse"),
            ("Łódź", "lodz"),
            ("ﬁne", "fine"),
            ("ＡＢＣ１", "abc1"),
            ("İstanbul", "istanbul"),
            ("Йод", "йод"),
            ("И\u{306}од", "йод"),
            ("Ёлка", "елка"),
            ("Ὀδυσσεύς", "οδυσσευσ"),
            ("ガ", "ガ"),
            ("ｶﾞ", "ガ"),
            ("한국", "한국"),
            ("हिन्दी", "हिन्दी"),
            ("co\u{ad}operate", "cooperate"),
            ("Việt", "viet"),
            ("Hawaiʻi", "hawaii"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn the_table_agrees_with_the_long_way() {
        for c in '\u{c0}'..='\u{17f}' {
            let mut slow = String::new();
            fold_slowly(&c.to_string(), &mut slow);
            assert_eq!(fold(&c.to_string()), slow, "{c}");
        }
        for c in ('А'..='я').chain(['ё', 'Ё']) {
            let mut slow = String::new();
            fold_slowly(&c.to_string(), &mut slow);
            assert_eq!(fold(&c.to_string()), slow, "{c}");
        }
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in "\\PC*") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn any_char_folds_once(c in any::<char>(), d in any::<char>()) {
            let once = fold(&format!("{c}{d}"));
            prop_assert_eq!(fold(&once), once);
        }
    }
}
