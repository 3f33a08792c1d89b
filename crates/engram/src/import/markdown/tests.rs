//! Notes as people write them, and notes that nobody would.

use proptest::prelude::*;

use super::*;
use crate::memory::MAX_ID_BYTES;

/// A note with a bit of everything, as an editor on Windows leaves it.
const REALISTIC: &str = "\u{feff}---\r\ntitle: Thirty-two lanes\r\naliases: [Lanes, \"lane order\"]\r\ntags: kernels, arithmetic\r\n\
        date: 2026-11-22\r\nrelated: \"[[Tails]]\"\r\n---\r\n# Why 32 lanes?\r\n\r\nSums run over *32 lanes*; see \
        [[The arithmetic contract|the contract]],\r\n[the tail rule](../rules/tail%20rule.md#short) and ![[Diagram]]. \
        Not [out](https://x.org/a.md).\r\n\r\n- one #ordered/lane\r\n- two `[[code]] #no`\r\n  - [x] done\r\n\r\n\
        | a | b |\r\n|---|---|\r\n| 1 | [[T\\|two]] |\r\n\r\n```rust\r\nlet x = \"[[not a link]] #nor-tag\";\r\n```\r\n";

fn whole(path: &str, contents: &str) -> NewMemory {
    let note = parse(path, contents).unwrap();
    assert_eq!(note.memories.len(), 1, "{note:?}");
    assert!(note.warnings.is_empty(), "{:?}", note.warnings);
    note.memories.into_iter().next().unwrap()
}

fn links(memory: &NewMemory) -> Vec<String> {
    memory
        .links
        .iter()
        .map(|link| match &link.to {
            LinkTarget::Id(id) => format!("id:{id}"),
            LinkTarget::Name(name) => format!("name:{name}"),
        })
        .collect()
}

#[test]
fn a_realistic_note() {
    let note = whole("kernels/lanes.md", REALISTIC);
    assert_eq!(note.id.as_str(), "kernels/lanes.md");
    assert_eq!(note.title.as_deref(), Some("Thirty-two lanes"));
    assert_eq!(note.aliases, ["Lanes", "lane order", "Why 32 lanes?"]);
    assert_eq!(note.tags, ["kernels", "arithmetic", "ordered/lane"]);
    assert_eq!(note.made, "2026-11-22".parse().ok());
    assert_eq!(note.source.as_deref(), Some("kernels/lanes.md"));
    assert_eq!(
        links(&note),
        ["name:Tails", "name:The arithmetic contract", "id:rules/tail rule.md", "name:Diagram", "name:T"]
    );
    assert_eq!(
        note.text,
        "Sums run over 32 lanes; see the contract, the tail rule and Diagram. Not out.\n\n- one #ordered/lane\n- two \
        [[code]] #no\n  - [x] done\n\na | b\n1 | two\n\nlet x = \"[[not a link]] #nor-tag\";"
    );
}

#[test]
fn titles_come_from_where_they_are() {
    assert_eq!(whole("a/My note.md", "text").title.as_deref(), Some("My note"));
    let h1 = whole("a/my-note.md", "intro\n\n# My note\n\ntext\n\n## Part\n\nmore");
    assert_eq!((h1.title.as_deref(), h1.aliases.len()), (Some("My note"), 0));
    assert_eq!(h1.text, "intro\n\ntext\n\nPart\n\nmore");
    assert_eq!(whole("x.md", "# A `b` [[c]]\n").title.as_deref(), Some("A b c"));
    assert_eq!(whole("x.md", "# A `b` [[c]]\n").aliases, ["x"]);
    assert_eq!(whole("2026-11-22.md", "walked").made, "2026-11-22".parse().ok());
    assert_eq!(whole("e.md", "").text, "");
    assert_eq!(whole("e.md", "---\ntags:\n  - '#a b'\n---\n").tags, ["a b"]);
}

#[test]
fn long_notes_become_sections() {
    let filler = "A sentence of some length that fills the note. ".repeat(20);
    let note = parse(
        "n.md",
        &format!(
            "# Note\n\nLead [[A]].\n\n## One\n\n{filler}[[B]] [[A]] [to two](#two)\n\n### Deep\n\n{filler}\n\n## Two\n\n\
            {filler} #tag [[#Deep]]\n\n## One\n\nagain\n\n> # Quoted\n"
        ),
    )
    .unwrap();
    let m = &note.memories;
    let ids: Vec<&str> = m.iter().map(|m| m.id.as_str()).collect();
    assert_eq!(ids, ["n.md", "n.md#one", "n.md#deep", "n.md#two", "n.md#one-1"]);
    let above: Vec<Option<&str>> = m.iter().map(|m| m.section_of.as_ref().map(MemoryId::as_str)).collect();
    assert_eq!(above, [None, Some("n.md"), Some("n.md#one"), Some("n.md"), Some("n.md")]);
    let before: Vec<Option<&str>> = m.iter().map(|m| m.follows.as_ref().map(MemoryId::as_str)).collect();
    assert_eq!(before, [None, Some("n.md"), Some("n.md#one"), Some("n.md#deep"), Some("n.md#two")]);
    assert_eq!(m[0].text, "Lead A.");
    assert_eq!(links(&m[0]), ["name:A"]);
    assert_eq!(links(&m[1]), ["name:B", "name:A", "id:n.md#two"]);
    assert_eq!(links(&m[3]), ["id:n.md#deep"]);
    assert_eq!((m[3].tags.as_slice(), m[1].title.as_deref()), (["tag".to_owned()].as_slice(), Some("One")));
    assert_eq!(m[4].text, "again\n\nQuoted");
    assert!(m.iter().all(|m| m.source.as_deref() == Some("n.md")));
}

#[test]
fn long_sections_are_cut_and_links_stay_in_place() {
    let paragraph = format!("{}\n\n", "Words that go on for a while. ".repeat(30));
    let note = parse("n.md", &format!("## S\n\n[[First]] {}[[Last]]\n", paragraph.repeat(12))).unwrap();
    let m = &note.memories;
    assert!(m.len() >= 4, "{}", m.len());
    assert_eq!(m[0].text, "S");
    assert_eq!(m[2].id.as_str(), "n.md#s-2");
    assert_eq!(m[2].title.as_deref(), Some("S (2)"));
    assert_eq!(m[3].follows.as_ref(), Some(&m[2].id));
    assert_eq!(m[3].section_of.as_ref(), Some(&m[1].id));
    assert_eq!(links(&m[1]), ["name:First"]);
    assert_eq!(links(&m[m.len() - 1]), ["name:Last"]);
    assert!(m.iter().all(|m| m.text.len() <= 4000));
}

#[test]
fn odd_notes_are_kept_and_named() {
    let note = parse("a.md", "---\ntitle: x\n  broken: [\n---\nbody [[L]]\n").unwrap();
    assert_eq!(note.warnings.len(), 1);
    let warning = note.warnings[0].to_string();
    assert!(warning.starts_with("a.md, line ") && warning.contains("not YAML"), "{warning}");
    assert!(note.memories[0].text.contains("broken: [") && note.memories[0].text.contains("body L"));
    let note = parse("a.md", "---\ndate: someday\nlang: x!\n---\n\nx\n").unwrap();
    assert_eq!(note.warnings.iter().map(|w| w.line).collect::<Vec<_>>(), [2, 3]);
    let note = parse("a.md", &format!("---\na: 1\n---\n\n[x]({}.md)\n", "y".repeat(500))).unwrap();
    assert_eq!((note.warnings[0].line, note.memories[0].text.as_str()), (5, "x"));
    assert!(parse("", "x").is_err() && parse("a\nb.md", "x").is_err());
}

#[test]
fn huge_counts_of_headings_are_taken() {
    let text: String =
        (0..20_000).map(|i| format!("{} Same\n\nline {i} [[Same]]\n\n", "#".repeat(1 + i % 6))).collect();
    let note = parse("n.md", &text).unwrap();
    let mut ids: Vec<&MemoryId> = note.memories.iter().map(|m| &m.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), note.memories.len()), (20_000, 20_000));
    let long_path = format!("{}.md", "p".repeat(MAX_ID_BYTES - 3));
    assert_eq!(parse(&long_path, &text).unwrap().memories.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_note_is_taken(text in any::<String>()) {
        let _ = parse("a/b.md", &text).unwrap();
    }

    #[test]
    fn a_damaged_note_is_taken(cut in any::<prop::sample::Index>(), length in 0_usize..40, insert in "(\\PC|[\n\\[\\]`|#]){0,20}") {
        let mut chars: Vec<char> = REALISTIC.chars().collect();
        let at = cut.index(chars.len());
        let end = (at + length).min(chars.len());
        chars.splice(at..end, insert.chars());
        let text: String = chars.into_iter().collect();
        prop_assert!(!parse("a/b.md", &text).unwrap().memories.is_empty());
    }

    #[test]
    fn mutated_notes_are_taken(
        parts in prop::collection::vec(prop::sample::select(vec![
            "---\n", "title: x\n", "# H\n", "## Ü b\n\n", "[[a|b]]", "![[c", "]]", "[t](../x.md#y)", "#tag ", "`", "```\n",
            "| a | b |\n|-|-|\n", "> ", "- ", "\r\n", "\n\n", "<!-- ", "-->", "<b>", "*", "漢字", "\u{301}", "\\", "[^1]", "[^1]: x\n",
            "word and more words ", "    ", "\t",
        ]), 0..200),
        repeats in 1_usize..4,
    ) {
        let text = parts.concat().repeat(repeats);
        let note = parse("a/b.md", &text).unwrap();
        let mut ids: Vec<&MemoryId> = note.memories.iter().map(|m| &m.id).collect();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), note.memories.len());
        prop_assert_eq!(parse("a/b.md", &text).unwrap(), note);
    }
}

#[test]
fn a_heading_that_no_title_can_hold_is_text() {
    let long = "words and more ".repeat(400);
    let note = parse("a.md", &format!("First.\n\n{long}\n---\nLast.")).unwrap();
    assert!(note.memories.iter().all(|memory| memory.check().is_ok()));
    let text: String = note.memories.iter().map(|memory| format!("{} ", memory.text)).collect();
    assert!(text.starts_with("First.\n\nwords") && text.ends_with("more\n\nLast. "), "{text}");
}

/// However many headings there are, their sections are not; nothing of the rest is lost.
#[test]
fn sections_are_bounded() {
    let text: String = (0..MAX_SECTIONS + 100).map(|at| format!("# h{at} [[L{at}]]\n")).collect();
    let note = parse("n.md", &text).unwrap();
    // The first heading is the title of what stands before the others.
    assert!((MAX_SECTIONS..MAX_SECTIONS + 10).contains(&note.memories.len()), "{}", note.memories.len());
    let last = note.memories.last().unwrap();
    assert!(last.text.contains(&format!("h{} L{}", MAX_SECTIONS + 99, MAX_SECTIONS + 99)), "{last:?}");
    let links: usize = note.memories.iter().map(|memory| memory.links.len()).sum();
    assert_eq!(links, MAX_SECTIONS + 100);
}

/// The parts of a long section have titles that fit, whatever fits before.
#[test]
fn parts_of_the_longest_heading_fit() {
    let heading = "é".repeat(crate::memory::MAX_TITLE_BYTES / 2);
    let note = parse("n.md", &format!("## {heading}\n\n{}", "Words and more. ".repeat(1000))).unwrap();
    assert!(note.memories.len() > 3);
    assert!(note.memories.iter().all(|memory| memory.check().is_ok()));
    assert!(note.memories[2].title.as_ref().unwrap().ends_with("é (2)"));
}

/// The warnings of a note are few, each with its line, and one counts the rest.
#[test]
fn warnings_are_bounded() {
    let faults = |count: usize| format!("---\na: 1\n---\n{}", "[x](%00.md)\n\n".repeat(count));
    let note = parse("a.md", &faults(40_000)).unwrap();
    assert_eq!(note.warnings.len(), MAX_WARNINGS + 1);
    let lines: Vec<usize> = note.warnings.iter().map(|warning| warning.line).collect();
    assert_eq!(lines, (0..=MAX_WARNINGS).map(|at| 4 + 2 * at).collect::<Vec<_>>());
    let rest = &note.warnings[MAX_WARNINGS].message;
    assert_eq!(rest, "39980 more warnings about this note, from this line on, are left out");
    let dates = format!("---\n{}---\n", "date: someday\n".repeat(4000));
    assert_eq!(parse("a.md", &dates).unwrap().warnings.len(), MAX_WARNINGS + 1);
}

#[test]
fn a_heading_with_nothing_under_it_is_no_blank() {
    let note = format!(
        "# N\n\n## Parts\n\n### First\n\n{}\n\n### Second\n\n{}\n\n## Later\n",
        "a b ".repeat(300),
        "c d ".repeat(300)
    );
    let memories = parse("n.md", &note).unwrap().memories;
    let of = |id: &str| memories.iter().find(|memory| memory.id.as_str() == id).unwrap();
    assert_eq!(of("n.md").text, "Parts · First · Second · Later");
    assert_eq!(of("n.md#parts").text, "First · Second");
    assert_eq!(of("n.md#later").text, "Later");
    assert!(of("n.md#later").strength < 0.1 && of("n.md#first").strength == 1.0);
}

#[test]
fn a_list_of_links_is_weaker_than_what_it_leads_to() {
    let strength = |note: &str| parse("n.md", note).unwrap().memories[0].strength;
    assert_eq!(strength("# All\n\n- [One thing](a.md)\n- [[Another]] - 2026-01-01\n"), 0.05);
    assert_eq!(strength("# All\n\n- [One](a.md) tells of the first things\n- [[Two]] of the second\n"), 1.0);
    assert!((strength("A [link of four words](a.md) here") - 2.0 / 3.0).abs() < 1e-6);
}
