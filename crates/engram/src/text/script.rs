//! Which characters words are made of, and which scripts write without spaces.

use unicode_normalization::char::is_combining_mark;

/// Whether a character may begin a word.
pub(super) fn is_word(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { c.is_alphanumeric() }
}

/// Whether a character continues a word that has begun, though it could not begin one: a mark on the
/// letter before it, or an invisible joiner or soft hyphen.
pub(super) fn continues_word(c: char) -> bool {
    !c.is_ascii() && (is_ignorable(c) || is_combining_mark(c))
}

/// Characters within a word that nobody sees: soft hyphen, joiners, variation selectors.
pub(super) fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{200c}' | '\u{200d}' | '\u{2060}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Whether a character belongs to a script that writes words, or a word and its particles, without spaces between.
pub(super) fn is_unspaced(c: char) -> bool {
    if c < '\u{e00}' {
        return false;
    }
    matches!(c,
        '\u{e00}'..='\u{eff}'       // Thai, Lao
        | '\u{1000}'..='\u{109f}'   // Myanmar
        | '\u{1780}'..='\u{17ff}'   // Khmer
        | '\u{2e80}'..='\u{2fdf}'   // Han radicals
        | '\u{3005}'..='\u{3007}'
        | '\u{3021}'..='\u{3029}'
        | '\u{3031}'..='\u{3035}'
        | '\u{3040}'..='\u{30ff}'   // Hiragana, Katakana
        | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}'   // Han
        | '\u{4e00}'..='\u{9fff}'
        // Hangul is written with spaces, but particles join the noun: 서울은 is 서울 and 은.
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{a9e0}'..='\u{a9ff}'   // Myanmar, extended
        | '\u{aa60}'..='\u{aa7f}'
        | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}'   // half-width Katakana
        | '\u{1b000}'..='\u{1b16f}'
        | '\u{20000}'..='\u{3ffff}')
}

/// Whether a token is a single character of a script whose words are cut into pairs.
pub(crate) fn is_half_of_pair(token: &str) -> bool {
    let mut characters = token.chars();
    characters.next().is_some_and(is_unspaced) && characters.next().is_none()
}

/// Whether a character of an unspaced script belongs to the one before it.
pub(super) fn joins_previous(c: char) -> bool {
    matches!(c, '\u{ff9e}' | '\u{ff9f}') || continues_word(c)
}

/// The start of a text: at most `most` bytes of it, whole characters. (`str::floor_char_boundary` is newer
/// than the oldest compiler that builds this.)
pub(crate) fn start_of(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
