//! Files of which LMDB has lost pages, and what lies in files between what they hold.
#![cfg(unix)]

use std::os::unix::fs::FileExt;

use super::*;
use crate::memory::NewMemory;

/// Takes a page off the list of free pages, as LMDB itself can lose one.
fn lose_a_page(folder: &Path) {
    let file = File::options().read(true).write(true).open(folder.join(DATA_FILE)).unwrap();
    let Contents::Sound(header) = Header::read(&file).unwrap() else { panic!("the file is sound") };
    let number = |at: u64| {
        let mut bytes = [0; 8];
        file.read_exact_at(&mut bytes, at).unwrap();
        u64::from_le_bytes(bytes)
    };
    let page = u64::from(header.page_bytes);
    // Of MDB_meta: the header of the page, 24 bytes, then the record of the free list, with its root at 40.
    let leaf = number((header.transaction & 1) * page + 16 + 24 + 40) * page;
    // Of the leaf's first entry: 8 bytes of header, 8 of key, then how many pages are listed.
    let entry = leaf + (number(leaf + 16) & 0xffff) + 16;
    let pages = number(entry);
    assert!((1..500).contains(&pages), "{pages}");
    file.write_all_at(&(pages - 1).to_le_bytes(), entry).unwrap();
}

#[test]
fn a_file_with_lost_pages_is_used_copied_and_compacted() {
    let folder = tempfile::tempdir().unwrap();
    let memory =
        |at: u32| NewMemory::new(format!("m{at}").parse().unwrap(), format!("a river of {at} bends"));
    let engram = Engram::create(folder.path().join("store")).unwrap();
    for at in 0..20 {
        engram.remember(&memory(at)).unwrap();
    }
    drop(engram);
    lose_a_page(&folder.path().join("store"));
    let engram = crate::OpenOptions::new().check_pages(true).open(folder.path().join("store")).unwrap();
    let store = engram.store().unwrap();
    assert!(matches!(
        store.environment.env.copy_to_path(folder.path().join("copy"), CompactionOption::Enabled),
        Err(heed::Error::Mdb(heed::MdbError::Incompatible))
    ));
    drop(store);
    engram.remember(&memory(20)).unwrap();
    assert_eq!(engram.verify().unwrap().problems, Vec::<String>::new());
    engram.backup(folder.path().join("backup")).unwrap();
    engram.compact().unwrap();
    for engram in [engram, Engram::open(folder.path().join("backup")).unwrap()] {
        assert_eq!(engram.stats().unwrap().memories, 21);
        assert_eq!(engram.verify().unwrap().problems, Vec::<String>::new());
    }
}

/// Whether all bytes of a file are zeros that belong to nothing in its pages.
fn is_clear(path: &Path) -> bool {
    let bytes = fs::read(path).unwrap();
    let file = File::open(path).unwrap();
    let Contents::Sound(header) = Header::read(&file).unwrap() else { panic!("the file is sound") };
    let mut is_clear = true;
    pages::for_each_unused::<Damage>(&file, &header, |unused| {
        is_clear &= bytes[unused.start as usize..unused.end as usize].iter().all(|byte| *byte == 0);
        Ok(())
    })
    .unwrap();
    is_clear
}

#[test]
fn files_that_are_written_anew_hold_nothing_between_their_entries() {
    let folder = tempfile::tempdir().unwrap();
    let memory = |at: u32| {
        let text = format!("a river of {at} bends, ").repeat(at as usize * 7 % 30 + 1);
        NewMemory::new(format!("m{at}").parse().unwrap(), text)
    };
    // Compacted, backed up, and mended.
    let root = folder.path().join("store");
    let engram = Engram::create(&root).unwrap();
    engram.remember_all((0..300).map(memory)).unwrap();
    engram.apply(&[], &(0..300).step_by(3).map(|at| memory(at).id).collect::<Vec<_>>()).unwrap();
    assert!(!is_clear(&root.join(DATA_FILE)));
    engram.compact().unwrap();
    engram.backup(folder.path().join("backup")).unwrap();
    drop(engram);
    let path = root.join("generation-1").join(DATA_FILE);
    for path in [&path, &folder.path().join("backup").join(DATA_FILE)] {
        assert!(is_clear(path), "{}", path.display());
    }
    let sound = fs::read(&path).unwrap();
    let page = (2..sound.len() / 4096).find(|page| {
        // A page of a table: its header says so, and where its entries begin.
        let flags = u16::from_le_bytes([sound[page * 4096 + 10], sound[page * 4096 + 11]]);
        let mut broken = sound.clone();
        broken[page * 4096 + 12..page * 4096 + 16].copy_from_slice(&[0xff; 4]);
        fs::write(&path, &broken).unwrap();
        flags == 2 && crate::OpenOptions::new().rebuild(&root).is_ok()
    });
    assert!(page.is_some() && is_clear(&root.join("generation-2").join(DATA_FILE)));
    assert_eq!(Engram::open(&root).unwrap().stats().unwrap().memories, 200);
    // Of an older format.
    for format in ["format-1", "format-2", "format-3"] {
        let folder = tempfile::tempdir().unwrap();
        let old = format!("{}/tests/stores/{format}/{DATA_FILE}", env!("CARGO_MANIFEST_DIR"));
        fs::copy(old, folder.path().join(DATA_FILE)).unwrap();
        Engram::open(folder.path()).unwrap().consolidate().unwrap();
        assert!(is_clear(&folder.path().join("generation-1").join(DATA_FILE)), "{format}");
    }
}
