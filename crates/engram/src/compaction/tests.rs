//! Files of which LMDB has lost pages.
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
