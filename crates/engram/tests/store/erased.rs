//! Nothing of what was forgotten stays in a file that is written anew: neither in pages that nothing uses, nor between
//! the entries of a page, nor behind the ends of values, whatever their sizes.

use std::path::Path;

use engram::{Engram, Error, NewMemory, OpenOptions};

use crate::world::{fresh, note};

fn notes(word: &'static str, round: usize) -> impl Iterator<Item = NewMemory> {
    let text = |word: &str, bytes: usize| format!("{word} ").repeat(bytes / (word.len() + 1));
    (0..12).map(move |at| note(&format!("{word}-{at}"), "", &text(word, 1500 + 229 * (at + round))))
}

/// Puts memories in, forgets them, and puts others in their place.
fn forget_some(engram: &Engram, round: usize) {
    engram.remember_all(notes("zanzibar", round)).unwrap();
    let forgotten: Vec<_> = notes("zanzibar", round).map(|note| note.id).collect();
    engram.apply(&[], &forgotten).unwrap();
    engram.remember_all(notes("ordinary", round)).unwrap();
}

fn holds(path: &Path, word: &[u8]) -> bool {
    std::fs::read(path).unwrap().windows(word.len()).any(|window| window == word)
}

fn assert_erased(root: &Path, generation: usize) {
    let path = root.join(format!("generation-{generation}/data.mdb"));
    assert!(holds(&path, b"ordinary") && !holds(&path, b"zanzibar"), "generation {generation}");
    let engram = Engram::open(root).unwrap();
    assert_eq!(engram.verify().unwrap().problems, Vec::<String>::new());
    let mut files: Vec<_> =
        std::fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.retain(|name| !["data.mdb", "lock.mdb", "open.lock", "walked"].iter().any(|known| name == known));
    assert_eq!(files, Vec::<std::ffi::OsString>::new());
}

#[test]
fn by_compaction() {
    let (folder, engram) = fresh();
    for round in 0..6 {
        forget_some(&engram, round);
        engram.compact().unwrap();
        assert_erased(&folder.path().join("store"), round + 1);
    }
}

#[test]
fn by_making_a_store_of_todays_format() {
    for format in ["format-1", "format-2", "format-3"] {
        let folder = tempfile::tempdir().unwrap();
        let old = format!("{}/tests/stores/{format}/data.mdb", env!("CARGO_MANIFEST_DIR"));
        std::fs::copy(old, folder.path().join("data.mdb")).unwrap();
        let engram = Engram::open(folder.path()).unwrap();
        // A few at a time, so that they are not packed.
        for note in notes("zanzibar", 0) {
            engram.remember(&note).unwrap();
            engram.forget(&note.id).unwrap();
        }
        for note in notes("ordinary", 0) {
            engram.remember(&note).unwrap();
        }
        engram.consolidate().unwrap();
        assert_erased(folder.path(), 1);
    }
}

#[test]
fn by_mending_damaged_pages() {
    const PAGE: usize = 4096;
    let (folder, engram) = fresh();
    let root = folder.path().join("store");
    forget_some(&engram, 0);
    engram.consolidate().unwrap();
    drop(engram);
    let path = root.join("data.mdb");
    let sound = std::fs::read(&path).unwrap();
    assert!(holds(&path, b"zanzibar"));
    // The page of a term, which is derived: its entries begin where no page ends.
    let is_damage = (2..sound.len() / PAGE).any(|page| {
        let mut broken = sound.clone();
        let place = page * PAGE..(page + 1) * PAGE;
        if !sound[place.clone()].windows(8).any(|window| window == b"ordinari") {
            return false;
        }
        broken[place.start + 12..place.start + 16].copy_from_slice(&[0xff; 4]);
        std::fs::write(&path, &broken).unwrap();
        matches!(OpenOptions::new().check_pages(true).open(&root), Err(Error::Damaged { .. }))
    });
    assert!(is_damage);
    OpenOptions::new().rebuild(&root).unwrap();
    assert_erased(&root, 1);
}
