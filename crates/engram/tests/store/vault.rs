//! A vault: a store that follows a folder of notes.

use std::ops::ControlFlow;

use crate::world::{NOW, id};

#[test]
fn a_vault_follows_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("a.md", "# Alpha\n\nThe first letter.");
    write("deep/b.md", "# Beta\n\nThe second, after [[Alpha]].");
    let vault = engram::Vault::open(folder.path()).unwrap();
    let synchronise = || vault.synchronise(&mut |_| {}).unwrap().changes;
    assert_eq!(synchronise().added, 2);
    assert!(!synchronise().any());
    vault.engram().reinforce(&[id("deep/b.md")], NOW).unwrap();
    std::fs::rename(folder.path().join("deep/b.md"), folder.path().join("deep/c.md")).unwrap();
    let moved = synchronise();
    assert_eq!((moved.added, moved.forgotten), (1, 1));
    assert_eq!(vault.engram().get(&id("deep/c.md")).unwrap().unwrap().history.recalls, 1);
    write("a.md", "# Alpha\n\nThe first letter of many.");
    assert_eq!(synchronise().updated, 1);
    std::fs::remove_file(folder.path().join("a.md")).unwrap();
    assert_eq!(synchronise().forgotten, 1);
    assert_eq!(vault.engram().stats().unwrap().memories, 1);
    assert!(vault.engram().verify().unwrap().problems.is_empty());
    assert_eq!(std::fs::read_to_string(folder.path().join(".engram/.gitignore")).unwrap(), "*\n");
}

#[test]
fn a_vault_may_have_its_store_elsewhere() {
    let (folder, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join("a.md"), "# Alpha").unwrap();
    let vault = engram::Vault::open_with_store(folder.path(), store.path().join("store")).unwrap();
    assert_eq!(vault.synchronise(&mut |_| {}).unwrap().changes.added, 1);
    assert!(store.path().join("store/data.mdb").exists());
    assert!(!folder.path().join(engram::STORE_FOLDER).exists());
    assert!(engram::Vault::open_with_store(folder.path().join("a.md"), store.path()).is_err());
}

/// A note that cannot be stored was not taken in: it is named each time.
#[test]
fn a_note_that_is_refused_is_named_until_it_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("a.md");
    let write = |text: &str| {
        std::fs::write(&note, text).unwrap();
        // Long settled, so that nothing but the refusal has it read again.
        let an_hour = std::time::Duration::from_secs(3600);
        let file = std::fs::File::options().write(true).open(&note).unwrap();
        file.set_modified(std::time::SystemTime::now() - an_hour).unwrap();
    };
    write(&format!("---\ntitle: {}\n---\nText.", "title ".repeat(1000)));
    let vault = engram::Vault::open(folder.path()).unwrap();
    for _ in 0..3 {
        let report = vault.synchronise(&mut |_| {}).unwrap();
        assert!(report.refused[0].contains("at most 4096 fit"), "{:?}", report.refused);
    }
    write("# Title\n\nText.");
    let report = vault.synchronise(&mut |_| {}).unwrap();
    assert_eq!((report.changes.added, report.refused.len()), (1, 0));
}

#[test]
fn renamed_notes_of_one_text_keep_each_its_own_history() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("old")).unwrap();
    for name in ["old/a.md", "old/b.md", "old/c.md"] {
        std::fs::write(path(name), "A template.").unwrap();
    }
    let vault = engram::Vault::open(folder.path()).unwrap();
    let synchronise = || vault.synchronise(&mut |_| {}).unwrap();
    synchronise();
    vault.engram().reinforce(&[id("old/b.md")], NOW).unwrap();
    std::fs::rename(path("old"), path("new")).unwrap();
    synchronise();
    let recalls = |name: &str| vault.engram().get(&id(name)).unwrap().unwrap().history.recalls;
    assert_eq!(["new/a.md", "new/b.md", "new/c.md"].map(recalls), [0, 1, 0]);
}

/// A note that could not be read for a while is still known by its text.
#[test]
fn a_note_that_was_broken_for_a_while_keeps_its_history() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("a.md"), "What was recalled.").unwrap();
    let vault = engram::Vault::open(folder.path()).unwrap();
    let synchronise = || vault.synchronise(&mut |_| {}).unwrap();
    synchronise();
    vault.engram().reinforce(&[id("a.md")], NOW).unwrap();
    std::fs::write(path("a.md"), b"half\0written").unwrap();
    assert_eq!(synchronise().refused.len(), 1);
    std::fs::remove_file(path("a.md")).unwrap();
    std::fs::write(path("b.md"), "What was recalled.").unwrap();
    synchronise();
    assert_eq!(vault.engram().get(&id("b.md")).unwrap().unwrap().history.recalls, 1);
}

/// A memory that was refused is none of its note's: what somebody put in under its id stays when the note goes.
#[test]
fn a_refused_note_owns_nothing_that_it_did_not_put_in() {
    let notes = crate::folder::Notes::new();
    notes.write("other.md", "Of no interest.");
    let vault = notes.vault();
    let synchronise = || vault.synchronise(&mut |_| {}).unwrap();
    let has = |name: &str| vault.engram().get(&id(name)).unwrap().is_some();
    let refused = format!("---\ntitle: {}\n---\nText.", "title ".repeat(1000));
    vault.engram().remember(&crate::world::note("mine.md", "Mine", "By hand.")).unwrap();
    notes.write("mine.md", &refused);
    // This one was taken in before it was spoilt: what was known of it stays, and goes with it.
    notes.write("spoilt.md", "What it said.");
    synchronise();
    notes.write("spoilt.md", &refused);
    assert_eq!(synchronise().refused.len(), 2);
    assert_eq!(synchronise().refused.len(), 2);
    assert!(has("mine.md") && has("spoilt.md"));
    notes.remove("mine.md");
    notes.remove("spoilt.md");
    assert_eq!(synchronise().changes.forgotten, 1);
    assert!(has("mine.md") && !has("spoilt.md"));
}

/// Looking at a note that cannot be read, or whose time stamp is new, writes nothing while it says nothing new.
#[test]
fn a_note_that_says_nothing_new_is_not_written_again() {
    let notes = crate::folder::Notes::new();
    std::fs::create_dir_all(notes.path("")).unwrap();
    std::fs::write(notes.path("new.md"), "Just written.").unwrap();
    std::fs::write(notes.path("broken.md"), b"half\0written").unwrap();
    notes.write("refused.md", &format!("---\ntitle: {}\n---\nText.", "title ".repeat(1000)));
    let vault = notes.vault();
    vault.synchronise(&mut |_| {}).unwrap();
    let before = std::fs::read(notes.path(".engram/data.mdb")).unwrap();
    let report = vault.synchronise(&mut |_| {}).unwrap();
    assert_eq!(report.refused.len(), 2, "{:?}", report.refused);
    assert!(before == std::fs::read(notes.path(".engram/data.mdb")).unwrap());
}

/// Links to the site that a folder is published as lead to its notes; when the site moves, all notes are read again.
#[test]
fn links_to_the_published_site_lead_to_the_notes() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("a.md", "# A\n\nSee [b](https://notes.example.org/b) and [c](https://elsewhere.example.org/b).\n");
    write("b.md", "# B\n\nA zebra.\n");
    let vault = engram::Vault::open(folder.path()).unwrap();
    let links = || {
        vault.synchronise(&mut |_| {}).unwrap();
        vault.engram().get(&id("a.md")).unwrap().unwrap().memory.links.len()
    };
    assert_eq!(links(), 0);
    write("README.md", "---\nsite: https://notes.example.org/\n---\n\nThese notes.\n");
    assert_eq!(links(), 1);
    write("README.md", "---\nsite: [https://elsewhere.example.org]\n---\n\nThese notes.\n");
    assert_eq!(links(), 1);
    write("README.md", "These notes.\n");
    assert_eq!(links(), 0);
    assert!(vault.engram().verify().unwrap().problems.is_empty());
}

/// Links are looked for among all notes of the folder, so one that waits for a note finds it when it comes, and one that
/// has lost its note looks again; also where the synchronisation between was cut off,
/// at whichever report of its progress.
#[test]
fn links_find_notes_that_come_later() {
    for cut in 0..15 {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["sub", "other"] {
            std::fs::create_dir(path(name)).unwrap();
        }
        let write = |name: &str, text: &str| std::fs::write(path(name), text).unwrap();
        write("z.md", "# Z\n\nWhat [this](Q.md) and [that](shelf) say.\n");
        write("b.md", "# B\n\nA zebra without links.\n");
        let vault = engram::Vault::open(folder.path()).unwrap().with_portion_bytes(1);
        let leads_to = || {
            let mut reports = 0;
            let _ = vault.synchronise(&mut |_| {
                reports += 1;
                if reports == cut { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            vault.synchronise(&mut |_| {}).unwrap();
            let links = vault.engram().get(&id("z.md")).unwrap().unwrap().memory.links;
            links.iter().map(|link| format!("{:?}", link.to)).collect::<Vec<_>>().join(" ")
        };
        let q = |path: &str| format!("Id(MemoryId({path:?}))");
        assert_eq!(leads_to(), q("Q.md"));
        write("sub/Q.md", "# Q\n\nA kettle.\n");
        assert_eq!(leads_to(), q("sub/Q.md"));
        std::fs::create_dir(path("sub/shelf")).unwrap();
        write("sub/shelf/index.md", "# Shelf\n\nBooks.\n");
        assert_eq!(leads_to(), q("sub/Q.md"));
        std::fs::create_dir(path("shelf")).unwrap();
        write("shelf/index.md", "# Shelf\n\nBooks.\n");
        assert_eq!(leads_to(), format!("{} {}", q("sub/Q.md"), q("shelf/index.md")));
        // Two have the name now, so it stands for none of them.
        write("other/Q.md", "# Q\n\nAnother kettle.\n");
        assert_eq!(leads_to(), format!("{} {}", q("Q.md"), q("shelf/index.md")));
        std::fs::remove_file(path("sub/Q.md")).unwrap();
        std::fs::remove_file(path("shelf/index.md")).unwrap();
        assert_eq!(leads_to(), q("other/Q.md"));
        assert!(vault.engram().verify().unwrap().problems.is_empty());
        // Nothing is read or written when nothing has changed.
        let before = std::fs::read(path(".engram/data.mdb")).unwrap();
        let report = vault.synchronise(&mut |_| {}).unwrap();
        assert!(report.changes.added + report.changes.updated + report.changes.unchanged == 0, "{report:?}");
        assert!(before == std::fs::read(path(".engram/data.mdb")).unwrap());
    }
}
