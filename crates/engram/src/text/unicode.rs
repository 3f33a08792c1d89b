//! Properties of characters that decide what is shown: which are invisible, and where joiners count.
//!
//! The tables follow the Unicode Character Database: `Extended_Pictographic` of version 16, `Joining_Type` of 17.

use unicode_normalization::char::{canonical_combining_class, is_combining_mark};

/// The zero width non-joiner, which keeps letters or the parts of a conjunct from joining.
pub(super) const ZWNJ: char = '\u{200c}';
/// The zero width joiner, which joins them, and pictographs to one emoji.
pub(super) const ZWJ: char = '\u{200d}';
/// The selectors of text and emoji presentation.
pub(super) const PRESENTATION: [char; 2] = ['\u{fe0e}', '\u{fe0f}'];

/// The canonical combining class of the signs that take a consonant's vowel away.
const VIRAMA: u8 = 9;

/// Characters of `Joining_Type` Dual_Joining, Left_Joining or Join_Causing: a letter after them joins to them.
#[rustfmt::skip]
const JOINS_NEXT: [(u32, u32); 78] = [
    (0x620, 0x620), (0x626, 0x626), (0x628, 0x628), (0x62a, 0x62e), (0x633, 0x647), (0x649, 0x64a),
    (0x66e, 0x66f), (0x678, 0x687), (0x69a, 0x6bf), (0x6c1, 0x6c2), (0x6cc, 0x6cc), (0x6ce, 0x6ce),
    (0x6d0, 0x6d1), (0x6fa, 0x6fc), (0x6ff, 0x6ff), (0x712, 0x714), (0x71a, 0x71d), (0x71f, 0x727),
    (0x729, 0x729), (0x72b, 0x72b), (0x72d, 0x72e), (0x74e, 0x758), (0x75c, 0x76a), (0x76d, 0x770),
    (0x772, 0x772), (0x775, 0x777), (0x77a, 0x77f), (0x7ca, 0x7ea), (0x7fa, 0x7fa), (0x841, 0x845),
    (0x848, 0x848), (0x84a, 0x853), (0x855, 0x855), (0x860, 0x860), (0x862, 0x865), (0x868, 0x868),
    (0x883, 0x886), (0x889, 0x88d), (0x88f, 0x88f), (0x8a0, 0x8a9), (0x8af, 0x8b0), (0x8b3, 0x8b8),
    (0x8ba, 0x8c8), (0x1807, 0x1807), (0x1820, 0x1878), (0x1887, 0x18a8), (0x18aa, 0x18aa),
    (0xa840, 0xa872), (0x10ac0, 0x10ac4), (0x10acd, 0x10acd), (0x10ad3, 0x10adc), (0x10ade, 0x10ae0),
    (0x10aeb, 0x10aee), (0x10b80, 0x10b80), (0x10b82, 0x10b82), (0x10b86, 0x10b88), (0x10b8a, 0x10b8b),
    (0x10b8d, 0x10b8d), (0x10b90, 0x10b90), (0x10bad, 0x10bae), (0x10d00, 0x10d21), (0x10d23, 0x10d23),
    (0x10ec3, 0x10ec4), (0x10ec6, 0x10ec7), (0x10f30, 0x10f32), (0x10f34, 0x10f44), (0x10f51, 0x10f53),
    (0x10f70, 0x10f73), (0x10f76, 0x10f81), (0x10fb0, 0x10fb0), (0x10fb2, 0x10fb3), (0x10fb8, 0x10fb8),
    (0x10fbb, 0x10fbc), (0x10fbe, 0x10fbf), (0x10fc1, 0x10fc1), (0x10fc4, 0x10fc4), (0x10fca, 0x10fcb),
    (0x1e900, 0x1e943),
];

/// Characters of `Joining_Type` Dual_Joining, Right_Joining or Join_Causing: they join to a letter before them.
#[rustfmt::skip]
const JOINS_PREVIOUS: [(u32, u32); 48] = [
    (0x620, 0x620), (0x622, 0x64a), (0x66e, 0x66f), (0x671, 0x673), (0x675, 0x6d3), (0x6d5, 0x6d5),
    (0x6ee, 0x6ef), (0x6fa, 0x6fc), (0x6ff, 0x6ff), (0x710, 0x710), (0x712, 0x72f), (0x74d, 0x77f),
    (0x7ca, 0x7ea), (0x7fa, 0x7fa), (0x840, 0x858), (0x860, 0x860), (0x862, 0x865), (0x867, 0x86a),
    (0x870, 0x886), (0x889, 0x88f), (0x8a0, 0x8ac), (0x8ae, 0x8c8), (0x1807, 0x1807), (0x1820, 0x1878),
    (0x1887, 0x18a8), (0x18aa, 0x18aa), (0xa840, 0xa871), (0x10ac0, 0x10ac5), (0x10ac7, 0x10ac7),
    (0x10ac9, 0x10aca), (0x10ace, 0x10ad6), (0x10ad8, 0x10ae1), (0x10ae4, 0x10ae4), (0x10aeb, 0x10aef),
    (0x10b80, 0x10b91), (0x10ba9, 0x10bae), (0x10d01, 0x10d23), (0x10ec2, 0x10ec4), (0x10ec6, 0x10ec7),
    (0x10f30, 0x10f44), (0x10f51, 0x10f54), (0x10f70, 0x10f81), (0x10fb0, 0x10fb0), (0x10fb2, 0x10fb6),
    (0x10fb8, 0x10fbf), (0x10fc1, 0x10fc4), (0x10fc9, 0x10fca), (0x1e900, 0x1e943),
];

/// Characters with the property `Extended_Pictographic`.
#[rustfmt::skip]
const PICTOGRAPHS: [(u32, u32); 78] = [
    (0xa9, 0xa9), (0xae, 0xae), (0x203c, 0x203c), (0x2049, 0x2049), (0x2122, 0x2122), (0x2139, 0x2139),
    (0x2194, 0x2199), (0x21a9, 0x21aa), (0x231a, 0x231b), (0x2328, 0x2328), (0x2388, 0x2388),
    (0x23cf, 0x23cf), (0x23e9, 0x23f3), (0x23f8, 0x23fa), (0x24c2, 0x24c2), (0x25aa, 0x25ab),
    (0x25b6, 0x25b6), (0x25c0, 0x25c0), (0x25fb, 0x25fe), (0x2600, 0x2605), (0x2607, 0x2612),
    (0x2614, 0x2685), (0x2690, 0x2705), (0x2708, 0x2712), (0x2714, 0x2714), (0x2716, 0x2716),
    (0x271d, 0x271d), (0x2721, 0x2721), (0x2728, 0x2728), (0x2733, 0x2734), (0x2744, 0x2744),
    (0x2747, 0x2747), (0x274c, 0x274c), (0x274e, 0x274e), (0x2753, 0x2755), (0x2757, 0x2757),
    (0x2763, 0x2767), (0x2795, 0x2797), (0x27a1, 0x27a1), (0x27b0, 0x27b0), (0x27bf, 0x27bf),
    (0x2934, 0x2935), (0x2b05, 0x2b07), (0x2b1b, 0x2b1c), (0x2b50, 0x2b50), (0x2b55, 0x2b55),
    (0x3030, 0x3030), (0x303d, 0x303d), (0x3297, 0x3297), (0x3299, 0x3299), (0x1f000, 0x1f0ff),
    (0x1f10d, 0x1f10f), (0x1f12f, 0x1f12f), (0x1f16c, 0x1f171), (0x1f17e, 0x1f17f), (0x1f18e, 0x1f18e),
    (0x1f191, 0x1f19a), (0x1f1ad, 0x1f1e5), (0x1f201, 0x1f20f), (0x1f21a, 0x1f21a), (0x1f22f, 0x1f22f),
    (0x1f232, 0x1f23a), (0x1f23c, 0x1f23f), (0x1f249, 0x1f3fa), (0x1f400, 0x1f53d), (0x1f546, 0x1f64f),
    (0x1f680, 0x1f6ff), (0x1f774, 0x1f77f), (0x1f7d5, 0x1f7ff), (0x1f80c, 0x1f80f), (0x1f848, 0x1f84f),
    (0x1f85a, 0x1f85f), (0x1f888, 0x1f88f), (0x1f8ae, 0x1f8ff), (0x1f90c, 0x1f93a), (0x1f93c, 0x1f945),
    (0x1f947, 0x1faff), (0x1fc00, 0x1fffd),
];

/// Whether a character is never shown, wherever it stands: it has no glyph of its own, or an empty one.
///
/// These are the characters with the property `Default_Ignorable_Code_Point` (soft hyphen, zero width space,
/// marks of writing direction, fillers of Hangul, variation selectors, tags, …) and the format characters (`Cf`),
/// but for those with the property `Prepended_Concatenation_Mark`, which are visible (as the Arabic number sign). Joiners and
/// the selectors of emoji are judged where they stand. Beside them come the noncharacters, and what has an empty glyph
/// without a property that says so: the null notehead and the filler of the Khitan small script.
pub(super) fn is_invisible(c: char) -> bool {
    if c < '\u{ad}' {
        return false;
    }
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0d}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        | '\u{16fe4}' | '\u{1d159}' | '\u{fdd0}'..='\u{fdef}')
        || c as u32 & 0xfffe == 0xfffe
}

/// Whether a character takes away the vowel of the consonant before it.
pub(super) fn is_virama(c: char) -> bool {
    !c.is_ascii() && canonical_combining_class(c) == VIRAMA
}

/// Whether a letter after this one would join to it, in a cursive script such as Arabic.
pub(super) fn joins_next(c: char) -> bool {
    contains(&JOINS_NEXT, c)
}

/// Whether this letter would join to one before it.
pub(super) fn joins_previous(c: char) -> bool {
    contains(&JOINS_PREVIOUS, c)
}

/// Whether a character is, or may become, an emoji.
pub(super) fn is_pictograph(c: char) -> bool {
    contains(&PICTOGRAPHS, c)
}

/// Whether a character belongs to the pictograph before it: a selector, a skin tone or a mark.
pub(super) fn extends_pictograph(c: char) -> bool {
    PRESENTATION.contains(&c)
        || matches!(c, '\u{1f3fb}'..='\u{1f3ff}')
        || (!c.is_ascii() && is_combining_mark(c))
}

fn contains(table: &[(u32, u32)], c: char) -> bool {
    let c = c as u32;
    let at = table.partition_point(|(_, last)| *last < c);
    table.get(at).is_some_and(|(first, _)| *first <= c)
}

#[cfg(test)]
mod tests {
    use regex_syntax::hir::{Class, HirKind};

    use super::*;

    /// The characters that a class such as `\p{Cf}` holds, by the tables of the crate `regex-syntax`.
    fn class(pattern: &str) -> impl Fn(char) -> bool + use<> {
        let hir = regex_syntax::parse(pattern).unwrap();
        let HirKind::Class(Class::Unicode(class)) = hir.into_kind() else { panic!("{pattern} is no class") };
        let ranges: Vec<(char, char)> =
            class.ranges().iter().map(|range| (range.start(), range.end())).collect();
        move |c| ranges.iter().any(|(first, last)| (*first..=*last).contains(&c))
    }

    fn all() -> impl Iterator<Item = char> {
        '\0'..=char::MAX
    }

    #[test]
    fn invisible_characters_are_those_that_unicode_names() {
        let ignorable = class(r"\p{Default_Ignorable_Code_Point}");
        let format = class(r"\p{Cf}");
        let nonchar = class(r"\p{Noncharacter_Code_Point}");
        // `Prepended_Concatenation_Mark`, which the crate has no table of.
        let visible = class(r"[\u{600}-\u{605}\u{6dd}\u{70f}\u{890}\u{891}\u{8e2}\u{110bd}\u{110cd}]");
        let judged = |c| c == ZWNJ || c == ZWJ || PRESENTATION.contains(&c);
        for c in all().filter(|c| !matches!(c, '\u{16fe4}' | '\u{1d159}')) {
            let named = (ignorable(c) || format(c) || nonchar(c)) && !visible(c) && !judged(c);
            assert_eq!(is_invisible(c), named, "U+{:04X}", c as u32);
        }
    }

    #[test]
    fn pictographs_are_those_that_unicode_names() {
        let pictographs = class(r"\p{Extended_Pictographic}");
        for c in all() {
            assert_eq!(is_pictograph(c), pictographs(c), "U+{:04X}", c as u32);
        }
    }

    #[test]
    fn letters_join_in_cursive_scripts() {
        let cursive = class(
            r"[\p{Arabic}\p{Syriac}\p{Nko}\p{Mandaic}\p{Mongolian}\p{Phags_Pa}\p{Manichaean}\p{Psalter_Pahlavi}\p{Hanifi_Rohingya}\p{Sogdian}\p{Old_Uyghur}\p{Chorasmian}\p{Adlam}\p{Common}]",
        );
        let assigned = class(r"\P{Cn}");
        let letters = class(r"[\p{L}\p{Nl}\p{No}\u{1807}]");
        for c in all().filter(|c| assigned(*c) && (joins_next(*c) || joins_previous(*c))) {
            assert!(cursive(c) && letters(c), "U+{:04X}", c as u32);
        }
        // Beh joins on both sides, alef and reh only to what is before them, hamza to nothing.
        for (c, previous, next) in [
            ('ب', true, true),
            ('ا', true, false),
            ('ر', true, false),
            ('ء', false, false),
            ('a', false, false),
        ] {
            assert_eq!((joins_previous(c), joins_next(c)), (previous, next), "{c}");
        }
    }

    #[test]
    fn tables_ascend() {
        for table in [&JOINS_NEXT[..], &JOINS_PREVIOUS, &PICTOGRAPHS] {
            assert!(table.iter().all(|(first, last)| first <= last));
            assert!(table.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }
}
