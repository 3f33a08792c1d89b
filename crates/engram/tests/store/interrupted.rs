//! A synchronisation that is cut off after any of its commits, and then the folder changes: the next one leaves
//! what a store made freshly from the folder holds.

use engram::{Error, Vault};

use crate::folder::{Notes, cut_off, long_note};
use crate::world::{NOW, id};

/// Cuts the synchronisation of a folder off at each report of progress in turn, changes the folder, and synchronises
/// again.
#[track_caller]
fn cut_off_everywhere(
    what: &str,
    prepare: impl Fn(&Notes, &Vault),
    afterwards: impl Fn(&Notes),
    check: impl Fn(&Vault, &str),
) {
    let mut cuts = 0;
    for calls in 0.. {
        let notes = Notes::new();
        notes.write("a.md", "# Alpha\n\nThe first letter.");
        notes.write("b.md", &long_note("Beta", &["Zebras", "Lions", "Tigers"]));
        notes.write("deep/c.txt", "The third, after [[Alpha]].");
        notes.write("deep/d.md", "# Delta\n\nSee [the second](../b.md).");
        notes.write("e.md", "# Epsilon\n\nThe fifth.");
        let vault = notes.vault();
        prepare(&notes, &vault);
        let was_cut = cut_off(&vault, calls);
        afterwards(&notes);
        vault.synchronise(&mut |_| {}).unwrap();
        let what = format!("{what}, cut off at report {calls}");
        notes.is_followed_by(&vault, &what);
        check(&vault, &what);
        assert!(!vault.synchronise(&mut |_| {}).unwrap().changes.any(), "{what}: not done at once");
        cuts += usize::from(was_cut);
        if !was_cut {
            break;
        }
        assert!(calls < 1000, "{what}: it never ends");
    }
    assert!(cuts >= 5, "{what}: cut off at {cuts} moments");
}

fn nothing(_: &Vault, _: &str) {}

#[test]
fn a_note_that_is_removed_after_the_cut_is_forgotten() {
    for gone in ["a.md", "b.md", "deep/c.txt", "e.md"] {
        cut_off_everywhere(&format!("{gone} removed"), |_, _| {}, |notes| notes.remove(gone), nothing);
    }
}

#[test]
fn a_note_that_is_renamed_after_the_cut_is_there_once() {
    for (from, to) in [("a.md", "z.md"), ("b.md", "deep/b.md"), ("deep/d.md", "0.md")] {
        cut_off_everywhere(&format!("{from} renamed"), |_, _| {}, |notes| notes.rename(from, to), nothing);
    }
}

#[test]
fn a_note_that_is_edited_after_the_cut_leaves_no_old_section() {
    let edit = |notes: &Notes| notes.write("b.md", &long_note("Beta", &["Lions", "Elephants"]));
    cut_off_everywhere("the first time", |_, _| {}, edit, nothing);
    let twice = |notes: &Notes, vault: &Vault| {
        vault.synchronise(&mut |_| {}).unwrap();
        notes.write("b.md", &long_note("Beta", &["Zebras", "Ants", "Bees"]));
        notes.write("a.md", &long_note("Alpha", &["Wasps"]));
        notes.write("e.md", "# Epsilon\n\nThe fifth, edited.");
        notes.write("f.md", "# Zeta\n\nNew.");
    };
    cut_off_everywhere("edited", twice, edit, nothing);
}

#[test]
fn a_cut_in_the_middle_of_deletions_is_made_good() {
    let prepare = |notes: &Notes, vault: &Vault| {
        vault.synchronise(&mut |_| {}).unwrap();
        for name in ["a.md", "b.md", "deep/c.txt"] {
            notes.remove(name);
        }
        notes.write("new.md", "# New\n\nIt takes their place.");
    };
    cut_off_everywhere("deleted", prepare, |_| {}, nothing);
    cut_off_everywhere("deleted, then one is back", prepare, |notes| notes.write("a.md", "Back."), nothing);
    cut_off_everywhere("deleted, then more", prepare, |notes| notes.remove("new.md"), nothing);
}

/// What recalling a note has left behind goes with it, wherever a synchronisation was cut off.
#[test]
fn histories_survive_renames_that_are_cut_off() {
    let prepare = |notes: &Notes, vault: &Vault| {
        vault.synchronise(&mut |_| {}).unwrap();
        let recalled = ["a.md", "b.md#zebras", "deep/c.txt", "deep/d.md"].map(id);
        vault.engram().reinforce(&recalled, NOW).unwrap();
        notes.rename("deep", "moved");
        notes.rename("a.md", "moved/a.md");
        notes.rename("b.md", "bb.md");
    };
    let recalls = |vault: &Vault, name: &str| {
        vault.engram().get(&id(name)).unwrap().map(|stored| stored.history.recalls)
    };
    let kept = |names: [&'static str; 4]| {
        move |vault: &Vault, what: &str| {
            for name in names {
                assert_eq!(recalls(vault, name), Some(1), "{what}: the history of {name}");
            }
        }
    };
    let once = kept(["moved/a.md", "bb.md#zebras", "moved/c.txt", "moved/d.md"]);
    cut_off_everywhere("renamed", prepare, |_| {}, once);
    let again = |notes: &Notes| {
        notes.rename("moved", "again");
        notes.rename("bb.md", "again/b.md");
    };
    let twice = kept(["again/a.md", "again/b.md#zebras", "again/c.txt", "again/d.md"]);
    cut_off_everywhere("renamed twice", prepare, again, twice);
}

/// A store outside the folder that loses its vault to another one in the middle of the work.
#[test]
fn a_synchronisation_that_fails_says_what_was_committed() {
    let notes = Notes::new();
    for name in ["a.md", "b.md", "c.md"] {
        notes.write(name, &format!("The note {name}."));
    }
    let other = Notes::new();
    other.write("other.md", "Of another vault.");
    let store = notes.folder.path().join("store");
    let vault = Vault::open_with_store(notes.path(""), &store).unwrap().with_portion_bytes(1);
    let mut is_taken = false;
    let failed = vault.synchronise(&mut |progress| {
        if progress.memories == 2 && !is_taken {
            is_taken = true;
            // The folder is away for a moment, so the store may go to another.
            std::fs::rename(notes.path(""), notes.folder.path().join("away")).unwrap();
            let other = Vault::open_with_store(other.path(""), &store).unwrap();
            assert_eq!(other.synchronise(&mut |_| {}).unwrap().changes.added, 1);
            std::fs::rename(notes.folder.path().join("away"), notes.path("")).unwrap();
        }
    });
    let failed = failed.unwrap_err();
    let Error::Incomplete { committed, source } = &failed else { panic!("{failed}") };
    assert_eq!((committed.added, committed.forgotten), (1, 0));
    assert!(matches!(**source, Error::OtherVault { .. }), "{source}");
    let says = ["keeps the notes of", "1 added", "stays", "again"];
    assert!(says.iter().all(|part| failed.to_string().contains(part)), "{failed}");
}

/// However many notes there are to forget, progress is reported for each, and its bytes add up.
#[test]
fn deletions_show_their_progress() {
    let notes = Notes::new();
    for at in 0..40 {
        notes.write(&format!("{at}.md"), &format!("The note number {at}."));
    }
    let vault = notes.vault();
    vault.synchronise(&mut |_| {}).unwrap();
    for at in 0..30 {
        notes.remove(&format!("{at}.md"));
    }
    let mut reports = Vec::new();
    vault.synchronise(&mut |progress| reports.push((progress.bytes_done, progress.bytes_total))).unwrap();
    let steps: std::collections::BTreeSet<u64> = reports.iter().map(|(done, _)| *done).collect();
    assert!(steps.len() >= 30, "{} steps: {reports:?}", steps.len());
    assert!(reports.is_sorted_by_key(|(done, _)| *done), "{reports:?}");
    assert!(reports.iter().all(|(done, total)| done <= total), "{reports:?}");
    assert_eq!(reports.last().map(|(done, total)| done == total && *total > 0), Some(true));
}
