//! Pieces: how long texts are cut, and the ids their parts get.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::memory::{InvalidMemory, Link, LinkTarget, MAX_ID_BYTES, MAX_TITLE_BYTES, MemoryId, NewMemory};
use crate::text::{is_steering, start_of};
use crate::time::Time;

/// How long a piece of a text without headings should be at most.
pub(super) const PIECE_BYTES: usize = 4000;

/// Cuts a text into pieces of at most [`PIECE_BYTES`]: at ends of paragraphs, where there are none at ends of
/// lines or sentences or words, and failing these anywhere. At least one piece, each without white space
/// around it. Cost: its length.
pub(super) fn pieces(text: &str) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    while text.len() - start > PIECE_BYTES {
        let mut most = start + PIECE_BYTES;
        while !text.is_char_boundary(most) {
            most -= 1;
        }
        let window = &text[start..most];
        // A cut in the first quarter would make crumbs.
        let good =
            |at: Option<usize>, width: usize| at.filter(|at| at * 4 >= window.len()).map(|at| at + width);
        let length = good(window.rfind("\n\n"), 2)
            .or_else(|| good(window.rfind('\n'), 1))
            .or_else(|| good(window.rfind(". "), 2))
            .or_else(|| good(window.rfind(' '), 1))
            .unwrap_or(window.len());
        push(text, start..start + length, &mut pieces);
        start += length;
    }
    push(text, start..text.len(), &mut pieces);
    if pieces.is_empty() {
        pieces.push(0..0);
    }
    pieces
}

fn push(text: &str, range: Range<usize>, pieces: &mut Vec<Range<usize>>) {
    let piece = &text[range.clone()];
    let trimmed = piece.trim();
    if !trimmed.is_empty() {
        let start = range.start + (piece.len() - piece.trim_start().len());
        pieces.push(start..start + trimmed.len());
    }
}

/// The ids of one file's memories: the path, then the path with unique anchors.
#[derive(Debug)]
pub(super) struct Anchors<'a> {
    path: &'a str,
    used: HashMap<String, usize>,
}

impl<'a> Anchors<'a> {
    pub(super) fn new(path: &'a str) -> Self {
        Self { path, used: HashMap::new() }
    }

    /// Whether ids with anchors fit; where a path fills an id, its note stays whole.
    pub(super) fn fit(&self) -> bool {
        self.path.len() + 32 <= MAX_ID_BYTES
    }

    /// An id `path#anchor` that was not given before: a repeated anchor gets `-1`, `-2`, … as on GitHub.
    pub(super) fn id(&mut self, anchor: &str) -> Result<MemoryId, InvalidMemory> {
        let mut room = MAX_ID_BYTES.saturating_sub(self.path.len() + 12).min(anchor.len());
        while !anchor.is_char_boundary(room) {
            room -= 1;
        }
        let anchor = if anchor.is_empty() { "section" } else { &anchor[..room] };
        let mut unique = anchor.to_owned();
        while self.used.contains_key(&unique) {
            let count = self.used.entry(anchor.to_owned()).or_default();
            *count += 1;
            unique = format!("{anchor}-{count}");
        }
        self.used.insert(unique.clone(), 0);
        MemoryId::new(format!("{}#{unique}", self.path))
    }
}

/// The anchor of a heading, as on GitHub: lower case, spaces as hyphens, no punctuation; and nothing hidden.
pub(super) fn slug(heading: &str) -> String {
    let mut slug = String::with_capacity(heading.len());
    for c in heading.trim().chars() {
        if (c.is_alphanumeric() && !is_steering(c)) || c == '_' || c == '-' {
            slug.extend(c.to_lowercase());
        } else if c.is_whitespace() {
            slug.push('-');
        }
    }
    slug
}

/// Puts `memory` with `text` into `out`, cut into pieces where it is long: the first keeps the id and
/// everything else; those after it have ids `anchor-2`…, titles "Title (2)"…, and follow one another. Each
/// keeps the links that stand in it; `links` says where in the text they do, in order. Says the last id.
pub(super) fn push_pieces(
    mut memory: NewMemory,
    text: &str,
    links: Vec<(usize, Link)>,
    anchor: &str,
    anchors: &mut Anchors<'_>,
    out: &mut Vec<NewMemory>,
) -> Result<MemoryId, InvalidMemory> {
    let whole = text.len() - text.trim_start().len()..text.trim_end().len();
    let cuts = if anchors.fit() {
        pieces(text)
    } else {
        std::iter::once(whole.start.min(whole.end)..whole.end).collect()
    };
    let (id, title) = (memory.id.clone(), memory.title.clone());
    let (source, made, language) = (memory.source.clone(), memory.made, memory.language);
    let strength = memory.strength;
    let first = out.len();
    memory.text = text[cuts[0].clone()].to_owned();
    out.push(memory);
    let mut last = id.clone();
    for (i, cut) in cuts.iter().enumerate().skip(1) {
        let mut piece = NewMemory::new(anchors.id(&format!("{anchor}-{}", i + 1))?, &text[cut.clone()]);
        piece.title =
            title.as_ref().map(|title| format!("{} ({})", start_of(title, MAX_TITLE_BYTES - 12), i + 1));
        piece.source.clone_from(&source);
        piece.made = made;
        piece.language = language;
        piece.strength = strength;
        piece.section_of = Some(id.clone());
        piece.follows = Some(last);
        last = piece.id.clone();
        out.push(piece);
    }
    let mut seen = HashSet::new();
    for (at, link) in links {
        let piece = cuts.partition_point(|cut| cut.start <= at).saturating_sub(1);
        let memory = &mut out[first + piece];
        let to_itself = matches!(&link.to, LinkTarget::Id(to) if *to == memory.id);
        if !to_itself && seen.insert((piece, link.to.clone())) {
            memory.links.push(link);
        }
    }
    Ok(last)
}

/// The name of a file without its folders and its extension.
pub(super) fn stem(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    }
}

/// The day that a file's name begins with: `2026-11-22`, `2026-11-22 Walk`, `2026-11-22-walk`.
pub(super) fn day_of(stem: &str) -> Option<Time> {
    let day = stem.get(..10)?;
    let shaped =
        day.bytes().enumerate().all(|(i, b)| if matches!(i, 4 | 7) { b == b'-' } else { b.is_ascii_digit() });
    let ends = stem[10..].chars().next().is_none_or(|c| !c.is_alphanumeric());
    if shaped && ends { day.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn anchors_are_unique_and_fit() {
        let mut anchors = Anchors::new("a.md");
        let ids: Vec<String> =
            ["x", "x", "x-1", "x", ""].iter().map(|a| anchors.id(a).unwrap().to_string()).collect();
        assert_eq!(ids, ["a.md#x", "a.md#x-1", "a.md#x-1-1", "a.md#x-2", "a.md#section"]);
        let long = "é".repeat(1000);
        assert!(anchors.id(&long).unwrap().as_str().len() <= MAX_ID_BYTES);
        assert!(anchors.id(&long).unwrap().as_str().len() <= MAX_ID_BYTES);
        assert_eq!(slug("Why both kernels — give the *same* bits?"), "why-both-kernels--give-the-same-bits");
    }

    #[test]
    fn names_of_files() {
        assert_eq!(stem("a/b/Café notes.md"), "Café notes");
        assert_eq!(stem(".hidden"), ".hidden");
        assert_eq!(day_of("2026-11-22"), "2026-11-22".parse().ok());
        assert_eq!(day_of("2026-11-22 Walk"), "2026-11-22".parse().ok());
        for stem in ["2026-13-22", "2026-11-221", "notes", "12345é7890"] {
            assert_eq!(day_of(stem), None, "{stem}");
        }
    }

    proptest! {
        #[test]
        fn pieces_hold_all_but_space(text in "(\\PC{0,300}[ \n]{0,2}){0,60}") {
            let cuts = pieces(&text);
            let joined: String = cuts.iter().map(|cut| &text[cut.clone()]).collect();
            prop_assert!(cuts.iter().all(|cut| cut.len() <= PIECE_BYTES));
            let solid = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(solid(&joined), solid(&text));
        }
    }
}
