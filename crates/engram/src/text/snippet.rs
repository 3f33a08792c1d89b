//! Snippets: the part of a text that shows best why it came back.

use std::collections::HashMap;
use std::ops::Range;

use super::Tokens;
use super::printable::{Shown, is_blank, is_steering, unprintable};
use super::script::start_of;

/// How much of a text is looked through for the best place; a window further on is not found.
const SEARCHED_BYTES: usize = 256 << 10;

/// A part of a text, fit to be shown on one line, with the cue's words marked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Snippet {
    /// The part, on one line, with an ellipsis where it was cut and nothing that steers a terminal.
    pub text: String,
    /// Where the cue's words stand in `text`, in bytes, in order, none overlapping another.
    pub marks: Vec<Range<usize>>,
    /// Whether the original text goes on before it.
    pub cut_before: bool,
    /// Whether the original text goes on after it.
    pub cut_after: bool,
}

/// The part of `text`, of at most `max_chars` characters, that holds the most different words for which
/// `is_cue_word` (given the folded word) says yes; the earliest of equals, the beginning if there is none. It
/// is cut between words, white space is collapsed, and what [`printable_line`](super::printable_line) leaves out is
/// left out. The spelling stays as it is. Cost: one reading of the text's first
/// 256 KiB.
///
/// ```
/// use engram::text::snippet;
/// let s = snippet("One.\n\nTwo lanes\tadd up.", |word| word == "lanes", 80);
/// assert_eq!(s.text, "One. Two lanes add up.");
/// assert_eq!(&s.text[s.marks[0].clone()], "lanes");
/// ```
#[must_use]
pub fn snippet(text: &str, is_cue_word: impl Fn(&str) -> bool, max_chars: usize) -> Snippet {
    let searched = start_of(text, SEARCHED_BYTES);
    let mut tokens = Tokens::new();
    tokens.read(searched);
    let hits: Vec<usize> = (0..tokens.len()).filter(|&i| is_cue_word(tokens.folded(i))).collect();

    let first = searched.len() - searched.trim_start().len();
    // Two places go to the ellipses.
    let room = max_chars.saturating_sub(2);
    let start = match best_window(searched, &tokens, &hits, room) {
        Some(window) => lead(searched, &tokens, window, room).max(first),
        None => first,
    };
    write(text, start, first, &hits.iter().map(|&i| tokens.span(i)).collect::<Vec<_>>(), max_chars)
}

/// The bytes from the first to the last hit of the window with the most different cue words.
fn best_window(text: &str, tokens: &Tokens, hits: &[usize], room: usize) -> Option<Range<usize>> {
    // Characters are counted once, at the hits' borders.
    let mut borders = Vec::with_capacity(hits.len());
    let (mut at, mut chars) = (0, 0);
    for &hit in hits {
        let span = tokens.span(hit);
        let before = if span.start >= at {
            chars + text[at..span.start].chars().count()
        } else {
            chars - text[span.start..at].chars().count()
        };
        let length = text[span.clone()].chars().count();
        borders.push((before, before + length));
        (at, chars) = (span.end, before + length);
    }
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let (mut left, mut best, mut found) = (0, 0, None);
    for right in 0..hits.len() {
        *counts.entry(tokens.folded(hits[right])).or_default() += 1;
        while left < right && borders[right].1 - borders[left].0 > room {
            let word = tokens.folded(hits[left]);
            if let Some(count) = counts.get_mut(word) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(word);
                }
            }
            left += 1;
        }
        if counts.len() > best {
            best = counts.len();
            found = Some(tokens.span(hits[left]).start..tokens.span(hits[right]).end);
        }
    }
    found
}

/// Where to begin so that the window has some words before it: at the sentence if that is near, else at a
/// word.
fn lead(text: &str, tokens: &Tokens, window: Range<usize>, room: usize) -> usize {
    let spare = room.saturating_sub(text[window.clone()].chars().count());
    let before = &text[..window.start];
    let earliest =
        |chars: usize| before.char_indices().rev().take(chars).last().map_or(window.start, |(i, _)| i);
    // If everything up to here fits, begin at the beginning.
    let farthest = earliest(spare.saturating_mul(2) / 3);
    if before[..farthest].trim().is_empty() {
        return 0;
    }
    let mut previous = None;
    let near = text[farthest..window.start].char_indices().filter_map(|(i, c)| {
        let ends = previous.replace(c).is_some_and(|p| matches!(p, '.' | '!' | '?' | '。' | '\n'))
            && c.is_whitespace();
        ends.then_some(farthest + i + c.len_utf8())
    });
    if let Some(sentence) = near.min() {
        return sentence;
    }
    let close = earliest(spare / 3);
    let i = first_at_or_after(tokens, close);
    if i < tokens.len() { tokens.span(i).start.min(window.start) } else { window.start }
}

/// The first token that begins at or after a byte.
fn first_at_or_after(tokens: &Tokens, byte: usize) -> usize {
    let (mut low, mut high) = (0, tokens.len());
    while low < high {
        let middle = low + (high - low) / 2;
        if tokens.span(middle).start < byte { low = middle + 1 } else { high = middle }
    }
    low
}

/// Writes the snippet from the byte `start` on.
fn write(text: &str, start: usize, first: usize, spans: &[Range<usize>], max_chars: usize) -> Snippet {
    let mut out = Snippet { cut_before: start > first, ..Snippet::default() };
    // Where two ellipses leave no room, there is no text to show.
    if max_chars < 3 {
        out.cut_after = !text.trim().is_empty();
        return out;
    }
    let mut chars = 0;
    if out.cut_before {
        out.text.push('…');
        chars = 1;
    }
    let opening = out.text.len();
    let mut next_span = spans.partition_point(|span| span.start < start);
    // The mark that is open: where it begins in the snippet, where its word ends in the text.
    let mut open: Option<(usize, usize)> = None;
    // The latest place at which the snippet may be cut: its length and its count of marks there.
    let mut cut = None;
    let mut space = false;
    let mut shown = Shown::default();
    let mut at = start;
    while at < text.len() {
        if let Some((begin, end)) = open
            && at >= end
        {
            out.marks.push(begin..out.text.len());
            open = None;
        }
        let Some(c) = text[at..].chars().next() else { break };
        let hidden = shown.hidden_length(&text[at..]);
        if hidden > 0 || c.is_whitespace() {
            space |= c.is_whitespace() || is_blank(c);
            at += hidden.max(c.len_utf8());
            continue;
        }
        let needed = usize::from(space && out.text.len() > opening) + 1;
        let rest_is_blank = || text[at + c.len_utf8()..].chars().all(|c| c.is_whitespace() || is_steering(c));
        if chars + needed > max_chars || (chars + needed == max_chars && !rest_is_blank()) {
            out.cut_after = true;
            break;
        }
        if space && out.text.len() > opening {
            cut = Some((out.text.len(), out.marks.len()));
            out.text.push(' ');
            chars += 1;
        }
        space = false;
        while next_span < spans.len() && spans[next_span].end <= at {
            next_span += 1;
        }
        // A word that begins with something hidden is marked from its first visible character on.
        if let Some(span) = spans.get(next_span).filter(|span| span.start <= at) {
            match &mut open {
                Some((_, end)) => *end = (*end).max(span.end),
                None => open = Some((out.text.len(), span.end)),
            }
            next_span += 1;
        }
        out.text.push(c);
        chars += 1;
        at += c.len_utf8();
    }
    if let Some((begin, end)) = open
        && (at >= end || out.text.len() > begin)
    {
        out.marks.push(begin..out.text.len());
    }
    if out.cut_after {
        // Inside a word: go back to the space before it, unless that is most of the snippet.
        let inside = !space;
        if let Some((length, marks)) = cut.filter(|&(length, _)| inside && length * 2 >= out.text.len()) {
            out.text.truncate(length);
            out.marks.truncate(marks);
            out.marks.retain(|mark| mark.end <= length);
        }
        out.text.push('…');
        leave_out_hidden(&mut out);
    }
    out
}

/// Leaves out what was shown for the sake of what has been cut off: a joiner that has nothing left to join.
fn leave_out_hidden(snippet: &mut Snippet) {
    let hidden: Vec<Range<usize>> = unprintable(&snippet.text).collect();
    for part in hidden.into_iter().rev() {
        let moved = |at: &mut usize| *at -= part.len().min(at.saturating_sub(part.start));
        for mark in &mut snippet.marks {
            moved(&mut mark.start);
            moved(&mut mark.end);
        }
        snippet.text.replace_range(part, "");
    }
    snippet.marks.retain(|mark| !mark.is_empty());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::printable_line;
    use super::*;

    fn marked(snippet: &Snippet) -> Vec<&str> {
        snippet.marks.iter().map(|mark| &snippet.text[mark.clone()]).collect()
    }

    #[test]
    fn any_room_will_do() {
        for room in [100, usize::MAX / 2 + 8, usize::MAX] {
            assert_eq!(snippet("One. Two lanes.", |word| word == "lanes", room).text, "One. Two lanes.");
        }
    }

    #[test]
    fn the_best_window_is_shown() {
        let filler = "Nothing of note happens in this sentence at all. ".repeat(20);
        let text = format!("Lanes come first. {filler}The 32 Lanes add to four accumulators. {filler}");
        let s = snippet(&text, |w| matches!(w, "lanes" | "accumulators"), 100);
        assert_eq!(marked(&s), ["Lanes", "accumulators"]);
        assert!(s.cut_before && s.cut_after, "{s:?}");
        assert!(s.text.starts_with("…The 32 Lanes") || s.text.contains(" The 32 Lanes"), "{}", s.text);
        assert!(s.text.ends_with('…') && s.text.chars().count() <= 100, "{}", s.text);
        assert!(!s.text.trim_end_matches('…').ends_with(' '));
    }

    #[test]
    fn short_texts_are_whole() {
        let s = snippet("  A\u{1b}[31m short\r\n\n text\u{202e}.  ", |w| w == "short", 80);
        assert_eq!(s.text, "A short text.");
        assert_eq!(marked(&s), ["short"]);
        assert!(!s.cut_before && !s.cut_after);
        assert_eq!(snippet("", |_| true, 10), Snippet::default());
        assert_eq!(snippet("exactly ten", |_| false, 11).text, "exactly ten");
    }

    #[test]
    fn no_cue_word_shows_the_beginning() {
        let s = snippet("The beginning of a longer text.", |_| false, 15);
        assert_eq!(s.text, "The beginning…");
        assert!(s.cut_after && !s.cut_before && s.marks.is_empty());
    }

    #[test]
    fn words_that_begin_with_something_hidden_are_marked() {
        let s = snippet("a \u{3164}lanes b\u{200b}", |w| w.ends_with("lanes"), 80);
        assert_eq!((s.text.as_str(), marked(&s)), ("a lanes b", vec!["lanes"]));
        assert_eq!(snippet("می\u{200c}خواهم", |_| true, 4).text, "می…");
    }

    #[test]
    fn pairs_of_characters_merge_into_one_mark() {
        let s = snippet("高い東京タワーです", |w| matches!(w, "東京" | "京タ" | "タワ"), 80);
        assert_eq!(marked(&s), ["東京タワ"]);
    }

    proptest! {
        #[test]
        fn snippets_keep_their_bounds(
            text in "([a-z]{1,9}|[A-Zé東\u{1b}\u{202e}\u{301}]{1,4}|[\u{200b}-\u{200d}\u{fe0f}👩کب\u{94d}\u{3164}]{1,6}|[ \n\t.]{1,3}){0,60}",
            max_chars in 0_usize..60,
        ) {
            let s = snippet(&text, |w| w.len() % 2 == 0, max_chars);
            prop_assert!(s.text.chars().count() <= max_chars, "{:?}", s);
            prop_assert_eq!(printable_line(&s.text), s.text.as_str());
            let mut last = 0;
            for mark in &s.marks {
                prop_assert!(mark.start >= last && mark.end > mark.start);
                prop_assert!(s.text.get(mark.clone()).is_some());
                last = mark.end;
            }
        }

        #[test]
        fn any_text_gives_a_snippet(text in any::<String>(), max_chars in 0_usize..200) {
            let s = snippet(&text, |_| true, max_chars);
            prop_assert!(s.text.chars().count() <= max_chars);
            for mark in &s.marks {
                prop_assert!(s.text.get(mark.clone()).is_some());
            }
        }
    }
}
