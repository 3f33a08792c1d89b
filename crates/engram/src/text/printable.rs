//! What may reach a terminal: text without anything that steers one.

use std::borrow::Cow;

/// A text without control characters, escape sequences and marks that reverse the writing direction; line
/// ends and tabs stay (`\r\n` becomes `\n`). Cost: one pass; nothing is copied where nothing has to go.
///
/// ```
/// use engram::text::printable;
/// assert_eq!(printable("red: \u{1b}[31mno\u{1b}[0m"), "red: no");
/// ```
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    clean(text, |c| matches!(c, '\n' | '\t').then_some(c))
}

/// [`printable`] text on one line: line ends and tabs become spaces.
#[must_use]
pub fn printable_line(text: &str) -> Cow<'_, str> {
    clean(text, |_| None)
}

fn clean(text: &str, keeps: impl Fn(char) -> Option<char>) -> Cow<'_, str> {
    // Nearly every text is plain: look first.
    let Some(first) = text.char_indices().find(|&(_, c)| is_steering(c) && keeps(c).is_none()) else {
        return Cow::Borrowed(text);
    };
    let mut cleaned = String::with_capacity(text.len());
    cleaned.push_str(&text[..first.0]);
    let mut rest = &text[first.0..];
    while let Some(c) = rest.chars().next() {
        let length = steering_length(rest);
        if length == 0 {
            cleaned.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        match c {
            '\r' if rest[1..].starts_with('\n') => {}
            _ => cleaned.extend(keeps(c).or_else(|| is_blank(c).then_some(' '))),
        }
        rest = &rest[length..];
    }
    Cow::Owned(cleaned)
}

/// How many bytes at the beginning of `text` steer a terminal or the eye, rather than being read: 0 for
/// none, and the whole of an escape sequence that sets colours or moves the cursor.
pub(super) fn steering_length(text: &str) -> usize {
    let Some(c) = text.chars().next() else { return 0 };
    if !is_steering(c) {
        return 0;
    }
    if !text.starts_with("\u{1b}[") && c != '\u{9b}' {
        return c.len_utf8();
    }
    // Two characters of one byte, or one of two.
    let introducer = 2;
    // Parameters, intermediates, one final byte; a sequence that is broken loses only its introducer.
    let bytes = &text.as_bytes()[introducer..];
    let body = bytes.iter().take(64).take_while(|b| (0x20..=0x3f).contains(*b)).count();
    match bytes.get(body) {
        Some(0x40..=0x7e) => introducer + body + 1,
        _ => introducer,
    }
}

/// Control characters, line and paragraph separators, and everything that changes the writing direction or
/// hides characters.
pub(super) fn is_steering(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Steering characters that separate words.
pub(super) fn is_blank(c: char) -> bool {
    matches!(c, '\n' | '\t' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert!(matches!(printable("plain\ntext\t…"), Cow::Borrowed(_)));
        assert_eq!(printable("a\r\nb\rc"), "a\nb c");
        assert_eq!(printable_line("a\r\nb\tc"), "a b c");
        assert_eq!(printable("\u{1b}[1;31mred\u{1b}[0m \u{9b}2Jx\u{1b}]0;title\u{7}"), "red x]0;title");
        assert_eq!(printable("user\u{202e}gpj.exe\u{2066}\u{feff}"), "usergpj.exe");
        assert_eq!(printable("\u{1b}["), "");
        assert_eq!(printable("\u{1b}[é"), "é");
    }

    proptest! {
        #[test]
        fn whatever_comes_in_is_clean(text in any::<String>(), steer in "[\u{1b}\u{9b}\\[;0-9m\u{202e}\n]{0,20}") {
            for text in [text.clone() + &steer, steer + &text] {
                prop_assert!(!printable_line(&text).contains(is_steering));
                let kept = printable(&text);
                prop_assert!(!kept.contains(|c| is_steering(c) && c != '\n' && c != '\t'));
                prop_assert_eq!(printable(&kept), kept.clone());
            }
        }
    }
}
