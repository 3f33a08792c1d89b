//! What may reach a terminal: text that steers none, and in which nothing is hidden.

use std::borrow::Cow;
use std::ops::Range;

use unicode_normalization::char::is_combining_mark;

use super::script::start_of;
use super::unicode::{
    PRESENTATION, ZWJ, ZWNJ, extends_pictograph, is_invisible, is_pictograph, is_virama, joins_next,
    joins_previous,
};

/// A text without control characters, escape sequences, marks that reverse the writing direction and characters
/// that nobody sees; line ends and tabs stay (`\r\n` becomes `\n`). Cost: one pass; nothing is copied where
/// nothing has to go.
///
/// Invisible are the characters that Unicode tells programs to ignore where they cannot show them
/// (`Default_Ignorable_Code_Point`) and format characters (`Cf`), such as the zero width space, the soft hyphen and
/// tags. Three kinds of them change what is seen, and stay where they do:
///
/// - zero width joiners and non-joiners beside a virama, as in the scripts of India, or where they change how
///   cursive letters join, as in Persian;
/// - zero width joiners between two pictographs, which make one emoji;
/// - a selector of text or emoji presentation behind a pictograph, or in a keycap.
///
/// ```
/// use engram::text::printable;
/// assert_eq!(printable("red: \u{1b}[31mno\u{1b}[0m"), "red: no");
/// assert_eq!(printable("in\u{200b}visi\u{ad}ble, می\u{200c}خواهم"), "invisible, می\u{200c}خواهم");
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

/// Where a text holds what [`printable_line`] leaves out or makes a space of, in bytes, in order.
///
/// ```
/// use engram::text::unprintable;
/// assert_eq!(unprintable("a\u{200b}b\n").collect::<Vec<_>>(), [1..4, 5..6]);
/// ```
pub fn unprintable(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut shown = Shown::default();
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(c) = text[at..].chars().next() {
            let (start, hidden) = (at, shown.hidden_length(&text[at..]));
            at += hidden.max(c.len_utf8());
            if hidden > 0 {
                return Some(start..at);
            }
        }
        None
    })
}

/// A text in which each character that is not shown as it is stands as its UTF-8 bytes in percent form. Everything
/// else stays, a `%` too.
pub(crate) fn percent_form(text: &str) -> Cow<'_, str> {
    let mut shown = Shown::default();
    let mut form = String::new();
    let (mut at, mut copied) = (0, 0);
    while let Some(c) = text[at..].chars().next() {
        let hidden = shown.hidden_length(&text[at..]);
        if hidden > 0 {
            form.push_str(&text[copied..at]);
            for byte in text[at..at + hidden].bytes() {
                form.push_str(&format!("%{byte:02X}"));
            }
            copied = at + hidden;
            // The form stands where the hidden character did.
            shown.note('%');
        }
        at += hidden.max(c.len_utf8());
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    form.push_str(&text[copied..]);
    Cow::Owned(form)
}

/// A text with its `%20`s decoded; `None` where there are none, or the bytes are not UTF-8.
pub(crate) fn percent_decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = |at: usize| bytes.get(at).and_then(|b| (*b as char).to_digit(16));
        match (bytes[i], hex(i + 1), hex(i + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                i += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                i += 1;
            }
        }
    }
    (decoded.len() < bytes.len()).then(|| String::from_utf8(decoded).ok()).flatten()
}

/// A text of at most about `most` bytes: the beginning and the end of a longer one, and an ellipsis between them.
///
/// ```
/// assert_eq!(engram::text::abridged("one two three", 6), "one…ree");
/// ```
#[must_use]
pub fn abridged(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let mut end = text.len() - most / 2;
    while !text.is_char_boundary(end) {
        end += 1;
    }
    Cow::Owned(format!("{}…{}", start_of(text, most - most / 2), &text[end..]))
}

fn clean(text: &str, keeps: impl Fn(char) -> Option<char>) -> Cow<'_, str> {
    // Nearly every text is plain: look first.
    if !text.chars().any(|c| may_be_hidden(c) && keeps(c).is_none()) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len());
    let mut shown = Shown::default();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = shown.hidden_length(rest);
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

/// What was shown of a text so far, as far as it decides about what comes next.
#[derive(Default)]
pub(super) struct Shown {
    previous: Option<char>,
    /// The last character that is no mark on another.
    base: Option<char>,
    /// The last character that does not belong to a pictograph before it.
    sign: Option<char>,
}

impl Shown {
    /// How many bytes at the beginning of `rest` are not shown, or are one blank: 0 where its first character is
    /// shown as it is. Cost: constant, and for a joiner the marks behind it.
    pub(super) fn hidden_length(&mut self, rest: &str) -> usize {
        let Some(c) = rest.chars().next() else { return 0 };
        if is_steering(c) {
            if is_blank(c) {
                self.note(' ');
            }
            return steering_length(c, rest);
        }
        if !is_judged(c) || self.shows(c, &rest[c.len_utf8()..]) {
            self.note(c);
            return 0;
        }
        c.len_utf8()
    }

    fn note(&mut self, c: char) {
        self.previous = Some(c);
        if c.is_ascii() || !is_combining_mark(c) {
            self.base = Some(c);
        }
        if c.is_ascii() || !extends_pictograph(c) {
            self.sign = Some(c);
        }
    }

    /// Whether a joiner or a selector changes what is seen, between what was shown and what comes after it.
    ///
    /// One that stands before something hidden is not shown, so that what is shown stays as it is when it is read
    /// again. The rules are Unicode's: for joiners those of identifiers (UAX #31, 2.3.1), and for pictographs those
    /// of emoji (UTS #51).
    fn shows(&self, c: char, after: &str) -> bool {
        let previous = self.previous.unwrap_or(' ');
        if PRESENTATION.contains(&c) {
            let keycap = matches!(previous, '0'..='9' | '#' | '*') && after.starts_with('\u{20e3}');
            return keycap || is_pictograph(previous);
        }
        let Some(next) = shown_at(after) else { return false };
        let between_pictographs = || self.sign.is_some_and(is_pictograph) && is_pictograph(next);
        let beside_virama = || match c {
            ZWNJ => is_virama(previous) && next.is_alphabetic(),
            _ => is_virama(previous) || (is_virama(next) && previous.is_alphabetic()),
        };
        let joins = || {
            let mut bases = after.char_indices().skip_while(|(_, c)| is_plain_mark(*c));
            let base = shown_at(bases.next().map_or("", |(at, _)| &after[at..]));
            let (before, behind) = (self.base.is_some_and(joins_next), base.map(joins_previous));
            behind.is_some_and(|behind| if c == ZWNJ { before && behind } else { before != behind })
        };
        (c == ZWJ && between_pictographs()) || beside_virama() || joins()
    }
}

/// The character that a text begins with, a blank where it ends or begins with one; `None` where it is hidden.
fn shown_at(text: &str) -> Option<char> {
    match text.chars().next() {
        None => Some(' '),
        Some(c) if is_blank(c) => Some(' '),
        Some(c) => (!may_be_hidden(c)).then_some(c),
    }
}

fn is_plain_mark(c: char) -> bool {
    !c.is_ascii() && is_combining_mark(c) && !may_be_hidden(c)
}

/// How many bytes at the beginning of `text` belong to the steering character `c` that stands there: the whole of
/// an escape sequence that sets colours or moves the cursor.
fn steering_length(c: char, text: &str) -> usize {
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

/// Characters that are not shown as they are, wherever they stand: control characters, line and paragraph
/// separators, and what is invisible or blank without being a space.
pub(crate) fn is_steering(c: char) -> bool {
    c.is_control() || is_blank(c) || is_invisible(c)
}

/// Joiners and selectors, which are shown or not by what stands around them.
fn is_judged(c: char) -> bool {
    matches!(c, ZWNJ | ZWJ) || PRESENTATION.contains(&c)
}

fn may_be_hidden(c: char) -> bool {
    is_steering(c) || is_judged(c)
}

/// Steering characters that separate words; the last is the empty pattern of braille.
pub(super) fn is_blank(c: char) -> bool {
    matches!(c, '\n' | '\t' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{2800}')
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

    #[test]
    fn nothing_is_hidden() {
        for hidden in [
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{1160}',
            '\u{17b4}',
            '\u{180b}',
            '\u{180e}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{2060}',
            '\u{2062}',
            '\u{206a}',
            '\u{3164}',
            '\u{fe00}',
            '\u{fe0e}',
            '\u{fe0f}',
            '\u{ffa0}',
            '\u{fff0}',
            '\u{fff9}',
            '\u{fffe}',
            '\u{1bca0}',
            '\u{1d159}',
            '\u{1d173}',
            '\u{e0001}',
            '\u{e0061}',
            '\u{e007f}',
            '\u{e0100}',
            '\u{e01ef}',
        ] {
            for text in [format!("a{hidden}b"), format!("a{hidden}{hidden}b"), format!("{hidden}ab{hidden}")]
            {
                assert_eq!(printable_line(&text), "ab", "U+{:04X}", hidden as u32);
            }
        }
        assert_eq!(printable_line("a\u{2800}b"), "a b");
        // What England's flag is made of could as well spell a message.
        assert_eq!(printable_line("🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}"), "🏴");
        // Visible format characters: the Arabic number sign, the end of an ayah.
        assert_eq!(printable_line("\u{600}١٢ \u{6dd}٣"), "\u{600}١٢ \u{6dd}٣");
    }

    #[test]
    fn what_changes_the_text_stays() {
        for text in [
            // Families, professions, flags, hearts on fire; keycaps; presentation as text.
            "👩\u{200d}👩\u{200d}👧",
            "🧑🏽\u{200d}💻",
            "🏳\u{fe0f}\u{200d}🌈",
            "❤\u{fe0f}\u{200d}🔥",
            "👁\u{fe0f}\u{200d}🗨\u{fe0f}",
            "1\u{fe0f}\u{20e3}",
            "#\u{fe0f}\u{20e3}",
            "⚡\u{fe0f} ideas",
            "☎\u{fe0e}",
            // Persian: letters that do not join, also with a mark on them; Arabic: a letter in its initial form.
            "می\u{200c}خواهم",
            "نِ\u{200c}هِ",
            "ه\u{200d}",
            "ه\u{200d} ش",
            // Hindi: a half form, a visible virama; Bengali ya-phalaa; Sinhala; Malayalam.
            "क्\u{200d}ष",
            "क्\u{200c}ष",
            "क्\u{200d}",
            "র\u{200d}্য",
            "ක්\u{200d}ෂ",
            "ന്\u{200d}",
        ] {
            assert_eq!(printable_line(text), text);
            assert_eq!(unprintable(text).count(), 0, "{text}");
        }
        for (text, shown) in [
            ("a\u{200d}b", "ab"),
            ("👩\u{200d}a", "👩a"),
            ("👩\u{200d}\u{200d}👧", "👩\u{200d}👧"),
            ("👩\u{fe0f}\u{fe0f}", "👩\u{fe0f}"),
            ("1\u{fe0f}", "1"),
            // Reh joins to nothing after it: what is between is not seen. Nor is a second one, or one at the end.
            ("کار\u{200c}ها", "کارها"),
            ("می\u{200c}\u{200c}خواهم", "می\u{200c}خواهم"),
            ("می\u{200c}", "می"),
            ("ب\u{200d}ب", "بب"),
            ("ب\u{200d}\u{202e}", "ب"),
        ] {
            assert_eq!(printable_line(text), shown, "{}", text.escape_unicode());
        }
    }

    #[test]
    fn abridged_texts_keep_both_ends() {
        assert_eq!(abridged("short", 5), "short");
        assert_eq!(abridged("ééééé", 4), "é…é");
        assert_eq!(abridged("ééééé", 3), "é…");
        assert_eq!(abridged("abc", 0), "…");
    }

    /// Pieces of which joiners and selectors may belong to some and not to others.
    fn tangled() -> impl Strategy<Value = String> {
        let pieces = [
            "a",
            "1",
            " ",
            "\n",
            "\u{200b}",
            "\u{200c}",
            "\u{200d}",
            "\u{fe0e}",
            "\u{fe0f}",
            "\u{20e3}",
            "👩",
            "🏽",
            "☎",
            "ب",
            "ر",
            "\u{64e}",
            "क",
            "\u{94d}",
            "\u{34f}",
            "\u{1b}[31m",
            "\u{9b}",
            "m",
            "\u{2800}",
            "\u{202e}",
        ];
        prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..24).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn whatever_comes_in_is_clean(text in any::<String>(), steer in "[\u{1b}\u{9b}\\[;0-9m\u{202e}\n]{0,20}", tangled in tangled()) {
            for text in [text.clone() + &steer, steer + &text, text + &tangled, tangled] {
                let line = printable_line(&text);
                prop_assert!(!line.contains(is_steering));
                prop_assert_eq!(printable_line(&line), line.clone());
                prop_assert_eq!(unprintable(&line).count(), 0);
                let kept = printable(&text);
                prop_assert!(!kept.contains(|c| is_steering(c) && c != '\n' && c != '\t'));
                prop_assert_eq!(printable(&kept), kept.clone());
                // Without the hidden parts, but for blanks, the text is the line.
                let mut at = 0;
                let mut rest = String::new();
                for hidden in unprintable(&text) {
                    rest.push_str(&text[at..hidden.start]);
                    at = hidden.end;
                }
                rest.push_str(&text[at..]);
                prop_assert_eq!(rest.replace(' ', ""), line.replace(' ', ""));
            }
        }

        #[test]
        fn both_ends_of_any_text_fit(text in any::<String>(), most in 0_usize..40) {
            prop_assert!(abridged(&text, most).len() <= most.max('…'.len_utf8() + most));
        }
    }
}
