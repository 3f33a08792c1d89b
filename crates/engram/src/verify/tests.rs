//! Damage within whole pages, which LMDB does not notice: found by a check, never written again as sound.

use crate::engram::Engram;
use crate::error::{Error, Result};
use crate::memory::{Link, LinkTarget, MemoryId, NewMemory, Weight};
use crate::store::block::BlockKind;
use crate::store::table::Table;
use crate::store::write_txn::WriteTxn;

fn id(text: &str) -> MemoryId {
    text.parse().unwrap()
}

/// A store of many memories, of which one links to another.
fn store(folder: &tempfile::TempDir) -> Engram {
    let engram = Engram::create(folder.path()).unwrap();
    let memories = (0..100).map(|at| {
        let mut memory = NewMemory::new(id(&format!("m{at}")), format!("shared words and word{at}"));
        if at == 1 {
            memory.links.push(Link { to: LinkTarget::Id(id("m2")), weight: Weight::ONE });
        }
        memory
    });
    engram.remember_all(memories).unwrap();
    assert_eq!(engram.verify().unwrap().problems, Vec::<String>::new());
    engram
}

fn change(engram: &Engram, change: impl FnOnce(&mut WriteTxn<'_>)) {
    let write = engram.write(|_, txn, _| {
        change(txn);
        Ok(())
    });
    write.unwrap();
}

/// Flips the last bit of the value of the first key that fits.
fn damage(engram: &Engram, table: &Table, fits: impl Fn(&[u8]) -> bool) {
    change(engram, |txn| {
        let mut entries = table.iter_stored(txn).unwrap().map(|entry| entry.unwrap());
        let found = entries.find(|(key, _)| fits(key)).map(|(key, value)| (key.to_vec(), value.to_vec()));
        drop(entries);
        let (key, mut value) = found.unwrap();
        *value.last_mut().unwrap() ^= 1;
        table.put_stored(txn, &key, &value).unwrap();
    });
}

fn is_damaged<R: std::fmt::Debug>(result: &Result<R>) -> bool {
    matches!(result, Err(Error::Damaged { .. }))
}

#[test]
fn the_account_of_links_is_checked() {
    for clear in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let engram = store(&folder);
        let links = &engram.store().unwrap().tables.links;
        if clear {
            change(&engram, |txn| links.clear(txn).unwrap());
        } else {
            damage(&engram, links, |_| true);
        }
        let problems = engram.verify().unwrap().problems;
        assert!(problems.iter().any(|problem| problem.contains("links of the memory m1")), "{problems:?}");
    }
}

/// Whatever is damaged in what is derived, deriving it anew gives the bytes that were there before.
#[test]
fn rebuilding_mends_what_is_derived() {
    let folder = tempfile::tempdir().unwrap();
    let engram = store(&folder);
    let mut named = NewMemory::new(id("rogers"), "Carl Rogers once met Virginia Axline.");
    named.title = Some("Carl Rogers".into());
    engram.remember(&named).unwrap();
    engram.consolidate().unwrap();
    let tables = &engram.store().unwrap().tables;
    let derived = [
        &tables.namespaces,
        &tables.links,
        &tables.numbers,
        &tables.nodes,
        &tables.names,
        &tables.phrases,
        &tables.postings,
        &tables.terms,
        &tables.blocks,
    ];
    let contents = || {
        let store = engram.store().unwrap();
        let txn = store.read().unwrap();
        derived.map(|table| {
            let entries = table.iter(&txn).unwrap().map(|entry| entry.unwrap());
            entries.map(|(key, value)| (key.to_vec(), value.to_vec())).collect::<Vec<_>>()
        })
    };
    let sound = contents();
    for (at, table) in derived.into_iter().enumerate() {
        assert!(!sound[at].is_empty(), "nothing to damage in table {at}");
        for clear in [true, false] {
            if clear {
                change(&engram, |txn| table.clear(txn).unwrap());
            } else {
                damage(&engram, table, |_| true);
            }
            // What cannot be read at all is an error of the check.
            let found = engram.verify().map(|found| found.problems);
            assert!(found.is_err() || found.is_ok_and(|problems| !problems.is_empty()), "table {at}");
            engram.rebuild().unwrap();
            assert_eq!(engram.verify().unwrap().problems, Vec::<String>::new(), "table {at}");
            assert!(contents() == sound, "table {at}");
        }
    }
}

#[test]
fn forgetting_does_not_hide_damage() {
    let folder = tempfile::tempdir().unwrap();
    let engram = store(&folder);
    damage(&engram, &engram.store().unwrap().tables.postings, |term| term.starts_with(b"share"));
    assert!(is_damaged(&engram.forget(&id("m3"))));
    assert!(!engram.verify().unwrap().problems.is_empty());

    let folder = tempfile::tempdir().unwrap();
    let engram = store(&folder);
    damage(&engram, &engram.store().unwrap().tables.blocks, |key| key[0] == BlockKind::Vectors as u8);
    assert!(is_damaged(&engram.forget(&id("m3"))));
    assert!(engram.get(&id("m3")).unwrap().is_some());
}

/// A number out of range is an error of the recall that meets it.
#[test]
fn numbers_out_of_range() {
    let folder = tempfile::tempdir().unwrap();
    let engram = store(&folder);
    let numbers = &engram.store().unwrap().tables.numbers;
    change(&engram, |txn| numbers.put(txn, b"m5", &u32::MAX.to_be_bytes()).unwrap());
    let mut cue = crate::recall::Cue::new("shared words");
    cue.source = Some("*.md".into());
    assert!(is_damaged(&engram.recall(&cue)));
    assert!(!engram.verify().unwrap().problems.is_empty());
}
