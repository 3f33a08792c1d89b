//! What only shows with a hand in the tables; the rest is in `tests/store/leftovers.rs`.

use std::fs;

use super::*;
use crate::writing::Besides;

/// Makes a store one that an earlier version has left: not looked through, and without the account of a file.
fn as_left(vault: &Vault, without: &str) {
    vault
        .engram
        .write(|store, txn, _| {
            store.tables.meta.delete(txn, KEY)?;
            let accounts = Accounts { deleted: vec![without.to_owned()], ..Accounts::default() };
            accounts.write(store, txn)
        })
        .unwrap();
}

fn has(vault: &Vault, id: &str) -> bool {
    vault.engram.get(&id.parse().unwrap()).unwrap().is_some()
}

/// The version that was cut off was run again, after a note had gone: it noted all files but that.
#[test]
fn leftovers_that_an_earlier_version_has_passed_over_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["a.md", "b.md", "c.md"] {
        fs::write(path(name), format!("The note {name}.")).unwrap();
    }
    let vault = Vault::open(folder.path()).unwrap();
    vault.synchronise(&mut |_| {}).unwrap();
    as_left(&vault, "b.md");
    fs::remove_file(path("b.md")).unwrap();
    let report = vault.synchronise(&mut |_| {}).unwrap();
    assert_eq!((report.changes.forgotten, report.warnings.len()), (1, 0), "{report:?}");
    assert!(has(&vault, "a.md") && !has(&vault, "b.md") && has(&vault, "c.md"));
}

/// A note witnesses a commit only if the folder has it as the store does.
#[test]
fn a_note_that_differs_from_the_store_is_no_witness() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("a.md"), "The note a.").unwrap();
    let vault = Vault::open(folder.path()).unwrap();
    vault.synchronise(&mut |_| {}).unwrap();
    // Of another folder: one of its notes has the path of one of these, which is not read again.
    let other = tempfile::tempdir().unwrap();
    for name in ["a.md", "book.md"] {
        fs::write(other.path().join(name), "Of another folder.").unwrap();
    }
    vault.engram.import(other.path(), &mut |_| {}).unwrap();
    vault
        .engram
        .write(|store, txn, _| {
            let (mut entry, _) = accounts::get(store, txn, "a.md")?.unwrap();
            entry.settled = true;
            accounts::put(store, txn, &entry)
        })
        .unwrap();
    as_left(&vault, "none.md");
    let report = vault.synchronise(&mut |_| {}).unwrap();
    assert_eq!((report.changes.forgotten, report.warnings.len()), (0, 1), "{report:?}");
    assert!(has(&vault, "book.md"));
}

/// A place that cannot be looked into keeps what may be in it, and the search open.
#[test]
fn what_may_be_in_a_hidden_place_waits() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("deep")).unwrap();
    for name in ["a.md", "deep/b.md", "deep/c.md"] {
        fs::write(path(name), format!("The note {name}.")).unwrap();
    }
    let vault = Vault::open(folder.path()).unwrap();
    vault.synchronise(&mut |_| {}).unwrap();
    as_left(&vault, "deep/b.md");
    fs::remove_file(path("deep/b.md")).unwrap();
    let look = |hidden: bool| Look {
        there: BTreeSet::from(["a.md".to_owned(), "deep/c.md".to_owned()]),
        unread: if hidden {
            vec![crate::exchange::Unread { relative: "deep".into(), sentence: String::new() }]
        } else {
            Vec::new()
        },
        ..Look::default()
    };
    let forgotten = |look: &Look| {
        let unreadable = BTreeSet::new();
        vault.forget_leftovers(look, &unreadable, &Monitor::unwatched()).unwrap().0.forgotten
    };
    assert_eq!(forgotten(&look(true)), 0);
    assert_eq!(forgotten(&look(false)), 1);
    assert!(!has(&vault, "deep/b.md") && has(&vault, "deep/c.md"));
}
