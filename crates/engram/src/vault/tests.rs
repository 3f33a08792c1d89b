//! What a vault relies on in the ids of notes, and how much of a folder is in memory.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::exchange::{Found, read_note};
use crate::import::markdown::NotePaths;
use crate::import::{Kind, Notices};
use crate::memory::{MemoryId, NewMemory};
use crate::time::Time;

/// A name that is as odd as a note's may be, or like one with an anchor.
fn path() -> impl Strategy<Value = String> {
    ("([a-z#. é-]{0,12}/)?", "[a-zA-Z#. éİ\u{200b}%-]{1,20}(\\.md#[a-z-]{1,5})?", "(md|markdown|txt|org)")
        .prop_map(|(folder, stem, extension)| format!("{folder}x{stem}.{extension}"))
}

proptest! {
    /// A note's ids are made from its path alone, without and with `#` and an anchor, and a path has an id of its own.
    /// An id with an anchor is no note's path. So two notes
    /// never have an id in common, and what one of them forgets is never another's.
    #[test]
    fn the_ids_of_a_note_are_its_own(
        relative in path(),
        headings in proptest::collection::vec("[a-zA-Z#. /éİ\\-]{0,20}", 0..6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("note");
        let sections = headings.iter().map(|heading| format!("# {heading}\n\n{}\n", "A sentence. ".repeat(100)));
        fs::write(&file, sections.collect::<String>()).unwrap();
        let kind = Kind::of_file_name(Path::new(&relative));
        prop_assert!(matches!(kind, Kind::Markdown | Kind::Plain));
        let found = Found { path: file, relative: relative.clone(), kind, bytes: 0, changed: 0 };
        for stored in read_note(&found, &NotePaths::default(), &mut Notices::default()).unwrap().memories {
            let id = stored.memory.id.as_str();
            prop_assert_eq!(stored.memory.source.as_deref(), Some(relative.as_str()));
            let part = super::portion::part_of(id, &relative).unwrap();
            if !part.is_empty() {
                prop_assert!(part.starts_with('#') && !part[1..].contains(['#', '.', '/']), "{}", id);
                prop_assert_eq!(Kind::of_file_name(Path::new(id)), Kind::Unknown);
            }
        }
    }
}

/// What was read is committed before more than a portion is read.
#[test]
fn no_more_than_a_portion_is_in_memory() {
    const NOTES: u64 = 60;
    const PORTION: u64 = 5;
    let folder = tempfile::tempdir().unwrap();
    let text = "What a note says. ".repeat(200);
    for at in 0..NOTES {
        fs::write(folder.path().join(format!("{at:02}.md")), format!("{at} {text}")).unwrap();
    }
    let vault = Vault::open(folder.path()).unwrap().with_portion_bytes(PORTION as usize * text.len());
    let (mut most, mut commits, mut before) = (0, 0, 0);
    vault
        .synchronise(&mut |progress| {
            let stored = vault.engram().stats().unwrap().memories;
            most = most.max(progress.memories - stored);
            commits += u32::from(stored > before);
            before = stored;
        })
        .unwrap();
    assert_eq!(before, NOTES);
    assert!(most <= PORTION, "{most} notes in memory");
    assert!(commits >= (NOTES / PORTION) as u32, "{commits} commits");
}

/// An account that is damaged counts as missing: its file is read again and gets a new one.
#[test]
fn a_damaged_account_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.md"), "The note a.").unwrap();
    let vault = Vault::open(folder.path()).unwrap();
    vault.synchronise(&mut |_| {}).unwrap();
    let spoil = |spoilt: &[u8]| {
        let spoil = vault.engram.write(|store, txn, _| {
            let (key, _) = store.tables.files.iter(txn)?.next().unwrap()?;
            let key = key.to_vec();
            store.tables.files.put_stored(txn, &key, spoilt)
        });
        spoil.unwrap();
    };
    for spoilt in [&b"no account"[..], b""] {
        spoil(spoilt);
        let report = vault.synchronise(&mut |_| {}).unwrap();
        assert!(!report.changes.any() && report.refused.is_empty(), "{report:?}");
        assert!(vault.engram.verify().unwrap().problems.is_empty());
    }
    fs::remove_file(folder.path().join("a.md")).unwrap();
    assert_eq!(vault.synchronise(&mut |_| {}).unwrap().changes.forgotten, 1);
}

/// Earlier versions took paths as ids even where they hold what is not shown.
#[test]
fn a_note_whose_ids_take_another_form_keeps_its_history() {
    let folder = tempfile::tempdir().unwrap();
    let name = "a\u{200b}b.md";
    fs::write(folder.path().join(name), "What it said.").unwrap();
    let vault = Vault::open(folder.path()).unwrap();
    let old = MemoryId::existing(name).unwrap();
    let mut memory = NewMemory::new(old.clone(), "What it said.");
    memory.source = Some(name.to_owned());
    vault.engram.remember(&memory).unwrap();
    vault.engram.reinforce(std::slice::from_ref(&old), Time::now()).unwrap();
    let noted = accounts::FileEntry {
        relative: name.to_owned(),
        bytes: 1,
        changed: 0,
        settled: true,
        text: 1,
        ids: vec![name.to_owned()],
        places: Vec::new(),
    };
    let note = vault.engram.write(|store, txn, _| accounts::put(store, txn, &noted));
    note.unwrap();
    let report = vault.synchronise(&mut |_| {}).unwrap();
    assert_eq!((report.changes.added, report.changes.forgotten), (1, 1), "{report:?}");
    let new = vault.engram.get(&"a%E2%80%8Bb.md".parse().unwrap()).unwrap().unwrap();
    assert_eq!(new.history.recalls, 1);
    assert_eq!(vault.engram.get(&old).unwrap(), None);
}
