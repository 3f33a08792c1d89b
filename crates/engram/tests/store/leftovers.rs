//! What an older version left in a store when it was cut off between taking notes in and noting that it had.

use engram::{Engram, STORE_FOLDER, Vault};

use crate::folder::{Notes, long_note, memories};
use crate::world::{id, note};

/// A folder of notes, and a store with all of them in one commit and no account of any.
fn cut_off_by_an_older_version() -> Notes {
    let notes = Notes::new();
    for at in 0..6 {
        notes.write(&format!("n{at}.md"), &format!("# Number {at}\n\nThe note number {at}."));
    }
    notes.write("long.md", &long_note("Long", &["Zebras", "Lions", "Tigers"]));
    notes.write("2026-11-22.md", "What was on that day.");
    notes.write("plain.txt", "Plain text.");
    // An import commits what a synchronisation committed, and an older version noted nothing before all was done.
    let engram = Engram::create(notes.path(STORE_FOLDER)).unwrap();
    assert_eq!(engram.import(notes.path(""), &mut |_| {}).unwrap().changes.added, 12);
    notes
}

fn ids(vault: &Vault) -> Vec<String> {
    memories(vault.engram()).into_iter().map(|(id, ..)| id).collect()
}

#[test]
fn notes_that_went_after_an_older_version_was_cut_off_are_forgotten_once_and_for_all() {
    let notes = cut_off_by_an_older_version();
    notes.remove("n0.md");
    notes.remove("plain.txt");
    notes.rename("n1.md", "deep/n1.md");
    notes.write("long.md", &long_note("Long", &["Lions", "Bears"]));
    let vault = Vault::open(notes.path("")).unwrap();
    let report = vault.synchronise(&mut |_| {}).unwrap();
    // Two notes, the old name of a third, and two sections of a fourth.
    assert_eq!(report.changes.forgotten, 5, "{report:?}");
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
    notes.is_followed_by(&vault, "mended");
    assert!(!vault.synchronise(&mut |_| {}).unwrap().changes.any());
}

/// Memories that somebody put into a vault's store stay, whatever their ids and sources look like.
#[test]
fn what_was_put_in_by_hand_is_not_taken_for_a_leftover() {
    let notes = cut_off_by_an_older_version();
    let engram = Engram::create(notes.path(STORE_FOLDER)).unwrap();
    let mut by_hand = vec![note("thought", "Thought", "By hand."), note("gone.md", "gone", "By hand.")];
    by_hand[1].source = Some("gone.md".into());
    let mut part = note("long.md#mine", "Mine", "By hand, about a note that is there.");
    (part.source, part.section_of) = (Some("long.md".into()), Some(id("long.md")));
    by_hand.push(part);
    for memory in &by_hand {
        // Another moment than that of the notes' commit.
        std::thread::sleep(std::time::Duration::from_millis(2));
        engram.remember(memory).unwrap();
    }
    // Notes of another folder, imported by hand: one of them with a date, as one of the vault's has.
    let other = Notes::new();
    other.write("book.md", "# Book\n\nOf another folder.");
    other.write("2026-11-22 book.md", "# Day\n\nOf another folder.");
    std::thread::sleep(std::time::Duration::from_millis(2));
    engram.import(other.path(""), &mut |_| {}).unwrap();
    drop(engram);

    notes.remove("n3.md");
    let vault = Vault::open(notes.path("")).unwrap();
    let report = vault.synchronise(&mut |_| {}).unwrap();
    assert_eq!(report.changes.forgotten, 1, "{report:?}");
    for name in ["thought", "gone.md", "long.md#mine", "book.md", "2026-11-22 book.md"] {
        assert!(ids(&vault).contains(&name.to_owned()), "{name} is gone");
    }
    assert!(!ids(&vault).contains(&"n3.md".to_owned()));
    // What might be one is named once.
    let [warning] = &report.warnings[..] else { panic!("{:?}", report.warnings) };
    assert!(warning.contains("book.md") && warning.contains("engram forget"), "{warning}");
    let again = vault.synchronise(&mut |_| {}).unwrap();
    assert!(!again.changes.any() && again.warnings.is_empty(), "{again:?}");
}

/// Once a store was looked through, what comes later by hand is not looked at again.
#[test]
fn a_store_is_looked_through_once() {
    let notes = Notes::new();
    notes.write("a.md", "The vault's own.");
    let vault = Vault::open(notes.path("")).unwrap();
    vault.synchronise(&mut |_| {}).unwrap();
    let other = Notes::new();
    for name in ["a.md", "b.md"] {
        other.write(name, "The vault's own.");
    }
    vault.engram().import(other.path(""), &mut |_| {}).unwrap();
    let report = vault.synchronise(&mut |_| {}).unwrap();
    assert!(!report.changes.any() && report.warnings.is_empty(), "{report:?}");
    assert_eq!(ids(&vault), ["a.md", "b.md"]);
}

/// A note that cannot be read now, or whose folder cannot, is no leftover; it is looked at again once it can.
#[test]
fn a_leftover_that_cannot_be_told_from_a_note_waits() {
    let notes = cut_off_by_an_older_version();
    let text = std::fs::read(notes.path("n2.md")).unwrap();
    std::fs::write(notes.path("n2.md"), b"half\0written").unwrap();
    notes.remove("n0.md");
    let vault = Vault::open(notes.path("")).unwrap();
    let report = vault.synchronise(&mut |_| {}).unwrap();
    assert_eq!((report.changes.forgotten, report.refused.len()), (1, 1), "{report:?}");
    assert!(ids(&vault).contains(&"n2.md".to_owned()));
    std::fs::write(notes.path("n2.md"), text).unwrap();
    assert!(!vault.synchronise(&mut |_| {}).unwrap().changes.any());
    notes.remove("n2.md");
    assert_eq!(vault.synchronise(&mut |_| {}).unwrap().changes.forgotten, 1);
    notes.is_followed_by(&vault, "at last");
}
